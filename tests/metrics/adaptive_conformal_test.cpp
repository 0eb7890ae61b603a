#include "oddity/metrics/adaptive_conformal.h"

#include <algorithm>
#include <cmath>
#include <deque>
#include <limits>
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

TEST(AdaptiveConformal, by_hand) {
  // Nine scores, alpha = 0.2, step 0.25. Level 0.2: rank 10 - 2 = 8.
  AdaptiveConformal adaptive(List{9, 8, 7, 6, 5, 4, 3, 2, 1}, {.alpha = 0.2, .step = 0.25});
  EXPECT_EQ(adaptive.level(), 0.2);
  EXPECT_EQ(adaptive.threshold(), 8);
  EXPECT_TRUE(std::isnan(adaptive.miss_rate()));
  EXPECT_EQ(adaptive.bound(), kInfinity);
  EXPECT_FALSE(adaptive.update(8.5));  // missed: level 0.2 - 0.25 * 0.8 = 0
  EXPECT_NEAR(adaptive.level(), 0, 1e-15);
  EXPECT_EQ(adaptive.threshold(), kInfinity);
  EXPECT_TRUE(adaptive.update(1e300));  // full set; level 0.05 < 1 / 10: still infinite
  EXPECT_NEAR(adaptive.level(), 0.05, 1e-15);
  EXPECT_EQ(adaptive.threshold(), kInfinity);
  EXPECT_TRUE(adaptive.update(3));  // 0.1: rank 10 - 1
  EXPECT_EQ(adaptive.threshold(), 9);
  EXPECT_EQ(adaptive.steps(), 3U);
  EXPECT_EQ(adaptive.misses(), 1U);
  EXPECT_EQ(adaptive.miss_rate(), 1.0 / 3);
  EXPECT_DOUBLE_EQ(adaptive.bound(), (0.8 + 0.25) / (0.25 * 3));
}

TEST(AdaptiveConformal, a_level_of_one_or_more_is_the_empty_set) {
  AdaptiveConformal adaptive(List{1, 2, 3}, {.alpha = 0.5, .step = 0.25, .start = 1.0});
  EXPECT_EQ(adaptive.threshold(), -kInfinity);
  EXPECT_FALSE(adaptive.update(-1e300));
  EXPECT_EQ(adaptive.level(), 0.875);
  EXPECT_EQ(adaptive.threshold(), 1);  // rank 4 - floor(3.5)
  EXPECT_TRUE(adaptive.update(1));     // equal is within
  EXPECT_EQ(adaptive.level(), 1);
  EXPECT_EQ(adaptive.bound(), 1.25 / 0.5);
}

TEST(AdaptiveConformal, follows_its_definition_with_and_without_a_window) {
  std::mt19937_64 random(6);
  std::normal_distribution<double> normal;
  List calibration, stream;
  for (int i = 0; i < 150; ++i) {
    calibration.push_back(std::round(normal(random) * 8));  // ties
  }
  for (int i = 0; i < 2000; ++i) {
    stream.push_back(std::round(normal(random) * 8 + i / 100));
  }
  for (const std::size_t window : {0U, 1U, 60U, 150U, 400U}) {
    for (const double step : {0.005, 0.3}) {
      AdaptiveConformal adaptive(calibration, {.alpha = 0.1, .step = step, .start = 0.3, .window = window});
      AdaptiveConformal at_once = adaptive;
      const AdaptiveTrace trace = at_once.run(stream);
      std::deque<double> reference(calibration.begin(), calibration.end());
      double level = 0.3;
      for (std::size_t t = 0; t < stream.size(); ++t) {
        while (window > 0 && reference.size() > window) {
          reference.pop_front();
        }
        ASSERT_NEAR(adaptive.level(), level, 1e-12);  // the sum of 2000 steps rounds
        const double exact = adaptive.level();
        const double expected = exact <= 0 ? kInfinity
                                : exact >= 1
                                    ? -kInfinity
                                    : conformal_quantile(List(reference.begin(), reference.end()), exact).threshold;
        ASSERT_EQ(adaptive.threshold(), expected) << t;
        ASSERT_EQ(trace.levels[t], exact);
        ASSERT_EQ(trace.thresholds[t], expected);
        const bool within = adaptive.update(stream[t]);
        ASSERT_EQ(within, stream[t] <= expected);
        ASSERT_EQ(trace.missed[t], within ? 0 : 1);
        level += step * (0.1 - (within ? 0 : 1));
        if (window > 0) {
          reference.push_back(stream[t]);
        }
      }
      ASSERT_EQ(at_once.misses(), adaptive.misses());
      ASSERT_LE(std::abs(adaptive.miss_rate() - 0.1), adaptive.bound());
    }
  }
}

