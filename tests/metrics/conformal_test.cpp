#include "oddity/metrics/conformal.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <random>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "oddity/metrics/intervals.h"

namespace oddity::metrics {
namespace {

using testing::HasSubstr;
using testing::ThrowsMessage;

std::vector<double> ramp(std::size_t n) {
  std::vector<double> scores(n);
  for (std::size_t i = 0; i < n; ++i) {
    scores[i] = double(i + 1);
  }
  return scores;
}

TEST(ConformalPValue, counts_scores_at_least_as_large) {
  const std::vector<double> calibration{1, 2, 2, 3};
  EXPECT_EQ(conformal_p_value(0, calibration), 1);
  EXPECT_EQ(conformal_p_value(1, calibration), 1);
  EXPECT_EQ(conformal_p_value(2, calibration), 4.0 / 5);
  EXPECT_EQ(conformal_p_value(2.5, calibration), 2.0 / 5);
  EXPECT_EQ(conformal_p_value(3, calibration), 2.0 / 5);
  EXPECT_EQ(conformal_p_value(4, calibration), 1.0 / 5);
  EXPECT_EQ(conformal_p_value(std::numeric_limits<double>::infinity(), calibration), 1.0 / 5);
  const std::vector<double> scores{0, 2, 4};
  EXPECT_EQ(conformal_p_values(scores, calibration), (std::vector<double>{1, 4.0 / 5, 1.0 / 5}));
}

TEST(SimplestFraction, finds_the_fraction_that_was_meant) {
  const auto of = [](double value) {
    const Fraction f = simplest_fraction(value);
    return std::pair(f.numerator, f.denominator);
  };
  using P = std::pair<std::uint64_t, std::uint64_t>;
  EXPECT_EQ(of(0.18), P(9, 50));
  EXPECT_EQ(of(0.01), P(1, 100));
  EXPECT_EQ(of(0.5), P(1, 2));
  EXPECT_EQ(of(1.0 / 3), P(1, 3));
  EXPECT_EQ(of(0.999), P(999, 1000));
  EXPECT_EQ(of(1e-6), P(1, 1000000));
  EXPECT_EQ(of(1e-12), P(1, 1000000000000));
  EXPECT_EQ(of(0.123456), P(1929, 15625));
  // Every fraction with a small denominator comes back in lowest terms.
  for (std::uint64_t q = 2; q < 300; ++q) {
    for (std::uint64_t p = 1; p < q; ++p) {
      const std::uint64_t divisor = std::gcd(p, q);
      ASSERT_EQ(of(double(p) / double(q)), P(p / divisor, q / divisor));
    }
  }
  std::mt19937_64 random(1);
  std::uniform_real_distribution<double> uniform;
  for (int i = 0; i < 1000; ++i) {
    const double value = uniform(random);
    const Fraction f = simplest_fraction(value);
    ASSERT_EQ(double(f.numerator) / double(f.denominator), value);
  }
}

TEST(ConformalThreshold, rank_is_exact_for_every_percent) {
  // n = 149, alpha = 0.18: k = 150 - 27 = 123, while ceil(150 * (1 - 0.18)) in floating point is 124.
  EXPECT_EQ(std::ceil(150 * (1 - 0.18)), 124);
  EXPECT_EQ(conformal_threshold(ramp(149), 0.18).rank, 123U);
  // n = 99, alpha = 0.29: k = 100 - 29 = 71, while 100 * 0.29 in floating point is 28.999999999999996.
  EXPECT_LT(100 * 0.29, 29);
  EXPECT_EQ(conformal_threshold(ramp(99), 0.29).rank, 71U);
  int floating_point_wrong = 0;
  for (std::size_t n = 1; n <= 1000; ++n) {
    const auto calibration = ramp(n);
    for (std::size_t percent = 1; percent <= 99; ++percent) {
      const double budget = double(percent) / 100;
      const auto result = conformal_threshold(calibration, budget);
      const std::size_t allowed = std::max<std::size_t>((n + 1) * percent / 100, 1);
      ASSERT_EQ(result.rank, n + 1 - allowed) << n << " " << percent;
      ASSERT_EQ(result.threshold, double(result.rank));
      ASSERT_EQ(result.beta_a, double(allowed));
      ASSERT_EQ(result.beta_b, double(n + 1 - allowed));
      ASSERT_EQ(result.n_needed, (100 + percent - 1) / percent - 1);
      floating_point_wrong += std::size_t(double(n + 1) * budget) != (n + 1) * percent / 100;
    }
  }
  EXPECT_GT(floating_point_wrong, 0);  // the exact rank is not idle
}

TEST(ConformalThreshold, too_few_parts_use_the_smallest_possible_budget_and_say_so) {
  const auto few = conformal_threshold(ramp(50), 0.01);
  EXPECT_EQ(few.requested_budget, 0.01);
  EXPECT_EQ(few.budget, 1.0 / 51);
  EXPECT_EQ(few.rank, 50U);
  EXPECT_EQ(few.n, 50U);
  EXPECT_EQ(few.n_needed, 99U);
  EXPECT_EQ(conformal_threshold(ramp(98), 0.01).budget, 1.0 / 99);
  const auto enough = conformal_threshold(ramp(99), 0.01);
  EXPECT_EQ(enough.budget, 0.01);
  EXPECT_EQ(enough.rank, 99U);
}

TEST(ConformalThreshold, rejects_exactly_when_the_p_value_is_within_the_budget) {
  std::mt19937 random(3);
  for (int round = 0; round < 300; ++round) {
    std::vector<double> calibration(1 + random() % 60);
    for (double& score : calibration) {
      score = double(random() % 20);
    }
    std::sort(calibration.begin(), calibration.end());
    const auto result = conformal_threshold(calibration, double(1 + random() % 50) / 100);
    for (double score = -1; score < 21; score += 0.5) {
      ASSERT_EQ(score > result.threshold, conformal_p_value(score, calibration) <= result.budget);
    }
  }
}

TEST(Conformal, refuses_bad_input_with_a_sentence) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const auto threshold_of = [](std::vector<double> scores, double budget) {
    return [scores, budget] { conformal_threshold(scores, budget); };
  };
  const auto message = [](const std::string& text) { return ThrowsMessage<std::invalid_argument>(HasSubstr(text)); };
  EXPECT_THAT(threshold_of({}, 0.1), message("[metrics.conformal_threshold] there are no calibration scores"));
  EXPECT_THAT(threshold_of({1, nan, 2}, 0.1), message("got NaN at index 1"));
  EXPECT_THAT(threshold_of({2, 1}, 0.1), message("calibration scores must ascend; got 2 before 1 at index 1"));
  for (const double bad : {0.0, 1.0, -0.1, 1.5, nan}) {
    EXPECT_THAT(threshold_of({1, 2}, bad), message("budget is out of range"));
    EXPECT_THROW(simplest_fraction(bad), std::invalid_argument);
  }
  EXPECT_THROW(simplest_fraction(1e-30), std::invalid_argument);
  EXPECT_THROW(simplest_fraction(1e-300), std::invalid_argument);
  const std::vector<double> good{1, 2}, with_nan{1, nan}, falling{2, 1}, none;
  EXPECT_THROW(conformal_p_value(nan, good), std::invalid_argument);
  EXPECT_THROW(conformal_p_value(1, none), std::invalid_argument);
  EXPECT_THROW(conformal_p_value(1, with_nan), std::invalid_argument);
  EXPECT_THROW(conformal_p_value(1, falling), std::invalid_argument);
  EXPECT_THROW(conformal_p_values(with_nan, good), std::invalid_argument);
  EXPECT_THROW(conformal_p_values(good, falling), std::invalid_argument);
}

}  // namespace
}  // namespace oddity::metrics
