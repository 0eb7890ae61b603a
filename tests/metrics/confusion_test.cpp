#include "oddity/metrics/confusion.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <string>

#include <gtest/gtest.h>

#include "oddity/metrics/intervals.h"
#include "tests/metrics/message_of.h"

namespace oddity::metrics {
namespace {

using testing::message_of;

using Labels = std::vector<std::int64_t>;

constexpr double kRounding = 1e-14;

/// The labels of which scikit-learn 1.9.1 gave the numbers below.
struct Data {
  Labels truth, predicted;
  std::vector<double> weights;
};
Data reference_data() {
  Data data;
  for (std::int64_t i = 0; i < 60; ++i) {
    data.truth.push_back((i * 5 + i / 7) % 4);
    data.predicted.push_back(i % 3 == 0 ? (data.truth.back() + 1) % 4 : data.truth.back());
    data.weights.push_back(1 + double(i % 4) * 0.5);
  }
  return data;
}

TEST(Confusion, agrees_with_scikit_learn_1_9_1) {
  const Data data = reference_data();
  const Confusion confusion = confusion_matrix(data.truth, data.predicted);
  const std::vector<std::uint64_t> counts{12, 5, 0, 0, 0, 11, 6, 0, 0, 0, 11, 6, 3, 0, 0, 6};
  EXPECT_TRUE(std::equal(counts.begin(), counts.end(), confusion.counts().begin(), confusion.counts().end()));
  EXPECT_EQ(confusion.samples(), 60U);
  EXPECT_FALSE(confusion.weighted());
  const double precision[] = {0.8, 0.6875, 11.0 / 17, 0.5}, recall[] = {12.0 / 17, 11.0 / 17, 11.0 / 17, 2.0 / 3};
  const double f1[] = {0.75, 2.0 / 3, 11.0 / 17, 4.0 / 7};
  for (std::size_t c = 0; c < 4; ++c) {
    const auto rates = confusion.rates(c);
    EXPECT_NEAR(rates.precision.value, precision[c], kRounding);
    EXPECT_NEAR(rates.recall.value, recall[c], kRounding);
    EXPECT_NEAR(rates.f1.value, f1[c], kRounding);
  }
  EXPECT_NEAR(confusion.macro_rates().precision.value, 0.658639705882353, kRounding);
  EXPECT_NEAR(confusion.macro_rates().recall.value, 0.6666666666666666, kRounding);
  EXPECT_NEAR(confusion.macro_rates().f1.value, 0.6587885154061623, kRounding);
  EXPECT_EQ(confusion.macro_rates().f1.left_out, 0U);
  EXPECT_NEAR(confusion.accuracy().value, 2.0 / 3, kRounding);

  const Confusion weighted = confusion_matrix(data.truth, data.predicted, {.weights = data.weights});
  EXPECT_TRUE(weighted.weighted());
  EXPECT_TRUE(std::equal(counts.begin(), counts.end(), weighted.counts().begin()));
  EXPECT_EQ(weighted.normalized(Normalization::none),
            (std::vector<double>{20, 9, 0, 0, 0, 20, 9.5, 0, 0, 0, 18.5, 11.5, 5, 0, 0, 11.5}));
  EXPECT_NEAR(weighted.macro_rates().precision.value, 0.6625923645320198, kRounding);
  EXPECT_NEAR(weighted.macro_rates().recall.value, 0.6703144094362681, kRounding);
  EXPECT_NEAR(weighted.macro_rates().f1.value, 0.6611777349992104, kRounding);
  EXPECT_NEAR(weighted.accuracy().value, 2.0 / 3, kRounding);
}

TEST(Confusion, intervals_are_those_of_clopper_and_pearson) {
  const std::vector<std::uint64_t> counts{90, 10, 3, 7};
  const Confusion confusion(2, counts);
  const auto expect = [](const Confusion::Rate& rate, std::uint64_t events, std::uint64_t trials, double confidence) {
    const Interval interval = clopper_pearson(events, trials, confidence);
    EXPECT_EQ(rate.events, events);
    EXPECT_EQ(rate.trials, trials);
    EXPECT_EQ(rate.low, interval.low);
    EXPECT_EQ(rate.high, interval.high);
    EXPECT_TRUE(rate.supported);
  };
  for (const double confidence : {0.95, 0.5}) {
    expect(confusion.rates(1, confidence).precision, 7, 17, confidence);
    expect(confusion.rates(1, confidence).recall, 7, 10, confidence);
    expect(confusion.rates(0, confidence).recall, 90, 100, confidence);
    expect(confusion.accuracy(confidence), 97, 110, confidence);
    // F1 = 2 J / (1 + J), J = 7 / 20.
    const auto f1 = confusion.rates(1, confidence).f1;
    const Interval share = clopper_pearson(7, 20, confidence);
    EXPECT_DOUBLE_EQ(f1.value, 14.0 / 27);
    EXPECT_DOUBLE_EQ(f1.low, 2 * share.low / (1 + share.low));
    EXPECT_DOUBLE_EQ(f1.high, 2 * share.high / (1 + share.high));
    EXPECT_EQ(f1.events, 7U);
    EXPECT_EQ(f1.trials, 20U);
  }
}

TEST(Confusion, weighted_intervals_are_those_of_hoeffding) {
  // Recall of class 1: weights 1 and 3 of 1, 3 and 2: value 4/6, effective trials 36 / 14.
  const Labels truth{1, 1, 1, 0}, predicted{1, 1, 0, 0};
  const std::vector<double> weights{1, 3, 2, 5};
  const auto recall = confusion_matrix(truth, predicted, {.weights = weights}).rates(1, 0.5).recall;
  EXPECT_DOUBLE_EQ(recall.value, 4.0 / 6);
  const double half = std::sqrt(std::log(4.0) / (2 * 36.0 / 14));
  EXPECT_DOUBLE_EQ(recall.low, 4.0 / 6 - half);
  EXPECT_EQ(recall.high, 1);
  EXPECT_EQ(recall.events, 2U);
  EXPECT_EQ(recall.trials, 3U);
  // A common factor changes nothing, however large or small; weights of 1 give the exact interval.
  for (const double factor : {1e-90, 1e90}) {
    std::vector<double> scaled = weights;
    std::transform(scaled.begin(), scaled.end(), scaled.begin(), [=](double w) { return w * factor; });
    EXPECT_NEAR(confusion_matrix(truth, predicted, {.weights = scaled}).rates(1, 0.5).recall.low, recall.low, 1e-15);
  }
  const std::vector<float> ones(4, 1.0F);
  EXPECT_EQ(confusion_matrix(truth, predicted, {.weights = ones}).rates(1).recall.low, clopper_pearson(2, 3).low);
}

TEST(Confusion, a_class_without_support_is_nan_and_flagged) {
  const Labels truth{0, 0, 2}, predicted{0, 1, 0};  // 1 never true, 2 never predicted, 3 neither
  const Confusion confusion = confusion_matrix(truth, predicted, {.classes = 4});
  const auto expect_none = [](const Confusion::Rate& rate) {
    EXPECT_TRUE(std::isnan(rate.value));
    EXPECT_FALSE(rate.supported);
    EXPECT_EQ(rate.low, 0);
    EXPECT_EQ(rate.high, 1);
    EXPECT_EQ(rate.trials, 0U);
  };
  expect_none(confusion.rates(1).recall);
  expect_none(confusion.rates(2).precision);
  expect_none(confusion.rates(3).precision);
  expect_none(confusion.rates(3).recall);
  expect_none(confusion.rates(3).f1);
  EXPECT_EQ(confusion.rates(2).recall.value, 0);  // a measured zero
  EXPECT_TRUE(confusion.rates(2).recall.supported);
  EXPECT_EQ(confusion.rates(1).f1.value, 0);
  const auto macro = confusion.macro_rates();
  EXPECT_EQ(macro.recall.classes, 2U);
  EXPECT_EQ(macro.recall.left_out, 2U);
  EXPECT_DOUBLE_EQ(macro.recall.value, 0.25);
  EXPECT_EQ(macro.f1.left_out, 1U);

  const auto rows = confusion.normalized(Normalization::truth),
             columns = confusion.normalized(Normalization::predicted);
  EXPECT_EQ(rows[0], 0.5);
  EXPECT_EQ(columns[0], 0.5);
  EXPECT_TRUE(std::isnan(rows[4]) && std::isnan(rows[15]));
  EXPECT_TRUE(std::isnan(columns[2]) && std::isnan(columns[3]));
  EXPECT_DOUBLE_EQ(confusion.normalized(Normalization::all)[1], 1.0 / 3);

  const Confusion empty(3);
  expect_none(empty.accuracy());
  EXPECT_TRUE(std::isnan(empty.macro_rates().f1.value));
  EXPECT_TRUE(std::isnan(empty.normalized(Normalization::all)[0]));
  // Samples of weight 0 are no support.
  const std::vector<double> weights{0, 0, 2};
  const auto without = confusion_matrix(truth, predicted, {.weights = weights}).rates(0);
  EXPECT_FALSE(without.recall.supported);
  EXPECT_EQ(without.recall.trials, 2U);
}

TEST(Confusion, counts_beyond_two_to_the_24_and_32) {
  for (const int power : {24, 32, 40}) {
    const std::uint64_t many = std::uint64_t(1) << power;
    Confusion confusion(2, std::vector<std::uint64_t>{many, 1, 1, many});
    confusion.add(Labels{0, 1}, Labels{1, 0});
    EXPECT_EQ(confusion.count(0, 1), 2U);
    EXPECT_EQ(confusion.samples(), 2 * many + 4);
    EXPECT_EQ(confusion.accuracy().value, double(2 * many) / double(2 * many + 4));
    EXPECT_LT(confusion.accuracy().value, 1);
    const auto errors = confusion.tally(0, 1);
    Confusion::Tally all = errors;
    all += confusion.tally(0, 0);
    const auto rate = Confusion::rate(errors, all);
    // Poisson limits of two events: half the chi-squared quantiles with 4 and 6 degrees of freedom, to the relative
    // order 1 / many; the upper end is one minus a quantile and carries the rounding of 1.
    EXPECT_NEAR(rate.low, 0.24220927854396496 / double(many), 1e-5 / double(many));
    EXPECT_NEAR(rate.high, 7.224687667785 / double(many), 1e-5 / double(many) + 2e-16);
  }
  // 2^24 + 3 added samples: a float32 counter stays at 2^24.
  const std::size_t n = (std::size_t(1) << 24) + 3;
  const Labels truth(n, 1), predicted(n, 0);
  EXPECT_EQ(confusion_matrix(truth, predicted).count(1, 0), n);
}

TEST(Confusion, pieces_and_merging_give_the_whole) {
  std::mt19937_64 random(3);
  for (const std::int64_t classes : {3, 100}) {  // both ways of counting
    Labels truth, predicted;
    std::vector<double> weights;
    std::vector<std::uint64_t> counts(std::size_t(classes * classes), 0);
    for (int i = 0; i < 200000; ++i) {
      truth.push_back(std::int64_t(random() % std::uint64_t(classes)));
      predicted.push_back(std::int64_t(random() % std::uint64_t(classes)));
      weights.push_back(double(random() % 4) / 2);
      ++counts[std::size_t(truth.back() * classes + predicted.back())];
    }
    const auto k = std::size_t(classes);
    const Confusion whole = confusion_matrix(truth, predicted);
    EXPECT_TRUE(std::equal(counts.begin(), counts.end(), whole.counts().begin()));
    const Confusion weighted = confusion_matrix(truth, predicted, {.weights = weights});
    Confusion first(k), rest(k), mixed(k);
    const std::span<const std::int64_t> t(truth), p(predicted);
    first.add(t.first(70000), p.first(70000));
    rest.add(t.subspan(70000), p.subspan(70000));
    mixed.add(t.first(70000), p.first(70000), std::vector<double>(70000, 2.0));
    mixed.merge(rest);  // a weighted and an unweighted table
    rest.merge(first);
    EXPECT_TRUE(std::equal(counts.begin(), counts.end(), rest.counts().begin()));
    std::vector<double> both(truth.size(), 1);
    std::fill(both.begin(), both.begin() + 70000, 2.0);
    EXPECT_EQ(mixed.normalized(Normalization::none),
              confusion_matrix(truth, predicted, {.weights = both}).normalized(Normalization::none));
    EXPECT_EQ(mixed.rates(1).recall.low, confusion_matrix(truth, predicted, {.weights = both}).rates(1).recall.low);
    EXPECT_EQ(weighted.normalized(Normalization::none),
              confusion_matrix(truth, predicted, {.weights = weights}).normalized(Normalization::none));
  }
}

TEST(Confusion, ignored_samples_are_left_out_and_counted) {
  const Labels truth{0, 255, 1, 255}, predicted{0, -9, 1, 1};
  {
    const Confusion confusion = confusion_matrix(truth, predicted, {.ignored_label = 255});
    EXPECT_EQ(confusion.classes(), 2U);
    EXPECT_EQ(confusion.samples(), 2U);
    EXPECT_EQ(confusion.ignored(), 2U);
    EXPECT_EQ(confusion.accuracy().value, 1);
  }
  const std::vector<double> weights{2, 1, 3, 1};
  EXPECT_EQ(confusion_matrix(truth, predicted, {.ignored_label = 255, .weights = weights}).ignored(), 2U);
}

TEST(Confusion, groups_have_their_own_tables) {
  const Labels truth{0, 1, 2, 0, 1, 2}, predicted{0, 1, 0, 1, 1, 2}, groups{7, -3, 7, -3, 7, 7};
  const std::vector<double> weights{1, 0, 1, 0, 2, 1};
  const auto tables = confusion_matrix_by_group(truth, predicted, groups);
  ASSERT_EQ(tables.size(), 2U);
  EXPECT_EQ(tables[0].group, -3);
  EXPECT_EQ(tables[1].group, 7);
  EXPECT_EQ(tables[0].confusion.samples(), 2U);
  EXPECT_EQ(tables[0].confusion.classes(), 3U);
  EXPECT_EQ(tables[0].confusion.accuracy().value, 0.5);
  EXPECT_EQ(tables[1].confusion.accuracy().value, 0.75);
  const auto weighted = confusion_matrix_by_group(truth, predicted, groups, {.weights = weights});
  EXPECT_FALSE(weighted[0].confusion.accuracy().supported);  // only weights of 0
  EXPECT_EQ(weighted[1].confusion.accuracy().value, 0.8);
}

TEST(Confusion, refuses_bad_input_with_a_sentence) {
  const auto matrix = [](Labels truth, Labels predicted, ConfusionOptions options = {}) {
    return message_of([&] { confusion_matrix(truth, predicted, options); });
  };
  const std::string of = "[metrics.confusion_matrix] ";
  EXPECT_EQ(matrix({}, {}), of + "truth is empty; expected at least one value");
  EXPECT_EQ(matrix({0, 1}, {0}), of + "truth and predicted differ in length; got 2 and 1");
  EXPECT_EQ(matrix({0, -1}, {0, 0}), of + "truth is out of range; got -1 at index 1; expected 0 to 1");
  EXPECT_EQ(matrix({0, 1}, {0, 5}, {.classes = 3}),
            of + "predicted is out of range; got 5 at index 1; expected 0 to 2");
  EXPECT_EQ(matrix({0, 1}, {0, 0}, {.classes = 1}), of + "classes is out of range; got 1; expected 2 to 16384");
  EXPECT_EQ(matrix({0, 1L << 62}, {0, 0}), of + "classes is out of range; got 16385; expected 2 to 16384");
  EXPECT_EQ(matrix({9, 9}, {0, 0}, {.ignored_label = 9}), of + "every sample is ignored; got 2 with label 9");
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const auto weigh = [&](std::vector<double> weights) { return matrix({0, 1}, {0, 1}, {.weights = weights}); };
  EXPECT_EQ(weigh({1}), of + "weights must be one for each sample; got 1 for 2 samples");
  EXPECT_EQ(weigh({1, nan}), of + "weights must be finite; got NaN at index 1");
  EXPECT_EQ(weigh({1, -1}), of + "weights must not be negative; got -1 at index 1");
  EXPECT_EQ(weigh({0, 0}), of + "weights must not all be zero; got 2 zeros");
  EXPECT_EQ(weigh({1, 1e-200}), of + "weights are out of range; got 1e-200 at index 1; expected 0 or 1e-100 to 1e100");
  EXPECT_NE(weigh({1, 1e200}).find("weights are out of range; got 1e+200 at index 1"), std::string::npos);

  Confusion confusion(2);
  EXPECT_EQ(message_of([&] {
              confusion.add(Labels{0, 2}, Labels{0, 0});
            }),
            "[metrics.confusion] truth is out of range; got 2 at index 1; expected 0 to 1");
  EXPECT_EQ(message_of([&] {
              confusion.add(Labels{0}, Labels{0}, std::vector<double>{1, 1});
            }),
            "[metrics.confusion] weights and truth differ in length; got 2 and 1");
  EXPECT_EQ(confusion.samples(), 0U);
  EXPECT_EQ(message_of([&] { confusion.merge(Confusion(3)); }), "[metrics.confusion] classes differ; got 2 and 3");
  const std::uint64_t most = std::uint64_t(1) << 62;
  EXPECT_EQ(message_of([&] {
              Confusion(2, std::vector<std::uint64_t>{most, 0, 0, 1});
            }),
            "[metrics.confusion] counts are too large; got 1; expected a sum of at most 2^62");
  EXPECT_EQ(message_of([&] {
              Confusion(2, std::vector<std::uint64_t>{1, 2, 3});
            }),
            "[metrics.confusion] counts must be [classes, classes]; got 3 for 2 classes");
  Confusion full(2, std::vector<std::uint64_t>{most, 0, 0, 0});
  EXPECT_EQ(
      message_of([&] { full.merge(full); }),
      "[metrics.confusion] there are too many samples; got 4611686018427387904 and 4611686018427387904; expected a "
      "sum of at most 2^62");
  EXPECT_EQ(message_of([&] { confusion.rates(2); }),
            "[metrics.confusion] class is out of range; got 2; expected 0 to 1");
  EXPECT_THROW(confusion.count(0, 2), std::invalid_argument);
  for (const double bad : {0.0, 1.0, nan}) {
    EXPECT_THROW(confusion.rates(0, bad), std::invalid_argument);
    EXPECT_THROW(confusion.accuracy(bad), std::invalid_argument);
  }
  Confusion::Tally two{2, 2, 2, false}, three{3, 3, 3, false};
  EXPECT_EQ(message_of([&] { Confusion::rate(three, two); }),
            "[metrics.confusion] events must be a part of trials; got 3 of 2");
  EXPECT_EQ(message_of([] {
              confusion_matrix_by_group(Labels{0, 1}, Labels{0, 1}, Labels{1});
            }),
            "[metrics.confusion_matrix_by_group] truth and groups differ in length; got 2 and 1");
}

}  // namespace
}  // namespace oddity::metrics
