#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "oddity/metrics/values.h"

namespace oddity::metrics::detail {

/// Samples of two classes with those of weight 0 left out and weights in their unit (sample_weights.h).
struct BinarySamples {
  std::vector<double> values;
  std::vector<std::uint8_t> labels;
  std::vector<double> weights;  ///< empty: 1 each
  std::size_t n_good = 0, n_defect = 0;
  double weight_good = 0, weight_defect = 0;  ///< sums as given, not in the unit
};

/// Checks lengths, labels, finiteness and weights, and that both classes are there; `name` is that of the values.
BinarySamples binary_samples(const char* function, const char* name, Values values,
                             std::span<const std::uint8_t> labels, Values weights);

/// Shifts to weighted mean 0 and scales to range 1 for the numerics of a fit: x = (value - centre) / range. The values
/// are not all equal.
struct Centring {
  double centre = 0, range = 1;
};
Centring centre(std::vector<double>& values, std::span<const double> weights);

}  // namespace oddity::metrics::detail
