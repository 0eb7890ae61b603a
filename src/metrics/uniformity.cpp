#include "oddity/metrics/uniformity.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <vector>

#include "metrics/check.h"

namespace oddity::metrics {
namespace {

using detail::refuse;

/// A square matrix times 10^exponent.
struct Scaled {
  std::vector<double> values;
  int exponent = 0;
};

Scaled multiply(const Scaled& a, const Scaled& b, std::size_t m) {
  Scaled c{std::vector<double>(m * m, 0.0), a.exponent + b.exponent};
  for (std::size_t i = 0; i < m; ++i) {
    for (std::size_t k = 0; k < m; ++k) {
      const double factor = a.values[i * m + k];
      for (std::size_t j = 0; j < m; ++j) {
        c.values[i * m + j] += factor * b.values[k * m + j];
      }
    }
  }
  if (c.values[(m / 2) * m + m / 2] > 1e140) {
    for (double& value : c.values) {
      value *= 1e-140;
    }
    c.exponent += 140;
  }
  return c;
}

/// P(D_n < d), Marsaglia, Tsang & Wang 2003.
double exact_cdf(std::size_t n, double d) {
  const double count = double(n);
  const auto k = std::size_t(count * d) + 1;
  const std::size_t m = 2 * k - 1;
  const double h = double(k) - count * d;
  Scaled base{std::vector<double>(m * m, 0.0), 0};
  const auto at = [&](std::size_t i, std::size_t j) -> double& { return base.values[i * m + j]; };
  for (std::size_t i = 0; i < m; ++i) {
    for (std::size_t j = 0; j < std::min(i + 2, m); ++j) {
      at(i, j) = 1;
    }
  }
  for (std::size_t i = 0; i < m; ++i) {
    at(i, 0) -= std::pow(h, double(i + 1));
    at(m - 1, i) -= std::pow(h, double(m - i));
  }
  at(m - 1, 0) += h > 0.5 ? std::pow(2 * h - 1, double(m)) : 0;
  for (std::size_t i = 0; i < m; ++i) {
    for (std::size_t j = 0; j < std::min(i + 2, m); ++j) {
      for (std::size_t factor = 2; factor <= i + 1 - j; ++factor) {
        at(i, j) /= double(factor);
      }
    }
  }

  Scaled power{std::vector<double>(m * m, 0.0), 0};
  for (std::size_t i = 0; i < m; ++i) {
    power.values[i * m + i] = 1;
  }
  for (std::size_t rest = n; rest > 0;) {
    if (rest % 2 == 1) {
      power = multiply(power, base, m);
    }
    rest /= 2;
    if (rest > 0) {
      base = multiply(base, base, m);
    }
  }
  // times n! / n^n
  double value = power.values[(k - 1) * m + k - 1];
  int exponent = power.exponent;
  for (std::size_t i = 1; i <= n; ++i) {
    value *= double(i) / count;
    if (value < 1e-140) {
      value *= 1e140;
      exponent -= 140;
    }
  }
  return value * std::pow(10.0, exponent);
}

/// P(D+_n >= d), Birnbaum & Tingey 1951; all terms are positive.
double one_sided_tail(std::size_t n, double d) {
  const double count = double(n);
  double sum = 0, log_binomial = 0;
  for (std::size_t j = 0; double(j) < count * (1 - d); ++j) {
    const double x = double(j) / count;
    sum += std::exp(log_binomial + (count - double(j)) * std::log1p(-d - x) + (double(j) - 1) * std::log(d + x));
    log_binomial += std::log(count - double(j)) - std::log(double(j) + 1);
  }
  return std::min(1.0, d * sum);
}

/// P(K >= x) of Kolmogorov's limit distribution.
double limit_tail(double x) {
  if (x < 1) {
    double sum = 0;
    for (int k = 1; k < 20; k += 2) {
      sum += std::exp(-double(k * k) * std::numbers::pi * std::numbers::pi / (8 * x * x));
    }
    return 1 - std::sqrt(2 * std::numbers::pi) / x * sum;
  }
  double sum = 0;
  for (int k = 1; k < 20; ++k) {
    sum += (k % 2 == 1 ? 2 : -2) * std::exp(-2.0 * k * k * x * x);
  }
  return sum;
}

}  // namespace

double kolmogorov_smirnov_p_value(std::size_t n, double d) {
  constexpr const char* function = "kolmogorov_smirnov_p_value";
  if (n == 0) {
    refuse(function, "n must be at least 1; got 0");
  }
  detail::require_unit(function, "d", d);
  const double count = double(n);
  if (d * count <= 0.5) {
    return 1;  // the smallest distance possible is 1 / (2 n)
  }
  if (d == 1) {
    return 0;
  }
  if (count * d * d > 4) {
    return std::min(1.0, 2 * one_sided_tail(n, d));
  }
  if (n <= 2000) {
    return std::clamp(1 - exact_cdf(n, d), 0.0, 1.0);
  }
  const double root = std::sqrt(count);
  return std::clamp(limit_tail(root * d + 1 / (6 * root) + (root * d - 1) / (4 * count)), 0.0, 1.0);
}

UniformityTest uniformity_test(std::span<const double> values) {
  constexpr const char* function = "uniformity_test";
  if (values.empty()) {
    refuse(function, "there are no values; expected at least one");
  }
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (!(values[i] >= 0 && values[i] <= 1)) {
      refuse(function, "values must lie in [0, 1]; got ", values[i], " at index ", i);
    }
  }
  std::vector<double> sorted(values.begin(), values.end());
  std::sort(sorted.begin(), sorted.end());
  UniformityTest test;
  test.n = sorted.size();
  const double n = double(test.n);
  for (std::size_t i = 0; i < sorted.size(); ++i) {
    test.statistic = std::max({test.statistic, double(i + 1) / n - sorted[i], sorted[i] - double(i) / n});
  }
  test.p_value = kolmogorov_smirnov_p_value(test.n, test.statistic);
  return test;
}

}  // namespace oddity::metrics
