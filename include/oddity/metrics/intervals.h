#pragma once

#include <cstddef>
#include <cstdint>

namespace oddity::metrics {

struct Interval {
  double low = 0, high = 1;
};

/// Exact two-sided Clopper-Pearson interval of a proportion. n = 0 gives [0, 1]. Throws std::invalid_argument for k > n
/// or confidence outside (0, 1).
Interval clopper_pearson(std::uint64_t k, std::uint64_t n, double confidence = 0.95);
Interval wilson(std::uint64_t k, std::uint64_t n, double confidence = 0.95);
/// Regularised incomplete beta I_x(a, b) and its inverse, to 1e-12 relative.
double beta_cdf(double x, double a, double b);
double beta_quantile(double p, double a, double b);
/// P(X <= k) for X ~ BetaBinomial(n; a, b).
double beta_binomial_cdf(std::int64_t k, std::int64_t n, double a, double b);
double normal_quantile(double p);

}  // namespace oddity::metrics
