#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "oddity/metrics/decision_thresholds.h"
#include "oddity/metrics/sensitivity.h"
#include "tests/metrics/message_of.h"

namespace oddity::metrics {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

using testing::message_of;

struct Sample {
  std::vector<double> scores;
  std::vector<std::uint8_t> labels;
};

/// Overlapping classes; `grid` > 0 makes ties.
Sample sample_of(std::mt19937_64& random, std::size_t n, double grid, double share = 0.4) {
  std::normal_distribution<double> normal;
  std::uniform_real_distribution<double> uniform;
  Sample sample;
  for (std::size_t i = 0; i < n; ++i) {
    const bool defect = i < 2 ? i == 0 : uniform(random) < share;
    const double score = normal(random) + (defect ? 1.5 : 0);
    sample.labels.push_back(defect);
    sample.scores.push_back(grid > 0 ? std::round(score / grid) * grid : score);
  }
  return sample;
}

CostModel random_model(std::mt19937_64& random) {
  std::uniform_real_distribution<double> u;
  return {u(random),
          u(random),
          10 * u(random),
          20 * u(random),
          2 * u(random),
          4 * u(random),
          0.7 * u(random),
          u(random),
          0.5 * u(random),
          0.3 * u(random),
          0.1};
}

/// The largest float32 below a float32.
double below(double x) { return double(std::nextafter(float(x), -HUGE_VALF)); }

double cost_of(const Sample& sample, const CostModel& model, Thresholds at, double prevalence) {
  return line_cost(model, rates_at(sample.scores, sample.labels, at, prevalence)).total;
}

TEST(DecisionThresholds, CheapestOfAllPairs) {
  std::mt19937_64 random(1);
  int with_ask = 0, nothing_rejected = 0;
  for (int i = 0; i < 400; ++i) {
    const Sample sample = sample_of(random, 3 + std::size_t(i) % 20, i % 2 == 0 ? 0.5 : 0);
    const CostModel model = random_model(random);
    const double prevalence = i % 3 == 0 ? 0.02 : 0.3;
    std::vector<double> candidates{kInfinity};
    std::transform(sample.scores.begin(), sample.scores.end(), std::back_inserter(candidates),
                   [](double score) { return std::nextafter(score, -kInfinity); });
    double least = kInfinity, least_of_two = kInfinity;
    for (const double lower : candidates) {
      for (const double upper : candidates) {
        if (lower <= upper) {
          const double cost = cost_of(sample, model, {lower, upper}, prevalence);
          least = std::min(least, cost);
          least_of_two = lower == upper ? std::min(least_of_two, cost) : least_of_two;
        }
      }
    }
    const Thresholds three = best_thresholds(sample.scores, sample.labels, model, Actions::three_way, prevalence);
    const Thresholds two = best_thresholds(sample.scores, sample.labels, model, Actions::two_way, prevalence);
    EXPECT_EQ(two.lower, two.upper);
    EXPECT_NEAR(cost_of(sample, model, three, prevalence), least, 1e-12);
    EXPECT_NEAR(cost_of(sample, model, two, prevalence), least_of_two, 1e-12);
    with_ask += three.lower < three.upper;
    nothing_rejected += two.upper == kInfinity;
  }
  EXPECT_GT(with_ask, 50);
  EXPECT_GT(nothing_rejected, 5);
}

TEST(DecisionThresholds, ByHandWithTheLargestOfEquals) {
  // Defect 9, good 7, defect 5, goods 3 and 1. Escape 3, overkill 1: reject the first three, one overkill.
  const std::vector<double> scores{5, 1, 9, 3, 7};
  const std::vector<std::uint8_t> labels{1, 0, 1, 0, 0};
  CostModel model;
  model.cost_undetected_escape = 3;
  model.cost_overkill = 1;
  const Thresholds at = best_thresholds(scores, labels, model, Actions::two_way);
  EXPECT_EQ(at.upper, below(5));
  EXPECT_NEAR(cost_of({scores, labels}, model, at, 0.4), 0.2, 1e-15);
  // Overkill as dear as an escape: one error of either kind either way, so the larger threshold.
  model.cost_undetected_escape = 1;
  EXPECT_EQ(best_thresholds(scores, labels, model, Actions::two_way).upper, below(9));
  // An operator at 0.1 who never errs settles both doubtful parts.
  model.cost_operator = 0.1;
  const Thresholds ask = best_thresholds(scores, labels, model);
  EXPECT_EQ(ask.lower, below(5));
  EXPECT_EQ(ask.upper, below(9));
  const LineRates rates = rates_at(scores, labels, ask);
  EXPECT_EQ(rates.prevalence, 0.4);
  EXPECT_EQ(rates.accepted_defects, 0);
  EXPECT_EQ(rates.asked_defects, 0.5);
  EXPECT_EQ(rates.rejected_good, 0);
  EXPECT_NEAR(rates.asked_good, 1.0 / 3, 1e-15);
}

TEST(DecisionThresholds, FloatsGiveWhatDoublesGive) {
  std::mt19937_64 random(2);
  const Sample sample = sample_of(random, 5000, 0.25, 0.1);  // the grid is exact in both
  const std::vector<float> narrow(sample.scores.begin(), sample.scores.end());
  const CostModel model = random_model(random);
  DecisionOptions options;
  options.prevalence = 0.01;
  options.resamples = 50;
  const auto wide = optimal_thresholds(sample.scores, sample.labels, model, options);
  const auto slim = optimal_thresholds(narrow, sample.labels, model, options);
  EXPECT_EQ(wide.thresholds.lower, slim.thresholds.lower);
  EXPECT_EQ(wide.cost.high, slim.cost.high);
  EXPECT_EQ(wide.upper_interval.low, slim.upper_interval.low);
}

TEST(DecisionThresholds, CostByThresholdHasARowForEachScore) {
  std::mt19937_64 random(3);
  const Sample sample = sample_of(random, 200, 0.1);
  const CostModel model = random_model(random);
  const auto rows = cost_by_threshold(sample.scores, sample.labels, model, 0.05);
  std::vector<double> distinct = sample.scores;
  std::sort(distinct.rbegin(), distinct.rend());
  distinct.erase(std::unique(distinct.begin(), distinct.end()), distinct.end());
  ASSERT_EQ(rows.size(), distinct.size() + 1);
  EXPECT_EQ(rows[0].threshold, kInfinity);
  double least = kInfinity;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    EXPECT_TRUE(i == 0 ||
                (rows[i].threshold < distinct[i - 1] && (i == distinct.size() || rows[i].threshold >= distinct[i])));
    EXPECT_NEAR(rows[i].cost, cost_of(sample, model, {rows[i].threshold, rows[i].threshold}, 0.05), 1e-12);
    least = std::min(least, rows[i].cost);
  }
  EXPECT_EQ(rows.back().escape, 0);
  EXPECT_EQ(rows.back().overkill, 1);
  const Thresholds best = best_thresholds(sample.scores, sample.labels, model, Actions::two_way, 0.05);
  EXPECT_NEAR(cost_of(sample, model, best, 0.05), least, 1e-12);
  for (const std::size_t at_most : {1U, 2U, 7U, 1000U}) {
    const auto thin = cost_by_threshold(sample.scores, sample.labels, model, 0.05, at_most);
    EXPECT_EQ(thin.size(), std::min(rows.size(), std::max<std::size_t>(at_most, 2)));
    EXPECT_EQ(thin.front().threshold, kInfinity);
    EXPECT_EQ(thin.back().threshold, rows.back().threshold);
  }
}

