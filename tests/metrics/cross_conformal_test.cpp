#include "oddity/metrics/cross_conformal.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/metrics/class_tables.h"
#include "tests/metrics/refuses.h"

namespace oddity::metrics {
namespace {

using testing::message;

using ::testing::ElementsAre;

constexpr double kInfinity = std::numeric_limits<double>::infinity();
using List = std::vector<double>;
using Folds = std::vector<std::int64_t>;

TEST(CrossConformal, states_the_coverage_that_is_proven) {
  // Equal folds: the smaller of 2 (1 - a)(K - 1) / (n + K) and (1 - K / n) / (K + 1).
  const auto of = [](std::size_t n, std::size_t folds, std::size_t uneven = 0) {
    Folds fold;
    for (std::size_t i = 0; i < n + uneven; ++i) {
      fold.push_back(std::int64_t(i % folds));
    }
    return CrossConformal(List(fold.size(), 1.0), fold);
  };
  EXPECT_DOUBLE_EQ(of(100, 10).guaranteed_coverage(0.1), 0.8 - (1 - 0.1) / 11);
  EXPECT_DOUBLE_EQ(of(1000, 5).guaranteed_coverage(0.1), 0.8 - 2 * 0.9 * 4 / 1005);
  EXPECT_DOUBLE_EQ(of(100, 100).guaranteed_coverage(0.1), 0.8);  // jackknife+
  EXPECT_DOUBLE_EQ(of(100, 10, 3).guaranteed_coverage(0.1), 0.8 - 2 * 0.9 * 9 / 113);
  EXPECT_EQ(of(100, 10).guaranteed_coverage(0.6), 0);
  EXPECT_EQ(of(100, 10).n(), 100U);
  EXPECT_EQ(of(100, 10).folds(), 10U);
}

TEST(CrossConformal, sets_by_definition) {
  for (const std::size_t columns : {2U, 5U, 70U}) {
    const auto check = [&](auto zero) {
      using T = decltype(zero);
      constexpr std::size_t n = 47, folds = 4, rows = 30;
      std::mt19937 random{unsigned(columns)};
      const auto train = class_table<T>(n, columns, 1, 0.5);
      std::vector<std::vector<T>> test;
      std::vector<Matrix> tables;
      for (unsigned k = 0; k < folds; ++k) {
        test.push_back(class_table<T>(rows, columns, 10 + k, 0.5));
      }
      for (const auto& table : test) {
        tables.push_back({table, rows, columns});
      }
      std::vector<std::int64_t> classes, fold;
      for (std::size_t i = 0; i < n; ++i) {
        classes.push_back(std::int64_t(random() % columns));
        fold.push_back(std::int64_t(i < folds ? i : random() % folds));
      }
      const List alphas{0.1, 0.5, 0.01};
      for (const SetScore& score : every_score(5)) {
        const auto own = set_scores({train, n, columns}, classes, score);
        const auto sets = cross_conformal_sets(tables, CrossConformal(own, fold), score, alphas);
        for (std::size_t a = 0; a < alphas.size(); ++a) {
          for (std::size_t row = 0; row < rows; ++row) {
            std::size_t size = 0;
            for (std::size_t c = 0; c < columns; ++c) {
              std::size_t stranger = 0;
              for (std::size_t i = 0; i < n; ++i) {
                const auto k = std::size_t(fold[i]);
                const double u = uniform_by_definition(score, "sets.test", row);
                stranger += own[i] < score_by_definition(std::span<const T>(test[k]).subspan(row * columns, columns), c,
                                                         score, u);
              }
              // Hundredths, so that the comparison with (1 - alpha)(n + 1) is exact.
              const bool within = 100 * stranger < std::size_t(std::lround(100 - 100 * alphas[a])) * (n + 1);
              ASSERT_EQ(sets.contains(a, row, c), within);
              size += within;
            }
            ASSERT_EQ(sets.sizes[a * rows + row], size);
          }
        }
        EXPECT_THAT(sets.infinite, ElementsAre(0, 0, rows));
      }
    };
    check(0.0F);
    check(0.0);
  }
}

TEST(CrossConformal, intervals_by_definition) {
  std::mt19937 random(4);
  std::normal_distribution<double> normal;
  for (int round = 0; round < 300; ++round) {
    const std::size_t n = 2 + random() % 60, folds = round % 3 == 0 ? n : 2 + random() % (n - 1), rows = 5;
    const double grid = round % 2 == 0 ? 0 : 0.5;
    const auto draw = [&] { return grid > 0 ? std::round(normal(random) / grid) * grid : normal(random); };
    List scores, predictions;
    Folds fold;
    for (std::size_t i = 0; i < n; ++i) {
      scores.push_back(std::abs(draw()));
      fold.push_back(std::int64_t(i < folds ? i : random() % folds));
    }
    for (std::size_t i = 0; i < rows * folds; ++i) {
      predictions.push_back(draw());
    }
    const double alpha = double(1 + random() % 99) / 100;
    const auto intervals = cross_conformal_intervals({predictions, rows, folds}, CrossConformal(scores, fold), alpha);
    const ConformalRank rank = conformal_rank(n, alpha);
    for (std::size_t row = 0; row < rows; ++row) {
      List low, high;
      for (std::size_t i = 0; i < n; ++i) {
        const double f = predictions[row * folds + std::size_t(fold[i])];
        low.push_back(f - scores[i]);
        high.push_back(f + scores[i]);
      }
      std::sort(low.begin(), low.end());
      std::sort(high.begin(), high.end());
      ASSERT_EQ(intervals.low[row], rank.infinite ? -kInfinity : low[n - rank.rank]) << n << " " << alpha;
      ASSERT_EQ(intervals.high[row], rank.infinite ? kInfinity : high[rank.rank - 1]);
    }
  }
}

TEST(CrossConformal, of_one_model_is_split) {
  // When all folds predict the same, the interval is that of the split method with the same scores.
  List scores, predictions;
  Folds fold;
  for (int i = 0; i < 99; ++i) {
    scores.push_back(double(i * 37 % 100) / 7);
    fold.push_back(i % 3);
  }
  for (int i = 0; i < 3; ++i) {
    predictions.push_back(2.5);
  }
  const auto cross = cross_conformal_intervals({predictions, 1, 3}, CrossConformal(scores, fold), 0.1);
  const auto split = residual_intervals(List{2.5}, List{conformal_quantile(scores, 0.1).threshold});
  EXPECT_EQ(cross.low, split.low);
  EXPECT_EQ(cross.high, split.high);
}

TEST(CrossConformal, refuses_bad_input_with_a_sentence) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const auto make = [](List scores, Folds folds) { return [=] { CrossConformal(scores, folds); }; };
  EXPECT_THAT(make({}, {}), message("[metrics.cross_conformal] scores is empty"));
  EXPECT_THAT(make({1, 2}, {0}), message("scores and folds differ in length; got 2 and 1"));
  EXPECT_THAT(make({1, nan}, {0, 1}), message("scores must be finite; got NaN at index 1"));
  EXPECT_THAT(make({1, 2}, {0, 0}), message("there must be at least 2 folds; got 1"));
  EXPECT_THAT(make({1, 2, 3}, {0, 2, 2}), message("fold 1 has no sample; expected folds 0 to 2"));
  EXPECT_THAT(make({1, 2}, {0, 2}), message("folds is out of range; got 2 at index 1; expected 0 to 1"));
  EXPECT_THAT(make({1, 2}, {-1, 0}), message("folds is out of range; got -1 at index 0"));
  const CrossConformal good(List{1, 2}, Folds{0, 1});
  EXPECT_THAT([&] { good.guaranteed_coverage(1); }, message("[metrics.guaranteed_coverage] alpha is out of range"));
  const List p{0.5, 0.5, 0.25, 0.75}, alphas{0.1}, bad{0.5, 0.5, nan, 0.75};
  const std::vector<float> narrow{0.5, 0.5, 0.25, 0.75};
  const Matrix table{p, 2, 2};
  const auto sets = [&](std::vector<Matrix> tables, List levels = {0.1}) {
    return [=] { cross_conformal_sets(tables, good, {}, levels); };
  };
  EXPECT_THAT(sets({table}),
              message("[metrics.cross_conformal_sets] probabilities must be one table for each fold; got 1"));
  EXPECT_THAT(sets({table, {p, 1, 4}}), message("probabilities of fold 1 differ in size or type from those of fold 0"));
  EXPECT_THAT(sets({table, {narrow, 2, 2}}), message("fold 1 differ in size or type"));
  EXPECT_THAT(sets({table, {bad, 2, 2}}), message("got nan in row 1 column 0"));
  EXPECT_THAT(sets({table, table}, {}), message("alphas is empty"));
  EXPECT_THAT(sets({table, table}, {0.0}), message("alpha is out of range; got 0"));
  EXPECT_THAT(
      [&] {
        cross_conformal_intervals({p, 4, 1}, good, 0.1);
      },
      message("[metrics.cross_conformal_intervals] predictions must have one column for each fold; got 1 for 2"));
  EXPECT_THAT(
      [&] {
        cross_conformal_intervals({bad, 2, 2}, good, 0.1);
      },
      message("predictions must be finite; got NaN"));
  EXPECT_THAT([&] { cross_conformal_intervals({p, 2, 2}, good, nan); }, message("alpha is out of range; got nan"));
  EXPECT_THAT(
      [&] {
        cross_conformal_intervals({p, 2, 2}, CrossConformal(List{-1, 2}, Folds{0, 1}), 0.5);
      },
      message("scores must be absolute residuals; got -1 in fold 0"));
}

}  // namespace
}  // namespace oddity::metrics
