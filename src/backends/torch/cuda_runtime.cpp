#include "backends/torch/cuda_runtime.h"

#include <dlfcn.h>

#include <mutex>

#include "core/error.h"

namespace oddity::torch_backend {

namespace {

// The two driver calls needed; their C signatures are fixed by the driver API (CUresult is an int enum, 0 = success).
using CuInit = int (*)(unsigned int);
using CuDeviceGetCount = int (*)(int*);

int count_devices() {
  // The driver stays loaded on purpose: unloading it after cuInit is not supported.
  void* driver = dlopen("libcuda.so.1", RTLD_NOW | RTLD_LOCAL);
  if (driver == nullptr) {
    return 0;
  }
  const auto init = reinterpret_cast<CuInit>(dlsym(driver, "cuInit"));
  const auto count = reinterpret_cast<CuDeviceGetCount>(dlsym(driver, "cuDeviceGetCount"));
  int devices = 0;
  if (init == nullptr || count == nullptr || init(0) != 0 || count(&devices) != 0) {
    return 0;
  }
  return devices;
}

}  // namespace

int cuda_device_count() {
  static const int devices = count_devices();
  return devices;
}

bool cuda_available() { return cuda_device_count() > 0; }

void load_cuda(int index) {
  const int devices = cuda_device_count();
  if (devices == 0) {
    fail<DeviceError>(
        "[torch_backend.load_cuda] no CUDA device: the driver (libcuda.so.1) is absent or reports none; use device "
        "'cpu'");
  }
  if (index < 0 || index >= devices) {
    fail<DeviceError>("[torch_backend.load_cuda] no such CUDA device; got {}; expected 0 to {}", index, devices - 1);
  }
  static std::mutex mutex;
  static bool loaded = false;
  const std::lock_guard lock(mutex);
  if (loaded) {
    return;
  }
  // Found through the rpath of this program, which holds the folder of libtorch_cpu.so. Its initialisers register the
  // CUDA kernels with the dispatcher, hence RTLD_GLOBAL and no dlclose.
  if (dlopen("libtorch_cuda.so", RTLD_NOW | RTLD_GLOBAL) == nullptr) {
    const char* reason = dlerror();
    fail<DeviceError>("[torch_backend.load_cuda] LibTorch's CUDA library does not load: {}",
                      reason == nullptr ? "unknown reason" : reason);
  }
  loaded = true;
}

}  // namespace oddity::torch_backend
