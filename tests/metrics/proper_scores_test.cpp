#include "oddity/metrics/proper_scores.h"

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
using testing::narrow;
using ::testing::ThrowsMessage;

const double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kRounding = 1e-13;  // float64 sums over 200 samples

double composed(const BrierScore& s) {
  return s.reliability - s.resolution + s.uncertainty + s.within_bin_variance - s.within_bin_covariance;
}

TEST(BrierScore, by_hand) {
  // Two forecasts, 0.25 (rate 1/3) and 0.75 (rate 1); overall rate 3/5.
  const std::vector<double> p{0.25, 0.25, 0.25, 0.75, 0.75};
  const std::vector<std::uint8_t> y{0, 1, 0, 1, 1};
  const BrierScore score = brier_score(p, y, {2, Binning::equal_width});
  EXPECT_NEAR(score.value, (2 * 0.0625 + 0.5625 + 2 * 0.0625) / 5, 1e-16);
  EXPECT_NEAR(score.reliability, 0.6 * (0.25 - 1.0 / 3) * (0.25 - 1.0 / 3) + 0.4 * 0.0625, 1e-16);
  EXPECT_NEAR(score.resolution, 0.6 * (1.0 / 3 - 0.6) * (1.0 / 3 - 0.6) + 0.4 * 0.16, 1e-16);
  EXPECT_NEAR(score.uncertainty, 0.24, 1e-16);
  EXPECT_NEAR(score.within_bin_variance, 0, 1e-16);
  EXPECT_NEAR(score.within_bin_covariance, 0, 1e-16);
  // Losses 1/16 four times and 9/16: mean 13/80; s^2 of 5 values.
  double square = 0;
  for (const double loss : {0.0625, 0.5625, 0.0625, 0.0625, 0.0625}) {
    square += (loss - 0.1625) * (loss - 0.1625) / 4;
  }
  EXPECT_NEAR(score.standard_error, std::sqrt(square / 5), 1e-16);
  EXPECT_EQ(score.n, 5U);
  EXPECT_EQ(brier_score(std::vector<double>{1, 0}, std::vector<std::uint8_t>{1, 0}).value, 0);
  EXPECT_EQ(brier_score(std::vector<double>{1, 0}, std::vector<std::uint8_t>{0, 1}).value, 1);
  EXPECT_TRUE(std::isnan(brier_score(std::vector<double>{1}, std::vector<std::uint8_t>{0}).standard_error));
}

TEST(BrierScore, is_reliability_minus_resolution_plus_uncertainty) {
  // Murphy's identity where each bin has one probability; with the within-bin terms everywhere.
  std::mt19937_64 random(3);
  for (int run = 0; run < 40; ++run) {
    const std::size_t n = 1 + random() % 300;
    std::vector<double> discrete(n), continuous(n), w(n);
    std::vector<std::uint8_t> y(n);
    for (std::size_t i = 0; i < n; ++i) {
      discrete[i] = (double(random() % 10) + 0.5) / 10;
      continuous[i] = std::uniform_real_distribution<double>()(random);
      y[i] = random() % 2;
      w[i] = double(random() % 5) + 0.25;
    }
    const Values weights = run % 2 == 0 ? Values() : Values(w);
    const BrierScore murphy = brier_score(discrete, y, {10, Binning::equal_width}, weights);
    EXPECT_NEAR(murphy.value, murphy.reliability - murphy.resolution + murphy.uncertainty, kRounding);
    for (const Binning binning : {Binning::equal_width, Binning::equal_mass}) {
      const BrierScore score = brier_score(continuous, y, {1 + run % 12U, binning}, weights);
      EXPECT_NEAR(score.value, composed(score), kRounding);
    }
  }
}

TEST(BrierScore, agrees_with_scikit_learn) {
  // scikit-learn 1.9.1 brier_score_loss, for several classes with scale_by_half=False.
  const auto s = calibration_samples();
  EXPECT_NEAR(brier_score(s.p, s.y).value, 0.1681574394463668, kRounding);
  EXPECT_NEAR(brier_score(s.p, s.y, {}, s.w).value, 0.16882881584006149, kRounding);
  EXPECT_NEAR(brier_score(narrow(s.p), s.y).value, 0.1681574394463668, 1e-7);  // p rounded to float32
  const Matrix p{Values(s.softmax), 200, 4};
  for (const Binning binning : {Binning::equal_width, Binning::equal_mass}) {
    const BrierScore score = brier_score(p, s.classes, {8, binning});
    EXPECT_NEAR(score.value, 0.5811637374450584, kRounding);
    EXPECT_NEAR(score.value, composed(score), kRounding);
    const BrierScore weighted = brier_score(p, s.classes, {8, binning}, s.w);
    EXPECT_NEAR(weighted.value, 0.6099690908422137, kRounding);
    EXPECT_NEAR(weighted.value, composed(weighted), kRounding);
  }
}

TEST(BrierScore, two_columns_are_twice_the_score_of_two_classes) {
  const auto s = calibration_samples();
  std::vector<double> columns;
  std::vector<std::int64_t> classes;
  for (std::size_t i = 0; i < s.p.size(); ++i) {
    columns.push_back(1 - s.p[i]);
    columns.push_back(s.p[i]);
    classes.push_back(s.y[i]);
  }
  const BrierScore two = brier_score(s.p, s.y, {}, s.w);
  const BrierScore table = brier_score({Values(columns), s.p.size(), 2}, classes, {}, s.w);
  EXPECT_NEAR(table.value, 2 * two.value, kRounding);
  EXPECT_NEAR(table.standard_error, 2 * two.standard_error, kRounding);
  EXPECT_NEAR(table.uncertainty, 2 * two.uncertainty, kRounding);
}

