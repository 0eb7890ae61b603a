# OpenCV core, imgproc, imgcodecs as targets opencv_core, opencv_imgproc, opencv_imgcodecs. Debian keeps OpenCVConfig.cmake in libopencv-dev, which pulls
# 225 packages that nobody here uses; the three small -dev packages are found by hand.
find_package(OpenCV QUIET COMPONENTS core imgproc imgcodecs)
if(NOT OpenCV_FOUND)
  find_path(ODDITY_OPENCV_INCLUDE opencv2/imgcodecs.hpp PATH_SUFFIXES opencv4 REQUIRED)
  foreach(_module core imgproc imgcodecs)
    find_library(ODDITY_OPENCV_${_module} opencv_${_module} REQUIRED)
    add_library(opencv_${_module} SHARED IMPORTED)
    set_target_properties(opencv_${_module} PROPERTIES
      IMPORTED_LOCATION ${ODDITY_OPENCV_${_module}} INTERFACE_INCLUDE_DIRECTORIES ${ODDITY_OPENCV_INCLUDE})
  endforeach()
  set(OpenCV_LIBS opencv_core opencv_imgproc opencv_imgcodecs)
  set(OpenCV_INCLUDE_DIRS ${ODDITY_OPENCV_INCLUDE})
endif()
