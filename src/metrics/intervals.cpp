#include "oddity/metrics/intervals.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

#include "metrics/check.h"

namespace oddity::metrics {
namespace {

using detail::refuse;

/// log Gamma(n + 1) - [(n + 1/2) log n - n + log(2 pi) / 2] for n > 0.
double stirling_error(double n) {
  if (n < 15) {
    // Gamma(n + 1) = Gamma(n + s + 1) / ((n + 1) ... (n + s)): shift to where the series is exact to the last bit.
    double shifted = n, log_product = 0, product = 1;
    while (shifted < 15) {
      shifted += 1;
      product *= shifted;
      if (product > 1e250) {
        log_product += std::log(product);
        product = 1;
      }
    }
    log_product += std::log(product);
    const double log_gamma =
        (shifted + 0.5) * std::log(shifted) - shifted + stirling_error(shifted) - log_product;  // less log(2 pi) / 2
    return log_gamma - ((n + 0.5) * std::log(n) - n);
  }
  const double r = 1 / (n * n);
  return (1.0 / 12 -
          r * (1.0 / 360 -
               r * (1.0 / 1260 - r * (1.0 / 1680 - r * (1.0 / 1188 - r * (691.0 / 360360 - r * (1.0 / 156))))))) /
         n;
}

/// x log(x / m) + m - x without cancellation near x = m (Loader 2000); `difference` is x - m.
double deviance(double x, double m, double difference) {
  if (x == 0) {
    return m;
  }
  const double v = difference / (x + m);
  if (std::abs(v) < 0.1) {
    double sum = difference * v, term = 2 * x * v;
    for (int j = 1; j < 100; ++j) {
      term *= v * v;
      const double next = sum + term / (2 * j + 1);
      if (next == sum) {
        break;
      }
      sum = next;
    }
    return sum;
  }
  return x * std::log(x / m) - difference;
}

/// log of x^a y^b / B(a, b) with y = 1 - x given apart, because one of the two may be tiny.
double log_beta_kernel(double x, double y, double a, double b) {
  const double n = a + b;
  const double difference = x <= y ? a - n * x : n * y - b;  // of the smaller one: its rounding is the smaller one
  const double log_probability = stirling_error(n) - stirling_error(a) - stirling_error(b) -
                                 deviance(a, n * x, difference) - deviance(b, n * y, -difference) +
                                 0.5 * (std::log(n) - std::log(a) - std::log(b)) - 0.5 * std::log(2 * std::numbers::pi);
  return log_probability + std::log(a) - std::log(n) + std::log(b);
}

/// Both tails of the beta distribution as logarithms.
struct LogTails {
  double lower, upper;
};

/// log of the tail by the continued fraction, for x below the mean.
double log_lower_tail(double x, double y, double a, double b) {
  // Modified Lentz (Thompson & Barnett 1986).
  constexpr double tiny = 1e-300;
  double c = 1, d = 1 - (a + b) * x / (a + 1);
  d = 1 / (std::abs(d) < tiny ? tiny : d);
  double fraction = d;
  const double limit = 1000 + 20 * std::sqrt(std::max(a, b));
  for (double m = 1; m < limit; ++m) {
    const double even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m));
    d = 1 + even * d;
    c = 1 + even / c;
    d = 1 / (std::abs(d) < tiny ? tiny : d);
    c = std::abs(c) < tiny ? tiny : c;
    fraction *= d * c;
    const double odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1));
    d = 1 + odd * d;
    c = 1 + odd / c;
    d = 1 / (std::abs(d) < tiny ? tiny : d);
    c = std::abs(c) < tiny ? tiny : c;
    const double change = d * c;
    fraction *= change;
    if (std::abs(change - 1) < 1e-16) {
      break;
    }
  }
  return log_beta_kernel(x, y, a, b) - std::log(a) + std::log(fraction);
}

/// The same by its power series, whose terms are all positive, for b far above a and x of a few means: there the
/// continued fraction of the upper tail takes differences of numbers that agree in the first log10(b) digits.
double log_lower_tail_by_series(double x, double y, double a, double b) {
  double sum = 1, term = 1;
  for (double i = 0; term > 1e-17 * sum; ++i) {
    term *= (a + b + i) / (a + 1 + i) * x;
    sum += term;
  }
  return log_beta_kernel(x, y, a, b) - std::log(a) + std::log(sum);
}

/// Both tails for x above the mean.
LogTails tails_above_the_mean(double x, double y, double a, double b) {
  const auto complement = [](double log_p) { return log_p >= 0 ? -HUGE_VAL : std::log1p(-std::exp(log_p)); };
  if (b > 1e6 && (a + b) * x < 1e4) {
    const double lower = std::min(0.0, log_lower_tail_by_series(x, y, a, b));
    if (-std::expm1(lower) > 1 / b) {  // the rest of 1 has more digits than the continued fraction
      return {lower, complement(lower)};
    }
  }
  const double upper = std::min(0.0, log_lower_tail(y, x, b, a));
  return {complement(upper), upper};
}

