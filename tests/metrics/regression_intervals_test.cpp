#include "oddity/metrics/regression_intervals.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/metrics/refuses.h"

namespace oddity::metrics {
namespace {

using testing::message;

using ::testing::ElementsAre;

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
using List = std::vector<double>;

TEST(RegressionScores, by_hand) {
  EXPECT_THAT(residual_scores(List{1, 2, 3}, List{1.5, 0, 3}), ElementsAre(0.5, 2, 0));
  EXPECT_THAT(residual_scores(List{1, 2, 3}, List{1.5, 0, 3}, List{0.5, 4, 1}), ElementsAre(1, 0.5, 0));
  EXPECT_THAT(quantile_scores(List{0, 0, 0, 2}, List{1, 1, 1, 1}, List{3, -0.5, 0.25, 1.5}),
              ElementsAre(2, 0.5, -0.25, 0.5));
  EXPECT_THAT(residual_scores(std::vector<float>{1, 2}, List{1.5, 0}), ElementsAre(0.5, 2));
}

TEST(RegressionIntervals, by_hand) {
  const Intervals plain = residual_intervals(List{1, -4, 10}, List{2});
  EXPECT_THAT(plain.low, ElementsAre(-1, -6, 8));
  EXPECT_THAT(plain.high, ElementsAre(3, -2, 12));
  const Intervals scaled = residual_intervals(List{10, 10}, List{2, kInfinity}, List{0.5, 3});
  EXPECT_THAT(scaled.low, ElementsAre(9, -kInfinity));
  EXPECT_THAT(scaled.high, ElementsAre(11, kInfinity));
  const Intervals none = residual_intervals(List{1, 1}, List{-kInfinity, -0.5});
  EXPECT_THAT(none.low, ElementsAre(kInfinity, kInfinity));
  EXPECT_THAT(none.high, ElementsAre(-kInfinity, -kInfinity));
  const Intervals point = residual_intervals(List{1}, List{0});
  EXPECT_EQ(point.low[0], 1);
  EXPECT_EQ(point.high[0], 1);
  const Intervals quantiles = quantile_intervals(List{1, 2}, List{4, 3}, List{-1});
  EXPECT_THAT(quantiles.low, ElementsAre(2, 3));
  EXPECT_THAT(quantiles.high, ElementsAre(3, 2));  // shrunk to nothing
  const Intervals wide = quantile_intervals(List{1, 2}, List{4, 3}, List{0.5, kInfinity});
  EXPECT_THAT(wide.low, ElementsAre(0.5, -kInfinity));
  EXPECT_THAT(wide.high, ElementsAre(4.5, kInfinity));
}

TEST(RegressionIntervals, hold_the_values_within_the_threshold) {
  // Also those whose score is the threshold. Measures in steps of 0.01, where f + |y - f| is often not y.
  std::mt19937 random(7);
  const auto step = [&](int n) { return double(int(random() % unsigned(n)) - n / 2) / 100; };
  int rounding_matters = 0;
  for (int i = 0; i < 20000; ++i) {
    const double f = step(400), y = step(400), scale = i % 2 == 0 ? 1 : double(1 + random() % 50) / 100;
    const double score = residual_scores(List{f}, List{y}, List{scale})[0];
    const Intervals within = residual_intervals(List{f}, List{score}, List{scale});
    ASSERT_TRUE(within.low[0] <= y && y <= within.high[0]);
    const double plain = std::abs(y - f) / scale;
    rounding_matters += score > plain;
    ASSERT_GE(score, plain);
    ASSERT_LE(score, plain + 2e-15 * (1 + plain + std::abs(f) / scale));  // a few units in the last place of f and y
    const double low = f - std::abs(step(50)), high = f + step(50);
    const double of_quantiles = quantile_scores(List{low}, List{high}, List{y})[0];
    const Intervals around = quantile_intervals(List{low}, List{high}, List{of_quantiles});
    ASSERT_TRUE(around.low[0] <= y && y <= around.high[0]);
    ASSERT_NEAR(of_quantiles, std::max(low - y, y - high), 2e-15);
  }
  EXPECT_GT(rounding_matters, 100);
  EXPECT_GT(residual_scores(List{-1}, List{1e-17})[0], 1);  // -1 + 1 would not reach it
  EXPECT_GT(residual_scores(List{0}, List{1e-300}, List{1e300})[0], 0);
}

TEST(RegressionIntervals, of_extremes) {
  const Intervals huge = residual_intervals(List{1e308, -1e308, 0}, List{1e308});
  EXPECT_EQ(huge.high[0], kInfinity);
  EXPECT_EQ(huge.low[1], -kInfinity);
  EXPECT_EQ(huge.high[2], 1e308);
}

TEST(IntervalEvaluation, by_hand) {
  const Intervals intervals{{0, 0, 0, 2, -kInfinity, 5}, {1, 1, 1, 1, kInfinity, 5}};
  const auto result = evaluate_intervals(intervals, List{1, -0.5, 3, 1.5, 7, 5});
  EXPECT_EQ(result.coverage.n, 6U);
  EXPECT_EQ(result.coverage.covered, 3U);
  EXPECT_EQ(result.coverage.interval.low, clopper_pearson(3, 6).low);
  EXPECT_EQ(result.below, 1U);
  EXPECT_EQ(result.above, 1U);
  EXPECT_EQ(result.empty, 1U);
  EXPECT_EQ(result.infinite, 1U);
  EXPECT_EQ(result.mean_width, 0.75);
  EXPECT_TRUE(std::isnan(evaluate_intervals({{1}, {0}}, List{0.5}).mean_width));
}

TEST(RegressionIntervals, refuse_bad_input_with_a_sentence) {
  EXPECT_THAT([] { residual_scores(List{}, List{}); }, message("[metrics.residual_scores] predictions is empty"));
  EXPECT_THAT([] { residual_scores(List{1, kNan}, List{1, 1}); }, message("predictions must be finite; got NaN"));
  EXPECT_THAT([] { residual_scores(List{1}, List{kInfinity}); }, message("targets must be finite; got infinity"));
  EXPECT_THAT(
      [] {
        residual_scores(List{1}, List{1, 2});
      },
      message("targets must be one for each sample; got 2 for 1"));
  EXPECT_THAT([] { residual_scores(List{1}, List{1}, List{0}); }, message("scales must be above 0; got 0 at index 0"));
  EXPECT_THAT([] { residual_scores(List{1e308}, List{-1e308}); }, message("the score at index 0 is beyond float64"));
  EXPECT_THAT([] { residual_scores(List{1}, List{2}, List{5e-324}); }, message("beyond float64"));
  EXPECT_THAT([] { quantile_scores(List{1}, List{1, 2}, List{1}); }, message("[metrics.quantile_scores] high must be"));
  EXPECT_THAT([] { quantile_scores(List{1}, List{kNan}, List{1}); },
              message("high must be finite; got NaN at index 0"));
  EXPECT_THAT([] { residual_intervals(List{1}, List{}); }, message("thresholds must be one, or one for each sample"));
  EXPECT_THAT([] { residual_intervals(List{1}, List{kNan}); }, message("thresholds must not be NaN; got NaN"));
  EXPECT_THAT([] { residual_intervals(List{1, 2, 3}, List{1, 2}); }, message("got 2 for 3 samples"));
  EXPECT_THAT([] { residual_intervals(List{1}, List{1}, List{-1}); }, message("scales must be above 0; got -1"));
  EXPECT_THAT([] { quantile_intervals(List{}, List{}, List{1}); },
              message("[metrics.quantile_intervals] low is empty"));
  EXPECT_THAT([] { evaluate_intervals({{1}, {}}, List{1}); }, message("low and high differ in length; got 1 and 0"));
  EXPECT_THAT([] { evaluate_intervals({{kNan}, {1}}, List{1}); }, message("intervals must not be NaN; got NaN"));
  EXPECT_THAT([] { evaluate_intervals({{1}, {1}}, List{kNan}); }, message("targets must be finite"));
  EXPECT_THAT([] { evaluate_intervals({{1}, {1}}, List{1}, 0); }, message("confidence is out of range; got 0"));
}

}  // namespace
}  // namespace oddity::metrics
