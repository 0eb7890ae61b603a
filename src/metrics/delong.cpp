#include "oddity/metrics/delong.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "metrics/check.h"
#include "metrics/placements.h"
#include "oddity/metrics/intervals.h"

namespace oddity::metrics {
namespace {

constexpr double kNone = std::numeric_limits<double>::quiet_NaN();

/// Variance of the mean of the n components of one class, whose mean is known; NaN for a single one. Components are
/// multiples of 1 / (2 others): a sum of squares below 1 / (16 others^2) is rounding of components that are all equal.
template <class Component>
double variance_of_mean(std::size_t n, std::size_t others, double mean, Component component) {
  double sum = 0;
  for (std::size_t i = 0; i < n; ++i) {
    const double difference = component(i) - mean;
    sum += difference * difference;
  }
  if (n < 2) {
    return kNone;
  }
  const double rounding = 1 / (16 * double(others) * double(others));
  return sum < rounding ? 0.0 : sum / (double(n - 1) * double(n));
}

}  // namespace

DelongAuroc delong_auroc(Values scores, std::span<const std::uint8_t> labels, double confidence) {
  constexpr const char* function = "delong_auroc";
  detail::require_open_unit(function, "confidence", confidence);
  const detail::Placements shares = detail::placements(function, "scores", scores, labels);
  DelongAuroc result;
  const double value = result.value = shares.auroc;
  result.n_good = shares.good.size();
  result.n_defect = shares.defect.size();
  const double variance =
      variance_of_mean(result.n_good, result.n_defect, value, [&](std::size_t i) { return shares.good[i]; }) +
      variance_of_mean(result.n_defect, result.n_good, value, [&](std::size_t i) { return shares.defect[i]; });
  result.standard_error = std::sqrt(variance);

  const double alpha = 1 - confidence;
  const double pairs = double(std::min(result.n_good, result.n_defect));
  if (value == 1 || value == 0) {
    const double bound = std::pow(alpha / 2, 1 / pairs);
    result.low = value == 1 ? bound : 0;
    result.high = value == 1 ? 1 : 1 - bound;
  } else if (!(variance > 0)) {
    const double half = std::sqrt(std::log(2 / alpha) / (2 * pairs));
    result.low = std::max(0.0, value - half);
    result.high = std::min(1.0, value + half);
  } else {
    const double centre = std::log(value / (1 - value));
    const double half = -normal_quantile(alpha / 2) * result.standard_error / (value * (1 - value));
    result.low = 1 / (1 + std::exp(-(centre - half)));
    result.high = 1 / (1 + std::exp(-(centre + half)));
  }
  return result;
}

DelongTest delong_test(Values a, Values b, std::span<const std::uint8_t> labels, double confidence) {
  constexpr const char* function = "delong_test";
  detail::require_open_unit(function, "confidence", confidence);
  detail::require_same_length(function, "a", a.size(), "b", b.size());
  const detail::Placements of_a = detail::placements(function, "a", a, labels);
  const detail::Placements of_b = detail::placements(function, "b", b, labels);
  DelongTest result;
  result.auroc_a = of_a.auroc;
  result.auroc_b = of_b.auroc;
  result.difference = of_a.auroc - of_b.auroc;
  result.n_good = of_a.good.size();
  result.n_defect = of_a.defect.size();
  // The variance of differences of components is var a + var b - 2 cov without cancellation.
  const double variance = variance_of_mean(result.n_good, result.n_defect, result.difference,
                                           [&](std::size_t i) { return of_a.good[i] - of_b.good[i]; }) +
                          variance_of_mean(result.n_defect, result.n_good, result.difference,
                                           [&](std::size_t i) { return of_a.defect[i] - of_b.defect[i]; });
  result.standard_error = std::sqrt(variance);
  const double alpha = 1 - confidence;
  double half = 0;
  if (variance > 0) {
    result.statistic = result.difference / result.standard_error;
    result.p_value = 2 * normal_cdf(-std::abs(result.statistic));
    half = -normal_quantile(alpha / 2) * result.standard_error;
  } else {
    const double pairs = double(std::min(result.n_good, result.n_defect));
    result.statistic = kNone;
    result.p_value = std::min(1.0, 2 * std::exp(-pairs * result.difference * result.difference / 2));
    half = std::sqrt(2 * std::log(2 / alpha) / pairs);
  }
  result.low = std::max(-1.0, result.difference - half);
  result.high = std::min(1.0, result.difference + half);
  return result;
}

}  // namespace oddity::metrics
