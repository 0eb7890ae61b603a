#pragma once

#include <cstdint>
#include <span>

namespace oddity::metrics {

/// An anomaly map with its ground truth. `map` and `mask` are [height * width], row-major; a mask value other than zero
/// is a defect pixel. Maps of one call may differ in size. An image without defect has a mask of zeros.
struct MapAndMask {
  std::span<const float> map;
  std::span<const std::uint8_t> mask;
  int height = 0, width = 0;
};

}  // namespace oddity::metrics