TEST(AdaptiveConformal, goes_on_from_its_state) {
  for (const std::size_t window : {0U, 3U}) {
    AdaptiveConformal first(List{5, 1, 4, 2, 3, 9}, {.alpha = 0.3, .step = 0.1, .start = 0.5, .window = window});
    first.run(List{2, 8, 3, 7});
    AdaptiveConformal second(first.state());
    const List rest{1, 9, 2, 2, 8, 0, 5};
    const AdaptiveTrace a = first.run(rest), b = second.run(rest);
    EXPECT_EQ(a.levels, b.levels);
    EXPECT_EQ(a.thresholds, b.thresholds);
    EXPECT_EQ(a.missed, b.missed);
    EXPECT_EQ(first.miss_rate(), second.miss_rate());
    EXPECT_EQ(first.bound(), second.bound());
  }
  const AdaptiveState good = AdaptiveConformal(List{1, 2, 3}, {.window = 2}).state();
  EXPECT_THAT(good.reference, ElementsAre(2, 3));
  const auto with = [&](auto change) {
    AdaptiveState state = good;
    change(state);
    return [=] { AdaptiveConformal{state}; };
  };
  EXPECT_THAT(with([](AdaptiveState& s) { s.misses = 1; }), message("state has more misses than steps; got 1 and 0"));
  EXPECT_THAT(with([](AdaptiveState& s) { s.reference = {1, 2, 3}; }), message("got 3 scores for a window of 2"));
  EXPECT_THAT(with([](AdaptiveState& s) { s.reference = {}; }), message("calibration_scores is empty"));
}

TEST(AdaptiveConformal, refuses_bad_input_with_a_sentence) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const auto make = [](List scores, AdaptiveOptions options) { return [=] { AdaptiveConformal(scores, options); }; };
  EXPECT_THAT(make({}, {}), message("[metrics.adaptive_conformal] calibration_scores is empty"));
  EXPECT_THAT(make({1, nan}, {}), message("calibration_scores must be finite; got NaN at index 1"));
  EXPECT_THAT(make({1}, {.alpha = 1, .step = 0.1}), message("alpha is out of range; got 1"));
  EXPECT_THAT(make({1}, {.alpha = 0.1, .step = 0}), message("step is out of range; got 0"));
  EXPECT_THAT(make({1}, {.alpha = 0.1, .step = nan}), message("step is out of range; got nan"));
  EXPECT_THAT(make({1}, {.alpha = 0.1, .step = 1, .start = -0.1}), message("start is out of range; got -0.1"));
  AdaptiveConformal adaptive(List{1, 2});
  EXPECT_THAT([&] { adaptive.update(nan); }, message("[metrics.adaptive_conformal] score must be finite; got NaN"));
  EXPECT_THAT([&] { adaptive.run(List{1, 2, kInfinity}); }, message("scores must be finite; got infinity at index 2"));
  EXPECT_EQ(adaptive.steps(), 0U);
  EXPECT_THAT(adaptive.run(List{}).levels, ElementsAre());
}

}  // namespace
}  // namespace oddity::metrics
