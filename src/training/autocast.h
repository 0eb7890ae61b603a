#pragma once

#include <ATen/core/Tensor.h>
#include <c10/core/Device.h>

namespace oddity {

/// Convolutions and matrix products of this scope run in bf16 (the dispatcher's autocast). Restores the former setting
/// and drops the cache of cast weights, which must not outlive an optimiser step.
class Autocast {
public:
  Autocast(c10::DeviceType device, bool enabled);
  ~Autocast();
  Autocast(const Autocast&) = delete;
  Autocast& operator=(const Autocast&) = delete;

private:
  c10::DeviceType device_;
  bool before_;
};

/// Whether `precision` (auto | f32 | bf16) means bf16 on this device: auto asks the processor for native bf16 products.
bool use_bf16(const std::string& precision, c10::DeviceType device);

}  // namespace oddity
