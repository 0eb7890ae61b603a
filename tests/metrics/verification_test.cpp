#include <algorithm>
#include <cmath>
#include <numeric>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "oddity/metrics/intervals.h"
#include "oddity/metrics/verification.h"
#include "tests/metrics/message_of.h"

namespace oddity::metrics {
namespace {

using Flags = std::vector<std::uint8_t>;

using testing::message_of;

TEST(Verification, EverythingVerifiedIsACount) {
  // 3 escapes and 7 caught defects, 60 accepted good and 2 rejected good parts.
  Flags accepted, defective;
  for (const auto& [a, d, n] : {std::tuple(1, 1, 3), {0, 1, 7}, {1, 0, 60}, {0, 0, 2}}) {
    accepted.insert(accepted.end(), std::size_t(n), std::uint8_t(a));
    defective.insert(defective.end(), std::size_t(n), std::uint8_t(d));
  }
  const std::vector<double> certain(72, 1.0);
  const VerifiedQuality result = verified_quality(certain, accepted, Flags(72, 1), defective);
  EXPECT_EQ(result.escapes.value, 3);
  EXPECT_DOUBLE_EQ(result.escape_share.value, 3.0 / 63);
  EXPECT_DOUBLE_EQ(result.escape_rate.value, 0.3);
  const Interval escape = clopper_pearson(3, 10), overkill = clopper_pearson(2, 62);
  EXPECT_NEAR(result.escape_rate.low, escape.low, 1e-12);
  EXPECT_NEAR(result.escape_rate.high, escape.high, 1e-12);
  EXPECT_NEAR(result.overkill_rate.low, overkill.low, 1e-12);
  EXPECT_NEAR(result.overkill_rate.high, overkill.high, 1e-12);
  EXPECT_DOUBLE_EQ(result.prevalence.value, 10.0 / 72);
  EXPECT_EQ(result.accepted, 63U);
  EXPECT_EQ(result.verified_escapes, 3U);
  EXPECT_EQ(result.expected_verified, 72);
}

TEST(Verification, WeightsByHandAndBeggGreenes) {
  // One accepted part in ten is verified, every rejected one: Begg and Greenes scale the verified accepted parts up.
  Flags accepted(120, 1), verified(120, 0), defective(120, 9);  // 9: never looked at where it is not verified
  std::vector<float> rho(120, 0.1F);
  for (std::size_t i = 0; i < 10; ++i) {
    verified[i] = 1;
    defective[i] = i < 2;
  }
  for (std::size_t i = 100; i < 120; ++i) {
    accepted[i] = 0;
    rho[i] = 1;
    verified[i] = 1;
    defective[i] = i < 116;
  }
  const VerifiedQuality result = verified_quality(rho, accepted, verified, defective);
  EXPECT_NEAR(result.escapes.value, 20, 1e-5);  // float32 0.1
  EXPECT_NEAR(result.escape_share.value, 2.0 / 10, 1e-7);
  EXPECT_NEAR(result.escape_rate.value, 20.0 / (20 + 16), 1e-7);
  EXPECT_NEAR(result.overkill_rate.value, 4.0 / (4 + 80), 1e-7);
  EXPECT_NEAR(result.prevalence.value, 36.0 / 120, 1e-7);
  EXPECT_NEAR(result.expected_verified, 30, 1e-5);
  EXPECT_EQ(result.verified_accepted, 10U);
  EXPECT_EQ(result.verified_rejected, 20U);
  EXPECT_LT(result.escape_rate.low, result.escape_rate.value);
  EXPECT_GT(result.escape_rate.high, result.escape_rate.value);
}

TEST(Verification, NothingFoundStillHasAnUpperLimit) {
  const std::vector<double> rho{0.05, 0.5, 1, 1};
  const VerifiedQuality result = verified_quality(rho, Flags{1, 1, 1, 0}, Flags{1, 1, 1, 1}, Flags{0, 0, 0, 1});
  EXPECT_EQ(result.escapes.value, 0);
  EXPECT_EQ(result.escapes.low, 0);
  EXPECT_NEAR(result.escapes.high, -20 * std::log(0.025), 1e-9);
  EXPECT_EQ(result.escape_share.high, 1);  // 74 of 3 parts
  EXPECT_EQ(result.escape_rate.value, 0);
  EXPECT_GT(result.escape_rate.high, 0.9);
  const VerifiedQuality none = verified_quality(rho, Flags(4, 1), Flags(4, 1), Flags(4, 0));
  EXPECT_TRUE(std::isnan(none.escape_rate.value));
  EXPECT_EQ(none.escape_rate.low, 0);
  EXPECT_EQ(none.escape_rate.high, 1);
  EXPECT_EQ(none.overkill_rate.value, 0);
  EXPECT_GT(none.overkill_rate.high, 0);
}

double variance_of(const std::vector<double>& eta, const std::vector<double>& rho) {
  double sum = 0;
  for (std::size_t i = 0; i < eta.size(); ++i) {
    sum += eta[i] * (1 / rho[i] - 1);
  }
  return sum;
}

TEST(Verification, DesignKeepsTheBudgetAndCannotBeImproved) {
  std::mt19937_64 random(1);
  std::uniform_real_distribution<double> uniform;
  for (int i = 0; i < 60; ++i) {
    std::vector<double> eta, costs;
    for (int j = 0; j < 50; ++j) {
      eta.push_back(j == 0 ? 0 : std::pow(uniform(random), 4));
      costs.push_back(i % 2 == 0 ? 1 : 0.2 + uniform(random));
    }
    const double all = std::accumulate(costs.begin(), costs.end(), 0.0), floor = 0.05;
    const double budget = all * (0.06 + 0.9 * uniform(random));
    VerificationOptions options;
    options.floor = floor;
    options.costs = costs;
    const VerificationDesign design = verification_design(eta, budget, options);
    double spent = 0;
    for (std::size_t j = 0; j < eta.size(); ++j) {
      EXPECT_GE(design.probabilities[j], floor);
      EXPECT_LE(design.probabilities[j], 1);
      spent += costs[j] * design.probabilities[j];
    }
    EXPECT_NEAR(spent, budget, 1e-9 * budget);
    EXPECT_NEAR(design.expected_parts, std::accumulate(design.probabilities.begin(), design.probabilities.end(), 0.0),
                1e-9);
    EXPECT_LE(design.relative_variance, 1 + 1e-9);
    const std::vector<double> even(eta.size(), budget / all);
    EXPECT_NEAR(design.relative_variance, variance_of(eta, design.probabilities) / variance_of(eta, even), 1e-9);
    // Moving money between any two parts does not help: the problem is convex, so this is the optimum.
    const double least = variance_of(eta, design.probabilities);
    for (std::size_t a = 0; a < eta.size(); ++a) {
      for (std::size_t b = 0; b < eta.size(); ++b) {
        std::vector<double> moved = design.probabilities;
        const double money = 1e-4;
        moved[a] += money / costs[a];
        moved[b] -= money / costs[b];
        if (moved[a] <= 1 && moved[b] >= floor) {
          EXPECT_GE(variance_of(eta, moved), least - 1e-9 * least);
        }
      }
    }
  }
  // The ends, and no part with a chance to be defective.
  EXPECT_EQ(verification_design(std::vector<double>{0.1, 0.4}, 2).probabilities, (std::vector<double>{1, 1}));
  EXPECT_EQ(verification_design(std::vector<double>{0.1, 0.4}, 0.002).probabilities,
            (std::vector<double>{0.001, 0.001}));
  const VerificationDesign good = verification_design(std::vector<double>{0, 0}, 0.5);
  EXPECT_NEAR(good.probabilities[0], 0.25, 1e-12);
  EXPECT_TRUE(std::isnan(good.relative_variance));
  const auto four = verification_design(std::vector<float>{0.01F, 0.04F}, 0.3, {.floor = 0.01}).probabilities;
  EXPECT_NEAR(four[1] / four[0], 2, 1e-6);  // the square root
}

TEST(Verification, PlanIsTheSmallestThatHolds) {
  EXPECT_EQ(verification_plan(0.01, 0, 1000).parts, 299U);
  EXPECT_EQ(verification_plan(0.001, 0, 1000000).parts, 2995U);
  EXPECT_EQ(verification_plan(0.0001, 0, 1000000).parts, 29956U);
  const auto cdf = [](std::uint64_t k, std::uint64_t n, double p) {
    return n <= k ? 1 : beta_cdf(1 - p, double(n - k), double(k) + 1);
  };
  for (const auto& [limit, expected] : {std::pair(0.02, 0.005), {0.05, 0.03}, {0.3, 0.1}}) {
    const VerificationPlan plan = verification_plan(limit, expected, 5000);
    EXPECT_LE(cdf(plan.escapes_allowed, plan.parts, limit), 0.05);
    EXPECT_NEAR(plan.power, cdf(plan.escapes_allowed, plan.parts, expected), 1e-12);
    EXPECT_GE(plan.power, 0.9);
    EXPECT_DOUBLE_EQ(plan.check_ratio, double(plan.parts) / 5000);
    // No smaller number has the power with the most escapes it may allow.
    for (std::uint64_t n = 1; n < plan.parts; ++n) {
      std::uint64_t k = 0;
      if (cdf(0, n, limit) > 0.05) {
        continue;
      }
      while (cdf(k + 1, n, limit) <= 0.05) {
        ++k;
      }
      EXPECT_LT(cdf(k, n, expected), 0.9) << n;
    }
  }
}

TEST(Verification, RefusesBadInput) {
  const std::vector<double> rho{0.5, 1};
  const Flags one{1, 1}, odd{1, 2};
  const auto quality = [](const auto& r, const Flags& a, const Flags& v, const Flags& d) {
    return message_of([&] { verified_quality(r, a, v, d); });
  };
  EXPECT_EQ(quality(std::vector<double>{0.5, 0}, one, one, one),
            "[metrics.verified_quality] probabilities must be in [1e-100, 1]; got 0 at index 1; what cannot be "
            "verified cannot be "
            "known");
  EXPECT_EQ(quality(std::vector<float>{0.5F, NAN}, one, one, one),
            "[metrics.verified_quality] probabilities must be in [1e-100, 1]; got nan at index 1; what cannot be "
            "verified cannot be known");
  EXPECT_EQ(quality(std::vector<double>{0.5, 1e-101}, one, one, one),
            "[metrics.verified_quality] probabilities must be in [1e-100, 1]; got 1e-101 at index 1; "
            "what cannot be verified cannot be known");
  EXPECT_EQ(quality(std::vector<float>{0.5F, 1.1F}, one, one, one),
            "[metrics.verified_quality] probabilities must be in [1e-100, 1]; got 1.100000023841858 at index 1; what "
            "cannot be verified cannot be known");
  EXPECT_EQ(quality(rho, odd, one, one), "[metrics.verified_quality] accepted must be 0 or 1; got 2 at index 1");
  EXPECT_EQ(quality(rho, one, odd, one), "[metrics.verified_quality] verified must be 0 or 1; got 2 at index 1");
  EXPECT_EQ(quality(rho, one, one, odd), "[metrics.verified_quality] defective must be 0 or 1; got 2 at index 1");
  EXPECT_EQ(quality(rho, one, Flags{1, 0}, odd), "accepted");  // not looked at
  EXPECT_EQ(quality(rho, Flags{1}, one, one),
            "[metrics.verified_quality] accepted and probabilities differ in length; got 1 and 2");
  EXPECT_EQ(quality(rho, one, one, Flags{}),
            "[metrics.verified_quality] defective and probabilities differ in length; got 0 and 2");
  EXPECT_EQ(quality(std::vector<double>{}, Flags{}, Flags{}, Flags{}),
            "[metrics.verified_quality] probabilities is empty; expected at least one value");
  EXPECT_EQ(message_of([&] { verified_quality(rho, one, one, one, 1); }),
            "[metrics.verified_quality] confidence is out of range; got 1; expected a value in (0, 1)");
  const std::vector<double> eta{0.1, 0.2};
  EXPECT_EQ(
      message_of([&] { verification_design(eta, 3); }),
      "[metrics.verification_design] budget is out of range; got 3; expected 0.002 to 2 for 2 parts at floor 0.001");
  EXPECT_EQ(
      message_of([&] { verification_design(eta, NAN); }),
      "[metrics.verification_design] budget is out of range; got nan; expected 0.002 to 2 for 2 parts at floor 0.001");
  EXPECT_EQ(message_of([&] { verification_design(eta, 0.001); }),
            "[metrics.verification_design] budget is out of range; got 0.001; expected 0.002 to 2 for 2 parts at floor "
            "0.001");
  EXPECT_EQ(message_of([&] {
              verification_design(std::vector<double>{0.1, 1.2}, 1);
            }),
            "[metrics.verification_design] defect_probabilities must be in [0, 1]; got 1.2 at index 1");
  EXPECT_EQ(message_of([&] { verification_design(std::vector<double>{}, 1); }),
            "[metrics.verification_design] defect_probabilities is empty; expected at least one value");
  EXPECT_EQ(message_of([&] { verification_design(eta, 1, {.floor = 0}); }),
            "[metrics.verification_design] floor is out of range; got 0; expected a value in (0, 1]");
  EXPECT_EQ(message_of([&] {
              verification_design(eta, 1, {.costs = std::vector<double>{1, 0}});
            }),
            "[metrics.verification_design] costs must be in [1e-100, 1e100]; got 0 at index 1");
  EXPECT_EQ(message_of([&] {
              verification_design(eta, 1, {.costs = std::vector<double>{1, 1e101}});
            }),
            "[metrics.verification_design] costs must be in [1e-100, 1e100]; got 1e+101 at index 1");
  EXPECT_EQ(message_of([&] { verification_design(eta, 1, {.costs = std::vector<double>{1}}); }),
            "[metrics.verification_design] costs and defect_probabilities differ in length; got 1 and 2");
  EXPECT_EQ(
      message_of([] { verification_plan(0.01, 0.01, 100); }),
      "[metrics.verification_plan] expected is out of range; got 0.01; expected a value in [0, limit) with limit 0.01");
  EXPECT_EQ(message_of([] { verification_plan(0.01, 0.0099999, 100); }),
            "[metrics.verification_plan] expected is too close to limit; got 0.0099999 and 0.01; over "
            "10000 escapes would have to be allowed");
  EXPECT_EQ(message_of([] { verification_plan(1, 0, 100); }),
            "[metrics.verification_plan] limit is out of range; got 1; expected a value in (0, 1)");
  EXPECT_EQ(message_of([] { verification_plan(0.01, 0, 0); }),
            "[metrics.verification_plan] accepted must be at least 1; got 0");
  EXPECT_EQ(message_of([] { verification_plan(0.01, 0, 10, 0.95, 1); }),
            "[metrics.verification_plan] power is out of range; got 1; expected a value in (0, 1)");
}

}  // namespace
}  // namespace oddity::metrics
