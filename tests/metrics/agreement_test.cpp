#include "oddity/metrics/agreement.h"

#include <cmath>
#include <limits>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "oddity/metrics/intervals.h"

namespace oddity::metrics {
namespace {

using testing::HasSubstr;
using testing::ThrowsMessage;

struct Pair {
  std::vector<std::int64_t> a, b;
};

/// Ratings with these counts, row by row; class i stands for the number `names[i]`.
Pair ratings_of(const std::vector<std::vector<int>>& table, const std::vector<std::int64_t>& names) {
  Pair pair;
  for (std::size_t i = 0; i < table.size(); ++i) {
    for (std::size_t j = 0; j < table.size(); ++j) {
      pair.a.insert(pair.a.end(), std::size_t(table[i][j]), names[i]);
      pair.b.insert(pair.b.end(), std::size_t(table[i][j]), names[j]);
    }
  }
  return pair;
}

const std::vector<std::vector<int>> kTable{{20, 5, 2}, {3, 15, 6}, {1, 4, 11}};

TEST(CohenKappa, agrees_with_statsmodels) {
  const Pair pair = ratings_of(kTable, {0, 1, 2});
  struct Row {
    KappaWeights weights;
    double kappa, error, null_error, low, high, p_value;
  };
  // statsmodels 0.15.0 cohens_kappa(table, wt=...): kappa, std_kappa, std_kappa0, kappa_low, kappa_upp, two-sided p
  for (const Row& r : {Row{KappaWeights::none, 0.524822695035461, 0.08512488663351728, 0.08668883788307055,
                           0.357980983045712, 0.6916644070252099, 1.4120688375439476e-09},
                       {KappaWeights::linear, 0.583203732503888, 0.08105647338290178, 0.09505731011770592,
                        0.42433596395957096, 0.7420715010482051, 8.500641423207672e-10},
                       {KappaWeights::quadratic, 0.6443736730360934, 0.08684917162670742, 0.12137355813619716,
                        0.47415242456060885, 0.814594921511578, 1.1022109515040104e-07}}) {
    const Kappa ours = cohen_kappa(pair.a, pair.b, {.weights = r.weights});
    EXPECT_NEAR(ours.kappa, r.kappa, 1e-13);
    EXPECT_NEAR(ours.standard_error, r.error, 1e-13);
    EXPECT_NEAR(ours.null_standard_error, r.null_error, 1e-13);
    EXPECT_NEAR(ours.low, r.low, 1e-12);
    EXPECT_NEAR(ours.high, r.high, 1e-12);
    EXPECT_NEAR(ours.p_value / r.p_value, 1, 1e-9);
    EXPECT_EQ(ours.n, 67U);
    EXPECT_EQ(ours.classes, 3U);
  }
}

TEST(CohenKappa, distances_are_those_of_the_numbers) {
  // Grades 0, 1 and 3: a mistake of 3 for 1 is twice as bad as of 1 for 0, although nobody said 2.
  const Pair gap = ratings_of(kTable, {0, 1, 3});
  const Kappa linear = cohen_kappa(gap.a, gap.b, {.weights = KappaWeights::linear});
  double observed = 0, expected = 0;
  for (std::size_t i = 0; i < gap.a.size(); ++i) {
    observed += std::abs(double(gap.a[i] - gap.b[i]));
    for (std::size_t j = 0; j < gap.b.size(); ++j) {
      expected += std::abs(double(gap.a[i] - gap.b[j]));
    }
  }
  const double n = double(gap.a.size());
  EXPECT_NEAR(linear.kappa, 1 - (observed / n) / (expected / (n * n)), 1e-13);
  EXPECT_NEAR(linear.observed, 1 - observed / n / 3, 1e-13);
  // A scale that goes on without being used changes weights of agreement, not kappa.
  const Kappa longer = cohen_kappa(gap.a, gap.b, {.weights = KappaWeights::linear, .classes = 10});
  EXPECT_NEAR(longer.kappa, linear.kappa, 1e-13);
  EXPECT_NEAR(longer.standard_error, linear.standard_error, 1e-13);
}

TEST(CohenKappa, closed_forms) {
  const std::vector<std::int64_t> a{0, 0, 1, 1, 0, 1}, opposite{1, 1, 0, 0, 1, 0};
  const Kappa full = cohen_kappa(a, a);
  EXPECT_NEAR(full.kappa, 1, 1e-15);
  EXPECT_EQ(full.standard_error, 0);
  EXPECT_TRUE(std::isnan(full.low));  // six parts without a disagreement say nothing about the spread
  EXPECT_TRUE(std::isnan(full.high));
  EXPECT_NEAR(full.null_standard_error, 1 / std::sqrt(6.0), 1e-15);  // balanced: pe = 1/2
  EXPECT_NEAR(cohen_kappa(a, opposite).kappa, -1, 1e-15);
  // Independent by construction: each of four combinations as often.
  const std::vector<std::int64_t> x{0, 0, 1, 1}, y{0, 1, 0, 1};
  EXPECT_NEAR(cohen_kappa(x, y).kappa, 0, 1e-15);
  EXPECT_NEAR(cohen_kappa(x, y).p_value, 1, 1e-15);
}

const std::vector<std::int64_t> kRatings{0, 0, 1, 2, 1, 1, 1, 1, 2, 2, 0, 2, 0, 0, 0, 0, 1, 2, 1, 1,
                                         2, 2, 2, 2, 0, 1, 0, 0, 1, 1, 2, 0, 0, 0, 0, 1, 2, 1, 2, 2};

TEST(FleissKappa, agrees_with_statsmodels_and_irrcac) {
  const Kappa ours = fleiss_kappa(kRatings, 4);
  EXPECT_NEAR(ours.kappa, 0.3746091307066918, 1e-14);  // statsmodels 0.15.0 fleiss_kappa
  EXPECT_NEAR(ours.standard_error, 0.15065, 5e-6);     // irrCAC 0.4.4 CAC(ratings).fleiss()
  EXPECT_NEAR(ours.observed, 0.58333, 5e-6);
  EXPECT_NEAR(ours.expected, 0.33375, 5e-6);
  EXPECT_NEAR(ours.low, ours.kappa - 1.959963984540054 * ours.standard_error, 1e-14);
  EXPECT_EQ(ours.n, 10U);
  EXPECT_EQ(ours.raters, 4U);
}

TEST(FleissKappa, closed_forms) {
  // Fleiss 1971 for two raters is Scott's pi: marginals of both together.
  const Pair pair = ratings_of(kTable, {0, 1, 2});
  std::vector<std::int64_t> rows;
  double equal = 0, counts[3] = {};
  for (std::size_t i = 0; i < pair.a.size(); ++i) {
    rows.insert(rows.end(), {pair.a[i], pair.b[i]});
    equal += pair.a[i] == pair.b[i];
    ++counts[pair.a[i]];
    ++counts[pair.b[i]];
  }
  const double n = double(pair.a.size());
  double chance = 0, q = 0, third = 0;
  for (const double count : counts) {
    const double p = count / (2 * n);
    chance += p * p;
    q += p * (1 - p);
    third += p * (1 - p) * (1 - 2 * p);
  }
  const Kappa scott = fleiss_kappa(rows, 2);
  EXPECT_NEAR(scott.kappa, (equal / n - chance) / (1 - chance), 1e-14);
  // Fleiss, Nee & Landis 1979 for two raters: sqrt(2 (q^2 - sum p q (q - p)) / (n r (r - 1))) / q with r = 2.
  EXPECT_NEAR(scott.null_standard_error, std::sqrt((q * q - third) / n) / q, 1e-14);
  const std::vector<std::int64_t> full{0, 0, 0, 1, 1, 1, 2, 2, 2};
  EXPECT_NEAR(fleiss_kappa(full, 3).kappa, 1, 1e-15);
  EXPECT_EQ(fleiss_kappa(full, 3).standard_error, 0);
  EXPECT_TRUE(std::isnan(fleiss_kappa(full, 3).low));
  // The order of raters within an item is nothing.
  std::vector<std::int64_t> swapped(kRatings);
  for (std::size_t i = 0; i + 1 < swapped.size(); i += 4) {
    std::swap(swapped[i], swapped[i + 3]);
  }
  EXPECT_EQ(fleiss_kappa(swapped, 4).kappa, fleiss_kappa(kRatings, 4).kappa);
}

TEST(Agreement, refuses_bad_input_with_a_sentence) {
  const std::vector<std::int64_t> a{0, 1, 2}, b{0, 1}, negative{0, -1, 1}, zeros{0, 0, 0};
  const auto message = [](const std::string& text) { return ThrowsMessage<std::invalid_argument>(HasSubstr(text)); };
  EXPECT_THAT([&] { cohen_kappa(a, b); }, message("[metrics.cohen_kappa] a and b differ in length; got 3 and 2"));
  EXPECT_THAT([&] { cohen_kappa(a, negative); }, message("b is out of range; got -1 at index 1; expected 0 to 4095"));
  EXPECT_THAT([&] { cohen_kappa(a, a, {.classes = 2}); },
              message("a is out of range; got 2 at index 2; expected 0 to 1"));
  EXPECT_THAT([&] { cohen_kappa(a, a, {.classes = 5000}); }, message("classes is out of range; got 5000"));
  EXPECT_THAT([&] { cohen_kappa(zeros, zeros); }, message("every rating is the same class; kappa is 0 / 0"));
  EXPECT_THAT([&] { cohen_kappa(std::span(a).first(1), std::span(a).first(1)); }, message("at least 2 items"));
  EXPECT_THAT([&] { cohen_kappa({}, {}); }, message("at least 2 items are needed; got 0"));
  for (const double bad : {0.0, 1.0, std::numeric_limits<double>::quiet_NaN()}) {
    EXPECT_THAT([&] { cohen_kappa(a, a, {.confidence = bad}); }, message("confidence is out of range"));
    EXPECT_THAT([&] { fleiss_kappa(kRatings, 4, {.confidence = bad}); }, message("confidence is out of range"));
  }
  EXPECT_THAT([&] { fleiss_kappa(kRatings, 1); }, message("[metrics.fleiss_kappa] raters must be at least 2; got 1"));
  EXPECT_THAT([&] { fleiss_kappa(kRatings, 3); }, message("ratings do not fit; got 40 for 3 raters of each item"));
  EXPECT_THAT([&] { fleiss_kappa(zeros, 3); }, message("at least 2 items are needed; got 1"));
  EXPECT_THAT([&] { fleiss_kappa(std::vector<std::int64_t>(8, 3), 4); }, message("every rating is the same class"));
  EXPECT_THAT([&] { fleiss_kappa(kRatings, 4, {.weights = KappaWeights::linear}); }, message("weights must be none"));
}

}  // namespace
}  // namespace oddity::metrics
