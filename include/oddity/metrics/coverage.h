#pragma once

#include <cstdint>

#include "oddity/metrics/intervals.h"

namespace oddity::metrics {

/// How many of n samples were covered, with the exact two-sided Clopper-Pearson interval of the true coverage.
struct Coverage {
  std::uint64_t n = 0, covered = 0;
  double value = 0;   ///< covered / n; NaN for n = 0
  Interval interval;  ///< [0, 1] for n = 0
};

/// Throws std::invalid_argument for covered > n or confidence outside (0, 1).
Coverage coverage_of(std::uint64_t covered, std::uint64_t n, double confidence = 0.95);

}  // namespace oddity::metrics
