#include "core/random.h"

#include <algorithm>
#include <cmath>
#include <set>
#include <vector>

#include <gtest/gtest.h>

namespace oddity {
namespace {

using Words = std::array<std::uint32_t, 4>;

// Known answers of the Random123 distribution (kat_vectors, philox4x32 with 10 rounds).
TEST(Philox, AgreesWithRandom123) {
  EXPECT_EQ(philox({0, 0, 0, 0}, {0, 0}), (Words{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
  EXPECT_EQ(philox({0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff}, {0xffffffff, 0xffffffff}),
            (Words{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}));
  EXPECT_EQ(philox({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}),
            (Words{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}));
}

TEST(RandomStream, DependsOnSeedPurposeAndIndexOnly) {
  RandomStream a(1, "crop", 5), b(1, "crop", 5);
  std::set<std::uint32_t> first;
  for (int i = 0; i < 100; ++i) {
    EXPECT_EQ(a.bits(), b.bits());
  }
  for (const auto& stream : {RandomStream(1, "crop", 5), RandomStream(2, "crop", 5), RandomStream(1, "flip", 5),
                             RandomStream(1, "crop", 6), RandomStream(1, "crop", 5 + (std::uint64_t{1} << 32))}) {
    RandomStream copy = stream;
    first.insert(copy.bits());
  }
  EXPECT_EQ(first.size(), 5u);
}

TEST(RandomStream, FillGivesTheValuesOfBits) {
  for (const std::size_t before : {0u, 1u, 3u, 4u, 6u}) {
    for (const std::size_t length : {0u, 1u, 5u, 31u, 32u, 33u, 64u, 100u, 1001u}) {
      RandomStream filled(9, "fill", 3), called(9, "fill", 3);
      for (std::size_t i = 0; i < before; ++i) {
        EXPECT_EQ(filled.bits(), called.bits());
      }
      std::vector<std::uint32_t> words(length);
      filled.fill(words);
      for (const std::uint32_t word : words) {
        ASSERT_EQ(word, called.bits()) << before << " " << length;
      }
      EXPECT_EQ(filled.bits(), called.bits());
    }
  }
}

TEST(RandomStream, ACopyContinuesAtTheSamePlace) {
  RandomStream a(7, "x");
  for (int i = 0; i < 6; ++i) {
    a.bits();
  }
  RandomStream b = a;
  EXPECT_EQ(a.uniform(), b.uniform());
  EXPECT_EQ(a.normal(), b.normal());
}

// n = 200,000; bounds are 5 standard errors of each moment, a chance of 6e-7 each for a right generator (and the
// numbers are fixed by the seed).
TEST(RandomStream, UniformHasItsMoments) {
  constexpr int n = 200'000;
  RandomStream stream(3, "moments");
  double sum = 0, squares = 0;
  for (int i = 0; i < n; ++i) {
    const double u = stream.uniform();
    ASSERT_GE(u, 0.0);
    ASSERT_LT(u, 1.0);
    sum += u;
    squares += u * u;
  }
  EXPECT_NEAR(sum / n, 0.5, 5 * std::sqrt(1.0 / 12 / n));
  EXPECT_NEAR(squares / n, 1.0 / 3, 5 * std::sqrt(4.0 / 45 / n));
}

TEST(RandomStream, NormalHasItsMoments) {
  constexpr int n = 200'000;
  RandomStream stream(4, "moments");
  double sum = 0, squares = 0, fourths = 0;
  for (int i = 0; i < n; ++i) {
    const double x = stream.normal();
    ASSERT_TRUE(std::isfinite(x));
    sum += x;
    squares += x * x;
    fourths += x * x * x * x;
  }
  EXPECT_NEAR(sum / n, 0.0, 5 * std::sqrt(1.0 / n));
  EXPECT_NEAR(squares / n, 1.0, 5 * std::sqrt(2.0 / n));
  EXPECT_NEAR(fourths / n, 3.0, 5 * std::sqrt(96.0 / n));
}

TEST(RandomStream, IntegersCoverTheirRangeEvenly) {
  constexpr int n = 60'000;
  RandomStream stream(5, "dice");
  std::array<int, 6> counts{};
  for (int i = 0; i < n; ++i) {
    const std::int64_t k = stream.integer(-2, 3);
    ASSERT_GE(k, -2);
    ASSERT_LE(k, 3);
    ++counts[static_cast<std::size_t>(k + 2)];
  }
  double chi_squared = 0;
  for (const int count : counts) {
    chi_squared += (count - n / 6.0) * (count - n / 6.0) / (n / 6.0);
  }
  EXPECT_LT(chi_squared, 27.86);  // upper 4e-5 of chi-squared with 5 degrees of freedom
  EXPECT_EQ(stream.integer(9, 9), 9);
  const std::int64_t lowest = std::numeric_limits<std::int64_t>::min(),
                     highest = std::numeric_limits<std::int64_t>::max();
  std::set<std::int64_t> whole_range;
  for (int i = 0; i < 8; ++i) {
    whole_range.insert(stream.integer(lowest, highest));
  }
  EXPECT_EQ(whole_range.size(), 8u);
}

TEST(RandomStream, RangesAndChances) {
  RandomStream stream(6, "ranges");
  int hits = 0;
  double log_sum = 0;
  constexpr int n = 20'000;
  for (int i = 0; i < n; ++i) {
    const double x = stream.uniform(-3, 5), y = stream.log_uniform(0.01, 100);
    ASSERT_TRUE(x >= -3 && x < 5);
    ASSERT_TRUE(y >= 0.01 * (1 - 1e-12) && y <= 100 * (1 + 1e-12));  // exp and log round
    log_sum += std::log(y);
    hits += stream.chance(0.25) ? 1 : 0;
    ASSERT_FALSE(stream.chance(0));
    ASSERT_TRUE(stream.chance(1));
  }
  EXPECT_NEAR(hits / static_cast<double>(n), 0.25, 5 * std::sqrt(0.25 * 0.75 / n));
  const double width = std::log(100.0) - std::log(0.01);  // log of the value is uniform around 0
  EXPECT_NEAR(log_sum / n, 0.0, 5 * width / std::sqrt(12.0 * n));
}

}  // namespace
}  // namespace oddity
