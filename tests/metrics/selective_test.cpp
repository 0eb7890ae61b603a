#include <algorithm>
#include <cmath>
#include <numeric>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "oddity/metrics/ranking.h"
#include "oddity/metrics/selective.h"
#include "tests/metrics/message_of.h"

namespace oddity::metrics {
namespace {

using testing::message_of;

struct Areas {
  double aurc = 0, augrc = 0;
};

/// Sums over one order of parts; the generalised risk by trapezoids from coverage 0.
Areas areas_of(const std::vector<double>& losses_in_order) {
  Areas areas;
  double sum = 0;
  const double n = double(losses_in_order.size());
  for (std::size_t k = 0; k < losses_in_order.size(); ++k) {
    areas.augrc += (sum + losses_in_order[k] / 2) / n / n;
    sum += losses_in_order[k];
    areas.aurc += sum / double(k + 1) / n;
  }
  return areas;
}

/// Mean over all orders that the certainties allow.
Areas mean_over_orders(const std::vector<double>& certainty, const std::vector<double>& losses) {
  std::vector<std::size_t> order(losses.size());
  std::iota(order.begin(), order.end(), std::size_t(0));
  Areas mean;
  double count = 0;
  do {
    bool falls = true;
    for (std::size_t i = 1; i < order.size(); ++i) {
      falls = falls && certainty[order[i - 1]] >= certainty[order[i]];
    }
    if (falls) {
      std::vector<double> in_order;
      for (const std::size_t i : order) {
        in_order.push_back(losses[i]);
      }
      const Areas areas = areas_of(in_order);
      mean.aurc += areas.aurc;
      mean.augrc += areas.augrc;
      count += 1;
    }
  } while (std::next_permutation(order.begin(), order.end()));
  return {mean.aurc / count, mean.augrc / count};
}

TEST(Selective, TiesAreTheMeanOverTheirOrders) {
  std::mt19937_64 random(1);
  std::uniform_real_distribution<double> uniform;
  for (int i = 0; i < 40; ++i) {
    std::vector<double> certainty, losses;
    for (int j = 0; j < 7; ++j) {
      certainty.push_back(std::floor(3 * uniform(random)));
      losses.push_back(i % 2 == 0 ? double(uniform(random) < 0.4) : uniform(random));
    }
    const Areas expected = mean_over_orders(certainty, losses);
    const SelectiveRisk result = selective_risk(certainty, losses);
    EXPECT_NEAR(result.aurc.value, expected.aurc, 1e-14);
    EXPECT_NEAR(result.augrc.value, expected.augrc, 1e-14);
    std::vector<double> best = losses;
    std::sort(best.begin(), best.end());
    EXPECT_NEAR(result.excess_aurc.value, expected.aurc - areas_of(best).aurc, 1e-14);
    EXPECT_NEAR(result.risk, std::accumulate(losses.begin(), losses.end(), 0.0) / 7, 1e-15);
  }
}

TEST(Selective, GeneralizedAreaIsThatOfTheAuroc) {
  std::mt19937_64 random(2);
  std::normal_distribution<double> normal;
  for (const double grid : {0.0, 0.3}) {
    std::vector<float> certainty, losses;
    std::vector<double> wide;
    std::vector<std::uint8_t> right;
    for (int i = 0; i < 3000; ++i) {
      right.push_back(normal(random) < 0.8);
      const double c = normal(random) + (right.back() != 0 ? 0.7 : 0);
      certainty.push_back(float(grid > 0 ? std::round(c / grid) * grid : c));
      wide.push_back(double(certainty.back()));
      losses.push_back(right.back() != 0 ? 0.0F : 1.0F);
    }
    const SelectiveRisk result = selective_risk(certainty, losses);
    const double accuracy = 1 - result.risk, auroc = Ranking(std::span<const double>(wide), right).auroc();
    EXPECT_NEAR(result.augrc.value, (1 - auroc) * accuracy * (1 - accuracy) + (1 - accuracy) * (1 - accuracy) / 2,
                1e-13);
    EXPECT_EQ(result.augrc.high, selective_risk(wide, losses).augrc.high);
  }
}

TEST(Selective, ClosedFormsOfTheOrders) {
  // 10 parts, 3 lost: best order, worst order, one block.
  const std::vector<double> losses{0, 0, 0, 0, 0, 0, 0, 1, 1, 1};
  std::vector<double> certainty(10);
  std::iota(certainty.rbegin(), certainty.rend(), 0.0);
  const SelectiveRisk best = selective_risk(certainty, losses);
  EXPECT_NEAR(best.aurc.value, (1.0 / 8 + 2.0 / 9 + 3.0 / 10) / 10, 1e-15);
  EXPECT_EQ(best.excess_aurc.value, 0);
  EXPECT_EQ(best.excess_aurc.high, best.aurc.high);  // nothing is known of its spread
  EXPECT_NEAR(best.augrc.value, 0.3 * 0.3 / 2, 1e-15);
  std::iota(certainty.begin(), certainty.end(), 0.0);
  EXPECT_NEAR(selective_risk(certainty, losses).augrc.value, 0.3 * 0.7 + 0.3 * 0.3 / 2, 1e-15);
  const SelectiveRisk useless = selective_risk(std::vector<double>(10, 1.0), losses);
  EXPECT_NEAR(useless.aurc.value, 0.3, 1e-15);
  EXPECT_NEAR(useless.augrc.value, 0.15, 1e-15);
  // No loss at all: the bound is that of a rate that ten parts do not show.
  const SelectiveRisk clean = selective_risk(certainty, std::vector<double>(10, 0.0));
  const double rate = 1 - std::pow(0.025, 0.1);
  EXPECT_EQ(clean.aurc.value, 0);
  EXPECT_NEAR(clean.aurc.high, rate - rate * std::log(rate), 1e-12);
  EXPECT_NEAR(clean.augrc.high, rate * (1 - rate / 2), 1e-12);
  // Nothing but losses: the same at the other end.
  const SelectiveRisk lost = selective_risk(certainty, std::vector<double>(10, 1.0));
  EXPECT_NEAR(lost.aurc.value, 1, 1e-15);
  EXPECT_NEAR(lost.aurc.low, 1 - rate + rate * std::log(rate), 1e-12);
  EXPECT_NEAR(lost.aurc.high, 1, 1e-15);
  EXPECT_NEAR(lost.augrc.low, (1 - rate) * (1 - rate) / 2, 1e-12);
  EXPECT_NEAR(lost.augrc.high, 0.5, 1e-15);
}

/// Standard errors by leaving out one part after the other.
TEST(Selective, StandardErrorsAreThoseOfTheJackknife) {
  std::mt19937_64 random(3);
  std::uniform_real_distribution<double> uniform;
  for (const double grid : {0.0, 0.1}) {
    constexpr std::size_t n = 800;
    std::vector<double> certainty, losses;
    for (std::size_t i = 0; i < n; ++i) {
      const double u = uniform(random);
      certainty.push_back(grid > 0 ? std::floor(u / grid) : u);
      losses.push_back(uniform(random) < 0.5 - 0.4 * u ? 0.2 + 0.8 * uniform(random) : 0);
    }
    const SelectiveRisk all = selective_risk(certainty, losses);
    double sums[3] = {}, squares[3] = {};
    for (std::size_t left_out = 0; left_out < n; ++left_out) {
      std::vector<double> c = certainty, l = losses;
      c.erase(c.begin() + std::ptrdiff_t(left_out));
      l.erase(l.begin() + std::ptrdiff_t(left_out));
      const SelectiveRisk one = selective_risk(c, l);
      const double values[3] = {one.aurc.value, one.excess_aurc.value, one.augrc.value};
      for (int k = 0; k < 3; ++k) {
        sums[k] += values[k];
        squares[k] += values[k] * values[k];
      }
    }
    const double errors[3] = {all.aurc.standard_error, all.excess_aurc.standard_error, all.augrc.standard_error};
    for (int k = 0; k < 3; ++k) {
      const double mean = sums[k] / n, jackknife = std::sqrt((n - 1.0) * (squares[k] / n - mean * mean));
      EXPECT_NEAR(errors[k], jackknife, 0.02 * jackknife) << grid << " " << k;  // they differ by O(1 / n) terms
    }
  }
}

TEST(Selective, GroupsOfCopiesCountOnce) {
  std::mt19937_64 random(4);
  std::uniform_real_distribution<double> uniform;
  std::vector<double> certainty, losses, copied, copied_losses;
  std::vector<std::int64_t> groups;
  for (int i = 0; i < 200; ++i) {
    certainty.push_back(uniform(random));
    losses.push_back(uniform(random) < 0.3);
    for (int copy = 0; copy < 4; ++copy) {
      copied.push_back(certainty.back());
      copied_losses.push_back(losses.back());
      groups.push_back(-i);
    }
  }
  const SelectiveRisk single = selective_risk(certainty, losses);
  const SelectiveRisk together = selective_risk(copied, copied_losses, {}, groups);
  EXPECT_EQ(together.units, 200U);
  EXPECT_NEAR(together.augrc.value, single.augrc.value, 1e-13);
  EXPECT_NEAR(together.augrc.standard_error, single.augrc.standard_error, 1e-12);
  EXPECT_NEAR(selective_risk(copied, copied_losses).augrc.standard_error, single.augrc.standard_error / 2, 1e-4);
}

TEST(Selective, CurveHasARowForEachCertainty) {
  const std::vector<double> certainty{0.9, 0.5, 0.5, 0.1}, losses{0, 1, 0, 1};
  const auto curve = risk_coverage(certainty, losses);
  ASSERT_EQ(curve.size(), 3U);
  EXPECT_EQ(curve[1].certainty, 0.5);
  EXPECT_EQ(curve[1].coverage, 0.75);
  EXPECT_NEAR(curve[1].selective_risk, 1.0 / 3, 1e-15);
  EXPECT_EQ(curve[1].generalized_risk, 0.25);
  EXPECT_EQ(curve[2].generalized_risk, 0.5);
  std::vector<double> many(1000);
  std::iota(many.begin(), many.end(), 0.0);
  const auto thin = risk_coverage(many, std::vector<double>(1000, 0.5), 1, 11);
  ASSERT_EQ(thin.size(), 11U);
  EXPECT_EQ(thin[0].certainty, 999);
  EXPECT_EQ(thin[10].coverage, 1);
  EXPECT_EQ(risk_coverage(std::vector<double>{1}, std::vector<double>{1}).size(), 1U);
}

TEST(Selective, RefusesBadInput) {
  const std::vector<double> two{1, 2}, fine{0, 1};
  const auto call = [](const auto& c, const auto& l, SelectiveOptions options = {}, std::vector<std::int64_t> g = {}) {
    return message_of([&] { selective_risk(c, l, options, g); });
  };
  EXPECT_EQ(call(std::vector<double>{1, NAN}, fine),
            "[metrics.selective_risk] certainty must be finite; got NaN at index 1");
  EXPECT_EQ(call(two, std::vector<float>{0, 1.5F}),
            "[metrics.selective_risk] losses must be 0 or in [1e-100, largest_loss]; got 1.5 at index 1 with "
            "largest_loss 1");
  EXPECT_EQ(call(two, std::vector<double>{1e-200, 0}),
            "[metrics.selective_risk] losses must be 0 or in [1e-100, largest_loss]; got 1e-200 at "
            "index 0 with largest_loss 1");
  EXPECT_EQ(call(two, fine, {.largest_loss = 1e200}),
            "[metrics.selective_risk] largest_loss is out of range; got 1e+200; expected a value in "
            "[1e-100, 1e100]");
  EXPECT_EQ(
      call(two, std::vector<float>{0, NAN}),
      "[metrics.selective_risk] losses must be 0 or in [1e-100, largest_loss]; got nan at index 1 with largest_loss 1");
  EXPECT_EQ(call(two, std::vector<double>{-0.1, 0}),
            "[metrics.selective_risk] losses must be 0 or in [1e-100, largest_loss]; got -0.1 at index "
            "0 with largest_loss 1");
  EXPECT_EQ(call(two, std::vector<double>{0}),
            "[metrics.selective_risk] certainty and losses differ in length; got 2 and 1");
  EXPECT_EQ(call(std::vector<double>{}, std::vector<double>{}),
            "[metrics.selective_risk] certainty is empty; expected at least one value");
  EXPECT_EQ(call(std::vector<double>{1}, std::vector<double>{0}),
            "[metrics.selective_risk] certainty needs at least 2 parts; got 1");
  EXPECT_EQ(call(two, fine, {.largest_loss = 0}),
            "[metrics.selective_risk] largest_loss is out of range; got 0; expected a value in [1e-100, 1e100]");
  EXPECT_EQ(call(two, fine, {.confidence = 1}),
            "[metrics.selective_risk] confidence is out of range; got 1; expected a value in (0, 1)");
  EXPECT_EQ(call(two, fine, {}, {3, 3}), "[metrics.selective_risk] groups are too few; got 1; expected at least 2");
  EXPECT_EQ(call(two, fine, {}, {3}), "[metrics.selective_risk] groups and certainty differ in length; got 1 and 2");
  EXPECT_EQ(
      message_of([&] {
        risk_coverage(two, std::vector<double>{0, 2});
      }),
      "[metrics.risk_coverage] losses must be 0 or in [1e-100, largest_loss]; got 2 at index 1 with largest_loss 1");
  EXPECT_EQ(message_of([&] { risk_coverage(two, std::vector<double>{0, 2}, 2); }), "accepted");
}

}  // namespace
}  // namespace oddity::metrics
