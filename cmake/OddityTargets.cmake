# What every target of the project shares: language level, warnings, sanitisers, compiler cache, linker, include roots.
include(GoogleTest)

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set_property(GLOBAL PROPERTY USE_FOLDERS ON)

# One cache for all clones of a user: with a base directory ccache rewrites paths below the checkout to relative ones, so that the same file in another
# clone, or in another build folder of the same depth, is a hit.
find_program(ODDITY_CCACHE ccache)
if(ODDITY_CCACHE AND PROJECT_IS_TOP_LEVEL)
  set(_launcher ${CMAKE_COMMAND} -E env CCACHE_BASEDIR=${PROJECT_SOURCE_DIR} CCACHE_NOHASHDIR=1 ${ODDITY_CCACHE})
  set(CMAKE_CXX_COMPILER_LAUNCHER ${_launcher})
  set(CMAKE_CUDA_COMPILER_LAUNCHER ${_launcher})
endif()
# mold before 2 can start the RELRO segment inside a page (seen with 1.10): the loader then refuses the program.
find_program(ODDITY_MOLD mold)
if(ODDITY_MOLD)
  execute_process(COMMAND ${ODDITY_MOLD} --version OUTPUT_VARIABLE _mold)
  string(REGEX MATCH "[0-9]+" _mold "${_mold}")
endif()
if(ODDITY_MOLD AND _mold GREATER_EQUAL 2 AND PROJECT_IS_TOP_LEVEL AND CMAKE_CXX_COMPILER_ID STREQUAL GNU)
  add_link_options(-fuse-ld=mold)
endif()

add_library(oddity_flags INTERFACE)
target_include_directories(oddity_flags INTERFACE ${PROJECT_SOURCE_DIR}/src ${PROJECT_SOURCE_DIR}/include)
set(_cxx $<COMPILE_LANGUAGE:C,CXX>)
set(_cuda $<COMPILE_LANGUAGE:CUDA>)
target_compile_options(oddity_flags INTERFACE
  $<${_cxx}:-Wall> $<${_cxx}:-Wextra> $<${_cxx}:-Wshadow> $<$<COMPILE_LANGUAGE:CXX>:-Wnon-virtual-dtor>
  # -Wno-restrict: GCC bug 105651, false alarms on std::string
  $<${_cxx}:-Wno-missing-field-initializers> $<${_cxx}:-Wno-restrict>
  $<${_cuda}:-Xcompiler=-Wall,-Wextra> $<${_cuda}:--expt-relaxed-constexpr>)
if(ODDITY_WARNINGS_AS_ERRORS)
  target_compile_options(oddity_flags INTERFACE $<${_cxx}:-Werror> $<${_cuda}:-Xcompiler=-Werror> $<${_cuda}:-Werror=all-warnings>)
endif()
if(ODDITY_SANITIZE)
  target_compile_options(oddity_flags INTERFACE
    $<${_cxx}:-fsanitize=${ODDITY_SANITIZE}> $<${_cxx}:-fno-omit-frame-pointer> $<${_cxx}:-fno-sanitize-recover=all>)
  target_link_options(oddity_flags INTERFACE -fsanitize=${ODDITY_SANITIZE})
endif()

# The folder in which tools/setup keeps what all clones of a user share.
function(oddity_user_cache out)
  if(NOT "$ENV{ODDITY_CACHE}" STREQUAL "")
    set(${out} $ENV{ODDITY_CACHE} PARENT_SCOPE)
  elseif(NOT "$ENV{XDG_CACHE_HOME}" STREQUAL "")
    set(${out} $ENV{XDG_CACHE_HOME}/oddity PARENT_SCOPE)
  else()
    set(${out} $ENV{HOME}/.cache/oddity PARENT_SCOPE)
  endif()
endfunction()

# oddity_library(<area> SOURCES ... DEPENDS ... [PRIVATE_DEPENDS ...] [CUDA_SOURCES x.cu ...])
# Static library oddity_<area>, alias oddity::<area>. For each x.cu the build takes x.cu with CUDA and x_nocuda.cpp, which must exist, without.
function(oddity_library area)
  cmake_parse_arguments(ARG "" "" "SOURCES;DEPENDS;PRIVATE_DEPENDS;CUDA_SOURCES" ${ARGN})
  # Header-only libraries used in .cpp files only are nobody's business after the build.
  list(TRANSFORM ARG_PRIVATE_DEPENDS REPLACE "^(nlohmann_json::nlohmann_json|Eigen3::Eigen)$" "$<BUILD_INTERFACE:\\1>")
  add_library(oddity_${area} STATIC ${ARG_SOURCES})
  add_library(oddity::${area} ALIAS oddity_${area})
  set_target_properties(oddity_${area} PROPERTIES EXPORT_NAME ${area})
  target_link_libraries(oddity_${area} PUBLIC $<BUILD_INTERFACE:oddity_flags> ${ARG_DEPENDS} PRIVATE ${ARG_PRIVATE_DEPENDS})
  if(ARG_CUDA_SOURCES)
    oddity_cuda_sources(oddity_${area} ${ARG_CUDA_SOURCES})
  endif()
endfunction()

# oddity_test(<area> SOURCES ... DEPENDS ... [LABEL unit]): one GoogleTest program <area>_test with a ctest label.
function(oddity_test area)
  cmake_parse_arguments(ARG "" "LABEL" "SOURCES;DEPENDS" ${ARGN})
  if(NOT ARG_LABEL)
    set(ARG_LABEL unit)
  endif()
  add_executable(${area}_test ${ARG_SOURCES})
  target_include_directories(${area}_test PRIVATE ${PROJECT_SOURCE_DIR})  # "tests/core/warning_guard.h"
  target_link_libraries(${area}_test PRIVATE oddity_flags ${ARG_DEPENDS} GTest::gmock GTest::gtest_main)
  gtest_discover_tests(${area}_test DISCOVERY_MODE PRE_TEST DISCOVERY_TIMEOUT 120
    PROPERTIES LABELS ${ARG_LABEL} ENVIRONMENT "OMP_WAIT_POLICY=PASSIVE")
endfunction()
