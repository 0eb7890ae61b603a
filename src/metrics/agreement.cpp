#include "oddity/metrics/agreement.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "metrics/check.h"
#include "oddity/metrics/intervals.h"

namespace oddity::metrics {
namespace {

using detail::refuse;

constexpr std::size_t kMostClasses = 4096;

/// Checks ratings and returns the number of classes.
std::size_t classes_of(const char* function, const char* name, std::span<const std::int64_t> ratings,
                       std::size_t classes) {
  if (classes > kMostClasses) {
    refuse(function, "classes is out of range; got ", classes, "; expected at most ", kMostClasses);
  }
  const std::size_t most = classes == 0 ? kMostClasses : classes;
  std::int64_t largest = 0;
  for (std::size_t i = 0; i < ratings.size(); ++i) {
    if (ratings[i] < 0 || std::uint64_t(ratings[i]) >= most) {
      refuse(function, name, " is out of range; got ", ratings[i], " at index ", i, "; expected 0 to ", most - 1);
    }
    largest = std::max(largest, ratings[i]);
  }
  return std::max(classes, std::size_t(largest) + 1);
}

void require_items(const char* function, std::size_t items) {
  if (items < 2) {
    refuse(function, "at least 2 items are needed; got ", items);
  }
}

/// Standard error of a mean of n terms with this variance. Squares of less than 1e-12 are rounding: a single item that
/// differs from n - 1 others contributes about 1 / n.
double error_of(double variance, double n) { return variance < 1e-24 ? 0.0 : std::sqrt(variance / n); }

/// Fills in what follows from kappa and its errors.
void conclude(Kappa& result, double confidence) {
  const double half = -normal_quantile((1 - confidence) / 2) * result.standard_error;
  const bool known = result.standard_error > 0;
  result.low = known ? std::max(-1.0, result.kappa - half) : std::numeric_limits<double>::quiet_NaN();
  result.high = known ? std::min(1.0, result.kappa + half) : std::numeric_limits<double>::quiet_NaN();
  result.p_value = result.null_standard_error > 0 ? 2 * normal_cdf(-std::abs(result.kappa) / result.null_standard_error)
                                                  : std::numeric_limits<double>::quiet_NaN();
}

[[noreturn]] void refuse_one_class(const char* function) {
  refuse(function, "every rating is the same class; kappa is 0 / 0; expected at least two classes");
}

}  // namespace

Kappa cohen_kappa(std::span<const std::int64_t> a, std::span<const std::int64_t> b, const KappaOptions& options) {
  constexpr const char* function = "cohen_kappa";
  detail::require_open_unit(function, "confidence", options.confidence);
  detail::require_same_length(function, "a", a.size(), "b", b.size());
  require_items(function, a.size());
  const std::size_t in_a = classes_of(function, "a", a, options.classes);
  const std::size_t k = std::max(in_a, classes_of(function, "b", b, options.classes));
  std::vector<std::uint64_t> counts(k * k, 0), of_a(k, 0), of_b(k, 0);
  for (std::size_t i = 0; i < a.size(); ++i) {
    ++counts[std::size_t(a[i]) * k + std::size_t(b[i])];
    ++of_a[std::size_t(a[i])];
    ++of_b[std::size_t(b[i])];
  }
  const double n = double(a.size());
  const auto agreement = [&](std::size_t i, std::size_t j) {
    const double distance = (double(i) - double(j)) / double(k - 1);
    switch (options.weights) {
      case KappaWeights::linear:
        return 1 - std::abs(distance);
      case KappaWeights::quadratic:
        return 1 - distance * distance;
      default:
        return i == j ? 1.0 : 0.0;
    }
  };
  if (*std::max_element(of_a.begin(), of_a.end()) == a.size() && of_a == of_b) {
    refuse_one_class(function);
  }

  Kappa result;
  result.n = a.size();
  result.classes = k;
  // Mean agreement of a class of one rater with what the other says.
  std::vector<double> row(k, 0.0), column(k, 0.0);
  for (std::size_t i = 0; i < k; ++i) {
    for (std::size_t j = 0; j < k; ++j) {
      const double weight = agreement(i, j);
      row[i] += weight * double(of_b[j]) / n;
      column[j] += weight * double(of_a[i]) / n;
      result.observed += weight * double(counts[i * k + j]) / n;
      result.expected += weight * double(of_a[i]) * double(of_b[j]) / (n * n);
    }
  }
  const double beyond = 1 - result.expected;
  result.kappa = (result.observed - result.expected) / beyond;
  // Influence of an item on kappa, times 1 - expected, up to a constant; its variance without cancellation.
  const auto influence = [&](std::size_t i, std::size_t j) {
    return agreement(i, j) - (row[i] + column[j]) * (1 - result.kappa);
  };
  const double centre = result.observed - 2 * result.expected * (1 - result.kappa);
  double spread = 0, null_spread = 0;
  for (std::size_t i = 0; i < k; ++i) {
    for (std::size_t j = 0; j < k; ++j) {
      const double off_centre = influence(i, j) - centre, null = agreement(i, j) - (row[i] + column[j]);
      spread += double(counts[i * k + j]) / n * off_centre * off_centre;
      null_spread += double(of_a[i]) * double(of_b[j]) / (n * n) * null * null;
    }
  }
  result.standard_error = error_of(spread, n) / beyond;
  result.null_standard_error = std::sqrt(std::max(0.0, null_spread - result.expected * result.expected) / n) / beyond;
  conclude(result, options.confidence);
  return result;
}

Kappa fleiss_kappa(std::span<const std::int64_t> ratings, std::size_t raters, const KappaOptions& options) {
  constexpr const char* function = "fleiss_kappa";
  detail::require_open_unit(function, "confidence", options.confidence);
  if (options.weights != KappaWeights::none) {
    refuse(function, "weights must be none; use cohen_kappa for two raters of ordered classes");
  }
  if (raters < 2) {
    refuse(function, "raters must be at least 2; got ", raters);
  }
  if (ratings.size() % raters != 0) {
    refuse(function, "ratings do not fit; got ", ratings.size(), " for ", raters, " raters of each item");
  }
  const std::size_t items = ratings.size() / raters;
  require_items(function, items);
  const std::size_t k = classes_of(function, "ratings", ratings, options.classes);
  const double n = double(items), r = double(raters);

  std::vector<double> share(k, 0.0);
  for (const std::int64_t rating : ratings) {
    ++share[std::size_t(rating)];
  }
  if (*std::max_element(share.begin(), share.end()) == double(ratings.size())) {
    refuse_one_class(function);
  }
  Kappa result;
  result.n = items;
  result.raters = raters;
  result.classes = k;
  double third = 0;  // sum of pi (1 - pi) (1 - 2 pi)
  for (double& pi : share) {
    pi /= double(ratings.size());
    result.expected += pi * pi;
    third += pi * (1 - pi) * (1 - 2 * pi);
  }
  // An item's agreement: the share of ordered pairs of its raters that agree, and with the marginal shares.
  std::vector<double> agreement(items), chance(items), counts(k, 0.0);
  double all_pairs = 0;  // an integer
  for (std::size_t i = 0; i < items; ++i) {
    const auto row = ratings.subspan(i * raters, raters);
    double pairs = 0, expected = 0;
    for (const std::int64_t rating : row) {
      pairs += 2 * counts[std::size_t(rating)]++;
      expected += share[std::size_t(rating)];
    }
    for (const std::int64_t rating : row) {
      counts[std::size_t(rating)] = 0;
    }
    all_pairs += pairs;
    agreement[i] = pairs / (r * (r - 1));
    chance[i] = expected / r;
  }
  result.observed = all_pairs / (n * r * (r - 1));
  const double beyond = 1 - result.expected;
  result.kappa = (result.observed - result.expected) / beyond;
  double spread = 0;
  for (std::size_t i = 0; i < items; ++i) {
    const double influence = agreement[i] - result.observed - 2 * (1 - result.kappa) * (chance[i] - result.expected);
    spread += influence * influence;
  }
  result.standard_error = error_of(spread / (n - 1), n) / beyond;
  // Fleiss, Nee & Landis 1979, eq. 12: 2 [(sum pi q)^2 - sum pi q (q - pi)] / (n r (r - 1) (sum pi q)^2).
  result.null_standard_error = std::sqrt(2 * std::max(0.0, beyond * beyond - third) / (n * r * (r - 1))) / beyond;
  conclude(result, options.confidence);
  return result;
}

}  // namespace oddity::metrics
