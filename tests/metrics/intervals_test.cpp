#include "oddity/metrics/intervals.h"

#include <cmath>
#include <limits>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace oddity::metrics {
namespace {

using testing::ThrowsMessage;

// Reference values: mpmath 1.3 with 40 digits (hypergeometric series) unless stated.

void expect_relative(double value, double expected, double tolerance) {
  EXPECT_LE(std::abs(value - expected), tolerance * std::abs(expected)) << value << " for " << expected;
}

TEST(BetaCdf, agrees_with_reference_values) {
  struct Row {
    double x, a, b, expected;
  };
  for (const Row& r : {Row{0.1, 2, 3, 0.052300000000000005},
                       {0.5, 10, 10, 0.5},
                       {0.9, 0.5, 7, 0.99999997807021575},
                       {1e-5, 3, 1000, 1.6591948740984947e-7},
                       {0.3333, 1e4, 2e4, 0.49565691682090706},
                       {0.01, 4, 397, 0.56751204386743578},
                       {0.5, 1e-3, 2, 0.99980674653694775},
                       {0.999, 1e3, 2, 0.73539084954192776}}) {
    expect_relative(beta_cdf(r.x, r.a, r.b), r.expected, 1e-12);
  }
  EXPECT_EQ(beta_cdf(0, 2, 3), 0);
  EXPECT_EQ(beta_cdf(1, 2, 3), 1);
}

TEST(BetaCdf, closed_forms) {
  for (const double x : {1e-12, 0.001, 0.3, 0.77, 0.9999}) {
    expect_relative(beta_cdf(x, 1, 1), x, 1e-13);
    expect_relative(beta_cdf(x, 5, 1), std::pow(x, 5), 1e-12);
    expect_relative(beta_cdf(x, 1, 7), -std::expm1(7 * std::log1p(-x)), 1e-12);
    expect_relative(beta_cdf(x, 0.5, 0.5), 2 / M_PI * std::asin(std::sqrt(x)), 1e-12);
    // Large shapes: I_x(a, 1) = x^a.
    expect_relative(beta_cdf(1 - x / 1e6, 1e6, 1), std::exp(1e6 * std::log1p(-x / 1e6)),
                    1e-10);  // 1 - x/1e6 is rounded
  }
}

TEST(BetaQuantile, agrees_with_reference_values_and_inverts) {
  struct Row {
    double p, a, b, expected;
  };
  for (const Row& r : {Row{0.025, 1, 10, 0.0025285785444617846},
                       {0.025, 4, 397, 0.0027311959712429542},
                       {0.975, 4, 397, 0.021760668514417102},
                       {0.5, 0.5, 0.5, 0.5},
                       {1e-9, 2.5, 3.5, 9.6742761443768405e-5},
                       {0.001, 1000.5, 2000.25, 0.3071566592794408},
                       {0.999, 30, 3, 0.99387039016743683},
                       {0.05, 0.1, 5, 1.3008797579976503e-14}}) {
    expect_relative(beta_quantile(r.p, r.a, r.b), r.expected, 1e-12);
  }
  EXPECT_EQ(beta_quantile(0, 2, 3), 0);
  EXPECT_EQ(beta_quantile(1, 2, 3), 1);
  for (const double a : {0.2, 1.0, 17.0, 5e3, 1e6}) {
    for (const double b : {0.3, 1.0, 40.0, 3e5}) {
      for (const double p : {1e-6, 0.025, 0.5, 0.9}) {
        const double x = beta_quantile(p, a, b);
        if (x < 0.99) {  // nearer to 1 the double x itself cannot carry the precision
          expect_relative(beta_cdf(x, a, b), p, 1e-9);
        }
      }
    }
  }
}

TEST(ClopperPearson, agrees_with_scipy_and_closed_forms) {
  struct Row {
    std::uint64_t k, n;
    double confidence, low, high;
  };
  // scipy 1.17.1 binomtest(k, n).proportion_ci(confidence, "exact")
  for (const Row& r : {Row{0, 10, 0.95, 0, 0.30849710781876294},
                       {3, 10, 0.95, 0.06673951117773447, 0.652452850060008},
                       {10, 10, 0.95, 0.6915028921812371, 1},
                       {20, 2000, 0.99, 0.0051878690638055775, 0.01727043897824224},
                       {1, 1, 0.9, 0.05, 1}}) {
    const Interval interval = clopper_pearson(r.k, r.n, r.confidence);
    EXPECT_NEAR(interval.low, r.low, 1e-12);
    EXPECT_NEAR(interval.high, r.high, 1e-12);
  }
  EXPECT_EQ(clopper_pearson(0, 0).low, 0);
  EXPECT_EQ(clopper_pearson(0, 0).high, 1);
  // No error among n parts: upper bound 1 - (alpha / 2)^(1 / n).
  for (const std::uint64_t n : {1U, 10U, 299U, 1000000U}) {
    expect_relative(clopper_pearson(0, n, 0.9).high, -std::expm1(std::log(0.05) / double(n)), 1e-9);
    EXPECT_EQ(clopper_pearson(0, n, 0.9).low, 0);
  }
  // "299 without an error show 1 % at 95 %"; 298 do not.
  EXPECT_LE(clopper_pearson(0, 299, 0.9).high, 0.01);
  EXPECT_GT(clopper_pearson(0, 298, 0.9).high, 0.01);
}

TEST(ClopperPearson, keeps_its_digits_where_the_rate_is_tiny) {
  for (const std::uint64_t n : {std::uint64_t(1) << 40, std::uint64_t(1) << 62}) {
    const double closed = -std::expm1(std::log(0.025) / double(n));
    EXPECT_NEAR(clopper_pearson(0, n).high / closed, 1, 1e-12);
    EXPECT_NEAR(clopper_pearson_upper(0, n, 0.975) / closed, 1, 1e-12);
    EXPECT_NEAR(clopper_pearson(n, n).low, 1 - closed, 1e-15);
    // The limit is Poisson: chi-squared quantiles of scipy 1.17.1, chi2.ppf(0.975, 12) / 2 and chi2.ppf(0.025, 10) / 2.
    EXPECT_NEAR(clopper_pearson(5, n).high * double(n), 11.668332079322698, 1e-9);
    EXPECT_NEAR(clopper_pearson(5, n).low * double(n), 1.6234863901184215, 1e-9);
    EXPECT_GT(jeffreys(0, n).high, 0);
  }
  EXPECT_EQ(beta_quantile_complement(0, 2, 3), 1);
  EXPECT_EQ(beta_quantile_complement(1, 2, 3), 0);
  EXPECT_NEAR(beta_quantile_complement(0.3, 2, 3), 1 - beta_quantile(0.3, 2, 3), 1e-15);
}

TEST(ClopperPearson, covers_at_least_as_promised) {
  // Exact coverage by summing binomial probabilities; the same sum shows that a shrunken interval does not cover.
  const std::uint64_t n = 40;
  double worst = 1, worst_shrunken = 1;
  for (double p = 0.01; p < 1; p += 0.01) {
    double covered = 0, covered_shrunken = 0, probability = std::pow(1 - p, double(n));
    for (std::uint64_t k = 0; k <= n; ++k) {
      const Interval i = clopper_pearson(k, n, 0.9);
      const double middle = double(k) / double(n);
      covered += (i.low <= p && p <= i.high) ? probability : 0;
      const double low = middle + 0.7 * (i.low - middle), high = middle + 0.7 * (i.high - middle);
      covered_shrunken += (low <= p && p <= high) ? probability : 0;
      probability *= double(n - k) / double(k + 1) * p / (1 - p);
    }
    worst = std::min(worst, covered);
    worst_shrunken = std::min(worst_shrunken, covered_shrunken);
  }
  EXPECT_GE(worst, 0.9);
  EXPECT_LT(worst_shrunken, 0.9);
}

TEST(Wilson, agrees_with_scipy) {
  struct Row {
    std::uint64_t k, n;
    double confidence, low, high;
  };
  // scipy 1.17.1 binomtest(k, n).proportion_ci(confidence, "wilson")
  for (const Row& r : {Row{0, 10, 0.95, 0, 0.27753279986288926},
                       {3, 10, 0.95, 0.10779126740630102, 0.6032218525388546},
                       {10, 10, 0.95, 0.7224672001371109, 1},
                       {20, 2000, 0.99, 0.005673822090648474, 0.01756652755143872},
                       {1, 1, 0.9, 0.2698659487840541, 1}}) {
    const Interval interval = wilson(r.k, r.n, r.confidence);
    EXPECT_NEAR(interval.low, r.low, 1e-12);
    EXPECT_NEAR(interval.high, r.high, 1e-12);
  }
  EXPECT_EQ(wilson(0, 0).high, 1);
}

TEST(Jeffreys, agrees_with_statsmodels) {
  struct Row {
    std::uint64_t k, n;
    double confidence, low, high;
  };
  // statsmodels 0.15.0 proportion_confint(k, n, 1 - confidence, "jeffreys"), but for the ends at k = 0 and k = n.
  for (const Row& r : {Row{0, 10, 0.95, 0, 0.21719626750921053},
                       {3, 10, 0.95, 0.09269459393815317, 0.6058183181486713},
                       {10, 10, 0.95, 0.7828037324907895, 1},
                       {20, 2000, 0.99, 0.005367010071675451, 0.016951402301157898},
                       {1, 1, 0.9, 0.22851981380632877, 1}}) {
    const Interval interval = jeffreys(r.k, r.n, r.confidence);
    EXPECT_NEAR(interval.low, r.low, 1e-12);
    EXPECT_NEAR(interval.high, r.high, 1e-12);
  }
  EXPECT_EQ(jeffreys(0, 0).low, 0);
  EXPECT_EQ(jeffreys(0, 0).high, 1);
}

TEST(ClopperPearson, one_sided_bounds_are_ends_of_the_interval_at_twice_the_tail) {
  for (const std::uint64_t n : {1U, 7U, 300U}) {
    for (std::uint64_t k = 0; k <= n; k += (n + 6) / 7) {
      EXPECT_NEAR(clopper_pearson_upper(k, n, 0.95), clopper_pearson(k, n, 0.9).high, 1e-14);
      EXPECT_NEAR(clopper_pearson_lower(k, n, 0.95), clopper_pearson(k, n, 0.9).low, 1e-14);
    }
  }
  EXPECT_EQ(clopper_pearson_upper(0, 0), 1);
  EXPECT_EQ(clopper_pearson_lower(0, 0), 0);
  EXPECT_LE(clopper_pearson_upper(0, 299), 0.01);
  EXPECT_GT(clopper_pearson_upper(0, 298), 0.01);
}

TEST(RuleOfThree, is_three_over_n_and_never_below_the_exact_bound) {
  EXPECT_EQ(rule_of_three(0), 1);
  EXPECT_EQ(rule_of_three(2), 1);
  EXPECT_EQ(rule_of_three(300), 0.01);
  for (std::uint64_t n = 1; n < 5000; n += 7) {
    EXPECT_GE(rule_of_three(n), clopper_pearson_upper(0, n)) << n;
  }
}

TEST(Binomial, agrees_with_scipy_in_both_tails) {
  struct Row {
    std::uint64_t k, n;
    double p, probability, at_most, at_least;
  };
  // scipy 1.12.0 binom.pmf(k), cdf(k), sf(k - 1); mpmath 1.4.1 with 40 digits for the first rows.
  for (const Row& r : {Row{3, 10, 0.3, 0.266827932, 0.6496107184, 0.6172172136},
                       {5, 1000, 1e-3, 0.003048807927758812, 0.99941192989823702, 0.0036368780295217905},
                       {20, 2000, 0.02, 0.00017430600914126579, 0.000331264926702863, 0.9998430410824384},
                       {3, 1000000, 1e-6, 0.061313209538546197, 0.98101190443709661, 0.080301305101449589},
                       {1000, 2000, 0.5, 0.017839011145854313, 0.5089195055729268, 0.5089195055729268},
                       {499000, 1000000, 0.5, 0.000107981978018891, 0.022804149932689814, 0.9773038320453267},
                       {501500, 1000000, 0.5, 8.863674664600326e-06, 0.9986545360216347, 0.0013543276530299786}}) {
    const double tolerance = r.n < 1000000 || r.p < 1e-3 ? 2e-12 : 1e-9;  // SciPy is less exact there
    expect_relative(binomial_probability(r.k, r.n, r.p), r.probability, tolerance);
    expect_relative(binomial_cdf(r.k, r.n, r.p), r.at_most, tolerance);
    expect_relative(binomial_at_least(r.k, r.n, r.p), r.at_least, tolerance);
  }
}

TEST(Binomial, sums_of_probabilities_and_ends) {
  for (const double p : {0.01, 0.3, 0.5, 0.97}) {
    double below = 0;
    for (std::uint64_t k = 0; k <= 60; ++k) {
      EXPECT_NEAR(binomial_at_least(k, 60, p), 1 - below, 1e-13);
      below += binomial_probability(k, 60, p);
      EXPECT_NEAR(binomial_cdf(k, 60, p), below, 1e-13);
    }
  }
  for (const double p : {0.0, 1.0}) {
    const std::uint64_t certain = p == 0 ? 0 : 9;
    for (std::uint64_t k = 0; k <= 11; ++k) {
      EXPECT_EQ(binomial_probability(k, 9, p), k == certain ? 1 : 0);
      EXPECT_EQ(binomial_cdf(k, 9, p), k >= certain ? 1 : 0);
      EXPECT_EQ(binomial_at_least(k, 9, p), k <= certain ? 1 : 0);
    }
  }
  EXPECT_EQ(binomial_probability(12, 9, 0.5), 0);
  EXPECT_EQ(binomial_cdf(12, 9, 0.5), 1);
  EXPECT_EQ(binomial_at_least(12, 9, 0.5), 0);
  EXPECT_EQ(binomial_cdf(0, 0, 0.5), 1);
  EXPECT_EQ(binomial_probability(0, 0, 0.5), 1);
  expect_relative(binomial_probability(0, 1000, 1e-9), std::exp(1000 * std::log1p(-1e-9)), 1e-14);
  expect_relative(binomial_probability(50, 50, 0.1), 1e-50, 1e-13);
}

TEST(BetaBinomialCdf, agrees_with_reference_values) {
  struct Row {
    std::int64_t k, n;
    double a, b, expected;
  };
  for (const Row& r : {Row{20, 2000, 4, 397, 0.5853828706567753},
                       {0, 2000, 4, 397, 0.00076198735322868796},
                       {60, 2000, 4, 397, 0.99665758039600956},
                       {3, 10, 0.5, 0.5, 0.4080352783203125},
                       {999, 2000, 1, 1, 0.49975012493753123},
                       {50, 100, 600, 400, 0.033251373173141012},
                       {5, 1000, 4, 9997, 0.99996326528554678}}) {
    expect_relative(beta_binomial_cdf(r.k, r.n, r.a, r.b), r.expected, 1e-12);
  }
}

TEST(BetaBinomialCdf, closed_forms_and_ends) {
  for (std::int64_t k = 0; k < 50; ++k) {
    expect_relative(beta_binomial_cdf(k, 50, 1, 1), double(k + 1) / 51, 1e-13);  // uniform on 0..n
    EXPECT_NEAR(beta_binomial_cdf(k, 50, 2, 7), 1 - beta_binomial_cdf(49 - k, 50, 7, 2), 1e-13);
  }
  EXPECT_EQ(beta_binomial_cdf(-1, 10, 2, 3), 0);
  EXPECT_EQ(beta_binomial_cdf(10, 10, 2, 3), 1);
  EXPECT_EQ(beta_binomial_cdf(0, 0, 2, 3), 1);
  EXPECT_DOUBLE_EQ(beta_binomial_cdf(0, 1, 3, 5), 5.0 / 8);
  // Polya's urn by hand: P(0) = (b)_n / (a + b)_n = 6 * 7 / (8 * 9).
  EXPECT_NEAR(beta_binomial_cdf(0, 2, 2, 6), 42.0 / 72, 1e-15);
}

TEST(NormalQuantile, agrees_with_reference_values) {
  expect_relative(normal_quantile(0.975), 1.9599639845400539, 1e-14);
  expect_relative(normal_quantile(0.9), 1.2815515655446006, 1e-14);
  expect_relative(normal_quantile(1e-10), -6.3613409024040562, 1e-14);
  expect_relative(normal_quantile(1e-300), -37.0470962993612, 1e-13);
  expect_relative(normal_quantile(0.999999), 4.7534243088170878, 1e-10);  // 1 - p is rounded at 1e-16 / 1e-6
  EXPECT_EQ(normal_quantile(0.5), 0);
  expect_relative(normal_quantile(0.5 + 1e-9), 1e-9 * std::sqrt(2 * M_PI), 1e-6);
}

TEST(NormalCdf, inverts_the_quantile_and_keeps_the_lower_tail) {
  for (const double p : {1e-300, 1e-10, 0.025, 0.5, 0.9}) {
    expect_relative(normal_cdf(normal_quantile(p)), p, 1e-12);
  }
  EXPECT_EQ(normal_cdf(-HUGE_VAL), 0);
  EXPECT_EQ(normal_cdf(HUGE_VAL), 1);
}

TEST(Intervals, refuse_bad_input_with_a_sentence) {
  const double nan = std::numeric_limits<double>::quiet_NaN(), inf = std::numeric_limits<double>::infinity();
  EXPECT_THAT([] { clopper_pearson(5, 4); },
              ThrowsMessage<std::invalid_argument>("[metrics.clopper_pearson] k must not exceed n; got k = 5, n = 4"));
  EXPECT_THAT([] { wilson(1, 0); },
              ThrowsMessage<std::invalid_argument>("[metrics.wilson] k must not exceed n; got k = 1, n = 0"));
  for (const double bad : {0.0, 1.0, -0.5, 1.5, nan, inf}) {
    EXPECT_THROW(clopper_pearson(1, 4, bad), std::invalid_argument) << bad;
    EXPECT_THROW(wilson(1, 4, bad), std::invalid_argument) << bad;
    EXPECT_THROW(jeffreys(1, 4, bad), std::invalid_argument) << bad;
    EXPECT_THROW(clopper_pearson_upper(1, 4, bad), std::invalid_argument) << bad;
    EXPECT_THROW(clopper_pearson_lower(1, 4, bad), std::invalid_argument) << bad;
    EXPECT_THROW(normal_quantile(bad), std::invalid_argument) << bad;
  }
  for (const double bad : {-0.1, 1.1, nan}) {
    EXPECT_THROW(beta_cdf(bad, 1, 1), std::invalid_argument) << bad;
    EXPECT_THROW(beta_quantile(bad, 1, 1), std::invalid_argument) << bad;
    EXPECT_THROW(binomial_probability(1, 2, bad), std::invalid_argument) << bad;
    EXPECT_THROW(binomial_cdf(1, 2, bad), std::invalid_argument) << bad;
    EXPECT_THROW(binomial_at_least(1, 2, bad), std::invalid_argument) << bad;
  }
  for (const double bad : {0.0, -1.0, nan, inf}) {
    EXPECT_THROW(beta_cdf(0.5, bad, 1), std::invalid_argument) << bad;
    EXPECT_THROW(beta_quantile(0.5, 1, bad), std::invalid_argument) << bad;
    EXPECT_THROW(beta_binomial_cdf(1, 2, bad, 1), std::invalid_argument) << bad;
  }
  EXPECT_THROW(beta_binomial_cdf(1, -2, 1, 1), std::invalid_argument);
  EXPECT_THROW(normal_cdf(nan), std::invalid_argument);
  EXPECT_THAT([] { jeffreys(5, 4); },
              ThrowsMessage<std::invalid_argument>("[metrics.jeffreys] k must not exceed n; got k = 5, n = 4"));
  EXPECT_THROW(clopper_pearson_upper(5, 4), std::invalid_argument);
  EXPECT_THROW(clopper_pearson_lower(5, 4), std::invalid_argument);
}

}  // namespace
}  // namespace oddity::metrics