/// Largest log likelihood of labels in ascending score order with ascending probabilities, at most `below` before `cut`
/// and at least `above` from there: max-min formula of isotonic regression, clipped.
double likelihood(const std::vector<std::pair<double, double>>& runs, std::size_t cut, double limit) {
  double sum = 0;
  const auto isotonic = [&](std::size_t first, std::size_t last, std::size_t at) {
    double best = -1;
    for (std::size_t s = first; s <= at; ++s) {
      double least = 2;
      for (std::size_t t = at; t < last; ++t) {
        double defects = 0, parts = 0;
        for (std::size_t k = s; k <= t; ++k) {
          defects += runs[k].first;
          parts += runs[k].first + runs[k].second;
        }
        least = std::min(least, defects / parts);
      }
      best = std::max(best, least);
    }
    return best;
  };
  for (std::size_t i = 0; i < runs.size(); ++i) {
    double p = limit < 0 ? isotonic(0, runs.size(), i)
               : i < cut ? std::min(limit, isotonic(0, cut, i))
                         : std::max(limit, isotonic(cut, runs.size(), i));
    sum += (runs[i].first > 0 ? runs[i].first * std::log(p) : 0) +
           (runs[i].second > 0 ? runs[i].second * std::log1p(-p) : 0);
  }
  return sum;
}

