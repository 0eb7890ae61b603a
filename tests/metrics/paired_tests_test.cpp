#include "oddity/metrics/paired_tests.h"

#include <cmath>
#include <limits>
#include <random>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "oddity/metrics/intervals.h"
#include "oddity/metrics/ranking.h"
#include "tests/metrics/refuses.h"

namespace oddity::metrics {
namespace {

using testing::message;

const std::vector<double> kDifferences{0.5, -0.2, 1.1, 0.3, -0.4, 0.9, 0.05, 0.7, -0.1, 0.6};

TEST(PairedCounts, counts_the_four_cells) {
  const std::vector<std::uint8_t> a{1, 1, 0, 0, 1, 0, 1}, b{1, 0, 1, 0, 1, 0, 0};
  const PairedCounts counts = paired_counts(a, b);
  EXPECT_EQ(counts.both, 2U);
  EXPECT_EQ(counts.only_a, 2U);
  EXPECT_EQ(counts.only_b, 1U);
  EXPECT_EQ(counts.neither, 2U);
  EXPECT_EQ(counts.n(), 7U);
}

TEST(McNemar, agrees_with_statsmodels_and_the_definition) {
  struct Row {
    PairedCounts counts;
    double exact;
  };
  // statsmodels 0.15.0 mcnemar(table, exact=True)
  for (const Row& r : {Row{{30, 12, 5, 40}, 0.143463134765625},
                       {{59, 6, 16, 80}, 0.052478790283203125},
                       {{1, 1, 7, 12}, 0.0703125},
                       {{7, 25, 2, 68}, 5.647540092468262e-06},
                       {{0, 4, 4, 2}, 1.0}}) {
    EXPECT_NEAR(mcnemar(r.counts).exact, r.exact, 1e-12 * r.exact);
  }
  for (std::uint64_t b = 0; b < 12; ++b) {
    for (std::uint64_t c = 0; c < 12; ++c) {
      // The distance of X ~ Binomial(b + c, 1/2) from its centre: more extreme, and as extreme.
      double more = 0, same = 0;
      const std::uint64_t n = b + c;
      const auto distance = [&](std::uint64_t x) { return std::abs(2 * double(x) - double(n)); };
      for (std::uint64_t x = 0; x <= n; ++x) {
        const double p = binomial_probability(x, n, 0.5);
        more += distance(x) > distance(b) ? p : 0;
        same += distance(x) == distance(b) ? p : 0;
      }
      const McNemar test = mcnemar({3, b, c, 5});
      EXPECT_NEAR(test.exact, more + same, 1e-13);
      EXPECT_NEAR(test.mid_p, n == 0 ? 1 : more + same / 2, 1e-13);
      EXPECT_EQ(test.only_a, b);
      EXPECT_EQ(test.only_b, c);
    }
  }
}

TEST(Newcombe, agrees_with_published_numbers) {
  struct Row {
    PairedCounts counts;
    double difference, low, high, tolerance;
  };
  for (const Row& r :
       {// contingencytables 3.1.0, Newcombe_square_and_add_CI_paired_2x2, tests/testthat/test-ch8.R (Cavo et al. 2012)
        Row{{59, 6, 16, 80}, -0.0621, -0.1186, -0.0046, 5e-5},
        // Altman et al., Statistics with Confidence (2000), table 6.2
        {{14, 5, 0, 22}, 0.122, 0.011, 0.226, 5e-4}}) {
    const PairedDifference ours = newcombe_difference(r.counts);
    EXPECT_NEAR(ours.difference, r.difference, r.tolerance);
    EXPECT_NEAR(ours.low, r.low, r.tolerance);
    EXPECT_NEAR(ours.high, r.high, r.tolerance);
    EXPECT_EQ(ours.n, r.counts.n());
  }
}

TEST(Newcombe, is_symmetric_stays_in_range_and_takes_empty_cells) {
  for (std::uint64_t code = 1; code < 256; ++code) {
    const PairedCounts counts{code % 4 * 3, code / 4 % 4, code / 16 % 4 * 2, code / 64};
    const PairedDifference there = newcombe_difference(counts, 0.9);
    const PairedDifference back = newcombe_difference({counts.both, counts.only_b, counts.only_a, counts.neither}, 0.9);
    EXPECT_NEAR(there.low, -back.high, 1e-14);
    EXPECT_NEAR(there.high, -back.low, 1e-14);
    EXPECT_LE(-1, there.low);
    EXPECT_LE(there.low, there.difference);
    EXPECT_LE(there.difference, there.high);
    EXPECT_LE(there.high, 1);
    EXPECT_LT(there.low, there.high);
    // With an empty margin phi is 0: the legs of a right triangle.
    if (counts.both + counts.only_a == 0) {
      const Interval of_a = wilson(0, there.n, 0.9), of_b = wilson(counts.only_b, there.n, 0.9);
      EXPECT_NEAR(there.difference - there.low, std::hypot(there.rate_a - of_a.low, of_b.high - there.rate_b), 1e-14);
    }
  }
}

TEST(PairedPermutation, agrees_with_scipy) {
  // scipy 1.12.0 permutation_test(permutation_type="samples", n_resamples=inf)
  const std::vector<double> zero(kDifferences.size(), 0.0);
  const auto p = [&](Alternative alternative) {
    const auto test = paired_permutation_test(kDifferences, zero, {}, {.alternative = alternative});
    EXPECT_TRUE(test.exact);
    EXPECT_EQ(test.permutations, 1024U);
    EXPECT_NEAR(test.statistic, 0.345, 1e-15);
    return test.p_value;
  };
  EXPECT_EQ(p(Alternative::two_sided), 0.064453125);
  EXPECT_EQ(p(Alternative::greater), 0.0322265625);
  EXPECT_EQ(p(Alternative::less), 0.97265625);
}

TEST(PairedPermutation, agrees_with_enumeration_with_ties_and_zeros) {
  std::mt19937 random(3);
  for (int round = 0; round < 60; ++round) {
    const std::size_t n = 1 + random() % 11;
    std::vector<double> a(n), b(n);
    for (std::size_t i = 0; i < n; ++i) {
      // Tenths are not exact in binary: equal sums differ by rounding.
      a[i] = double(int(random() % 7)) / 10;
      b[i] = double(int(random() % 7)) / 10;
    }
    for (const auto alternative : {Alternative::two_sided, Alternative::greater, Alternative::less}) {
      std::size_t count = 0;
      long observed = 0;
      for (std::size_t i = 0; i < n; ++i) {
        observed += std::lround(10 * a[i]) - std::lround(10 * b[i]);
      }
      for (std::size_t flips = 0; flips < (std::size_t(1) << n); ++flips) {
        long sum = 0;
        for (std::size_t i = 0; i < n; ++i) {
          const long difference = std::lround(10 * a[i]) - std::lround(10 * b[i]);
          sum += (flips >> i & 1) != 0 ? -difference : difference;
        }
        count += alternative == Alternative::two_sided ? std::abs(sum) >= std::abs(observed)
                 : alternative == Alternative::greater ? sum >= observed
                                                       : sum <= observed;
      }
      const double expected = double(count) / std::ldexp(1.0, int(n));
      EXPECT_EQ(paired_permutation_test(a, b, {}, {.alternative = alternative}).p_value, expected);
    }
  }
}

TEST(PairedPermutation, drawn_p_values_are_near_the_exact_ones) {
  const std::vector<double> zero(kDifferences.size(), 0.0);
  for (const auto alternative : {Alternative::two_sided, Alternative::greater, Alternative::less}) {
    const double exact = paired_permutation_test(kDifferences, zero, {}, {.alternative = alternative}).p_value;
    const PermutationOptions drawn{.alternative = alternative, .permutations = 40000, .exact_up_to = 0, .seed = 5};
    const auto test = paired_permutation_test(kDifferences, zero, {}, drawn);
    EXPECT_FALSE(test.exact);
    EXPECT_EQ(test.permutations, 40001U);
    EXPECT_NEAR(test.p_value, exact, 5 * std::sqrt(exact * (1 - exact) / 40000) + 1e-4);
    EXPECT_EQ(test.p_value, paired_permutation_test(kDifferences, zero, {}, drawn).p_value);
  }
  // 40 units by halves of 2^20 sums. All differences equal: only all up or all down is as extreme.
  const std::vector<float> ones(40, 0.1F), nothing(40, 0.0F);
  EXPECT_EQ(paired_permutation_test(ones, nothing, {}, {.exact_up_to = 40}).p_value, std::ldexp(1.0, -39));
}

TEST(PairedPermutation, groups_flip_together) {
  // Twelve copies of three independent differences are three units, not 36.
  std::vector<double> a, b;
  std::vector<std::int64_t> groups;
  for (int i = 0; i < 36; ++i) {
    a.push_back(1 + i % 3);
    b.push_back(0);
    groups.push_back(70 - i % 3);
  }
  const auto test = paired_permutation_test(a, b, groups);
  EXPECT_EQ(test.units, 3U);
  EXPECT_EQ(test.n, 36U);
  EXPECT_EQ(test.p_value, 0.25);
  const auto same = paired_permutation_test(a, a);
  EXPECT_EQ(same.p_value, 1);
  EXPECT_EQ(same.units, 0U);
}

TEST(PermutationTest, of_any_statistic) {
  // The mean difference as a callback gives what paired_permutation_test gives, exact and drawn.
  const std::size_t n = kDifferences.size();
  const SwapStatistic mean = [&](std::span<const std::uint8_t> swapped) {
    double sum = 0;
    for (std::size_t i = 0; i < n; ++i) {
      sum += swapped[i] != 0 ? -kDifferences[i] : kDifferences[i];
    }
    return sum / double(n);
  };
  const std::vector<double> zero(n, 0.0);
  for (const std::size_t exact_up_to : {0U, 20U}) {
    const PermutationOptions options{.permutations = 2000, .exact_up_to = exact_up_to, .seed = 8};
    const auto parallel = permutation_test(n, mean, {}, options),
               serial = permutation_test(n, mean, {}, options, false);
    EXPECT_EQ(parallel.p_value, serial.p_value);
    EXPECT_EQ(parallel.p_value, paired_permutation_test(kDifferences, zero, {}, options).p_value);
    EXPECT_EQ(parallel.exact, exact_up_to > 0);
  }
  const std::vector<std::int64_t> pairs{1, 1, 2, 2, 3, 3, 4, 4, 5, 5};
  EXPECT_EQ(permutation_test(n, mean, pairs).p_value, paired_permutation_test(kDifferences, zero, pairs).p_value);
  EXPECT_EQ(permutation_test(n, mean, pairs).permutations, 32U);

  // AUROCs of two models whose scores are exchanged part by part: a ranks perfectly, b the other way round.
  const std::vector<double> a{1, 2, 3, 4, 5, 6}, b{6, 5, 4, 3, 2, 1};
  const std::vector<std::uint8_t> labels{0, 0, 0, 1, 1, 1};
  const auto test = permutation_test(6, [&](std::span<const std::uint8_t> swapped) {
    std::vector<double> first(a), second(b);
    for (std::size_t i = 0; i < 6; ++i) {
      if (swapped[i] != 0) {
        std::swap(first[i], second[i]);
      }
    }
    return Ranking(first, labels).auroc() - Ranking(second, labels).auroc();
  });
  EXPECT_EQ(test.statistic, 1);
  EXPECT_EQ(test.p_value, 2.0 / 64);
}

TEST(PairedTests, refuse_bad_input_with_a_sentence) {
  const std::vector<std::uint8_t> two{0, 1}, three{0, 1, 1}, bad{0, 2};
  EXPECT_THAT([&] { paired_counts(two, three); },
              message("[metrics.paired_counts] a and b differ in length; got 2 and 3"));
  EXPECT_THAT([&] { paired_counts(two, bad); }, message("[metrics.paired_counts] b must be 0 or 1; got 2 at index 1"));
  EXPECT_THAT([&] { paired_counts({}, {}); }, message("a is empty"));
  EXPECT_THAT([] { mcnemar({}); }, message("[metrics.mcnemar] there are no parts; got four counts of 0"));
  EXPECT_THAT([] { newcombe_difference({}); }, message("[metrics.newcombe_difference] there are no parts"));
  EXPECT_THAT(
      [] {
        mcnemar({0, std::uint64_t(1) << 60, 0, 0});
      },
      message("counts are too large; got 1152921504606846976"));
  const double nan = std::numeric_limits<double>::quiet_NaN();
  for (const double confidence : {0.0, 1.0, nan}) {
    EXPECT_THAT([&] { newcombe_difference({1, 1, 1, 1}, confidence); }, message("confidence is out of range"));
  }
  const std::vector<double> x{1, 2}, y{1, 2, 3}, broken{1, nan}, huge{1e308, 1e308}, negative{-1e308, -1e308};
  EXPECT_THAT([&] { paired_permutation_test(x, y); },
              message("[metrics.paired_permutation_test] a and b differ in length; got 2 and 3"));
  EXPECT_THAT([&] { paired_permutation_test(x, broken); }, message("b must be finite; got NaN at index 1"));
  EXPECT_THAT([&] { paired_permutation_test(huge, negative); }, message("are too large; their sum is not finite"));
  EXPECT_THAT([&] { paired_permutation_test(Values(), Values()); }, message("a is empty"));
  EXPECT_THAT([&] { paired_permutation_test(x, x, std::vector<std::int64_t>{1}); },
              message("groups must be one for each sample; got 1 for 2 samples"));
  EXPECT_THAT([&] { paired_permutation_test(x, x, {}, {.exact_up_to = 41}); }, message("exact_up_to is out of range"));
  EXPECT_THAT([&] { paired_permutation_test(x, x, {}, {.permutations = 0}); },
              message("permutations must be at least 1"));
  const SwapStatistic undefined = [&](std::span<const std::uint8_t> swapped) { return swapped[0] != 0 ? nan : 1; };
  EXPECT_THAT([&] { permutation_test(2, undefined); },
              message("[metrics.permutation_test] statistic must be finite; got NaN"));
  EXPECT_THAT([&] { permutation_test(0, undefined); }, message("n must be at least 1"));
  EXPECT_THAT([&] { permutation_test(2, undefined, {}, {.exact_up_to = 21}); }, message("expected at most 20"));
}

}  // namespace
}  // namespace oddity::metrics
