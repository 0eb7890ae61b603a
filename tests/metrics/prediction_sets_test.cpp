#include <algorithm>
#include <cmath>
#include <numeric>
#include <random>
#include <stdexcept>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "oddity/metrics/adaptive_conformal.h"
#include "oddity/metrics/cross_conformal.h"
#include "oddity/metrics/prediction_sets.h"
#include "oddity/metrics/weighted_conformal.h"
#include "tests/metrics/message_of.h"

namespace oddity::metrics {
namespace {

using testing::message_of;

/// Rows that sum to 1; `grid` makes ties.
template <class T = double>
std::vector<T> probabilities(std::uint64_t seed, std::size_t rows, std::size_t classes, bool grid = false) {
  std::mt19937_64 random(seed);
  std::exponential_distribution<double> exponential;
  std::vector<T> values(rows * classes);
  for (std::size_t i = 0; i < rows; ++i) {
    double sum = 0;
    for (std::size_t c = 0; c < classes; ++c) {
      const double x = grid ? 1 + std::floor(3 * exponential(random)) : std::pow(exponential(random), 3);
      values[i * classes + c] = T(x);
      sum += x;
    }
    for (std::size_t c = 0; c < classes; ++c) {
      values[i * classes + c] = T(double(values[i * classes + c]) / sum);
    }
  }
  return values;
}

std::vector<std::int64_t> labels_of(std::uint64_t seed, std::size_t rows, std::size_t classes) {
  std::mt19937_64 random(seed);
  std::vector<std::int64_t> labels(rows);
  for (auto& label : labels) {
    label = std::int64_t(random() % classes);
  }
  return labels;
}

/// A score by its definition, with the given U.
double score_by_definition(const std::vector<double>& row, std::size_t c, const SetScoreOptions& options, double u) {
  if (options.score == SetScore::lac) {
    return 1 - row[c];
  }
  std::vector<std::size_t> order(row.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&](auto a, auto b) { return row[a] > row[b]; });
  if (options.score == SetScore::margin) {
    return row[order[0] == c ? order[1] : order[0]] - row[c];
  }
  double above = 0;
  std::size_t rank = 1;
  for (const std::size_t other : order) {
    if (other == c) {
      break;
    }
    above += row[other];
    ++rank;
  }
  const double penalty = rank > options.free_ranks ? options.penalty * double(rank - options.free_ranks) : 0;
  return above + u * row[c] + penalty;
}

TEST(ConformalRank, IsExactInIntegers) {
  EXPECT_EQ(conformal_rank(149, 0.18).rank, 123U);  // floating ceil((n + 1)(1 - alpha)) gives 124
  EXPECT_EQ(conformal_rank(100, 0.10).rank, 91U);
  EXPECT_EQ(conformal_rank(1000, 0.01).rank, 991U);
  EXPECT_EQ(conformal_rank(99, 0.01).rank, 99U);
  const auto small = conformal_rank(98, 0.01);
  EXPECT_TRUE(small.infinite);
  EXPECT_EQ(small.n_needed, 99U);
  EXPECT_EQ(conformal_rank(0, 0.5).n_needed, 1U);
  const auto law = conformal_rank(500, 0.05);
  EXPECT_EQ(law.beta_a, 476);
  EXPECT_EQ(law.beta_b, 25);
  EXPECT_THROW(conformal_rank(10, 0), std::invalid_argument);
  EXPECT_THROW(conformal_rank(10, 1), std::invalid_argument);
}

TEST(ConformalRank, TrainingConditionalRanksAreThoseOfTheReference) {
  // P(Beta(k, n + 1 - k) >= 1 - alpha) >= 0.9, by scipy.stats.beta 1.17.
  EXPECT_EQ(conformal_rank_pac(500, 0.05, 0.1).rank, 482U);
  EXPECT_EQ(conformal_rank_pac(1000, 0.05, 0.1).rank, 960U);
  EXPECT_EQ(conformal_rank_pac(1000, 0.01, 0.1).rank, 995U);
  EXPECT_EQ(conformal_rank_pac(5000, 0.01, 0.1).rank, 4960U);
  EXPECT_EQ(conformal_rank_pac(10, 0.01, 0.05).n_needed, 299U);  // the zero-error bound: 0.99^299 <= 0.05
  EXPECT_TRUE(conformal_rank_pac(298, 0.01, 0.05).infinite);
  EXPECT_TRUE(conformal_rank_pac(100, 1e-17, 0.05).infinite);  // 1 - alpha rounds to 1
  EXPECT_EQ(conformal_rank_pac(299, 0.01, 0.05).rank, 299U);
}

TEST(ConformalRank, QuantileTakesAnyOrderAndRefusesWhatDoesNotFit) {
  EXPECT_EQ(conformal_quantile(std::vector<double>{3, 1, 2, 5, 4, 9, 7, 8, 6}, conformal_rank(9, 0.3)), 7);
  EXPECT_EQ(conformal_quantile(std::vector<float>{3, 1}, conformal_rank(2, 0.1)), INFINITY);
  EXPECT_EQ(message_of([] { conformal_quantile(std::vector<double>{1}, conformal_rank(2, 0.5)); }),
            "[metrics.conformal_quantile] scores do not fit the rank; got 1 scores for a rank among 2");
  EXPECT_EQ(message_of([] {
              conformal_quantile(std::vector<double>{1, NAN}, conformal_rank(2, 0.5));
            }),
            "[metrics.conformal_quantile] scores must not be NaN; got NaN at index 1");
}

TEST(PredictionSets, ScoresFollowTheirDefinitionAlsoWithTies) {
  for (const bool grid : {false, true}) {
    const auto p = probabilities(1, 200, 7, grid);
    const auto labels = labels_of(2, 200, 7);
    for (const SetScoreOptions& options : {SetScoreOptions{SetScore::lac},
                                           {SetScore::aps, false},
                                           {SetScore::margin},
                                           {SetScore::raps, false, 0.05, 2}}) {
      const auto scores = set_scores({p, 200, 7}, labels, options);
      for (std::size_t i = 0; i < 200; ++i) {
        const std::vector<double> row(p.begin() + std::ptrdiff_t(7 * i), p.begin() + std::ptrdiff_t(7 * i + 7));
        ASSERT_NEAR(scores[i], score_by_definition(row, std::size_t(labels[i]), options, 1), 1e-12);
      }
    }
  }
}

TEST(PredictionSets, HoldExactlyTheClassesBelowTheThreshold) {
  for (const std::size_t classes : {2U, 7U, 64U, 70U, 130U}) {
    const auto p = probabilities(3, 300, classes);
    const auto labels = labels_of(4, 300, classes);
    for (const SetScoreOptions& options : {SetScoreOptions{SetScore::lac},
                                           {SetScore::aps, false},
                                           {SetScore::margin},
                                           {SetScore::raps, false, 0.01, 3}}) {
      for (const Conditioning conditioning : {Conditioning::marginal, Conditioning::by_class}) {
        const auto calibration = calibrate_sets({p, 300, classes}, labels, 0.2, options, conditioning);
        const auto sets = predict_sets({p, 300, classes}, calibration);
        for (std::size_t i = 0; i < 300; ++i) {
          std::size_t size = 0;
          for (std::size_t c = 0; c < classes; ++c) {
            // The score of a class as if it were the label: the same bits as in calibration.
            const double threshold = calibration.thresholds[conditioning == Conditioning::by_class ? c : 0];
            const auto label = std::vector<std::int64_t>{std::int64_t(c)};
            const double score = set_scores({Values(p).subspan(i * classes, classes), 1, classes}, label, options)[0];
            ASSERT_EQ(sets.contains(i, c), score <= threshold) << classes << " classes, row " << i << ", class " << c;
            size += sets.contains(i, c);
          }
          ASSERT_EQ(sets.sizes[i], size);
        }
      }
    }
  }
}

TEST(PredictionSets, DoNotDependOnBatchesOrdersOrMonotoneTransforms) {
  const auto p = probabilities<float>(5, 1000, 11);
  const auto labels = labels_of(6, 1000, 11);
  for (const SetScore score : {SetScore::lac, SetScore::aps, SetScore::margin}) {
    const SetScoreOptions options{score, true, 0, 1, 9};
    auto calibration = calibrate_sets({p, 1000, 11}, labels, 0.1, options);
    const auto whole = predict_sets({p, 1000, 11}, calibration);
    const Matrix tail{Values(p).subspan(600 * 11, 400 * 11), 400, 11};
    const auto part = predict_sets(tail, calibration, {}, 600);
    EXPECT_TRUE(std::equal(part.words.begin(), part.words.end(), whole.words.begin() + 600));
    // float64 of the same values gives the same sets.
    const std::vector<double> wide(p.begin(), p.end());
    EXPECT_EQ(predict_sets({wide, 1000, 11}, calibration).words, whole.words);
    // A threshold depends on the set of scores alone.
    auto scores = set_scores({p, 1000, 11}, labels, options);
    std::shuffle(scores.begin(), scores.end(), std::mt19937_64(1));
    EXPECT_EQ(conformal_quantile(scores, conformal_rank(1000, 0.1)), calibration.thresholds[0]);
    for (double& value : scores) {
      value = std::exp(3 * value) - 2;
    }
    EXPECT_EQ(conformal_quantile(scores, conformal_rank(1000, 0.1)), std::exp(3 * calibration.thresholds[0]) - 2);
  }
}

TEST(PredictionSets, SayWhenNIsTooSmall) {
  const auto p = probabilities(7, 30, 3);
  std::vector<std::int64_t> labels(30, 0);
  labels[0] = 1;
  const auto calibration = calibrate_sets({p, 30, 3}, labels, 0.1, {}, Conditioning::by_class);
  EXPECT_FALSE(calibration.laws[0].infinite);
  EXPECT_TRUE(calibration.laws[1].infinite);
  EXPECT_EQ(calibration.laws[1].n, 1U);
  EXPECT_EQ(calibration.laws[1].n_needed, 9U);
  EXPECT_EQ(calibration.laws[2].n, 0U);
  const auto sets = predict_sets({p, 30, 3}, calibration);
  EXPECT_TRUE(sets.contains(5, 1));
  EXPECT_TRUE(sets.contains(5, 2));
}

TEST(PredictionSets, GroupsHaveTheirOwnThresholdsAndUnseenOnesGetEverything) {
  const auto p = probabilities(8, 60, 4);
  const auto labels = labels_of(9, 60, 4);
  std::vector<std::int64_t> groups(60);
  for (std::size_t i = 0; i < 60; ++i) {
    groups[i] = i < 40 ? 7 : -2;
  }
  for (const SetScore score : {SetScore::lac, SetScore::aps}) {
    const auto calibration = calibrate_sets({p, 60, 4}, labels, 0.2, {score}, Conditioning::by_group, groups);
    EXPECT_EQ(calibration.groups, (std::vector<std::int64_t>{-2, 7}));
    EXPECT_EQ(calibration.laws[0].n, 20U);
    std::vector<std::int64_t> unseen(60, 3);
    const auto sets = predict_sets({p, 60, 4}, calibration, unseen);
    EXPECT_EQ(sets.sizes, std::vector<std::uint32_t>(60, 4));
  }
}

TEST(PredictionSets, EvaluationCounts) {
  const std::vector<double> p{0.8, 0.2, 0.6, 0.4, 0.3, 0.7};
  SetCalibration calibration{{}, Conditioning::marginal, 0.1, 2, {}, {0.45}, {conformal_rank(9, 0.1)}};
  const auto sets = predict_sets({p, 3, 2}, calibration);
  const auto result = evaluate_sets(sets, std::vector<std::int64_t>{0, 1, 1});
  EXPECT_EQ(result.marginal.covered, 2U);
  EXPECT_DOUBLE_EQ(result.marginal.value, 2.0 / 3);
  EXPECT_EQ(result.by_class[1].n, 2U);
  EXPECT_EQ(result.sizes, std::vector<std::size_t>{1});
  EXPECT_EQ(result.mean_size, 1);
  EXPECT_EQ(result.empty, 0U);
  calibration.thresholds[0] = 0.1;
  const auto empty = evaluate_sets(predict_sets({p, 3, 2}, calibration), std::vector<std::int64_t>{0, 0, 0});
  EXPECT_EQ(empty.empty, 3U);
  EXPECT_TRUE(std::isnan(empty.by_class[1].value));
  EXPECT_EQ(empty.by_class[1].interval.high, 1);
}

TEST(CrossConformal, SetsFollowTheCountOfTheDefinition) {
  const std::size_t n = 40, rows = 15, classes = 4;
  const auto p = probabilities(10, n, classes);
  const auto labels = labels_of(11, n, classes);
  std::vector<std::int64_t> folds(n);
  for (std::size_t i = 0; i < n; ++i) {
    folds[i] = std::int64_t(i % 3);
  }
  std::vector<std::vector<double>> tables;
  std::vector<Matrix> predictions;
  for (std::uint64_t k = 0; k < 3; ++k) {
    tables.push_back(probabilities(20 + k, rows, classes));
  }
  for (const auto& table : tables) {
    predictions.push_back({table, rows, classes});
  }
  for (const SetScore score : {SetScore::lac, SetScore::margin, SetScore::aps}) {
    const SetScoreOptions options{score, false};
    const auto result = cross_conformal_sets({p, n, classes}, labels, folds, predictions, 0.18, options);
    const auto scores = set_scores({p, n, classes}, labels, options);
    for (std::size_t x = 0; x < rows; ++x) {
      for (std::size_t c = 0; c < classes; ++c) {
        std::size_t below = 0;
        for (std::size_t i = 0; i < n; ++i) {
          const Matrix row{predictions[std::size_t(folds[i])].row(x), 1, classes};
          below += scores[i] < set_scores(row, std::vector<std::int64_t>{std::int64_t(c)}, options)[0];
        }
        ASSERT_EQ(result.sets.contains(x, c), 100 * below < 82 * (n + 1));
      }
    }
    EXPECT_NEAR(result.guarantee, 1 - 2 * 0.18 - std::min(2 * (2.0 / 3) / (40.0 / 3 + 1), (1 - 3.0 / 40) / 4), 1e-12);
  }
}

TEST(WeightedConformal, EqualWeightsAreTheSplitThresholdToTheBit) {
  std::mt19937_64 random(12);
  for (std::size_t n = 1; n < 200; ++n) {
    std::vector<double> scores(n);
    for (double& score : scores) {
      score = double(random() % 1000);
    }
    for (const double alpha : {0.01, 0.05, 0.1, 0.18, 1.0 / 3, 0.29}) {
      for (const double weight : {1.0, 0.5, 3.0}) {
        const auto result =
            weighted_conformal_thresholds(scores, std::vector<double>(n, weight), std::vector<double>{weight}, alpha);
        ASSERT_EQ(result.thresholds[0], conformal_quantile(scores, conformal_rank(n, alpha))) << n << " " << alpha;
        ASSERT_NEAR(result.effective_sample_size, double(n), 1e-9);
      }
    }
  }
}

TEST(WeightedConformal, ByHandAndInfinite) {
  const std::vector<double> scores{3, 1, 2}, weights{1, 4, 3};
  const auto result = weighted_conformal_thresholds(scores, weights, std::vector<double>{2, 8, 0}, 0.25);
  // Totals 10, 16, 8; three quarters are 7.5, 12 and 6; cumulative weights in order of score: 4, 7, 8.
  EXPECT_EQ(result.thresholds, (std::vector<double>{3, INFINITY, 2}));
  EXPECT_EQ(result.infinite, 1U);
  EXPECT_DOUBLE_EQ(result.effective_sample_size, 64.0 / 26);
}

TEST(AdaptiveConformal, FollowsItsRecursionAndGuardsItsBound) {
  AdaptiveConformal adaptive(0.1, 0.05);
  adaptive.update(true);
  EXPECT_NEAR(adaptive.level(), 0.1 - 0.05 * 0.9, 1e-15);
  adaptive.update(true);
  adaptive.update(true);
  EXPECT_TRUE(adaptive.everything());
  EXPECT_NE(message_of([&] { adaptive.update(true); }).find("the set of everything cannot miss"), std::string::npos);
  EXPECT_EQ(adaptive.errors(), 3U);
  EXPECT_DOUBLE_EQ(adaptive.bound(), (0.9 + 0.05) / (0.05 * 3));
  EXPECT_TRUE(std::isnan(AdaptiveConformal(0.1).mean_error()));
  EXPECT_THROW(AdaptiveConformal(0.1, 0), std::invalid_argument);
}

TEST(PredictionSets, RefuseBadInput) {
  auto p = probabilities(13, 4, 3);
  const std::vector<std::int64_t> labels{0, 1, 2, 0};
  EXPECT_EQ(message_of([&] {
              calibrate_sets({p, 4, 3}, labels, 1.0);
            }),
            "[metrics.calibrate_sets] alpha is out of range; got 1; expected a value in (0, 1)");
  EXPECT_EQ(message_of([&] {
              calibrate_sets({p, 4, 3}, std::vector<std::int64_t>{0, 1, 3, 0}, 0.1);
            }),
            "[metrics.set_scores] labels must be classes; got 3 at index 2; expected 0 to 2");
  EXPECT_EQ(message_of([&] {
              calibrate_sets({p, 4, 3}, std::vector<std::int64_t>{0}, 0.1);
            }),
            "[metrics.set_scores] probabilities and labels differ in length; got 4 and 1");
  EXPECT_EQ(message_of([&] {
              calibrate_sets({p, 4, 3}, labels, 0.1, {SetScore::raps});
            }),
            "[metrics.set_scores] penalty is out of range; got 0; expected a value above 0 for RAPS (0 would be APS)");
  EXPECT_EQ(
      message_of([&] {
        calibrate_sets({p, 4, 3}, labels, 0.1, {}, Conditioning::by_group);
      }),
      "[metrics.calibrate_sets] groups must be one for each sample with conditioning by group, and none otherwise; "
      "got 0 for 4 samples");
  p[4] += 0.5;
  EXPECT_NE(message_of([&] { set_scores({p, 4, 3}, labels, {}); }).find("must be probabilities"), std::string::npos);
  EXPECT_NE(message_of([&] { set_scores({p, 4, 3}, labels, {}); }).find(" row 1 "), std::string::npos);
  p[4] = NAN;
  EXPECT_NE(message_of([&] { set_scores({p, 4, 3}, labels, {}); }).find("got NaN"), std::string::npos);
  EXPECT_EQ(message_of([&] {
              weighted_conformal_thresholds(std::vector<double>{1}, std::vector<double>{0}, std::vector<double>{1},
                                            0.1);
            }),
            "[metrics.weighted_conformal_thresholds] weights must not all be zero; got 1 zeros");
}

}  // namespace
}  // namespace oddity::metrics
