#include <cmath>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "metrics/gamma_distribution.h"
#include "metrics/root.h"
#include "metrics/weighted_counts.h"
#include "oddity/metrics/intervals.h"
#include "oddity/metrics/projection.h"
#include "tests/metrics/message_of.h"

namespace oddity::metrics {
namespace {

using testing::message_of;

TEST(GammaDistribution, QuantilesOfSciPy) {
  // scipy.stats.gamma.ppf of SciPy 1.17.1.
  EXPECT_NEAR(detail::gamma_quantile(0.025, 0.5), 0.0004910345585876278, 1e-13);
  EXPECT_NEAR(detail::gamma_quantile(0.975, 3), 7.22468766772396, 1e-10);
  EXPECT_NEAR(detail::gamma_quantile(0.95, 1), 2.9957322735539895, 1e-10);
  EXPECT_NEAR(detail::gamma_quantile(1e-6, 20), 5.363986586181651, 1e-9);
  EXPECT_NEAR(detail::gamma_quantile(0.999, 1e4), 10311.875224539537, 1e-5);
  EXPECT_NEAR(detail::gamma_quantile(0.025, 0.01) / 3.5226859973137185e-161, 1, 1e-8);
  EXPECT_NEAR(detail::gamma_quantile(0.5, 1e6), 999999.6666666864, 1e-4);
  for (const double shape : {0.3, 2.0, 9.99, 10.01, 500.0}) {
    for (const double p : {1e-8, 0.1, 0.5, 0.9, 1 - 1e-8}) {
      const auto tails = detail::gamma_tails(detail::gamma_quantile(p, shape), shape);
      EXPECT_NEAR(tails.lower / p, 1, 1e-9) << shape << " " << p;
      EXPECT_NEAR(tails.lower + tails.upper, 1, 1e-14);
    }
  }
}

TEST(RootBetween, FindsRootsOfStraightBentAndSteepFunctions) {
  const auto check = [](auto function, double a, double b, double root) {
    EXPECT_NEAR(detail::root_between(function, a, b, 1e-12), root, 1e-10);
    EXPECT_NEAR(detail::root_between(function, b, a, 1e-12), root, 1e-10);
  };
  check([](double x) { return 3 * x - 1; }, 0, 1, 1.0 / 3);
  check([](double x) { return std::exp(20 * x) - 2; }, 0, 3, std::log(2.0) / 20);
  check([](double x) { return x < 0.7 ? -1.0 : 1e6; }, 0, 1, 0.7);
  check([](double x) { return std::cbrt(x - 0.25); }, 0, 1, 0.25);
  check([](double x) { return x; }, 0, 1, 0);
}

TEST(WeightedCounts, LimitsOfFayAndFeuer) {
  // Five counts of weight 0.1 and twelve of 0.02: the published formula in SciPy 1.17.1.
  detail::WeightedCounts counts;
  counts.add(0.1, 5);
  counts.add(0.02, 12);
  EXPECT_NEAR(counts.value(), 0.74, 1e-15);
  EXPECT_NEAR(counts.lower(0.025), 0.3547459564811057, 1e-10);
  EXPECT_NEAR(counts.upper(0.025), 1.4075497418506262, 1e-10);
  detail::WeightedCounts none;
  none.add(0.1, 0);
  EXPECT_EQ(none.lower(0.025), 0);
  EXPECT_NEAR(none.upper(0.025), -0.1 * std::log(0.025), 1e-12);
  // Weights of 1: Clopper and Pearson's.
  detail::WeightedCounts a, b;
  a.add(1, 7);
  b.add(1, 40);
  const Interval exact = clopper_pearson(7, 47);
  EXPECT_NEAR(detail::share_lower(a, b, 0.025), exact.low, 1e-12);
  EXPECT_NEAR(detail::share_upper(a, b, 0.025), exact.high, 1e-12);
}

TEST(Projection, ZeroErrorBound) {
  EXPECT_NEAR(zero_error_bound(299), 1 - std::pow(0.05, 1.0 / 299), 1e-15);
  for (const auto& [n, limit] : {std::pair(299U, 0.01), {2995U, 0.001}, {29956U, 0.0001}}) {
    EXPECT_LE(zero_error_bound(n), limit);
    EXPECT_GT(zero_error_bound(n - 1), limit);
  }
  EXPECT_EQ(zero_error_bound(0), 1);
  EXPECT_NEAR(zero_error_bound(100, 0.9), clopper_pearson(0, 100, 0.8).high, 1e-14);
}

TEST(Projection, SlicesByHand) {
  const std::vector<ProductionSlice> slices{{0.7, 1000, 2}, {0.2, 100, 3}, {0.1, 0, 0}};
  const ProjectedRate result = project_rate(slices);
  EXPECT_NEAR(result.value, (0.7 * 0.002 + 0.2 * 0.03) / 0.9, 1e-15);
  EXPECT_NEAR(result.standard_error, std::sqrt(0.49 * 0.002 * 0.998 / 1000 + 0.04 * 0.03 * 0.97 / 100) / 0.9, 1e-15);
  EXPECT_DOUBLE_EQ(result.untested, 0.1);
  EXPECT_EQ(result.tested, 1100U);
  EXPECT_EQ(result.errors, 5U);
  // Two tested slices: each at 1 - 0.05 / 2 one-sided, so two-sided 1 - 0.05.
  const double bound = 0.7 * clopper_pearson(2, 1000).high + 0.2 * clopper_pearson(3, 100).high + 0.1;
  EXPECT_NEAR(result.upper, bound, 1e-12);
  // With an unseen share at 97.5 % the slices get 2.5 %.
  const double tighter = 0.7 * clopper_pearson(2, 1000, 0.975).high + 0.2 * clopper_pearson(3, 100, 0.975).high + 0.1;
  EXPECT_NEAR(project_rate(slices, {.unseen = 0.05}).upper, tighter + (1 - tighter) * 0.05, 1e-12);
  // With a log of 500 parts: empirical Bernstein with log(2 / 0.025).
  const double u1 = clopper_pearson(2, 1000, 0.975).high, u2 = clopper_pearson(3, 100, 0.975).high;
  const double mean = 0.7 * u1 + 0.2 * u2 + 0.1;
  const double spread = (0.7 * u1 * u1 + 0.2 * u2 * u2 + 0.1 - mean * mean) * 500 / 499;
  EXPECT_NEAR(project_rate(slices, {.logged = 500}).upper,
              mean + std::sqrt(2 * spread * std::log(80.0) / 500) + 7 * std::log(80.0) / (3 * 499), 1e-12);
  EXPECT_TRUE(std::isnan(project_rate(slices, {.logged = 500}).gamma_upper));
  // A tested slice of which the log shows no part: its bound was one of the K when the log was drawn.
  const std::vector<ProductionSlice> unlogged{{0.7, 1000, 2}, {0.3, 100, 3}, {0, 50, 0}};
  const double v1 = clopper_pearson(2, 1000, 1 - 0.1 / 6).high, v2 = clopper_pearson(3, 100, 1 - 0.1 / 6).high;
  const double centre = 0.7 * v1 + 0.3 * v2, around = (0.7 * v1 * v1 + 0.3 * v2 * v2 - centre * centre) * 500 / 499;
  EXPECT_NEAR(project_rate(unlogged, {.logged = 500}).upper,
              centre + std::sqrt(2 * around * std::log(80.0) / 500) + 7 * std::log(80.0) / (3 * 499), 1e-12);
  EXPECT_NEAR(project_rate(unlogged).upper, 0.7 * clopper_pearson(2, 1000).high + 0.3 * clopper_pearson(3, 100).high,
              1e-12);
  const std::vector<ProductionSlice> elsewhere{{0, 50, 0}, {1, 0, 0}};
  EXPECT_EQ(project_rate(elsewhere, {.logged = 500}).upper, 1);
  EXPECT_TRUE(std::isnan(project_rate(elsewhere, {.logged = 500}).value));
  // One slice without errors: the gamma bound is -log(0.05) / n.
  const std::vector<ProductionSlice> one{{1, 300, 0}};
  EXPECT_NEAR(project_rate(one).upper, zero_error_bound(300), 1e-14);
  EXPECT_NEAR(project_rate(one).gamma_upper, -std::log(0.05) / 300, 1e-12);
  const std::vector<ProductionSlice> nothing{{1, 0, 0}};
  EXPECT_EQ(project_rate(nothing).upper, 1);
  EXPECT_TRUE(std::isnan(project_rate(nothing).value));
}

TEST(Projection, UnseenMass) {
  EXPECT_NEAR(unseen_mass_bound(12, 10000), 0.0012 + (1 + std::sqrt(2.0)) * std::sqrt(std::log(2 / (1 - 0.95)) / 10000),
              1e-15);
  EXPECT_EQ(unseen_mass_bound(5, 5), 1);
  // Never above the bound of McAllester and Schapire.
  EXPECT_LT(unseen_mass_bound(12, 10000),
            0.0012 + (2 * std::sqrt(2.0) + std::sqrt(3.0)) * std::sqrt(std::log(3 / 0.05) / 10000));
}

TEST(Projection, RoganGladenByHandAndByDraws) {
  const MeasuredRate flagged{600, 20000}, detected{95, 100}, overkill{8, 400};
  const PrevalenceEstimate result = rogan_gladen(flagged, detected, overkill);
  EXPECT_NEAR(result.value, (0.03 - 0.02) / (0.95 - 0.02), 1e-15);
  EXPECT_EQ(result.low, 0);  // 2 % of flags may all be overkill
  // The melded distribution by draws instead of quadrature.
  std::mt19937_64 random(1);
  const auto beta = [&](double a, double b) {
    const double x = std::gamma_distribution<double>(a)(random), y = std::gamma_distribution<double>(b)(random);
    return x / (x + y);
  };
  const MeasuredRate flags{120, 500}, found{50, 60}, false_alarms{8, 200};
  const PrevalenceEstimate wide = rogan_gladen(flags, found, false_alarms, 0.9);
  constexpr int draws = 200000;
  int below_low = 0, below_high = 0;
  for (int i = 0; i < draws; ++i) {
    const double d1 = beta(51, 10), f1 = beta(9, 192), p1 = beta(120, 381);
    below_low += p1 <= wide.low * d1 + (1 - wide.low) * f1;
    const double d2 = beta(50, 11), f2 = beta(8, 193), p2 = beta(121, 380);
    below_high += p2 <= wide.high * d2 + (1 - wide.high) * f2;
  }
  const double error = 5 * std::sqrt(0.05 * 0.95 / draws);
  EXPECT_NEAR(double(below_low) / draws, 0.05, error);
  EXPECT_NEAR(double(below_high) / draws, 0.95, error);
  // Perfect tests of large samples leave the binomial interval of the flags.
  const PrevalenceEstimate sharp = rogan_gladen({30, 1000}, {10000000, 10000000}, {0, 10000000});
  EXPECT_NEAR(sharp.low, clopper_pearson(30, 1000).low, 1e-6);
  EXPECT_NEAR(sharp.high, clopper_pearson(30, 1000).high, 1e-6);
  EXPECT_EQ(rogan_gladen({0, 100}, {9, 10}, {3, 100}).value, 0);  // fewer flags than overkill alone gives
  EXPECT_EQ(rogan_gladen({100, 100}, {9, 10}, {3, 100}).value, 1);
}

TEST(Projection, EscapePpmTakesCorners) {
  const EscapePpm result = project_escape_ppm({2, 400}, {10, 500}, {0.03, 0.02, 0.05});
  const auto ppm = [](double p, double e, double o) { return 1e6 * p * e / (p * e + (1 - p) * (1 - o)); };
  EXPECT_NEAR(result.value, ppm(0.03, 0.005, 0.02), 1e-8);
  const Interval e = clopper_pearson(2, 400, 0.975), o = clopper_pearson(10, 500, 0.975);
  EXPECT_NEAR(result.low, ppm(0.02, e.low, o.low), 1e-8);
  EXPECT_NEAR(result.high, ppm(0.05, e.high, o.high), 1e-8);
  EXPECT_EQ(project_escape_ppm({0, 400}, {10, 500}, {0, 0, 0}).value, 0);
  EXPECT_TRUE(std::isnan(project_escape_ppm({0, 400}, {500, 500}, {0.1, 0.1, 0.1}).value));  // nothing is accepted
}

TEST(Projection, OutgoingQualityOfASamplingPlan) {
  const OutgoingQuality result = outgoing_quality(0.02, 1000, 80, 2);
  EXPECT_NEAR(result.accepted, 0.784418886975356, 1e-12);  // scipy.stats.binom.cdf(2, 80, 0.02)
  EXPECT_NEAR(result.outgoing, 0.014433307520346548, 1e-13);
  EXPECT_NEAR(result.total_inspected, 80 + (1 - 0.784418886975356) * 920, 1e-9);
  EXPECT_EQ(outgoing_quality(0.02, 1000, 0, 0).outgoing, 0.02);
  EXPECT_EQ(outgoing_quality(0.02, 1000, 1000, 0).outgoing, 0);
}

TEST(Projection, RefusesBadInput) {
  const auto project = [](std::vector<ProductionSlice> slices, ProjectionOptions options = {}) {
    return message_of([&] { project_rate(slices, options); });
  };
  EXPECT_EQ(project({}), "[metrics.project_rate] slices is empty; expected at least one value");
  EXPECT_EQ(project({{0.5, 10, 1}}), "[metrics.project_rate] weights must sum to 1; got 0.5");
  EXPECT_EQ(project({{1.5, 10, 1}}), "[metrics.project_rate] weights must be 0 or in [1e-100, 1]; got 1.5 in slice 0");
  EXPECT_EQ(project({{0.5, 10, 1}, {-0.5, 10, 1}}),
            "[metrics.project_rate] weights must be 0 or in [1e-100, 1]; got -0.5 in slice 1");
  EXPECT_EQ(project({{1, 10, 11}}), "[metrics.project_rate] slice 0 has more errors than tested parts; got 11 of 10");
  EXPECT_EQ(project({{NAN, 10, 1}}), "[metrics.project_rate] weights must be 0 or in [1e-100, 1]; got nan in slice 0");
  EXPECT_EQ(project({{1e-300, 10, 1}, {1, 10, 1}}),
            "[metrics.project_rate] weights must be 0 or in [1e-100, 1]; got 1e-300 in slice 0");
  EXPECT_EQ(project({{1, 10, 1}}, {.confidence = 1}),
            "[metrics.project_rate] confidence is out of range; got 1; expected a value in (0, 1)");
  EXPECT_EQ(project({{1, 10, 1}}, {.unseen = 1}),
            "[metrics.project_rate] unseen is out of range; got 1; expected a value in [0, 1)");
  EXPECT_EQ(project({{1, 10, 1}}, {.logged = 1}),
            "[metrics.project_rate] logged is too small; got 1; expected 0 or at least 2 parts");
  EXPECT_EQ(project({{1, 10, 1}}, {.logged = 10, .unseen = 0.1}),
            "[metrics.project_rate] logged and unseen exclude each other; got 10 and 0.1; a log shows "
            "what was not tested");
  EXPECT_EQ(message_of([] { unseen_mass_bound(3, 2); }),
            "[metrics.unseen_mass_bound] singletons must be at most n, and n at least 1; got 3 and 2");
  EXPECT_EQ(message_of([] { zero_error_bound(10, 0); }),
            "[metrics.zero_error_bound] confidence is out of range; got 0; expected a value in (0, 1)");
  EXPECT_EQ(message_of([] {
              rogan_gladen({1, 10}, {2, 10}, {2, 10});
            }),
            "[metrics.rogan_gladen] detected must exceed overkill; got rates 0.2 and 0.2");
  EXPECT_EQ(message_of([] {
              rogan_gladen({1, 0}, {2, 10}, {1, 10});
            }),
            "[metrics.rogan_gladen] flagged has no trials; expected at least one");
  EXPECT_EQ(message_of([] {
              rogan_gladen({1, 10}, {12, 10}, {1, 10});
            }),
            "[metrics.rogan_gladen] detected has more events than trials; got 12 of 10");
  EXPECT_EQ(message_of([] {
              rogan_gladen({1, 10}, {9, 10}, {1, 10}, NAN);
            }),
            "[metrics.rogan_gladen] confidence is out of range; got nan; expected a value in (0, 1)");
  EXPECT_EQ(message_of([] {
              project_escape_ppm({1, 10}, {1, 10}, {0.1, 0.2, 0.3});
            }),
            "[metrics.project_escape_ppm] prevalence must lie in its interval in [0, 1]; got 0.1 in "
            "[0.2, 0.3]");
  EXPECT_EQ(message_of([] {
              project_escape_ppm({1, 10}, {1, 10}, {0.1, 0, 1.5});
            }),
            "[metrics.project_escape_ppm] prevalence must lie in its interval in [0, 1]; got 0.1 in "
            "[0, 1.5]");
  EXPECT_EQ(message_of([] { outgoing_quality(0.1, 0, 0, 0); }),
            "[metrics.outgoing_quality] sample must be at most lot, and lot at least 1; got 0 of 0");
  EXPECT_EQ(message_of([] { outgoing_quality(0.1, 10, 11, 0); }),
            "[metrics.outgoing_quality] sample must be at most lot, and lot at least 1; got 11 of 10");
  EXPECT_EQ(message_of([] { outgoing_quality(0.1, 10, 5, 5); }),
            "[metrics.outgoing_quality] allowed must be below sample; got 5 of 5");
  EXPECT_EQ(message_of([] { outgoing_quality(1.1, 10, 5, 0); }),
            "[metrics.outgoing_quality] prevalence is out of range; got 1.1; expected a value in [0, 1]");
}

}  // namespace
}  // namespace oddity::metrics