TEST(DecisionThresholds, ThresholdIntervalInvertsTheLikelihoodRatioTest) {
  std::mt19937_64 random(4);
  for (int i = 0; i < 60; ++i) {
    const Sample sample = sample_of(random, 25, i % 2 == 0 ? 0.5 : 0);
    const double probability = 0.1 + 0.2 * (i % 4), prevalence = i % 3 == 0 ? 0.05 : 0.4;
    std::vector<double> distinct = sample.scores;
    std::sort(distinct.begin(), distinct.end());
    distinct.erase(std::unique(distinct.begin(), distinct.end()), distinct.end());
    std::vector<std::pair<double, double>> runs(distinct.size());
    double defects = 0, good = 0;
    for (std::size_t j = 0; j < sample.scores.size(); ++j) {
      const auto at =
          std::size_t(std::lower_bound(distinct.begin(), distinct.end(), sample.scores[j]) - distinct.begin());
      (sample.labels[j] != 0 ? runs[at].first : runs[at].second) += 1;
      (sample.labels[j] != 0 ? defects : good) += 1;
    }
    const double odds = probability / (1 - probability) * (1 - prevalence) / prevalence * defects / good;
    const double free = likelihood(runs, 0, -1);
    Interval expected{kInfinity, -kInfinity};
    for (std::size_t cut = 0; cut <= runs.size(); ++cut) {  // parts [0, cut) lie below
      if (2 * (free - likelihood(runs, cut, odds / (1 + odds))) <= 2.271) {
        expected.low = std::min(expected.low, cut == 0 ? -kInfinity : distinct[cut - 1]);
        expected.high = cut == runs.size() ? kInfinity : distinct[cut];
      }
    }
    const Interval interval = threshold_interval(sample.scores, sample.labels, probability, prevalence);
    EXPECT_EQ(interval.low, expected.low) << i;
    EXPECT_EQ(interval.high, expected.high) << i;
    // At another confidence the interval nests.
    const Interval wide = threshold_interval(sample.scores, sample.labels, probability, prevalence, 0.99);
    EXPECT_LE(wide.low, interval.low);
    EXPECT_GE(wide.high, interval.high);
  }
  const Sample sample = sample_of(random, 25, 0);
  EXPECT_EQ(threshold_interval(sample.scores, sample.labels, 0).high, -kInfinity);
  EXPECT_EQ(threshold_interval(sample.scores, sample.labels, 1).low, kInfinity);
}

TEST(DecisionThresholds, OptimalThresholdsAreTheBestWithWhatIsKnown) {
  std::mt19937_64 random(5);
  const Sample sample = sample_of(random, 600, 0, 0.2);
  CostModel model = random_model(random);
  model.cost_undetected_escape = 40;
  model.cost_overkill = 5;
  DecisionOptions options;
  options.prevalence = 0.03;
  options.resamples = 300;
  const auto result = optimal_thresholds(sample.scores, sample.labels, model, options);
  const Thresholds best = best_thresholds(sample.scores, sample.labels, model, Actions::three_way, 0.03);
  EXPECT_EQ(result.thresholds.lower, best.lower);
  EXPECT_EQ(result.thresholds.upper, best.upper);
  EXPECT_NEAR(result.line.total, cost_of(sample, model, best, 0.03), 1e-12);
  EXPECT_EQ(result.cost.value, result.line.total);
  EXPECT_GT(result.optimism, 0);
  EXPECT_NEAR(result.cost.corrected, result.cost.value + result.optimism, 1e-15);
  EXPECT_LT(result.cost.low, result.cost.value);
  EXPECT_GT(result.cost.high, result.cost.corrected);
  const double operator_only = result.baselines.operator_only;
  EXPECT_NEAR(result.benefit_over_operator.value, operator_only - result.line.total, 1e-12);
  // Nothing of the operator is uncertain, so the benefit mirrors the cost.
  EXPECT_NEAR(result.benefit_over_operator.low, operator_only - result.cost.high, 1e-12);
  EXPECT_NEAR(result.benefit_over_operator.high, operator_only - result.cost.low, 1e-12);
  EXPECT_LE(result.lower_interval.low, best.lower);
  EXPECT_GE(result.upper_interval.high, best.upper);
  EXPECT_EQ(result.n_defect + result.n_good, 600U);
  EXPECT_EQ(result.most_accepted_defects, result.n_defect);
  // The same bits again; other draws with another seed.
  const auto again = optimal_thresholds(sample.scores, sample.labels, model, options);
  EXPECT_EQ(result.cost.high, again.cost.high);
  EXPECT_EQ(result.optimism, again.optimism);
  options.seed = 1;
  EXPECT_NE(result.cost.high, optimal_thresholds(sample.scores, sample.labels, model, options).cost.high);
  options.resamples = 0;
  const auto bare = optimal_thresholds(sample.scores, sample.labels, model, options);
  EXPECT_EQ(bare.thresholds.lower, best.lower);
  EXPECT_TRUE(std::isnan(bare.cost.low) && std::isnan(bare.lower_interval.low) && std::isnan(bare.optimism));
}

