#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <stdexcept>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "oddity/metrics/cost_model.h"
#include "oddity/metrics/sensitivity.h"
#include "tests/metrics/message_of.h"

namespace oddity::metrics {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

using testing::message_of;

CostModel random_model(std::mt19937_64& random) {
  std::uniform_real_distribution<double> u;
  return {u(random),     u(random),     20 * u(random), 60 * u(random), 5 * u(random), 6 * u(random),
          2 * u(random), 3 * u(random), u(random),      u(random),      u(random)};
}

LineRates random_rates(std::mt19937_64& random) {
  std::uniform_real_distribution<double> u;
  const double a = u(random), b = u(random);
  return {u(random), a, (1 - a) * u(random), b, (1 - b) * u(random)};
}

CostModel usual() {
  CostModel model;
  model.check_ratio = 0.2;
  model.check_detection = 0.9;
  model.cost_recalled_escape = 30;
  model.cost_undetected_escape = 200;
  model.cost_rework = 4;
  model.cost_overkill = 6;
  model.cost_operator = 0.4;
  model.cost_inspection = 0.5;
  model.operator_escape = 0.1;
  model.operator_overkill = 0.05;
  model.cost_fixed = 0.02;
  return model;
}

TEST(CostModel, ClosedFormsWithoutAndWithFullCheck) {
  CostModel model = usual();
  const LineRates rates{0.1, 0.05, 0.2, 0.03, 0.1};
  const double escape = 0.05 + 0.2 * 0.1, overkill = 0.03 + 0.1 * 0.05;
  model.check_ratio = 0;  // nobody looks again: every escape is undetected, no inspection
  EXPECT_DOUBLE_EQ(escape_cost(model), 200);
  EXPECT_NEAR(probability_thresholds(model).two_way, 6.0 / (6 + 200 - 4), 1e-15);
  EXPECT_NEAR(line_cost(model, rates).total,
              0.02 + 0.4 * (0.1 * 0.2 + 0.9 * 0.1) + 0.1 * (escape * 200 + (1 - escape) * 4) + 0.9 * overkill * 6,
              1e-13);
  model.check_ratio = 1;  // every accepted part is looked at
  EXPECT_DOUBLE_EQ(escape_cost(model), 0.9 * 30 + 0.1 * 200);
  const double accepted = 0.1 * escape + 0.9 * (1 - overkill);
  EXPECT_NEAR(line_cost(model, rates).total,
              0.02 + 0.4 * (0.1 * 0.2 + 0.9 * 0.1) + 0.5 * accepted + 0.1 * (escape * 47 + (1 - escape) * 4) +
                  0.9 * overkill * 6,
              1e-13);
  // A part's inspection is saved by rejecting it: D = 47 + 0.5 - 4, G = 6 - 0.5.
  EXPECT_NEAR(probability_thresholds(model).two_way, 5.5 / (5.5 + 43.5), 1e-15);
}

TEST(CostModel, ThresholdsOfTheReferenceWithoutInspectionCost) {
  CostModel model = usual();
  model.cost_inspection = 0;
  const double c_E = escape_cost(model), rw = 4, ok = 6, op = 0.4, e = 0.1, o = 0.05;
  const ProbabilityThresholds at = probability_thresholds(model);
  EXPECT_NEAR(at.two_way, ok / (ok + c_E - rw), 1e-15);
  EXPECT_NEAR(at.ask, (op + o * ok) / ((1 - e) * (c_E - rw) + o * ok), 1e-15);
  EXPECT_NEAR(at.reject, ((1 - o) * ok - op) / ((1 - o) * ok + e * (c_E - rw)), 1e-15);
  EXPECT_TRUE(at.ask_pays);
}

TEST(CostModel, ThresholdsAreWhereTheCheapestActionChanges) {
  std::mt19937_64 random(1);
  int asked = 0, refused = 0, never = 0, always = 0;
  for (int i = 0; i < 3000; ++i) {
    CostModel model = random_model(random);
    if (i % 3 == 0) {
      model.operator_escape *= 0.2;  // a useful operator
      model.operator_overkill *= 0.2;
      model.cost_operator *= 0.2;
    }
    if (i % 5 == 0) {
      model.cost_rework *= 20;
    }
    ProbabilityThresholds at;
    try {
      at = probability_thresholds(model);
    } catch (const std::invalid_argument&) {
      ++refused;
      const ActionCosts of_defect = action_costs(model, 1), of_good = action_costs(model, 0);
      EXPECT_LT(of_defect.accept, of_defect.reject);
      EXPECT_LT(of_good.reject, of_good.accept);
      continue;
    }
    asked += at.ask_pays;
    never += at.two_way > 1;
    always += at.two_way == 0;
    EXPECT_EQ(at.ask_pays, model.cost_operator < at.largest_operator_cost);
    EXPECT_LE(at.ask, at.reject);
    for (int k = 0; k <= 200; ++k) {
      const double p = k / 200.0;
      const ActionCosts costs = action_costs(model, p);
      const double two_way = p >= at.two_way ? costs.reject : costs.accept;
      const double chosen = p >= at.reject ? costs.reject : p >= at.ask ? costs.ask : costs.accept;
      const double rounding = 1e-12 * (costs.accept + costs.reject + costs.ask);
      EXPECT_LE(two_way, std::min(costs.accept, costs.reject) + rounding);
      EXPECT_LE(chosen, std::min({costs.accept, costs.ask, costs.reject}) + rounding) << i << " " << p;
    }
  }
  EXPECT_GT(asked, 300);
  EXPECT_GT(refused, 10);
  EXPECT_GT(never, 30);
  EXPECT_GT(always, 30);
}

TEST(CostModel, EndsOfTheThresholds) {
  CostModel model;
  EXPECT_EQ(probability_thresholds(model).two_way, kInfinity);  // nothing costs anything: accept
  model.cost_undetected_escape = 1;
  EXPECT_EQ(probability_thresholds(model).two_way, 0);  // overkill is free
  model.cost_overkill = 1;
  EXPECT_EQ(probability_thresholds(model).two_way, 0.5);
  EXPECT_TRUE(probability_thresholds(model).ask_pays);  // an operator that is free and never errs
  EXPECT_EQ(probability_thresholds(model).ask, 0);
  EXPECT_EQ(probability_thresholds(model).reject, 1);
  model.operator_escape = 1;  // useless
  EXPECT_FALSE(probability_thresholds(model).ask_pays);
  model.cost_rework = 1;  // an escape costs what rework costs
  EXPECT_EQ(probability_thresholds(model).two_way, 1);
  model.cost_rework = 2;
  EXPECT_EQ(probability_thresholds(model).two_way, kInfinity);
}

TEST(CostModel, PartsOfTheCostSumUpAndBaselinesAreLines) {
  std::mt19937_64 random(2);
  for (int i = 0; i < 500; ++i) {
    const CostModel model = random_model(random);
    const LineRates rates = random_rates(random);
    const LineCost cost = line_cost(model, rates);
    // From the actions' costs, part by part.
    const ActionCosts d = action_costs(model, 1), g = action_costs(model, 0);
    const double expected = model.cost_fixed +
                            rates.prevalence * (rates.accepted_defects * d.accept + rates.asked_defects * d.ask +
                                                (1 - rates.accepted_defects - rates.asked_defects) * d.reject) +
                            (1 - rates.prevalence) * (rates.rejected_good * g.reject + rates.asked_good * g.ask +
                                                      (1 - rates.rejected_good - rates.asked_good) * g.accept);
    EXPECT_NEAR(cost.total, expected, 1e-12 * expected);
    EXPECT_NEAR(cost.escape_ppm, 1e6 * rates.prevalence * cost.escape / cost.accepted, 1e-6);
    CostModel free = model;
    free.cost_fixed = 0;
    const BaselineCosts baselines = baseline_costs(model, rates.prevalence);
    const double p = rates.prevalence;
    EXPECT_NEAR(baselines.operator_only, line_cost(free, {p, 0, 1, 0, 1}).total, 1e-12);
    EXPECT_NEAR(baselines.accept_all, line_cost(free, {p, 1, 0, 0, 0}).total, 1e-12);
    EXPECT_NEAR(baselines.reject_all, line_cost(free, {p, 0, 0, 1, 0}).total, 1e-12);
  }
  EXPECT_TRUE(std::isnan(line_cost({}, {0.5, 0, 0, 1, 0}).escape_ppm));  // nothing is accepted
}

TEST(CostModel, CheckRatioIsTheCheaperEnd) {
  std::mt19937_64 random(3);
  int checked = 0;
  for (int i = 0; i < 500; ++i) {
    CostModel model = random_model(random);
    const LineRates rates = random_rates(random);
    const CheckRatio best = optimal_check_ratio(model, rates, 0.05);
    const double chosen = best.cost.total;
    for (int k = 0; k <= 20; ++k) {
      model.check_ratio = 0.05 + 0.95 * k / 20;
      EXPECT_LE(chosen, line_cost(model, rates).total + 1e-12);
    }
    EXPECT_EQ(best.ratio, model.cost_inspection < best.largest_inspection_cost ? 1 : 0.05);
    checked += best.ratio == 1;
  }
  EXPECT_GT(checked, 50);
  EXPECT_LT(checked, 450);
}

TEST(CostModel, GradientIsThatOfFiniteDifferences) {
  // The cost is linear in each parameter, so a difference over any distance is exact up to rounding.
  std::mt19937_64 random(4);
  for (int i = 0; i < 200; ++i) {
    const CostModel model = random_model(random);
    const LineRates rates = random_rates(random);
    const auto gradient = cost_gradient(model, rates);
    for (std::size_t p = 0; p < kCostParameters; ++p) {
      const auto parameter = CostParameter(p);
      const ParameterRange range{parameter, 0.25, 0.75};
      const auto bar = tornado(model, rates, std::vector{range})[0];
      EXPECT_NEAR(gradient[p], 2 * (bar.cost_high - bar.cost_low), 1e-11) << parameter_name(parameter);
    }
  }
}

TEST(CostModel, TornadoSortsBySwingAndHoldsBothEnds) {
  const CostModel model = usual();
  const LineRates rates{0.02, 0.05, 0.2, 0.01, 0.1};
  const std::vector<ParameterRange> ranges{{CostParameter::cost_rework, 3, 5},
                                           {CostParameter::cost_undetected_escape, 100, 1000},
                                           {CostParameter::prevalence, 0.01, 0.04},
                                           {CostParameter::cost_fixed, 0.02, 0.02}};
  const auto bars = tornado(model, rates, ranges);
  ASSERT_EQ(bars.size(), 4U);
  EXPECT_EQ(bars[0].parameter, CostParameter::cost_undetected_escape);
  EXPECT_EQ(bars[3].swing, 0);
  CostModel dear = model;
  dear.cost_undetected_escape = 1000;
  EXPECT_DOUBLE_EQ(bars[0].cost_high, line_cost(dear, rates).total);
  EXPECT_DOUBLE_EQ(bars[0].benefit_high, baseline_costs(dear, 0.02).operator_only - line_cost(dear, rates).total);
  for (std::size_t i = 1; i < bars.size(); ++i) {
    EXPECT_GE(bars[i - 1].swing, bars[i].swing);
  }
}

TEST(CostModel, BreakEvenIsWhereTheBenefitVanishes) {
  std::mt19937_64 random(5);
  std::size_t found = 0, none = 0;
  for (int i = 0; i < 300; ++i) {
    const CostModel model = random_model(random);
    const LineRates rates = random_rates(random);
    for (std::size_t p = 0; p < kCostParameters; ++p) {
      const BreakEven even = break_even(model, rates, CostParameter(p));
      EXPECT_NEAR(even.benefit, baseline_costs(model, rates.prevalence).operator_only - line_cost(model, rates).total,
                  1e-12);
      const auto benefit_at = [&](double value) {
        return tornado(model, rates, std::vector{ParameterRange{CostParameter(p), value, value}})[0].benefit_low;
      };
      if (even.exists) {
        ++found;
        EXPECT_NEAR(benefit_at(even.value), 0, 1e-9 * (1 + even.value)) << p;
        const bool is_rate = p < 2 || p == 8 || p == 9 || p == 11;
        const double above = is_rate ? even.value + 0.5 * (1 - even.value) : 2 * even.value + 1;
        if (above - even.value > 1e-3) {
          EXPECT_EQ(benefit_at(above) > 0, even.better_above);
        }
      } else {
        ++none;
        EXPECT_TRUE(std::isnan(even.value));
        for (const double value : {0.0, 0.3, 1.0}) {
          EXPECT_EQ(benefit_at(value) > 0, even.better_above) << p;
        }
      }
    }
  }
  EXPECT_GT(found, 300U);
  EXPECT_GT(none, 300U);
  // Operator and line err alike: no price of an escape decides.
  CostModel model = usual();
  const BreakEven even = break_even(model, {0.1, 0.1, 0, 0.01, 0}, CostParameter::cost_undetected_escape);
  EXPECT_FALSE(even.exists);
  EXPECT_EQ(even.slope, 0);
  EXPECT_TRUE(even.better_above);
  // No benefit at 0: the value is 0, not -0.
  EXPECT_FALSE(std::signbit(break_even({}, {0.5, 0.1, 0.1, 0.1, 0.1}, CostParameter::cost_operator).value));
}

TEST(CostModel, RefusesWhatIsNoModelOrNoRate) {
  const auto with = [](auto change) {
    return message_of([&] {
      CostModel model;
      change(model);
      line_cost(model, {});
    });
  };
  EXPECT_EQ(with([](CostModel& m) { m.check_ratio = 1.5; }),
            "[metrics.line_cost] check_ratio is out of range; got 1.5; expected a value in [0, 1]");
  EXPECT_EQ(with([](CostModel& m) { m.cost_operator = -1; }),
            "[metrics.line_cost] cost_operator is out of range; got -1; expected a cost in [0, 1e100]");
  for (double CostModel::*field :
       {&CostModel::cost_recalled_escape, &CostModel::cost_undetected_escape, &CostModel::cost_rework,
        &CostModel::cost_overkill, &CostModel::cost_operator, &CostModel::cost_inspection, &CostModel::cost_fixed}) {
    for (const double bad : {-1e-9, 1.01e100, kInfinity, std::nan("")}) {
      EXPECT_NE(with([&](CostModel& m) { m.*field = bad; }), "accepted");
    }
  }
  for (double CostModel::*field : {&CostModel::check_ratio, &CostModel::check_detection, &CostModel::operator_escape,
                                   &CostModel::operator_overkill}) {
    for (const double bad : {-1e-9, 1 + 1e-9, std::nan("")}) {
      EXPECT_NE(with([&](CostModel& m) { m.*field = bad; }), "accepted");
    }
  }
  EXPECT_EQ(message_of([] {
              line_cost({}, {0.1, 0.7, 0.4, 0, 0});
            }),
            "[metrics.line_cost] accepted_defects and asked_defects must not sum to more than 1; got "
            "0.7 and 0.4");
  EXPECT_EQ(message_of([] {
              line_cost({}, {0.1, 0, 0, 0.7, 0.4});
            }),
            "[metrics.line_cost] rejected_good and asked_good must not sum to more than 1; got 0.7 and "
            "0.4");
  EXPECT_EQ(message_of([] {
              line_cost({}, {std::nan(""), 0, 0, 0, 0});
            }),
            "[metrics.line_cost] prevalence is out of range; got nan; expected a value in [0, 1]");
  EXPECT_EQ(message_of([] { action_costs({}, 1.1); }),
            "[metrics.action_costs] probability is out of range; got 1.1; expected a value in [0, 1]");
  EXPECT_EQ(message_of([] { baseline_costs({}, -0.1); }),
            "[metrics.baseline_costs] prevalence is out of range; got -0.1; expected a value in [0, 1]");
  EXPECT_EQ(message_of([] { optimal_check_ratio({}, {}, 2); }),
            "[metrics.optimal_check_ratio] floor is out of range; got 2; expected a value in [0, 1]");
  CostModel turned;
  turned.check_ratio = 1;
  turned.cost_rework = 9;
  turned.cost_inspection = 5;
  EXPECT_EQ(
      message_of([&] { probability_thresholds(turned); }),
      "[metrics.probability_thresholds] model turns decisions around; got an escape that is 4 cheaper than rework "
      "and an overkill that is 5 cheaper than acceptance; expected at least one error that costs something");
  EXPECT_EQ(message_of([] { tornado({}, {}, {}); }), "[metrics.tornado] ranges are empty; expected at least one");
  const auto bar = [](double low, double high) {
    return message_of([&] { tornado({}, {}, std::vector{ParameterRange{CostParameter::check_ratio, low, high}}); });
  };
  EXPECT_EQ(bar(0.5, 0.2), "[metrics.tornado] the range of check_ratio must ascend; got 0.5 to 0.2");
  EXPECT_EQ(bar(0.5, 2),
            "[metrics.tornado] the range of check_ratio is out of range; got 0.5 to 2; expected values in "
            "[0, 1]");
  EXPECT_EQ(bar(std::nan(""), 1), "[metrics.tornado] the range of check_ratio must ascend; got nan to 1");
  EXPECT_EQ(message_of([] { break_even({}, {}, CostParameter(12)); }),
            "[metrics.break_even] parameter is not known; got 12; expected 0 to 11");
}

}  // namespace
}  // namespace oddity::metrics
