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
/// Jeffreys interval: the equal tails of Beta(k + 1/2, n - k + 1/2), with 0 as the lower end at k = 0 and 1 as the
/// upper end at k = n (Brown, Cai & DasGupta 2001). About nominal on average, not guaranteed. n = 0 gives [0, 1].
Interval jeffreys(std::uint64_t k, std::uint64_t n, double confidence = 0.95);

/// One-sided exact bounds (Clopper & Pearson 1934): P(proportion <= upper) >= confidence and P(proportion >= lower) >=
/// confidence, for every true proportion. With k = 0 the upper bound is 1 - (1 - confidence)^(1 / n). n = 0 gives 1
/// and 0. Both together hold at 2 * confidence - 1, as in `clopper_pearson`.
double clopper_pearson_upper(std::uint64_t k, std::uint64_t n, double confidence = 0.95);
double clopper_pearson_lower(std::uint64_t k, std::uint64_t n, double confidence = 0.95);
/// min(1, 3 / n): no event among n bounds the proportion at 95 % one-sided (Hanley & Lippman-Hand 1983). A little above
/// the exact clopper_pearson_upper(0, n), since -log 0.05 = 2.996. n = 0 gives 1.
double rule_of_three(std::uint64_t n);

/// P(X = k), P(X <= k) and P(X >= k) for X ~ Binomial(n, p), p in [0, 1]; relative error below 1e-11 in both tails, at
/// any n up to 2^53. P(X = k) is 0 for k > n, P(X <= k) then 1, P(X >= k) 0.
double binomial_probability(std::uint64_t k, std::uint64_t n, double p);
double binomial_cdf(std::uint64_t k, std::uint64_t n, double p);
double binomial_at_least(std::uint64_t k, std::uint64_t n, double p);

/// Regularised incomplete beta I_x(a, b) for x in [0, 1], a, b > 0 and finite, to 1e-12 relative. Continued fraction
/// (DiDonato & Morris 1992, eq. 9) with Loader's saddle-point form of the prefactor, which keeps its accuracy at large
/// a and b.
double beta_cdf(double x, double a, double b);
/// Its inverse in x for p in [0, 1]: Newton steps on log I over logit x inside a bracket; to 1e-12 relative.
double beta_quantile(double p, double a, double b);
/// 1 - beta_quantile(p, a, b), the quantile of Beta(b, a) at 1 - p, also where that is tiny or 1 - p rounds to 1.
double beta_quantile_complement(double p, double a, double b);
/// P(X <= k) for X ~ BetaBinomial(n; a, b); 0 for k < 0 and 1 for k >= n. Exact sum over the ratios of neighbouring
/// probabilities, O(n).
double beta_binomial_cdf(std::int64_t k, std::int64_t n, double a, double b);
/// Standard normal quantile of p in (0, 1).
double normal_quantile(double p);
/// P(Z <= x) of a standard normal Z, accurate in the lower tail; normal_cdf(-x) is the upper one. x may be infinite.
double normal_cdf(double x);

}  // namespace oddity::metrics