TEST(DecisionThresholds, MeasuredRatesReplaceAndWidenWhatIsGiven) {
  std::mt19937_64 random(6);
  const Sample sample = sample_of(random, 2000, 0, 0.3);
  CostModel model;
  model.cost_undetected_escape = 30;
  model.cost_overkill = 2;
  model.cost_operator = 0.2;
  model.operator_escape = 0.9;
  DecisionOptions options;
  options.prevalence = 0.1;
  options.measured_operator_escape = {3, 30};
  const auto measured = optimal_thresholds(sample.scores, sample.labels, model, options);
  EXPECT_DOUBLE_EQ(measured.model.operator_escape, 0.1);
  CostModel known = model;
  known.operator_escape = 0.1;
  options.measured_operator_escape = {};
  const auto exact = optimal_thresholds(sample.scores, sample.labels, known, options);
  EXPECT_EQ(measured.thresholds.lower, exact.thresholds.lower);
  const auto width = [](const CostEstimate& e) { return e.high - e.low; };
  EXPECT_GT(width(measured.benefit_over_operator), 2 * width(exact.benefit_over_operator));
  options.prevalence.reset();
  options.measured_prevalence = {5, 50};
  const auto audited = optimal_thresholds(sample.scores, sample.labels, known, options);
  EXPECT_DOUBLE_EQ(audited.rates.prevalence, 0.1);
  EXPECT_GT(width(audited.cost), 1.5 * width(exact.cost));
}

TEST(DecisionThresholds, MaxEscapeIsAnOrderStatistic) {
  std::mt19937_64 random(7);
  const Sample sample = sample_of(random, 800, 0, 0.5);
  CostModel model;  // escapes cost next to nothing: only the limit holds them
  model.cost_undetected_escape = 0.1;
  model.cost_overkill = 5;
  model.cost_operator = 9;
  DecisionOptions options;
  options.max_escape = 0.05;
  options.escape_confidence = 0.9;
  options.resamples = 20;
  const auto result = optimal_thresholds(sample.scores, sample.labels, model, options);
  std::vector<double> defects;
  for (std::size_t i = 0; i < sample.scores.size(); ++i) {
    if (sample.labels[i] != 0) {
      defects.push_back(sample.scores[i]);
    }
  }
  std::sort(defects.begin(), defects.end());
  const double n = double(defects.size());
  std::size_t k = 1;
  while (beta_cdf(0.05, double(k + 1), n - double(k)) >= 0.9) {
    ++k;
  }
  EXPECT_EQ(result.most_accepted_defects, k - 1);
  EXPECT_LT(result.thresholds.lower, defects[k - 1]);
  EXPECT_GT(result.thresholds.lower, defects[k - 1] - 1e-6);
  EXPECT_LE(result.rates.accepted_defects, double(k - 1) / n);
  EXPECT_GT(best_thresholds(sample.scores, sample.labels, model).lower, defects[k - 1]);
}