LogTails beta_tails(double x, double y, double a, double b) {
  if (x > (a + 1) / (a + b + 2)) {
    return tails_above_the_mean(x, y, a, b);
  }
  const LogTails mirrored = tails_above_the_mean(y, x, b, a);
  return {mirrored.upper, mirrored.lower};
}

void require_shape(const char* function, double a, double b) {
  if (!(a > 0 && b > 0 && std::isfinite(a) && std::isfinite(b))) {
    refuse(function, "shape must be positive and finite; got a = ", a, ", b = ", b);
  }
}

/// logit of the quantile for p in (0, 1).
double logit_of_beta_quantile(double p, double a, double b) {
  // In t = logit x both log-tails are concave; x and 1 - x keep full precision at both ends.
  const bool from_below = p <= 0.5;
  const double target = from_below ? std::log(p) : std::log1p(-p);
  double low = -745, high = 745;
  double t = std::clamp(std::log(a) - std::log(b), low + 1, high - 1);
  for (int i = 0; i < 200; ++i) {
    const double x = 1 / (1 + std::exp(-t)), y = 1 / (1 + std::exp(t));
    const LogTails tails = beta_tails(x, y, a, b);
    const double value = from_below ? tails.lower : tails.upper;
    const double error = value - target;
    if (error == 0) {
      break;
    }
    ((error > 0) == from_below ? high : low) = t;
    const double slope = (from_below ? 1 : -1) * std::exp(log_beta_kernel(x, y, a, b) - value);
    double next = t - error / slope;
    if (!(next > low && next < high)) {
      next = 0.5 * (low + high);
    }
    if (std::abs(next - t) <= 1e-16 * std::max(1.0, std::abs(t))) {
      t = next;
      break;
    }
    t = next;
  }
  return t;
}

/// k events cannot be more than n trials.
void require_counts(const char* function, std::uint64_t k, std::uint64_t n, double confidence) {
  detail::require_open_unit(function, "confidence", confidence);
  if (k > n) {
    refuse(function, "k must not exceed n; got k = ", k, ", n = ", n);
  }
}

/// Tails of Beta(k, n - k + 1) at p for 0 < k <= n and 0 < p < 1: P(X >= k) and P(X < k) of X ~ Binomial(n, p).
LogTails binomial_tails(std::uint64_t k, std::uint64_t n, double p) {
  return beta_tails(p, 1 - p, double(k), double(n - k) + 1);
}

}  // namespace

double beta_cdf(double x, double a, double b) {
  detail::require_unit("beta_cdf", "x", x);
  require_shape("beta_cdf", a, b);
  if (x == 0 || x == 1) {
    return x;
  }
  return std::exp(beta_tails(x, 1 - x, a, b).lower);
}

double beta_quantile(double p, double a, double b) {
  detail::require_unit("beta_quantile", "p", p);
  require_shape("beta_quantile", a, b);
  return p == 0 || p == 1 ? p : 1 / (1 + std::exp(-logit_of_beta_quantile(p, a, b)));
}

double beta_quantile_complement(double p, double a, double b) {
  detail::require_unit("beta_quantile_complement", "p", p);
  require_shape("beta_quantile_complement", a, b);
  return p == 0 || p == 1 ? 1 - p : 1 / (1 + std::exp(logit_of_beta_quantile(p, a, b)));
}

double clopper_pearson_lower(std::uint64_t k, std::uint64_t n, double confidence) {
  require_counts("clopper_pearson_lower", k, n, confidence);
  return k == 0 ? 0.0 : beta_quantile(1 - confidence, double(k), double(n - k) + 1);
}

double clopper_pearson_upper(std::uint64_t k, std::uint64_t n, double confidence) {
  require_counts("clopper_pearson_upper", k, n, confidence);
  // By symmetry from the small tail, which is given exactly; `confidence` near 1 is not.
  return k == n ? 1.0 : beta_quantile_complement(1 - confidence, double(n - k), double(k) + 1);
}

Interval clopper_pearson(std::uint64_t k, std::uint64_t n, double confidence) {
  require_counts("clopper_pearson", k, n, confidence);
  const double tail = (1 - confidence) / 2;
  Interval interval;
  if (k > 0) {
    interval.low = beta_quantile(tail, double(k), double(n - k) + 1);
  }
  if (k < n) {
    interval.high = beta_quantile_complement(tail, double(n - k), double(k) + 1);
  }
  return interval;
}

Interval jeffreys(std::uint64_t k, std::uint64_t n, double confidence) {
  require_counts("jeffreys", k, n, confidence);
  const double tail = (1 - confidence) / 2;
  Interval interval;
  if (k > 0) {
    interval.low = beta_quantile(tail, double(k) + 0.5, double(n - k) + 0.5);
  }
  if (k < n) {
    interval.high = beta_quantile_complement(tail, double(n - k) + 0.5, double(k) + 0.5);
  }
  return interval;
}

double rule_of_three(std::uint64_t n) { return n <= 3 ? 1.0 : 3 / double(n); }

