#include "oddity/metrics/set_scores.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/random.h"
#include "metrics/class_rows.h"
#include "tests/metrics/class_tables.h"
#include "tests/metrics/refuses.h"

namespace oddity::metrics {
namespace {

using testing::message;

using ::testing::ElementsAre;

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

TEST(SetScores, are_those_of_torchcp) {
  // TorchCP 1.2.1, score_type "identity", randomized=False; its RAPS adds the penalty in float32, hence 1e-7.
  const std::vector<double> p{0.5, 0.25, 0.125, 0.125, 0.1, 0.2, 0.3, 0.4, 0.05, 0.9, 0.03, 0.02};
  const Matrix table{p, 3, 4};
  const auto all = [&](SetScoreKind kind, std::optional<RankPenalty> penalty = {}) {
    return set_scores_of_all_classes(table, {kind, false, penalty, 0});
  };
  const auto near = [](std::vector<double> expected, double tolerance) {
    return ::testing::Pointwise(::testing::DoubleNear(tolerance), expected);
  };
  EXPECT_THAT(all(SetScoreKind::lac),
              near({0.5, 0.75, 0.875, 0.875, 0.9, 0.8, 0.7, 0.6, 0.95, 0.1, 0.97, 0.98}, 1e-15));
  EXPECT_THAT(all(SetScoreKind::aps), near({0.5, 0.75, 0.875, 1, 1, 0.9, 0.7, 0.4, 0.95, 0.9, 0.98, 1}, 1e-15));
  EXPECT_THAT(all(SetScoreKind::raps, RankPenalty{0.1, 1}),
              near({0.5, 0.85, 1.075, 1.3, 1.3, 1.1, 0.8, 0.4, 1.05, 0.9, 1.18, 1.3}, 1e-7));
  EXPECT_THAT(all(SetScoreKind::margin),
              near({-0.25, 0.25, 0.375, 0.375, 0.3, 0.2, 0.1, -0.1, 0.85, -0.85, 0.87, 0.88}, 1e-15));
  EXPECT_THAT(set_scores(table, std::vector<std::int64_t>{1, 0, 3}, {SetScoreKind::aps, false, {}, 0}),
              near({0.75, 1, 1}, 1e-15));
}

TEST(SetScores, are_their_definition_to_the_last_bit) {
  for (const std::size_t columns : {2U, 3U, 7U, 64U, 65U, 150U, 1030U}) {
    for (const double grid : {0.0, 0.125}) {
      const auto check = [&](auto zero) {
        using T = decltype(zero);
        const std::size_t rows = columns < 1000 ? 40 : 2;
        const auto p = class_table<T>(rows, columns, unsigned(columns), grid);
        for (const SetScore& score : every_score(3)) {
          std::vector<std::int64_t> classes;
          for (std::size_t i = 0; i < rows; ++i) {
            classes.push_back(std::int64_t(i * 17 % columns));
          }
          const auto all = set_scores_of_all_classes({p, rows, columns}, score);
          const auto own = set_scores({p, rows, columns}, classes, score);
          for (std::size_t i = 0; i < rows; ++i) {
            const auto row = std::span<const T>(p).subspan(i * columns, columns);
            const auto c = std::size_t(classes[i]);
            const double u = uniform_by_definition(score, "sets.test", i);
            for (std::size_t k = 0; k < columns; ++k) {
              ASSERT_EQ(all[i * columns + k], score_by_definition(row, k, score, u)) << columns << " " << k;
            }
            ASSERT_EQ(own[i], score_by_definition(row, c, score, uniform_by_definition(score, "sets.calibration", i)));
          }
          EXPECT_EQ(set_scores({p, rows, columns}, classes, score, {}, SampleRole::test)[1],
                    all[columns + std::size_t(classes[1])]);
        }
      };
      check(0.0F);
      check(0.0);
    }
  }
}

TEST(SetScores, one_uniform_number_for_each_sample_id) {
  const auto p = class_table<double>(6, 5, 1);
  const SetScore score{SetScoreKind::aps, true, {}, 11};
  const std::vector<std::int64_t> ids{4, 0, -7, 9, 4, 1}, classes{0, 1, 2, 3, 4, 0};
  const auto scores = set_scores({p, 6, 5}, classes, score, ids);
  // One sample alone has the score it has among others.
  for (std::size_t i = 0; i < 6; ++i) {
    const std::vector<double> row(p.begin() + std::ptrdiff_t(5 * i), p.begin() + std::ptrdiff_t(5 * (i + 1)));
    EXPECT_THAT(set_scores({row, 1, 5}, std::span(classes).subspan(i, 1), score, std::span(ids).subspan(i, 1)),
                ElementsAre(scores[i]));
  }
  EXPECT_NE(set_scores({p, 6, 5}, classes, score), scores);
  EXPECT_NE(set_scores({p, 6, 5}, classes, {SetScoreKind::aps, true, {}, 12}, ids), scores);
  EXPECT_NE(set_scores({p, 6, 5}, classes, score, ids, SampleRole::test), scores);
}

TEST(SetScores, mass_of_many_classes_does_not_wrap_around) {
  // 4097 ones sum to 1 modulo 4096.
  const std::vector<float> ones(4097, 1.0F);
  EXPECT_THAT(
      [&] {
        set_scores_of_all_classes({ones, 1, 4097}, {});
      },
      message("probabilities must be probabilities; row 0 sums to 4097; expected 1"));
  std::vector<std::int64_t> fixed(4097);
  EXPECT_EQ(detail::fixed_point(ones.data(), ones.size(), fixed.data()), 0);
}

TEST(SetScores, refuse_bad_input_with_a_sentence) {
  const std::vector<double> good{0.5, 0.5, 0.25, 0.75};
  const std::vector<std::int64_t> classes{0, 1};
  const auto of = [&](std::vector<double> p, std::size_t rows, std::size_t columns,
                      std::vector<std::int64_t> y = {0, 1}, SetScore score = {}, std::vector<std::int64_t> ids = {}) {
    return [=] { set_scores({p, rows, columns}, y, score, ids); };
  };
  EXPECT_THAT(of({}, 0, 2), message("[metrics.set_scores] probabilities is empty; got 0 x 2"));
  EXPECT_THAT(of(good, 2, 3), message("probabilities does not fit its size; got 4 values for 2 x 3"));
  EXPECT_THAT(of(good, 4, 1), message("probabilities must have at least 2 classes; got 1"));
  EXPECT_THAT(of({0.5, 0.5, kNan, 1}, 2, 2), message("got nan in row 1 column 0; expected values in [0, 1]"));
  EXPECT_THAT(of({0.5, 0.5, HUGE_VAL, 1}, 2, 2), message("got inf in row 1 column 0"));
  EXPECT_THAT(of({-0.1, 1.1, 0.5, 0.5}, 2, 2), message("got -0.1"));
  EXPECT_THAT(of({0.5, 0.5, 0.5, 0.6}, 2, 2), message("row 1 sums to 1.1"));
  EXPECT_THAT(of(good, 2, 2, {0}), message("classes must be one for each row; got 1 for 2 rows"));
  EXPECT_THAT(of(good, 2, 2, {0, 2}), message("classes is out of range; got 2 at index 1; expected 0 to 1"));
  EXPECT_THAT(of(good, 2, 2, {-1, 0}), message("classes is out of range; got -1 at index 0"));
  EXPECT_THAT(of(good, 2, 2, classes, {}, {1}), message("probabilities and ids differ in length; got 2 and 1"));
  EXPECT_THAT(of(good, 2, 2, classes, {SetScoreKind::raps, true, {}, 0}), message("penalty is missing; expected"));
  EXPECT_THAT(of(good, 2, 2, classes, {SetScoreKind::aps, true, RankPenalty{1, 0}, 0}),
              message("penalty belongs to the score raps; got it with another score"));
  for (const double weight : {0.0, -1.0, kNan, HUGE_VAL}) {
    EXPECT_THAT(of(good, 2, 2, classes, {SetScoreKind::raps, true, RankPenalty{weight, 1}, 0}),
                message("penalty weight is out of range; got"));
  }
  EXPECT_THAT([&] { set_scores_of_all_classes({good, 1, 1}, {}); }, message("[metrics.set_scores_of_all_classes] "));
}

}  // namespace
}  // namespace oddity::metrics
