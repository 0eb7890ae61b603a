#include "oddity/metrics/calibrators.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <random>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/metrics/calibration_samples.h"
#include "tests/metrics/refuses.h"

namespace oddity::metrics {
namespace {

using testing::message;

using testing::calibration_samples;
using testing::narrow;

using Labels = std::vector<std::uint8_t>;
using Classes = std::vector<std::int64_t>;

const double kNan = std::numeric_limits<double>::quiet_NaN(), kInfinity = std::numeric_limits<double>::infinity();

TEST(Temperature, agrees_with_scipy) {
  // SciPy 1.17.1 brentq on the derivative of the likelihood, xtol 1e-15.
  const auto s = calibration_samples();
  const Matrix logits{Values(s.logits), 200, 4};
  const TemperatureCalibrator plain = fit_temperature(logits, s.classes);
  EXPECT_NEAR(plain.temperature, 1.44102137836174, 1e-12);
  EXPECT_NEAR(plain.log_loss_before, 1.1768801241443148, 1e-13);
  EXPECT_NEAR(plain.log_loss_after, 1.1454863871021852, 1e-13);
  EXPECT_EQ(plain.n, 200U);
  const TemperatureCalibrator weighted = fit_temperature(logits, s.classes, s.w);
  EXPECT_NEAR(weighted.temperature, 1.6042944317880248, 1e-12);
  EXPECT_NEAR(weighted.log_loss_before, 1.2327107398034192, 1e-13);
  EXPECT_NEAR(weighted.log_loss_after, 1.1813629281966653, 1e-13);
  EXPECT_NEAR(fit_temperature({Values(narrow(s.logits)), 200, 4}, s.classes).temperature, plain.temperature, 1e-6);
}

TEST(Temperature, closed_form_of_two_classes) {
  // Logits (0, 1); a of n rows are class 1: the optimum has softmax share a / n, that is 1 / T = log(a / (n - a)).
  std::vector<double> logits;
  Classes classes;
  for (std::size_t i = 0; i < 40; ++i) {
    logits.insert(logits.end(), {0, 1});
    classes.push_back(i < 30);
  }
  const TemperatureCalibrator fitted = fit_temperature({Values(logits), 40, 2}, classes);
  EXPECT_NEAR(fitted.temperature, 1 / std::log(3.0), 1e-13);
  // Curvature n q (1 - q), scores of the rows 10 q^2 + 30 (1 - q)^2 with q = 3/4: both 7.5, so se(1/T) = 1 / sqrt(7.5).
  EXPECT_NEAR(fitted.standard_error, fitted.temperature * fitted.temperature / std::sqrt(7.5), 1e-13);
  const auto p = fitted.predict({Values(logits), 40, 2});
  EXPECT_NEAR(p[0], 0.25, 1e-14);
  EXPECT_NEAR(p[1], 0.75, 1e-14);
}

TEST(Temperature, follows_the_scale_of_logits) {
  const auto s = calibration_samples();
  const double plain = fit_temperature({Values(s.logits), 200, 4}, s.classes).temperature;
  for (const double scale : {1e-140, 1e-12, 1e-3, 30.0, 1e6, 1e140}) {
    std::vector<double> logits = s.logits;
    std::transform(logits.begin(), logits.end(), logits.begin(), [&](double z) { return z * scale; });
    EXPECT_NEAR(fit_temperature({Values(logits), 200, 4}, s.classes).temperature / scale / plain, 1, 1e-11) << scale;
  }
  // A shift of each row changes nothing.
  std::vector<double> shifted = s.logits;
  for (std::size_t i = 0; i < shifted.size(); ++i) {
    shifted[i] += 64 * double(i / 4 % 3);
  }
  EXPECT_NEAR(fit_temperature({Values(shifted), 200, 4}, s.classes).temperature, plain, 1e-11);
}

TEST(Temperature, is_the_minimum_for_any_number_of_rows_and_classes) {
  std::mt19937_64 random(4);
  for (const std::size_t columns : {2U, 3U, 17U}) {
    for (const std::size_t rows : {30U, 33U, 2047U, 2500U, 9000U}) {  // around tiles and pieces
      std::vector<double> logits(rows * columns), weights(rows);
      Classes classes(rows);
      for (std::size_t i = 0; i < rows; ++i) {
        std::size_t best = 0;
        double largest = -kInfinity;
        for (std::size_t c = 0; c < columns; ++c) {
          const double z = std::normal_distribution<double>(0, 2)(random);
          logits[i * columns + c] = z;
          const double noisy = z + std::normal_distribution<double>(0, 2)(random);
          if (noisy > largest) {
            largest = noisy;
            best = c;
          }
        }
        classes[i] = std::int64_t(best);
        weights[i] = double(random() % 4);
      }
      const Matrix table{Values(logits), rows, columns};
      const auto fitted = fit_temperature(table, classes, weights);
      const auto loss = [&](double temperature) {
        TemperatureCalibrator other;
        other.temperature = temperature;
        const auto p = other.predict(table);
        double sum = 0, weight = 0;
        for (std::size_t i = 0; i < rows; ++i) {
          sum -= weights[i] * std::log(p[i * columns + std::size_t(classes[i])]);
          weight += weights[i];
        }
        return sum / weight;
      };
      EXPECT_NEAR(loss(fitted.temperature), fitted.log_loss_after, 1e-12);
      EXPECT_NEAR(loss(1), fitted.log_loss_before, 1e-12);
      // Central difference of the loss: its slope in log T is zero up to the second order of the step.
      const double step = 1e-5;
      EXPECT_NEAR((loss(fitted.temperature * (1 + step)) - loss(fitted.temperature * (1 - step))) / (2 * step), 0,
                  1e-8);
    }
  }
}

TEST(Temperature, predicts_softmax) {
  TemperatureCalibrator calibrator;
  calibrator.temperature = 2;
  const std::vector<double> logits{0, 2, -2000, 1e150, 0, -1e150};
  const auto p = calibrator.predict({Values(logits), 2, 3});
  EXPECT_DOUBLE_EQ(p[0], 1 / (1 + std::exp(1.0)));
  EXPECT_DOUBLE_EQ(p[1], std::exp(1.0) / (1 + std::exp(1.0)));
  EXPECT_EQ(p[2], 0);
  EXPECT_EQ(p[3], 1);
  EXPECT_EQ(p[4], 0);
}

/// A hash (FNV-1a) of all bits.
std::uint64_t bits_of(const std::vector<double>& values) {
  std::uint64_t hash = 14695981039346656037U;
  for (const double value : values) {
    hash = (hash ^ std::bit_cast<std::uint64_t>(value)) * 1099511628211U;
  }
  return hash;
}

TEST(Calibrators, give_the_same_bits_on_every_processor) {
  // Computed with SSE2, AVX2 and AVX-512; with fused multiply-add they would be others. The inputs are exact in float64
  // and no library function is involved.
  std::vector<double> logits, scores, p;
  for (std::size_t i = 0; i < 999; ++i) {
    logits.push_back(double((i * 31) % 223) / 64);
    scores.push_back(double((i * 37) % 1001) / 128 - 3);
    p.push_back(double((i * 37) % 1001) / 1001);
  }
  TemperatureCalibrator temperature;
  temperature.temperature = 1.28;
  EXPECT_EQ(bits_of(temperature.predict({Values(logits), 333, 3})), 11855129176301441308U);
  EXPECT_EQ(bits_of(BetaCalibrator{1.3, 0.7, -0.2, 0, 0}.predict(p)), 5817981680687934787U);
  EXPECT_EQ(bits_of(PlattCalibrator{1.3, -0.6, 0, 0}.predict(scores)), 1235328856486186100U);
}

TEST(Temperature, refuses_what_has_no_maximum) {
  const std::vector<double> logits{0, 1, 2, 0};
  const Matrix table{Values(logits), 2, 2};
  EXPECT_THAT(
      [&] {
        fit_temperature(table, Classes{1, 0});
      },
      message("[metrics.fit_temperature] logits are separated: the own class has the largest logit in all 2 samples"));
  EXPECT_THAT(
      [&] {
        fit_temperature(table, Classes{0, 1});
      },
      message("[metrics.fit_temperature] logits rank classes no better than chance"));
  const std::vector<double> equal{1, 1, 3, 3};
  EXPECT_THAT([&] { fit_temperature({Values(equal), 2, 2}, Classes{1, 0}); }, message("logits are separated"));
  // A tie for the largest logit is no error to learn from either.
  const std::vector<double> tied{1, 1, 0, 0, 5, 5};
  EXPECT_THAT([&] { fit_temperature({Values(tied), 2, 3}, Classes{1, 2}); }, message("logits are separated"));
  // Only through a sample of weight 0 is there an error.
  const std::vector<double> weights{1, 0};
  EXPECT_THAT([&] { fit_temperature(table, Classes{1, 1}, weights); }, message("in all 1 samples"));
}

TEST(Calibrators, refuse_bad_input_with_a_sentence) {
  const std::vector<double> scores{0.1, 0.5, 0.3}, nan{0.1, kNan, 0.3}, infinite{0.1, kInfinity, 0.3}, empty;
  const Labels y{0, 1, 0}, good{0, 0, 0};
  const auto fits = [&](const Values& values, const Labels& labels, const Values& weights, const char* text) {
    EXPECT_THAT([&] { fit_platt(values, labels, weights); }, message(text));
    EXPECT_THAT([&] { fit_beta(values, labels, weights); }, message(text));
    EXPECT_THAT([&] { fit_isotonic(values, labels, weights); }, message(text));
  };
  fits(nan, y, {}, "must be finite; got NaN at index 1");
  fits(infinite, y, {}, "must be finite; got infinity at index 1");
  fits(empty, Labels{}, {}, "is empty; expected at least one value");
  fits(scores, good, {}, "both classes are needed; got 3 good and 0 defect samples");
  fits(scores, y, std::vector<double>{1, 0, 1}, "both classes are needed; got 2 good and 0 defect samples");
  fits(scores, Labels{0, 1}, {}, "and labels differ in length; got 3 and 2");
  fits(scores, Labels{0, 1, 4}, {}, "labels must be 0 (good) or 1 (defect); got 4 at index 2");
  fits(scores, y, std::vector<double>{1, 1}, "weights must be one for each sample; got 2 for 3 samples");
  fits(scores, y, std::vector<double>{1, -1, 1}, "weights must not be negative; got -1 at index 1");
  EXPECT_THAT([&] { fit_venn_abers(nan, y); },
              message("[metrics.fit_venn_abers] scores must be finite; got NaN at index 1"));
  EXPECT_THAT([&] { fit_venn_abers(empty, Labels{}); }, message("[metrics.fit_venn_abers] scores is empty"));
  EXPECT_THAT([&] { fit_venn_abers(scores, Labels{1}); }, message("scores and labels differ in length; got 3 and 1"));

  const std::vector<double> logits{0, 1, 1, kNan}, large{0, 1e200};
  EXPECT_THAT(
      [&] {
        fit_temperature({Values(logits), 2, 2}, Classes{0, 1});
      },
      message("[metrics.fit_temperature] logits must be finite; got NaN at index 3"));
  EXPECT_THAT([&] { fit_temperature({Values(large), 1, 2}, Classes{0}); }, message("logits are too large; got"));
  EXPECT_THAT(
      [&] {
        fit_temperature({Values(scores), 3, 1}, Classes{0, 0, 0});
      },
      message("logits have too few columns"));
  EXPECT_THAT(
      [&] {
        fit_temperature({Values(scores), 1, 3}, Classes{3});
      },
      message("classes are out of range; got 3 at index 0; expected 0 to 2"));
  EXPECT_THAT(
      [&] {
        fit_temperature({Values(scores), 1, 3}, Classes{});
      },
      message("logits and classes differ in length; got 1 rows and 0 classes"));
  EXPECT_THAT([&] { fit_temperature({Values(empty), 0, 3}, Classes{}); }, message("logits is empty; got 0 x 3"));

  const PlattCalibrator platt;
  EXPECT_THAT([&] { platt.predict(nan); }, message("[metrics.PlattCalibrator.predict] scores must be finite"));
  EXPECT_THAT([&] { platt.predict(empty); }, message("[metrics.PlattCalibrator.predict] scores is empty"));
  EXPECT_THAT([&] { BetaCalibrator().predict(nan); },
              message("[metrics.BetaCalibrator.predict] probabilities must be"));
  EXPECT_THAT([&] { IsotonicCalibrator().predict(scores); },
              message("the calibrator has no knots that fit; got 0 scores"));
  EXPECT_THAT([&] { VennAbersCalibrator().predict(infinite); },
              message("scores must be finite; got infinity at index 1"));
  TemperatureCalibrator frozen;
  frozen.temperature = 0;
  EXPECT_THAT([&] { frozen.predict({Values(scores), 1, 3}); }, message("temperature is out of range; got 0"));
}

}  // namespace
}  // namespace oddity::metrics
