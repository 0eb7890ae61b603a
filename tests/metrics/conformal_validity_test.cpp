// Guarantees of thresholds, regression intervals, weights and streams, simulated; each wrong variant must fail the same
// test. Outcomes with a probability below 1e-6 if the guarantee held fail.
#include <algorithm>
#include <cmath>
#include <functional>
#include <iostream>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "oddity/metrics/adaptive_conformal.h"
#include "oddity/metrics/conformal_quantile.h"
#include "oddity/metrics/cross_conformal.h"
#include "oddity/metrics/regression_intervals.h"
#include "oddity/metrics/uniformity.h"
#include "oddity/metrics/weighted_conformal.h"
#include "tests/metrics/validity.h"

namespace oddity::metrics {
namespace {

using testing::binomial_upper_tail;
using testing::exceeds;
using testing::kSignificance;
using testing::normal;
using testing::uniform;
using List = std::vector<double>;
using Random = std::mt19937_64;

List uniform_scores(Random& random, std::size_t n) {
  List scores(n);
  std::generate(scores.begin(), scores.end(), [&] { return uniform(random); });
  return scores;
}

/// A threshold from calibration scores.
using Threshold = std::function<double(const List&)>;

/// Wrong on purpose: another order statistic.
Threshold of_rank(std::size_t rank) {
  return [=](const List& scores) {
    List sorted = scores;
    std::nth_element(sorted.begin(), sorted.begin() + std::ptrdiff_t(rank - 1), sorted.end());
    return sorted[rank - 1];
  };
}

/// Whether the coverage of calibration sets follows Beta(a, b): Kolmogorov and the mean within 5 standard errors.
/// Scores are uniform, so that the coverage of a threshold is the threshold.
bool follows_law(const std::string& what, std::size_t n, const BetaLaw& law, const Threshold& threshold) {
  constexpr std::size_t draws = 20000;
  Random random(n);
  List transforms(draws);
  double sum = 0;
  for (double& transform : transforms) {
    const double coverage = threshold(uniform_scores(random, n));
    sum += coverage;
    transform = beta_cdf(coverage, law.a, law.b);
  }
  const double total = law.a + law.b;
  const double error = std::sqrt(law.a * law.b / (total * total * (total + 1)) / draws);
  const double z = (sum / draws - law.mean()) / error;
  const double p = uniformity_test(transforms).p_value;
  const bool follows = p >= kSignificance && std::abs(z) <= 5;
  std::cout << "    " << what << ": " << draws << " draws, mean coverage " << sum / draws << ", law " << law.mean()
            << ", z " << z << ", KS p " << p << (follows ? " held" : " REFUTED") << "\n";
  return follows;
}

TEST(ConformalValidity, coverage_follows_its_beta_law) {
  const auto right = [](double alpha) {
    return [=](const List& scores) { return conformal_quantile(scores, alpha).threshold; };
  };
  for (const std::size_t n : {20U, 99U, 100U, 999U}) {
    const ConformalRank rank = conformal_rank(n, 0.1);
    EXPECT_GE(rank.coverage.mean(), 0.9);
    EXPECT_TRUE(follows_law("n " + std::to_string(n), n, rank.coverage, right(0.1)));
    EXPECT_FALSE(follows_law("n " + std::to_string(n) + ", a rank lower", n, rank.coverage, of_rank(rank.rank - 1)));
  }
  const BetaLaw law = conformal_rank(149, 0.18).coverage;
  EXPECT_TRUE(follows_law("n 149, alpha 0.18", 149, law, right(0.18)));
  EXPECT_FALSE(
      follows_law("ceil(150 * 0.82) in floating point", 149, law, of_rank(std::size_t(std::ceil(150 * (1 - 0.18))))));
  EXPECT_FALSE(
      follows_law("ceil(n (1 - alpha)): without the new sample", 100, conformal_rank(100, 0.1).coverage, of_rank(90)));
}

/// Scores on a grid of 20: P(coverage <= c) must not exceed the law's at any c of the grid.
bool ties_keep_the_law(const std::string& what, bool count_ties) {
  constexpr std::size_t n = 99, draws = 20000;
  const ConformalRank rank = conformal_rank(n, 0.1);
  Random random(3);
  std::vector<std::size_t> at_most(21);
  for (std::size_t d = 0; d < draws; ++d) {
    List scores = uniform_scores(random, n);
    std::transform(scores.begin(), scores.end(), scores.begin(), [](double u) { return std::ceil(20 * u); });
    const double threshold = conformal_quantile(scores, 0.1).threshold;
    for (auto c = std::size_t(count_ties ? threshold : threshold - 1); c <= 20; ++c) {
      ++at_most[c];
    }
  }
  bool dominates = true;
  for (std::size_t c = 1; c < 20; ++c) {
    const double bound = rank.coverage.probability_below(double(c) / 20);
    dominates = dominates && binomial_upper_tail(at_most[c], draws, bound) >= kSignificance / 19;
  }
  std::cout << "    " << what << ": " << draws << " draws, the law is " << (dominates ? "dominated" : "NOT dominated")
            << "\n";
  return dominates;
}

TEST(ConformalValidity, ties_only_raise_coverage) {
  EXPECT_TRUE(ties_keep_the_law("ties", true));
  EXPECT_FALSE(ties_keep_the_law("covered only below the threshold", false));
}

/// Calibration sets whose threshold covers less than 1 - alpha.
std::size_t failures(std::size_t n, double alpha, std::optional<double> delta, std::size_t draws) {
  Random random(n + 1);
  std::size_t count = 0;
  for (std::size_t d = 0; d < draws; ++d) {
    count += conformal_quantile(uniform_scores(random, n), alpha, delta).threshold < 1 - alpha;
  }
  return count;
}

TEST(ConformalValidity, training_conditional_thresholds_keep_delta) {
  EXPECT_FALSE(exceeds("PAC n 300", failures(300, 0.05, 0.1, 10000), 10000, 0.1));
  EXPECT_FALSE(exceeds("PAC n 1000", failures(1000, 0.01, 0.05, 5000), 5000, 0.05));
  EXPECT_FALSE(exceeds("PAC at its smallest n, 22", failures(22, 0.1, 0.1, 20000), 20000, 0.1));
  EXPECT_TRUE(exceeds("the marginal threshold", failures(300, 0.05, {}, 10000), 10000, 0.1));
  EXPECT_TRUE(exceeds(
      "a rank below PAC",
      [] {
        Random random(301);
        std::size_t count = 0;
        for (int d = 0; d < 50000; ++d) {
          count += of_rank(conformal_rank(300, 0.05, 0.1).rank - 2)(uniform_scores(random, 300)) < 0.95;
        }
        return count;
      }(),
      50000, 0.1));
}

/// Features, targets and what a model says of them; noise grows with the feature, predicted quantiles are wrong.
struct Measured {
  List y, f, scale, low, high;
  std::vector<std::int64_t> group;
};
Measured measured(Random& random, std::size_t n) {
  Measured data;
  for (std::size_t i = 0; i < n; ++i) {
    const double x = 4 * uniform(random), scale = 0.2 + x;
    data.f.push_back(x);
    data.scale.push_back(scale);
    data.y.push_back(x + scale * normal(random));
    data.low.push_back(x - 0.7 * scale);
    data.high.push_back(x + 0.4 * scale);
    data.group.push_back(x > 3);
  }
  return data;
}

/// Misses of one fresh target after each calibration; n = 59, alpha = 0.2: exactly a fifth of them.
constexpr std::size_t kIntervalDraws = 20000;
std::size_t interval_misses(const std::string& kind, std::optional<std::int64_t> group = {}) {
  Random random(29);
  std::size_t missed = 0;
  for (std::size_t d = 0; d < kIntervalDraws; ++d) {
    const Measured past = measured(random, 59);
    Measured next = measured(random, 1);
    while (group && next.group[0] != *group) {
      next = measured(random, 1);
    }
    const bool scaled = kind == "normalised";
    const Values scales = scaled ? Values(past.scale) : Values(), next_scales = scaled ? Values(next.scale) : Values();
    Intervals result;
    if (kind == "CQR" || kind == "uncalibrated quantiles") {
      const double q = conformal_quantile(quantile_scores(past.low, past.high, past.y), 0.2).threshold;
      result = quantile_intervals(next.low, next.high, List{kind == "CQR" ? q : 0});
    } else {
      const List scores = residual_scores(past.f, past.y, scales);
      const List q = kind == "by group"
                         ? group_conformal_quantiles(scores, past.group, List{0.2}).thresholds(next.group)
                         : List{conformal_quantile(scores, 0.2).threshold};
      result = residual_intervals(next.f, q, next_scales);
    }
    missed += evaluate_intervals(result, next.y).coverage.covered == 0;
  }
  return missed;
}

TEST(ConformalValidity, regression_intervals_cover_what_they_say_and_no_more) {
  for (const std::string kind : {"split", "normalised", "CQR"}) {
    const std::size_t missed = interval_misses(kind);
    EXPECT_FALSE(exceeds("misses of " + kind, missed, kIntervalDraws, 0.2));
    EXPECT_FALSE(exceeds("hits of " + kind, kIntervalDraws - missed, kIntervalDraws, 0.8));
  }
  EXPECT_TRUE(exceeds("uncalibrated quantiles", interval_misses("uncalibrated quantiles"), kIntervalDraws, 0.2));
  for (const std::int64_t group : {0, 1}) {
    EXPECT_FALSE(exceeds("group " + std::to_string(group), interval_misses("by group", group), kIntervalDraws, 0.2));
  }
  EXPECT_TRUE(exceeds("one threshold for the hard group", interval_misses("split", 1), kIntervalDraws, 0.2));
}

/// CV+ with a model that memorises: the target of the nearest training sample. Misses of one fresh sample.
std::size_t cross_misses(std::size_t n, std::size_t folds, double alpha, bool in_fold, std::size_t draws) {
  Random random(31 + folds);
  std::size_t missed = 0;
  for (std::size_t d = 0; d < draws; ++d) {
    const List x = uniform_scores(random, n + 1);
    List y, out;
    std::vector<std::int64_t> fold;
    for (std::size_t i = 0; i <= n; ++i) {
      y.push_back(3 * x[i] + normal(random));
    }
    const auto nearest = [&](double at, std::size_t left_out) {
      std::size_t best = n;
      for (std::size_t i = 0; i < n; ++i) {
        const bool used = i % folds != left_out;
        best = used && (best == n || std::abs(x[i] - at) < std::abs(x[best] - at)) ? i : best;
      }
      return y[best];
    };
    for (std::size_t i = 0; i < n; ++i) {
      fold.push_back(std::int64_t(i % folds));
      out.push_back(nearest(x[i], in_fold ? folds : i % folds));
    }
    List predictions;
    for (std::size_t k = 0; k < folds; ++k) {
      predictions.push_back(nearest(x[n], in_fold ? folds : k));
    }
    const CrossConformal calibration(residual_scores(out, Values(y).subspan(0, n)), fold);
    const Intervals result = cross_conformal_intervals({predictions, 1, folds}, calibration, alpha);
    missed += y[n] < result.low[0] || y[n] > result.high[0];
  }
  return missed;
}

TEST(ConformalValidity, cross_conformal_intervals_keep_their_weaker_guarantee) {
  const auto bound = [](std::size_t n, std::size_t folds) {
    std::vector<std::int64_t> fold;
    for (std::size_t i = 0; i < n; ++i) {
      fold.push_back(std::int64_t(i % folds));
    }
    return 1 - CrossConformal(List(n, 0), fold).guaranteed_coverage(0.1);
  };
  EXPECT_FALSE(exceeds("CV+, 5 folds of 8", cross_misses(40, 5, 0.1, false, 10000), 10000, bound(40, 5)));
  EXPECT_FALSE(exceeds("CV+, 4 uneven folds", cross_misses(42, 4, 0.1, false, 10000), 10000, bound(42, 4)));
  EXPECT_FALSE(exceeds("jackknife+", cross_misses(30, 30, 0.1, false, 4000), 4000, bound(30, 30)));
  EXPECT_TRUE(exceeds("residuals of training samples", cross_misses(40, 5, 0.1, true, 4000), 4000, bound(40, 5)));
}

/// Features uniform in calibration and of density 2 x afterwards; scores grow with the feature.
enum class Shifted { weighted, unweighted, without_mass_at_infinity };
std::size_t shifted_misses(Shifted how, std::size_t n, std::size_t draws) {
  Random random(23);
  std::size_t missed = 0;
  const auto score_of = [&](double x) { return (0.2 + 2 * x) * std::abs(normal(random)); };
  for (std::size_t d = 0; d < draws; ++d) {
    List scores, weights;
    for (std::size_t i = 0; i < n; ++i) {
      const double x = uniform(random);
      scores.push_back(score_of(x));
      weights.push_back(how == Shifted::unweighted ? 1 : 2 * x);
    }
    const double x = std::sqrt(uniform(random));
    const double test_weight = how == Shifted::weighted ? 2 * x : how == Shifted::unweighted ? 1 : 0;
    missed += score_of(x) > WeightedCalibration(scores, weights).thresholds(0.1, List{test_weight}).thresholds[0];
  }
  return missed;
}

TEST(ConformalValidity, weights_make_up_for_a_known_shift) {
  EXPECT_FALSE(exceeds("weighted, n 100", shifted_misses(Shifted::weighted, 100, 40000), 40000, 0.1));
  EXPECT_FALSE(exceeds("weighted, n 15", shifted_misses(Shifted::weighted, 15, 40000), 40000, 0.1));
  EXPECT_TRUE(exceeds("unweighted", shifted_misses(Shifted::unweighted, 100, 40000), 40000, 0.1));
  EXPECT_TRUE(exceeds("no mass at infinity", shifted_misses(Shifted::without_mass_at_infinity, 15, 40000), 40000, 0.1));
}

/// Largest share of the bound that |miss rate - alpha| reaches; above 1 it is broken. The adversary knows everything.
double share_of_bound(const std::string& adversary, double step, std::size_t window) {
  Random random(5);
  AdaptiveConformal adaptive(uniform_scores(random, 200), {.alpha = 0.1, .step = step, .window = window});
  double worst = 0;
  for (std::size_t t = 0; t < 20000; ++t) {
    const double threshold = adaptive.threshold();
    double score = normal(random) + (t / 1000 % 2 == 0 ? 0 : 50);  // "jumps"
    if (adversary == "misses whenever it can") {
      score = std::isfinite(threshold) ? std::nextafter(threshold, HUGE_VAL) : 1e9;
    } else if (adversary == "never misses when it can") {
      score = std::isfinite(threshold) ? threshold : -1e9;
    } else if (adversary == "takes turns") {
      score = t / 500 % 2 == 0 ? 1e9 : -1e9;
    }
    adaptive.update(score);
    worst = std::max(worst, std::abs(adaptive.miss_rate() - 0.1) / adaptive.bound());
  }
  std::cout << "    " << adversary << ", step " << step << ", window " << window << ": 20000 steps, miss rate "
            << adaptive.miss_rate() << ", share of the bound " << worst << (worst <= 1 ? " held" : " EXCEEDED") << "\n";
  return worst;
}

TEST(ConformalValidity, adaptive_bound_holds_against_adversaries) {
  for (const std::string adversary : {"misses whenever it can", "never misses when it can", "takes turns", "jumps"}) {
    for (const double step : {0.005, 0.2}) {
      for (const std::size_t window : {0U, 100U}) {
        EXPECT_LE(share_of_bound(adversary, step, window), 1);
      }
    }
  }
  // A level that is kept inside (0, 1) breaks it: no set is ever full, and every one is missed.
  double level = 0.1, misses = 0, worst = 0;
  for (double t = 1; t <= 20000; ++t) {
    misses += level > 0 ? 1 : 0;
    level = std::clamp(level + 0.005 * (0.1 - 1), 0.05, 0.5);
    worst = std::max(worst, std::abs(misses / t - 0.1) / ((0.9 + 0.005) / (0.005 * t)));
  }
  std::cout << "    level kept in [0.05, 0.5]: 20000 steps, miss rate " << misses / 20000 << ", share of the bound "
            << worst << " EXCEEDED\n";
  EXPECT_GT(worst, 1);
}

}  // namespace
}  // namespace oddity::metrics
