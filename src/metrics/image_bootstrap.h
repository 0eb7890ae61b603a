#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "oddity/metrics/resampling.h"

namespace oddity::metrics::detail {

/// The ratio sum w a / sum w b over images that take part, with the bootstrap over these or their groups. A single
/// image (or group) has no spread to draw from, and none to leave out for BCa. `Options` has method, resamples,
/// confidence and seed.
template <class Options>
BootstrapResult bootstrap_of_images(const std::vector<double>& a, const std::vector<double>& b,
                                    const std::vector<std::int64_t>& groups, const Options& options) {
  const auto ratio = [&](std::span<const double> weights) {
    double sum = 0, count = 0;
    for (std::size_t i = 0; i < weights.size(); ++i) {
      sum += weights[i] * a[i];
      count += weights[i] * b[i];
    }
    return sum / count;
  };
  const bool single =
      groups.empty() ? a.size() < 2 : std::all_of(groups.begin(), groups.end(), [&](auto g) { return g == groups[0]; });
  return bootstrap_weighted(a.size(), ratio,
                            {.method = single ? BootstrapMethod::percentile : options.method,
                             .resamples = options.resamples,
                             .confidence = options.confidence,
                             .seed = options.seed,
                             .groups = groups});
}

}  // namespace oddity::metrics::detail