TEST(DecisionThresholds, GroupsWidenTheInterval) {
  std::mt19937_64 random(8);
  std::normal_distribution<double> normal;
  Sample sample;
  std::vector<std::int64_t> groups;
  for (int lot = 0; lot < 50; ++lot) {
    const double shift = 1.5 * normal(random);
    for (int j = 0; j < 20; ++j) {
      sample.labels.push_back(j < 5);
      sample.scores.push_back(normal(random) + shift + (j < 5 ? 2.5 : 0));
      groups.push_back(7 * lot - 20);
    }
  }
  CostModel model;
  model.cost_undetected_escape = 30;
  model.cost_overkill = 2;
  DecisionOptions options;
  options.prevalence = 0.1;
  const auto apart = optimal_thresholds(sample.scores, sample.labels, model, options);
  const auto together = optimal_thresholds(sample.scores, sample.labels, model, options, groups);
  EXPECT_EQ(together.groups, 50U);
  EXPECT_EQ(apart.groups, 0U);
  EXPECT_EQ(apart.thresholds.lower, together.thresholds.lower);
  EXPECT_GT(together.cost.high - together.cost.low, 1.3 * (apart.cost.high - apart.cost.low));
  EXPECT_TRUE(std::isnan(together.lower_interval.low));
  // One part a group is the same as none: the same number counts.
  std::vector<std::int64_t> own(groups.size());
  for (std::size_t i = 0; i < own.size(); ++i) {
    own[i] = std::int64_t(i);
  }
  const auto single = optimal_thresholds(sample.scores, sample.labels, model, options, own);
  EXPECT_NEAR(single.cost.high, apart.cost.high, 0.1 * apart.cost.high);
}

TEST(DecisionThresholds, TornadoChoosesAnew) {
  std::mt19937_64 random(9);
  const Sample sample = sample_of(random, 300, 0);
  const CostModel model = random_model(random);
  const std::vector<ParameterRange> ranges{{CostParameter::cost_overkill, 0.5, 8},
                                           {CostParameter::prevalence, 0.01, 0.6}};
  const auto adapted = tornado(sample.scores, sample.labels, model, Actions::three_way, ranges, 0.2);
  for (const TornadoBar& bar : adapted) {
    if (bar.parameter == CostParameter::cost_overkill) {
      CostModel dear = model;
      dear.cost_overkill = 8;
      const Thresholds best = best_thresholds(sample.scores, sample.labels, dear, Actions::three_way, 0.2);
      EXPECT_NEAR(bar.cost_high, cost_of(sample, dear, best, 0.2), 1e-12);
    } else {
      const Thresholds best = best_thresholds(sample.scores, sample.labels, model, Actions::three_way, 0.6);
      EXPECT_NEAR(bar.cost_high, cost_of(sample, model, best, 0.6), 1e-12);
    }
  }
}

