#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "oddity/metrics/values.h"

namespace oddity::metrics::detail {

/// The distinct scores, ascending, with what lies at each: ties become one entry, so that no later step can depend on
/// the order of equal scores. Samples of weight 0 are left out.
struct ScoreGroups {
  std::vector<double> score;
  std::vector<double> weight;  ///< sum of weights; without weights the count, exact
  std::vector<double> events;  ///< the part of it with label 1
};
/// Lengths, labels and finiteness are checked by the caller; at least one weight is above 0.
ScoreGroups score_groups(Values scores, std::span<const std::uint8_t> labels, Values weights = {});

}  // namespace oddity::metrics::detail
