#include "oddity/metrics/risk_control.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <random>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace oddity::metrics {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::ThrowsMessage;
using Flags = std::vector<std::uint8_t>;

/// Losses of 0 or 1 that fall from the first to the last column, or rise.
std::vector<double> falling(std::size_t n, std::size_t columns, std::uint64_t seed, Safest safest) {
  std::mt19937_64 random(seed);
  std::vector<double> losses(n * columns);
  for (std::size_t i = 0; i < n; ++i) {
    const std::size_t ones = random() % (columns + 1) * (random() % 2);
    for (std::size_t c = 0; c < columns; ++c) {
      losses[i * columns + (safest == Safest::last ? c : columns - 1 - c)] = c < ones ? 1 : 0;
    }
  }
  return losses;
}

/// A table whose column c holds ones[c] losses of 1 among n.
std::vector<double> columns_with(const std::vector<std::size_t>& ones, std::size_t n) {
  std::vector<double> losses(n * ones.size(), 0.0);
  for (std::size_t c = 0; c < ones.size(); ++c) {
    for (std::size_t i = 0; i < ones[c]; ++i) {
      losses[i * ones.size() + c] = 1;
    }
  }
  return losses;
}

TEST(Crc, AgreesWithItsDefinitionInIntegers) {
  for (const Safest safest : {Safest::last, Safest::first}) {
    for (std::uint64_t seed = 0; seed < 300; ++seed) {
      const std::size_t n = 1 + seed % 61, columns = 1 + seed % 7, percent = 1 + seed % 60;
      const auto losses = falling(n, columns, seed, safest);
      const RiskControl result = crc({losses, n, columns}, double(percent) / 100, {1, safest});
      std::optional<std::size_t> expected;
      for (std::size_t i = 0; i < columns; ++i) {  // from the riskiest on
        const std::size_t c = safest == Safest::last ? i : columns - 1 - i;
        std::size_t sum = 0;
        for (std::size_t row = 0; row < n; ++row) {
          sum += losses[row * columns + c] == 1;
        }
        EXPECT_EQ(result.risks[c], double(sum) / double(n));
        EXPECT_NEAR(result.bounds[c], (double(sum) + 1) / (double(n) + 1), 1e-15);
        if (!expected && 100 * (sum + 1) <= percent * (n + 1)) {
          expected = c;
        }
      }
      EXPECT_EQ(result.index, expected) << seed;
      EXPECT_EQ(result.n, n);
      std::size_t needed = 1;
      while (100 > percent * (needed + 1)) {
        ++needed;
      }
      EXPECT_EQ(result.n_needed, needed) << percent;
    }
  }
}

TEST(Crc, ComparesExactlyAtTheLimit) {
  // (26 + 1) / 150 is 0.18: kept. In floating point (n + 1) 0.29 of n = 99 would be 28.999999999999996.
  EXPECT_EQ(crc({columns_with({27, 26}, 149), 149, 2}, 0.18).index, 1U);
  EXPECT_EQ(crc({columns_with({29, 28}, 99), 99, 2}, 0.29).index, 1U);
  EXPECT_EQ(crc({columns_with({29, 28}, 99), 99, 2}, 0.28).index, std::nullopt);
  // A maximum of 2, losses of 2: (2 * 8 + 2) / 100 is 0.18.
  std::vector<double> twice = columns_with({9, 8}, 99);
  std::for_each(twice.begin(), twice.end(), [](double& loss) { loss *= 2; });
  const RiskControl result = crc({twice, 99, 2}, 0.18, {.maximum = 2});
  EXPECT_EQ(result.index, 1U);
  EXPECT_NEAR(result.bounds[1], 0.18, 1e-15);
  EXPECT_EQ(result.n_needed, 11U);  // 2 / 12 is the first below 0.18
  const std::vector<float> narrow(twice.begin(), twice.end());
  EXPECT_EQ(crc({narrow, 99, 2}, 0.18, {.maximum = 2}).index, 1U);
}

