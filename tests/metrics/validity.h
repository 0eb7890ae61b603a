#pragma once

#include <cmath>
#include <cstddef>
#include <iostream>
#include <random>
#include <string>

#include <gtest/gtest.h>

#include "oddity/metrics/intervals.h"

/// What the validity tests share. A check fails when its outcome would have a probability below kSignificance if the
/// guarantee held; every test also runs a wrong variant, which must fail the same check.
namespace oddity::metrics::testing {

inline constexpr double kSignificance = 1e-6;

/// P(X >= k) for X ~ Binomial(n, p).
inline double binomial_upper_tail(std::size_t k, std::size_t n, double p) {
  return k == 0 ? 1 : beta_cdf(p, double(k), double(n - k) + 1);
}

/// Whether `k` events in `n` independent trials contradict "probability at most p".
inline bool exceeds(std::size_t k, std::size_t n, double p) { return binomial_upper_tail(k, n, p) < kSignificance; }
/// The same, and says what it saw.
inline bool exceeds(const std::string& what, std::size_t k, std::size_t n, double p) {
  const bool too_many = exceeds(k, n, p);
  std::cout << "    " << what << ": " << n << " draws, rate " << double(k) / double(n) << ", bound " << p
            << (too_many ? " EXCEEDED" : " held") << "\n";
  ::testing::Test::RecordProperty(what, std::to_string(double(k) / double(n)));
  return too_many;
}

/// Whether the mean of independent values is above `bound` by more than 5 standard errors.
inline bool mean_exceeds(const std::string& what, double sum, double sum_of_squares, std::size_t n, double bound) {
  const double mean = sum / double(n);
  const double error = std::sqrt(std::max(0.0, sum_of_squares / double(n) - mean * mean) / double(n));
  const bool above = mean > bound + 5 * error;
  std::cout << "    " << what << ": " << n << " draws, mean " << mean << " +- " << error << ", bound " << bound
            << (above ? " EXCEEDED" : " held") << "\n";
  ::testing::Test::RecordProperty(what, std::to_string(mean));
  return above;
}

inline double normal(std::mt19937_64& random) { return std::normal_distribution<double>()(random); }
inline double uniform(std::mt19937_64& random) { return std::uniform_real_distribution<double>()(random); }

}  // namespace oddity::metrics::testing
