#include "oddity/metrics/weighted_conformal.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "metrics/check.h"
#include "oddity/metrics/conformal.h"

namespace oddity::metrics {

WeightedThresholds weighted_conformal_thresholds(Values scores, Values weights, Values test_weights, double alpha) {
  constexpr const char* function = "weighted_conformal_thresholds";
  detail::require_open_unit(function, "alpha", alpha);
  detail::require_not_empty(function, "scores", scores.size());
  detail::require_not_empty(function, "weights", weights.size());
  detail::require_not_empty(function, "test_weights", test_weights.size());
  detail::require_finite(function, "scores", scores);
  detail::require_weights(function, weights, scores.size());
  detail::require_finite(function, "test_weights", test_weights);
  std::vector<std::pair<double, double>> sorted(scores.size());
  long double squares = 0;
  for (std::size_t i = 0; i < sorted.size(); ++i) {
    sorted[i] = {scores[i], weights[i]};
    squares += static_cast<long double>(weights[i]) * weights[i];
  }
  std::sort(sorted.begin(), sorted.end());
  std::vector<long double> sums(sorted.size());
  long double sum = 0;
  for (std::size_t i = 0; i < sorted.size(); ++i) {
    sums[i] = sum += sorted[i].second;
  }
  const Fraction exact = simplest_fraction(alpha);
  const auto keep = static_cast<long double>(exact.denominator - exact.numerator);
  const auto whole = static_cast<long double>(exact.denominator);
  WeightedThresholds result;
  result.n = scores.size();
  result.effective_sample_size = double(sum * sum / squares);
  for (std::size_t t = 0; t < test_weights.size(); ++t) {
    const double weight = test_weights[t];
    if (weight < 0) {
      detail::refuse(function, "test_weights must not be negative; got ", weight, " at index ", t);
    }
    const long double needed = keep * (sum + weight);
    const auto at =
        std::partition_point(sums.begin(), sums.end(), [&](long double below) { return whole * below < needed; });
    const bool infinite = at == sums.end();
    result.thresholds.push_back(infinite ? std::numeric_limits<double>::infinity()
                                         : sorted[std::size_t(at - sums.begin())].first);
    result.infinite += infinite;
  }
  return result;
}

}  // namespace oddity::metrics
