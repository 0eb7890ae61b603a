#include "oddity/metrics/calibrators.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <limits>
#include <random>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/metrics/calibration_samples.h"

namespace oddity::metrics {
namespace {

using testing::calibration_samples;
using ::testing::HasSubstr;
using testing::narrow;
using ::testing::ThrowsMessage;

using Labels = std::vector<std::uint8_t>;
using Classes = std::vector<std::int64_t>;

const double kNan = std::numeric_limits<double>::quiet_NaN(), kInfinity = std::numeric_limits<double>::infinity();

double logistic(double f) { return 1 / (1 + std::exp(-f)); }

template <class Call>
void expect_refused(Call call, const char* message) {
  EXPECT_THAT(call, ThrowsMessage<std::invalid_argument>(HasSubstr(message)));
}

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
  std::vector<double> logits, scores;
  for (std::size_t i = 0; i < 999; ++i) {
    logits.push_back(double((i * 31) % 223) / 64);
    scores.push_back(double((i * 37) % 1001) / 128 - 3);
  }
  TemperatureCalibrator temperature;
  temperature.temperature = 1.28;
  EXPECT_EQ(bits_of(temperature.predict({Values(logits), 333, 3})), 11855129176301441308U);
  EXPECT_EQ(bits_of(PlattCalibrator{1.3, -0.6, 0, 0}.predict(scores)), 1235328856486186100U);
}

TEST(Temperature, refuses_what_has_no_maximum) {
  const std::vector<double> logits{0, 1, 2, 0};
  const Matrix table{Values(logits), 2, 2};
  expect_refused(
      [&] {
        fit_temperature(table, Classes{1, 0});
      },
      "[metrics.fit_temperature] logits are separated: the own class has the largest logit in all 2 samples");
  expect_refused(
      [&] {
        fit_temperature(table, Classes{0, 1});
      },
      "[metrics.fit_temperature] logits rank classes no better than chance");
  const std::vector<double> equal{1, 1, 3, 3};
  expect_refused([&] { fit_temperature({Values(equal), 2, 2}, Classes{1, 0}); }, "logits are separated");
  // A tie for the largest logit is no error to learn from either.
  const std::vector<double> tied{1, 1, 0, 0, 5, 5};
  expect_refused([&] { fit_temperature({Values(tied), 2, 3}, Classes{1, 2}); }, "logits are separated");
  // Only through a sample of weight 0 is there an error.
  const std::vector<double> weights{1, 0};
  expect_refused([&] { fit_temperature(table, Classes{1, 1}, weights); }, "in all 1 samples");
}

TEST(Platt, agrees_with_newton_in_python_and_scikit_learn) {
  // Newton's method in NumPy to convergence; scikit-learn 1.9.1 _sigmoid_calibration agrees to its 1e-9.
  const auto s = calibration_samples();
  const PlattCalibrator plain = fit_platt(s.scores, s.y);
  EXPECT_NEAR(plain.slope, 0.48431124435941725, 1e-12);
  EXPECT_NEAR(plain.intercept, -0.5551217972254353, 1e-12);
  EXPECT_EQ(plain.n_good, 115U);
  EXPECT_EQ(plain.n_defect, 85U);
  const PlattCalibrator weighted = fit_platt(s.scores, s.y, s.w);
  EXPECT_NEAR(weighted.slope, 0.4851046567665623, 1e-12);
  EXPECT_NEAR(weighted.intercept, -0.5300747334106409, 1e-12);
  EXPECT_NEAR(fit_platt(narrow(s.scores), s.y).slope, plain.slope, 1e-6);  // scores rounded to float32
}

TEST(Platt, closed_form_of_two_scores) {
  // Scores 0 and 1 with 1 of 4 and 6 of 8 defects: drawn-in targets 8/9 and 1/7 give the mean target of each score.
  std::vector<double> scores;
  Labels labels;
  for (std::size_t i = 0; i < 12; ++i) {
    scores.push_back(i < 4 ? 0 : 1);
    labels.push_back(i == 0 || i >= 6);
  }
  const PlattCalibrator fitted = fit_platt(scores, labels);
  const double high = 8.0 / 9, low = 1.0 / 7;
  const auto p = fitted.predict(std::vector<double>{0, 1});
  EXPECT_NEAR(p[0], (high + 3 * low) / 4, 1e-14);
  EXPECT_NEAR(p[1], (6 * high + 2 * low) / 8, 1e-14);
}

TEST(Platt, separated_and_extreme_scores) {
  // Separated classes are finite thanks to the drawn-in targets; n = 2: 2/3 and 1/3 at the two scores.
  const auto two = fit_platt(std::vector<double>{-1, 5}, Labels{0, 1});
  const auto p = two.predict(std::vector<double>{-1, 5, 2, -1e300, 1e300});
  EXPECT_NEAR(p[0], 1.0 / 3, 1e-14);
  EXPECT_NEAR(p[1], 2.0 / 3, 1e-14);
  EXPECT_NEAR(p[2], 0.5, 1e-14);
  EXPECT_EQ(p[3], 0);
  EXPECT_EQ(p[4], 1);
  // Shift and scale of the scores do not matter, and inverted scores have a negative slope.
  const auto s = calibration_samples();
  const auto plain = fit_platt(s.scores, s.y);
  for (const double scale : {1e-100, -1.0, 1e9, 1e140}) {
    std::vector<double> scores = s.scores;
    std::transform(scores.begin(), scores.end(), scores.begin(), [&](double v) { return (v + 1000) * scale; });
    const auto fitted = fit_platt(scores, s.y);
    EXPECT_NEAR(fitted.slope * scale / plain.slope, 1, 1e-10) << scale;
    EXPECT_NEAR(fitted.predict(scores)[17], plain.predict(s.scores)[17], 1e-11) << scale;
  }
  // One outlier far away.
  std::vector<double> outlier = s.scores;
  outlier[0] = 1e12;
  EXPECT_TRUE(std::isfinite(fit_platt(outlier, s.y).slope));
}

TEST(Platt, refuses_what_determines_no_fit) {
  expect_refused(
      [] {
        fit_platt(std::vector<double>{3, 3}, Labels{0, 1});
      },
      "[metrics.fit_platt] scores are all equal; got 3 2 times");
  expect_refused([] { fit_platt(std::vector<double>{1e200, 3}, Labels{0, 1}); }, "scores are too large; got");
  expect_refused([] { fit_platt(std::vector<double>{0, 1e-310}, Labels{0, 1}); }, "scores are too much alike");
}

TEST(Beta, agrees_with_statsmodels) {
  // statsmodels 0.15.0 GLM (binomial, tol 1e-15) on log p and -log(1 - p). betacal 1.1.0 stops earlier: (1.2941,
  // 0.7839).
  const auto s = calibration_samples();
  const BetaCalibrator plain = fit_beta(s.p, s.y);
  EXPECT_NEAR(plain.a, 1.2929852137118312, 1e-10);
  EXPECT_NEAR(plain.b, 0.7844407175425967, 1e-10);
  EXPECT_NEAR(plain.c, 0.0008054343915169238, 1e-10);
  const BetaCalibrator weighted = fit_beta(s.p, s.y, s.w);
  EXPECT_NEAR(weighted.a, 1.2128368590661176, 1e-10);
  EXPECT_NEAR(weighted.b, 0.8082147232014046, 1e-10);
  EXPECT_NEAR(weighted.c, -0.05307477230702362, 1e-10);
  EXPECT_NEAR(fit_beta(narrow(s.p), s.y).a, plain.a, 1e-5);  // p rounded to float32
  const auto p = plain.predict(s.p);
  EXPECT_NEAR(p[3], logistic(plain.a * std::log(s.p[3]) - plain.b * std::log(1 - s.p[3]) + plain.c), 1e-15);
  // The identity.
  const BetaCalibrator identity;
  EXPECT_NEAR(identity.predict(s.p)[3], s.p[3], 1e-15);
}

/// Gradient of the negative log-likelihood in (a, b, c).
std::array<double, 3> gradient(const BetaCalibrator& fitted, const std::vector<double>& p, const Labels& y) {
  const auto q = fitted.predict(p);
  std::array<double, 3> g{};
  for (std::size_t i = 0; i < p.size(); ++i) {
    g[0] += (q[i] - y[i]) * std::log(p[i]);
    g[1] -= (q[i] - y[i]) * std::log1p(-p[i]);
    g[2] += q[i] - y[i];
  }
  return g;
}

TEST(Beta, is_the_constrained_optimum) {
  auto s = calibration_samples();
  // Unconstrained a = -0.30; statsmodels without log p: b = 1.01636, c = -1.33653.
  for (std::size_t i = 0; i < 200; ++i) {
    s.y[i] = (double((i * 59 + 7) % 97) + 0.5) / 97 < 0.3 + 0.65 * (s.p[i] > 0.8 ? s.p[i] : 0);
  }
  const BetaCalibrator fitted = fit_beta(s.p, s.y);
  EXPECT_EQ(fitted.a, 0);
  EXPECT_NEAR(fitted.b, 1.0163574629820393, 1e-10);
  EXPECT_NEAR(fitted.c, -1.336534934436835, 1e-10);
  // Random cases, also inverted ones: the conditions of Karush, Kuhn and Tucker.
  std::mt19937_64 random(12);
  int at_bound = 0;
  for (int run = 0; run < 200; ++run) {
    std::vector<double> p(60);
    Labels y(p.size());
    const double shape = double(run % 5) - 2;
    for (std::size_t i = 0; i < p.size(); ++i) {
      p[i] = std::uniform_real_distribution<double>(0.01, 0.99)(random);
      y[i] = std::uniform_real_distribution<double>()(random) < logistic(shape * (p[i] - 0.5) - 1);
    }
    y[std::size_t(std::max_element(p.begin(), p.end()) - p.begin())] = 0;  // overlap
    y[std::size_t(std::min_element(p.begin(), p.end()) - p.begin())] = 1;
    const BetaCalibrator one = fit_beta(p, y);
    const auto g = gradient(one, p, y);
    EXPECT_NEAR(g[2], 0, 1e-8);
    for (const auto& [value, slope] : {std::pair{one.a, g[0]}, std::pair{one.b, g[1]}}) {
      EXPECT_GE(value, 0);
      at_bound += value == 0;
      if (value == 0) {
        EXPECT_GE(slope, -1e-8);
      } else {
        EXPECT_NEAR(slope, 0, 1e-8);
      }
    }
  }
  EXPECT_GT(at_bound, 50);
}

TEST(Beta, worse_than_chance_is_the_base_rate) {
  const BetaCalibrator fitted = fit_beta(std::vector<double>{0.1, 0.2, 0.3, 0.8}, Labels{1, 1, 0, 0});
  EXPECT_EQ(fitted.a, 0);
  EXPECT_EQ(fitted.b, 0);
  EXPECT_NEAR(fitted.c, 0, 1e-12);
  EXPECT_NEAR(fitted.predict(std::vector<double>{0.9})[0], 0.5, 1e-12);
}

TEST(Beta, certain_probabilities_are_clipped) {
  const auto s = calibration_samples();
  auto p = s.p;
  p[0] = 0;
  p[1] = 1;
  const BetaCalibrator fitted = fit_beta(p, s.y);
  EXPECT_TRUE(std::isfinite(fitted.a) && std::isfinite(fitted.b) && std::isfinite(fitted.c));
  p[0] = 0x1p-52;
  p[1] = 1 - 0x1p-52;
  EXPECT_EQ(fit_beta(p, s.y).a, fitted.a);
  const auto ends = fitted.predict(std::vector<double>{0, 1});
  EXPECT_GT(ends[0], 0);
  EXPECT_LT(ends[1], 1);
}

TEST(Beta, nearly_equal_probabilities_converge) {
  std::mt19937_64 random(3);
  for (const double width : {1e-3, 1e-6, 1e-9}) {
    std::vector<double> p(400);
    Labels y(p.size());
    for (std::size_t i = 0; i < p.size(); ++i) {
      p[i] = 0.2 + width * std::uniform_real_distribution<double>()(random);
      y[i] = random() % 4 == 0;
    }
    const BetaCalibrator fitted = fit_beta(p, y);
    EXPECT_NEAR(gradient(fitted, p, y)[2], 0, 1e-6) << width;
    EXPECT_TRUE(fitted.a >= 0 && fitted.b >= 0);
  }
}

TEST(Beta, refuses_what_determines_no_fit) {
  expect_refused(
      [] {
        fit_beta(std::vector<double>{0.1, 0.2, 0.6, 0.7}, Labels{0, 0, 1, 1});
      },
      "[metrics.fit_beta] probabilities separate the classes: the highest of a good part is 0.2");
  expect_refused(
      [] {
        fit_beta(std::vector<double>{0.1, 0.2, 0.2, 0.7}, Labels{0, 0, 1, 1});
      },
      "probabilities separate the classes");
  expect_refused(
      [] {
        fit_beta(std::vector<double>{0.1, 0.7, 0.1, 0.7}, Labels{0, 0, 1, 1});
      },
      "[metrics.fit_beta] probabilities take 2 distinct values; expected at least 3");
  expect_refused(
      [] {
        fit_beta(std::vector<double>{0.1, 1.5, 0.2}, Labels{0, 0, 1});
      },
      "probabilities must be probabilities; got 1.5 at index 1");
}

TEST(Calibrators, refuse_bad_input_with_a_sentence) {
  const std::vector<double> scores{0.1, 0.5, 0.3}, nan{0.1, kNan, 0.3}, infinite{0.1, kInfinity, 0.3}, empty;
  const Labels y{0, 1, 0}, good{0, 0, 0};
  const auto fits = [&](const Values& values, const Labels& labels, const Values& weights, const char* message) {
    expect_refused([&] { fit_platt(values, labels, weights); }, message);
    expect_refused([&] { fit_beta(values, labels, weights); }, message);
    expect_refused([&] { fit_isotonic(values, labels, weights); }, message);
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
  expect_refused([&] { fit_venn_abers(nan, y); }, "[metrics.fit_venn_abers] scores must be finite; got NaN at index 1");
  expect_refused([&] { fit_venn_abers(empty, Labels{}); }, "[metrics.fit_venn_abers] scores is empty");
  expect_refused([&] { fit_venn_abers(scores, Labels{1}); }, "scores and labels differ in length; got 3 and 1");

  const std::vector<double> logits{0, 1, 1, kNan}, large{0, 1e200};
  expect_refused(
      [&] {
        fit_temperature({Values(logits), 2, 2}, Classes{0, 1});
      },
      "[metrics.fit_temperature] logits must be finite; got NaN at index 3");
  expect_refused([&] { fit_temperature({Values(large), 1, 2}, Classes{0}); }, "logits are too large; got");
  expect_refused([&] { fit_temperature({Values(scores), 3, 1}, Classes{0, 0, 0}); }, "logits have too few columns");
  expect_refused(
      [&] {
        fit_temperature({Values(scores), 1, 3}, Classes{3});
      },
      "classes are out of range; got 3 at index 0; expected 0 to 2");
  expect_refused(
      [&] {
        fit_temperature({Values(scores), 1, 3}, Classes{});
      },
      "logits and classes differ in length; got 1 rows and 0 classes");
  expect_refused([&] { fit_temperature({Values(empty), 0, 3}, Classes{}); }, "logits is empty; got 0 x 3");

  const PlattCalibrator platt;
  expect_refused([&] { platt.predict(nan); }, "[metrics.PlattCalibrator.predict] scores must be finite");
  expect_refused([&] { platt.predict(empty); }, "[metrics.PlattCalibrator.predict] scores is empty");
  expect_refused([&] { BetaCalibrator().predict(nan); }, "[metrics.BetaCalibrator.predict] probabilities must be");
  expect_refused([&] { IsotonicCalibrator().predict(scores); }, "the calibrator has no knots that fit; got 0 scores");
  expect_refused([&] { VennAbersCalibrator().predict(infinite); }, "scores must be finite; got infinity at index 1");
  TemperatureCalibrator frozen;
  frozen.temperature = 0;
  expect_refused([&] { frozen.predict({Values(scores), 1, 3}); }, "temperature is out of range; got 0");
}

}  // namespace
}  // namespace oddity::metrics