TEST(Crc, FractionalLossesByHand) {
  const std::vector<double> losses{0.5, 0.25, 0, 1, 0.5, 0.25, 0.75, 0.75, 0.5};
  const RiskControl result = crc({losses, 3, 3}, 0.5);  // bounds (2.25 + 1) / 4, (1.5 + 1) / 4, (0.75 + 1) / 4
  EXPECT_THAT(result.bounds, ElementsAre(0.8125, 0.625, 0.4375));
  EXPECT_THAT(result.risks, ElementsAre(0.75, 0.5, 0.25));
  EXPECT_EQ(result.index, 2U);
  EXPECT_EQ(crc({losses, 3, 3}, 0.4).index, std::nullopt);
}

TEST(Rcps, WalksFromTheSafestAsLongAsTheBoundIsBelow) {
  for (const MeanBound bound : {MeanBound::hoeffding, MeanBound::hoeffding_bentkus, MeanBound::empirical_bernstein,
                                MeanBound::betting, MeanBound::binomial}) {
    for (const Safest safest : {Safest::last, Safest::first}) {
      std::size_t chosen = 0;
      for (std::uint64_t seed = 0; seed < 20; ++seed) {
        const std::size_t n = 300, columns = 9;
        const auto losses = falling(n, columns, seed, safest);
        const RcpsOptions options{{bound, 0.9, 1, seed}, safest};
        const RiskControl result = rcps({losses, n, columns}, 0.3, options);
        const MeanUpperBounds bounds = mean_upper_bounds({losses, n, columns}, options.mean);
        EXPECT_EQ(result.bounds, bounds.upper);
        EXPECT_EQ(result.risks, bounds.means);
        std::optional<std::size_t> expected;
        for (std::size_t i = columns; i-- > 0;) {
          const std::size_t c = safest == Safest::last ? i : columns - 1 - i;
          if (bounds.upper[c] > 0.3) {
            break;
          }
          expected = c;
        }
        EXPECT_EQ(result.index, expected);
        EXPECT_EQ(result.n_needed, lossless_samples_needed(0.3, options.mean));
        chosen += expected ? 1 : 0;
      }
      EXPECT_GT(chosen, 15U) << int(bound);
    }
  }
}

TEST(Rcps, StopsAtTheFirstSettingThatFails) {
  const RcpsOptions options{{MeanBound::binomial}};
  const RiskControl result = rcps({columns_with({0, 90, 1, 0}, 300), 300, 4}, 0.1, options);
  EXPECT_EQ(result.index, 2U);  // column 0 is below the limit, but behind one that is not
  const RiskControl none = rcps({columns_with({0, 0}, 298), 298, 2}, 0.01, options);
  EXPECT_EQ(none.index, std::nullopt);
  EXPECT_EQ(none.n_needed, 299U);
  EXPECT_GT(none.bounds[1], 0.01);
  EXPECT_EQ(rcps({columns_with({0, 0}, 299), 299, 2}, 0.01, options).index, 0U);
}

TEST(FamilyWise, AgreesWithStatsmodels) {
  struct Row {
    std::vector<double> p;
    Flags bonferroni, holm;
  };
  // statsmodels 0.15.0 multipletests(p, 0.05, method)
  for (const Row& r : {Row{{.001, .01, .02, .04, .005, .9, .012}, {1, 0, 0, 0, 1, 0, 0}, {1, 1, 0, 0, 1, 0, 1}},
                       {{.011, .02, .03, .012, .013}, {0, 0, 0, 0, 0}, {0, 0, 0, 0, 0}},
                       {{.0125, .0166, .025, .05}, {1, 0, 0, 0}, {1, 1, 1, 1}},
                       {{.0126, .0166, .025, .05}, {0, 0, 0, 0}, {0, 0, 0, 0}},
                       {{.01, .01, .02, .05, .2}, {1, 1, 0, 0, 0}, {1, 1, 0, 0, 0}}}) {
    EXPECT_EQ(family_wise_rejections(r.p, 0.05, FamilyWise::bonferroni), r.bonferroni);
    EXPECT_EQ(family_wise_rejections(r.p, 0.05, FamilyWise::holm), r.holm);
  }
}

