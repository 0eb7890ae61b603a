#include "oddity/metrics/mean_bounds.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <numeric>
#include <random>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace oddity::metrics {
namespace {

using ::testing::HasSubstr;
using ::testing::ThrowsMessage;

constexpr MeanBound kBounds[] = {MeanBound::hoeffding, MeanBound::hoeffding_bentkus, MeanBound::empirical_bernstein,
                                 MeanBound::betting, MeanBound::binomial};

void expect_relative(double value, double expected, double tolerance) {
  EXPECT_LE(std::abs(value - expected), tolerance * std::abs(expected)) << value << " for " << expected;
}

/// k ones among n losses.
std::vector<double> binary(std::size_t k, std::size_t n) {
  std::vector<double> losses(n, 0.0);
  std::fill_n(losses.begin(), k, 1.0);
  return losses;
}

template <class T = double>
std::vector<T> random_losses(std::size_t n, std::uint64_t seed, double maximum = 1) {
  std::mt19937_64 random(seed);
  std::vector<T> losses(n);
  for (T& loss : losses) {
    loss = T(random() % 3 == 0 ? maximum * (double(random() % 1000) / 999) : 0);
  }
  return losses;
}

/// max_i log K_i(r) from the definition, one logarithm a factor.
template <class T>
double log_capital(const std::vector<T>& losses, double r, double delta, std::uint64_t seed, double maximum = 1) {
  const double n = double(losses.size());
  double sum = 0.5, squares = 0.25, log_k = 0, best = -HUGE_VAL;
  double i = 1;
  for (const std::int64_t row : betting_order(losses.size(), seed)) {
    const double loss = double(losses[std::size_t(row)]) / maximum, variance = squares / i;
    const double bet = std::min(1.0, std::sqrt(2 * std::log(1 / delta) / (n * variance)));
    log_k += std::log1p(-bet * (loss - r));
    best = std::max(best, log_k);
    sum += loss;
    const double difference = loss - sum / (i + 1);
    squares += difference * difference;
    i += 1;
  }
  return best;
}

TEST(MeanBounds, BinomialAgreesWithScipy) {
  struct Row {
    std::size_t k, n;
    double delta, upper, limit, p;
  };
  // scipy 1.17.1: beta.ppf(1 - delta, k + 1, n - k) and binom.cdf(k, n, limit)
  for (const Row& r : {Row{0, 299, 0.05, 0.009969146792899269, 0.01, 0.049536256637662465},
                       {3, 100, 0.1, 0.06558575150289181, 0.1, 0.00783648712118442},
                       {17, 1000, 0.01, 0.02912922472764841, 0.03, 0.006621797411707681},
                       {250, 5000, 0.001, 0.0602413194692663, 0.06, 0.001262246861965266}}) {
    const MeanBoundOptions options{.bound = MeanBound::binomial, .confidence = 1 - r.delta};
    const MeanUpperBound bound = mean_upper_bound(binary(r.k, r.n), options);
    expect_relative(bound.upper, r.upper, 1e-11);
    EXPECT_EQ(bound.mean, double(r.k) / double(r.n));
    EXPECT_EQ(bound.n, r.n);
    expect_relative(mean_p_value(binary(r.k, r.n), r.limit, options), r.p, 1e-11);
  }
  EXPECT_EQ(mean_upper_bound(binary(7, 7), {.bound = MeanBound::binomial}).upper, 1);
  EXPECT_EQ(mean_p_value(binary(7, 7), 0.5, {.bound = MeanBound::binomial}), 1);
}

TEST(MeanBounds, HoeffdingBentkusAgreesWithMapie) {
  struct Row {
    double sum;
    std::size_t n;
    double limit, p;
  };
  // MAPIE 1.6.0 compute_hoeffding_bentkus_p_value(sum / n, n, limit)
  for (const Row& r : {Row{0, 100, 0.05, 0.005920529220334054},
                       {2, 100, 0.05, 0.2969189511670025},
                       {80, 1000, 0.1, 0.047873223411874846},
                       {100, 1000, 0.1, 1.0},
                       {18.9, 200, 0.15, 0.04044884382410627},
                       {18.81, 57, 0.5, 0.022219376876999035}}) {
    const std::vector<double> losses(r.n, r.sum / double(r.n));
    const MeanBoundOptions options{.bound = MeanBound::hoeffding_bentkus, .confidence = 0.9};
    expect_relative(mean_p_value(losses, r.limit, options), r.p, 1e-11);
  }
}

TEST(MeanBounds, HoeffdingAndBernsteinAreTheirFormulas) {
  const std::vector<double> losses{0, 0.25, 0.5, 0.25, 0, 0, 1, 0};  // mean 0.25, variance 0.875 / 7
  const double evidence = std::log(1 / 0.1);
  EXPECT_NEAR(mean_upper_bound(losses, {MeanBound::hoeffding, 0.9}).upper, 0.25 + std::sqrt(evidence / 16), 1e-14);
  EXPECT_NEAR(mean_p_value(losses, 0.75, {MeanBound::hoeffding}), std::exp(-16 * 0.25), 1e-14);
  EXPECT_EQ(mean_upper_bound(losses, {MeanBound::empirical_bernstein, 0.9}).upper, 1);  // more than 1 says nothing
  std::vector<double> many;
  for (int i = 0; i < 100; ++i) {
    many.insert(many.end(), losses.begin(), losses.end());
  }
  const double both = std::log(2 / 0.1);
  EXPECT_NEAR(mean_upper_bound(many, {MeanBound::empirical_bernstein, 0.9}).upper,
              0.25 + std::sqrt(2 * (87.5 / 799) * both / 800) + 7 * both / (3 * 799), 1e-14);
  EXPECT_EQ(mean_upper_bound(std::vector<double>{0}, {MeanBound::empirical_bernstein}).upper, 1);  // no variance of one
  EXPECT_EQ(mean_p_value(std::vector<double>{0}, 0.99, {MeanBound::empirical_bernstein}), 1);
}

TEST(MeanBounds, BettingAgreesWithItsDefinition) {
  struct Row {
    double loss;
    std::size_t n;
    double delta, upper, p;
  };
  // numpy 2.4 and scipy 1.17.1 brentq on the definition; equal losses, so that the order does not matter; p at 0.3
  for (const Row& r : {Row{0, 300, 0.05, 0.010237963152999442, 2.769613936057059e-34},
                       {0.1, 300, 0.05, 0.11020947303626875, 4.253435244801759e-24},
                       {0.02, 1000, 0.1, 0.022371308830861258, 3.881552397053217e-105},
                       {0.5, 40, 0.01, 0.6221417601461489, 1},
                       {0.25, 5, 0.05, 1, 0.7835261664684591}}) {
    const MeanBoundOptions options{.confidence = 1 - r.delta};
    const std::vector<double> losses(r.n, r.loss);
    EXPECT_NEAR(mean_upper_bound(losses, options).upper, r.upper, 2e-12);
    expect_relative(mean_p_value(losses, 0.3, options), r.p, 1e-10);
  }
  for (const std::size_t n : {1U, 2U, 15U, 16U, 17U, 400U, 5000U}) {
    for (const double delta : {0.3, 0.05, 1e-4}) {
      const auto losses = random_losses(n, n);
      const MeanBoundOptions options{.confidence = 1 - delta, .seed = n + 3};
      const auto [mean, upper, count] = mean_upper_bound(losses, options);
      const double target = std::log(1 / delta);
      if (upper == mean) {  // a lucky start
        EXPECT_GE(log_capital(losses, mean, delta, n + 3), target);
      } else if (upper < 1) {
        EXPECT_GE(log_capital(losses, upper, delta, n + 3), target - 1e-9);
        EXPECT_LT(log_capital(losses, upper - 3e-12, delta, n + 3), target + 1e-9);
        EXPECT_LT(log_capital(losses, upper - 1e-6, delta, n + 3), target);
      } else {
        EXPECT_LT(log_capital(losses, 1, delta, n + 3), target);
      }
      const double p = mean < 0.25 ? std::exp(-log_capital(losses, 0.25, delta, n + 3)) : 1;
      expect_relative(mean_p_value(losses, 0.25, options), std::min(1.0, p), 1e-9);
      EXPECT_EQ(count, n);
    }
  }
}

TEST(MeanBounds, BettingIsNotDeceivedByALuckyStart) {
  // 100 losses of 0 and then 100 of 1, in betting order: the capital against 0.4 was enough after the first half.
  std::vector<double> losses(200, 0.0);
  const auto order = betting_order(200, 0);
  std::for_each(order.begin() + 100, order.end(), [&](std::int64_t row) { losses[std::size_t(row)] = 1; });
  EXPECT_GT(log_capital(losses, 0.4, 0.05, 0), std::log(20));
  EXPECT_EQ(mean_upper_bound(losses).upper, 0.5);
  EXPECT_EQ(mean_p_value(losses, 0.4), 1);
  EXPECT_EQ(mean_p_value(losses, 0.5), 1);
  EXPECT_LT(mean_p_value(losses, 0.51), 0.05);
}

TEST(MeanBounds, BettingKeepsItsRange) {
  // 10^5 losses of 1: the capital at small r would underflow; of 0: it would overflow.
  EXPECT_EQ(mean_upper_bound(std::vector<double>(100000, 1.0)).upper, 1);
  EXPECT_EQ(mean_p_value(std::vector<double>(100000, 1.0), 0.001), 1);
  const double upper = mean_upper_bound(std::vector<double>(100000, 0.0)).upper;
  EXPECT_NEAR(upper * 100000 / std::log(20), 1.02, 0.02);             // about log(1 / delta) / n
  EXPECT_EQ(mean_p_value(std::vector<double>(100000, 0.0), 0.5), 0);  // below the smallest double
}

TEST(MeanBounds, SmallPValueAndBoundBelowTheLimitAreTheSame) {
  for (const MeanBound bound : kBounds) {
    for (const std::size_t n : {20U, 300U, 2000U}) {
      const auto losses = bound == MeanBound::binomial ? binary(n / 10, n) : random_losses(n, n + 1);
      for (const double confidence : {0.5, 0.9, 0.999}) {
        const MeanBoundOptions options{bound, confidence};
        const double upper = mean_upper_bound(losses, options).upper;
        if (upper > 1 - 1e-5) {
          continue;
        }
        EXPECT_LE(mean_p_value(losses, upper + 1e-9, options), 1 - confidence) << int(bound) << " " << n;
        EXPECT_GT(mean_p_value(losses, upper - 1e-6, options), (1 - confidence) * (1 - 1e-9)) << int(bound) << " " << n;
      }
    }
  }
}

TEST(MeanBounds, ColumnsMaximumAndTypes) {
  for (const MeanBound bound : kBounds) {
    const std::size_t n = 200, columns = 13;  // not a multiple of the columns that are walked together
    std::vector<double> table(n * columns), scaled(n * columns);
    std::vector<float> narrow(n * columns);
    for (std::size_t c = 0; c < columns; ++c) {
      const auto losses = bound == MeanBound::binomial ? binary(c, n) : random_losses(n, c);
      for (std::size_t i = 0; i < n; ++i) {
        table[i * columns + c] = losses[i];
        scaled[i * columns + c] = losses[i] * 0.1;
        narrow[i * columns + c] = float(losses[i]) * 0.1F;
      }
    }
    const MeanBoundOptions options{bound, 0.9, 1, 5}, tenth{bound, 0.9, 0.1, 5};
    const MeanUpperBounds all = mean_upper_bounds({table, n, columns}, options);
    const MeanUpperBounds again = mean_upper_bounds({table, n, columns}, options);
    const MeanUpperBounds small = mean_upper_bounds({scaled, n, columns}, tenth);
    const MeanUpperBounds single = mean_upper_bounds({narrow, n, columns}, tenth);
    const std::vector<double> p = mean_p_values({table, n, columns}, 0.4, options);
    const std::vector<double> small_p = mean_p_values({narrow, n, columns}, 0.04, tenth);
    EXPECT_EQ(all.upper, again.upper);
    EXPECT_EQ(all.n, n);
    for (std::size_t c = 0; c < columns; ++c) {
      std::vector<double> column;
      for (std::size_t i = 0; i < n; ++i) {
        column.push_back(table[i * columns + c]);
      }
      const MeanUpperBound alone = mean_upper_bound(column, options);
      EXPECT_NEAR(all.upper[c], alone.upper, bound == MeanBound::betting ? 2e-12 : 0);
      EXPECT_EQ(all.means[c], alone.mean);
      expect_relative(p[c], mean_p_value(column, 0.4, options), 1e-12);
      EXPECT_NEAR(small.upper[c], 0.1 * alone.upper, 1e-12);
      // float(0.1) differs from 0.1 by 1.5e-8 relative, and so may each of its losses by 6e-8
      EXPECT_NEAR(single.upper[c], 0.1 * alone.upper, bound == MeanBound::binomial ? 1e-12 : 1e-7);
      expect_relative(small_p[c], p[c], bound == MeanBound::binomial ? 1e-12 : 1e-4);
    }
  }
}

TEST(MeanBounds, DoNotDependOnTheProcessor) {
  // Wide vectors must give the bits of one number after the other, as this file is compiled for.
  const std::size_t n = 1003, columns = 37;
  for (const double maximum : {1.0, 0.7}) {
    const auto table = random_losses(n * columns, 6, maximum);
    const MeanUpperBounds bounds =
        mean_upper_bounds({table, n, columns}, {MeanBound::empirical_bernstein, 0.9, maximum});
    for (std::size_t c = 0; c < columns; ++c) {
      double sum = 0, lost = 0, squares = 0;
      for (std::size_t i = 0; i < n; ++i) {
        const double term = table[i * columns + c] / maximum - lost, total = sum + term;
        lost = (total - sum) - term;
        sum = total;
      }
      const double mean = sum / double(n), both = -std::log(1 - 0.9) + std::log(2);
      for (std::size_t i = 0; i < n; ++i) {
        squares += std::pow(table[i * columns + c] / maximum - mean, 2);
      }
      EXPECT_EQ(bounds.means[c], mean * maximum);
      EXPECT_EQ(bounds.upper[c],
                (mean + std::sqrt(2 * (squares / (n - 1)) * both / n) + 7 * both / (3. * (n - 1))) * maximum);
    }
  }
}

TEST(MeanBounds, FewerLossesOfZeroThanNeededShowNothing) {
  for (const MeanBound bound : kBounds) {
    for (const double limit : {0.5, 0.07, 0.01, 0.004}) {
      for (const double confidence : {0.5, 0.95}) {
        const MeanBoundOptions options{bound, confidence};
        const std::uint64_t n = lossless_samples_needed(limit, options);
        EXPECT_LE(mean_p_value(binary(0, n), limit, options), 1 - confidence) << int(bound) << " " << limit;
        if (n > 1) {
          EXPECT_GT(mean_p_value(binary(0, n - 1), limit, options), 1 - confidence) << int(bound) << " " << limit;
        }
      }
    }
  }
  EXPECT_EQ(lossless_samples_needed(0.01, {MeanBound::binomial}), 299U);
  EXPECT_EQ(lossless_samples_needed(0.001, {MeanBound::hoeffding_bentkus}), 2995U);
  EXPECT_EQ(lossless_samples_needed(0.0001, {MeanBound::binomial}), 29956U);
  EXPECT_EQ(lossless_samples_needed(0.01, {MeanBound::hoeffding}), std::uint64_t(std::ceil(std::log(20) / 2e-4)));
  EXPECT_EQ(lossless_samples_needed(0.1, {MeanBound::hoeffding, 0.95, 10}), 14979U);
  // Far beyond what can be walked one by one: 2.3 % above the smallest that any bet of at most 1 could do with.
  const double least = std::log(20) / std::log1p(1e-7);
  const auto n = double(lossless_samples_needed(1e-7, {MeanBound::betting}));
  EXPECT_GT(n, 1.02 * least);
  EXPECT_LT(n, 1.03 * least);
}

TEST(BettingOrder, IsUniformAmongAllOrders) {
  std::vector<int> counts(256, 0);
  for (std::uint64_t seed = 0; seed < 24000; ++seed) {
    const auto order = betting_order(4, seed);
    auto sorted = order;
    std::sort(sorted.begin(), sorted.end());
    ASSERT_EQ(sorted, (std::vector<std::int64_t>{0, 1, 2, 3}));
    ++counts[std::size_t(order[0] * 64 + order[1] * 16 + order[2] * 4 + order[3])];
  }
  EXPECT_EQ(std::count_if(counts.begin(), counts.end(), [](int count) { return count > 0; }), 24);
  for (const int count : counts) {
    EXPECT_TRUE(count == 0 || std::abs(count - 1000) < 5.5 * std::sqrt(1000.0)) << count;  // 24 x 4e-8
  }
  EXPECT_EQ(betting_order(1000, 3), betting_order(1000, 3));
  EXPECT_TRUE(betting_order(0, 3).empty());
}

TEST(MeanBounds, RefuseWrongInput) {
  const std::vector<double> losses{0, 0.5, 1};
  const auto refuses = [](const std::function<void()>& call, const std::string& part) {
    EXPECT_THAT(call, ThrowsMessage<std::invalid_argument>(HasSubstr(part)));
  };
  const double nan = std::numeric_limits<double>::quiet_NaN(), inf = std::numeric_limits<double>::infinity();
  refuses([] { mean_upper_bound(std::vector<double>{}); }, "[metrics.mean_upper_bound] losses is empty");
  refuses(
      [&] {
        mean_upper_bound(std::vector<double>{0, nan});
      },
      "[metrics.mean_upper_bound] losses must be finite; got NaN at index 1");
  refuses([&] { mean_upper_bound(std::vector<float>{0, float(inf)}); }, "losses must be finite; got infinity");
  refuses(
      [] {
        mean_upper_bound(std::vector<double>{0, 1.5});
      },
      "losses must be in [0, maximum]; got 1.5 in row 1 column 0; expected values in [0, 1]");
  refuses([] { mean_upper_bound(std::vector<double>{0, -0.5}); }, "losses must be in [0, maximum]; got -0.5");
  refuses([&] { mean_upper_bound(losses, {.bound = MeanBound::binomial}); },
          "losses must be 0 or maximum for the bound binomial; got 0.5 in row 1 column 0; expected 0 or 1, or another");
  refuses([&] { mean_upper_bound(losses, {.confidence = 1}); }, "confidence is out of range; got 1");
  refuses([&] { mean_upper_bound(losses, {.confidence = nan}); }, "confidence is out of range; got nan");
  refuses([&] { mean_upper_bound(losses, {.maximum = 0}); }, "maximum must be positive and finite; got 0");
  refuses([&] { mean_upper_bound(losses, {.maximum = inf}); }, "maximum must be positive and finite; got inf");
  refuses([&] { mean_p_value(losses, 1); }, "[metrics.mean_p_value] limit is out of range; got 1;");
  refuses([&] { mean_p_value(losses, 0); }, "limit is out of range; got 0; expected a value above 0 (from ");
  refuses([&] { mean_p_value(losses, nan); }, "limit is out of range; got nan");
  refuses([] { mean_p_value(std::vector<float>{}, 0.1); }, "[metrics.mean_p_value] losses is empty");
  refuses([&] { mean_upper_bounds({losses, 2, 2}); }, "[metrics.mean_upper_bounds] losses does not fit its size");
  refuses([&] { mean_upper_bounds({Values(), 0, 2}); }, "losses is empty; got 0 x 2");
  refuses([&] { mean_p_values({losses, 1, 3}, 2); }, "[metrics.mean_p_values] limit is out of range; got 2");
  refuses([&] { mean_p_values({std::vector<double>{0, 1, 2}, 1, 3}, 0.5); }, "got 2 in row 0 column 2");
  refuses([] { lossless_samples_needed(0); }, "[metrics.lossless_samples_needed] limit is out of range; got 0");
  refuses([] { lossless_samples_needed(1e-9); }, "limit is out of range; got 1e-09");
  refuses([] { lossless_samples_needed(0.1, {.confidence = 0}); }, "confidence is out of range; got 0");
}

}  // namespace
}  // namespace oddity::metrics
