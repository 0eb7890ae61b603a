#include "oddity/metrics/prediction_sets.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <numeric>
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

std::vector<std::int64_t> some_classes(std::size_t rows, std::size_t columns) {
  std::vector<std::int64_t> classes;
  for (std::size_t i = 0; i < rows; ++i) {
    classes.push_back(std::int64_t(i * i % columns));
  }
  return classes;
}

/// The sets are {c: score <= threshold(level, row, c)}, sizes and unused bits included.
template <class ThresholdOf>
void expect_definition(const PredictionSets& sets, std::span<const double> scores, ThresholdOf threshold_of) {
  ASSERT_EQ(sets.words, (sets.classes + 63) / 64);
  ASSERT_EQ(sets.masks.size(), sets.levels * sets.rows * sets.words);
  for (std::size_t level = 0; level < sets.levels; ++level) {
    for (std::size_t row = 0; row < sets.rows; ++row) {
      std::size_t size = 0, bits = 0;
      for (std::size_t c = 0; c < sets.classes; ++c) {
        const bool within = scores[row * sets.classes + c] <= threshold_of(level, row, c);
        ASSERT_EQ(sets.contains(level, row, c), within) << level << " " << row << " " << c;
        size += within;
      }
      for (std::size_t w = 0; w < sets.words; ++w) {
        bits += std::size_t(std::popcount(sets.masks[(level * sets.rows + row) * sets.words + w]));
      }
      ASSERT_EQ(sets.sizes[level * sets.rows + row], size);
      ASSERT_EQ(bits, size);
    }
  }
}

TEST(PredictionSets, hold_the_classes_within_the_threshold) {
  for (const std::size_t columns : {2U, 3U, 63U, 64U, 65U, 100U, 200U}) {
    for (const double grid : {0.0, 0.5}) {  // 0.5: many equal probabilities
      const auto check = [&](auto zero) {
        using T = decltype(zero);
        constexpr std::size_t rows = 120;
        const auto p = class_table<T>(rows, columns, unsigned(columns), grid);
        const auto before = p;
        const Matrix table{p, rows, columns};
        const auto classes = some_classes(rows, columns);
        for (const SetScore& score : every_score(9)) {
          const auto scores = set_scores_of_all_classes(table, score);
          const auto own = set_scores(table, classes, score);
          // Marginal, several alphas; 0.001 needs 999 samples.
          const std::vector<double> alphas{0.1, 0.001, 0.5, 0.97};
          const auto thresholds = calibrate_sets(table, classes, score, {alphas, false, {}});
          const auto expected = conformal_quantiles(own, alphas);
          const auto sets = prediction_sets(table, thresholds);
          expect_definition(sets, scores,
                            [&](std::size_t a, std::size_t, std::size_t) { return expected[a].threshold; });
          ASSERT_THAT(sets.infinite, ElementsAre(0, rows, 0, 0));
          // By class.
          const auto of_classes = group_conformal_quantiles(own, classes, alphas);
          const auto by_class = prediction_sets(table, calibrate_sets(table, classes, score, {alphas, true, {}}));
          expect_definition(by_class, scores, [&](std::size_t a, std::size_t, std::size_t c) {
            const std::size_t at = of_classes.find(std::int64_t(c));
            return at < of_classes.groups.size() ? of_classes.at(a, at).threshold : kInfinity;
          });
          // By group, with a group that the calibration did not have.
          std::vector<std::int64_t> groups, test_groups;
          for (std::size_t i = 0; i < rows; ++i) {
            groups.push_back(i % 3 == 0 ? -5 : 12);
            test_groups.push_back(i % 4 == 0 ? 99 : groups.back());
          }
          const auto of_groups = group_conformal_quantiles(own, groups, alphas, 0.1);
          const auto by_group =
              prediction_sets(table, calibrate_sets(table, classes, score, {alphas, false, 0.1}, groups), test_groups);
          expect_definition(by_group, scores, [&](std::size_t a, std::size_t row, std::size_t) {
            return of_groups.thresholds(std::span(test_groups).subspan(row, 1), a)[0];
          });
          ASSERT_EQ(by_group.infinite[0], rows / 4);
          // Thresholds of every size, also exactly at a score, just below it and beyond all.
          std::vector<double> limits(rows);
          for (std::size_t i = 0; i < rows; ++i) {
            const double at = scores[i * columns + i % columns];
            limits[i] = i % 5 == 0 ? kInfinity : i % 5 == 1 ? -kInfinity : i % 5 == 2 ? std::nextafter(at, -2) : at;
          }
          const auto at = prediction_sets_at(table, score, limits);
          expect_definition(at, scores, [&](std::size_t, std::size_t row, std::size_t) { return limits[row]; });
          ASSERT_THAT(at.infinite, ElementsAre(rows / 5));
          const double one = scores[columns + 1];
          expect_definition(prediction_sets_at(table, score, std::vector{one}), scores,
                            [&](std::size_t, std::size_t, std::size_t) { return one; });
        }
        EXPECT_EQ(p, before);  // the caller's probabilities are only read
      };
      check(0.0F);
      check(0.0);
    }
  }
}

