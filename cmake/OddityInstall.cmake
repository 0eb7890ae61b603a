# Install and export of what the line needs (component `line`, no LibTorch): libraries, headers, package files for find_package(oddity), and, when it was
# built, the command (component `command`).
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

# Until the C ABI covers everything, C++ users of the engine include the headers of the areas ("inference/engine.h"); they live apart from include/oddity
# because only the latter is under the promise of stable versions.
set(_areas core image metrics inference)
set(_area_headers ${CMAKE_INSTALL_INCLUDEDIR}/oddity/areas)
foreach(_area ${_areas})
  target_include_directories(oddity_${_area} INTERFACE
    $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}> $<INSTALL_INTERFACE:${_area_headers}>)
  target_compile_features(oddity_${_area} INTERFACE cxx_std_20)
  install(TARGETS oddity_${_area} EXPORT oddityTargets
    ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT line LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT line)
  if(NOT _area STREQUAL metrics)
    install(DIRECTORY ${PROJECT_SOURCE_DIR}/src/${_area} DESTINATION ${_area_headers} COMPONENT line FILES_MATCHING PATTERN "*.h")
  endif()
endforeach()
install(DIRECTORY ${PROJECT_SOURCE_DIR}/include/oddity DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} COMPONENT line FILES_MATCHING PATTERN "*.h")

set(_package ${CMAKE_INSTALL_LIBDIR}/cmake/oddity)
install(EXPORT oddityTargets NAMESPACE oddity:: DESTINATION ${_package} COMPONENT line)
configure_package_config_file(${CMAKE_CURRENT_LIST_DIR}/oddityConfig.cmake.in ${PROJECT_BINARY_DIR}/oddityConfig.cmake INSTALL_DESTINATION ${_package})
write_basic_package_version_file(${PROJECT_BINARY_DIR}/oddityConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/oddityConfig.cmake ${PROJECT_BINARY_DIR}/oddityConfigVersion.cmake DESTINATION ${_package} COMPONENT line)

# The command runs LibTorch in place, through the path of the wheel that it was built with: the wheel's files find one another by their places.
if(TARGET oddity_command)
  set_target_properties(oddity_command PROPERTIES INSTALL_RPATH ${ODDITY_TORCH_ROOT}/lib)
  install(TARGETS oddity_command RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR} COMPONENT command)
endif()
