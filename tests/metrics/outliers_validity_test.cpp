// The guarantees of outlier p-values and of what is decided with them, simulated; each test also runs a wrong variant,
// which must fail.
#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "oddity/metrics/false_discovery.h"
#include "oddity/metrics/false_discovery_bounds.h"
#include "oddity/metrics/outliers.h"
#include "oddity/metrics/uniformity.h"
#include "tests/metrics/validity.h"

namespace oddity::metrics {
namespace {

using testing::exceeds;
using testing::kSignificance;
using testing::mean_exceeds;
using testing::normal;
using testing::uniform;

std::vector<double> normals(std::mt19937_64& random, std::size_t n, double shift = 0, double grid = 0) {
  std::vector<double> scores(n);
  for (double& score : scores) {
    score = normal(random) + shift;
    score = grid > 0 ? std::round(score / grid) * grid : score;
  }
  return scores;
}

TEST(OutliersValidity, SmoothedPValuesAreUniform) {
  // One part for each calibration set of 20: independent p-values.
  const auto ks = [](double grid, bool self_tie_randomised) {
    std::mt19937_64 random(11);
    std::vector<double> values(20000);
    for (std::size_t i = 0; i < values.size(); ++i) {
      const auto calibration = normals(random, 20, 0, grid), score = normals(random, 1, 0, grid);
      if (self_tie_randomised) {
        values[i] = outlier_p_values(calibration, score, {PValueKind::smoothed, 0.1, 1, i}).values[0];
      } else {
        double greater = 0, equal = 0;
        for (const double c : calibration) {
          greater += c > score[0];
          equal += c == score[0];
        }
        values[i] = (1 + greater + uniform(random) * equal) / 21;
      }
    }
    const double p = uniformity_test(values).p_value;
    std::cout << "    smoothed, grid " << grid << (self_tie_randomised ? "" : ", tie with itself not randomised")
              << ": 20000 draws, Kolmogorov-Smirnov p " << p << "\n";
    return p;
  };
  EXPECT_GE(ks(0, true), kSignificance);
  EXPECT_GE(ks(0.5, true), kSignificance);  // ties
  EXPECT_LT(ks(0, false), kSignificance);
}

TEST(OutliersValidity, ConditionalPValuesHoldGivenTheCalibrationSet) {
  // P(p <= b_k | calibration) is the chance of a score above the k-th largest calibration score: Phi of its negative.
  constexpr std::size_t draws = 20000, n = 100;
  constexpr double delta = 0.1;
  const auto broken = [](PValueKind kind) {
    std::mt19937_64 random(12);
    std::size_t count = 0;
    for (std::size_t i = 0; i < draws; ++i) {
      const auto calibration = normals(random, n);
      // Just above each calibration score: the smallest scores that get this p-value.
      auto scores = calibration;
      for (double& score : scores) {
        score = std::nextafter(score, INFINITY);
      }
      const auto p = outlier_p_values(calibration, scores, {kind, delta, 0, 0}).values;
      bool kept = true;
      for (std::size_t j = 0; j < n; ++j) {
        kept = kept && 0.5 * std::erfc(calibration[j] / std::sqrt(2.0)) <= p[j];
      }
      count += !kept;
    }
    return count;
  };
  EXPECT_FALSE(exceeds("simes", broken(PValueKind::simes), draws, delta));
  EXPECT_FALSE(exceeds("dkwm", broken(PValueKind::dkwm), draws, delta));
  EXPECT_TRUE(exceeds("marginal (wrong)", broken(PValueKind::marginal), draws, delta));
}

using Decide =
    std::function<std::vector<std::uint8_t>(const std::vector<double>& calibration, const std::vector<double>&)>;

struct Parts {
  std::size_t calibration = 500, tested = 500;
};

/// Whether the mean share of good parts among those declared outliers is above the bound.
bool discovers_falsely(const std::string& what, double good_share, double bound, const Decide& decide,
                       const Parts& parts = {}) {
  const std::size_t n = parts.tested;
  constexpr std::size_t draws = 1500;
  std::mt19937_64 random(13);
  double sum = 0, squares = 0, power = 0;
  const auto good = std::size_t(std::lround(good_share * n));
  for (std::size_t i = 0; i < draws; ++i) {
    const auto calibration = normals(random, parts.calibration);
    auto scores = normals(random, good);
    const auto outliers = normals(random, n - good, 3);
    scores.insert(scores.end(), outliers.begin(), outliers.end());
    const auto rejected = decide(calibration, scores);
    const double wrong = std::accumulate(rejected.begin(), rejected.begin() + std::ptrdiff_t(good), 0.0);
    const double all = std::accumulate(rejected.begin(), rejected.end(), 0.0);
    const double share = all > 0 ? wrong / all : 0;
    sum += share;
    squares += share * share;
    power += good < n ? (all - wrong) / double(n - good) / draws : 0;
  }
  std::cout << "    outliers found: " << power << "\n";
  return mean_exceeds(what + ", share of good parts " + std::to_string(good_share), sum, squares, draws, bound);
}

TEST(OutliersValidity, FalseDiscoveryRateOfConformalPValuesIsKept) {
  constexpr double level = 0.1;
  const auto marginal = [](const auto& calibration, const auto& scores) {
    return outlier_p_values(calibration, scores).values;
  };
  const Decide bh = [&](const auto& calibration, const auto& scores) {
    return benjamini_hochberg(marginal(calibration, scores), level).rejected;
  };
  const Decide by = [&](const auto& calibration, const auto& scores) {
    return benjamini_yekutieli(marginal(calibration, scores), level).rejected;
  };
  const Decide adaptive = [&](const auto& calibration, const auto& scores) {
    return storey(marginal(calibration, scores), level, 251.0 / 501).rejected;
  };
  const Decide adaptive_fine = [&](const auto& calibration, const auto& scores) {
    return storey(marginal(calibration, scores), level, 0.5).rejected;
  };
  for (const double share : {1.0, 0.9, 0.5}) {
    EXPECT_FALSE(discovers_falsely("Benjamini-Hochberg", share, level * share, bh));
    EXPECT_FALSE(discovers_falsely("Benjamini-Yekutieli", share, level * share, by));
    EXPECT_FALSE(discovers_falsely("Storey", share, level, adaptive));
  }
  // 500 calibration parts cannot reject fewer than 10 of 500. With enough of them, and good parts only, the rate is
  // sharp.
  constexpr Parts fine{1999, 100};
  EXPECT_FALSE(discovers_falsely("Benjamini-Hochberg, 1999 for 100", 1, level, bh, fine));
  EXPECT_FALSE(discovers_falsely("Storey, 1999 for 100", 1, level, adaptive_fine, fine));
  const Decide without_itself = [&](const auto& calibration, const auto& scores) {
    auto p = marginal(calibration, scores);
    for (double& value : p) {
      value = (std::round(value * 501) - 1) / 500;
    }
    return benjamini_hochberg(p, level).rejected;
  };
  EXPECT_TRUE(discovers_falsely("wrong: p-value without the part itself", 1, level, without_itself));
  const Decide uncorrected = [&](const auto& calibration, const auto& scores) {
    const auto p = marginal(calibration, scores);
    std::vector<std::uint8_t> rejected(p.size());
    std::transform(p.begin(), p.end(), rejected.begin(), [](double value) { return value <= level; });
    return rejected;
  };
  EXPECT_TRUE(discovers_falsely("wrong: every p-value at the level", 0.9, level * 0.9, uncorrected));
  const Decide wrong_share = [&](const auto& calibration, const auto& scores) {
    // The share of p-values above lambda, not divided by 1 - lambda.
    const auto p = marginal(calibration, scores);
    const double share = storey(p, level, 0.5).null_share * (1 - 0.5);
    return benjamini_hochberg(p, std::min(0.99, level / share)).rejected;
  };
  EXPECT_TRUE(discovers_falsely("wrong: share of good parts without 1 - lambda", 1, level, wrong_share, fine));
}

TEST(OutliersValidity, BenjaminiYekutieliHoldsUnderTheWorstDependence) {
  // Guo and Rao (2008): with probability a / j for j = 1..n a random j of n p-values fall into ((j - 1) a / n, j a /
  // n], the others and all else above a. Each p-value is uniform; Benjamini-Hochberg at a rejects with probability a (1
  // + 1/2 + ... + 1/n), and all it rejects are good parts.
  constexpr std::size_t n = 50, draws = 20000;
  constexpr double level = 0.2;
  double harmonic = 0;
  for (std::size_t i = 1; i <= n; ++i) {
    harmonic += 1 / double(i);
  }
  const auto rejections = [&](double a, const auto& decide) {
    std::mt19937_64 random(14);
    std::size_t count = 0;
    for (std::size_t draw = 0; draw < draws; ++draw) {
      double at = uniform(random) - a;
      std::size_t j = 1;
      while (at >= 0 && j < n) {
        at -= a / double(++j);
      }
      std::vector<double> p(n);
      for (double& value : p) {
        value = a + (1 - a) * (1 - uniform(random));
      }
      if (at < 0) {
        for (std::size_t i = 0; i < j; ++i) {
          p[i] = a / double(n) * (double(j) - uniform(random));
        }
        std::shuffle(p.begin(), p.end(), random);
      }
      count += decide(p) > 0;
    }
    return count;
  };
  const auto by = [](const std::vector<double>& p) { return benjamini_yekutieli(p, level).count; };
  const auto bh = [](const std::vector<double>& p) { return benjamini_hochberg(p, level).count; };
  EXPECT_FALSE(exceeds("Benjamini-Yekutieli", rejections(level / harmonic, by), draws, level));
  EXPECT_FALSE(exceeds("Benjamini-Yekutieli, level / n", rejections(level, by), draws, level));
  EXPECT_TRUE(exceeds("Benjamini-Hochberg (wrong)", rejections(level, bh), draws, level));
}

TEST(OutliersValidity, FalseDiscoveryBoundsHoldForAllSelectionsAtOnce) {
  constexpr std::size_t n = 200, draws = 4000;
  constexpr double delta = 0.1;
  using Bounds = std::function<std::vector<double>(const std::vector<double>& sorted)>;
  const auto broken = [](double good_share, std::size_t calibration_size, const Bounds& bounds) {
    std::mt19937_64 random(15);
    const auto good = std::size_t(std::lround(good_share * n));
    std::size_t count = 0;
    for (std::size_t draw = 0; draw < draws; ++draw) {
      const auto calibration = normals(random, calibration_size);
      auto scores = normals(random, good);
      const auto outliers = normals(random, n - good, 3);
      scores.insert(scores.end(), outliers.begin(), outliers.end());
      const auto p = outlier_p_values(calibration, scores).values;
      std::vector<std::size_t> order(n);
      std::iota(order.begin(), order.end(), 0U);
      // Of equal p-values the good parts first: the worst selection.
      std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return p[a] < p[b]; });
      std::vector<double> sorted(n);
      std::transform(order.begin(), order.end(), sorted.begin(), [&](std::size_t i) { return p[i]; });
      const auto limit = bounds(sorted);
      std::size_t wrong = 0;
      bool held = true;
      for (std::size_t k = 0; k < n; ++k) {
        wrong += order[k] < good;
        held = held && double(wrong) <= limit[k];
      }
      count += !held;
    }
    return count;
  };
  const Bounds simultaneous = [](const std::vector<double>& sorted) {
    const auto bounds = false_discovery_bounds(sorted, delta).false_discoveries;
    return std::vector<double>(bounds.begin(), bounds.end());
  };
  for (const double share : {1.0, 0.9, 0.5}) {
    EXPECT_FALSE(exceeds("simultaneous, share of good parts " + std::to_string(share),
                         broken(share, 2000, simultaneous), draws, delta));
  }
  EXPECT_FALSE(exceeds("simultaneous, 60 calibration parts", broken(0.9, 60, simultaneous), draws, delta));
  // The 1 - delta quantile of the number of good parts below each p-value, taken one by one.
  const Bounds one_by_one = [](const std::vector<double>& sorted) {
    std::vector<double> limit(n);
    for (std::size_t k = 0; k < n; ++k) {
      double probability = std::pow(1 - sorted[k], double(n)), sum = probability;
      while (sum < 1 - delta && limit[k] < double(n) && sorted[k] < 1) {
        probability *= (double(n) - limit[k]) / (limit[k] + 1) * sorted[k] / (1 - sorted[k]);
        ++limit[k];
        sum += probability;
      }
      limit[k] = sorted[k] < 1 ? limit[k] : double(n);
    }
    return limit;
  };
  EXPECT_TRUE(exceeds("one by one (wrong)", broken(1, 2000, one_by_one), draws, delta));
}

}  // namespace
}  // namespace oddity::metrics
