#include "metrics/exponential.h"

#include <cmath>
#include <cstdint>
#include <random>

#include <gtest/gtest.h>

namespace oddity::metrics::detail {
namespace {

// The reference is long double: its 64 bits of mantissa are exact for what is asked of 53.

TEST(Exponential, exp_of_negative_is_exact_to_3e_16) {
  std::mt19937_64 random(1);
  std::uniform_real_distribution<double> uniform(-708, 0), small(-1, 0);
  for (int i = 0; i < 200000; ++i) {
    for (const double x : {uniform(random), small(random), small(random) * 0x1p-40}) {
      const long double truth = std::exp(static_cast<long double>(x));
      ASSERT_LE(std::abs(exp_of_negative(x) - truth), 3e-16L * truth) << x;
    }
  }
  EXPECT_EQ(exp_of_negative(0), 1);
  EXPECT_EQ(exp_of_negative(-0.0), 1);
  EXPECT_GT(exp_of_negative(-708), 0);
  EXPECT_EQ(exp_of_negative(-708.1), 0);
  EXPECT_EQ(exp_of_negative(-INFINITY), 0);
}

TEST(Exponential, log_of_one_plus_is_exact_to_4e_16) {
  std::mt19937_64 random(2);
  std::uniform_real_distribution<double> uniform(0, 1);
  for (int i = 0; i < 200000; ++i) {
    const double e = uniform(random);
    for (const double x : {e, e * 0x1p-30, e * 0x1p-300}) {
      const long double truth = std::log1p(static_cast<long double>(x));
      ASSERT_LE(std::abs(log_of_one_plus(x) - truth), 4e-16L * truth) << x;
    }
  }
  EXPECT_EQ(log_of_one_plus(0), 0);
  EXPECT_DOUBLE_EQ(log_of_one_plus(1), std::log(2.0));
}

TEST(Exponential, log_of_fraction_is_exact_to_4e_16) {
  std::mt19937_64 random(3);
  std::uniform_real_distribution<double> mantissa(0.5, 1), near(0x1p-40, 0x1p-4);
  const auto expect_exact = [](double x) {
    const long double truth = -std::log(static_cast<long double>(x));
    ASSERT_LE(std::abs(-log_of_fraction(x) - truth), 4e-16L * truth) << x;
  };
  for (int i = 0; i < 200000; ++i) {
    expect_exact(mantissa(random));
    expect_exact(std::ldexp(mantissa(random), -int(random() % 1000)));
    expect_exact(1 - near(random));
  }
  // The ends of the calibrators' clipped probabilities, powers of two, and both sides of where the exponent changes.
  for (int k = 1; k <= 1022; ++k) {
    expect_exact(std::ldexp(1.0, -k));
  }
  const double root = std::sqrt(0.5);
  for (const double x : {1 - 0x1p-53, 1 - 0x1p-52, root, std::nextafter(root, 0.0), std::nextafter(root, 1.0)}) {
    expect_exact(x);
  }
  EXPECT_EQ(log_of_fraction(1), 0);
}

}  // namespace
}  // namespace oddity::metrics::detail