Interval wilson(std::uint64_t k, std::uint64_t n, double confidence) {
  require_counts("wilson", k, n, confidence);
  if (n == 0) {
    return {};
  }
  const double z = -normal_quantile((1 - confidence) / 2);
  const double count = double(n), p = double(k) / count;
  const double scale = 1 + z * z / count;
  const double centre = (p + z * z / (2 * count)) / scale;
  const double half = z * std::sqrt(p * (1 - p) / count + z * z / (4 * count * count)) / scale;
  // The bounds at k = 0 and k = n are 0 and 1 exactly; rounding would leave 1e-18.
  return {k == 0 ? 0.0 : std::max(0.0, centre - half), k == n ? 1.0 : std::min(1.0, centre + half)};
}

double binomial_probability(std::uint64_t k, std::uint64_t n, double p) {
  detail::require_unit("binomial_probability", "p", p);
  if (k > n) {
    return 0;
  }
  if (p == 0 || p == 1) {
    return k == (p == 0 ? 0 : n) ? 1 : 0;
  }
  const double count = double(n), x = double(k), y = double(n - k);
  if (k == 0) {
    return std::exp(count * std::log1p(-p));
  }
  if (k == n) {
    return std::exp(count * std::log(p));
  }
  const double difference = p <= 0.5 ? x - count * p : count * (1 - p) - y;
  const double log_shape = stirling_error(count) - stirling_error(x) - stirling_error(y) -
                           deviance(x, count * p, difference) - deviance(y, count * (1 - p), -difference);
  return std::exp(log_shape) * std::sqrt(count / (2 * std::numbers::pi * x * y));
}

double binomial_at_least(std::uint64_t k, std::uint64_t n, double p) {
  detail::require_unit("binomial_at_least", "p", p);
  if (k == 0 || k > n || p == 0 || p == 1) {
    return k == 0 || (k <= n && p == 1) ? 1 : 0;
  }
  return std::exp(binomial_tails(k, n, p).lower);
}

double binomial_cdf(std::uint64_t k, std::uint64_t n, double p) {
  detail::require_unit("binomial_cdf", "p", p);
  if (k >= n || p == 0 || p == 1) {
    return k >= n || p == 0 ? 1 : 0;
  }
  if (k == 0) {
    return std::exp(double(n) * std::log1p(-p));
  }
  return std::exp(binomial_tails(k + 1, n, p).upper);
}

double beta_binomial_cdf(std::int64_t k, std::int64_t n, double a, double b) {
  require_shape("beta_binomial_cdf", a, b);
  if (n < 0) {
    refuse("beta_binomial_cdf", "n must not be negative; got ", n);
  }
  if (k < 0) {
    return 0;
  }
  if (k >= n) {
    return 1;
  }
  // P(i + 1) / P(i) = (n - i)(a + i) / ((i + 1)(b + n - i - 1)). Start at the mode with an arbitrary 1, walk both ways,
  // divide by the sum: no log-gamma, whose error would grow with n.
  const double count = double(n);
  std::int64_t mode = 0;
  if (a > 1 && b > 1) {
    mode = std::clamp<std::int64_t>(std::int64_t((count + 1) * ((a - 1) / (a + b - 2))), 0, n);
  } else if (a > b) {
    mode = n;
  }
  const auto ratio = [&](std::int64_t i) {
    const double x = double(i);
    return (count - x) / (x + 1) * ((a + x) / (b + count - x - 1));
  };
  long double inside = 0, outside = 0;
  const auto add = [&](std::int64_t i, double p) { (i <= k ? inside : outside) += p; };
  double p = 1;
  for (std::int64_t i = mode; i <= n; ++i) {
    add(i, p);
    if (i < n) {
      p *= ratio(i);
    }
  }
  p = 1;
  for (std::int64_t i = mode - 1; i >= 0; --i) {
    p /= ratio(i);
    add(i, p);
  }
  return double(inside / (inside + outside));
}

double normal_quantile(double p) {
  detail::require_open_unit("normal_quantile", "p", p);
  if (p == 0.5) {
    return 0;
  }
  // Solve log Phi(x) = log q on the small tail, where erfc is accurate to the last bits; log Phi is concave, Newton
  // from the left of the root converges monotonically.
  const double q = p < 0.5 ? p : 1 - p;
  const double target = std::log(q);
  double x = -std::sqrt(-2 * target);
  for (int i = 0; i < 50; ++i) {
    const double tail = 0.5 * std::erfc(-x / std::numbers::sqrt2);
    const double density = std::exp(-0.5 * x * x) / std::sqrt(2 * std::numbers::pi);
    if (tail == 0) {
      break;
    }
    const double step = (std::log(tail) - target) * tail / density;
    x -= step;
    if (std::abs(step) <= 1e-16 * std::max(1e-3, std::abs(x))) {
      break;
    }
  }
  return p < 0.5 ? x : -x;
}

double normal_cdf(double x) {
  if (std::isnan(x)) {
    refuse("normal_cdf", "x must not be NaN");
  }
  return 0.5 * std::erfc(-x / std::numbers::sqrt2);
}

}  // namespace oddity::metrics
