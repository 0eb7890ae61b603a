#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace oddity::metrics {

/// Conformal p-value of a score against the calibration scores of good parts (sorted ascending): (1 + #{c >= score}) /
/// (n + 1). Valid (P(p <= a) <= a) for parts exchangeable with the calibration parts (Vovk et al. 2005). O(log n): the
/// order of the calibration scores is not checked. Throws std::invalid_argument for a NaN score, an empty calibration
/// set or one that begins or ends with NaN.
double conformal_p_value(double score, std::span<const double> sorted_calibration);

/// The p-value of every score; checks once that the calibration scores ascend and hold no NaN.
std::vector<double> conformal_p_values(std::span<const double> scores, std::span<const double> sorted_calibration);

struct ConformalThreshold {
  double threshold = 0;         ///< reject when score > threshold; the same as p-value <= budget
  double requested_budget = 0;  ///< overkill budget asked for
  double budget = 0;  ///< the budget that is used: the requested one, or 1 / (n + 1) when n is too small for it
  std::size_t n = 0;  ///< calibration parts
  std::size_t rank =
      0;  ///< threshold is the rank-th smallest calibration score: n + 1 - floor((n + 1) * budget), exact in integers
  std::size_t n_needed = 0;  ///< smallest n for which the requested budget is possible: ceil(1 / budget) - 1
  double beta_a = 0,
         beta_b = 0;  ///< the true overkill rate given this calibration set follows Beta(a, b) (continuous scores)
};
/// `budget` in (0, 1). Throws std::invalid_argument for an empty set, NaN, scores that do not ascend, or a budget out
/// of range.
ConformalThreshold conformal_threshold(std::span<const double> sorted_calibration, double budget);

/// A budget as the simplest fraction that is the same double: 0.18 is 9/50, 1.0 / 3 is 1/3.
struct Fraction {
  std::uint64_t numerator = 0, denominator = 1;
};
/// Walks the continued fraction of `value` in (0, 1) and returns the first convergent that rounds to the same double,
/// so that floor(100 * 0.29) is 29 and not the 28 of floating point. Throws std::invalid_argument for a value that
/// would need a denominator above 2^62 (below about 1e-18).
Fraction simplest_fraction(double value);
/// floor(count * fraction) in exact integers.
std::uint64_t floor_of_product(std::uint64_t count, Fraction fraction);

}  // namespace oddity::metrics
