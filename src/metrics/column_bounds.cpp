#include "metrics/column_bounds.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "core/threads.h"
#include "metrics/betting.h"
#include "metrics/binomial_bounds.h"

namespace oddity::metrics::detail {
namespace {

/// Relative entropy of a Bernoulli(a) to a Bernoulli(b), 0 <= a <= b < 1.
double relative_entropy(double a, double b) {
  const double events = a > 0 ? a * std::log(a / b) : 0.0;
  const double others = a < 1 ? (1 - a) * (std::log1p(-a) - std::log1p(-b)) : 0.0;
  return std::max(0.0, events + others);
}

/// The largest b with relative_entropy(mean, b) <= entropy, from above.
double relative_entropy_bound(double mean, double entropy) {
  if (mean == 0) {
    return -std::expm1(-entropy);
  }
  double low = mean, high = std::min(1.0, mean + std::sqrt(0.5 * entropy));  // Pinsker's inequality
  for (int i = 0; i < 60; ++i) {
    const double middle = 0.5 * (low + high);
    (middle < 1 && relative_entropy(mean, middle) <= entropy ? low : high) = middle;
  }
  return high;
}

double upper_bound_of(const LossMoments& moments, std::size_t n, double delta, MeanBound bound) {
  const double count = double(n), mean = std::min(1.0, moments.sum / count);
  const double evidence = -std::log(delta);
  switch (bound) {
    case MeanBound::hoeffding:
      return mean + std::sqrt(evidence / (2 * count));
    case MeanBound::hoeffding_bentkus:
      // min of two p-values is at most delta when one of them is.
      return std::min(relative_entropy_bound(mean, evidence / count),
                      binomial_upper_bound(std::uint64_t(std::ceil(moments.sum)), n, delta / std::numbers::e));
    case MeanBound::empirical_bernstein: {
      if (n < 2) {
        return 1;
      }
      const double both = evidence + std::numbers::ln2, variance = moments.squares / (count - 1);
      return mean + std::sqrt(2 * variance * both / count) + 7 * both / (3 * (count - 1));
    }
    case MeanBound::binomial:
      return binomial_upper_bound(std::uint64_t(moments.sum), n, delta);
    case MeanBound::betting:
      break;
  }
  return 1;
}

double p_value_of(const LossMoments& moments, std::size_t n, double limit, MeanBound bound) {
  const double count = double(n), mean = std::min(1.0, moments.sum / count);
  const double margin = std::max(0.0, limit - mean);
  switch (bound) {
    case MeanBound::hoeffding:
      return std::exp(-2 * count * margin * margin);
    case MeanBound::hoeffding_bentkus:
      return std::min({1.0, std::exp(-count * relative_entropy(std::min(mean, limit), limit)),
                       std::numbers::e * binomial_cdf(std::uint64_t(std::ceil(moments.sum)), n, limit)});
    case MeanBound::empirical_bernstein: {
      // The bound is a quadratic in sqrt(log(2 / delta)); solve bound = limit.
      if (n < 2 || margin == 0) {
        return 1;
      }
      const double half_linear = 0.5 * std::sqrt(2 * moments.squares / (count * (count - 1)));
      const double quadratic = 7 / (3 * (count - 1));
      const double root = margin / (half_linear + std::sqrt(half_linear * half_linear + quadratic * margin));
      return std::min(1.0, 2 * std::exp(-root * root));
    }
    case MeanBound::binomial:
      return binomial_cdf(std::uint64_t(moments.sum), n, limit);
    case MeanBound::betting:
      break;
  }
  return 1;
}

}  // namespace

std::vector<double> column_upper_bounds(const LossColumns& columns) {
  const MeanBoundOptions& options = columns.options();
  const double delta = 1 - options.confidence;
  std::vector<double> result(columns.settings());
  if (options.bound == MeanBound::betting) {
    result = betting_upper_bounds(columns.losses(), columns.largest(), delta, options.seed);
  } else {
    thread_pool().parallel_for(0, std::int64_t(result.size()), 16, [&](std::int64_t begin, std::int64_t end) {
      for (auto c = std::size_t(begin); c < std::size_t(end); ++c) {
        result[c] = upper_bound_of(columns.moments()[c], columns.n(), delta, options.bound);
      }
    });
  }
  for (std::size_t c = 0; c < result.size(); ++c) {
    const double mean = std::min(1.0, columns.moments()[c].sum / double(columns.n()));
    result[c] = std::clamp(result[c], mean, 1.0) * options.maximum;
  }
  return result;
}

std::vector<double> column_p_values(const LossColumns& columns, double share, double delta) {
  const MeanBoundOptions& options = columns.options();
  if (options.bound == MeanBound::betting) {
    std::vector<double> result = betting_p_values(columns.losses(), columns.largest(), share, delta, options.seed);
    for (std::size_t c = 0; c < result.size(); ++c) {
      // The capital of a lucky start would speak for a mean that the whole sample speaks against.
      result[c] = columns.moments()[c].sum >= share * double(columns.n()) ? 1.0 : result[c];
    }
    return result;
  }
  std::vector<double> result(columns.settings());
  thread_pool().parallel_for(0, std::int64_t(result.size()), 16, [&](std::int64_t begin, std::int64_t end) {
    for (auto c = std::size_t(begin); c < std::size_t(end); ++c) {
      result[c] = p_value_of(columns.moments()[c], columns.n(), share, options.bound);
    }
  });
  return result;
}

std::uint64_t lossless_needed(double share, double delta, MeanBound bound) {
  if (bound == MeanBound::binomial || bound == MeanBound::hoeffding_bentkus) {
    return eventless_trials_needed(share, delta);  // (1 - share)^n is the p-value of both
  }
  const auto is_enough = [&](std::uint64_t n) {
    return bound == MeanBound::betting ? log_lossless_capital(n, share, delta) >= -std::log(delta)
                                       : upper_bound_of({}, n, delta, bound) <= share;
  };
  std::uint64_t low = 0, high = 1;
  while (!is_enough(high)) {
    low = high;
    high *= 2;
  }
  while (high - low > 1) {
    const std::uint64_t middle = low + (high - low) / 2;
    (is_enough(middle) ? high : low) = middle;
  }
  return high;
}

}  // namespace oddity::metrics::detail
