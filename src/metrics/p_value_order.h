#pragma once

#include <cstdint>
#include <vector>

#include "oddity/metrics/values.h"

namespace oddity::metrics::detail {

/// P-values in ascending order, of equal ones the smaller index first.
struct PValueOrder {
  std::vector<double> values;
  std::vector<std::uint32_t> indices;
};

/// Refuses empty input, more than 2^32 p-values, and values outside [0, 1]. O(n).
PValueOrder order_p_values(const char* function, Values p_values);

/// Test statistics are compared with levels up to this relative difference. Conformal p-values lie on the grid
/// j / (n + 1), so that p m = level k happens in exact numbers, and rounding would then decide by chance; levels grow
/// by as little.
inline constexpr double level_slack = 4 * 2.220446049250313e-16;

}  // namespace oddity::metrics::detail
