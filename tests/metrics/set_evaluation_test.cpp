#include "oddity/metrics/set_evaluation.h"

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

/// LAC sets at a threshold: classes with probability >= 1 - threshold.
PredictionSets sets_at(const std::vector<double>& p, std::size_t columns, double threshold) {
  return prediction_sets_at({p, p.size() / columns, columns}, {}, std::vector{threshold});
}

TEST(SetEvaluation, by_hand) {
  const std::vector<double> p{0.5, 0.5, 0, 1, 0, 0, 0.25, 0.25, 0.5, 0.4, 0.3, 0.3};
  const auto sets = sets_at(p, 3, 0.75);  // {0 1}, {0}, {0 1 2}, {0 1 2}
  const SetEvaluation result = evaluate_sets(sets, std::vector<std::int64_t>{1, 2, 0, 0}, {.size_bounds = {1, 2}});
  EXPECT_EQ(result.coverage.n, 4U);
  EXPECT_EQ(result.coverage.covered, 3U);
  EXPECT_EQ(result.coverage.value, 0.75);
  EXPECT_EQ(result.coverage.interval.low, clopper_pearson(3, 4).low);
  EXPECT_EQ(result.coverage.interval.high, clopper_pearson(3, 4).high);
  EXPECT_EQ(result.mean_size, 2.25);
  // Sizes 2 1 3 3: standard deviation sqrt(11 / 12), times 1.959963985 / 2.
  EXPECT_NEAR(result.mean_size_interval.low, 2.25 - 0.9382613245, 1e-9);
  EXPECT_EQ(result.mean_size_interval.high, 3);
  EXPECT_EQ(result.empty, 0U);
  EXPECT_EQ(result.full, 2U);
  ASSERT_EQ(result.strata.size(), 3U);
  EXPECT_EQ(result.strata[0].first, 0U);
  EXPECT_EQ(result.strata[0].last, 1U);
  EXPECT_EQ(result.strata[0].coverage.value, 0);
  EXPECT_EQ(result.strata[1].first, 2U);
  EXPECT_EQ(result.strata[1].last, 2U);
  EXPECT_EQ(result.strata[1].coverage.value, 1);
  EXPECT_EQ(result.strata[2].first, 3U);
  EXPECT_EQ(result.strata[2].last, 3U);
  EXPECT_EQ(result.strata[2].coverage.n, 2U);
  EXPECT_EQ(result.size_stratified_coverage, 0);
  ASSERT_EQ(result.by_class.size(), 3U);
  EXPECT_EQ(result.by_class[0].value, 1);
  EXPECT_EQ(result.by_class[0].n, 2U);
  EXPECT_EQ(result.by_class[1].value, 1);
  EXPECT_EQ(result.by_class[2].value, 0);
  EXPECT_TRUE(result.groups.empty() && result.by_group.empty());
}

TEST(SetEvaluation, nothing_known_of_a_class_or_stratum_is_nan) {
  const std::vector<double> p{1, 0, 0, 1, 0, 0};
  const SetEvaluation result =
      evaluate_sets(sets_at(p, 3, 0.5), std::vector<std::int64_t>{0, 0}, {}, std::vector<std::int64_t>{8, -1});
  EXPECT_TRUE(std::isnan(result.by_class[1].value));
  EXPECT_EQ(result.by_class[1].n, 0U);
  EXPECT_EQ(result.by_class[1].interval.low, 0);
  EXPECT_EQ(result.by_class[1].interval.high, 1);
  ASSERT_EQ(result.strata.size(), 2U);  // 0 to 1 and 2 to 3: no larger set can be
  EXPECT_EQ(result.strata[1].last, 3U);
  EXPECT_TRUE(std::isnan(result.strata[1].coverage.value));
  EXPECT_EQ(result.size_stratified_coverage, 1);
  EXPECT_THAT(result.groups, ElementsAre(-1, 8));
  EXPECT_EQ(result.by_group[1].n, 1U);
  const SetEvaluation one = evaluate_sets(sets_at({0.5, 0.5}, 2, 0.5), std::vector<std::int64_t>{0});
  EXPECT_EQ(one.mean_size_interval.low, 0);
  EXPECT_EQ(one.mean_size_interval.high, 2);
}

TEST(SetEvaluation, counts_what_contains_says) {
  constexpr std::size_t rows = 500, columns = 70;
  const auto p = class_table<float>(rows, columns, 8);
  std::mt19937 random(3);
  std::vector<std::int64_t> classes, groups;
  for (std::size_t i = 0; i < rows; ++i) {
    classes.push_back(std::int64_t(random() % columns));
    groups.push_back(std::int64_t(random() % 3));
  }
  const auto sets =
      prediction_sets({p, rows, columns}, calibrate_sets({p, rows, columns}, classes, {}, {{0.5, 0.2}, {}, {}}));
  for (const std::size_t level : {0U, 1U}) {
    const auto result = evaluate_sets(sets, classes, {.level = level}, groups);
    std::size_t covered = 0, sizes = 0, in_strata = 0, in_classes = 0, in_groups = 0;
    double worst = 1;
    for (std::size_t i = 0; i < rows; ++i) {
      covered += sets.contains(level, i, std::size_t(classes[i]));
      sizes += sets.sizes[level * rows + i];
    }
    for (const auto& stratum : result.strata) {
      in_strata += stratum.coverage.covered;
      worst = stratum.coverage.n > 0 ? std::min(worst, stratum.coverage.value) : worst;
    }
    for (const auto& coverage : result.by_class) {
      in_classes += coverage.covered;
    }
    for (const auto& coverage : result.by_group) {
      in_groups += coverage.covered;
    }
    EXPECT_EQ(result.coverage.covered, covered);
    EXPECT_EQ(in_strata, covered);
    EXPECT_EQ(in_classes, covered);
    EXPECT_EQ(in_groups, covered);
    EXPECT_DOUBLE_EQ(result.mean_size, double(sizes) / rows);
    EXPECT_EQ(result.size_stratified_coverage, worst);
  }
}

TEST(SetEvaluation, refuses_bad_input_with_a_sentence) {
  const auto sets = sets_at({0.5, 0.5, 1, 0}, 2, 0.5);
  const std::vector<std::int64_t> good{0, 1}, one{0}, large{0, 2};
  const auto of = [&](const std::vector<std::int64_t>& classes, SetEvaluationOptions options = {},
                      std::vector<std::int64_t> groups = {}) {
    return [=, &sets] { evaluate_sets(sets, classes, options, groups); };
  };
  EXPECT_THAT(of(one), message("[metrics.evaluate_sets] classes must be one for each row; got 1 for 2 rows"));
  EXPECT_THAT(of(large), message("classes is out of range; got 2 at index 1; expected 0 to 1"));
  EXPECT_THAT(of(good, {.level = 1}), message("level is out of range; got 1; expected 0 to 0"));
  EXPECT_THAT(of(good, {.confidence = 1}), message("confidence is out of range; got 1"));
  EXPECT_THAT(of(good, {.size_bounds = {3, 3}}), message("size_bounds must rise; got 3 after 3"));
  EXPECT_THAT(of(good, {}, one), message("classes and groups differ in length; got 2 and 1"));
  EXPECT_THAT([&] { evaluate_sets({}, good); }, message("sets are empty or do not fit their size; got 0 rows"));
}

}  // namespace
}  // namespace oddity::metrics
