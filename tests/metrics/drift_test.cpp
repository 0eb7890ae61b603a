#include <algorithm>
#include <cmath>
#include <random>
#include <stdexcept>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "core/random.h"
#include "oddity/metrics/cusum.h"
#include "oddity/metrics/martingales.h"
#include "oddity/metrics/online_p_values.h"
#include "tests/metrics/message_of.h"

namespace oddity::metrics {
namespace {

using testing::message_of;

std::vector<double> stream_of(int pattern, std::size_t n) {
  std::mt19937_64 random(unsigned(pattern) + 1);
  std::normal_distribution<double> normal;
  std::vector<double> scores(n);
  for (std::size_t i = 0; i < n; ++i) {
    const double drawn = normal(random);
    scores[i] = pattern == 0   ? drawn
                : pattern == 1 ? double(i)                        // always the largest
                : pattern == 2 ? -double(i)                       // always the smallest
                : pattern == 3 ? std::round(drawn * 4)            // many ties, -0 and 0 among them
                : pattern == 4 ? 7.0                              // only ties
                               : double((i * 7919) % 4096) / 64;  // float32 too, every value twice or more
  }
  return scores;
}

TEST(OnlinePValues, FollowTheirDefinition) {
  for (int pattern = 0; pattern < 6; ++pattern) {
    const auto scores = stream_of(pattern, 9000);
    OnlinePValues online(77);
    std::vector<double> sorted;
    for (std::size_t t = 0; t < scores.size(); ++t) {
      const auto low = std::lower_bound(sorted.begin(), sorted.end(), scores[t]);
      const auto high = std::upper_bound(low, sorted.end(), scores[t]);
      const double u = 1 - RandomStream(77, "online p-values", t).uniform();
      const double expected = (double(sorted.end() - high) + u * (1 + double(high - low))) / (double(t) + 1);
      const double p = online.add(scores[t]);
      ASSERT_EQ(p, expected) << pattern << " " << t;
      ASSERT_TRUE(p > 0 && p <= 1);
      sorted.insert(high, scores[t]);
    }
    EXPECT_EQ(online.size(), scores.size());
    const auto state = online.state();
    EXPECT_TRUE(std::is_sorted(state.scores.begin(), state.scores.end()));
    std::size_t at = 0;
    for (std::size_t i = 0; i < state.scores.size(); ++i) {
      for (std::uint64_t c = 0; c < state.counts[i]; ++c) {
        ASSERT_EQ(state.scores[i], sorted[at++]);
      }
    }
    EXPECT_EQ(at, sorted.size());
  }
}

TEST(OnlinePValues, DoNotDependOnBatchesPrimingOrRestoring) {
  for (int pattern = 0; pattern < 6; ++pattern) {
    const auto scores = stream_of(pattern, 5000);
    OnlinePValues whole(3);
    const auto all = whole.add(Values(scores));
    OnlinePValues pieces(3);
    pieces.prime(Values(scores).subspan(0, 900));
    EXPECT_EQ(pieces.size(), 900U);
    auto second = pieces.add(Values(scores).subspan(900, 1));
    OnlinePValues restored(pieces.state());
    const auto third = restored.add(Values(scores).subspan(901, 4099));
    second.insert(second.end(), third.begin(), third.end());
    EXPECT_TRUE(std::equal(second.begin(), second.end(), all.begin() + 900)) << pattern;
    EXPECT_EQ(restored.state().scores, whole.state().scores);
    EXPECT_EQ(restored.state().counts, whole.state().counts);
  }
  const auto scores = stream_of(5, 700);
  const std::vector<float> narrow(scores.begin(), scores.end());
  EXPECT_EQ(OnlinePValues(1).add(Values(narrow)), OnlinePValues(1).add(Values(scores)));
  EXPECT_NE(OnlinePValues(1).add(Values(narrow)), OnlinePValues(2).add(Values(scores)));
  EXPECT_TRUE(OnlinePValues().add(std::vector<double>()).empty());
}

TEST(OnlinePValues, RefuseBadInput) {
  OnlinePValues online;
  EXPECT_EQ(message_of([&] { online.add(NAN); }), "[metrics.OnlinePValues.add] score must be finite; got NaN");
  EXPECT_EQ(message_of([&] {
              online.add(std::vector<double>{1, INFINITY});
            }),
            "[metrics.OnlinePValues.add] scores must be finite; got infinity at index 1");
  EXPECT_EQ(message_of([&] { online.prime(std::vector<float>{-INFINITY}); }),
            "[metrics.OnlinePValues.prime] scores must be finite; got -infinity at index 0");
  EXPECT_EQ(online.size(), 0U);
  EXPECT_EQ(message_of([] {
              OnlinePValues({1, {1, 1}, {1, 1}});
            }),
            "[metrics.OnlinePValues] scores of the state must ascend strictly; got 1 before 1 at index 1");
  EXPECT_EQ(message_of([] {
              OnlinePValues({1, {1, 2}, {1}});
            }),
            "[metrics.OnlinePValues] scores of the state and counts differ in length; got 2 and 1");
  EXPECT_EQ(message_of([] {
              OnlinePValues({1, {1, 2}, {1, 0}});
            }),
            "[metrics.OnlinePValues] counts of the state must be above 0; got 0 at index 1");
  EXPECT_EQ(message_of([] {
              OnlinePValues({1, {NAN}, {1}});
            }),
            "[metrics.OnlinePValues] scores of the state must be finite; got NaN at index 0");
}

TEST(Cusum, IsPagesRecursionAndTheBestRatio) {
  std::mt19937_64 random(6);
  std::uniform_real_distribution<double> uniform;
  PowerMartingale martingale(0.6);
  Cusum cusum(8);
  std::vector<double> path{0};
  double page = 0;
  std::size_t since = 0, alarms = 0;
  for (std::size_t n = 1; n <= 3000; ++n) {
    const double before = path.back();
    path.push_back(martingale.bet(std::pow(1 - uniform(random), 1.2)));
    const double statistic = cusum.add(path.back());
    page = std::max(0.0, page) + path.back() - before;
    const double smallest = *std::min_element(path.begin() + std::ptrdiff_t(since), path.end() - 1);
    ASSERT_EQ(statistic, path.back() - smallest) << n;
    ASSERT_NEAR(statistic, page, 1e-10) << n;
    if (page >= std::log(8)) {
      page = 0;
      since = n;
      ++alarms;
      ASSERT_EQ(cusum.state().latest_alarm, n);
    }
    ASSERT_EQ(cusum.state().alarms, alarms);
  }
  EXPECT_GT(alarms, 10U);
  EXPECT_EQ(cusum.state().steps, 3000U);
  // In one piece, and from a state in the middle.
  const Values log_capital = Values(path).subspan(1, 3000);
  Cusum again(8), first(8);
  const auto all = again.add(log_capital);
  first.add(log_capital.subspan(0, 1700));
  Cusum later(first.state());
  const auto rest = later.add(log_capital.subspan(1700, 1300));
  EXPECT_TRUE(std::equal(rest.begin(), rest.end(), all.begin() + 1700));
  EXPECT_EQ(later.state().alarms, alarms);
  EXPECT_EQ(all.back(), cusum.state().statistic);
}

TEST(Cusum, FindsALateChangeSoonerThanTheMartingale) {
  // 20000 good parts, then scores one standard deviation larger.
  auto scores = stream_of(0, 22000);
  for (std::size_t i = 20000; i < scores.size(); ++i) {
    scores[i] += 1;
  }
  JumperMartingale jumper;
  PowerMartingale power;
  const auto p = OnlinePValues(9).add(Values(scores));
  const auto jumps = jumper.bet(Values(p)), powers = power.bet(Values(p));
  Cusum with_jumper(1e6), with_power(1e6);
  const auto a = with_jumper.add(Values(jumps)), b = with_power.add(Values(powers));
  const auto first = [](const std::vector<double>& path, double level) {
    return std::find_if(path.begin(), path.end(), [&](double x) { return x >= level; }) - path.begin();
  };
  EXPECT_GT(first(a, std::log(1e6)), 20000);
  EXPECT_LT(first(a, std::log(1e6)), 20200);
  EXPECT_GT(first(b, std::log(1e6)), 20000);
  EXPECT_LT(first(b, std::log(1e6)), 20200);
  // The martingales have to win back first what 20000 steps have cost.
  EXPECT_GT(first(jumps, std::log(100)), 20400);
  EXPECT_FALSE(has_alarm(power.capital(), 0.01));
}

TEST(Cusum, RefusesBadInput) {
  for (const double bad : {0.5, 0.0, double(NAN), double(INFINITY)}) {
    EXPECT_THROW(Cusum{bad}, std::invalid_argument) << bad;
  }
  EXPECT_EQ(message_of([] { Cusum(0.5); }),
            "[metrics.Cusum] average_run_length is out of range; got 0.5; expected a finite value of at least 1");
  Cusum cusum(10);
  EXPECT_EQ(message_of([&] { cusum.add(NAN); }), "[metrics.Cusum.add] log_capital must be finite; got NaN");
  EXPECT_EQ(message_of([&] {
              cusum.add(std::vector<double>{1, -INFINITY});
            }),
            "[metrics.Cusum.add] log_capital must be finite; got -infinity at index 1");
  EXPECT_EQ(cusum.state().steps, 0U);
  EXPECT_EQ(message_of([] {
              Cusum({10, 0, 0, 0, 5, 1, 6});
            }),
            "[metrics.Cusum] state is not possible; got log capital 0, minimum 0, statistic 0, 1 alarms, the latest at "
            "step 6 of 5");
  EXPECT_THROW(Cusum({10, NAN, 0, 0, 5, 0, 0}), std::invalid_argument);
}

}  // namespace
}  // namespace oddity::metrics
