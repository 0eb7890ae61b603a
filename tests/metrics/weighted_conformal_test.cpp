#include "oddity/metrics/weighted_conformal.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <random>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "oddity/metrics/conformal_quantile.h"
#include "tests/metrics/refuses.h"

namespace oddity::metrics {
namespace {

using testing::message;

using ::testing::ElementsAre;

constexpr double kInfinity = std::numeric_limits<double>::infinity();
using List = std::vector<double>;

TEST(WeightedConformal, equal_weights_are_the_split_threshold_bit_for_bit) {
  std::mt19937_64 random(1);
  std::normal_distribution<double> normal;
  for (std::size_t n = 1; n <= 300; n += n < 160 ? 1 : 7) {
    List scores;
    for (std::size_t i = 0; i < n; ++i) {
      scores.push_back(n % 3 == 0 ? std::round(normal(random)) : normal(random));
    }
    for (const double weight : {1.0, 0.1, 3e200, 7e-300}) {
      const WeightedCalibration calibration(scores, List(n, weight));
      ASSERT_DOUBLE_EQ(calibration.effective_sample_size(), double(n));
      for (int percent = 1; percent <= 99; ++percent) {
        const double alpha = double(percent) / 100;
        const double split = conformal_quantile(scores, alpha).threshold;
        ASSERT_EQ(calibration.thresholds(alpha, List{weight}).thresholds[0], split) << n << " " << alpha;
      }
    }
  }
}

TEST(WeightedConformal, is_the_weighted_quantile_with_mass_at_infinity) {
  // Integer weights in hundredths of alpha: the definition in exact integers.
  std::mt19937 random(2);
  for (int round = 0; round < 2000; ++round) {
    const std::size_t n = 1 + random() % 30;
    List scores, weights, test_weights;
    for (std::size_t i = 0; i < n; ++i) {
      scores.push_back(double(random() % 12));
      weights.push_back(double(random() % 9));
    }
    weights[random() % n] += 1;
    for (int i = 0; i < 4; ++i) {
      test_weights.push_back(double(random() % 12));
    }
    const int percent = int(1 + random() % 99);
    // Largest weight and masses are whole numbers times a power of two when all are divided by a power of two.
    const double largest = *std::max_element(weights.begin(), weights.end());
    if (largest != 1 && largest != 2 && largest != 4 && largest != 8) {
      continue;
    }
    const WeightedCalibration calibration(scores, weights);
    const auto result = calibration.thresholds(double(percent) / 100, test_weights);
    std::uint64_t infinite = 0;
    for (std::size_t t = 0; t < test_weights.size(); ++t) {
      const double total = std::accumulate(weights.begin(), weights.end(), test_weights[t]);
      double expected = kInfinity;
      for (double candidate = 11; candidate >= 0; --candidate) {
        double mass = 0;
        for (std::size_t i = 0; i < n; ++i) {
          mass += scores[i] <= candidate ? weights[i] : 0;
        }
        const bool present = std::find(scores.begin(), scores.end(), candidate) != scores.end();
        if (100 * mass >= (100 - percent) * total && present) {
          expected = candidate;
        }
      }
      ASSERT_EQ(result.thresholds[t], expected);
      infinite += std::isinf(expected);
      ASSERT_EQ(std::isinf(expected), test_weights[t] > result.largest_test_weight * (1 + 1e-12));
    }
    ASSERT_EQ(result.infinite, infinite);
  }
}

TEST(WeightedConformal, effective_sample_size) {
  EXPECT_DOUBLE_EQ(WeightedCalibration(List{1, 2, 3}, List{1, 1, 0}).effective_sample_size(), 2);
  EXPECT_DOUBLE_EQ(WeightedCalibration(List{1, 2, 3}, List{1, 2, 3}).effective_sample_size(), 36.0 / 14);
  EXPECT_DOUBLE_EQ(WeightedCalibration(List{1, 2}, List{1e300, 1e300}).effective_sample_size(), 2);
  EXPECT_DOUBLE_EQ(WeightedCalibration(List{1, 2}, List{1e-300, 3e-300}).effective_sample_size(), 1.6);
  EXPECT_EQ(WeightedCalibration(List{1, 2, 3}, List{1, 2, 3}).n(), 3U);
}

TEST(WeightedConformal, order_and_float_type_do_not_matter) {
  std::mt19937 random(3);
  List scores, weights, other_scores, other_weights;
  std::vector<float> narrow;
  std::vector<std::size_t> order(400);
  std::iota(order.begin(), order.end(), 0);
  for (std::size_t i = 0; i < 400; ++i) {
    scores.push_back(double(random() % 50));
    narrow.push_back(float(scores.back()));
    weights.push_back(double(1 + random() % 1000) / 777);
  }
  std::shuffle(order.begin(), order.end(), random);
  for (const std::size_t i : order) {
    other_scores.push_back(scores[i]);
    other_weights.push_back(weights[i]);
  }
  const List test{0.5, 1, 3, 0, 1e12, 1e300};
  const auto expected = WeightedCalibration(scores, weights).thresholds(0.1, test).thresholds;
  EXPECT_EQ(WeightedCalibration(other_scores, other_weights).thresholds(0.1, test).thresholds, expected);
  EXPECT_EQ(WeightedCalibration(narrow, weights).thresholds(0.1, test).thresholds, expected);
  EXPECT_EQ(expected[4], kInfinity);
  EXPECT_EQ(expected[5], kInfinity);
}

TEST(WeightedConformal, refuses_bad_input_with_a_sentence) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const auto make = [](List scores, List weights) { return [=] { WeightedCalibration(scores, weights); }; };
  EXPECT_THAT(make({}, {}), message("[metrics.weighted_calibration] scores is empty"));
  EXPECT_THAT(make({1, 2}, {1}), message("scores and weights differ in length; got 2 and 1"));
  EXPECT_THAT(make({1, 2}, {}), message("scores and weights differ in length; got 2 and 0"));
  EXPECT_THAT(make({nan}, {1}), message("scores must be finite; got NaN"));
  EXPECT_THAT(make({1}, {nan}), message("weights must be finite; got NaN"));
  EXPECT_THAT(make({1, 2}, {1, -1}), message("weights must not be negative; got -1 at index 1"));
  EXPECT_THAT(make({1, 2}, {0, 0}), message("weights must not all be zero"));
  const WeightedCalibration good(List{1, 2}, List{1, 2});
  EXPECT_THAT([&] { good.thresholds(0, List{1}); },
              message("[metrics.weighted_thresholds] alpha is out of range; got 0"));
  EXPECT_THAT([&] { good.thresholds(0.1, List{}); }, message("test_weights is empty"));
  EXPECT_THAT(
      [&] {
        good.thresholds(0.1, List{1, -2});
      },
      message("test_weights must not be negative; got -2 at index 1"));
  EXPECT_THAT([&] { good.thresholds(0.1, List{kInfinity}); }, message("test_weights must be finite; got infinity"));
}

}  // namespace
}  // namespace oddity::metrics
