#include "oddity/metrics/inspection.h"

#include <cmath>
#include <limits>
#include <string>

#include <gtest/gtest.h>

#include "oddity/metrics/intervals.h"
#include "tests/metrics/message_of.h"

namespace oddity::metrics {
namespace {

using testing::message_of;

const std::vector<double> kScores{1, 2, 3, 4, 2, 3, 5, 6};
const std::vector<std::uint8_t> kLabels{0, 0, 0, 0, 1, 1, 1, 1};

TEST(Inspection, names_the_four_outcomes) {
  const Inspection result = inspection(confusion_at_threshold(kScores, kLabels, 2.5));
  // The threshold itself is accepted, as by the engine.
  EXPECT_EQ(inspection(confusion_at_threshold(kScores, kLabels, 2)).true_accept, result.true_accept);
  EXPECT_EQ(result.true_accept, 2U);
  EXPECT_EQ(result.overkill, 2U);
  EXPECT_EQ(result.escape, 1U);
  EXPECT_EQ(result.true_reject, 3U);
  EXPECT_EQ(result.escape_rate.value, 0.25);
  EXPECT_EQ(result.overkill_rate.value, 0.5);
  EXPECT_DOUBLE_EQ(result.defects_among_accepted.value, 1.0 / 3);
  EXPECT_DOUBLE_EQ(result.defects_among_rejected.value, 0.6);
  EXPECT_DOUBLE_EQ(result.f1.value, 2 * 0.6 * 0.75 / (0.6 + 0.75));
  EXPECT_DOUBLE_EQ(result.accuracy.value, 5.0 / 8);
  EXPECT_EQ(result.escape_rate.low, clopper_pearson(1, 4).low);
  EXPECT_EQ(result.escape_rate.high, clopper_pearson(1, 4).high);
  EXPECT_EQ(result.defects_among_accepted.high, clopper_pearson(1, 3).high);
  EXPECT_EQ(inspection(confusion_at_threshold(kScores, kLabels, 2.5), 0.5).overkill_rate.high,
            clopper_pearson(2, 4, 0.5).high);
}

TEST(Inspection, no_escape_among_299_defects_certifies_one_percent) {
  const Confusion confusion(2, std::vector<std::uint64_t>{1000, 0, 0, 299});
  EXPECT_LT(inspection(confusion, 0.9).escape_rate.high, 0.01);  // two-sided 90 % is one-sided 95 %
}

TEST(Inspection, infinite_thresholds_reject_nothing_or_everything) {
  const double inf = std::numeric_limits<double>::infinity();
  const Inspection none = inspection(confusion_at_threshold(kScores, kLabels, inf));
  EXPECT_EQ(none.escape_rate.value, 1);
  EXPECT_EQ(none.overkill_rate.value, 0);
  EXPECT_TRUE(std::isnan(none.defects_among_rejected.value));
  EXPECT_FALSE(none.defects_among_rejected.supported);
  EXPECT_EQ(inspection(confusion_at_threshold(kScores, kLabels, -inf)).overkill, 4U);
}

TEST(Inspection, one_class_alone_gives_nan_for_the_other) {
  const Inspection result =
      inspection(confusion_at_threshold(std::vector<float>{1, 2}, std::vector<std::uint8_t>{0, 0}, 1.5));
  EXPECT_EQ(result.overkill_rate.value, 0.5);
  EXPECT_TRUE(std::isnan(result.escape_rate.value));
  EXPECT_FALSE(result.escape_rate.supported);
}

TEST(Inspection, float_scores_meet_the_threshold_as_they_are) {
  const std::vector<float> scores{0.1F, 0.1F};  // 0.1F is above 0.1
  EXPECT_EQ(confusion_at_threshold(scores, std::vector<std::uint8_t>{0, 1}, 0.1).count(1, 1), 1U);
  EXPECT_EQ(confusion_at_threshold(scores, std::vector<std::uint8_t>{0, 1}, 0.1000001).count(1, 1), 0U);
}

TEST(Inspection, weights_and_groups) {
  const std::vector<double> weights{1, 1, 1, 1, 3, 1, 1, 1};
  const Inspection weighted = inspection(confusion_at_threshold(kScores, kLabels, 2.5, weights));
  EXPECT_EQ(weighted.escape, 1U);
  EXPECT_DOUBLE_EQ(weighted.escape_rate.value, 0.5);
  EXPECT_EQ(weighted.escape_rate.trials, 4U);
  const std::vector<std::int64_t> cameras{2, 2, 1, 1, 2, 2, 1, 1};
  const auto groups = confusion_at_threshold_by_group(kScores, kLabels, cameras, 2.5);
  ASSERT_EQ(groups.size(), 2U);
  EXPECT_EQ(groups[0].group, 1);
  EXPECT_EQ(inspection(groups[0].confusion).overkill, 2U);
  EXPECT_EQ(inspection(groups[1].confusion).escape, 1U);
  EXPECT_EQ(inspection(confusion_at_threshold_by_group(kScores, kLabels, cameras, 2.5, weights)[1].confusion)
                .escape_rate.value,
            0.75);
}

TEST(Inspection, refuses_bad_input_with_a_sentence) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const std::string of = "[metrics.confusion_at_threshold] ";
  const auto at = [](std::vector<double> scores, std::vector<std::uint8_t> labels, double threshold,
                     std::vector<double> weights = {}) {
    return message_of([&] { confusion_at_threshold(scores, labels, threshold, weights); });
  };
  EXPECT_EQ(at({}, {}, 1), of + "scores is empty; expected at least one value");
  EXPECT_EQ(at({1, nan}, {0, 1}, 1), of + "scores must be finite; got NaN at index 1");
  EXPECT_EQ(at({1, 2}, {0}, 1), of + "scores and labels differ in length; got 2 and 1");
  EXPECT_EQ(at({1, 2}, {0, 2}, 1), of + "labels must be 0 (good) or 1 (defect); got 2 at index 1");
  EXPECT_EQ(at({1, 2}, {0, 1}, nan), of + "threshold must be a number; got NaN");
  EXPECT_EQ(at({1, 2}, {0, 1}, 1, {1}), of + "weights must be one for each sample; got 1 for 2 samples");
  EXPECT_EQ(at({1, 2}, {0, 1}, 1, {1, -1}), of + "weights must not be negative; got -1 at index 1");
  EXPECT_EQ(at({1, 2}, {0, 1}, 1, {0, 0}), of + "weights must not all be zero; got 2 zeros");
  EXPECT_EQ(message_of([] { confusion_at_threshold_by_group(kScores, kLabels, std::vector<std::int64_t>{1}, 3); }),
            "[metrics.confusion_at_threshold_by_group] scores and groups differ in length; got 8 and 1");
  EXPECT_EQ(message_of([] { inspection(Confusion(3)); }), "[metrics.inspection] two classes are needed; got 3");
  EXPECT_THROW(inspection(Confusion(2), 1), std::invalid_argument);
}

}  // namespace
}  // namespace oddity::metrics
