#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <vector>

#include "oddity/metrics/values.h"

/// Weights of samples matter only relative to each other: sums are taken in a unit in which powers do not overflow.
namespace oddity::metrics::detail {

/// The power of two at or below the largest weight; dividing by it keeps every digit. 1 without weights.
inline double weight_unit(Values weights) {
  double largest = 0;
  for (std::size_t i = 0; i < weights.size(); ++i) {
    largest = std::max(largest, weights[i]);
  }
  return largest > 0 ? std::ldexp(1.0, std::ilogb(largest)) : 1.0;
}

/// The weights in that unit; empty without weights.
inline std::vector<double> scaled_weights(Values weights) {
  const double unit = weight_unit(weights);
  std::vector<double> scaled(weights.size());
  for (std::size_t i = 0; i < scaled.size(); ++i) {
    scaled[i] = weights[i] / unit;
  }
  return scaled;
}

}  // namespace oddity::metrics::detail