TEST(PredictionSets, of_rows_that_are_hard_to_part) {
  // One certain class; all equal; two values; tiny tails; values next to each other.
  constexpr std::size_t columns = 90;
  std::vector<float> p(5 * columns);
  p[17] = 1;
  for (std::size_t c = 0; c < columns; ++c) {
    p[columns + c] = 1.0F / columns;
    p[2 * columns + c] = c % 2 == 0 ? 1.5F / columns : 0.5F / columns;
    p[3 * columns + c] = c == 3 ? 1.0F : std::ldexp(1.0F, -int(c) - 20);
    p[4 * columns + c] = std::nextafter(1.0F / columns, c < 40 ? 0.0F : 1.0F);
  }
  for (const SetScore& score : every_score(1)) {
    const auto scores = set_scores_of_all_classes({p, 5, columns}, score);
    for (const double limit : scores) {
      const auto sets = prediction_sets_at({p, 5, columns}, score, std::vector{limit});
      expect_definition(sets, scores, [&](std::size_t, std::size_t, std::size_t) { return limit; });
    }
  }
}

TEST(PredictionSets, do_not_depend_on_batches_order_or_calls) {
  constexpr std::size_t rows = 3000, columns = 37;
  const auto p = class_table<float>(rows, columns, 4);
  const auto classes = some_classes(rows, columns);
  std::vector<std::int64_t> ids(rows);
  std::iota(ids.begin(), ids.end(), 0);
  for (const SetScore& score : every_score(2)) {
    const auto thresholds = calibrate_sets({p, rows, columns}, classes, score);
    const auto sets = prediction_sets({p, rows, columns}, thresholds);
    EXPECT_EQ(sets.masks, prediction_sets({p, rows, columns}, thresholds).masks);
    for (const std::size_t batch : {1U, 700U}) {
      for (std::size_t first = 0; first < rows; first += batch) {
        const std::size_t n = std::min(batch, rows - first);
        const auto part = prediction_sets({Values(p).subspan(first * columns, n * columns), n, columns}, thresholds, {},
                                          std::span(ids).subspan(first, n));
        ASSERT_TRUE(std::equal(part.masks.begin(), part.masks.end(), sets.masks.begin() + std::ptrdiff_t(first)));
      }
    }
    // Calibration samples in another order, each with its id.
    auto order = ids;
    std::shuffle(order.begin(), order.end(), std::mt19937(1));
    std::vector<float> q;
    std::vector<std::int64_t> other_classes;
    for (const auto i : order) {
      q.insert(q.end(), p.begin() + i * std::ptrdiff_t(columns), p.begin() + (i + 1) * std::ptrdiff_t(columns));
      other_classes.push_back(classes[std::size_t(i)]);
    }
    const auto shuffled = calibrate_sets({q, rows, columns}, other_classes, score, {}, {}, order);
    EXPECT_EQ(shuffled.quantiles.at(0, 0).threshold, thresholds.quantiles.at(0, 0).threshold);
  }
}