TEST(FamilyWise, FixedSequencesStopAtTheFirstFailure) {
  const std::vector<double> p{.01, .05, .06, .01, .02, .9, .001};
  const auto walk = [&](std::size_t starts) {
    return family_wise_rejections(p, 0.05, FamilyWise::fixed_sequence, starts);
  };
  EXPECT_EQ(walk(1), (Flags{1, 1, 0, 0, 0, 0, 0}));
  EXPECT_EQ(walk(2), (Flags{1, 0, 0, 1, 1, 0, 0}));  // from 0 and 3 at 0.025
  EXPECT_EQ(walk(7), family_wise_rejections(p, 0.05, FamilyWise::bonferroni));
  EXPECT_EQ(family_wise_rejections(std::vector<float>{0, 0, 0}, 0.05, FamilyWise::fixed_sequence, 2), (Flags{1, 1, 1}));
}

TEST(Ltt, CertifiesWhatItsTestsReject) {
  const std::vector<std::size_t> ones{90, 3, 60, 1, 0};
  const std::vector<double> losses = columns_with(ones, 300);
  for (const FamilyWise method : {FamilyWise::bonferroni, FamilyWise::holm, FamilyWise::fixed_sequence}) {
    for (const MeanBound bound : {MeanBound::binomial, MeanBound::betting}) {
      LttOptions options{{bound, 0.9}, method};
      const LearnThenTest result = ltt({losses, 300, 5}, 0.1, options);
      const bool walk = method == FamilyWise::fixed_sequence;
      EXPECT_EQ(result.certified, walk ? (Flags{0, 0, 0, 1, 1}) : (Flags{0, 1, 0, 1, 1}));
      EXPECT_EQ(result.index, walk ? 3U : 1U);  // the riskiest of them
      EXPECT_THAT(result.risks, ElementsAre(90 / 300., 3 / 300., 60 / 300., 1 / 300., 0.));
      MeanBoundOptions mean = options.mean;  // bets aim at the level of the first test
      mean.confidence = walk ? 0.9 : 1 - 0.1 / 5;
      const auto p = mean_p_values({losses, 300, 5}, 0.1, mean);
      for (std::size_t c = 0; c < 5; ++c) {
        EXPECT_NEAR(result.p_values[c], p[c], 1e-12 * p[c]);
      }
      EXPECT_EQ(result.n_needed, lossless_samples_needed(0.1, mean));
      const std::vector<double> costs{0, 5, 0, 4, 4};
      options.costs = costs;
      EXPECT_EQ(ltt({losses, 300, 5}, 0.1, options).index, 4U);  // of equal costs the safer
    }
  }
}

TEST(Ltt, StartsAndOrder) {
  const std::vector<double> losses = columns_with({0, 90, 0, 0, 90, 0}, 300);
  LttOptions options{{MeanBound::binomial, 0.9}};
  EXPECT_EQ(ltt({losses, 300, 6}, 0.1, options).certified, (Flags{0, 0, 0, 0, 0, 1}));
  options.safest = Safest::first;
  EXPECT_EQ(ltt({losses, 300, 6}, 0.1, options).certified, (Flags{1, 0, 0, 0, 0, 0}));
  EXPECT_EQ(ltt({losses, 300, 6}, 0.1, options).index, 0U);
  options.starts = 3;
  EXPECT_EQ(ltt({losses, 300, 6}, 0.1, options).certified, (Flags{1, 0, 1, 1, 0, 0}));
  EXPECT_EQ(ltt({losses, 300, 6}, 0.1, options).index, 3U);
  EXPECT_EQ(ltt({losses, 300, 6}, 0.1, options).n_needed,
            lossless_samples_needed(0.1, {MeanBound::binomial, 1 - 0.1 / 3}));
  const LearnThenTest none = ltt({columns_with({20, 20}, 20), 20, 2}, 0.1);
  EXPECT_EQ(none.index, std::nullopt);
  EXPECT_EQ(none.certified, (Flags{0, 0}));
}

