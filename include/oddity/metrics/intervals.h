#pragma once

#include <cstddef>
#include <cstdint>

/// Intervals of proportions and the distributions behind them. All functions throw std::invalid_argument for NaN and
/// for arguments out of the stated range.
namespace oddity::metrics {

struct Interval {
  double low = 0, high = 1;
};

/// Exact two-sided Clopper-Pearson interval of a proportion. n = 0 gives [0, 1]. Throws std::invalid_argument for k > n
/// or confidence outside (0, 1).
Interval clopper_pearson(std::uint64_t k, std::uint64_t n, double confidence = 0.95);
/// Wilson's score interval (1927); closer to the nominal confidence on average, not guaranteed. n = 0 gives [0, 1].
Interval wilson(std::uint64_t k, std::uint64_t n, double confidence = 0.95);

/// Regularised incomplete beta I_x(a, b) for x in [0, 1], a, b > 0 and finite, to 1e-12 relative. Continued fraction
/// (DiDonato & Morris 1992, eq. 9) with Loader's saddle-point form of the prefactor, which keeps its accuracy at large
/// a and b.
double beta_cdf(double x, double a, double b);
/// Its inverse in x for p in [0, 1]: Newton steps on log I over logit x inside a bracket; to 1e-12 relative.
double beta_quantile(double p, double a, double b);
/// P(X <= k) for X ~ BetaBinomial(n; a, b); 0 for k < 0 and 1 for k >= n. Exact sum over the ratios of neighbouring
/// probabilities, O(n).
double beta_binomial_cdf(std::int64_t k, std::int64_t n, double a, double b);
/// Standard normal quantile of p in (0, 1).
double normal_quantile(double p);

}  // namespace oddity::metrics
