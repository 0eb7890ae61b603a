#include "oddity/metrics/certified_threshold.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <map>
#include <random>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "oddity/metrics/intervals.h"

namespace oddity::metrics {
namespace {

using ::testing::HasSubstr;
using ::testing::ThrowsMessage;

struct Parts {
  std::vector<double> scores;
  std::vector<std::uint8_t> labels;
};

Parts random_parts(std::uint64_t seed, std::size_t defects, std::size_t good, double grid) {
  std::mt19937_64 random(seed);
  std::normal_distribution<double> normal;
  Parts parts;
  for (std::size_t i = 0; i < defects + good; ++i) {
    parts.labels.push_back(i < defects ? 1 : 0);
    const double score = normal(random) + (i < defects ? 2 : 0);
    parts.scores.push_back(grid > 0 ? std::round(score / grid) * grid : score);
  }
  return parts;
}

double binomial_cdf(std::size_t k, std::size_t n, double p) {
  long double sum = 0, term = std::pow(1 - (long double)(p), (long double)(n));
  for (std::size_t i = 0; i <= k; ++i) {
    sum += term;
    term *= (long double)(n - i) / (long double)(i + 1) * (long double)(p) / (1 - (long double)(p));
  }
  return double(sum);
}

TEST(CertifiedThreshold, TakesTheLargestThresholdThatTheExactTestCertifies) {
  for (std::uint64_t seed = 0; seed < 120; ++seed) {
    const std::size_t n = 1 + seed * 7 % 300, good = 1 + seed * 5 % 80;
    const double limit = 0.01 + 0.02 * double(seed % 11), confidence = seed % 2 == 0 ? 0.9 : 0.5;
    const Parts parts = random_parts(seed, n, good, seed % 3 == 0 ? 0.5 : 0);
    const CertifiedThreshold result = certified_threshold(parts.scores, parts.labels, limit, {confidence});
    // Every threshold at a score is tested, from the safest on.
    const auto escapes_at = [&](double threshold) {
      std::size_t count = 0;
      for (std::size_t i = 0; i < n; ++i) {
        count += parts.scores[i] <= threshold;
      }
      return count;
    };
    std::vector<double> candidates = parts.scores;
    std::sort(candidates.begin(), candidates.end());
    if (binomial_cdf(0, n, limit) > 1 - confidence) {
      EXPECT_FALSE(result.certified);
      EXPECT_EQ(result.threshold, -std::numeric_limits<double>::infinity());
      EXPECT_GT(result.defects_needed, n);
      EXPECT_EQ(result.escape.value, 0);
      EXPECT_EQ(result.overkill.value, 1);
      continue;
    }
    EXPECT_TRUE(result.certified && result.escape_certified);
    EXPECT_LE(result.defects_needed, n);
    std::size_t overkills = 0;
    for (std::size_t i = n; i < n + good; ++i) {
      overkills += parts.scores[i] > result.threshold;
    }
    EXPECT_LE(binomial_cdf(escapes_at(result.threshold), n, limit), 1 - confidence);
    const auto higher = std::upper_bound(candidates.begin(), candidates.end(), result.threshold);
    ASSERT_NE(higher, candidates.end());
    // A higher threshold would accept the next defect.
    std::size_t next = 0;
    for (auto score = higher; score != candidates.end() && next == 0; ++score) {
      next = escapes_at(*score) > escapes_at(result.threshold) ? escapes_at(*score) : 0;
    }
    EXPECT_GT(binomial_cdf(next, n, limit), 1 - confidence);
    const auto first = parts.scores.begin(), last = first + std::ptrdiff_t(n);
    EXPECT_TRUE(std::any_of(first, last, [&](auto score) {  // nothing lies between it and the score to reject from
      return score > result.threshold &&
             double(score) - result.threshold < 2e-7 * std::max(1.0, std::abs(double(score)));
    }));
    EXPECT_EQ(result.escape.value, double(escapes_at(result.threshold)) / double(n));
    EXPECT_EQ(result.overkill.value, double(overkills) / double(good));
    EXPECT_EQ(result.overkill.low, clopper_pearson(overkills, good, confidence).low);
    EXPECT_EQ(result.overkill.high, clopper_pearson(overkills, good, confidence).high);
    EXPECT_EQ(result.escape.n_defect, n);
    EXPECT_EQ(result.overkill.n_good, good);
    const std::size_t k = result.allowed_escapes;
    EXPECT_LE(binomial_cdf(k, n, limit), 1 - confidence);
    EXPECT_GT(binomial_cdf(k + 1, n, limit), 1 - confidence);
    EXPECT_NEAR(binomial_cdf(k, n, result.escape_bound), 1 - confidence, 1e-9);
    EXPECT_LE(result.escape_bound, limit);
    EXPECT_NEAR(result.escape.high, clopper_pearson(k, n, confidence).high, 1e-12);
    if (escapes_at(result.threshold) == k) {
      const double low = beta_quantile((1 - confidence) / 2, double(k) + 1, double(n - k));
      EXPECT_NEAR(result.escape.low, k == 0 ? 0 : low, 1e-12);
    } else {
      EXPECT_EQ(result.escape.low, 0);
    }
  }
}

TEST(CertifiedThreshold, Needs299DefectsForOnePercentAt95) {
  Parts parts = random_parts(1, 299, 50, 0);
  const CertifiedThreshold enough = certified_threshold(parts.scores, parts.labels, 0.01);
  EXPECT_TRUE(enough.certified);
  EXPECT_EQ(enough.allowed_escapes, 0U);
  EXPECT_LT(enough.threshold, *std::min_element(parts.scores.begin(), parts.scores.begin() + 299));
  EXPECT_NEAR(enough.escape_bound, 1 - std::pow(0.05, 1.0 / 299), 1e-14);
  parts.labels[0] = 0;
  const CertifiedThreshold few = certified_threshold(parts.scores, parts.labels, 0.01);
  EXPECT_FALSE(few.certified);
  EXPECT_EQ(few.defects_needed, 299U);
  EXPECT_EQ(few.good_needed, 0U);
  EXPECT_EQ(certified_threshold(parts.scores, parts.labels, 0.001).defects_needed, 2995U);
  // Both at once, each at 97.5 %.
  EXPECT_EQ(certified_threshold(parts.scores, parts.labels, 0.01, {.max_overkill = 0.05}).defects_needed, 368U);
  EXPECT_EQ(certified_threshold(parts.scores, parts.labels, 0.01, {.max_overkill = 0.05}).good_needed, 72U);
}

TEST(CertifiedThreshold, BothRatesAtOnce) {
  // Defects 101 ... 500, good 1 ... 1000 / 10: with 4 escapes allowed none is overkill.
  Parts parts;
  for (int i = 1; i <= 400; ++i) {
    parts.scores.push_back(100 + i);
    parts.labels.push_back(1);
  }
  for (int i = 1; i <= 1000; ++i) {
    parts.scores.push_back(0.1 * i + (i > 990 ? 300 : 0));  // 10 good parts look like defects
    parts.labels.push_back(0);
  }
  const CertifiedThreshold result = certified_threshold(parts.scores, parts.labels, 0.03, {0.9, 0.02});
  const CertifiedThreshold alone = certified_threshold(parts.scores, parts.labels, 0.03, {0.95});
  EXPECT_TRUE(result.certified);
  EXPECT_EQ(result.threshold, alone.threshold);  // the escape rate is certified at 1 - delta / 2
  EXPECT_EQ(result.allowed_escapes, 6U);
  EXPECT_EQ(result.threshold, double(std::nextafter(107.0F, 0.0F)));
  EXPECT_EQ(result.overkill.value, 0.01);
  EXPECT_NEAR(result.overkill_bound, clopper_pearson(10, 1000, 0.9).high, 1e-12);
  EXPECT_LE(result.overkill_bound, 0.02);
  const CertifiedThreshold strict = certified_threshold(parts.scores, parts.labels, 0.03, {0.9, 0.015});
  EXPECT_FALSE(strict.certified);
  EXPECT_TRUE(strict.escape_certified);
  EXPECT_EQ(strict.threshold, result.threshold);
}

TEST(CertifiedThreshold, GroupsCountByTheirWorstSample) {
  const Parts parts = random_parts(5, 900, 600, 0.1);
  std::vector<std::int64_t> groups;
  for (std::size_t i = 0; i < parts.scores.size(); ++i) {
    groups.push_back(std::int64_t(i * i % 211) - 100);  // groups hold both classes
  }
  std::map<std::int64_t, double> lowest, highest;
  for (std::size_t i = 0; i < groups.size(); ++i) {
    const double score = parts.scores[i];
    if (parts.labels[i] != 0) {
      double& low = lowest.emplace(groups[i], score).first->second;
      low = std::min(low, score);
    } else {
      double& high = highest.emplace(groups[i], score).first->second;
      high = std::max(high, score);
    }
  }
  Parts worst;
  for (const auto& [group, score] : lowest) {
    worst.scores.push_back(score);
    worst.labels.push_back(1);
  }
  for (const auto& [group, score] : highest) {
    worst.scores.push_back(score);
    worst.labels.push_back(0);
  }
  const CertifiedThreshold result =
      certified_threshold(parts.scores, parts.labels, 0.2, {.max_overkill = 0.9, .groups = groups});
  const CertifiedThreshold expected = certified_threshold(worst.scores, worst.labels, 0.2, {.max_overkill = 0.9});
  EXPECT_TRUE(result.escape_certified);
  EXPECT_EQ(result.certified, expected.certified);
  EXPECT_EQ(result.overkill_bound, expected.overkill_bound);
  EXPECT_EQ(result.threshold, expected.threshold);
  EXPECT_EQ(result.escape.value, expected.escape.value);
  EXPECT_EQ(result.overkill.value, expected.overkill.value);
  EXPECT_EQ(result.escape.n_defect, lowest.size());
  EXPECT_EQ(result.escape.n_good, highest.size());
  EXPECT_LT(lowest.size(), 300U);
}

TEST(CertifiedThreshold, IsJustBelowADefectAndAFloat32WhereOneFits) {
  const Parts parts = random_parts(3, 300, 100, 0);
  const std::vector<float> narrow(parts.scores.begin(), parts.scores.end());
  const std::vector<double> wide(narrow.begin(), narrow.end());
  const CertifiedThreshold a = certified_threshold(narrow, parts.labels, 0.05);
  const CertifiedThreshold b = certified_threshold(wide, parts.labels, 0.05);
  EXPECT_EQ(double(float(a.threshold)), a.threshold);  // as float32 it does not round up to the defect
  EXPECT_EQ(a.threshold, b.threshold);
  EXPECT_EQ(a.escape.value, b.escape.value);
  EXPECT_EQ(a.overkill.value, b.overkill.value);
  // Where none fits, the next float64.
  std::vector<double> far = wide;
  for (double& score : far) {
    score = 1e9 + 1e-3 * score;
  }
  const CertifiedThreshold c = certified_threshold(far, parts.labels, 0.05);
  EXPECT_EQ(c.escape.value, b.escape.value);
  EXPECT_EQ(c.overkill.value, b.overkill.value);
  EXPECT_NE(std::find(far.begin(), far.end(), std::nextafter(c.threshold, 2e9)), far.end());
  // All scores equal: everything is rejected, and known to be.
  const CertifiedThreshold equal =
      certified_threshold(std::vector<double>(400, 2.0), std::vector<std::uint8_t>(parts.labels), 0.05);
  EXPECT_TRUE(equal.certified);
  EXPECT_EQ(equal.threshold, double(std::nextafter(2.0F, 0.0F)));
  EXPECT_EQ(equal.escape.value, 0);
  EXPECT_EQ(equal.escape.low, 0);
  EXPECT_EQ(equal.overkill.value, 1);
  const double lowest = std::numeric_limits<double>::lowest();
  EXPECT_EQ(certified_threshold(std::vector<double>(400, lowest), parts.labels, 0.05).threshold,
            -std::numeric_limits<double>::infinity());
}

TEST(CertifiedThreshold, RefusesWrongInput) {
  const std::vector<double> scores{1, 2, 3};
  const std::vector<std::uint8_t> labels{0, 1, 1};
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const auto refuses = [](const std::function<void()>& call, const std::string& part) {
    EXPECT_THAT(call, ThrowsMessage<std::invalid_argument>(HasSubstr("[metrics.certified_threshold] " + part)));
  };
  const std::vector<std::uint8_t> good{0, 0, 0}, defects{1, 1, 1}, other{0, 1, 2}, two{0, 1};
  const std::vector<std::int64_t> groups{1, 2};
  refuses([&] { certified_threshold(Values(), {}, 0.1); }, "scores is empty");
  refuses(
      [&] {
        certified_threshold(std::vector<double>{1, nan, 2}, labels, 0.1);
      },
      "scores must be finite; got NaN at index 1");
  refuses(
      [&] {
        certified_threshold(std::vector<float>{1, 2, HUGE_VALF}, labels, 0.1);
      },
      "scores must be finite; got infinity at index 2");
  refuses([&] { certified_threshold(scores, two, 0.1); }, "scores and labels differ in length; got 3 and 2");
  refuses([&] { certified_threshold(scores, labels, 0.1, {.groups = groups}); },
          "scores and groups differ in length; got 3 and 2");
  refuses([&] { certified_threshold(scores, other, 0.1); }, "labels must be 0 (good) or 1 (defect); got 2 at index 2");
  refuses([&] { certified_threshold(scores, good, 0.1); }, "there is no defect among the labels");
  refuses([&] { certified_threshold(scores, defects, 0.1); }, "there is no good part among the labels");
  for (const double wrong : {0.0, 1.0, -0.1, nan, 1e-10}) {
    refuses([&] { certified_threshold(scores, labels, wrong); }, "max_escape is out of range; got ");
    refuses([&] { certified_threshold(scores, labels, 0.1, {.max_overkill = wrong}); },
            "max_overkill is out of range; got ");
  }
  for (const double wrong : {0.0, 1.0, nan}) {
    refuses([&] { certified_threshold(scores, labels, 0.1, {wrong}); }, "confidence is out of range; got ");
  }
}

}  // namespace
}  // namespace oddity::metrics
