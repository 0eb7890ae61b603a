#include "oddity/metrics/conformal_quantile.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/metrics/refuses.h"

namespace oddity::metrics {
namespace {

using testing::message;

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

std::vector<double> shuffled_ramp(std::size_t n, unsigned seed) {
  std::vector<double> scores(n);
  for (std::size_t i = 0; i < n; ++i) {
    scores[i] = double(i + 1);
  }
  std::shuffle(scores.begin(), scores.end(), std::mt19937(seed));
  return scores;
}

/// P(Bin(n, p) >= k) by its definition.
double binomial_at_least(std::size_t k, std::size_t n, double p) {
  double sum = 0;
  for (std::size_t i = k; i <= n; ++i) {
    sum += std::exp(std::lgamma(double(n) + 1) - std::lgamma(double(i) + 1) - std::lgamma(double(n - i) + 1) +
                    double(i) * std::log(p) + double(n - i) * std::log1p(-p));
  }
  return sum;
}

TEST(ConformalRank, is_exact_for_every_percent) {
  // n = 149, alpha = 0.18: 150 - 27 = 123. MAPIE 1.6.0 and TorchCP 1.2.1 round 123.00000000000001 up to 124.
  EXPECT_EQ(std::ceil(150 * (1 - 0.18)), 124);
  EXPECT_EQ(conformal_rank(149, 0.18).rank, 123U);
  EXPECT_EQ(conformal_quantile(shuffled_ramp(149, 1), 0.18).threshold, 123);
  int floating_point_wrong = 0;
  for (std::size_t n = 0; n <= 2000; ++n) {
    for (std::size_t percent = 1; percent <= 99; ++percent) {
      const double alpha = double(percent) / 100;
      const ConformalRank result = conformal_rank(n, alpha);
      const std::size_t above = (n + 1) * percent / 100;
      ASSERT_EQ(result.rank, n + 1 - above) << n << " " << percent;
      ASSERT_EQ(result.infinite, above == 0);
      ASSERT_EQ(result.n_needed, (100 + percent - 1) / percent - 1);
      ASSERT_EQ(result.infinite, n < result.n_needed);
      ASSERT_EQ(result.coverage.a, double(n + 1 - above));
      ASSERT_EQ(result.coverage.b, double(above));
      ASSERT_EQ(result.n, n);
      ASSERT_EQ(result.alpha, alpha);
      floating_point_wrong += std::size_t(std::ceil(double(n + 1) * (1 - alpha))) != result.rank;
    }
  }
  EXPECT_GT(floating_point_wrong, 100);
}

TEST(ConformalRank, of_extremes) {
  EXPECT_EQ(conformal_rank(1'000'000'000'000, 1e-12).rank, 1'000'000'000'000U);
  EXPECT_EQ(conformal_rank(10, 1e-15).n_needed, 999'999'999'999'999U);
  EXPECT_EQ(conformal_rank(10, 1 - 1e-15).rank, 1U);
  EXPECT_EQ(conformal_rank(1, 0.5).rank, 1U);
  EXPECT_TRUE(conformal_rank(0, 0.999).infinite);
  EXPECT_EQ(conformal_rank(0, 0.999).n_needed, 1U);
}

TEST(BetaLaw, states_what_is_known_of_the_coverage) {
  const BetaLaw law = conformal_rank(1000, 0.1).coverage;  // Beta(901, 100)
  EXPECT_DOUBLE_EQ(law.mean(), 901.0 / 1001);
  // scipy 1.17.1: beta.ppf([0.05, 0.95], 901, 100).
  EXPECT_NEAR(law.interval(0.9).low, 0.88407549, 1e-8);
  EXPECT_NEAR(law.interval(0.9).high, 0.91521523, 1e-8);
  EXPECT_NEAR(law.probability_below(law.interval().low), 0.025, 1e-12);
  const BetaLaw certain = conformal_rank(5, 0.1).coverage;
  EXPECT_EQ(certain.mean(), 1);
  EXPECT_EQ(certain.interval().low, 1);
  EXPECT_EQ(certain.interval().high, 1);
  EXPECT_EQ(certain.probability_below(1), 0);
  EXPECT_THAT([&] { law.interval(1); }, message("[metrics.interval] confidence is out of range; got 1"));
  EXPECT_THAT([&] { law.probability_below(kNan); }, message("level is out of range; got nan"));
}

TEST(PacRank, is_that_of_beta_quantiles) {
  // scipy 1.17.1: first k with beta.ppf(delta, k, n + 1 - k) >= 1 - alpha.
  EXPECT_EQ(conformal_rank(100, 0.1, 0.1).rank, 95U);
  EXPECT_EQ(conformal_rank(500, 0.05, 0.1).rank, 482U);
  EXPECT_EQ(conformal_rank(1000, 0.1, 0.1).rank, 913U);
  EXPECT_EQ(conformal_rank(1000, 0.05, 0.1).rank, 960U);
  EXPECT_EQ(conformal_rank(1000, 0.01, 0.1).rank, 995U);
  EXPECT_EQ(conformal_rank(5000, 0.01, 0.1).rank, 4960U);
  EXPECT_EQ(conformal_rank(22, 0.1, 0.1).rank, 22U);
  EXPECT_TRUE(conformal_rank(21, 0.1, 0.1).infinite);
  EXPECT_EQ(conformal_rank(21, 0.1, 0.1).n_needed, 22U);
  EXPECT_EQ(conformal_rank(22, 0.1, 0.1).coverage.a, 22);
  EXPECT_EQ(conformal_rank(22, 0.1, 0.1).coverage.b, 1);
}

TEST(PacRank, is_the_smallest_that_keeps_delta) {
  for (const double alpha : {0.01, 0.1, 0.37, 0.8}) {
    for (const double delta : {0.001, 0.1, 0.5, 0.95}) {
      std::size_t first_finite = 0;
      for (std::size_t n = 1; n <= 120; ++n) {
        const ConformalRank result = conformal_rank(n, alpha, delta);
        std::size_t expected = n + 1;
        while (expected > 1 && binomial_at_least(expected - 1, n, 1 - alpha) <= delta) {
          --expected;
        }
        ASSERT_EQ(result.rank, expected) << n << " " << alpha << " " << delta;
        ASSERT_EQ(result.delta, delta);
        first_finite = first_finite == 0 && !result.infinite ? n : first_finite;
      }
      if (first_finite > 0) {
        EXPECT_EQ(conformal_rank(1, alpha, delta).n_needed, first_finite);
      }
    }
  }
  // (1/2)^2 is exactly delta: allowed, whatever the last bit of the beta function.
  EXPECT_EQ(conformal_rank(2, 0.5, 0.25).rank, 2U);
  // (1 - alpha)^n <= delta: 459 without a miss for 1 % at 99 %.
  EXPECT_EQ(conformal_rank(0, 0.01, 0.01).n_needed, 459U);
  EXPECT_EQ(conformal_rank(100, 1e-15, 0.5).infinite, true);
}

TEST(ConformalQuantile, is_an_order_statistic_of_the_scores) {
  std::mt19937 random(5);
  for (int round = 0; round < 200; ++round) {
    std::vector<double> scores(1 + random() % 80);
    std::vector<float> narrow;
    for (double& score : scores) {
      score = double(random() % 15) - 7;  // many ties
      narrow.push_back(float(score));
    }
    const std::vector<double> alphas{0.3, 0.01, 0.9, 0.3, 0.5};
    const auto quantiles = conformal_quantiles(scores, alphas);
    auto sorted = scores;
    std::sort(sorted.begin(), sorted.end());
    for (std::size_t a = 0; a < alphas.size(); ++a) {
      const auto& quantile = quantiles[a];
      ASSERT_EQ(quantile.alpha, alphas[a]);
      ASSERT_EQ(quantile.threshold, quantile.infinite ? kInfinity : sorted[quantile.rank - 1]);
      ASSERT_EQ(conformal_quantile(narrow, alphas[a]).threshold, quantile.threshold);
      ASSERT_EQ(conformal_quantile(scores, alphas[a]).threshold, quantile.threshold);
    }
  }
}

TEST(ConformalQuantile, does_not_depend_on_the_order_and_follows_a_monotone_map) {
  std::mt19937_64 random(2);
  std::normal_distribution<double> normal;
  std::vector<double> scores(5001);
  for (double& score : scores) {
    score = normal(random);
  }
  scores[3] = -0.0;
  scores[4] = 0.0;
  const std::vector<double> alphas{0.1, 0.5, 0.01};
  const auto before = conformal_quantiles(scores, alphas, 0.1);
  std::vector<double> mapped;
  for (const double score : scores) {
    mapped.push_back(std::exp(score));
  }
  const auto of_mapped = conformal_quantiles(mapped, alphas, 0.1);
  std::shuffle(scores.begin(), scores.end(), random);
  const auto after = conformal_quantiles(scores, alphas, 0.1);
  for (std::size_t a = 0; a < alphas.size(); ++a) {
    EXPECT_EQ(before[a].threshold, after[a].threshold);
    EXPECT_EQ(std::exp(before[a].threshold), of_mapped[a].threshold);
  }
  // Zeros of both signs tie: one of them is returned whatever the order.
  EXPECT_FALSE(std::signbit(conformal_quantile(std::vector<double>{-0.0, 0.0}, 0.5).threshold));
  EXPECT_FALSE(std::signbit(conformal_quantile(std::vector<double>{0.0, -0.0}, 0.5).threshold));
}

TEST(GroupQuantiles, each_group_has_its_own) {
  const std::vector<double> scores{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};
  const std::vector<std::int64_t> groups{7, -3, 7, -3, 7, -3, 7, -3, 7, 100, 7, 7};
  const std::vector<double> alphas{0.2, 0.5};
  const auto result = group_conformal_quantiles(scores, groups, alphas);
  EXPECT_EQ(result.groups, (std::vector<std::int64_t>{-3, 7, 100}));
  EXPECT_EQ(result.at(0, 0).n, 4U);                 // -3: 2 4 6 8
  EXPECT_EQ(result.at(0, 0).threshold, 8);          // rank 5 - 1 = 4
  EXPECT_EQ(result.at(0, 1).n, 7U);                 // 7: 1 3 5 7 9 11 12
  EXPECT_EQ(result.at(0, 1).threshold, 12);         // rank 8 - 1
  EXPECT_EQ(result.at(0, 2).threshold, kInfinity);  // one of them, 4 needed
  EXPECT_EQ(result.at(0, 2).n_needed, 4U);
  EXPECT_EQ(result.at(1, 0).threshold, 6);   // rank 5 - 2 = 3
  EXPECT_EQ(result.at(1, 1).threshold, 7);   // rank 8 - 4 = 4
  EXPECT_EQ(result.at(1, 2).threshold, 10);  // rank 2 - 1
  EXPECT_EQ(result.find(7), 1U);
  EXPECT_EQ(result.find(8), 3U);
  EXPECT_EQ(result.thresholds(std::vector<std::int64_t>{100, -3, 5}, 1), (std::vector<double>{10, 6, kInfinity}));
  EXPECT_THAT([&] { result.thresholds({}, 2); }, message("alpha_index is out of range; got 2; expected 0 to 1"));
}

TEST(ConformalQuantile, refuses_bad_input_with_a_sentence) {
  const std::vector<double> good{1, 2, 3}, none, with_nan{1, kNan}, with_infinity{kInfinity, 1};
  const std::vector<std::int64_t> groups{1, 1};
  for (const double bad : {0.0, 1.0, -0.1, 1.5, kNan}) {
    EXPECT_THAT([=] { conformal_rank(10, bad); }, message("[metrics.conformal_rank] alpha is out of range; got "));
    EXPECT_THAT([=] { conformal_rank(10, 0.1, bad); }, message("[metrics.conformal_rank] delta is out of range; got "));
    EXPECT_THAT([&] { conformal_quantile(good, bad); }, message("[metrics.conformal_quantile] alpha is out of range"));
  }
  EXPECT_THAT([] { conformal_rank(10, 1e-16); }, message("alpha is too small for exact ranks; got 1e-16"));
  EXPECT_THAT([] { conformal_rank(1'000'000'000'001, 0.1); }, message("n is out of range; got 1000000000001"));
  EXPECT_THAT([&] { conformal_quantile(none, 0.1); }, message("[metrics.conformal_quantile] scores is empty"));
  EXPECT_THAT([&] { conformal_quantile(with_nan, 0.1); }, message("scores must be finite; got NaN at index 1"));
  EXPECT_THAT([&] { conformal_quantile(with_infinity, 0.1); }, message("got infinity at index 0"));
  EXPECT_THAT([&] { conformal_quantiles(good, none); }, message("[metrics.conformal_quantiles] alphas is empty"));
  const std::vector<double> alphas{0.1};
  EXPECT_THAT([&] { group_conformal_quantiles(good, groups, alphas); },
              message("[metrics.group_conformal_quantiles] scores and groups differ in length; got 3 and 2"));
  EXPECT_THAT([&] { group_conformal_quantiles(none, {}, alphas); }, message("scores is empty"));
}

}  // namespace
}  // namespace oddity::metrics
