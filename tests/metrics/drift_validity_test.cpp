// The guarantees of online p-values, martingales and CUSUM, simulated; each test also runs a wrong variant, which must
// fail.
#include <algorithm>
#include <cmath>
#include <functional>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "oddity/metrics/cusum.h"
#include "oddity/metrics/martingales.h"
#include "oddity/metrics/online_p_values.h"
#include "oddity/metrics/outliers.h"
#include "oddity/metrics/uniformity.h"
#include "tests/metrics/validity.h"

namespace oddity::metrics {
namespace {

using testing::exceeds;
using testing::kSignificance;
using testing::normal;

std::vector<double> normals(std::mt19937_64& random, std::size_t n, double grid = 0) {
  std::vector<double> scores(n);
  for (double& score : scores) {
    score = grid > 0 ? std::round(normal(random) / grid) * grid : normal(random);
  }
  return scores;
}

/// P-values of a stream, given the calibration scores before it.
using PValues = std::function<std::vector<double>(const std::vector<double>& calibration,
                                                  const std::vector<double>& stream, std::uint64_t seed)>;

std::vector<double> growing(const std::vector<double>& calibration, const std::vector<double>& stream,
                            std::uint64_t seed) {
  OnlinePValues online(seed);
  online.prime(Values(calibration));
  return online.add(Values(stream));
}

/// What is wrong: each p-value is uniform, but all lean on the same calibration set.
std::vector<double> fixed_reference(const std::vector<double>& calibration, const std::vector<double>& stream,
                                    std::uint64_t seed) {
  return outlier_p_values(calibration, stream, {PValueKind::smoothed, 0.1, seed, 0}).values;
}

/// What is wrong: the tie of a score with itself is not broken by chance.
std::vector<double> self_tie_kept(const std::vector<double>& calibration, const std::vector<double>& stream,
                                  std::uint64_t) {
  auto p = growing(calibration, stream, 0);
  double t = double(calibration.size());
  for (double& value : p) {
    ++t;
    value = std::min(1.0, std::ceil(value * t) / t);  // rank / t
  }
  return p;
}

TEST(DriftValidity, OnlinePValuesAreUniformAndIndependent) {
  // Streams of 60 after 10 primed scores. Uniform: Kolmogorov-Smirnov over all p-values. Independent: the lag-1
  // products (p_t - 1/2)(p_t+1 - 1/2) are uncorrelated, with variance 1 / 144; their mean is normal for 100000 of them.
  const auto check = [](const char* what, const PValues& p_values, double grid) {
    constexpr std::size_t streams = 2000, length = 60;
    std::mt19937_64 random(21);
    std::vector<double> all;
    double products = 0, pairs = 0;
    for (std::uint64_t s = 0; s < streams; ++s) {
      const auto calibration = normals(random, 10, grid);
      const auto p = p_values(calibration, normals(random, length, grid), s);
      all.insert(all.end(), p.begin(), p.end());
      for (std::size_t t = 1; t < length; ++t) {
        products += (p[t - 1] - 0.5) * (p[t] - 0.5);
        ++pairs;
      }
    }
    const double uniform_p = uniformity_test(all).p_value, z = products * 12 / std::sqrt(pairs);
    const double independent_p = std::erfc(std::abs(z) / std::sqrt(2.0));
    std::cout << "    " << what << ": " << all.size() << " p-values, Kolmogorov-Smirnov p " << uniform_p
              << ", lag-1 correlation " << products * 12 / pairs << ", p " << independent_p << "\n";
    return std::pair(uniform_p >= kSignificance, independent_p >= kSignificance);
  };
  EXPECT_EQ(check("growing reference", growing, 0), std::pair(true, true));
  EXPECT_EQ(check("growing reference, ties", growing, 0.5), std::pair(true, true));
  EXPECT_FALSE(check("fixed reference (wrong)", fixed_reference, 0).second);
  EXPECT_FALSE(check("tie with itself kept (wrong)", self_tie_kept, 0).first);
}

using Make = std::function<std::unique_ptr<Martingale>()>;

struct Bettor {
  const char* name;
  Make make;
};

const std::vector<Bettor>& bettors() {
  static const std::vector<Bettor> all{{"power 0.5", [] { return std::make_unique<PowerMartingale>(0.5); }},
                                       {"power 0.9", [] { return std::make_unique<PowerMartingale>(0.9); }},
                                       {"mixture", [] { return std::make_unique<MixtureMartingale>(); }},
                                       {"jumper", [] { return std::make_unique<JumperMartingale>(); }}};
  return all;
}

/// How many of `runs` streams of exchangeable scores raise an alarm, for each bettor.
std::vector<std::size_t> alarms(const PValues& p_values, std::size_t runs, std::size_t calibration, std::size_t length,
                                double alpha) {
  std::mt19937_64 random(22);
  std::vector<std::size_t> counts(bettors().size());
  for (std::uint64_t run = 0; run < runs; ++run) {
    const auto primed = normals(random, calibration);
    const auto p = p_values(primed, normals(random, length), run);
    for (std::size_t b = 0; b < counts.size(); ++b) {
      const auto martingale = bettors()[b].make();
      martingale->bet(Values(p));
      counts[b] += has_alarm(martingale->capital(), alpha);
    }
  }
  return counts;
}

TEST(DriftValidity, AlarmsAreFalseAtMostAsOftenAsVilleAllows) {
  for (const double alpha : {0.2, 0.01}) {
    constexpr std::size_t runs = 2000;
    const auto right = alarms(growing, runs, 100, 1000, alpha);
    for (std::size_t b = 0; b < right.size(); ++b) {
      EXPECT_FALSE(exceeds(std::string(bettors()[b].name) + ", growing reference", right[b], runs, alpha));
    }
  }
  // A short start, where ranks are coarse.
  const auto from_nothing = alarms(growing, 4000, 0, 40, 0.1);
  for (std::size_t b = 0; b < from_nothing.size(); ++b) {
    EXPECT_FALSE(exceeds(std::string(bettors()[b].name) + ", from the first score", from_nothing[b], 4000, 0.1));
  }
}

TEST(DriftValidity, AFixedReferenceBreaksVille) {
  // 100 calibration parts: each stream sees a level of its own that it bets on until it wins.
  constexpr std::size_t runs = 500;
  constexpr double alpha = 0.01;
  const auto wrong = alarms(fixed_reference, runs, 100, 4000, alpha);
  const auto right = alarms(growing, runs, 100, 4000, alpha);
  for (std::size_t b = 0; b < wrong.size(); ++b) {
    const std::string name = bettors()[b].name;
    EXPECT_FALSE(exceeds(name + ", growing reference", right[b], runs, alpha));
    if (name != "power 0.5") {  // it loses too fast to profit from a small bias
      EXPECT_TRUE(exceeds(name + ", fixed reference (wrong)", wrong[b], runs, alpha));
    }
  }
  const auto tied = alarms(self_tie_kept, 2000, 0, 600, 0.05);
  EXPECT_TRUE(exceeds("jumper, tie with itself kept (wrong)", tied[3], 2000, 0.05));
}

TEST(DriftValidity, CusumRunsAtLeastItsAverageLength) {
  // Mean time to the first alarm, and from there to the next; times above the horizon count as the horizon, which makes
  // the mean smaller. `gain` is added to each bet.
  constexpr double target = 30;
  constexpr std::size_t runs = 1500, horizon = 1000;
  const auto too_short = [&](const Bettor& bettor, double gain) {
    std::mt19937_64 random(23);
    double sum[2] = {0, 0}, squares[2] = {0, 0};
    for (std::uint64_t run = 0; run < runs; ++run) {
      OnlinePValues online(run);
      const auto martingale = bettor.make();
      Cusum cusum(target);
      std::uint64_t began = 0;
      for (int alarm = 0; alarm < 2; ++alarm) {
        std::uint64_t length = 0;
        while (length < horizon && cusum.state().alarms == std::uint64_t(alarm)) {
          ++length;
          cusum.add(martingale->bet(online.add(normal(random))) + gain * double(began + length));
        }
        began += length;
        sum[alarm] += double(length);
        squares[alarm] += double(length) * double(length);
        if (length == horizon) {
          sum[1] += alarm == 0 ? double(horizon) : 0;
          squares[1] += alarm == 0 ? double(horizon) * double(horizon) : 0;
          break;
        }
      }
    }
    bool below = false;
    for (int alarm = 0; alarm < 2; ++alarm) {
      const double mean = sum[alarm] / runs;
      const double error = std::sqrt((squares[alarm] / runs - mean * mean) / runs);
      std::cout << "    " << bettor.name << (gain > 0 ? " with bets that are not fair (wrong)" : "") << ", alarm "
                << alarm + 1 << ": " << runs << " draws, mean run length " << mean << " +- " << error << ", at least "
                << target << "\n";
      below = below || mean < target - 5 * error;
    }
    return below;
  };
  for (const Bettor& bettor : bettors()) {
    EXPECT_FALSE(too_short(bettor, 0));
  }
  EXPECT_TRUE(too_short(bettors()[0], std::log(2.0)));  // p^(epsilon - 1) without its factor epsilon
}

TEST(DriftValidity, CusumRunsAsLongAsItsHeaderSays) {
  // 13 times the average run length with PowerMartingale(0.5); 5 standard errors of 1000 runs are 16 % of it.
  std::mt19937_64 random(24);
  PowerMartingale martingale(0.5);
  Cusum cusum(100);
  while (cusum.state().alarms < 1000) {
    cusum.add(martingale.bet(1 - testing::uniform(random)));
  }
  const double mean = double(cusum.state().latest_alarm) / 1000;
  std::cout << "    mean run length " << mean << " at 100\n";
  EXPECT_NEAR(mean, 1300, 0.16 * 1300);
}

}  // namespace
}  // namespace oddity::metrics
