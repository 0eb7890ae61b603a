// Weights, partial areas, both orientations and prevalence: what ranking_test.cpp does not hold.
#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <string>

#include <gtest/gtest.h>

#include "oddity/metrics/ranking.h"
#include "tests/metrics/message_of.h"

namespace oddity::metrics {
namespace {

using testing::message_of;

struct Data {
  std::vector<double> scores, weights;
  std::vector<std::uint8_t> labels;
};

/// The set of which scikit-learn 1.9.1 gave the numbers below: 27 good, 33 defects, ties within and across classes.
Data reference_data() {
  Data data;
  for (int i = 0; i < 60; ++i) {
    const int label = (i * i * 7 + 3 * i) % 11 < 4 ? 1 : 0;
    data.scores.push_back(double(i * 37 % 23) / 4 + label * (i % 5) / 2.0);
    data.labels.push_back(std::uint8_t(label));
    data.weights.push_back(1 + i % 4 * 0.5);
  }
  return data;
}

Data random_data(std::size_t n, unsigned seed, double grid) {
  std::mt19937_64 random(seed);
  std::normal_distribution<double> normal;
  Data data;
  for (std::size_t i = 0; i < n; ++i) {
    data.labels.push_back(i % 3 == 0);
    const double score = normal(random) + data.labels.back();
    data.scores.push_back(grid > 0 ? std::round(score / grid) * grid : score);
    data.weights.push_back(double(random() % 5));
  }
  return data;
}

/// Every sample as often as its weight says.
Ranking repeated(const Data& data) {
  std::vector<double> scores;
  std::vector<std::uint8_t> labels;
  for (std::size_t i = 0; i < data.scores.size(); ++i) {
    scores.insert(scores.end(), std::size_t(data.weights[i]), data.scores[i]);
    labels.insert(labels.end(), std::size_t(data.weights[i]), data.labels[i]);
  }
  return {scores, labels};
}

// Sums of at most a few hundred terms below 1: 1e-14 is their rounding.
constexpr double kRounding = 1e-14;

TEST(WeightedRanking, agrees_with_scikit_learn_1_9_1) {
  const Data data = reference_data();
  const Ranking plain(data.scores, data.labels), weighted(data.scores, data.labels, data.weights);
  EXPECT_NEAR(plain.auroc(), 0.6043771043771043, kRounding);
  EXPECT_NEAR(plain.average_precision(), 0.7037008228359152, kRounding);
  EXPECT_NEAR(plain.trapezoid_precision_recall_area(), 0.7107328150950356, kRounding);
  EXPECT_NEAR(plain.partial_auroc(0.3).standardized, 0.610043793050329, kRounding);
  EXPECT_NEAR(plain.good_flagged_at_defects_flagged(0.8), 0.7407407407407407, kRounding);
  EXPECT_NEAR(weighted.auroc(), 0.5951944240645635, kRounding);
  EXPECT_NEAR(weighted.average_precision(), 0.7006719048688469, kRounding);
  EXPECT_NEAR(weighted.trapezoid_precision_recall_area(), 0.7070975833974708, kRounding);
  EXPECT_NEAR(weighted.partial_auroc(0.3).standardized, 0.6077891905111275, kRounding);
  EXPECT_NEAR(weighted.good_flagged_at_defects_flagged(0.8), 0.7340425531914894, kRounding);
}

TEST(WeightedRanking, a_whole_weight_counts_as_that_many_samples) {
  for (const double grid : {0.0, 0.25}) {
    for (const double scale : {1.0, 0x1p-900, 0x1p900}) {  // a common factor changes nothing, however large
      const Data data = random_data(500, 3, grid);
      std::vector<double> weights = data.weights;
      for (double& weight : weights) {
        weight *= scale;
      }
      const Ranking a(data.scores, data.labels, weights), b = repeated(data);
      EXPECT_NEAR(a.auroc(), b.auroc(), kRounding);
      EXPECT_NEAR(a.average_precision(), b.average_precision(), kRounding);
      EXPECT_NEAR(a.trapezoid_precision_recall_area(0.01), b.trapezoid_precision_recall_area(0.01), kRounding);
      EXPECT_NEAR(a.partial_auroc(0.4, 0.1).area, b.partial_auroc(0.4, 0.1).area, kRounding);
      EXPECT_EQ(a.best_f1().threshold, b.best_f1().threshold);
      EXPECT_NEAR(a.best_f1().f1, b.best_f1().f1, kRounding);
      for (const double rate : {0.0, 0.01, 0.3, 0.5, 0.95, 1.0}) {
        EXPECT_NEAR(a.true_positive_rate_at(rate), b.true_positive_rate_at(rate), kRounding) << rate;
        EXPECT_NEAR(a.false_positive_rate_at(rate), b.false_positive_rate_at(rate), kRounding) << rate;
        EXPECT_NEAR(a.defects_passed_at_good_passed(rate), b.defects_passed_at_good_passed(rate), kRounding) << rate;
      }
      const auto roc_a = a.roc(), roc_b = b.roc();
      ASSERT_EQ(roc_a.size(), roc_b.size());
      for (std::size_t i = 0; i < roc_a.size(); ++i) {
        EXPECT_EQ(roc_a[i].threshold, roc_b[i].threshold);
        EXPECT_NEAR(roc_a[i].false_positive_rate, roc_b[i].false_positive_rate, kRounding);
        EXPECT_NEAR(roc_a[i].true_positive_rate, roc_b[i].true_positive_rate, kRounding);
      }
      const auto curve_a = a.precision_recall(), curve_b = b.precision_recall();
      ASSERT_EQ(curve_a.size(), curve_b.size());
      for (std::size_t i = 0; i < curve_a.size(); ++i) {
        EXPECT_EQ(curve_a[i].threshold, curve_b[i].threshold);
        EXPECT_NEAR(curve_a[i].precision, curve_b[i].precision, kRounding);
      }
    }
  }
}

TEST(WeightedRanking, float_weights_and_weights_of_one_change_nothing) {
  const Data data = random_data(70000, 8, 0.125);
  const std::vector<float> narrow(data.weights.begin(), data.weights.end()), ones(data.scores.size(), 1.0F);
  EXPECT_EQ(Ranking(data.scores, data.labels, narrow).auroc(), Ranking(data.scores, data.labels, data.weights).auroc());
  EXPECT_NEAR(Ranking(data.scores, data.labels, ones).auroc(), Ranking(data.scores, data.labels).auroc(), kRounding);
  EXPECT_EQ(Ranking(data.scores, data.labels, data.weights).average_precision(),
            Ranking(data.scores, data.labels, data.weights).average_precision());
}

TEST(WeightedRanking, samples_of_weight_zero_are_absent) {
  const std::vector<double> scores{5, 1, 2, 3}, weights{0, 1, 1, 1};
  const std::vector<std::uint8_t> labels{0, 0, 1, 0};
  const Ranking ranking(scores, labels, weights);
  EXPECT_EQ(ranking.auroc(), 0.5);
  EXPECT_EQ(ranking.negatives(), 2U);
  EXPECT_EQ(ranking.roc()[1].threshold, 3);
}

double naive_partial_area(const std::vector<Ranking::RocPoint>& points, double low, double high) {
  double area = 0;
  for (std::size_t i = 1; i < points.size(); ++i) {
    const double x0 = points[i - 1].false_positive_rate, x1 = points[i].false_positive_rate;
    const double y0 = points[i - 1].true_positive_rate, y1 = points[i].true_positive_rate;
    const double a = std::clamp(low, x0, x1), b = std::clamp(high, x0, x1);
    if (b > a) {
      const double slope = (y1 - y0) / (x1 - x0);
      area += (b - a) * (2 * y0 + slope * (a - x0) + slope * (b - x0)) / 2;
    }
  }
  return area;
}

TEST(PartialAuroc, is_the_area_under_that_part_of_the_curve) {
  for (const double grid : {0.0, 0.5}) {
    const Data data = random_data(400, 5, grid);
    for (const Ranking& ranking :
         {Ranking(data.scores, data.labels), Ranking(data.scores, data.labels, data.weights)}) {
      for (const auto& [low, high] : {std::pair{0.0, 0.3}, {0.0, 0.05}, {0.001, 0.01}, {0.2, 0.9}, {0.0, 1.0}}) {
        const auto part = ranking.partial_auroc(high, low);
        EXPECT_NEAR(part.area, naive_partial_area(ranking.roc(), low, high), 1e-13) << low << " " << high;
        EXPECT_DOUBLE_EQ(part.mean, part.area / (high - low));
      }
      EXPECT_NEAR(ranking.partial_auroc(1).area, ranking.auroc(), 1e-13);
      EXPECT_NEAR(ranking.partial_auroc(1).standardized, ranking.auroc(), 1e-13);
    }
  }
}

TEST(PartialAuroc, closed_forms) {
  const std::vector<std::uint8_t> labels{0, 0, 1, 1};
  const auto perfect = Ranking(std::vector<double>{1, 2, 3, 4}, labels).partial_auroc(0.2);
  EXPECT_EQ(perfect.mean, 1);
  EXPECT_DOUBLE_EQ(perfect.standardized, 1);
  const auto constant = Ranking(std::vector<double>{7, 7, 7, 7}, labels).partial_auroc(0.2);
  EXPECT_DOUBLE_EQ(constant.area, 0.02);  // the diagonal
  EXPECT_DOUBLE_EQ(constant.standardized, 0.5);
}

TEST(Orientation, both_rates_by_their_definition) {
  const Data data = random_data(300, 9, 0.25);
  const Ranking ranking(data.scores, data.labels);
  const double good = double(ranking.negatives()), defects = double(ranking.positives());
  std::vector<double> thresholds = data.scores;
  thresholds.push_back(std::numeric_limits<double>::infinity());
  for (const double share : {0.0, 0.05, 0.29, 0.5, 0.8, 0.95, 1.0}) {
    double flagged = 1, passed = 1;
    for (const double threshold : thresholds) {
      double good_flagged = 0, defects_flagged = 0;
      for (std::size_t i = 0; i < data.scores.size(); ++i) {
        (data.labels[i] != 0 ? defects_flagged : good_flagged) += data.scores[i] >= threshold;
      }
      if (defects_flagged / defects >= share) {
        flagged = std::min(flagged, good_flagged / good);
      }
      if ((good - good_flagged) / good >= share) {
        passed = std::min(passed, (defects - defects_flagged) / defects);
      }
    }
    EXPECT_DOUBLE_EQ(ranking.good_flagged_at_defects_flagged(share), flagged) << share;
    EXPECT_DOUBLE_EQ(ranking.defects_passed_at_good_passed(share), passed) << share;
  }
  EXPECT_NE(ranking.good_flagged_at_defects_flagged(), ranking.defects_passed_at_good_passed());
}

TEST(Orientation, swapping_the_classes_swaps_the_rates) {
  Data data = random_data(500, 10, 0);
  const Ranking ranking(data.scores, data.labels);
  for (std::size_t i = 0; i < data.scores.size(); ++i) {
    data.scores[i] = -data.scores[i];
    data.labels[i] = data.labels[i] == 0;
  }
  const Ranking swapped(data.scores, data.labels);
  EXPECT_EQ(ranking.good_flagged_at_defects_flagged(0.95), swapped.defects_passed_at_good_passed(0.95));
  EXPECT_EQ(ranking.defects_passed_at_good_passed(0.95), swapped.good_flagged_at_defects_flagged(0.95));
}

TEST(Prevalence, precision_of_a_line) {
  EXPECT_DOUBLE_EQ(precision_at_prevalence(0.9, 0.1, 0.5), 0.9);
  EXPECT_DOUBLE_EQ(precision_at_prevalence(0.9, 0.01, 0.001), 0.0009 / (0.0009 + 0.00999));
  EXPECT_EQ(precision_at_prevalence(0.5, 0, 0.001), 1);
  EXPECT_EQ(precision_at_prevalence(0.5, 0.5, 0), 0);
  EXPECT_TRUE(std::isnan(precision_at_prevalence(0, 0, 0.5)));
}

TEST(Prevalence, average_precision_is_that_of_a_set_with_such_a_share) {
  // Every good sample three times: the share of defects falls from 1/3 to 1/7.
  const Data data = random_data(600, 12, 0.125);
  Data many = data;
  for (std::size_t i = 0; i < data.scores.size(); ++i) {
    many.weights[i] = data.labels[i] != 0 ? 1 : 3;
  }
  const Ranking here(data.scores, data.labels), there = repeated(many);
  EXPECT_NEAR(here.average_precision(1.0 / 7), there.average_precision(), 1e-13);
  EXPECT_NEAR(here.trapezoid_precision_recall_area(1.0 / 7), there.trapezoid_precision_recall_area(), 1e-13);
  EXPECT_NEAR(here.average_precision(1.0 / 3), here.average_precision(), 1e-13);
  const auto a = here.precision_recall(0, 1.0 / 7), b = there.precision_recall();
  ASSERT_EQ(a.size(), b.size());
  for (std::size_t i = 0; i < a.size(); ++i) {
    EXPECT_NEAR(a[i].precision, b[i].precision, 1e-13);
  }
  const std::vector<double> scores{1, 2};
  const std::vector<std::uint8_t> labels{0, 1};
  EXPECT_EQ(Ranking(scores, labels).average_precision(std::numeric_limits<double>::denorm_min()), 1);  // 0 good above
}

TEST(Ranking, a_million_steps_and_long_ties_agree_with_a_plain_sort) {
  // Several pieces for each thread; runs of ties that cross the pieces.
  constexpr std::size_t n = 1000000;
  std::mt19937_64 random(21);
  for (const std::uint64_t distinct : {3ULL, 70000ULL, 1ULL << 40}) {
    std::vector<double> scores(n);
    std::vector<std::uint8_t> labels(n);
    std::vector<std::pair<double, int>> sorted(n);
    for (std::size_t i = 0; i < n; ++i) {
      labels[i] = random() % 3 != 0;
      scores[i] = double(random() % distinct) * (labels[i] != 0 ? 1.0 : 0.75);
      sorted[i] = {-scores[i], labels[i]};
    }
    std::sort(sorted.begin(), sorted.end());
    const Ranking ranking(scores, labels);
    const auto defects = double(ranking.positives()), good = double(ranking.negatives());
    double above_good = 0, above_defect = 0, wins = 0, precision = 0, compensation = 0;
    for (std::size_t i = 0; i < n;) {
      double tied_good = 0, tied_defect = 0;
      const double score = sorted[i].first;
      for (; i < n && sorted[i].first == score; ++i) {
        (sorted[i].second != 0 ? tied_defect : tied_good) += 1;
      }
      wins += tied_defect * (good - above_good - tied_good + tied_good / 2);
      above_good += tied_good, above_defect += tied_defect;
      const double term = tied_defect * above_defect / (above_defect + above_good) - compensation;
      const double next = precision + term;
      compensation = (next - precision) - term;
      precision = next;
    }
    EXPECT_NEAR(ranking.auroc(), wins / good / defects, 1e-13) << distinct;
    EXPECT_NEAR(ranking.average_precision(), precision / defects, 1e-13) << distinct;
    EXPECT_EQ(ranking.average_precision(), Ranking(scores, labels).average_precision());
  }
}

TEST(Ranking, scores_far_above_17_and_scores_that_straddle_1_keep_their_order) {
  // Libraries that squeeze each batch whose scores leave [0, 1] through a float32 sigmoid give 0.5 for the first set
  // (everything above 17 becomes 1) and an inflated value for the second.
  std::mt19937_64 random(30);
  std::normal_distribution<float> normal;
  for (const auto& [good, defect] :
       {std::pair{std::pair{30.0F, 3.0F}, std::pair{36.0F, 5.0F}}, {std::pair{0.45F, 0.15F}, std::pair{0.8F, 0.25F}}}) {
    std::vector<float> scores;
    std::vector<std::uint8_t> labels;
    for (int i = 0; i < 800; ++i) {
      labels.push_back(i >= 400);
      scores.push_back(i >= 400 ? defect.first + defect.second * normal(random)
                                : good.first + good.second * normal(random));
    }
    double wins = 0;
    for (std::size_t d = 400; d < 800; ++d) {
      for (std::size_t g = 0; g < 400; ++g) {
        wins += scores[d] > scores[g] ? 1 : scores[d] == scores[g] ? 0.5 : 0;
      }
    }
    EXPECT_EQ(Ranking(scores, labels).auroc(), wins / 160000);
    EXPECT_GT(Ranking(scores, labels).auroc(), 0.8);
  }
}

TEST(WeightedRanking, refuses_bad_weights_and_limits_with_a_sentence) {
  const double nan = std::numeric_limits<double>::quiet_NaN(), inf = std::numeric_limits<double>::infinity();
  const std::vector<double> scores{1, 2, 3, 4};
  const std::vector<std::uint8_t> labels{0, 0, 1, 1};
  const auto weigh = [&](std::vector<double> weights) { return message_of([&] { Ranking(scores, labels, weights); }); };
  EXPECT_EQ(weigh({1, 2}), "[metrics.ranking] weights must be one for each sample; got 2 for 4 samples");
  EXPECT_EQ(weigh({1, nan, 1, 1}), "[metrics.ranking] weights must be finite; got NaN at index 1");
  EXPECT_EQ(weigh({1, inf, 1, 1}), "[metrics.ranking] weights must be finite; got infinity at index 1");
  EXPECT_EQ(weigh({1, 1, -2, 1}), "[metrics.ranking] weights must not be negative; got -2 at index 2");
  EXPECT_EQ(weigh({0, 0, 0, 0}), "[metrics.ranking] weights must not all be zero; got 4 zeros");
  EXPECT_EQ(weigh({1, 1, 0, 0}),
            "[metrics.ranking] both classes are needed; got 2 good and 0 defect samples of positive weight");

  const Ranking ranking(scores, labels);
  EXPECT_EQ(message_of([&] { ranking.partial_auroc(0.1, 0.1); }),
            "[metrics.partial_auroc] low must be below high; got 0.1 and 0.1");
  for (const double bad : {-0.1, 1.1, nan}) {
    EXPECT_NE(message_of([&] { ranking.partial_auroc(bad); }).find("high is out of range; got "), std::string::npos);
    EXPECT_NE(message_of([&] { ranking.partial_auroc(1, bad); }).find("low is out of range; got "), std::string::npos);
    EXPECT_THROW(ranking.defects_passed_at_good_passed(bad), std::invalid_argument);
    EXPECT_THROW(ranking.good_flagged_at_defects_flagged(bad), std::invalid_argument);
    EXPECT_THROW(precision_at_prevalence(bad, 0.5, 0.5), std::invalid_argument);
    EXPECT_THROW(precision_at_prevalence(0.5, bad, 0.5), std::invalid_argument);
    EXPECT_THROW(precision_at_prevalence(0.5, 0.5, bad), std::invalid_argument);
  }
  for (const double bad : {0.0, 1.0, -1.0, nan}) {
    EXPECT_THROW(ranking.average_precision(bad), std::invalid_argument);
    EXPECT_THROW(ranking.trapezoid_precision_recall_area(bad), std::invalid_argument);
    EXPECT_THROW(ranking.precision_recall(0, bad), std::invalid_argument);
  }
}

}  // namespace
}  // namespace oddity::metrics
