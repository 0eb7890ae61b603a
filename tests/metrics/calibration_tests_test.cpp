#include "oddity/metrics/calibration_tests.h"

#include <cmath>
#include <limits>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/metrics/calibration_samples.h"

namespace oddity::metrics {
namespace {

using testing::calibration_samples;
using testing::narrow;
using ::testing::ThrowsMessage;

using Labels = std::vector<std::uint8_t>;

TEST(CalibrationTests, by_hand) {
  // Sorted: 0.2 (good), 0.4 (defect), 0.9 (defect). Cumulative differences -0.2, 0.4, 0.5 over 3.
  const std::vector<double> p{0.9, 0.2, 0.4};
  const Labels y{1, 0, 1};
  const double deviation = std::sqrt(0.09 + 0.16 + 0.24) / 3;
  const CalibrationTest ks = kolmogorov_smirnov_calibration_test(p, y);
  EXPECT_NEAR(ks.error, 0.5 / 3, 1e-16);
  EXPECT_NEAR(ks.statistic, 0.5 / 3 / deviation, 1e-15);
  EXPECT_EQ(ks.n, 3U);
  EXPECT_NEAR(kuiper_calibration_test(p, y).error, 0.7 / 3, 1e-16);
  const CalibrationTest z = spiegelhalter_test(p, y);
  EXPECT_NEAR(z.error, (0.1 * -0.8 + -0.2 * 0.6 + 0.6 * 0.2) / 3, 1e-16);
  EXPECT_NEAR(z.statistic, (0.1 * -0.8) / std::sqrt(0.64 * 0.09 + 0.36 * 0.16 + 0.04 * 0.24), 1e-15);
  EXPECT_NEAR(z.p_value, std::erfc(std::abs(z.statistic) / std::sqrt(2.0)), 1e-15);
}

TEST(CalibrationTests, agree_with_mapie) {
  // MAPIE 1.6.0 on the first 101 samples, which have no ties: it takes equal scores apart, in the order of a jitter of
  // 1e-8 of each score. Its spiegelhalter_p_value is one-sided, and its range of differences leaves out their start at
  // 0, which is no end of the range here.
  const auto s = calibration_samples();
  const std::vector<double> p(s.p.begin(), s.p.begin() + 101);
  const Labels y(s.y.begin(), s.y.begin() + 101);
  const CalibrationTest ks = kolmogorov_smirnov_calibration_test(p, y);
  EXPECT_NEAR(ks.statistic, 1.9452729598229073, 1e-6);
  EXPECT_NEAR(ks.p_value, 0.10348425881848489, 1e-6);
  const CalibrationTest kuiper = kuiper_calibration_test(p, y);
  EXPECT_NEAR(kuiper.statistic, 1.9547852965434953, 1e-6);
  EXPECT_NEAR(kuiper.p_value, 0.20169404087127585, 1e-6);
  const CalibrationTest z = spiegelhalter_test(p, y);
  EXPECT_NEAR(z.statistic, -0.20573377444084215, 1e-12);
  EXPECT_NEAR(z.p_value, 2 * (1 - 0.5815005626608645), 1e-12);
  EXPECT_NEAR(kolmogorov_smirnov_calibration_test(narrow(p), y).statistic, ks.statistic, 1e-5);
}

TEST(CalibrationTests, p_values_are_those_of_brownian_motion) {
  // A single forecast of 1/2 repeated n times, k events: error |k/n - 1/2|, deviation 1 / (2 sqrt n), and the walk has
  // one step, so that both statistics are 2 sqrt(n) |k/n - 1/2|. n = 400, k = 200 + 20 x gives x.
  const auto p_values = [](double x) {
    const std::vector<double> p(40000, 0.5);
    Labels y(p.size(), 0);
    std::fill_n(y.begin(), 20000 + std::size_t(std::lround(100 * x)), std::uint8_t(1));
    const CalibrationTest ks = kolmogorov_smirnov_calibration_test(p, y), kuiper = kuiper_calibration_test(p, y);
    EXPECT_NEAR(ks.statistic, x, 1e-12);
    EXPECT_NEAR(kuiper.statistic, x, 1e-12);
    return std::pair(ks.p_value, kuiper.p_value);
  };
  // 1 - kolmogorov_smirnov_cdf and 1 - kuiper_cdf of MAPIE 1.6.0, on both sides of where the series change.
  struct Row {
    double x, ks, kuiper;
  };
  for (const Row& row : {Row{0.5, 0.9908430097102392, 0.9999999122222775},
                         {0.9, 0.7223861962720839, 0.9758461092134897},
                         {1.1, 0.540730623174218, 0.8743030639633486},
                         {1.4, 0.3229732539441398, 0.6054911436480064},
                         {1.6, 0.21919399348562651, 0.42741916397945123},
                         {2, 0.09100052384636614, 0.18149433939418735},
                         {3, 0.005399592126516972, 0.010799168467638398}}) {
    const auto [ks, kuiper] = p_values(row.x);
    EXPECT_NEAR(ks, row.ks, 1e-13) << row.x;
    EXPECT_NEAR(kuiper, row.kuiper, 1e-13) << row.x;
  }
  // Far out the leading terms: 4 and 8 times the normal tail, with all their digits.
  const auto [ks, kuiper] = p_values(12);
  const double tail = 0.5 * std::erfc(12 / std::sqrt(2.0));
  EXPECT_NEAR(ks / (4 * tail), 1, 1e-11);
  EXPECT_NEAR(kuiper / (8 * tail), 1, 1e-11);
  const auto [one, also_one] = p_values(0);
  EXPECT_EQ(one, 1);
  EXPECT_EQ(also_one, 1);
}

TEST(CalibrationTests, equal_probabilities_are_taken_together) {
  // Taken one by one the walk would reach 1/2 or more, depending on the order of the samples.
  const std::vector<double> p(4, 0.5);
  EXPECT_EQ(kolmogorov_smirnov_calibration_test(p, Labels{1, 1, 0, 0}).error, 0);
  EXPECT_EQ(kuiper_calibration_test(p, Labels{0, 1, 0, 1}).error, 0);
}

TEST(CalibrationTests, certain_forecasts) {
  const std::vector<double> p{0, 1, 1};
  for (const auto test : {spiegelhalter_test, kolmogorov_smirnov_calibration_test, kuiper_calibration_test}) {
    EXPECT_EQ(test(p, Labels{0, 1, 1}).p_value, 1);
    EXPECT_EQ(test(p, Labels{0, 1, 1}).statistic, 0);
    EXPECT_EQ(test(p, Labels{0, 1, 0}).p_value, 0);
    EXPECT_TRUE(std::isinf(test(p, Labels{0, 1, 0}).statistic));
    // Nothing unusual but one event that was excluded.
    std::vector<double> halves(1001, 0.5);
    Labels labels(1001);
    std::fill_n(labels.begin(), 500, std::uint8_t(1));
    halves[0] = 0;
    EXPECT_EQ(test(halves, labels).p_value, 0);
    halves[0] = 0.5;
    EXPECT_GT(test(halves, labels).p_value, 0.5);
  }
}

TEST(CalibrationTests, refuse_bad_input_with_a_sentence) {
  const std::vector<double> nan{0.5, std::numeric_limits<double>::quiet_NaN()};
  EXPECT_THAT(
      [&] {
        spiegelhalter_test(nan, Labels{0, 1});
      },
      ThrowsMessage<std::invalid_argument>("[metrics.spiegelhalter_test] probabilities must be probabilities; "
                                           "got nan at index 1; expected values in [0, 1]"));
  EXPECT_THAT([&] { kuiper_calibration_test(std::vector<double>{}, Labels{}); },
              ThrowsMessage<std::invalid_argument>(
                  "[metrics.kuiper_calibration_test] probabilities is empty; expected at least one value"));
  EXPECT_THAT([&] { kolmogorov_smirnov_calibration_test(std::vector<double>{0.5}, Labels{3}); },
              ThrowsMessage<std::invalid_argument>("[metrics.kolmogorov_smirnov_calibration_test] labels must be 0 "
                                                   "(good) or 1 (defect); got 3 at index 0"));
  EXPECT_THROW(spiegelhalter_test(std::vector<double>{0.5}, Labels{1, 0}), std::invalid_argument);
}

}  // namespace
}  // namespace oddity::metrics
