#include "training/autocast.h"

#include <ATen/autocast_mode.h>

namespace oddity {

Autocast::Autocast(c10::DeviceType device, bool enabled)
    : device_(device), before_(at::autocast::is_autocast_enabled(device)) {
  at::autocast::set_autocast_enabled(device_, enabled);
  at::autocast::set_autocast_dtype(device_, at::kBFloat16);
  at::autocast::increment_nesting();
}

Autocast::~Autocast() {
  if (at::autocast::decrement_nesting() == 0) {
    at::autocast::clear_cache();
  }
  at::autocast::set_autocast_enabled(device_, before_);
}

bool use_bf16(const std::string& precision, c10::DeviceType device) {
  if (precision != "auto") {
    return precision == "bf16";
  }
  return device == c10::DeviceType::CPU ? __builtin_cpu_supports("avx512bf16") != 0 : true;
}

}  // namespace oddity