TEST(PredictionSets, state_what_each_threshold_is_worth) {
  const auto p = class_table<double>(40, 3, 1);
  std::vector<std::int64_t> classes(40, 0);
  classes[5] = 2;
  const auto result = calibrate_sets({p, 40, 3}, classes, {}, {{0.1}, true, {}});
  EXPECT_EQ(result.quantiles.groups, (std::vector<std::int64_t>{0, 1, 2}));
  const auto& of_class = result.quantiles;
  EXPECT_EQ(of_class.at(0, 0).n, 39U);
  EXPECT_EQ(of_class.at(0, 0).rank, 36U);
  EXPECT_EQ(of_class.at(0, 0).coverage.a, 36);
  EXPECT_EQ(of_class.at(0, 0).coverage.b, 4);
  EXPECT_FALSE(of_class.at(0, 0).infinite);
  EXPECT_EQ(of_class.at(0, 1).n, 0U);
  EXPECT_TRUE(of_class.at(0, 1).infinite);
  EXPECT_EQ(of_class.at(0, 1).n_needed, 9U);
  EXPECT_EQ(of_class.at(0, 2).n, 1U);
  EXPECT_TRUE(of_class.at(0, 2).infinite);
  const auto sets = prediction_sets({p, 40, 3}, result);
  EXPECT_THAT(sets.infinite, ElementsAre(40));
  EXPECT_TRUE(sets.contains(0, 11, 1) && sets.contains(0, 11, 2));
}

TEST(PredictionSets, refuse_bad_input_with_a_sentence) {
  const std::vector<double> p{0.5, 0.5, 0.25, 0.75};
  const Matrix table{p, 2, 2};
  const std::vector<std::int64_t> classes{0, 1}, groups{1, 2};
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const auto calibrate = [&](SetCalibrationOptions options, std::vector<std::int64_t> of = {}) {
    return [=] { calibrate_sets({p, 2, 2}, classes, {}, options, of); };
  };
  EXPECT_THAT(calibrate({{}, false, {}}), message("[metrics.calibrate_sets] alphas is empty"));
  EXPECT_THAT(calibrate({{0.1, 1}, false, {}}), message("[metrics.calibrate_sets] alpha is out of range; got 1"));
  EXPECT_THAT(calibrate({{0.1}, false, 0.0}), message("delta is out of range; got 0"));
  EXPECT_THAT(calibrate({{0.1}, true, {}}, groups), message("groups cannot go with class_conditional"));
  EXPECT_THAT(calibrate({{0.1}, false, {}}, {1}), message("probabilities and groups differ in length; got 2 and 1"));
  EXPECT_THAT([&] { calibrate_sets({p, 2, 2}, {}, {}); }, message("[metrics.calibrate_sets] classes must be one for"));
  const auto marginal = calibrate_sets(table, classes, {});
  const auto by_group = calibrate_sets(table, classes, {}, {}, groups);
  EXPECT_THAT(
      [&] {
        prediction_sets({p, 1, 4}, marginal);
      },
      message("[metrics.prediction_sets] probabilities differ in classes from the calibration; got 4; expected 2"));
  EXPECT_THAT([&] { prediction_sets(table, marginal, groups); },
              message("groups are given; the thresholds are not by"));
  EXPECT_THAT([&] { prediction_sets(table, by_group); }, message("groups are missing; the thresholds are by group"));
  EXPECT_THAT([&] { prediction_sets(table, by_group, std::vector<std::int64_t>{1}); }, message("got 2 and 1"));
  EXPECT_THAT([&] { prediction_sets({Values(), 0, 2}, marginal); }, message("is empty"));
  EXPECT_THAT([&] { prediction_sets(table, SetThresholds{{}, 2, {}, {}}); }, message("thresholds do not fit together"));
  const std::vector<double> bad{0.5, 0.5, 0.5, nan};
  EXPECT_THAT([&] { prediction_sets({bad, 2, 2}, marginal); }, message("got nan in row 1 column 1"));
  EXPECT_THAT([&] { prediction_sets_at(table, {}, std::vector<double>{nan}); }, message("got NaN at index 0"));
  EXPECT_THAT(
      [&] {
        prediction_sets_at(table, {}, std::vector<double>{1, 2, 3});
      },
      message("[metrics.prediction_sets_at] thresholds must be one, or one for each row; got 3 for 2 rows"));
}

}  // namespace
}  // namespace oddity::metrics
