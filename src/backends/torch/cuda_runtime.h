#pragma once

#include <string>

namespace oddity::torch_backend {

/// Number of CUDA devices by the driver alone: 0 without a driver. Does not load LibTorch's CUDA half.
int cuda_device_count();

/// Loads LibTorch's CUDA half (once per process; it costs seconds and hundreds of MB, so CPU runs never pay it).
/// Throws DeviceError with the reason when there is no driver, no device `index`, or the library does not load.
void load_cuda(int index);

/// True when load_cuda(0) would find a device.
bool cuda_available();

}  // namespace oddity::torch_backend
