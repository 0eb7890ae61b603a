# Imported target oddity_torch: LibTorch from the PyPI wheel. ODDITY_TORCH_ROOT is the folder that holds its include/ and lib/; tools/find_torch finds it.
# The wheel's own TorchConfig.cmake demands a CUDA toolkit even for CPU builds and rewrites global CUDA settings, so the target is written by hand.
# libtorch_cuda is opened at run time where a GPU is present, so that CPU machines do not load it.
set(ODDITY_TORCH_VERSION 2.11.0)

if(NOT ODDITY_TORCH_ROOT OR NOT EXISTS ${ODDITY_TORCH_ROOT}/lib/libtorch_cpu.so)
  set(_hint)
  if(Torch_DIR)
    set(_hint Torch_DIR=${Torch_DIR})
  endif()
  execute_process(COMMAND ${CMAKE_COMMAND} -E env ${_hint} ${PROJECT_SOURCE_DIR}/tools/find_torch ${ODDITY_TORCH_VERSION}
    OUTPUT_VARIABLE _found ERROR_VARIABLE _why RESULT_VARIABLE _rc OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_STRIP_TRAILING_WHITESPACE)
  if(NOT _rc EQUAL 0)
    message(FATAL_ERROR "${_why}\nRun `make setup`, set Torch_DIR, or pass -DODDITY_TORCH_ROOT=<site-packages>/torch; -DODDITY_WITH_TORCH=OFF builds the rest.")
  endif()
  set(ODDITY_TORCH_ROOT ${_found} CACHE PATH "Folder of LibTorch ${ODDITY_TORCH_VERSION} (holds include/ and lib/)" FORCE)
endif()
file(STRINGS ${ODDITY_TORCH_ROOT}/include/torch/headeronly/version.h _lines REGEX "define TORCH_VERSION_(MAJOR|MINOR|PATCH) ")
string(REGEX REPLACE "#define TORCH_VERSION_[A-Z]+ ([0-9]+)" "\\1" _version "${_lines}")
string(REPLACE ";" "." _version "${_version}")
if(NOT _version STREQUAL ODDITY_TORCH_VERSION)
  message(FATAL_ERROR "ODDITY_TORCH_ROOT must hold LibTorch ${ODDITY_TORCH_VERSION}; got ${ODDITY_TORCH_ROOT} with ${_version}")
endif()
message(STATUS "LibTorch: ${ODDITY_TORCH_ROOT}")

# The wheel brings headers of its own fmt, but not the library: ours must be found before them, in a folder that holds nothing else.
get_target_property(_fmt fmt::fmt INTERFACE_INCLUDE_DIRECTORIES)
file(MAKE_DIRECTORY ${PROJECT_BINARY_DIR}/fmt_first)
file(CREATE_LINK ${_fmt}/fmt ${PROJECT_BINARY_DIR}/fmt_first/fmt SYMBOLIC)

add_library(oddity_torch INTERFACE)
target_include_directories(oddity_torch SYSTEM BEFORE INTERFACE ${PROJECT_BINARY_DIR}/fmt_first)
target_include_directories(oddity_torch SYSTEM INTERFACE
  ${ODDITY_TORCH_ROOT}/include ${ODDITY_TORCH_ROOT}/include/torch/csrc/api/include)
target_compile_definitions(oddity_torch INTERFACE _GLIBCXX_USE_CXX11_ABI=1)
target_link_libraries(oddity_torch INTERFACE ${ODDITY_TORCH_ROOT}/lib/libtorch_cpu.so ${ODDITY_TORCH_ROOT}/lib/libc10.so)
# The wheel's libraries find their own neighbours by rpath at run time; the linker need not.
target_link_options(oddity_torch INTERFACE -Wl,--allow-shlib-undefined -Wl,-rpath,${ODDITY_TORCH_ROOT}/lib)
