#include "oddity/metrics/streaming_ranking.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <random>
#include <string>

#include <gtest/gtest.h>

#include "tests/metrics/message_of.h"

namespace oddity::metrics {
namespace {

using testing::message_of;

struct Data {
  std::vector<float> scores;
  std::vector<std::uint8_t> labels;
};

Data normal_data(std::size_t n, unsigned seed, float good_mean = 30, float good_spread = 3, float defect_mean = 36,
                 float defect_spread = 5) {
  std::mt19937_64 random(seed);
  std::normal_distribution<float> normal;
  Data data;
  for (std::size_t i = 0; i < n; ++i) {
    data.labels.push_back(random() % 4 == 0);
    const bool defect = data.labels.back() != 0;
    data.scores.push_back(defect ? defect_mean + defect_spread * normal(random)
                                 : good_mean + good_spread * normal(random));
  }
  return data;
}

StreamingRanking streamed(const Data& data, int mantissa_bits = 15) {
  StreamingRanking ranking(mantissa_bits);
  ranking.add(data.scores, data.labels);
  return ranking;
}

/// The smallest float of the score's bucket, from the definition: lower bits cleared away from infinity.
float rounded_down(float score, int mantissa_bits) {
  const auto low = (std::uint32_t(1) << (23 - mantissa_bits)) - 1;
  const auto bits = std::bit_cast<std::uint32_t>(score);
  return std::bit_cast<float>(score < 0 ? bits | low : bits & ~low);
}

constexpr double kRounding = 1e-12;  // stated in the header

TEST(StreamingRanking, values_are_those_of_scores_rounded_down_to_their_bucket) {
  for (const int bits : {7, 11, 15, 18}) {
    // Both signs, many powers of two.
    const Data data = normal_data(20000, 3, 0, 1, 0.7F, 2);
    Data rounded = data;
    for (float& score : rounded.scores) {
      score = rounded_down(score, bits);
    }
    const StreamingRanking ours = streamed(data, bits);
    const Ranking exact(rounded.scores, rounded.labels);
    EXPECT_EQ(ours.auroc().value, exact.auroc()) << bits;
    EXPECT_NEAR(ours.average_precision().value, exact.average_precision(), kRounding);
    EXPECT_NEAR(ours.average_precision(0.01).value, exact.average_precision(0.01), kRounding);
    EXPECT_NEAR(ours.partial_auroc(0.3, 0.1).value, exact.partial_auroc(0.3, 0.1).area, kRounding);
    EXPECT_EQ(ours.best_f1().f1.value, exact.best_f1().f1);
    EXPECT_EQ(ours.best_f1().threshold, exact.best_f1().threshold);
    for (const double rate : {0.0, 0.001, 0.05, 0.5, 0.95, 1.0}) {
      EXPECT_EQ(ours.true_positive_rate_at(rate).value, exact.true_positive_rate_at(rate)) << rate;
      EXPECT_EQ(ours.false_positive_rate_at(rate).value, exact.false_positive_rate_at(rate)) << rate;
      EXPECT_EQ(ours.good_flagged_at_defects_flagged(rate).value, exact.false_positive_rate_at(rate)) << rate;
      EXPECT_EQ(ours.defects_passed_at_good_passed(rate).value, exact.defects_passed_at_good_passed(rate)) << rate;
    }
    const auto curve = ours.precision_recall(), of_exact = exact.precision_recall();
    ASSERT_EQ(curve.size(), of_exact.size());
    for (std::size_t i = 0; i < curve.size(); ++i) {
      EXPECT_EQ(curve[i].threshold, of_exact[i].threshold);
      EXPECT_EQ(curve[i].precision, of_exact[i].precision);
      EXPECT_EQ(curve[i].recall, of_exact[i].recall);
    }
    EXPECT_EQ(ours.positives(), exact.positives());
    EXPECT_EQ(ours.negatives(), exact.negatives());
  }
}

void expect_exact(const StreamingRanking& ours, const Ranking& exact) {
  const auto expect = [](const StreamingRanking::Bounded& value, double expected, double tolerance) {
    EXPECT_NEAR(value.value, expected, tolerance);
    EXPECT_NEAR(value.low, expected, 2 * tolerance);
    EXPECT_NEAR(value.high, expected, 2 * tolerance);
    EXPECT_LE(value.low, expected);
    EXPECT_GE(value.high, expected);
  };
  expect(ours.auroc(), exact.auroc(), 0);
  expect(ours.best_f1().f1, exact.best_f1().f1, 0);
  expect(ours.true_positive_rate_at(0.05), exact.true_positive_rate_at(0.05), 0);
  expect(ours.false_positive_rate_at(0.95), exact.false_positive_rate_at(0.95), 0);
  expect(ours.defects_passed_at_good_passed(0.95), exact.defects_passed_at_good_passed(0.95), 0);
  expect(ours.average_precision(), exact.average_precision(), kRounding);
  expect(ours.partial_auroc(0.3), exact.partial_auroc(0.3).area, kRounding);
}

TEST(StreamingRanking, is_exact_while_all_scores_in_a_bucket_are_equal) {
  Data data = normal_data(5000, 4, -2, 3, 4, 5);
  for (float& score : data.scores) {
    score = std::round(score * 4) / 4;  // at most 9 leading bits, many ties
  }
  StreamingRanking ours = streamed(data);
  expect_exact(ours, Ranking(data.scores, data.labels));
  const Data distinct = normal_data(5000, 4);
  expect_exact(streamed(distinct, 23), Ranking(distinct.scores, distinct.labels));
  EXPECT_LT(streamed(distinct).auroc().low, streamed(distinct).auroc().high);
  ours.merge(streamed(distinct));
  EXPECT_LT(ours.auroc().low, ours.auroc().high);
  StreamingRanking wide(23);  // float64 scores that no float32 is equal to
  wide.add(std::vector<double>{1e-3, 1e-3 + 1e-12}, std::vector<std::uint8_t>{0, 1});
  EXPECT_EQ(wide.auroc().low, 0);
  EXPECT_EQ(wide.auroc().high, 1);
}

TEST(StreamingRanking, the_bound_is_small_at_any_scale) {
  // Half the pairs that share a bucket: density of the overlap times width, 2.4e-5 for N(30, 3) against N(36, 5).
  for (const float scale : {1.0F, 1e-20F, 1e20F}) {
    Data data = normal_data(200000, 5);
    for (float& score : data.scores) {
      score *= scale;
    }
    const auto value = streamed(data).auroc();
    EXPECT_LT(value.high - value.low, 1e-4);
    EXPECT_NEAR(value.value, Ranking(data.scores, data.labels).auroc(), 1e-6);  // random order inside the buckets
    const auto precision = streamed(data).average_precision();
    EXPECT_LT(precision.high - precision.low, 1e-3);
    EXPECT_NEAR(precision.value, Ranking(data.scores, data.labels).average_precision(), 1e-4);
  }
}

TEST(StreamingRanking, pieces_and_their_order_change_no_bit) {
  const Data data = normal_data(30000, 6);
  const StreamingRanking whole = streamed(data);
  StreamingRanking pieces, other;
  for (std::size_t first = 0; first < data.scores.size(); first += 777) {  // batch by batch
    const std::size_t n = std::min<std::size_t>(777, data.scores.size() - first);
    (first % 2 == 0 ? pieces : other)
        .add(std::span(data.scores).subspan(first, n), std::span(data.labels).subspan(first, n));
  }
  other.merge(pieces);
  EXPECT_EQ(other.auroc().value, whole.auroc().value);
  EXPECT_EQ(other.average_precision().low, whole.average_precision().low);
  EXPECT_EQ(other.average_precision().high, whole.average_precision().high);
  EXPECT_EQ(other.positives(), whole.positives());
  EXPECT_GT(whole.auroc().value, 0.8);  // far above 17: nothing is squeezed
  other.merge(other);                   // every sample twice
  EXPECT_EQ(other.positives(), 2 * whole.positives());
  EXPECT_NEAR(other.auroc().value, whole.auroc().value, 1e-15);
}

TEST(StreamingRanking, maps_are_their_pixels) {
  const Data data = normal_data(6000, 7);
  std::vector<std::uint8_t> mask(data.labels);
  for (auto& value : mask) {
    value = std::uint8_t(value * 200);
  }
  const std::span<const float> map(data.scores);
  const std::span<const std::uint8_t> masks(mask);
  StreamingRanking ranking;
  ranking.add(std::vector<MapAndMask>{{map.first(2000), masks.first(2000), 40, 50}});
  ranking.add(std::vector<MapAndMask>{{map.subspan(2000), masks.subspan(2000), 40, 100}});
  EXPECT_EQ(ranking.auroc().value, streamed(data).auroc().value);
}

TEST(StreamingRanking, counts_beyond_two_to_the_24_and_32) {
  for (const int power : {24, 32, 40, 60}) {
    const std::uint64_t many = (std::uint64_t(1) << power) + 1;
    StreamingRanking ranking;
    const std::vector<float> scores{0, 0, 1, 1};
    const std::vector<std::uint8_t> labels{0, 1, 0, 1};
    ranking.add(scores, labels, std::vector<std::uint64_t>{many, many, 0, many});
    ranking.add(std::vector<float>{0}, std::vector<std::uint8_t>{0});
    EXPECT_EQ(ranking.negatives(), many + 1);
    EXPECT_EQ(ranking.positives(), 2 * many);
    EXPECT_EQ(ranking.auroc().value, 0.75);  // exact: half the defects win, half tie
    // Precision 1 at recall 1/2, then 2 / 3 up to 1 / many.
    const double rest = 2 * double(many) / (3 * double(many) + 1);
    EXPECT_NEAR(ranking.average_precision().value, (1 + rest) / 2, 1e-15);
    EXPECT_EQ(ranking.false_positive_rate_at(0.5).value, 0);
    EXPECT_EQ(ranking.false_positive_rate_at(0.51).value, 1);
    // One good sample more in 2^power + 1 can be told from none.
    StreamingRanking one_above;
    one_above.add(scores, labels, std::vector<std::uint64_t>{many, 0, 1, many});
    EXPECT_EQ(one_above.true_positive_rate_at(0).value, 0);
    if (power < 53) {
      EXPECT_GT(one_above.good_flagged_at_defects_flagged(1).value, 0);
      EXPECT_EQ(one_above.good_flagged_at_defects_flagged(1).value, 1 / double(many + 1));
    }
  }
}

TEST(StreamingRanking, float64_scores_keep_their_place_beside_thresholds) {
  // Just below 1, zero and -1 in float64: at or above those thresholds is false, though float32 rounds them up.
  const double below_one = std::nextafter(1.0, 0.0), below_zero = -1e-300, below = std::nextafter(-1.0, -2.0);
  for (const int bits : {15, 23}) {
    StreamingRanking ranking(bits);
    const std::vector<double> scores{1, below_one, 0, below_zero, -1, below};
    const std::vector<std::uint8_t> labels{1, 0, 1, 0, 1, 0};
    ranking.add(scores, labels);
    for (const auto& point : ranking.roc()) {
      double good = 0, defects = 0;
      for (std::size_t i = 0; i < scores.size(); ++i) {
        (labels[i] != 0 ? defects : good) += scores[i] >= point.threshold;
      }
      EXPECT_EQ(point.false_positive_rate, good / 3) << point.threshold;
      EXPECT_EQ(point.true_positive_rate, defects / 3) << point.threshold;
    }
    EXPECT_NEAR(ranking.auroc().value, bits == 23 ? 6.0 / 9 : 5.5 / 9, 1e-15);  // -1 shares a bucket with the last
  }
}

TEST(StreamingRanking, curve_points_lie_on_the_exact_curve) {
  const Data data = normal_data(20000, 8, 0, 1, 1, 1);
  const StreamingRanking ranking = streamed(data, 9);
  const auto points = ranking.roc();
  EXPECT_EQ(points.front().threshold, std::numeric_limits<double>::infinity());
  EXPECT_EQ(points.back().true_positive_rate, 1);
  EXPECT_EQ(points.back().false_positive_rate, 1);
  const double defects = double(ranking.positives()), good = double(ranking.negatives());
  for (std::size_t p = 0; p < points.size(); p += 97) {
    double above_good = 0, above_defects = 0;
    for (std::size_t i = 0; i < data.scores.size(); ++i) {
      (data.labels[i] != 0 ? above_defects : above_good) += double(data.scores[i]) >= points[p].threshold;
    }
    EXPECT_EQ(points[p].false_positive_rate, above_good / good);
    EXPECT_EQ(points[p].true_positive_rate, above_defects / defects);
  }
  const auto thin = ranking.roc(50);
  EXPECT_LE(thin.size(), 52U);
  EXPECT_GE(thin.size(), 40U);
  EXPECT_EQ(thin.back().true_positive_rate, 1);
  EXPECT_LE(ranking.precision_recall(50).size(), 52U);
  EXPECT_EQ(ranking.precision_recall(50).back().recall, 1);
  EXPECT_LT(ranking.precision_recall(0, 0.001)[200].precision, ranking.precision_recall()[200].precision);
}

TEST(StreamingRanking, memory_is_bounded_by_the_powers_of_two_in_use) {
  StreamingRanking ranking;
  EXPECT_EQ(ranking.bytes(), std::size_t(1) << 19);
  Data data = normal_data(100000, 9);
  ranking.add(data.scores, data.labels);
  EXPECT_LE(ranking.bytes(), (std::size_t(1) << 19) * 9);  // 8 powers of two hold N(30, 3) and N(36, 5)
  const std::size_t before = ranking.bytes();
  for (int i = 0; i < 20; ++i) {
    ranking.add(data.scores, data.labels);
  }
  EXPECT_EQ(ranking.bytes(), before);
  EXPECT_EQ(StreamingRanking(9).mantissa_bits(), 9);
}

TEST(StreamingRanking, refuses_bad_input_with_a_sentence_and_stays_as_it_was) {
  const float nan = std::numeric_limits<float>::quiet_NaN(), inf = std::numeric_limits<float>::infinity();
  const std::string of = "[metrics.streaming_ranking] ";
  const std::vector<std::uint8_t> labels{0, 1};
  StreamingRanking ranking;
  ranking.add(std::vector<float>{1, 2}, labels);
  const auto add = [&](std::vector<float> scores, std::vector<std::uint8_t> with, std::vector<std::uint64_t> counts) {
    return message_of([&] { ranking.add(scores, with, counts); });
  };
  EXPECT_EQ(add({1, nan}, labels, {}), of + "scores must be finite; got NaN at index 1");
  EXPECT_EQ(add({inf, 1}, labels, {}), of + "scores must be finite; got infinity at index 0");
  EXPECT_EQ(add({1}, labels, {}), of + "scores and labels differ in length; got 1 and 2");
  EXPECT_EQ(add({1, 2}, {0, 3}, {}), of + "labels must be 0 (good) or 1 (defect); got 3 at index 1");
  EXPECT_EQ(add({1, 2}, labels, {1}), of + "scores and counts differ in length; got 2 and 1");
  EXPECT_EQ(add({1, 2}, labels, {1, (std::uint64_t(1) << 62) + 1}),
            of + "counts are too large; got 4611686018427387905 at index 1; expected a sum of at most 2^62");
  EXPECT_EQ(add({1, 2}, labels, {1, std::uint64_t(1) << 62}),
            of +
                "there are too many samples; got 4611686018427387904 more after 1 good and 1 defects; expected at most "
                "2^62 of a class");
  EXPECT_EQ(message_of([&] {
              ranking.add(std::vector<double>{1, 1e39}, labels);
            }),
            of + "scores must be within the range of float32; got 1e+39 at index 1");
  EXPECT_NE(message_of([&] { ranking.add(std::vector<MapAndMask>{}); }).find("there are no maps"), std::string::npos);
  EXPECT_EQ(message_of([&] { ranking.merge(StreamingRanking(7)); }), of + "mantissa_bits differ; got 15 and 7");
  EXPECT_EQ(ranking.positives(), 1U);
  EXPECT_EQ(ranking.auroc().value, 1);
  for (const int bits : {6, 24, -1}) {
    EXPECT_EQ(message_of([&] { StreamingRanking with(bits); }),
              of + "mantissa_bits is out of range; got " + std::to_string(bits) + "; expected 7 to 23");
  }

  StreamingRanking good_only;
  good_only.add(std::vector<float>{1, 2}, std::vector<std::uint8_t>{0, 0});
  const std::string needed = "both classes are needed; got 2 good and 0 defect samples";
  EXPECT_EQ(message_of([&] { good_only.auroc(); }), "[metrics.auroc] " + needed);
  EXPECT_EQ(message_of([&] { good_only.average_precision(); }), "[metrics.average_precision] " + needed);
  EXPECT_EQ(message_of([&] { good_only.partial_auroc(0.1); }), "[metrics.partial_auroc] " + needed);
  EXPECT_EQ(message_of([&] { good_only.true_positive_rate_at(0.1); }), "[metrics.true_positive_rate_at] " + needed);
  EXPECT_EQ(message_of([&] { good_only.false_positive_rate_at(0.1); }), "[metrics.false_positive_rate_at] " + needed);
  EXPECT_EQ(message_of([&] { good_only.defects_passed_at_good_passed(0.1); }),
            "[metrics.defects_passed_at_good_passed] " + needed);
  EXPECT_EQ(message_of([&] { good_only.best_f1(); }), "[metrics.best_f1] " + needed);
  EXPECT_EQ(message_of([&] { good_only.roc(); }), "[metrics.roc] " + needed);
  EXPECT_EQ(message_of([&] { good_only.precision_recall(); }), "[metrics.precision_recall] " + needed);
  for (const double bad : {-0.1, 1.1, std::nan("")}) {
    EXPECT_THROW(ranking.true_positive_rate_at(bad), std::invalid_argument);
    EXPECT_THROW(ranking.false_positive_rate_at(bad), std::invalid_argument);
    EXPECT_THROW(ranking.defects_passed_at_good_passed(bad), std::invalid_argument);
    EXPECT_THROW(ranking.partial_auroc(bad), std::invalid_argument);
    EXPECT_THROW(ranking.average_precision(bad), std::invalid_argument);
    EXPECT_THROW(ranking.precision_recall(0, bad), std::invalid_argument);
  }
  EXPECT_THROW(ranking.partial_auroc(0.1, 0.2), std::invalid_argument);
}

}  // namespace
}  // namespace oddity::metrics
