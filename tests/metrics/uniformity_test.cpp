#include "oddity/metrics/uniformity.h"

#include <cmath>
#include <limits>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace oddity::metrics {
namespace {

using testing::ThrowsMessage;

TEST(KolmogorovSmirnov, agrees_with_scipy) {
  struct Row {
    std::size_t n;
    double d, expected, relative;
  };
  // scipy 1.17.1 stats.kstwo.sf(d, n), which approximates at n = 2000; there {2000, 0.02} is the matrix form in 60
  // digits.
  for (const Row& r : {Row{1, 0.7, 0.6, 1e-12},
                       {5, 0.3, 0.664, 1e-12},
                       {5, 0.6, 0.03008, 1e-11},
                       {20, 0.1, 0.976255094592155, 1e-12},
                       {20, 0.2, 0.352720173623415, 1e-12},
                       {20, 0.29408, 0.04999416027203962, 1e-11},
                       {20, 0.5, 3.787595240539032e-05, 1e-11},
                       {100, 0.05, 0.9532159710635725, 1e-11},
                       {100, 0.15, 0.019839242125643017, 1e-11},
                       {100, 0.21, 0.00023947345214651332, 1e-10},
                       {2000, 0.02, 0.39531337200309191, 1e-12},
                       {2000, 0.03, 0.05354694793932557, 1e-7},
                       {2000, 0.06, 1.0604306943365804e-06, 1e-8},
                       {3, 0.99, 2e-06, 1e-8},
                       // the limit distribution
                       {2001, 0.02, 0.39500474317492096, 5e-5},
                       {10000, 0.005, 0.9628778025204304, 1e-5},
                       {10000, 0.0125, 0.08713399697832902, 1e-5},
                       {10000, 0.018, 0.0030300488508510906, 5e-4},
                       {100000, 0.004, 0.08130148920222469, 1e-6}}) {
    EXPECT_NEAR(kolmogorov_smirnov_p_value(r.n, r.d), r.expected, r.relative * r.expected) << r.n << " " << r.d;
  }
}

TEST(KolmogorovSmirnov, closed_forms) {
  // One value: D = max(u, 1 - u), P(D >= d) = 2 (1 - d) for d >= 1/2.
  for (const double d : {0.5, 0.6, 0.875, 0.999}) {
    EXPECT_NEAR(kolmogorov_smirnov_p_value(1, d), 2 * (1 - d), 1e-14);
  }
  // P(D_n >= d) = 2 (1 - d)^n for d >= 1 - 1 / n.
  EXPECT_NEAR(kolmogorov_smirnov_p_value(4, 0.8), 2 * std::pow(0.2, 4), 1e-14);
  EXPECT_NEAR(kolmogorov_smirnov_p_value(30, 0.97), 2 * std::pow(0.03, 30), 1e-50);
  // The lower end: P(D_n < d) = n! (2 d - 1 / n)^n for d <= 1 / n.
  EXPECT_NEAR(kolmogorov_smirnov_p_value(3, 0.3), 1 - 6 * std::pow(0.6 - 1.0 / 3, 3), 1e-14);
  EXPECT_EQ(kolmogorov_smirnov_p_value(10, 0.05), 1);
  EXPECT_EQ(kolmogorov_smirnov_p_value(10, 0), 1);
  EXPECT_EQ(kolmogorov_smirnov_p_value(10, 1), 0);
}

TEST(UniformityTest, takes_the_largest_distance_on_both_sides) {
  EXPECT_DOUBLE_EQ(uniformity_test(std::vector<double>{0.5}).statistic, 0.5);
  EXPECT_DOUBLE_EQ(uniformity_test(std::vector<double>{0.9, 0.1, 0.95}).statistic, 0.9 - 1.0 / 3);
  EXPECT_DOUBLE_EQ(uniformity_test(std::vector<double>{0.1, 0.2, 0.3}).statistic, 0.7);
  const UniformityTest even = uniformity_test(std::vector<double>{0.125, 0.375, 0.625, 0.875});
  EXPECT_EQ(even.n, 4U);
  EXPECT_DOUBLE_EQ(even.statistic, 0.125);
  EXPECT_EQ(even.p_value, 1);
  EXPECT_EQ(uniformity_test(std::vector<double>{0, 0, 0}).p_value, 0);
}

TEST(UniformityTest, refuses_bad_input_with_a_sentence) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  EXPECT_THAT([] { uniformity_test({}); }, ThrowsMessage<std::invalid_argument>(
                                               "[metrics.uniformity_test] there are no values; expected at least one"));
  EXPECT_THAT(
      [=] {
        uniformity_test(std::vector<double>{0.5, nan});
      },
      ThrowsMessage<std::invalid_argument>("[metrics.uniformity_test] values must lie in [0, 1]; got nan at index 1"));
  EXPECT_THROW(uniformity_test(std::vector<double>{1.5}), std::invalid_argument);
  EXPECT_THROW(kolmogorov_smirnov_p_value(0, 0.5), std::invalid_argument);
  EXPECT_THROW(kolmogorov_smirnov_p_value(5, nan), std::invalid_argument);
  EXPECT_THROW(kolmogorov_smirnov_p_value(5, 1.5), std::invalid_argument);
}

}  // namespace
}  // namespace oddity::metrics
