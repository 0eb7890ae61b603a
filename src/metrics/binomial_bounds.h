#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "oddity/metrics/intervals.h"

/// One-sided statements about a proportion from k events in n trials.
namespace oddity::metrics::detail {

/// The p at which P(X <= k) = tail: the upper bound of Clopper & Pearson at confidence 1 - tail.
inline double binomial_upper_bound(std::uint64_t k, std::uint64_t n, double tail) {
  return k >= n ? 1.0 : beta_quantile_complement(tail, double(n - k), double(k) + 1);
}

/// The smallest n with P(X <= 0) = (1 - p)^n <= tail.
inline std::uint64_t eventless_trials_needed(double p, double tail) {
  auto n = std::uint64_t(std::max(1.0, std::floor(std::log(tail) / std::log1p(-p)) - 1));
  while (binomial_cdf(0, n, p) > tail) {
    ++n;
  }
  return n;
}

}  // namespace oddity::metrics::detail
