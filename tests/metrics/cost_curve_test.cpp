#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "oddity/metrics/cost_curve.h"
#include "oddity/metrics/decision_thresholds.h"
#include "tests/metrics/message_of.h"

namespace oddity::metrics {
namespace {

using testing::message_of;

/// The largest float32 below a float32.
double below(double x) { return double(std::nextafter(float(x), -HUGE_VALF)); }

TEST(CostCurve, ByHand) {
  // Defect 4, good 3, defect 2, good 1: the ROC curve is its own hull.
  const CostCurve curve = cost_curve(std::vector<double>{4, 3, 2, 1}, std::vector<std::uint8_t>{1, 0, 1, 0});
  ASSERT_EQ(curve.lines.size(), 4U);
  EXPECT_EQ(curve.lines[0].threshold, std::numeric_limits<double>::infinity());
  EXPECT_EQ(curve.lines[1].threshold, below(4));
  EXPECT_EQ(curve.lines[2].threshold, below(2));
  EXPECT_EQ(curve.lines[3].threshold, below(1));
  EXPECT_EQ(curve.lines[1].escape, 0.5);
  EXPECT_EQ(curve.lines[1].overkill, 0);
  // Corners: escape 1 -> 0.5 at no overkill: x = 0; 0.5 against overkill 0.5: x = 0.5; then x = 1.
  EXPECT_EQ(curve.probability_cost, (std::vector<double>{0, 0, 0.5, 1, 1}));
  EXPECT_EQ(curve.cost, (std::vector<double>{0, 0, 0.25, 0, 0}));
  EXPECT_DOUBLE_EQ(curve.area, 0.125);
  EXPECT_DOUBLE_EQ(normalized_cost(curve, 0.25), 0.125);
  EXPECT_EQ(curve.n_good, 2U);
  // Separated classes cost nothing; a useless score costs what accepting or rejecting everything costs.
  EXPECT_EQ(cost_curve(std::vector<double>{4, 1}, std::vector<std::uint8_t>{1, 0}).area, 0);
  const CostCurve useless = cost_curve(std::vector<double>{1, 1, 1}, std::vector<std::uint8_t>{1, 0, 0});
  EXPECT_EQ(useless.lines.size(), 2U);
  EXPECT_DOUBLE_EQ(useless.area, 0.25);
}

TEST(CostCurve, EnvelopeIsTheLeastOverAllThresholds) {
  std::mt19937_64 random(1);
  std::normal_distribution<double> normal;
  for (int i = 0; i < 60; ++i) {
    std::vector<double> scores;
    std::vector<std::uint8_t> labels;
    for (int j = 0; j < 5 + i; ++j) {
      labels.push_back(j % 3 == 0);
      const double score = normal(random) + (labels.back() != 0 ? 1 : 0);
      scores.push_back(i % 2 == 0 ? std::round(2 * score) / 2 : score);
    }
    const CostCurve curve = cost_curve(scores, labels);
    double area = 0, before = 0;
    constexpr int steps = 400;
    for (int k = 0; k <= steps; ++k) {
      const double x = double(k) / steps;
      double least = std::min(x, 1 - x);
      for (const double threshold : scores) {
        const LineRates rates = rates_at(scores, labels, {threshold, threshold});
        least = std::min(least, rates.accepted_defects * x + rates.rejected_good * (1 - x));
      }
      EXPECT_NEAR(normalized_cost(curve, x), least, 1e-12);
      area += k > 0 ? 0.5 * (least + before) / steps : 0;
      before = least;
    }
    EXPECT_NEAR(curve.area, area, 1e-4);  // the trapezoids cut corners
    for (std::size_t k = 0; k < curve.lines.size(); ++k) {
      EXPECT_LE(curve.lines[k].first, curve.lines[k].last);
      EXPECT_NEAR(normalized_cost(curve, curve.probability_cost[k]), curve.cost[k], 1e-12);
    }
  }
}

TEST(CostCurve, GivesTheCostOfTheBestTwoWayLine) {
  std::mt19937_64 random(2);
  std::normal_distribution<double> normal;
  std::vector<float> scores;
  std::vector<std::uint8_t> labels;
  for (int j = 0; j < 500; ++j) {
    labels.push_back(j % 5 == 0);
    scores.push_back(float(normal(random)) + (labels.back() != 0 ? 1.5F : 0.0F));
  }
  const CostCurve curve = cost_curve(scores, labels);
  CostModel model;
  model.check_ratio = 0.3;
  model.check_detection = 0.8;
  model.cost_recalled_escape = 5;
  model.cost_undetected_escape = 40;
  model.cost_rework = 2;
  model.cost_overkill = 3;
  model.cost_inspection = 0.5;
  for (const double prevalence : {0.001, 0.05, 0.4}) {
    const double D = escape_cost(model) + 0.15 - 2, G = 3 - 0.15;
    const double x = probability_cost(model, prevalence);
    EXPECT_DOUBLE_EQ(x, prevalence * D / (prevalence * D + (1 - prevalence) * G));
    const Thresholds best = best_thresholds(scores, labels, model, Actions::two_way, prevalence);
    const double cost = line_cost(model, rates_at(scores, labels, best, prevalence)).total;
    const double right = prevalence * 2 + (1 - prevalence) * 0.15;  // every decision right
    EXPECT_NEAR(cost, right + normalized_cost(curve, x) * (prevalence * D + (1 - prevalence) * G), 1e-12);
  }
}

TEST(CostCurve, RefusesBadInput) {
  EXPECT_EQ(message_of([] {
              cost_curve(std::vector<double>{1, NAN}, std::vector<std::uint8_t>{0, 1});
            }),
            "[metrics.cost_curve] scores must be finite; got NaN at index 1");
  EXPECT_EQ(message_of([] {
              cost_curve(std::vector<double>{1, 2}, std::vector<std::uint8_t>{0, 0});
            }),
            "[metrics.cost_curve] labels must hold good parts and defects; got 2 good and 0 defective parts");
  EXPECT_EQ(message_of([] { normalized_cost({}, 0.5); }),
            "[metrics.normalized_cost] curve is empty; expected at least one value");
  const CostCurve curve = cost_curve(std::vector<double>{4, 1}, std::vector<std::uint8_t>{1, 0});
  EXPECT_EQ(message_of([&] { normalized_cost(curve, 1.5); }),
            "[metrics.normalized_cost] probability_cost is out of range; got 1.5; expected a value in [0, 1]");
  CostModel model;
  EXPECT_EQ(
      message_of([&] { probability_cost(model, 0.5); }),
      "[metrics.probability_cost] errors must not be cheaper than right decisions; got an escape that costs 0 and an "
      "overkill that costs 0 more, at prevalence 0.5");
  model.cost_rework = 3;
  EXPECT_EQ(message_of([&] { probability_cost(model, 0.5); }),
            "[metrics.probability_cost] errors must not be cheaper than right decisions; got an escape that costs -3 "
            "and an overkill that costs 0 more, at prevalence 0.5");
}

}  // namespace
}  // namespace oddity::metrics
