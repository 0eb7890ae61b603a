#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "metrics/probability_bins.h"
#include "oddity/metrics/calibration.h"

namespace oddity::metrics::detail {

/// One class against the rest: for each column of the table the sums of its bins, with label 1 for the rows whose class
/// is that column.
std::vector<std::vector<BinSums>> class_sums(const Matrix& probabilities, std::span<const std::int64_t> classes,
                                             const CalibrationOptions& options, Values weights);

}  // namespace oddity::metrics::detail
