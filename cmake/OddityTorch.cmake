# Imported target oddity_torch: LibTorch from the PyPI wheel, found through ODDITY_TORCH_ROOT (the folder that holds include/ and lib/),
# else TORCH_ROOT of the per-user cache, else the Python on PATH. The wheel's own TorchConfig.cmake demands a CUDA toolkit even for CPU builds and rewrites global
# CUDA settings, so the target is written by hand; libtorch_cuda is opened at run time when a GPU is present (src/backends/torch/cuda_runtime.cpp).
set(ODDITY_TORCH_VERSION 2.11.0)

if(NOT ODDITY_TORCH_ROOT)
  if(DEFINED ENV{ODDITY_CACHE})
    set(_cache $ENV{ODDITY_CACHE})
  elseif(DEFINED ENV{XDG_CACHE_HOME})
    set(_cache $ENV{XDG_CACHE_HOME}/oddity)
  else()
    set(_cache $ENV{HOME}/.cache/oddity)
  endif()
  set(_pythons ${_cache}/torch-${ODDITY_TORCH_VERSION}/bin/python3)
  if(DEFINED Torch_DIR)
    get_filename_component(ODDITY_TORCH_ROOT ${Torch_DIR}/../../.. ABSOLUTE)
  else()
    foreach(_python ${_pythons} python3)
      execute_process(COMMAND ${_python} -c
        "import importlib.util as u, importlib.metadata as m, os; s = u.find_spec('torch'); print(os.path.dirname(s.origin), m.version('torch').split('+')[0])"
        OUTPUT_VARIABLE _found RESULT_VARIABLE _rc ERROR_QUIET OUTPUT_STRIP_TRAILING_WHITESPACE)
      if(_rc EQUAL 0 AND _found MATCHES "^(.+) ${ODDITY_TORCH_VERSION}$")
        set(ODDITY_TORCH_ROOT ${CMAKE_MATCH_1})
        break()
      endif()
    endforeach()
  endif()
  set(ODDITY_TORCH_ROOT ${ODDITY_TORCH_ROOT} CACHE PATH "Folder of LibTorch ${ODDITY_TORCH_VERSION} (holds include/ and lib/)" FORCE)
endif()
if(NOT EXISTS ${ODDITY_TORCH_ROOT}/lib/libtorch_cpu.so)
  message(FATAL_ERROR "LibTorch ${ODDITY_TORCH_VERSION} not found (ODDITY_TORCH_ROOT='${ODDITY_TORCH_ROOT}'). Run `make setup`, or pass -DODDITY_TORCH_ROOT=<site-packages/torch>.")
endif()
message(STATUS "LibTorch: ${ODDITY_TORCH_ROOT}")

add_library(oddity_torch INTERFACE)
target_include_directories(oddity_torch SYSTEM INTERFACE
  ${ODDITY_TORCH_ROOT}/include ${ODDITY_TORCH_ROOT}/include/torch/csrc/api/include)
target_compile_definitions(oddity_torch INTERFACE _GLIBCXX_USE_CXX11_ABI=1)
target_link_libraries(oddity_torch INTERFACE ${ODDITY_TORCH_ROOT}/lib/libtorch_cpu.so ${ODDITY_TORCH_ROOT}/lib/libc10.so)
# The wheel's libraries find their own neighbours by rpath at run time; the linker need not.
target_link_options(oddity_torch INTERFACE -Wl,--allow-shlib-undefined -Wl,-rpath,${ODDITY_TORCH_ROOT}/lib)