TEST(RiskControl, RefusesWrongInput) {
  const std::vector<double> losses = columns_with({2, 1}, 4);
  const Matrix table{losses, 4, 2};
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const auto refuses = [](const std::function<void()>& call, const std::string& part) {
    EXPECT_THAT(call, ThrowsMessage<std::invalid_argument>(HasSubstr(part)));
  };
  const auto all = [&](const std::vector<double>& values, std::size_t rows, double limit, const std::string& part) {
    const Matrix wrong{values, rows, 2};
    refuses([&] { crc(wrong, limit); }, "[metrics.crc] " + part);
    refuses([&] { rcps(wrong, limit); }, "[metrics.rcps] " + part);
    refuses([&] { ltt(wrong, limit); }, "[metrics.ltt] " + part);
  };
  all({}, 0, 0.1, "losses is empty; got 0 x 2");
  all({0, nan}, 1, 0.1, "losses must be finite; got NaN at index 1");
  all({0, 1, 2, 0}, 2, 0.1, "losses must be in [0, maximum]; got 2 in row 1 column 0; expected values in [0, 1]");
  all({0, 1, 2}, 2, 0.1, "losses does not fit its size; got 3 values for 2 x 2");
  all({1, 0}, 1, 0, "limit is out of range; got 0;");
  all({1, 0}, 1, 1, "limit is out of range; got 1;");
  all({1, 0}, 1, nan, "limit is out of range; got nan;");
  refuses(
      [&] {
        crc({columns_with({1, 2}, 4), 4, 2}, 0.5);
      },
      "[metrics.crc] losses must not rise towards the safest setting; got 0 in column 0 and 1 in column 1 of row 1; "
      "expected losses that fall in every row (the safest is last), or rcps or ltt");
  refuses([&] { crc(table, 0.5, {.safest = Safest::first}); }, "got 0 in column 1 and 1 in column 0 of row 1");
  refuses([&] { crc(table, 0.5, {.maximum = -1}); }, "[metrics.crc] maximum must be positive and finite; got -1");
  refuses([&] { rcps(table, 0.5, {{.confidence = 1}}); }, "[metrics.rcps] confidence is out of range; got 1");
  refuses([&] { ltt(table, 0.5, {.starts = 3}); }, "[metrics.ltt] starts is out of range; got 3; expected 1 to 2");
  refuses([&] { ltt(table, 0.5, {.starts = 0}); }, "starts is out of range; got 0");
  const std::vector<double> three{1, 2, 3}, not_finite{1, nan};
  refuses([&] { ltt(table, 0.5, {.costs = three}); }, "costs and settings differ in length; got 3 and 2");
  refuses([&] { ltt(table, 0.5, {.costs = not_finite}); }, "costs must be finite; got NaN at index 1");
  const std::vector<double> p{0.1, 0.2}, above{0.1, 1.2};
  refuses([&] { family_wise_rejections(Values(), 0.1, FamilyWise::holm); },
          "[metrics.family_wise_rejections] p_values is empty");
  refuses([&] { family_wise_rejections(above, 0.1, FamilyWise::holm); },
          "p_values must be in [0, 1]; got 1.2 at index 1");
  refuses([&] { family_wise_rejections(not_finite, 0.1, FamilyWise::holm); }, "p_values must be in [0, 1]; got");
  refuses([&] { family_wise_rejections(p, 1, FamilyWise::holm); }, "level is out of range; got 1");
  refuses([&] { family_wise_rejections(p, 0.1, FamilyWise::fixed_sequence, 3); }, "starts is out of range; got 3");
}

}  // namespace
}  // namespace oddity::metrics