TEST(LogLoss, agrees_with_scikit_learn) {
  // scikit-learn 1.9.1 log_loss.
  const auto s = calibration_samples();
  EXPECT_NEAR(negative_log_likelihood(s.p, s.y).value, 0.5079624439668367, kRounding);
  EXPECT_NEAR(negative_log_likelihood(s.p, s.y, s.w).value, 0.5088707837290316, kRounding);
  EXPECT_NEAR(negative_log_likelihood(narrow(s.p), s.y).value, 0.5079624439668367, 1e-6);  // p rounded to float32
  EXPECT_NEAR(negative_log_likelihood({Values(s.softmax), 200, 4}, s.classes).value, 1.1768801241443148, kRounding);
}

TEST(LogLoss, certainty_costs_nothing_when_right_and_everything_when_wrong) {
  const auto of = [](const std::vector<double>& p, const std::vector<std::uint8_t>& y) {
    return negative_log_likelihood(p, y);
  };
  EXPECT_EQ(of({0, 1, 1}, {0, 1, 1}).value, 0);
  EXPECT_EQ(of({0, 1, 1}, {0, 1, 1}).impossible, 0U);
  const LogLoss wrong = of({0, 1, 0.5, 1}, {1, 1, 1, 0});
  EXPECT_EQ(wrong.value, kInfinity);
  EXPECT_EQ(wrong.impossible, 2U);
  EXPECT_TRUE(std::isnan(wrong.standard_error));
  EXPECT_EQ(wrong.n, 4U);
  // With weight 0 the impossible is absent.
  const std::vector<double> p{0, 0.5}, w{0, 1};
  const LogLoss absent = negative_log_likelihood(p, std::vector<std::uint8_t>{1, 1}, w);
  EXPECT_DOUBLE_EQ(absent.value, std::log(2.0));
  EXPECT_EQ(absent.impossible, 0U);
  EXPECT_EQ(absent.n, 1U);
  const std::vector<double> table{1, 0, 0, 1};
  EXPECT_EQ(negative_log_likelihood({Values(table), 2, 2}, std::vector<std::int64_t>{0, 1}).value, 0);
  EXPECT_EQ(negative_log_likelihood({Values(table), 2, 2}, std::vector<std::int64_t>{1, 1}).impossible, 1U);
  // Tiny probabilities keep their digits.
  EXPECT_DOUBLE_EQ(of({1e-20}, {0}).value, 1e-20);
  EXPECT_NEAR(of({1e-300}, {1}).value, 300 * std::log(10.0), 1e-10);
}

TEST(LogLoss, standard_error_by_hand) {
  const std::vector<double> p{0.5, 0.25, 0.125};
  const LogLoss loss = negative_log_likelihood(p, std::vector<std::uint8_t>{1, 1, 1});
  const double log2 = std::log(2.0);  // losses 1, 2, 3 times log 2
  EXPECT_NEAR(loss.value, 2 * log2, 1e-15);
  EXPECT_NEAR(loss.standard_error, log2 / std::sqrt(3.0), 1e-15);
}

TEST(ProperScores, refuse_bad_input_with_a_sentence) {
  const std::vector<double> p{0.2, 1.5};
  const std::vector<std::uint8_t> y{0, 1};
  EXPECT_THAT([&] { brier_score(p, y); },
              ThrowsMessage<std::invalid_argument>("[metrics.brier_score] probabilities must be probabilities; got 1.5 "
                                                   "at index 1; expected values in [0, 1]"));
  EXPECT_THAT([&] { negative_log_likelihood(p, y); },
              ThrowsMessage<std::invalid_argument>("[metrics.negative_log_likelihood] probabilities must be "
                                                   "probabilities; got 1.5 at index 1; expected values in [0, 1]"));
  EXPECT_THAT(
      [&] {
        brier_score(std::vector<double>{0.5, 0.5}, y, {0, Binning::equal_width});
      },
      ThrowsMessage<std::invalid_argument>("[metrics.brier_score] bins is out of range; got 0; expected 1 to 65536"));
  EXPECT_THROW(negative_log_likelihood(std::vector<double>{}, std::vector<std::uint8_t>{}), std::invalid_argument);
  EXPECT_THROW(negative_log_likelihood(std::vector<double>{0.5}, y), std::invalid_argument);
  const std::vector<double> table{0.5, 0.5};
  const std::vector<std::int64_t> bad{2};
  EXPECT_THAT(
      [&] {
        brier_score({Values(table), 1, 2}, bad);
      },
      ThrowsMessage<std::invalid_argument>(
          "[metrics.brier_score] classes are out of range; got 2 at index 0; expected 0 to 1"));
  EXPECT_THAT(
      [&] {
        negative_log_likelihood({Values(table), 1, 2}, bad);
      },
      ThrowsMessage<std::invalid_argument>(
          "[metrics.negative_log_likelihood] classes are out of range; got 2 at index 0; expected 0 to 1"));
  EXPECT_THROW(brier_score({Values(table), 1, 2}, std::vector<std::int64_t>{0}, {}, std::vector<double>{-1}),
               std::invalid_argument);
}

}  // namespace
}  // namespace oddity::metrics
