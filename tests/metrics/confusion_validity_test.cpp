// Rates of tables: the intervals cover the truth as often as they say. A check fails when its outcome would have a
// probability below kSignificance if the guarantee held; a wrong interval must fail the same check.
#include <array>
#include <cmath>
#include <functional>
#include <iostream>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "oddity/metrics/confusion.h"
#include "oddity/metrics/intervals.h"
#include "tests/metrics/validity.h"

namespace oddity::metrics {
namespace {

using testing::exceeds;

constexpr std::size_t kDraws = 20000;

struct Outcome {
  std::size_t misses = 0, draws = 0;
  double bound = 0;
  bool held() const { return !exceeds(misses, draws, bound); }
};

void print(const std::string& what, const Outcome& right, const Outcome& wrong) {
  std::cout << what << ": draws " << right.draws << ", miss rate " << double(right.misses) / double(right.draws)
            << ", bound " << right.bound << ", wrong variant " << double(wrong.misses) / double(wrong.draws) << '\n';
  ::testing::Test::RecordProperty(what + " misses", std::to_string(right.misses));
  ::testing::Test::RecordProperty(what + " misses of the wrong variant", std::to_string(wrong.misses));
}

/// Probabilities of true class x predicted class, and the true rates that follow.
using Cells = std::array<double, 9>;

double precision_of(const Cells& p) { return p[8] / (p[2] + p[5] + p[8]); }
double recall_of(const Cells& p) { return p[8] / (p[6] + p[7] + p[8]); }
double f1_of(const Cells& p) { return 2 * p[8] / (2 * p[8] + p[2] + p[5] + p[6] + p[7]); }
double accuracy_of(const Cells& p) { return p[0] + p[4] + p[8]; }

using IntervalOf = std::function<Confusion::Rate(const Confusion&)>;

/// How often the interval of `rate` misses the truth when n samples are drawn independently.
Outcome misses(const Cells& cells, std::size_t n, double truth, const IntervalOf& rate, unsigned seed) {
  std::mt19937_64 random(seed);
  Outcome outcome{0, kDraws, 0.05};
  for (std::size_t draw = 0; draw < kDraws; ++draw) {
    std::vector<std::uint64_t> counts(9, 0);
    double left = 1;
    std::size_t remaining = n;
    for (std::size_t c = 0; c < 8; ++c) {  // a multinomial as a chain of binomials
      const double share = std::min(cells[c] / left, 1.0);
      counts[c] = std::binomial_distribution<std::size_t>(remaining, share)(random);
      remaining -= counts[c];
      left -= cells[c];
    }
    counts[8] = remaining;
    const Confusion::Rate interval = rate(Confusion(3, counts));
    outcome.misses += truth < interval.low || truth > interval.high;
  }
  return outcome;
}

TEST(ConfusionValidity, intervals_of_class_rates_cover_the_truth) {
  const Cells balanced{0.25, 0.05, 0.03, 0.04, 0.24, 0.06, 0.05, 0.02, 0.26};
  const Cells rare{0.80, 0.05, 0.02, 0.03, 0.05, 0.01, 0.01, 0.01, 0.02};
  for (const auto& [name, cells, n] :
       {std::tuple{"balanced", balanced, std::size_t(60)}, {"rare", rare, std::size_t(300)}}) {
    const auto check = [&](const std::string& what, double truth, const IntervalOf& right, const IntervalOf& wrong) {
      const Outcome of_right = misses(cells, n, truth, right, 11), of_wrong = misses(cells, n, truth, wrong, 11);
      print(std::string(name) + " " + what, of_right, of_wrong);
      EXPECT_TRUE(of_right.held()) << what;
      EXPECT_FALSE(of_wrong.held()) << what;
    };
    // Wrong: the normal approximation of Wald, which everybody writes first.
    const auto wald = [](Confusion::Rate rate) {
      const double half = 1.959963984540054 * std::sqrt(rate.value * (1 - rate.value) / double(rate.trials));
      rate.low = rate.value - half;
      rate.high = rate.value + half;
      return rate;
    };
    check(
        "precision", precision_of(cells), [](const Confusion& c) { return c.rates(2).precision; },
        [&](const Confusion& c) { return wald(c.rates(2).precision); });
    check(
        "recall", recall_of(cells), [](const Confusion& c) { return c.rates(2).recall; },
        [&](const Confusion& c) { return wald(c.rates(2).recall); });
    // Wrong: every sample counted twice, as by a mask and its mirror image.
    const auto twice = [](Confusion c) {
      c.merge(c);
      return c;
    };
    check(
        "F1", f1_of(cells), [](const Confusion& c) { return c.rates(2).f1; },
        [&](const Confusion& c) { return twice(c).rates(2).f1; });
    check(
        "accuracy", accuracy_of(cells), [](const Confusion& c) { return c.accuracy(); },
        [&](const Confusion& c) { return twice(c).accuracy(); });
  }
}

TEST(ConfusionValidity, weighted_intervals_cover_the_weighted_mean_of_the_probabilities) {
  // One sample in ten carries most of the weight and fails more often: what weights of strata look like.
  constexpr std::size_t n = 80;
  std::vector<double> weights(n), chances(n);
  double truth = 0, sum = 0;
  for (std::size_t i = 0; i < n; ++i) {
    weights[i] = i % 10 == 0 ? 40 : 1;
    chances[i] = i % 10 == 0 ? 0.5 : 0.1;
    truth += weights[i] * chances[i];
    sum += weights[i];
  }
  truth /= sum;
  const auto run = [&](const std::function<void(Confusion::Rate&)>& change) {
    std::mt19937_64 random(5);
    Outcome outcome{0, kDraws, 0.05};
    const std::vector<std::int64_t> defects(n, 1);
    std::vector<std::int64_t> accepted(n);
    for (std::size_t draw = 0; draw < kDraws; ++draw) {
      for (std::size_t i = 0; i < n; ++i) {
        accepted[i] = std::bernoulli_distribution(chances[i])(random);
      }
      Confusion::Rate rate = confusion_matrix(defects, accepted, {.weights = weights}).rates(1).recall;
      change(rate);
      outcome.misses += truth < rate.low || truth > rate.high;
    }
    return outcome;
  };
  const Outcome right = run([](Confusion::Rate&) {});
  // Wrong: the number of samples instead of the effective number.
  const Outcome wrong = run([](Confusion::Rate& rate) {
    const double half = std::sqrt(std::log(2 / 0.05) / (2 * double(rate.trials)));
    rate.low = rate.value - half;
    rate.high = rate.value + half;
  });
  print("weighted recall", right, wrong);
  EXPECT_TRUE(right.held());
  EXPECT_FALSE(wrong.held());
}

}  // namespace
}  // namespace oddity::metrics
