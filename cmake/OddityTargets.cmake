# What every target of the project shares: language level, warnings, sanitisers, include roots.
include(GoogleTest)

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)

find_program(ODDITY_CCACHE ccache)
if(ODDITY_CCACHE)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${ODDITY_CCACHE})
endif()
find_program(ODDITY_MOLD mold)
if(ODDITY_MOLD)
  add_link_options(-fuse-ld=mold)
endif()

add_library(oddity_flags INTERFACE)
target_include_directories(oddity_flags INTERFACE ${PROJECT_SOURCE_DIR}/src ${PROJECT_SOURCE_DIR}/include)
target_compile_options(oddity_flags INTERFACE -Wall -Wextra -Wshadow -Wnon-virtual-dtor -Wno-missing-field-initializers)
if(ODDITY_WARNINGS_AS_ERRORS)
  target_compile_options(oddity_flags INTERFACE -Werror)
endif()
if(ODDITY_SANITIZE)
  target_compile_options(oddity_flags INTERFACE -fsanitize=${ODDITY_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  target_link_options(oddity_flags INTERFACE -fsanitize=${ODDITY_SANITIZE})
endif()

# oddity_library(<area> SOURCES ... DEPENDS ... [PRIVATE_DEPENDS ...]): static library oddity_<area>.
function(oddity_library area)
  cmake_parse_arguments(ARG "" "" "SOURCES;DEPENDS;PRIVATE_DEPENDS" ${ARGN})
  add_library(oddity_${area} STATIC ${ARG_SOURCES})
  target_link_libraries(oddity_${area} PUBLIC oddity_flags ${ARG_DEPENDS} PRIVATE ${ARG_PRIVATE_DEPENDS})
endfunction()

# oddity_test(<area> SOURCES ... DEPENDS ... [LABELS unit]): one GoogleTest program <area>_test with a ctest label.
function(oddity_test area)
  cmake_parse_arguments(ARG "" "LABEL" "SOURCES;DEPENDS" ${ARGN})
  if(NOT ARG_LABEL)
    set(ARG_LABEL unit)
  endif()
  add_executable(${area}_test ${ARG_SOURCES})
  target_link_libraries(${area}_test PRIVATE oddity_flags ${ARG_DEPENDS} GTest::gmock GTest::gtest_main)
  gtest_discover_tests(${area}_test DISCOVERY_MODE PRE_TEST DISCOVERY_TIMEOUT 120
    PROPERTIES LABELS ${ARG_LABEL} ENVIRONMENT "OMP_WAIT_POLICY=PASSIVE")
endfunction()
