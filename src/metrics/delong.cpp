#include <algorithm>
#include <cmath>

#include "metrics/check.h"
#include "oddity/metrics/intervals.h"
#include "oddity/metrics/ranking.h"

namespace oddity::metrics {
namespace {

/// Sum over i of (component_i - mean)^2 where component_i is the share of `others` that sample i beats (ties count
/// half). Both lists ascend.
double spread(const std::vector<double>& samples, const std::vector<double>& others, double mean, bool larger_wins) {
  double sum = 0;
  std::size_t below = 0, not_above = 0;
  const double n = double(others.size());
  for (const double sample : samples) {
    while (below < others.size() && others[below] < sample) {
      ++below;
    }
    not_above = std::max(not_above, below);
    while (not_above < others.size() && others[not_above] <= sample) {
      ++not_above;
    }
    const double ties = double(not_above - below);
    const double beaten = larger_wins ? double(below) : n - double(not_above);
    const double difference = (beaten + 0.5 * ties) / n - mean;
    sum += difference * difference;
  }
  return sum;
}

}  // namespace

Estimate auroc_delong(std::span<const double> scores, std::span<const std::uint8_t> labels, double confidence) {
  detail::require_open_unit("auroc_delong", "confidence", confidence);
  const Ranking ranking(scores, labels);
  Estimate estimate;
  estimate.value = ranking.auroc();
  estimate.n_good = ranking.negatives();
  estimate.n_defect = ranking.positives();

  std::vector<double> good, defect;
  good.reserve(estimate.n_good);
  defect.reserve(estimate.n_defect);
  for (std::size_t i = 0; i < scores.size(); ++i) {
    (labels[i] != 0 ? defect : good).push_back(scores[i]);
  }
  std::sort(good.begin(), good.end());
  std::sort(defect.begin(), defect.end());

  const double value = estimate.value;
  const double alpha = 1 - confidence;
  const double m = double(defect.size()), n = double(good.size());
  const double pairs = std::min(m, n);
  if (value == 1 || value == 0) {
    const double bound = std::pow(alpha / 2, 1 / pairs);
    estimate.low = value == 1 ? bound : 0;
    estimate.high = value == 1 ? 1 : 1 - bound;
    return estimate;
  }
  double variance = 0;
  if (m > 1 && n > 1) {
    variance = spread(defect, good, value, true) / ((m - 1) * m) + spread(good, defect, value, false) / ((n - 1) * n);
  }
  if (!(variance > 0)) {
    const double half = std::sqrt(std::log(2 / alpha) / (2 * pairs));
    estimate.low = std::max(0.0, value - half);
    estimate.high = std::min(1.0, value + half);
    return estimate;
  }
  const double centre = std::log(value / (1 - value));
  const double half = normal_quantile(1 - alpha / 2) * std::sqrt(variance) / (value * (1 - value));
  estimate.low = 1 / (1 + std::exp(-(centre - half)));
  estimate.high = 1 / (1 + std::exp(-(centre + half)));
  return estimate;
}

}  // namespace oddity::metrics
