#include "oddity/metrics/martingales.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>
#include <random>
#include <stdexcept>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "oddity/metrics/online_p_values.h"
#include "tests/metrics/message_of.h"

namespace oddity::metrics {
namespace {

using testing::message_of;

std::vector<double> random_p_values(std::size_t n, unsigned seed, double power = 1) {
  std::mt19937_64 random(seed);
  std::uniform_real_distribution<double> uniform;
  std::vector<double> values(n);
  for (double& p : values) {
    p = std::pow(1 - uniform(random), power);
  }
  return values;
}

/// log of the integral of epsilon^n exp((1 - epsilon) sum) as the series sum_k sum^k / ((n + 1) ... (n + 1 + k)), all
/// of whose terms are positive.
double mixture_by_series(double n, double sum) {
  double log_scale = -std::log(n + 1), term = 1, total = 1;
  for (double k = 1; term > 1e-18 * total || k < sum - n; ++k) {
    term *= sum / (n + 1 + k);
    total += term;
    if (total > 1e200) {
      log_scale += std::log(total);
      term /= total;
      total = 1;
    }
  }
  return log_scale + std::log(total);
}

double mixture_at(std::uint64_t n, double sum) {
  MixtureMartingale::State state;
  state.log_sum = sum;
  state.capital.steps = n - 1;
  return MixtureMartingale(state).bet(1.0);
}

TEST(PowerMartingale, IsTheProductOfItsBets) {
  const auto p = random_p_values(500, 1, 1.5);
  for (const double epsilon : {0.05, 0.5, 0.99}) {
    PowerMartingale martingale(epsilon);
    double log_value = 0, log_maximum = 0;
    for (const double value : p) {
      log_value += std::log(epsilon * std::pow(value, epsilon - 1));
      log_maximum = std::max(log_maximum, log_value);
      ASSERT_NEAR(martingale.bet(value), log_value, 1e-10);  // 500 roundings of values below 1e3
    }
    EXPECT_NEAR(martingale.capital().log_maximum, log_maximum, 1e-10);
    EXPECT_EQ(martingale.capital().steps, 500U);
  }
}

TEST(MixtureMartingale, HasItsClosedForms) {
  for (const double p : {1e-300, 1e-9, 0.03, 0.5, 0.999}) {
    // n = 1: (1 - p + p log p) / (p log(p)^2).
    const double log_p = std::log(p), numerator = -std::expm1(log_p) + p * log_p;
    MixtureMartingale one;
    EXPECT_NEAR(one.bet(p), std::log(numerator) - log_p - 2 * std::log(-log_p), 1e-9) << p;  // numerator cancels at 1
  }
  MixtureMartingale ones;
  for (int n = 1; n <= 300; ++n) {
    EXPECT_NEAR(ones.bet(1.0), -std::log(n + 1), 1e-13);
  }
  // The integral in 40 digits by mpmath 1.3.
  EXPECT_NEAR(mixture_at(10, 7.5), -1.5417482530035782, 1e-13);
  EXPECT_NEAR(mixture_at(1000, 1100), 2.0584783212218536, 1e-12);
}

TEST(MixtureMartingale, AgreesWithTheSeriesFromOneToAMillionSteps) {
  for (const std::uint64_t n : {1U, 2U, 3U, 5U, 11U, 47U, 99U, 100U, 101U, 1000U, 30000U, 1000000U}) {
    for (const double share : {1e-6, 0.3, 0.9, 0.999, 1.0, 1.001, 1.1, 2.0, 7.0, 40.0}) {
      const double sum = share * double(n), expected = mixture_by_series(double(n), sum);
      // What the header says; the series has roundings of its own in there.
      ASSERT_NEAR(mixture_at(n, sum), expected, 1e-11 + 1e-14 * std::abs(expected)) << n << " " << share;
    }
  }
}

TEST(MixtureMartingale, IsTheMeanOfPowerMartingales) {
  const auto p = random_p_values(40, 2, 2);
  MixtureMartingale mixture;
  const double log_value = mixture.bet(Values(p)).back();
  double mean = 0;
  constexpr int cells = 20000;
  for (int i = 0; i < cells; ++i) {
    PowerMartingale power((i + 0.5) / cells);
    power.bet(Values(p));
    mean += std::exp(power.capital().log_value) / cells;
  }
  EXPECT_NEAR(log_value, std::log(mean), 1e-6);  // midpoint rule: second order in 1 / cells
}

TEST(JumperMartingale, IsTheSumOverAllItsPaths) {
  const auto p = random_p_values(7, 3);
  for (const double jump : {0.01, 0.3, 1.0}) {
    double sum = 0;
    for (int path = 0; path < 2187; ++path) {  // 3^7
      double weight = 1;
      int rest = path, before = -1;
      for (const double value : p) {
        const int e = rest % 3;
        rest /= 3;
        weight *= before < 0 ? 1.0 / 3 : jump / 3 + (e == before ? 1 - jump : 0);
        weight *= 1 + (e - 1) * (value - 0.5);
        before = e;
      }
      sum += weight;
    }
    JumperMartingale martingale(jump);
    EXPECT_NEAR(martingale.bet(Values(p)).back(), std::log(sum), 1e-14);
  }
}

/// Mean of the jumper's capital over all orders of 8 different scores. Given the rank r among t scores, a p-value is
/// uniform on ((r - 1) / t, r / t], and the capital is linear in each p-value: their means stand for them.
double mean_over_orders(const std::function<double(double rank, double t)>& p_value) {
  std::vector<int> order(8);
  std::iota(order.begin(), order.end(), 0);
  double sum = 0, orders = 0;
  do {
    JumperMartingale martingale;
    for (std::size_t t = 0; t < order.size(); ++t) {
      const auto greater = std::count_if(order.begin(), order.begin() + std::ptrdiff_t(t),
                                         [&](int earlier) { return earlier > order[t]; });
      martingale.bet(p_value(double(greater) + 1, double(t) + 1));
    }
    sum += std::exp(martingale.capital().log_value);
    ++orders;
  } while (std::next_permutation(order.begin(), order.end()));
  EXPECT_EQ(orders, 40320);
  return sum / orders;
}

TEST(Martingales, CapitalHasMeanOneOverAllOrders) {
  EXPECT_NEAR(mean_over_orders([](double rank, double t) { return (rank - 0.5) / t; }), 1, 1e-13);
  // Ties with oneself not randomised: no longer 1, and a gain for the bets on large p-values.
  EXPECT_GT(mean_over_orders([](double rank, double t) { return rank / t; }), 1.001);
}

TEST(Martingales, ABetDoesNotChangeTheMeanCapital) {
  // Integral over the next p-value = exp(-s), s = 690 y^3, by Simpson's rule.
  const auto p = random_p_values(60, 5, 1.3);
  const auto mean_after = [&](auto martingale, std::size_t steps) {
    martingale.bet(Values(p).subspan(0, steps));
    const double before = martingale.capital().log_value;
    constexpr int cells = 3000;
    double sum = 0;
    for (int i = 0; i <= cells; ++i) {
      const double y = double(i) / cells, s = 690 * y * y * y;
      auto next = martingale;
      const double weight = i == 0 || i == cells ? 1 : i % 2 == 1 ? 4 : 2;
      sum += weight * 690 * 3 * y * y * std::exp(next.bet(std::exp(-s)) - s - before);
    }
    return sum / (3 * cells);
  };
  for (const std::size_t steps : {1U, 2U, 5U, 60U}) {
    EXPECT_NEAR(mean_after(PowerMartingale(0.3), steps), 1, 1e-9) << steps;
    EXPECT_NEAR(mean_after(JumperMartingale(0.2), steps), 1, 1e-9) << steps;
    // p below 1e-300 is left out: worth (S / 690)^(n + 1) and less of the mixture.
    EXPECT_NEAR(mean_after(MixtureMartingale(), steps), 1, steps == 1 ? 2e-5 : 1e-7) << steps;
  }
  // Of the first bet, n = 0, the p-values left out are worth the integral of 1 / s^2 from 690.
  EXPECT_NEAR(mean_after(MixtureMartingale(), 0), 1 - 1.0 / 690, 1e-7);
}

TEST(Martingales, StayFiniteAtBothExtremes) {
  const std::vector<double> tiny(20000, 1e-300), ones(20000, 1.0);
  PowerMartingale power;
  MixtureMartingale mixture;
  JumperMartingale jumper;
  EXPECT_NEAR(power.bet(Values(tiny)).back(), 20000 * (std::log(0.5) + 150 * std::log(10.0)), 1e-3);
  EXPECT_NEAR(mixture.bet(Values(tiny)).back(), mixture_by_series(20000, 20000 * 300 * std::log(10.0)), 1e-3);
  EXPECT_NEAR(jumper.bet(Values(tiny)).back() / 20000, std::log(1.5), 0.01);  // a share jump is moved each step
  EXPECT_TRUE(has_alarm(jumper.capital(), 1e-300));
  const double maximum = jumper.capital().log_maximum;
  EXPECT_NEAR(power.bet(Values(ones)).back(), power.capital().log_maximum + 20000 * std::log(0.5), 1e-3);
  EXPECT_GT(jumper.bet(Values(ones)).back(), maximum);  // it has changed sides
  power.restart();
  mixture.restart();
  jumper.restart();
  EXPECT_EQ(power.capital().log_maximum, 0);
  EXPECT_FALSE(has_alarm(power.capital(), 0.999));
  EXPECT_NEAR(mixture.bet(1.0), -std::log(2.0), 1e-14);
  EXPECT_NEAR(jumper.bet(1.0), 0, 1e-15);
}

TEST(Martingales, GoOnFromTheirState) {
  const auto p = random_p_values(3000, 4, 1.1);
  const auto check = [&](auto martingale) {
    auto twin = martingale;
    const auto all = martingale.bet(Values(p));
    twin.bet(Values(p).subspan(0, 1234));
    auto later = decltype(martingale)(twin.state());
    const auto rest = later.bet(Values(p).subspan(1234, p.size() - 1234));
    EXPECT_TRUE(std::equal(rest.begin(), rest.end(), all.begin() + 1234));
    EXPECT_EQ(later.capital().steps, p.size());
    EXPECT_EQ(later.capital().log_maximum, martingale.capital().log_maximum);
    EXPECT_EQ(martingale.capital().log_maximum, std::max(0.0, *std::max_element(all.begin(), all.end())));
  };
  check(PowerMartingale(0.7));
  check(MixtureMartingale());
  check(JumperMartingale(0.02));
  const std::vector<float> narrow{0.5F, 0.25F};
  EXPECT_EQ(JumperMartingale().bet(Values(narrow)), JumperMartingale().bet(std::vector<double>{0.5, 0.25}));
}

TEST(Martingales, RaiseTheAlarmAtOneOverAlpha) {
  Capital capital{0, std::log(20.0), 3};
  EXPECT_TRUE(has_alarm(capital, 0.05));
  EXPECT_FALSE(has_alarm(capital, 0.0499));
}

TEST(Martingales, RefuseBadInput) {
  PowerMartingale power;
  for (const double bad : {0.0, -0.1, 1.1, double(NAN)}) {
    EXPECT_THROW(power.bet(bad), std::invalid_argument) << bad;
  }
  EXPECT_EQ(message_of([&] { power.bet(0.0); }),
            "[metrics.Martingale.bet] p-value is out of range; got 0; expected a value in (0, 1]");
  EXPECT_EQ(message_of([&] {
              power.bet(std::vector<double>{0.5, 0.0});
            }),
            "[metrics.Martingale.bet] p-values are out of range; got 0 at index 1; expected values in (0, 1]");
  EXPECT_EQ(power.capital().steps, 0U);
  EXPECT_EQ(message_of([] { PowerMartingale(1.0); }),
            "[metrics.PowerMartingale] epsilon is out of range; got 1; expected a value in (0, 1)");
  EXPECT_EQ(message_of([] { JumperMartingale(0.0); }),
            "[metrics.JumperMartingale] jump is out of range; got 0; expected a value in (0, 1]");
  EXPECT_EQ(message_of([] { has_alarm({}, 1.0); }),
            "[metrics.has_alarm] alpha is out of range; got 1; expected a value in (0, 1)");
  EXPECT_EQ(message_of([] {
              PowerMartingale({0.5, {1, 0.5, 3}});
            }),
            "[metrics.Martingale] capital of the state is not possible; got log value 1 and log maximum 0.5 after 3 "
            "steps");
  EXPECT_THROW(PowerMartingale({0.5, {1, 2, 0}}), std::invalid_argument);
  EXPECT_THROW(PowerMartingale({0.5, {NAN, 2, 1}}), std::invalid_argument);
  EXPECT_EQ(message_of([] {
              MixtureMartingale({-1, 0, {}});
            }),
            "[metrics.MixtureMartingale] log_sum of the state is out of range; got -1 and rest 0; expected finite "
            "values, the first at least 0");
  EXPECT_EQ(message_of([] {
              JumperMartingale({0.01, {0.5, 0.5, 0.5}, {}});
            }),
            "[metrics.JumperMartingale] shares of the state must be a distribution; got 0.5, 0.5, 0.5");
}

}  // namespace
}  // namespace oddity::metrics
