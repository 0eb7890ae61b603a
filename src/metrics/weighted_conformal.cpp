#include "oddity/metrics/weighted_conformal.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <utility>

#include "core/threads.h"
#include "metrics/alphas.h"
#include "metrics/check.h"
#include "oddity/metrics/conformal.h"

namespace oddity::metrics {
namespace {

__extension__ typedef unsigned __int128 Wide;

constexpr double kLargestTestMass = 0x1p61;

}  // namespace

WeightedCalibration::WeightedCalibration(Values scores, Values weights) {
  constexpr const char* function = "weighted_calibration";
  detail::require_not_empty(function, "scores", scores.size());
  detail::require_finite(function, "scores", scores);
  detail::require_same_length(function, "scores", scores.size(), "weights", weights.size());
  detail::require_weights(function, weights, scores.size());
  const std::size_t n = scores.size();
  if (n > (std::uint64_t(1) << 32)) {
    detail::refuse(function, "there are too many scores; got ", n, "; expected at most 2^32");
  }
  std::vector<std::pair<double, double>> samples(n);
  for (std::size_t i = 0; i < n; ++i) {
    samples[i] = {scores[i], weights[i]};
    largest_ = std::max(largest_, weights[i]);
  }
  std::sort(samples.begin(), samples.end());
  unit_ = std::ldexp(1.0, std::min(52, 56 - int(std::bit_width(n))));
  above_.resize(n + 1);
  double squares = 0;
  for (std::size_t i = n; i-- > 0;) {
    const double share = samples[i].second / largest_;
    sum_ += share;
    squares += share * share;
    above_[i] = above_[i + 1] + std::uint64_t(std::llround(share * unit_));
  }
  effective_ = std::min(double(n), sum_ * sum_ / squares);
  scores_.reserve(n);
  for (const auto& sample : samples) {
    scores_.push_back(sample.first + 0.0);  // -0 and 0 tie: one of them, whatever the order
  }
}

std::uint64_t WeightedCalibration::test_mass(double weight) const {
  return std::uint64_t(std::min(std::ceil(weight / largest_ * unit_), kLargestTestMass));
}

WeightedThresholds WeightedCalibration::thresholds(double alpha, Values test_weights) const {
  constexpr const char* function = "weighted_thresholds";
  detail::require_alphas(function, {&alpha, 1});
  const Fraction exact = simplest_fraction(alpha);
  detail::require_not_empty(function, "test_weights", test_weights.size());
  detail::require_finite(function, "test_weights", test_weights);
  for (std::size_t i = 0; i < test_weights.size(); ++i) {
    if (test_weights[i] < 0) {
      detail::refuse(function, "test_weights must not be negative; got ", test_weights[i], " at index ", i);
    }
  }
  WeightedThresholds result;
  result.thresholds.resize(test_weights.size());
  result.largest_test_weight = alpha / (1 - alpha) * sum_ * largest_;
  const auto piece = [&](std::int64_t first, std::int64_t last) {
    for (auto i = std::size_t(first); i < std::size_t(last); ++i) {
      // Mass above the threshold, infinity included, may be alpha of all: numerator / denominator, in integers.
      const std::uint64_t at_infinity = test_mass(test_weights[i]);
      const Wide allowed = Wide(above_[0] + at_infinity) * exact.numerator;
      const auto at = std::partition_point(above_.begin() + 1, above_.end(), [&](std::uint64_t above) {
        return Wide(above + at_infinity) * exact.denominator > allowed;
      });
      const bool saturated = double(at_infinity) >= kLargestTestMass;
      result.thresholds[i] = at == above_.end() || saturated ? std::numeric_limits<double>::infinity()
                                                             : scores_[std::size_t(at - above_.begin()) - 1];
    }
  };
  thread_pool().parallel_for(0, std::int64_t(test_weights.size()), 4096, piece);
  result.infinite = std::uint64_t(std::count(result.thresholds.begin(), result.thresholds.end(), HUGE_VAL));
  return result;
}

}  // namespace oddity::metrics
