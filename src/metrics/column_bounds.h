#pragma once

#include <cstdint>
#include <vector>

#include "metrics/loss_columns.h"

/// The bounds of mean_bounds.h for checked columns.
namespace oddity::metrics::detail {

/// Of each column, at the confidence of its options.
std::vector<double> column_upper_bounds(const LossColumns& columns);

/// `share` is the limit over the maximum, `delta` the level that bets aim at; other p-values do not depend on it.
std::vector<double> column_p_values(const LossColumns& columns, double share, double delta);

/// The smallest n at which n losses of 0 give p <= delta.
std::uint64_t lossless_needed(double share, double delta, MeanBound bound);

}  // namespace oddity::metrics::detail
