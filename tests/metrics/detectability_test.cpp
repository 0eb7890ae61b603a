#include <cmath>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "oddity/metrics/detectability.h"
#include "tests/metrics/message_of.h"

namespace oddity::metrics {
namespace {

using Flags = std::vector<std::uint8_t>;
constexpr double kInfinity = std::numeric_limits<double>::infinity();

using testing::message_of;

// Twenty-four trials. Fits and bounds by statsmodels 0.15.0 Logit, firthmodels 0.8.2, and SciPy 1.17.1 minimising the
// (penalised) likelihood along each profile; the minimiser stops at about 1e-7.
const std::vector<double> kSizes{0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5, 0.55, 0.6, 0.65,
                                 0.7, 0.8,  0.9, 1.0,  1.1, 1.2,  1.4, 1.6,  1.8, 2.0,  2.5, 3.0};
const Flags kHits{0, 0, 0, 0, 0, 1, 0, 0, 1, 0, 1, 0, 1, 1, 0, 1, 1, 1, 1, 0, 1, 1, 1, 1};

TEST(Detectability, MaximumLikelihoodOfStatsmodels) {
  const Detectability result = detectability(kSizes, kHits, {.fit = LogisticFit::maximum_likelihood});
  EXPECT_NEAR(result.intercept, 1.0612316362753442, 1e-10);
  EXPECT_NEAR(result.slope, 2.1059960664635287, 1e-10);
  EXPECT_NEAR(result.log_likelihood, -11.24070767306585, 1e-12);
  EXPECT_NEAR(result.covariance[0], 0.41144687, 1e-8);
  EXPECT_NEAR(result.covariance[1], 0.32484599, 1e-8);
  EXPECT_NEAR(result.covariance[2], 0.75550542, 1e-8);
  EXPECT_NEAR(result.no_trend_p_value, 0.0011170243288579113, 1e-12);
  EXPECT_NEAR(result.a50.value, 0.6041639943172582, 1e-8);
  EXPECT_NEAR(result.a50.low, 0.3106641025778499, 1e-6);
  EXPECT_NEAR(result.a50.high, 1.0422799083127072, 1e-6);
  EXPECT_NEAR(result.a90.value, 1.7149927734705992, 1e-7);
  EXPECT_NEAR(result.a90.low, 0.9021534770852428, 1e-6);
  EXPECT_NEAR(result.a90.high, 13.188585028296943, 1e-4);
  EXPECT_NEAR(result.a90_95, 7.017002155465877, 1e-5);
  EXPECT_FALSE(result.separable);
  EXPECT_FALSE(result.firth);
  EXPECT_EQ(result.n, 24U);
  EXPECT_EQ(result.hits, 13U);
  const Detectability automatic = detectability(kSizes, kHits, {.fit = LogisticFit::automatic});
  EXPECT_EQ(automatic.a90_95, result.a90_95);
}

TEST(Detectability, FirthOfFirthmodels) {
  const Detectability result = detectability(kSizes, kHits);
  EXPECT_TRUE(result.firth);
  EXPECT_NEAR(result.intercept, 0.89938558, 1e-7);
  EXPECT_NEAR(result.slope, 1.74946299, 1e-7);
  EXPECT_NEAR(result.log_likelihood, -10.348480450740757, 1e-9);
  EXPECT_NEAR(result.a50.low, 0.2689353277314817, 1e-6);
  EXPECT_NEAR(result.a50.high, 1.1194471520319662, 1e-6);
  EXPECT_NEAR(result.a90.value, 2.0998164306351956, 1e-6);
  EXPECT_NEAR(result.a90.low, 0.9868384965619441, 1e-6);
  EXPECT_NEAR(result.a90.high, 36.5654846395087, 1e-3);
  EXPECT_NEAR(result.a90_95, 13.849509725694304, 1e-4);
  EXPECT_NEAR(result.no_trend_p_value, 0.002540846615035361, 1e-8);
  const auto curve = detection_curve(kSizes, kHits, std::vector<double>{1.0});
  EXPECT_NEAR(curve[0].probability, 0.7108232223066694, 1e-7);
  EXPECT_NEAR(curve[0].low, 0.46816024093669356, 1e-7);
  EXPECT_NEAR(curve[0].high, 0.9034496951742996, 1e-7);
}

TEST(Detectability, WaldIsFiellers) {
  DetectabilityOptions options;
  options.fit = LogisticFit::maximum_likelihood;
  options.bound = DetectabilityBound::wald;
  const Detectability result = detectability(kSizes, kHits, options);
  EXPECT_NEAR(result.a90_95, 15.010745661444998, 1e-6);
  // It is the size at which the one-sided 95 % band, the two-sided 90 % one, reaches 0.9.
  options.confidence = 0.9;
  const auto curve = detection_curve(kSizes, kHits, std::vector<double>{result.a90_95}, options);
  EXPECT_NEAR(curve[0].low, 0.9, 1e-9);
}

TEST(Detectability, ProfileBandCrossesTheLevelAtTheBound) {
  for (const LogisticFit fit : {LogisticFit::firth, LogisticFit::maximum_likelihood}) {
    DetectabilityOptions options;
    options.fit = fit;
    options.confidence = 0.9;
    const Detectability result = detectability(kSizes, kHits, options);
    const auto curve = detection_curve(kSizes, kHits, std::vector<double>{result.a90_95, result.a50.value}, options);
    EXPECT_NEAR(curve[0].low, 0.9, 1e-6);
    EXPECT_NEAR(curve[1].probability, 0.5, 1e-12);
    EXPECT_NEAR(result.a90.high, result.a90_95, 1e-9 * result.a90_95);  // 95 % one-sided is 90 % two-sided
  }
}

TEST(Detectability, SeparatedTrialsHaveAFirthFit) {
  const std::vector<double> sizes{0.2, 0.3, 0.4, 0.5, 0.8, 1.0, 1.5, 2.0};
  const Flags hits{0, 0, 0, 0, 1, 1, 1, 1};
  const Detectability result = detectability(sizes, hits, {.fit = LogisticFit::automatic});
  EXPECT_TRUE(result.separable);
  EXPECT_TRUE(result.firth);
  EXPECT_NEAR(result.intercept, 1.52519678, 1e-6);
  EXPECT_NEAR(result.slope, 3.38984968, 1e-6);
  EXPECT_GT(result.a90_95, result.a90.value);
  EXPECT_EQ(message_of([&] { detectability(sizes, hits, {.fit = LogisticFit::maximum_likelihood}); }).substr(0, 71),
            "[metrics.detectability] hits and misses are separated by size, so maxim");
}

TEST(Detectability, UnitsOfSizeDoNotMatter) {
  std::vector<double> scaled = kSizes;
  for (double& size : scaled) {
    size *= 1e-6;
  }
  const Detectability a = detectability(kSizes, kHits), b = detectability(scaled, kHits);
  EXPECT_NEAR(b.a90_95 * 1e6, a.a90_95, 1e-6 * a.a90_95);
  EXPECT_NEAR(b.slope, a.slope, 1e-9);
  EXPECT_EQ(detectability(std::vector<float>(kSizes.begin(), kSizes.end()), kHits).hits, a.hits);
}

TEST(Detectability, WithoutATrendThereIsNoSize) {
  // Larger defects are found less often.
  const Detectability falling = detectability(std::vector<double>{1, 2, 3, 4}, Flags{1, 0, 1, 0});
  EXPECT_LT(falling.slope, 0);
  EXPECT_EQ(falling.a90.value, kInfinity);
  EXPECT_EQ(falling.a90_95, kInfinity);
  // A trend that chance explains: an estimate without an upper bound.
  for (const DetectabilityBound bound : {DetectabilityBound::profile_likelihood, DetectabilityBound::wald}) {
    const Detectability weak =
        detectability(std::vector<double>{1, 2, 3, 4, 5}, Flags{0, 1, 0, 1, 0}, {.bound = bound});
    EXPECT_TRUE(std::isinf(weak.a90_95)) << int(bound);
  }
  const Detectability some = detectability(std::vector<double>{1, 2, 3, 4, 5, 6}, Flags{0, 1, 0, 0, 1, 1});
  EXPECT_TRUE(std::isfinite(some.a90.value));
  EXPECT_EQ(some.a90_95, kInfinity);
  EXPECT_GT(some.no_trend_p_value, 0.1);
}

TEST(Detectability, RefusesBadInput) {
  const Flags mixed{0, 1, 0};
  const auto call = [](const auto& sizes, const Flags& hits, DetectabilityOptions options = {}) {
    return message_of([&] { detectability(sizes, hits, options); });
  };
  const std::vector<double> sizes{1, 2, 3};
  EXPECT_EQ(call(std::vector<double>{1, -2, 3}, mixed),
            "[metrics.detectability] sizes must be above 0; got -2 at index 1");
  EXPECT_EQ(call(std::vector<float>{1, NAN, 3}, mixed),
            "[metrics.detectability] sizes must be finite; got NaN at index 1");
  EXPECT_EQ(call(std::vector<double>{0, 2, 3}, mixed),
            "[metrics.detectability] sizes must be above 0; got 0 at index 0");
  EXPECT_EQ(call(sizes, Flags{1, 1, 1}), "[metrics.detectability] hits and misses are needed; got 3 hits and 0 misses");
  EXPECT_EQ(call(sizes, Flags{0, 2, 1}),
            "[metrics.detectability] hits must be 0 (missed) or 1 (found); got 2 at index 1");
  EXPECT_EQ(call(std::vector<double>{2, 2, 2}, mixed),
            "[metrics.detectability] sizes are all the same; got 2; expected at least two sizes");
  EXPECT_EQ(call(sizes, Flags{0, 1}), "[metrics.detectability] sizes and hits differ in length; got 3 and 2");
  EXPECT_EQ(call(std::vector<double>{}, Flags{}),
            "[metrics.detectability] sizes is empty; expected at least one value");
  EXPECT_EQ(call(sizes, mixed, {.level = 1}),
            "[metrics.detectability] level is out of range; got 1; expected a value in (0, 1)");
  EXPECT_EQ(call(sizes, mixed, {.confidence = 0}),
            "[metrics.detectability] confidence is out of range; got 0; expected a value in (0, 1)");
  EXPECT_EQ(call(sizes, mixed, {.bound_confidence = 0.4}),
            "[metrics.detectability] bound_confidence is out of range; got 0.4; expected a value in "
            "[0.5, 1)");
  EXPECT_EQ(call(sizes, mixed, {.fit = LogisticFit(7)}),
            "[metrics.detectability] fit or bound is not known; got 7 and 0");
  EXPECT_EQ(message_of([&] {
              detection_curve(kSizes, kHits, std::vector<double>{1, 0});
            }),
            "[metrics.detection_curve] at must be above 0; got 0 at index 1");
  EXPECT_EQ(message_of([&] { detection_curve(kSizes, kHits, std::vector<double>{}); }),
            "[metrics.detection_curve] at is empty; expected at least one value");
}

}  // namespace
}  // namespace oddity::metrics
