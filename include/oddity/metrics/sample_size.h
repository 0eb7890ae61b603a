#pragma once

#include <cstdint>

/// How many parts a claim needs. Parts are taken as independent draws from what is to be judged; a bound is on the
/// proportion of errors (escapes among defective parts, overkill among good ones). Exact binomial sums, no normal
/// approximation. All functions throw std::invalid_argument for bound, rate, share, width, confidence or power outside
/// (0, 1), and where more than 10^12 parts would be needed.
namespace oddity::metrics {

/// Smallest n such that at most `errors_allowed` errors among n parts show an error rate of at most `bound` at this
/// confidence: P(Binomial(n, bound) <= errors_allowed) <= 1 - confidence, the same as clopper_pearson_upper(
/// errors_allowed, n, confidence) <= bound. Without an error: ceil(log(1 - confidence) / log(1 - bound)), 299 for 1 %
/// at 95 %, 2995 for 0.1 %, 29956 for 0.01 %.
std::uint64_t parts_for_bound(double bound, double confidence = 0.95, std::uint64_t errors_allowed = 0);

/// A test to plan: take `parts`, pass when at most `errors_allowed` of them are errors.
struct AcceptancePlan {
  std::uint64_t parts = 0, errors_allowed = 0;
  double confidence = 0;  ///< that is reached: 1 - P(pass) at the bound
  double power = 0;       ///< that is reached: P(pass) at the expected rate
};
/// The plan with the fewest parts that shows `bound` at `confidence` and passes with probability at least `power` when
/// the true error rate is `rate` < bound. A plan without allowed errors is the shortest, and often fails good models:
/// at a true 0.2 %, 299 parts pass 1 % with a probability of 55 % only.
AcceptancePlan acceptance_plan(double bound, double rate, double confidence = 0.95, double power = 0.9);

/// Smallest n whose two-sided Clopper-Pearson interval is at most `width` wide whatever is observed, as long as at most
/// the share `share` in (0, 0.5] of the parts are errors: the interval of share * n errors, which is the widest of
/// them. 0.5 covers every outcome. (Where share * n is no integer the continuous beta quantile stands for it, so that a
/// slightly smaller n may do.)
std::uint64_t parts_for_width(double share, double width, double confidence = 0.95);

}  // namespace oddity::metrics
