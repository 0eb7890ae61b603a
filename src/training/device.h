#pragma once

#include <string>

#include <c10/core/Device.h>

namespace oddity {

/// "auto" (CUDA when a GPU is present, else CPU), "cpu", "cuda" or "cuda:<i>". Throws DeviceError when the device is
/// not there, InvalidArgument for other names.
c10::Device resolve_device(const std::string& name);

}  // namespace oddity
