#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>

#include "metrics/probability_bins.h"
#include "oddity/metrics/calibration.h"

namespace oddity::metrics::detail {

/// One class against the rest: calls visit(c, sums) for each column c of the table with the sums of its bins, label 1
/// for the rows whose class is that column. In any order and from several threads.
void each_class_sums(const Matrix& probabilities, std::span<const std::int64_t> classes,
                     const CalibrationOptions& options, Values weights,
                     const std::function<void(std::size_t, std::span<const BinSums>)>& visit);

}  // namespace oddity::metrics::detail
