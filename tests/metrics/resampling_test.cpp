#include "oddity/metrics/resampling.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <numeric>
#include <random>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/random.h"
#include "metrics/draws.h"
#include "oddity/metrics/intervals.h"
#include "tests/metrics/refuses.h"

namespace oddity::metrics {
namespace {

using testing::message;

const std::vector<double> kValues{0.2, 1.9, 0.4, 3.3, 0.1, 7.5, 1.1, 0.9, 2.2, 0.3, 5.0, 0.6, 1.4, 0.05, 12.0, 0.8};

double mean_of(std::span<const std::int64_t> drawn) {
  double sum = 0;
  for (const std::int64_t i : drawn) {
    sum += kValues[std::size_t(i)];
  }
  return sum / double(drawn.size());
}

/// Pearson's statistic against its chi-square distribution, by Wilson and Hilferty's cube root; a p-value.
double chi_square_p_value(double statistic, double freedom) {
  const double c = 2 / (9 * freedom);
  return normal_cdf((1 - c - std::cbrt(statistic / freedom)) / std::sqrt(c));
}

TEST(Draws, are_multinomial) {
  // 3 draws over 3 places: 10 outcomes with probabilities 3! / (c1! c2! c3!) / 27.
  std::map<std::vector<int>, double> seen;
  constexpr int rounds = 54000;
  for (int i = 0; i < rounds; ++i) {
    RandomStream random(4, "test", std::uint64_t(i));
    std::vector<std::uint8_t> counts(3, 0);
    detail::draw_with_replacement(random, std::span(counts));
    ++seen[{counts[0], counts[1], counts[2]}];
  }
  const double factorial[] = {1, 1, 2, 6};
  double statistic = 0;
  ASSERT_EQ(seen.size(), 10U);
  for (const auto& [counts, times] : seen) {
    const double expected = rounds * 6.0 / 27 / (factorial[counts[0]] * factorial[counts[1]] * factorial[counts[2]]);
    statistic += (times - expected) * (times - expected) / expected;
  }
  EXPECT_GT(chi_square_p_value(statistic, 9), 1e-6);
}

TEST(Draws, hit_all_places_alike_and_as_often_as_there_are) {
  constexpr std::size_t n = 5000;
  std::vector<std::uint32_t> total(n, 0);
  for (std::uint64_t i = 0; i < 200; ++i) {
    RandomStream random(9, "test", i);
    std::vector<std::uint8_t> counts(n, 0);
    detail::draw_with_replacement(random, std::span(counts));
    ASSERT_EQ(std::accumulate(counts.begin(), counts.end(), std::size_t(0)), n);
    for (std::size_t k = 0; k < n; ++k) {
      total[k] += counts[k];
    }
  }
  double statistic = 0;
  for (const std::uint32_t times : total) {
    statistic += (double(times) - 200) * (double(times) - 200) / 200;
  }
  EXPECT_GT(chi_square_p_value(statistic, n - 1), 1e-6);
  EXPECT_LT(chi_square_p_value(statistic, n - 1), 1 - 1e-6);  // nor more evenly than chance
}

TEST(Resampling, percentiles_error_and_bias_are_those_of_the_resampled_values) {
  const BootstrapResult result = bootstrap(kValues.size(), mean_of, {.resamples = 501, .confidence = 0.9, .seed = 3});
  ASSERT_EQ(result.resampled.size(), 501U);
  EXPECT_NEAR(result.value, 37.75 / 16, 1e-14);
  EXPECT_EQ(result.n, 16U);
  EXPECT_EQ(result.units, 16U);
  std::vector<double> sorted(result.resampled);
  std::sort(sorted.begin(), sorted.end());
  EXPECT_NEAR(result.low, sorted[25], 1e-14);    // 0.05 * 500
  EXPECT_NEAR(result.high, sorted[475], 1e-14);  // 0.95 * 500
  double sum = 0, squares = 0;
  for (const double value : sorted) {
    sum += value / 501;
  }
  for (const double value : sorted) {
    squares += (value - sum) * (value - sum);
  }
  EXPECT_NEAR(result.bias, sum - result.value, 1e-13);
  EXPECT_NEAR(result.standard_error, std::sqrt(squares / 500), 1e-13);
  // The bootstrap variance of a mean is known: sum of squares / n^2.
  double variance = 0;
  for (const double value : kValues) {
    variance += (value - result.value) * (value - result.value) / 256;
  }
  const double error = bootstrap(kValues.size(), mean_of, {.resamples = 20000}).standard_error;
  EXPECT_NEAR(error / std::sqrt(variance), 1, 0.03);  // 6 standard deviations of 1 / sqrt(2 * 20000)
}

TEST(Resampling, bca_agrees_with_its_formula_and_with_scipy) {
  const auto result =
      bootstrap(kValues.size(), mean_of, {.method = BootstrapMethod::bca, .resamples = 100000, .confidence = 0.9});
  double below = 0, squares = 0, cubes = 0;
  for (const double value : result.resampled) {
    below += value < result.value - 1e-13 ? 1 : value < result.value + 1e-13 ? 0.5 : 0;
  }
  for (const double value : kValues) {
    squares += (value - result.value) * (value - result.value);
    cubes += std::pow(value - result.value, 3);
  }
  EXPECT_NEAR(result.bias_correction, normal_quantile(below / 100000), 1e-12);
  EXPECT_NEAR(result.acceleration, cubes / (6 * std::pow(squares, 1.5)), 1e-12);  // of a mean: skewness / (6 sqrt n)
  const double z = normal_quantile(0.95), z0 = result.bias_correction, a = result.acceleration;
  const auto moved = [&](double x) { return normal_cdf(z0 + (z0 + x) / (1 - a * (z0 + x))); };
  std::vector<double> sorted(result.resampled);
  std::sort(sorted.begin(), sorted.end());
  EXPECT_NEAR(result.low, sorted[std::size_t(moved(-z) * 99999)], 1e-3);
  EXPECT_NEAR(result.high, sorted[std::size_t(moved(z) * 99999)], 1e-3);
  // scipy 1.17.1 bootstrap((values,), np.mean, method="BCa", n_resamples=400000, confidence_level=0.9); the quantiles
  // of 1e5 draws have a standard error of about 0.005.
  EXPECT_NEAR(result.low, 1.367, 0.03);
  EXPECT_NEAR(result.high, 4.212, 0.03);
}

TEST(Resampling, weights_and_indices_are_the_same_resamples) {
  const std::vector<std::int64_t> groups{3, 3, 1, 1, 1, 7, 7, 2, 2, 9, 9, 9, 9, 5, 5, 4};
  const std::vector<std::int64_t> strata{0, 0, 0, 0, 0, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 0};
  const auto weighted_mean = [](std::span<const double> weights) {
    double sum = 0, total = 0;
    for (std::size_t i = 0; i < weights.size(); ++i) {
      sum += weights[i] * kValues[i];
      total += weights[i];
    }
    return sum / total;
  };
  for (const bool grouped : {false, true}) {
    for (const bool stratified : {false, true}) {
      ResamplingOptions options{.method = BootstrapMethod::bca, .resamples = 300, .seed = 12};
      options.groups = grouped ? std::span<const std::int64_t>(groups) : std::span<const std::int64_t>();
      options.strata = stratified ? std::span<const std::int64_t>(strata) : std::span<const std::int64_t>();
      const auto a = bootstrap(16, mean_of, options), b = bootstrap_weighted(16, weighted_mean, options);
      for (std::size_t r = 0; r < 300; ++r) {
        ASSERT_NEAR(a.resampled[r], b.resampled[r], 1e-13);
      }
      EXPECT_NEAR(a.acceleration, b.acceleration, 1e-10);
      EXPECT_EQ(a.units, grouped ? 7U : 16U);
      options.parallel = false;
      EXPECT_EQ(bootstrap(16, mean_of, options).resampled, a.resampled);
      EXPECT_EQ(bootstrap(16, mean_of, options).low, a.low);
      options.seed = 13;
      EXPECT_NE(bootstrap(16, mean_of, options).resampled, a.resampled);
    }
  }
}

TEST(Resampling, groups_are_drawn_whole_and_strata_keep_their_sizes) {
  const std::vector<std::int64_t> groups{5, 5, 5, 2, 2, 8, 8, 8, 8, 1}, strata{0, 0, 0, 0, 0, 1, 1, 1, 1, 1};
  const auto check = [&](std::span<const double> weights) {
    for (std::size_t i = 1; i < 10; ++i) {
      EXPECT_TRUE(groups[i] != groups[i - 1] || weights[i] == weights[i - 1]);
    }
    EXPECT_EQ(weights[0] + weights[3], 2);  // two groups in stratum 0, two in stratum 1
    EXPECT_EQ(weights[5] + weights[9], 2);
    return weights[0] + 10 * weights[5];
  };
  const auto result =
      bootstrap_weighted(10, check, {.resamples = 2000, .groups = groups, .strata = strata, .parallel = false});
  EXPECT_EQ(result.units, 4U);
  // Each stratum draws 0, 1 or 2 times its first group with probabilities 1/4, 1/2, 1/4, apart from the other.
  std::map<double, int> seen;
  for (const double value : result.resampled) {
    ++seen[value];
  }
  ASSERT_EQ(seen.size(), 9U);
  double statistic = 0;
  for (const auto& [value, times] : seen) {
    const auto share = [](int count) { return count == 1 ? 0.5 : 0.25; };
    const double expected = 2000 * share(int(value) % 10) * share(int(value) / 10);
    statistic += (times - expected) * (times - expected) / expected;
  }
  EXPECT_GT(chi_square_p_value(statistic, 8), 1e-6);
}

TEST(Resampling, acceleration_by_strata_weighs_them_by_their_size) {
  // Difference of two means, 12 against 4 samples: a from influences x - mean over the size of the stratum.
  std::vector<std::int64_t> strata(16, 0);
  std::fill(strata.begin() + 12, strata.end(), 1);
  const auto difference = [&](std::span<const double> weights) {
    double sums[2] = {}, counts[2] = {};
    for (std::size_t i = 0; i < 16; ++i) {
      sums[strata[i]] += weights[i] * kValues[i];
      counts[strata[i]] += weights[i];
    }
    return sums[0] / counts[0] - sums[1] / counts[1];
  };
  const auto result = bootstrap_weighted(16, difference, {.method = BootstrapMethod::bca, .strata = strata});
  double squares = 0, cubes = 0;
  for (std::size_t stratum = 0; stratum < 2; ++stratum) {
    const std::size_t first = stratum == 0 ? 0 : 12, last = stratum == 0 ? 12 : 16;
    const double size = double(last - first), sign = stratum == 0 ? 1 : -1;
    const double mean =
        std::accumulate(kValues.begin() + std::ptrdiff_t(first), kValues.begin() + std::ptrdiff_t(last), 0.0) / size;
    for (std::size_t i = first; i < last; ++i) {
      const double influence = sign * (kValues[i] - mean) / size;
      squares += influence * influence;
      cubes += influence * influence * influence;
    }
  }
  EXPECT_NEAR(result.acceleration, cubes / (6 * std::pow(squares, 1.5)), 1e-10);
}

TEST(Resampling, says_nan_where_the_resamples_say_nothing) {
  const auto constant = bootstrap(5, [](std::span<const std::int64_t>) { return 0.7; });
  EXPECT_EQ(constant.value, 0.7);
  EXPECT_EQ(constant.standard_error, 0);
  EXPECT_TRUE(std::isnan(constant.low) && std::isnan(constant.high));
  // Every resample with a sample drawn twice has fewer distinct ones: all lie on one side of the value.
  const auto distinct = [](std::span<const double> weights) {
    return double(std::count_if(weights.begin(), weights.end(), [](double weight) { return weight > 0; }));
  };
  const auto one_sided = bootstrap_weighted(30, distinct, {.method = BootstrapMethod::bca});
  EXPECT_EQ(one_sided.value, 30);
  EXPECT_GT(one_sided.standard_error, 0);
  EXPECT_TRUE(std::isnan(one_sided.low) && std::isnan(one_sided.high));
  const auto percentile = bootstrap_weighted(30, distinct);
  EXPECT_LT(percentile.high, 30);
}

TEST(Resampling, refuses_bad_input_with_a_sentence) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const std::vector<std::int64_t> groups{1, 1, 2, 2}, strata{0, 1, 1, 1};
  const auto size = [](std::span<const std::int64_t> drawn) { return double(drawn.size()); };
  EXPECT_THAT([&] { bootstrap(0, size); }, message("[metrics.bootstrap] n must be at least 1; got 0"));
  EXPECT_THAT([&] { bootstrap(4, size, {.resamples = 0}); }, message("resamples must be at least 1; got 0"));
  for (const double bad : {0.0, 1.0, nan}) {
    EXPECT_THAT([&] { bootstrap(4, size, {.confidence = bad}); }, message("confidence is out of range"));
  }
  EXPECT_THAT([&] { bootstrap(5, size, {.groups = groups}); },
              message("[metrics.bootstrap] groups must be one for each sample; got 4 for 5 samples"));
  EXPECT_THAT([&] { bootstrap(5, size, {.strata = groups}); },
              message("strata must be one for each sample; got 4 for 5"));
  EXPECT_THAT([&] { bootstrap(4, size, {.groups = groups, .strata = strata}); },
              message("groups must lie in one stratum; got group 1 in several"));
  EXPECT_THAT([&] { bootstrap(4, [&](std::span<const std::int64_t>) { return nan; }); },
              message("statistic must be finite; got NaN for the samples themselves"));
  const auto fails = [&](std::span<const double> weights) { return weights[0] == 0 ? HUGE_VAL : 1; };
  EXPECT_THAT([&] { bootstrap_weighted(4, fails); },
              message("[metrics.bootstrap_weighted] statistic must be finite; got infinity for resample"));
  const auto without = [&](std::span<const double> weights) {
    return std::accumulate(weights.begin(), weights.end(), 0.0) < 4 ? nan : weights[0];
  };
  EXPECT_THAT([&] { bootstrap_weighted(4, without, {.method = BootstrapMethod::bca}); },
              message("statistic must be finite; got NaN for the samples without unit 0"));
}

}  // namespace
}  // namespace oddity::metrics
