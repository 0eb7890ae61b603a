#include "oddity/metrics/outliers.h"

#include <algorithm>
#include <cmath>
#include <random>
#include <stdexcept>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "core/random.h"
#include "oddity/metrics/conformal.h"
#include "oddity/metrics/false_discovery.h"
#include "tests/metrics/message_of.h"

namespace oddity::metrics {
namespace {

using testing::message_of;

template <class T = double>
std::vector<T> random_scores(std::size_t n, unsigned seed, double grid) {
  std::mt19937_64 random(seed);
  std::normal_distribution<double> normal;
  std::vector<T> scores(n);
  for (T& score : scores) {
    score = T(std::round(normal(random) / grid) * grid);
  }
  return scores;
}

TEST(OutlierPValues, FollowTheirDefinitions) {
  for (const double grid : {0.25, 0x1p-20}) {  // many ties, and hardly any; both exact in float32
    const auto calibration = random_scores(137, 1, grid), scores = random_scores(6000, 2, grid);
    const double n = 137;
    OutlierOptions options;
    options.seed = 5;
    for (const PValueKind kind : {PValueKind::marginal, PValueKind::smoothed, PValueKind::simes, PValueKind::dkwm}) {
      options.kind = kind;
      const auto result = outlier_p_values(calibration, scores, options);
      ASSERT_EQ(result.n, 137U);
      ASSERT_EQ(result.values.size(), scores.size());
      const auto table = possible_p_values(137, kind, options.delta);
      EXPECT_EQ(result.smallest, table[0]);
      for (std::size_t i = 0; i < scores.size(); ++i) {
        double greater = 0, equal = 0;
        for (const double c : calibration) {
          greater += c > scores[i];
          equal += c == scores[i];
        }
        const double u = 1 - RandomStream(5, "outlier p-values", i).uniform();
        const double expected = kind == PValueKind::marginal   ? (1 + greater + equal) / (n + 1)
                                : kind == PValueKind::smoothed ? (greater + u * (1 + equal)) / (n + 1)
                                                               : table[std::size_t(greater + equal)];
        ASSERT_EQ(result.values[i], expected) << i;
      }
      // The same numbers in float32, in another order, in pieces.
      const auto narrow = random_scores<float>(137, 1, grid), narrow_scores = random_scores<float>(6000, 2, grid);
      EXPECT_EQ(outlier_p_values(narrow, narrow_scores, options).values, result.values);
      const std::vector<double> reversed(calibration.rbegin(), calibration.rend());
      OutlierOptions second = options;
      second.first_index = 1234;
      const auto piece = outlier_p_values(reversed, Values(scores).subspan(1234, 2000), second).values;
      EXPECT_TRUE(std::equal(piece.begin(), piece.end(), result.values.begin() + 1234));
    }
    auto sorted = calibration;
    std::sort(sorted.begin(), sorted.end());
    EXPECT_EQ(outlier_p_values(calibration, scores).values, conformal_p_values(scores, sorted));
  }
}

TEST(OutlierPValues, SmoothedOnesDependOnTheSeedAndStayPositive) {
  const std::vector<double> calibration{1, 1, 1}, scores(2000, 1.0);
  OutlierOptions options{PValueKind::smoothed, 0.1, 1, 0};
  const auto one = outlier_p_values(calibration, scores, options).values;
  options.seed = 2;
  EXPECT_NE(outlier_p_values(calibration, scores, options).values, one);
  EXPECT_GT(*std::min_element(one.begin(), one.end()), 0);
  EXPECT_LE(*std::max_element(one.begin(), one.end()), 1);
  EXPECT_TRUE(outlier_p_values(calibration, std::vector<double>()).values.empty());
}

TEST(PossiblePValues, AgreeWithTheProductFormulaAndNonconform) {
  // compute_aseq of nonconform 2.0.0 for n = 10, k = 5, delta = 0.1, reversed and from 1.
  const std::vector<double> theirs{0.36904265551980664, 0.4507197283469411, 0.5329563225488657,
                                   0.6161480503626225,  0.7012209500852817, 0.7912050973987876};
  const auto ten = possible_p_values(10, PValueKind::simes, 0.1);
  for (std::size_t k = 0; k < 11; ++k) {
    EXPECT_NEAR(ten[k], k < 6 ? theirs[k] : 1.0, 1e-14) << k;
  }
  for (const std::size_t n : {1U, 2U, 3U, 7U, 24U}) {
    const auto values = possible_p_values(n, PValueKind::simes, 0.05);
    ASSERT_EQ(values.size(), n + 1);
    EXPECT_EQ(values[n], 1);
    const std::size_t h = std::max<std::size_t>(1, n / 2);
    for (std::size_t i = 1; i <= n; ++i) {
      double ratio = 1;
      for (std::size_t j = 0; j < h; ++j) {
        ratio *= (double(i) - double(j)) / double(n - j);
      }
      const double expected = i < h ? 1 : 1 - std::pow(0.05 * ratio, 1.0 / double(h));
      EXPECT_NEAR(values[n - i], expected, 1e-13) << n << " " << i;
    }
  }
  const auto dkwm = possible_p_values(200, PValueKind::dkwm, 0.2);
  EXPECT_DOUBLE_EQ(dkwm[0], 1.0 / 200 + std::sqrt(std::log(10.0) / 400));
  EXPECT_EQ(dkwm[199], 1);
  EXPECT_EQ(possible_p_values(3, PValueKind::marginal), (std::vector<double>{0.25, 0.5, 0.75, 1}));
  EXPECT_EQ(possible_p_values(3, PValueKind::smoothed), possible_p_values(3, PValueKind::marginal));
}

/// P(U_(k) <= b_k for all k) for n independent uniform values: the number of them below b_k as a Markov chain in k.
double probability_below(const std::vector<double>& b, std::size_t n) {
  std::vector<double> at(n + 1);
  at[0] = 1;
  double low = 0;
  for (std::size_t k = 1; k <= n; ++k) {
    const double share = low < 1 ? (b[k - 1] - low) / (1 - low) : 0;
    std::vector<double> next(n + 1);
    for (std::size_t from = 0; from <= n; ++from) {
      double probability = std::pow(1 - share, double(n - from));
      for (std::size_t more = 0; from + more <= n; ++more) {
        if (from + more >= k) {
          next[from + more] += at[from] * probability;
        }
        if (share == 1) {  // all that are left
          next[n] += from + more == n ? 0 : at[from];
          break;
        }
        probability *= double(n - from - more) / double(more + 1) * share / (1 - share);
      }
    }
    at = next;
    low = b[k - 1];
  }
  double sum = 0;
  for (const double p : at) {
    sum += p;
  }
  return sum;
}

TEST(PossiblePValues, KeepTheirPromiseExactly) {
  for (const std::size_t n : {1U, 2U, 5U, 20U, 101U}) {
    for (const double delta : {0.01, 0.1, 0.5}) {
      // Simes' inequality is an equality for independent values; the recursion sums n^2 positive terms.
      EXPECT_NEAR(probability_below(possible_p_values(n, PValueKind::simes, delta), n), 1 - delta, 1e-9) << n;
      EXPECT_GE(probability_below(possible_p_values(n, PValueKind::dkwm, delta), n), 1 - delta) << n;
      if (n > 1) {
        EXPECT_LT(probability_below(possible_p_values(n, PValueKind::marginal, delta), n), 1 - delta) << n;
      }
    }
  }
}

TEST(CalibrationSizeNeeded, IsTheSmallestThatCanReject) {
  EXPECT_EQ(calibration_size_needed(1000, 1, 0.1), 9999U);
  EXPECT_EQ(calibration_size_needed(1000, 7, 0.1), 1428U);  // 10000 / 7 = 1428.57
  EXPECT_EQ(calibration_size_needed(50, 50, 0.01), 99U);
  EXPECT_EQ(calibration_size_needed(100, 29, 0.29), 11U);  // 100 / 8.41 = 11.9
  EXPECT_EQ(calibration_size_needed(57, 1, 0.57), 99U);    // 57 / 0.57 is 100.00000000000001 in floating point
  for (const PValueKind kind : {PValueKind::marginal, PValueKind::simes, PValueKind::dkwm}) {
    for (const double level : {0.05, 0.1, 0.3}) {
      for (const std::size_t discoveries : {1U, 3U, 20U}) {
        const auto needed = calibration_size_needed(20, discoveries, level, kind, 0.2);
        const auto finds = [&](std::size_t n) {
          std::vector<double> scores(20, -1.0);
          std::fill_n(scores.begin(), discoveries, 1.0);
          const std::vector<double> calibration(n, 0.0);
          const auto p = outlier_p_values(calibration, scores, {kind, 0.2, 0, 0});
          return benjamini_hochberg(p.values, level).count;
        };
        EXPECT_GE(finds(needed), discoveries) << int(kind) << " " << level << " " << discoveries;
        if (needed > 1) {
          EXPECT_EQ(finds(needed - 1), 0U) << int(kind) << " " << level << " " << discoveries;
        }
      }
    }
  }
  EXPECT_EQ(calibration_size_needed(1'000'000'000, 1, 1e-3), 999'999'999'999U);
}

TEST(OutlierPValues, RefuseBadInput) {
  const std::vector<double> good{1, 2, 3}, none;
  const std::vector<float> nan{1, NAN};
  EXPECT_EQ(message_of([&] { outlier_p_values(none, good); }),
            "[metrics.outlier_p_values] calibration is empty; expected at least one value");
  EXPECT_EQ(message_of([&] { outlier_p_values(nan, good); }),
            "[metrics.outlier_p_values] calibration must be finite; got NaN at index 1");
  EXPECT_EQ(message_of([&] { outlier_p_values(good, std::vector<double>{INFINITY}); }),
            "[metrics.outlier_p_values] scores must be finite; got infinity at index 0");
  EXPECT_EQ(message_of([&] {
              outlier_p_values(good, good, {PValueKind::dkwm, 1.0, 0, 0});
            }),
            "[metrics.outlier_p_values] delta is out of range; got 1; expected a value in (0, 1)");
  EXPECT_EQ(message_of([] { possible_p_values(0, PValueKind::marginal); }),
            "[metrics.possible_p_values] n is out of range; got 0; expected at least 1");
  EXPECT_EQ(message_of([] { possible_p_values(3, PValueKind::simes, NAN); }),
            "[metrics.possible_p_values] delta is out of range; got nan; expected a value in (0, 1)");
  EXPECT_EQ(
      message_of([] { calibration_size_needed(10, 11, 0.1); }),
      "[metrics.calibration_size_needed] discoveries is out of range; got 11 of 10 tested parts; expected at least "
      "1 and at most the tested parts");
  EXPECT_EQ(
      message_of([] { calibration_size_needed(10, 0, 0.1); }),
      "[metrics.calibration_size_needed] discoveries is out of range; got 0 of 10 tested parts; expected at least "
      "1 and at most the tested parts");
  EXPECT_EQ(message_of([] { calibration_size_needed(10, 1, 0); }),
            "[metrics.calibration_size_needed] level is out of range; got 0; expected a value in (0, 1)");
  EXPECT_EQ(message_of([] { calibration_size_needed(10, 1, 0.1, PValueKind::simes, 0); }),
            "[metrics.calibration_size_needed] delta is out of range; got 0; expected a value in (0, 1)");
  EXPECT_EQ(message_of([] { calibration_size_needed(1'000'000'000'000, 1, 1e-9, PValueKind::dkwm); }),
            "[metrics.calibration_size_needed] no calibration set is large enough; got 1 of 1000000000000 at level "
            "1e-09; expected what needs fewer than 2^53 parts");
}

}  // namespace
}  // namespace oddity::metrics
