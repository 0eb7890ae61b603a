#include <algorithm>
#include <cmath>
#include <random>
#include <vector>

#include <gtest/gtest.h>

#include "oddity/metrics/calibration.h"
#include "tests/metrics/calibration_samples.h"

namespace oddity::metrics {
namespace {

using testing::calibration_samples;

TEST(Reliability, equal_mass_without_ties_is_equal) {
  std::mt19937_64 random(2);
  std::vector<double> p(120);
  for (double& value : p) {
    value = std::uniform_real_distribution<double>()(random);
  }
  std::vector<std::uint8_t> y(p.size());
  for (std::size_t i = 0; i < p.size(); ++i) {
    y[i] = p[i] > 0.4;
  }
  for (const std::size_t bins : {1U, 2U, 8U, 40U, 120U}) {
    const auto rows = reliability_table(p, y, {.bins = bins, .binning = Binning::equal_mass});
    ASSERT_EQ(rows.size(), bins);
    for (const ReliabilityRow& row : rows) {
      EXPECT_EQ(row.n, 120 / bins);
    }
  }
  EXPECT_EQ(reliability_table(p, y, {.bins = 65536, .binning = Binning::equal_mass}).size(), 120U);
}

TEST(Reliability, equal_mass_never_splits_equal_values) {
  // 4 bins of 8: by (below + equal / 2) / total the run of 0.5 (centre 4/8) goes to the third bin as a whole, and no
  // sample is left for the second. 0.1: 0.5/8; 0.9: 7.5/8.
  const std::vector<double> p{0.5, 0.5, 0.9, 0.5, 0.1, 0.5, 0.5, 0.5};
  std::vector<std::uint8_t> y{1, 0, 1, 0, 0, 1, 0, 0};
  const auto rows = reliability_table(p, y, {.bins = 4, .binning = Binning::equal_mass});
  ASSERT_EQ(rows.size(), 3U);
  EXPECT_EQ(rows[0].n, 1U);
  EXPECT_EQ(rows[1].n, 6U);
  EXPECT_EQ(rows[2].n, 1U);
  EXPECT_EQ(rows[0].low, 0);
  EXPECT_EQ(rows[1].low, 0.5);
  EXPECT_EQ(rows[0].high, 0.5);
  EXPECT_EQ(rows[2].low, 0.9);
  EXPECT_EQ(rows[2].high, 1);
  EXPECT_DOUBLE_EQ(rows[1].rate, 2.0 / 6);
  // The order of the samples changes nothing.
  auto q = p;
  std::reverse(q.begin(), q.end());
  std::reverse(y.begin(), y.end());
  EXPECT_EQ(reliability_table(q, y, {.bins = 4, .binning = Binning::equal_mass})[1].n, 6U);
}

TEST(Reliability, rows_agree_with_scikit_learn) {
  // scikit-learn 1.9.1 calibration_curve(n_bins=5).
  const auto s = calibration_samples();
  const auto rows = reliability_table(s.p, s.y, {.bins = 5});
  const double rates[] = {0.075, 0.19512195, 0.4, 0.63414634, 0.84210526};
  const double means[] = {0.09803922, 0.29710665, 0.5, 0.70002391, 0.89705882};
  std::size_t n = 0, events = 0;
  for (std::size_t b = 0; b < 5; ++b) {
    EXPECT_NEAR(rows[b].rate, rates[b], 5e-9);
    EXPECT_NEAR(rows[b].mean_probability, means[b], 5e-9);
    EXPECT_EQ(rows[b].weight, double(rows[b].n));
    n += rows[b].n;
    events += rows[b].events;
    const Interval exact = clopper_pearson(rows[b].events, rows[b].n);
    EXPECT_NEAR(rows[b].interval.low, exact.low, 1e-12);
    EXPECT_NEAR(rows[b].interval.high, exact.high, 1e-12);
  }
  EXPECT_EQ(n, 200U);
  EXPECT_EQ(events, 85U);
  const auto wilsons = reliability_table(s.p, s.y, {.bins = 5, .confidence = 0.8, .interval = RateInterval::wilson});
  const Interval score = wilson(wilsons[2].events, wilsons[2].n, 0.8);
  EXPECT_NEAR(wilsons[2].interval.low, score.low, 1e-12);
  EXPECT_NEAR(wilsons[2].interval.high, score.high, 1e-12);
}

TEST(Reliability, empty_bins_and_weighted_intervals) {
  const std::vector<double> p{0.1, 0.1, 0.1, 0.1}, w{1, 1, 1, 3};
  const std::vector<std::uint8_t> y{0, 1, 0, 0};
  const auto rows = reliability_table(p, y, {.bins = 2}, w);
  EXPECT_EQ(rows[1].n, 0U);
  EXPECT_TRUE(std::isnan(rows[1].rate) && std::isnan(rows[1].mean_probability));
  EXPECT_EQ(rows[1].interval.low, 0);
  EXPECT_EQ(rows[1].interval.high, 1);
  // Effective size 36 / 12 = 3, rate 1/6: 0.5 events of 3.
  EXPECT_NEAR(rows[0].rate, 1.0 / 6, 1e-16);
  EXPECT_NEAR(rows[0].interval.low, beta_quantile(0.025, 0.5, 3.5), 1e-12);
  EXPECT_NEAR(rows[0].interval.high, beta_quantile(0.975, 1.5, 2.5), 1e-12);
  const auto all = reliability_table(p, std::vector<std::uint8_t>{1, 1, 1, 1}, {.bins = 1}, w);
  EXPECT_EQ(all[0].rate, 1);
  EXPECT_EQ(all[0].interval.high, 1);
}

}  // namespace
}  // namespace oddity::metrics
