#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

namespace oddity::metrics {

/// Conformal p-value of a score against the calibration scores of good parts (sorted ascending): (1 + #{c >= score}) /
/// (n + 1). Valid (P(p <= a) <= a) for parts exchangeable with the calibration parts (Vovk et al. 2005).
double conformal_p_value(double score, std::span<const double> sorted_calibration);

struct ConformalThreshold {
  double threshold = 0;         ///< reject when score > threshold
  double requested_budget = 0;  ///< overkill budget asked for
  double budget = 0;  ///< the budget that is used: the requested one, or 1 / (n + 1) when n is too small for it
  std::size_t n = 0;  ///< calibration parts
  std::size_t rank =
      0;  ///< threshold is the rank-th smallest calibration score: n + 1 - floor((n + 1) * budget), exact in integers
  std::size_t n_needed = 0;  ///< smallest n for which the requested budget is possible: ceil(1 / budget) - 1
  double beta_a = 0,
         beta_b = 0;  ///< the true overkill rate given this calibration set follows Beta(a, b) (continuous scores)
};
/// `budget` in (0, 1). Throws std::invalid_argument for an empty set, NaN, or a budget out of range.
ConformalThreshold conformal_threshold(std::span<const double> sorted_calibration, double budget);

}  // namespace oddity::metrics
