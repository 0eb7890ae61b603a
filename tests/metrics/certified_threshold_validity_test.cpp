// The certified threshold keeps its escape rate with its confidence; each wrong variant must fail the same check.
#include <algorithm>
#include <cmath>
#include <functional>
#include <iostream>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "oddity/metrics/certified_threshold.h"
#include "oddity/metrics/intervals.h"
#include "oddity/metrics/uniformity.h"
#include "tests/metrics/validity.h"

namespace oddity::metrics {
namespace {

using testing::exceeds;
using testing::kSignificance;
using testing::normal;

constexpr std::size_t kDraws = 4000, kDefects = 300, kGood = 200;
constexpr double kEscape = 0.05, kConfidence = 0.9, kDelta = 1 - kConfidence;

/// Calibration parts: defects around 3, good ones around 0; `grid` > 0 rounds scores up to it; each defect is seen
/// `views` times with the same score.
struct Parts {
  std::vector<double> scores;
  std::vector<std::uint8_t> labels;
  std::vector<std::int64_t> groups;
};

Parts draw(std::mt19937_64& random, double grid, std::size_t views) {
  Parts parts;
  for (std::size_t i = 0; i < kDefects + kGood; ++i) {
    const double raw = normal(random) + (i < kDefects ? 3 : 0);
    const double score = grid > 0 ? std::ceil(raw / grid) * grid : raw;
    for (std::size_t view = 0; view < (i < kDefects ? views : 1); ++view) {
      parts.scores.push_back(score);
      parts.labels.push_back(i < kDefects);
      parts.groups.push_back(std::int64_t(i));
    }
  }
  return parts;
}

double normal_cdf(double x) { return 0.5 * std::erfc(-x / std::sqrt(2.0)); }
/// P(score <= threshold) when scores are rounded up to the grid.
double accepted(double threshold, double mean, double grid) {
  return normal_cdf((grid > 0 ? std::floor(threshold / grid) * grid : threshold) - mean);
}

using Choice = std::function<double(const Parts&)>;

std::size_t violations(double grid, std::size_t views, const Choice& threshold) {
  std::mt19937_64 random(11);
  std::size_t count = 0;
  for (std::size_t i = 0; i < kDraws; ++i) {
    count += accepted(threshold(draw(random, grid, views)), 3, grid) > kEscape;
  }
  return count;
}

double certified(const Parts& parts) {
  return certified_threshold(parts.scores, parts.labels, kEscape, {kConfidence}).threshold;
}

/// The i-th smallest defect score, counted from 0.
double defect_score(const Parts& parts, std::size_t i) {
  std::vector<double> defects;
  for (std::size_t j = 0; j < parts.scores.size(); ++j) {
    if (parts.labels[j] != 0) {
      defects.push_back(parts.scores[j]);
    }
  }
  std::nth_element(defects.begin(), defects.begin() + std::ptrdiff_t(i), defects.end());
  return defects[i];
}

TEST(CertifiedThresholdValidity, KeepsTheEscapeRate) {
  std::mt19937_64 random(1);
  const Parts parts = draw(random, 0, 1);
  const std::size_t k = certified_threshold(parts.scores, parts.labels, kEscape, {kConfidence}).allowed_escapes;
  // Continuous scores: the probability of a violation is that of the binomial test, neither more nor less.
  const double exact = 1 - beta_cdf(kEscape, double(k) + 1, double(kDefects - k));
  const std::size_t bad = violations(0, 1, certified);
  EXPECT_LE(exact, kDelta);
  EXPECT_FALSE(exceeds("certified threshold", bad, kDraws, exact));
  EXPECT_FALSE(exceeds("certified threshold, kept", kDraws - bad, kDraws, 1 - exact));
  EXPECT_FALSE(exceeds("certified threshold, ties", violations(0.25, 1, certified), kDraws, kDelta));

  const Choice one_more = [&](const Parts& p) { return std::nextafter(defect_score(p, k + 1), -1e9); };
  EXPECT_TRUE(exceeds("wrong: one more escape allowed", violations(0, 1, one_more), kDraws, exact));
  const Choice quantile = [](const Parts& p) { return defect_score(p, std::size_t(kEscape * kDefects)); };
  EXPECT_TRUE(exceeds("wrong: empirical quantile", violations(0, 1, quantile), kDraws, kDelta));
  const Choice at_the_defect = [&](const Parts& p) { return defect_score(p, k); };  // accepts the ties with it
  EXPECT_TRUE(exceeds("wrong: threshold at the defect, ties", violations(0.25, 1, at_the_defect), kDraws, kDelta));
}

TEST(CertifiedThresholdValidity, CountsGroupsOnce) {
  const Choice by_group = [](const Parts& p) {
    return certified_threshold(p.scores, p.labels, kEscape, {.confidence = kConfidence, .groups = p.groups}).threshold;
  };
  EXPECT_FALSE(exceeds("certified threshold, groups", violations(0, 4, by_group), kDraws, kDelta));
  EXPECT_TRUE(exceeds("wrong: views as if independent", violations(0, 4, certified), kDraws, kDelta));
}

TEST(CertifiedThresholdValidity, BothRatesHoldTogether) {
  // The worst case: a tenth of the good parts has the score below which 5 % of the defects are. Any threshold below it
  // breaks the overkill limit, any above the escape limit.
  constexpr double max_overkill = 0.1, share = 0.1001;
  const double edge = 3 + normal_quantile(kEscape);
  const auto both = [&](bool joint) {
    std::mt19937_64 random(12);
    std::size_t count = 0;
    for (std::size_t i = 0; i < kDraws; ++i) {
      Parts parts = draw(random, 0, 1);
      for (std::size_t j = kDefects; j < parts.scores.size(); ++j) {
        parts.scores[j] = testing::uniform(random) < share ? edge : -10;
      }
      CertifiedThresholdOptions options{kConfidence};
      if (joint) {
        options.max_overkill = max_overkill;
      }
      const CertifiedThreshold result = certified_threshold(parts.scores, parts.labels, kEscape, options);
      const bool certified = joint ? result.certified : result.overkill_bound <= max_overkill;
      const double overkill = result.threshold < edge ? share : 0;
      count += certified && (accepted(result.threshold, 3, 0) > kEscape || overkill > max_overkill);
    }
    return count;
  };
  EXPECT_FALSE(exceeds("both rates", both(true), kDraws, kDelta));
  EXPECT_TRUE(exceeds("wrong: both rates without a union bound", both(false), kDraws, kDelta));
}

TEST(CertifiedThresholdValidity, EscapeRateFollowsItsLaw) {
  std::mt19937_64 random(13);
  std::vector<double> transforms(2000), shifted(2000);
  std::size_t missed = 0;
  for (std::size_t i = 0; i < transforms.size(); ++i) {
    const Parts parts = draw(random, 0, 1);
    const CertifiedThreshold result = certified_threshold(parts.scores, parts.labels, kEscape, {kConfidence});
    const double truth = accepted(result.threshold, 3, 0), k = double(result.allowed_escapes);
    transforms[i] = beta_cdf(truth, k + 1, double(kDefects) - k);
    shifted[i] = beta_cdf(truth, k + 2, double(kDefects) - k);
    missed += truth < result.escape.low || truth > result.escape.high;
  }
  const double p = uniformity_test(transforms).p_value;
  std::cout << "    law of the escape rate: 2000 draws, KS p " << p << "\n";
  EXPECT_GE(p, kSignificance);
  EXPECT_LT(uniformity_test(shifted).p_value, kSignificance);
  EXPECT_FALSE(exceeds("interval of the escape rate misses", missed, transforms.size(), kDelta));
  EXPECT_FALSE(
      exceeds("interval of the escape rate covers", transforms.size() - missed, transforms.size(), 1 - kDelta));
}

}  // namespace
}  // namespace oddity::metrics