TEST(DecisionThresholds, RefusesBadInput) {
  const std::vector<double> scores{1, 2, 3, 4};
  const std::vector<std::uint8_t> labels{0, 0, 1, 1}, good(4, 0), odd{0, 0, 1, 2};
  const CostModel model;
  const auto best = [&](const auto& s, const auto& l, std::optional<double> prevalence = {}) {
    return message_of([&] { best_thresholds(s, l, model, Actions::two_way, prevalence); });
  };
  EXPECT_EQ(best(std::vector<double>{1, 2, NAN, 4}, labels),
            "[metrics.best_thresholds] scores must be finite; got NaN at index 2");
  EXPECT_EQ(best(std::vector<float>{1, 2, INFINITY, 4}, labels),
            "[metrics.best_thresholds] scores must be finite; got infinity at index 2");
  EXPECT_EQ(best(std::vector<double>{}, std::vector<std::uint8_t>{}),
            "[metrics.best_thresholds] scores is empty; expected at least one value");
  EXPECT_EQ(best(scores, std::vector<std::uint8_t>{0, 1}),
            "[metrics.best_thresholds] scores and labels differ in length; got 4 and 2");
  EXPECT_EQ(best(scores, good),
            "[metrics.best_thresholds] labels must hold good parts and defects; got 4 good and 0 defective parts");
  EXPECT_EQ(best(scores, odd), "[metrics.best_thresholds] labels must be 0 (good) or 1 (defect); got 2 at index 3");
  EXPECT_EQ(best(scores, labels, 1.0),
            "[metrics.best_thresholds] prevalence is out of range; got 1; expected a value in (0, 1)");
  EXPECT_EQ(best(scores, labels, std::nan("")),
            "[metrics.best_thresholds] prevalence is out of range; got nan; expected a value in (0, 1)");
  EXPECT_EQ(message_of([&] {
              rates_at(scores, labels, {3, 2});
            }),
            "[metrics.rates_at] thresholds must ascend; got lower = 3, upper = 2");
  EXPECT_EQ(message_of([&] {
              rates_at(scores, labels, {NAN, 2});
            }),
            "[metrics.rates_at] thresholds must ascend; got lower = nan, upper = 2");
  EXPECT_EQ(message_of([&] {
              rates_at(scores, good, {1, 2});
            }),
            "[metrics.rates_at] labels must hold good parts and defects; got 4 good and 0 defective parts");
  EXPECT_EQ(message_of([&] {
              rates_at(scores, odd, {1, 2});
            }),
            "[metrics.rates_at] labels must be 0 (good) or 1 (defect); got 2 at index 3");
  EXPECT_EQ(message_of([&] { cost_by_threshold(scores, good, model); }),
            "[metrics.cost_by_threshold] labels must hold good parts and defects; got 4 good and 0 defective parts");
  EXPECT_EQ(message_of([&] { threshold_interval(scores, labels, 0.5, {}, 0.9999); }),
            "[metrics.threshold_interval] confidence is out of range; got 0.9999; expected a value in [0.5, "
            "0.999]");
  EXPECT_EQ(message_of([&] { threshold_interval(scores, labels, 1.5); }),
            "[metrics.threshold_interval] probability is out of range; got 1.5; expected a value in [0, 1]");

  const auto optimal = [&](auto change, std::vector<std::int64_t> groups = {}) {
    DecisionOptions options;
    options.resamples = 10;
    change(options);
    return message_of([&] { optimal_thresholds(scores, labels, model, options, groups); });
  };
  EXPECT_EQ(optimal([](DecisionOptions& o) { o.max_escape = 0.01; }),
            "[metrics.optimal_thresholds] max_escape needs more defects; got 2; expected at least 299 for 0.01 at "
            "confidence 0.95");
  EXPECT_EQ(optimal([](DecisionOptions& o) {
              o.measured_operator_escape = {3, 2};
            }),
            "[metrics.optimal_thresholds] measured_operator_escape has more events than trials; got 3 of 2");
  EXPECT_EQ(optimal([](DecisionOptions& o) {
              o.measured_prevalence = {0, 20};
            }),
            "[metrics.optimal_thresholds] measured_prevalence must lie inside (0, 1); got 0 of 20");
  EXPECT_EQ(optimal([](DecisionOptions& o) {
              o.prevalence = 0.1;
              o.measured_prevalence = {1, 20};
            }),
            "[metrics.optimal_thresholds] prevalence is given twice; got 0.1 and a measured one");
  EXPECT_EQ(optimal([](DecisionOptions& o) { o.confidence = 1; }),
            "[metrics.optimal_thresholds] confidence is out of range; got 1; expected a value in [0.5, 0.999]");
  EXPECT_EQ(optimal([](DecisionOptions& o) { o.escape_confidence = 0; }),
            "[metrics.optimal_thresholds] escape_confidence is out of range; got 0; expected a value in (0, 1)");
  EXPECT_EQ(optimal([](DecisionOptions& o) { o.max_escape = 0; }),
            "[metrics.optimal_thresholds] max_escape is out of range; got 0; expected a value in (0, 1)");
  EXPECT_EQ(optimal([](DecisionOptions& o) { o.max_escape = 0.9; }, {1, 2, 3, 4}),
            "[metrics.optimal_thresholds] max_escape counts parts as independent; got groups; expected one of the two");
  EXPECT_EQ(optimal([](DecisionOptions&) {}, {1, 2, 3}),
            "[metrics.optimal_thresholds] groups and labels differ in length; got 3 and 4");
  EXPECT_EQ(
      optimal([](DecisionOptions&) {}, {1, 2, 3, 3}),
      "[metrics.optimal_thresholds] groups are too few; got 1 with defects and 2 with good parts; expected at least "
      "2 of each");
}

}  // namespace
}  // namespace oddity::metrics
