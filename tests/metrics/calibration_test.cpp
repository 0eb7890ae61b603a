#include "oddity/metrics/calibration.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <random>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "oddity/metrics/proper_scores.h"
#include "tests/metrics/calibration_samples.h"

namespace oddity::metrics {
namespace {

using testing::calibration_samples;
using testing::CalibrationSamples;
using testing::narrow;
using ::testing::ThrowsMessage;

const double kNan = std::numeric_limits<double>::quiet_NaN();

/// Sums of float64 over 200 samples agree to rounding.
constexpr double kRounding = 1e-13;

Matrix table(const std::vector<double>& values) {
  return {Values(values), values.size() / CalibrationSamples::columns, CalibrationSamples::columns};
}

/// The definitions, sample by sample, from a bin number for each sample.
struct Definition {
  double ece = 0, square = 0, mce = 0, debiased = 0;
};
Definition definition(const std::vector<double>& p, const std::vector<std::uint8_t>& y, const std::vector<double>& w,
                      const std::vector<std::size_t>& bin) {
  std::map<std::size_t, std::vector<std::size_t>> members;
  double total = 0, paired = 0;
  for (std::size_t i = 0; i < p.size(); ++i) {
    if (w[i] > 0) {
      members[bin[i]].push_back(i);
      total += w[i];
    }
  }
  Definition result;
  for (const auto& [number, samples] : members) {
    double sum = 0, mean = 0, rate = 0, products = 0, pairs = 0;
    for (const std::size_t i : samples) {
      sum += w[i];
      mean += w[i] * p[i];
      rate += w[i] * y[i];
      for (const std::size_t j : samples) {
        if (i != j) {
          products += w[i] * (p[i] - y[i]) * w[j] * (p[j] - y[j]);
          pairs += w[i] * w[j];
        }
      }
    }
    const double gap = std::abs(mean - rate) / sum;
    result.ece += sum / total * gap;
    result.square += sum / total * gap * gap;
    result.mce = std::max(result.mce, gap);
    if (samples.size() > 1) {
      result.debiased += sum * products / pairs;
      paired += sum;
    }
  }
  result.debiased /= paired;
  return result;
}

void expect_definition(const CalibrationError& error, const Definition& expected) {
  EXPECT_NEAR(error.ece, expected.ece, kRounding);
  EXPECT_NEAR(error.root_mean_square, std::sqrt(expected.square), kRounding);
  EXPECT_NEAR(error.mce, expected.mce, kRounding);
  EXPECT_NEAR(error.squared_debiased, expected.debiased, kRounding);
  EXPECT_EQ(error.root_debiased, std::sqrt(std::max(0.0, error.squared_debiased)));
}

TEST(CalibrationError, by_hand) {
  // Bins [0, 0.5) and [0.5, 1]: means 0.2 and 0.8, rates 1/2 and 1.
  const std::vector<double> p{0.1, 0.3, 0.7, 0.9};
  const std::vector<std::uint8_t> y{0, 1, 1, 1};
  const CalibrationError error = calibration_error(p, y, {2, Binning::equal_width});
  EXPECT_DOUBLE_EQ(error.ece, (0.3 + 0.2) / 2);
  EXPECT_DOUBLE_EQ(error.mce, 0.3);
  EXPECT_DOUBLE_EQ(error.root_mean_square, std::sqrt((0.09 + 0.04) / 2));
  // Pairs of p - y: 0.1 * -0.7 and -0.3 * -0.1.
  EXPECT_NEAR(error.squared_debiased, (-0.07 + 0.03) / 2, 1e-16);
  EXPECT_EQ(error.root_debiased, 0);
  // Var of one pair's product: (0.1 * 0.9) (0.3 * 0.7) and (0.7 * 0.3) (0.9 * 0.1), shares 1/2.
  EXPECT_NEAR(error.squared_deviation, std::sqrt(2 * 0.25 * 0.09 * 0.21), 1e-16);
  EXPECT_EQ(error.n, 4U);
  EXPECT_EQ(error.bins, 2U);
  EXPECT_EQ(error.alone, 0U);
}

TEST(CalibrationError, ends_lie_in_the_first_and_last_bin) {
  // torchmetrics (#3510) puts confidence 1.0 into a bin of its own, where it is compared with nothing else.
  for (const std::size_t bins : {1U, 2U, 3U, 10U, 15U, 1000U}) {
    const std::vector<double> p{0, 0, 1, 1, std::nextafter(1.0, 0.0)};
    const std::vector<std::uint8_t> y{0, 1, 1, 0, 1};
    const auto rows = reliability_table(p, y, {.bins = bins});
    ASSERT_EQ(rows.size(), bins);
    EXPECT_EQ(rows.front().n, bins == 1 ? 5U : 2U);
    EXPECT_EQ(rows.back().n, bins == 1 ? 5U : 3U);
    EXPECT_EQ(rows.front().low, 0);
    EXPECT_EQ(rows.back().high, 1);
    EXPECT_EQ(calibration_error(p, y, {bins, Binning::equal_width}).n, 5U);
    EXPECT_NEAR(calibration_error(p, y, {bins, Binning::equal_width}).mce, bins == 1 ? 0.0 : 0.5, 1e-15);
  }
  const std::vector<float> one{1.0F};
  EXPECT_EQ(reliability_table(one, std::vector<std::uint8_t>{1}, {.bins = 7}).back().n, 1U);
}

TEST(CalibrationError, an_end_of_a_bin_belongs_to_the_bin_above) {
  for (const std::size_t bins : {2U, 3U, 7U, 10U, 15U, 33U, 1000U, 65536U}) {
    std::vector<double> p;
    for (std::size_t i = 0; i < bins; ++i) {
      const double end = double(i) / double(bins);
      p.push_back(end);
      p.push_back(std::nextafter(double(i + 1) / double(bins), 0.0));
    }
    const std::vector<std::uint8_t> y(p.size(), 0);
    const auto rows = reliability_table(p, y, {.bins = bins});
    for (const ReliabilityRow& row : rows) {
      EXPECT_EQ(row.n, 2U) << bins;
    }
  }
}

TEST(CalibrationError, agrees_with_torchmetrics) {
  // torchmetrics 1.9.0 binary_calibration_error, norms l1, l2, max, float64; no sample lies on an end of a bin.
  const auto s = calibration_samples();
  const CalibrationError ten = calibration_error(s.p, s.y, {10, Binning::equal_width});
  EXPECT_NEAR(ten.ece, 0.06965686274509802, kRounding);
  EXPECT_NEAR(ten.root_mean_square, 0.08453845354786976, kRounding);
  EXPECT_NEAR(ten.mce, 0.1590909090909091, kRounding);
  const CalibrationError fifteen = calibration_error(s.p, s.y);
  EXPECT_NEAR(fifteen.ece, 0.07651960784313724, kRounding);
  EXPECT_NEAR(fifteen.root_mean_square, 0.0872272979633417, kRounding);
  EXPECT_NEAR(fifteen.mce, 0.1561624649859944, kRounding);
  EXPECT_NEAR(calibration_error(narrow(s.p), s.y).ece, fifteen.ece, 1e-7);  // p rounded to float32
}

TEST(CalibrationError, agrees_with_its_definition) {
  std::mt19937_64 random(5);
  for (int run = 0; run < 60; ++run) {
    const std::size_t n = 1 + random() % 80, bins = 1 + random() % 20;
    std::vector<double> p(n), w(n);
    std::vector<std::uint8_t> y(n);
    for (std::size_t i = 0; i < n; ++i) {
      p[i] = double(random() % 41) / 40;  // ties, 0 and 1
      y[i] = random() % 3 == 0;
      w[i] = run % 2 == 0 ? 1.0 : double(random() % 4) / 8;
    }
    w[0] = 1;
    std::vector<std::size_t> width(n), mass(n);
    double total = 0;
    for (const double weight : w) {
      total += weight;
    }
    for (std::size_t i = 0; i < n; ++i) {
      width[i] = 0;
      while (width[i] + 1 < bins && p[i] >= double(width[i] + 1) / double(bins)) {
        ++width[i];
      }
      double below = 0, equal = 0;
      for (std::size_t j = 0; j < n; ++j) {
        below += p[j] < p[i] ? w[j] : 0.0;
        equal += p[j] == p[i] ? w[j] : 0.0;
      }
      mass[i] = std::size_t(double(bins) * (below + equal / 2) / total);
    }
    const Values weights = run % 2 == 0 ? Values() : Values(w);
    const auto compare = [&](Binning binning, const std::vector<std::size_t>& bin) {
      const CalibrationError error = calibration_error(p, y, {bins, binning}, weights);
      Definition expected = definition(p, y, w, bin);
      if (std::isnan(expected.debiased)) {
        EXPECT_TRUE(std::isnan(error.squared_debiased) && std::isnan(error.squared_deviation));
        EXPECT_EQ(error.alone, error.n);
        return;
      }
      expect_definition(error, expected);
    };
    compare(Binning::equal_width, width);
    compare(Binning::equal_mass, mass);
  }
}

TEST(CalibrationError, debiased_form_is_that_of_kumar_where_a_bin_has_one_probability) {
  // Kumar, Liang and Ma (2019), eq. 6: (s - r)^2 - r (1 - r) / (n - 1) in each bin.
  std::vector<double> p;
  std::vector<std::uint8_t> y;
  double expected = 0;
  const std::size_t events[] = {3, 9, 14};
  for (std::size_t b = 0; b < 3; ++b) {
    const double probability = 0.15 + 0.3 * double(b), rate = double(events[b]) / 20;
    for (std::size_t i = 0; i < 20; ++i) {
      p.push_back(probability);
      y.push_back(i < events[b]);
    }
    expected += ((probability - rate) * (probability - rate) - rate * (1 - rate) / 19) / 3;
  }
  EXPECT_NEAR(calibration_error(p, y).squared_debiased, expected, 1e-15);
}

TEST(CalibrationError, counts_beyond_float32_are_exact) {
  // 2^25 samples of weight 1 in one bin, as one sample of that weight, and one more: float32 would lose it.
  const std::vector<double> p{0.25, 0.25}, w{33554432, 1};
  const auto rows = reliability_table(p, std::vector<std::uint8_t>{0, 1}, {.bins = 1}, w);
  EXPECT_EQ(rows[0].weight, 33554433);
  EXPECT_DOUBLE_EQ(rows[0].rate, 1 / 33554433.0);
  EXPECT_DOUBLE_EQ(calibration_error(p, std::vector<std::uint8_t>{0, 1}, {1, Binning::equal_width}, w).ece,
                   0.25 - 1 / 33554433.0);
  // And as samples.
  const std::size_t n = (std::size_t(1) << 24) + 3;
  const std::vector<float> many(n, 0.25F);
  const std::vector<std::uint8_t> all(n, 1);
  const CalibrationError error = calibration_error(many, all);
  EXPECT_EQ(error.n, n);
  EXPECT_EQ(error.ece, 0.75);
  EXPECT_EQ(reliability_table(many, all)[3].events, n);
}

TEST(CalibrationError, weights_in_any_unit_and_of_zero) {
  auto s = calibration_samples();
  for (const Binning binning : {Binning::equal_width, Binning::equal_mass}) {
    const CalibrationError plain = calibration_error(s.p, s.y, {10, binning}, s.w);
    for (const double unit : {1e-300, 1e-20, 1e20, 1e300}) {
      std::vector<double> scaled = s.w;
      std::transform(scaled.begin(), scaled.end(), scaled.begin(), [&](double w) { return w * unit; });
      const CalibrationError error = calibration_error(s.p, s.y, {10, binning}, scaled);
      EXPECT_NEAR(error.ece, plain.ece, 1e-13) << unit;
      EXPECT_NEAR(error.squared_debiased, plain.squared_debiased, 1e-13) << unit;
      EXPECT_NEAR(error.squared_deviation, plain.squared_deviation, 1e-13) << unit;
    }
    const std::vector<double> ones(s.p.size(), 1.0);
    EXPECT_NEAR(calibration_error(s.p, s.y, {10, binning}, ones).squared_deviation,
                calibration_error(s.p, s.y, {10, binning}).squared_deviation, 1e-15);
    // Zero is absent.
    std::vector<double> zeros = s.w, p;
    std::vector<double> w;
    std::vector<std::uint8_t> y;
    for (std::size_t i = 0; i < zeros.size(); ++i) {
      if (i % 3 == 0) {
        zeros[i] = 0;
        continue;
      }
      p.push_back(s.p[i]);
      w.push_back(s.w[i]);
      y.push_back(s.y[i]);
    }
    const CalibrationError with = calibration_error(s.p, s.y, {10, binning}, zeros);
    const CalibrationError without = calibration_error(p, y, {10, binning}, w);
    EXPECT_EQ(with.n, p.size());
    EXPECT_NEAR(with.ece, without.ece, 1e-15);
    EXPECT_NEAR(with.squared_debiased, without.squared_debiased, 1e-15);
  }
}

TEST(ClassCalibration, agrees_with_torchmetrics_and_mapie) {
  const auto s = calibration_samples();
  const Matrix p = table(s.softmax);
  const CalibrationOptions ten{10, Binning::equal_width};
  // torchmetrics 1.9.0 multiclass_calibration_error, n_bins 10, norms l1, l2, max; it rounds confidences to float32.
  constexpr double float32 = 1e-6;
  const CalibrationError confidence = confidence_calibration_error(p, s.classes, ten);
  EXPECT_NEAR(confidence.ece, 0.16275319457054138, float32);
  EXPECT_NEAR(confidence.root_mean_square, 0.22055335342884064, float32);
  EXPECT_NEAR(confidence.mce, 0.5041544437408447, float32);
  const TopLabels top = top_labels(p, s.classes);
  EXPECT_EQ(calibration_error(top.confidence, top.correct, ten).ece, confidence.ece);
  // MAPIE 1.6.0 with num_bins=11, split_strategy="uniform", which are 10 bins of equal width.
  const ClassCalibrationError wise = class_wise_calibration_error(p, s.classes, ten);
  EXPECT_NEAR(wise.overall.ece, 0.0877400253964274, kRounding);
  EXPECT_TRUE(std::isnan(wise.overall.squared_deviation));
  EXPECT_EQ(wise.overall.n, 200U);
  // Its top_label_ece is the plain mean over predicted classes; the definition weights them by their share.
  const ClassCalibrationError labels = top_label_calibration_error(p, s.classes, ten);
  double mean = 0, weighted = 0, squared = 0;
  for (std::size_t c = 0; c < 4; ++c) {
    const auto share = double(std::count(top.predicted.begin(), top.predicted.end(), std::int64_t(c))) / 200;
    mean += labels.classes[c].ece / 4;
    weighted += share * labels.classes[c].ece;
    squared += share * labels.classes[c].squared_debiased;
  }
  EXPECT_NEAR(mean, 0.15889737201256618, kRounding);
  EXPECT_NEAR(labels.overall.ece, weighted, kRounding);
  EXPECT_NEAR(labels.overall.squared_debiased, squared, kRounding);
  EXPECT_NEAR(confidence_calibration_error({Values(narrow(s.softmax)), 200, 4}, s.classes, ten).ece, confidence.ece,
              1e-6);
}

TEST(ClassCalibration, is_that_of_each_column) {
  const auto s = calibration_samples();
  const Matrix p = table(s.softmax);
  for (const Binning binning : {Binning::equal_width, Binning::equal_mass}) {
    for (const bool weighted : {false, true}) {
      const Values w = weighted ? Values(s.w) : Values();
      const CalibrationOptions options{7, binning};
      const ClassCalibrationError wise = class_wise_calibration_error(p, s.classes, options, w);
      const ClassCalibrationError top = top_label_calibration_error(p, s.classes, options, w);
      const TopLabels tops = top_labels(p, s.classes);
      double mean = 0;
      for (std::size_t c = 0; c < 4; ++c) {
        std::vector<double> column, confidence, w_column, w_top;
        std::vector<std::uint8_t> is_class, correct;
        for (std::size_t i = 0; i < 200; ++i) {
          column.push_back(p(i, c));
          is_class.push_back(s.classes[i] == std::int64_t(c));
          w_column.push_back(s.w[i]);
          if (tops.predicted[i] == std::int64_t(c)) {
            confidence.push_back(tops.confidence[i]);
            correct.push_back(tops.correct[i]);
            w_top.push_back(s.w[i]);
          }
        }
        const auto one = calibration_error(column, is_class, options, weighted ? Values(w_column) : Values());
        EXPECT_NEAR(wise.classes[c].ece, one.ece, kRounding);
        EXPECT_NEAR(wise.classes[c].squared_debiased, one.squared_debiased, kRounding);
        mean += one.ece / 4;
        const auto other = calibration_error(confidence, correct, options, weighted ? Values(w_top) : Values());
        EXPECT_NEAR(top.classes[c].ece, other.ece, kRounding);
        EXPECT_NEAR(top.classes[c].squared_deviation, other.squared_deviation, kRounding);
      }
      EXPECT_NEAR(wise.overall.ece, mean, kRounding);
    }
  }
}

TEST(ClassCalibration, top_labels_and_scores_are_their_definition_for_any_number_of_columns) {
  // Sixteenths: ties are frequent and sums exact. -0 equals 0.
  std::mt19937_64 random(9);
  for (std::size_t columns = 2; columns <= 35; ++columns) {
    const std::size_t rows = 200;
    std::vector<float> floats(rows * columns);
    std::vector<std::int64_t> classes(rows);
    for (std::size_t i = 0; i < rows; ++i) {
      for (int unit = 0; unit < 16; ++unit) {
        floats[i * columns + random() % columns] += 1.0F / 16;
      }
      classes[i] = std::int64_t(random() % columns);
    }
    std::replace(floats.begin(), floats.end(), 0.0F, -0.0F);
    const std::vector<double> doubles(floats.begin(), floats.end());
    double squares = 0;
    std::vector<std::int64_t> predicted(rows);
    for (std::size_t i = 0; i < rows; ++i) {
      const auto row = doubles.begin() + std::ptrdiff_t(i * columns);
      predicted[i] = std::max_element(row, row + std::ptrdiff_t(columns)) - row;  // the first of the largest
      for (std::size_t c = 0; c < columns; ++c) {
        const double difference = doubles[i * columns + c] - double(classes[i] == std::int64_t(c));
        squares += difference * difference;
      }
    }
    for (const Values values : {Values(floats), Values(doubles)}) {
      const TopLabels top = top_labels({values, rows, columns}, classes);
      EXPECT_EQ(top.predicted, predicted);
      for (std::size_t i = 0; i < rows; ++i) {
        EXPECT_EQ(top.confidence[i], doubles[i * columns + std::size_t(predicted[i])]);
        EXPECT_EQ(top.correct[i], predicted[i] == classes[i]);
      }
      EXPECT_DOUBLE_EQ(brier_score({values, rows, columns}, classes).value, squares / double(rows));
    }
  }
}

TEST(ClassCalibration, many_bins_take_another_way_to_the_same_sums) {
  // 4 columns of 65536 bins are at the limit of one walk over the table, 5 beyond it; the fifth class never happens.
  const auto s = calibration_samples();
  std::vector<double> wider;
  for (std::size_t i = 0; i < 200; ++i) {
    wider.insert(wider.end(), s.softmax.begin() + std::ptrdiff_t(4 * i), s.softmax.begin() + std::ptrdiff_t(4 * i + 4));
    wider.push_back(0);
  }
  const CalibrationOptions options{65536, Binning::equal_width};
  const auto four = class_wise_calibration_error(table(s.softmax), s.classes, options, s.w);
  const auto five = class_wise_calibration_error({Values(wider), 200, 5}, s.classes, options, s.w);
  for (std::size_t c = 0; c < 4; ++c) {
    EXPECT_EQ(four.classes[c].ece, five.classes[c].ece);
    EXPECT_EQ(four.classes[c].squared_debiased, five.classes[c].squared_debiased);
  }
  EXPECT_EQ(five.classes[4].ece, 0);
}

TEST(ClassCalibration, a_class_that_is_never_predicted_does_not_enter) {
  const std::vector<double> p{0.6, 0.4, 0.0, 0.5, 0.5, 0.0};
  const auto error = top_label_calibration_error({Values(p), 2, 3}, std::vector<std::int64_t>{0, 1});
  EXPECT_EQ(error.classes[2].n, 0U);
  EXPECT_TRUE(std::isnan(error.classes[2].ece));
  EXPECT_EQ(error.classes[0].n, 2U);  // of equal probabilities the smaller class
  EXPECT_NEAR(error.overall.ece, (0.4 + 0.5) / 2, 1e-15);
}

TEST(Calibration, is_repeatable_over_many_pieces) {
  std::mt19937_64 random(8);
  std::vector<float> p(300000);
  std::vector<std::uint8_t> y(p.size());
  for (std::size_t i = 0; i < p.size(); ++i) {
    p[i] = float(std::uniform_real_distribution<double>()(random));
    y[i] = std::uniform_real_distribution<double>()(random) < double(p[i]);
  }
  const CalibrationError a = calibration_error(p, y), b = calibration_error(p, y);
  EXPECT_EQ(a.squared_debiased, b.squared_debiased);
  EXPECT_EQ(a.ece, b.ece);
}

TEST(Calibration, refuses_bad_input_with_a_sentence) {
  const std::vector<double> p{0.2, 0.8};
  const std::vector<std::uint8_t> y{0, 1};
  const auto refused = [&](const std::vector<double>& probabilities, const std::vector<std::uint8_t>& labels,
                           const CalibrationOptions& options, const std::vector<double>& weights, const char* message) {
    EXPECT_THAT([&] { calibration_error(probabilities, labels, options, weights); },
                ThrowsMessage<std::invalid_argument>(message));
  };
  refused({}, {}, {}, {}, "[metrics.calibration_error] probabilities is empty; expected at least one value");
  refused(p, {0}, {}, {}, "[metrics.calibration_error] probabilities and labels differ in length; got 2 and 1");
  refused(p, {0, 2}, {}, {}, "[metrics.calibration_error] labels must be 0 (good) or 1 (defect); got 2 at index 1");
  refused({0.2, kNan}, y, {}, {},
          "[metrics.calibration_error] probabilities must be probabilities; got nan at index 1; expected values in "
          "[0, 1]");
  refused({-0.25, 0.5}, y, {}, {},
          "[metrics.calibration_error] probabilities must be probabilities; got -0.25 at index 0; expected values in "
          "[0, 1]");
  refused(p, y, {0, Binning::equal_mass}, {},
          "[metrics.calibration_error] bins is out of range; got 0; expected 1 to 65536");
  refused(p, y, {65537, Binning::equal_width}, {},
          "[metrics.calibration_error] bins is out of range; got 65537; expected 1 to 65536");
  refused(p, y, {}, {1}, "[metrics.calibration_error] weights must be one for each sample; got 1 for 2 samples");
  refused(p, y, {}, {1, -1}, "[metrics.calibration_error] weights must not be negative; got -1 at index 1");
  refused(p, y, {}, {0, 0}, "[metrics.calibration_error] weights must not all be zero; got 2 zeros");
  refused(p, y, {}, {1, kNan}, "[metrics.calibration_error] weights must be finite; got NaN at index 1");
  refused(p, y, {}, {1e308, 1e308}, "[metrics.calibration_error] weights are too large; their sum is infinite");
  EXPECT_THAT([&] { reliability_table(p, y, {.confidence = 1}); },
              ThrowsMessage<std::invalid_argument>(
                  "[metrics.reliability_table] confidence is out of range; got 1; expected a value in (0, 1)"));
  const std::vector<double> rows{0.5, 0.5, 0.25, 0.75};
  const auto table_refused = [&](const std::vector<double>& values, std::size_t columns,
                                 const std::vector<std::int64_t>& classes, const char* message) {
    const Matrix matrix{Values(values), values.size() / columns, columns};
    EXPECT_THAT([&] { class_wise_calibration_error(matrix, classes); }, ThrowsMessage<std::invalid_argument>(message));
  };
  table_refused(rows, 2, {0, 2},
                "[metrics.class_wise_calibration_error] classes are out of range; got 2 at index 1; "
                "expected 0 to 1");
  table_refused(rows, 2, {-1, 0},
                "[metrics.class_wise_calibration_error] classes are out of range; got -1 at index 0; "
                "expected 0 to 1");
  table_refused(rows, 2, {0},
                "[metrics.class_wise_calibration_error] probabilities and classes differ in length; got "
                "2 rows and 1 classes");
  table_refused({1, 1}, 1, {0, 0},
                "[metrics.class_wise_calibration_error] probabilities have too few columns; got 1; "
                "expected one for each class, at least 2");
  table_refused({0.5, 0.6}, 2, {0},
                "[metrics.class_wise_calibration_error] probabilities must be probabilities; row 0 "
                "sums to 1.1; expected 1");
  table_refused({0.5, 0.5, 1.5, -0.5}, 2, {0, 1},
                "[metrics.class_wise_calibration_error] probabilities must be "
                "probabilities; got 1.5 in row 1 column 0; expected values in "
                "[0, 1]");
  EXPECT_THROW(top_labels({Values(rows), 2, 2}, std::vector<std::int64_t>{0}), std::invalid_argument);
  EXPECT_THROW(top_label_calibration_error({Values(), 0, 2}, std::vector<std::int64_t>{}), std::invalid_argument);
  EXPECT_THROW(
      confidence_calibration_error({Values(rows), 2, 2}, std::vector<std::int64_t>{0, 1}, {}, std::vector<double>{1}),
      std::invalid_argument);
}

}  // namespace
}  // namespace oddity::metrics
