#include "metrics/gamma_distribution.h"

#include <algorithm>
#include <cmath>

#include "oddity/metrics/intervals.h"

namespace oddity::metrics::detail {
namespace {

/// x^shape e^-x / Gamma(shape + 1), through the deviance so that large arguments keep their digits.
double log_kernel(double x, double shape) {
  if (shape < 10) {
    return shape * std::log(x) - x - std::lgamma(shape + 1);
  }
  // Stirling's series for log Gamma(shape + 1), the leading terms cancelled by hand against shape log x - x.
  const double r = 1 / (shape * shape);
  const double series =
      (1.0 / 12 - r * (1.0 / 360 - r * (1.0 / 1260 - r * (1.0 / 1680 - r * (1.0 / 1188 - r * 691.0 / 360360))))) /
      shape;
  const double u = (x - shape) / shape;
  return shape * (std::log1p(u) - u) - 0.5 * std::log(2 * std::acos(-1.0) * shape) - series;
}

}  // namespace

GammaTails gamma_tails(double x, double shape) {
  if (x <= 0) {
    return {0, 1};
  }
  const double kernel = std::exp(log_kernel(x, shape));
  const double limit = 1000 + 20 * std::sqrt(shape);
  if (x < shape + 1) {
    double term = 1, sum = 1;
    for (double k = 1; k < limit && term > 1e-17 * sum; ++k) {
      term *= x / (shape + k);
      sum += term;
    }
    const double lower = std::min(1.0, kernel * sum);
    return {lower, 1 - lower};
  }
  constexpr double tiny = 1e-300;
  double b = x + 1 - shape, c = 1 / tiny, d = 1 / (std::abs(b) < tiny ? tiny : b), fraction = d;
  for (double k = 1; k < limit; ++k) {
    const double a = -k * (k - shape);
    b += 2;
    d = a * d + b;
    c = b + a / c;
    d = 1 / (std::abs(d) < tiny ? tiny : d);
    c = std::abs(c) < tiny ? tiny : c;
    fraction *= c * d;
    if (std::abs(c * d - 1) < 1e-16) {
      break;
    }
  }
  const double upper = std::min(1.0, kernel * shape * fraction);
  return {1 - upper, upper};
}

double gamma_quantile(double p, double shape) {
  // Newton on the logarithm of the smaller tail over log x, which is close to straight; bisection where it leaves the
  // bracket. Start: Wilson and Hilferty (1931).
  const bool from_below = p <= 0.5;
  const double target = from_below ? std::log(p) : std::log1p(-p);
  const double z = normal_quantile(p), root = 1 - 1 / (9 * shape) + z / (3 * std::sqrt(shape));
  double t =
      root > 0 && shape > 0.5 ? std::log(shape) + 3 * std::log(root) : (std::log(p) + std::lgamma(shape + 1)) / shape;
  double low = std::min(t, std::log(shape)) - 1, high = std::max(t, std::log(shape)) + 1;
  const auto error_at = [&](double at, double& tail) {
    const GammaTails tails = gamma_tails(std::exp(at), shape);
    tail = from_below ? tails.lower : tails.upper;
    return from_below ? std::log(tail) - target : target - std::log(tail);
  };
  double tail = 0;
  while (error_at(low, tail) > 0) {
    low -= 2 * (high - low);
  }
  while (error_at(high, tail) < 0) {
    high += 2 * (high - low);
  }
  t = std::clamp(t, low, high);
  for (int i = 0; i < 200; ++i) {
    const double error = error_at(t, tail);
    (error > 0 ? high : low) = t;
    const double slope = std::exp(log_kernel(std::exp(t), shape) + std::log(shape)) / tail;
    double next = t - error / slope;
    if (!(next > low && next < high)) {
      next = 0.5 * (low + high);
    }
    if (std::abs(next - t) <= 1e-14 * std::max(1.0, std::abs(t)) || high - low <= 1e-15 * std::abs(t)) {
      return std::exp(next);
    }
    t = next;
  }
  return std::exp(t);
}

}  // namespace oddity::metrics::detail
