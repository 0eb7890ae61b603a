#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "oddity/metrics/values.h"

namespace oddity::metrics::detail {

/// DeLong's structural components, each class in the order of its samples: for a defect the share of good parts below
/// it, for a good part the share of defects above it (equal scores count half). Both have mean AUROC.
struct Placements {
  std::vector<double> good, defect;
  double auroc = 0;
};
/// Checks scores and labels as the headers state, with messages of `function`; `name` is that of the scores.
Placements placements(const char* function, const char* name, Values scores, std::span<const std::uint8_t> labels);

/// Checks that labels are 0 or 1, one for each score, and that both occur. Returns the number of defects.
std::size_t require_two_classes(const char* function, const char* name, std::size_t scores,
                                std::span<const std::uint8_t> labels);

}  // namespace oddity::metrics::detail
