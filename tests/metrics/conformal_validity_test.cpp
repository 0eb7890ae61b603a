// Coverage guarantees of conformal prediction, simulated and held to their bounds; each wrong variant must fail.
#include <algorithm>
#include <cmath>
#include <functional>
#include <iostream>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "oddity/metrics/adaptive_conformal.h"
#include "oddity/metrics/conformal.h"
#include "oddity/metrics/prediction_sets.h"
#include "oddity/metrics/regression_intervals.h"
#include "oddity/metrics/uniformity.h"
#include "oddity/metrics/weighted_conformal.h"
#include "tests/metrics/validity.h"

namespace oddity::metrics {
namespace {

using testing::exceeds;
using testing::kSignificance;
using testing::mean_exceeds;
using testing::normal;
using testing::uniform;

/// Kolmogorov p-value of the coverage of 2,000 calibration sets under Beta(a, b). Uniform scores: the coverage of a
/// threshold is the threshold itself.
double law_p_value(std::size_t n, const ConformalRank& rank, double a, double b, double* mean = nullptr) {
  std::mt19937_64 random(n);
  std::vector<double> transforms(2000), scores(n);
  double sum = 0;
  for (double& transform : transforms) {
    std::generate(scores.begin(), scores.end(), [&] { return uniform(random); });
    const double coverage = conformal_quantile(scores, rank);
    sum += coverage;
    transform = beta_cdf(coverage, a, b);
  }
  if (mean != nullptr) {
    *mean = sum / 2000;
  }
  return uniformity_test(transforms).p_value;
}

TEST(ConformalValidity, CoverageFollowsItsBetaLaw) {
  for (const std::size_t n : {20U, 99U, 100U, 999U}) {
    const ConformalRank rank = conformal_rank(n, 0.1);
    double mean = 0;
    const double p = law_p_value(n, rank, rank.beta_a, rank.beta_b, &mean);
    const double total = double(n) + 1, expected = rank.beta_a / total;
    const double error = std::sqrt(rank.beta_a * rank.beta_b / (total * total * (total + 1)) / 2000);
    std::cout << "    n " << n << ": 2000 draws, KS p " << p << ", mean coverage " << mean << ", expected " << expected
              << "\n";
    EXPECT_GE(p, kSignificance);
    EXPECT_NEAR(mean, expected, 5 * error);
    EXPECT_GE(expected, 0.9 - 1e-12);
    ConformalRank lower = rank;  // ceil(n (1 - alpha)): forgets the new sample
    lower.rank = std::size_t(std::ceil(double(n) * 0.9 - 1e-9)) - (n == 99 ? 1 : 0);
    if (lower.rank < rank.rank) {
      EXPECT_LT(law_p_value(n, lower, rank.beta_a, rank.beta_b), kSignificance) << "rank without the new sample";
    }
  }
}

TEST(ConformalValidity, TiesOnlyRaiseCoverage) {
  // Scores on a grid of 20: coverage must dominate the Beta law: P(coverage <= c) <= BetaCDF(c) at every c of the grid.
  constexpr std::size_t n = 99, draws = 2000;
  const ConformalRank rank = conformal_rank(n, 0.1);
  std::mt19937_64 random(3);
  std::vector<std::size_t> at_most(21);
  std::vector<double> scores(n);
  for (std::size_t d = 0; d < draws; ++d) {
    std::generate(scores.begin(), scores.end(), [&] { return std::ceil(20 * uniform(random)); });
    for (auto c = std::size_t(conformal_quantile(scores, rank)); c <= 20; ++c) {
      ++at_most[c];
    }
  }
  bool dominated = true;
  for (std::size_t c = 1; c < 20; ++c) {
    const double bound = beta_cdf(double(c) / 20, rank.beta_a, rank.beta_b);
    dominated = dominated && (bound >= 1 || testing::binomial_upper_tail(at_most[c], draws, bound) >= kSignificance);
  }
  EXPECT_TRUE(dominated);
}

/// Calibration sets whose threshold covers less than 1 - alpha.
std::size_t failures(std::size_t n, double alpha, const ConformalRank& rank, std::size_t draws) {
  std::mt19937_64 random(n + 1);
  std::vector<double> scores(n);
  std::size_t count = 0;
  for (std::size_t d = 0; d < draws; ++d) {
    std::generate(scores.begin(), scores.end(), [&] { return uniform(random); });
    count += conformal_quantile(scores, rank) < 1 - alpha;
  }
  return count;
}

TEST(ConformalValidity, TrainingConditionalThresholdsKeepDelta) {
  EXPECT_FALSE(exceeds("pac n 300", failures(300, 0.05, conformal_rank_pac(300, 0.05, 0.1), 5000), 5000, 0.1));
  EXPECT_FALSE(exceeds("pac n 1000", failures(1000, 0.01, conformal_rank_pac(1000, 0.01, 0.05), 2000), 2000, 0.05));
  // The marginal threshold promises an average only.
  EXPECT_TRUE(exceeds("marginal rank as pac", failures(300, 0.05, conformal_rank(300, 0.05), 5000), 5000, 0.1));
}

/// Three classes, class 2 rare and hard; probabilities of a model that is overconfident.
struct Classified {
  std::vector<double> probabilities;
  std::vector<std::int64_t> labels;
};
Classified classified(std::mt19937_64& random, std::size_t n) {
  Classified result;
  for (std::size_t i = 0; i < n; ++i) {
    const double u = uniform(random);
    const int label = u < 0.55 ? 0 : u < 0.85 ? 1 : 2;
    double logits[3], sum = 0;
    for (int c = 0; c < 3; ++c) {
      logits[c] = std::exp(2.5 * (normal(random) + (c == label ? (label == 2 ? 0.3 : 1.8) : 0)));
      sum += logits[c];
    }
    for (const double logit : logits) {
      result.probabilities.push_back(logit / sum);
    }
    result.labels.push_back(label);
  }
  return result;
}

/// Misses of the sets for one fresh sample of `label` (any when negative) after each calibration.
constexpr std::size_t kSetDraws = 4000;
std::size_t misses(const SetScoreOptions& options, Conditioning conditioning, std::int64_t label, double shift = 0) {
  std::mt19937_64 random(17);
  std::size_t missed = 0;
  for (std::size_t d = 0; d < kSetDraws; ++d) {
    const Classified data = classified(random, 120);
    SetScoreOptions drawn = options;
    drawn.seed = d;
    auto calibration = calibrate_sets({data.probabilities, 120, 3}, data.labels, 0.1, drawn, conditioning);
    for (double& threshold : calibration.thresholds) {
      threshold -= shift;
    }
    Classified fresh = classified(random, 1);
    while (label >= 0 && fresh.labels[0] != label) {
      fresh = classified(random, 1);
    }
    const auto sets = predict_sets({fresh.probabilities, 1, 3}, calibration);
    missed += !sets.contains(0, std::size_t(fresh.labels[0]));
  }
  return missed;
}

TEST(ConformalValidity, SetsOfEveryScoreCover) {
  const std::vector<std::pair<std::string, SetScoreOptions>> all = {{"lac", {SetScore::lac}},
                                                                    {"aps", {SetScore::aps}},
                                                                    {"aps without U", {SetScore::aps, false}},
                                                                    {"raps", {SetScore::raps, true, 0.1, 1}},
                                                                    {"margin", {SetScore::margin}}};
  for (const auto& [name, options] : all) {
    EXPECT_FALSE(exceeds(name + " marginal", misses(options, Conditioning::marginal, -1), kSetDraws, 0.1));
    EXPECT_FALSE(exceeds(name + " rare class", misses(options, Conditioning::by_class, 2), kSetDraws, 0.1));
  }
  EXPECT_TRUE(exceeds("marginal threshold for the rare class", misses({SetScore::lac}, Conditioning::marginal, 2),
                      kSetDraws, 0.1));
  EXPECT_TRUE(
      exceeds("threshold a little lower", misses({SetScore::aps}, Conditioning::marginal, -1, 0.05), kSetDraws, 0.1));
}

/// Misses of one fresh sample whose covariate is drawn from a shifted law; the score grows with the covariate.
std::size_t shifted_misses(bool weighted, std::size_t draws) {
  std::mt19937_64 random(23);
  std::size_t missed = 0;
  std::vector<double> scores(100), weights(100);
  for (std::size_t d = 0; d < draws; ++d) {
    // Calibration: x uniform on (0, 1). Production: density 2 x. The likelihood ratio is 2 x.
    for (std::size_t i = 0; i < scores.size(); ++i) {
      const double x = uniform(random);
      scores[i] = (0.2 + 2 * x) * std::abs(normal(random));
      weights[i] = weighted ? 2 * x : 1;
    }
    const double x = std::sqrt(uniform(random));
    const double score = (0.2 + 2 * x) * std::abs(normal(random));
    const std::vector<double> test{weighted ? 2 * x : 1};
    missed += score > weighted_conformal_thresholds(scores, weights, test, 0.1).thresholds[0];
  }
  return missed;
}

TEST(ConformalValidity, WeightsMakeUpForAKnownShift) {
  EXPECT_FALSE(exceeds("weighted under shift", shifted_misses(true, 20000), 20000, 0.1));
  EXPECT_TRUE(exceeds("unweighted under shift", shifted_misses(false, 20000), 20000, 0.1));
}

TEST(ConformalValidity, RegressionIntervalsCover) {
  const auto run = [](const std::string& kind, std::size_t draws) {
    std::mt19937_64 random(29);
    std::size_t missed = 0;
    for (std::size_t d = 0; d < draws; ++d) {
      std::vector<double> y(60), mu(60), scale(60), low(60), high(60);
      for (std::size_t i = 0; i < y.size(); ++i) {
        mu[i] = 4 * uniform(random);
        scale[i] = 0.2 + mu[i];
        y[i] = mu[i] + scale[i] * normal(random);
        low[i] = mu[i] - 0.7 * scale[i], high[i] = mu[i] + 0.4 * scale[i];  // wrong quantiles
      }
      const Values v_y(y), v_mu(mu), v_scale(scale), v_low(low), v_high(high);
      const auto calibration = [](Values values) { return values.subspan(0, 59); };
      const auto fresh = [](Values values) { return values.subspan(59, 1); };
      ConformalIntervals result;
      if (kind == "normalised") {
        result = split_intervals(calibration(v_y), calibration(v_mu), fresh(v_mu), 0.2, calibration(v_scale),
                                 fresh(v_scale));
      } else if (kind == "quantile regression") {
        result = quantile_regression_intervals(calibration(v_y), calibration(v_low), calibration(v_high), fresh(v_low),
                                               fresh(v_high), 0.2);
      } else {
        result = split_intervals(calibration(v_y), calibration(v_mu), fresh(v_mu), 0.2);
      }
      const double widen = kind == "uncalibrated quantiles" ? 0 : 1;
      missed += widen == 0 ? (y[59] < low[59] || y[59] > high[59]) : (y[59] < result.low[0] || y[59] > result.high[0]);
    }
    return exceeds("intervals " + kind, missed, draws, 0.2);
  };
  EXPECT_FALSE(run("split", 20000));
  EXPECT_FALSE(run("normalised", 20000));
  EXPECT_FALSE(run("quantile regression", 20000));
  EXPECT_TRUE(run("uncalibrated quantiles", 20000));
}

/// CV+ with the mean of the other folds as model: coverage of one fresh target after each calibration.
std::size_t cross_misses(bool in_fold, double alpha, std::size_t draws) {
  constexpr std::size_t n = 40, count = 10;
  std::mt19937_64 random(31);
  std::size_t missed = 0;
  for (std::size_t d = 0; d < draws; ++d) {
    std::vector<double> y(n + 1), out(n), means(count);
    std::generate(y.begin(), y.end(), [&] { return normal(random); });
    std::vector<std::int64_t> folds(n);
    for (std::size_t k = 0; k < count; ++k) {
      // A model that memorises: the value of the nearest training sample, here a mix of the mean and the largest.
      double sum = 0, largest = -10;
      for (std::size_t i = 0; i < n; ++i) {
        folds[i] = std::int64_t(i % count);
        if (i % count != k) {
          sum += y[i];
          largest = std::max(largest, y[i]);
        }
      }
      means[k] = 0.5 * sum / double(n - n / count) + 0.5 * largest;
    }
    for (std::size_t i = 0; i < n; ++i) {
      out[i] = in_fold ? y[i] * 0.9 + 0.1 * means[0] : means[i % count];
    }
    const auto result = cross_conformal_intervals(Values(y).subspan(0, n), out, folds, {means, 1, count}, alpha);
    missed += y[n] < result.low[0] || y[n] > result.high[0];
  }
  return missed;
}

TEST(ConformalValidity, CrossConformalKeepsItsOwnWeakerGuarantee) {
  const double slack = std::min(2 * (1 - 1.0 / 10) / (40.0 / 10 + 1), (1 - 10.0 / 40) / 11);
  EXPECT_FALSE(exceeds("CV+ at 2 alpha", cross_misses(false, 0.15, 10000), 10000, 0.3 + slack));
  EXPECT_TRUE(exceeds("residuals of trained samples", cross_misses(true, 0.15, 10000), 10000, 0.3 + slack));
}

TEST(ConformalValidity, AdaptiveBoundHoldsAgainstAnAdversary) {
  // The adversary misses whenever a set can miss: the worst stream there is.
  for (const double gamma : {0.005, 0.05}) {
    AdaptiveConformal adaptive(0.1, gamma);
    std::size_t fixed_errors = 0;
    double worst = 0;
    for (std::size_t t = 1; t <= 20000; ++t) {
      const bool misses = !adaptive.everything();
      adaptive.update(misses);
      ++fixed_errors;  // a fixed alpha is missed every time
      worst = std::max(worst, std::abs(adaptive.mean_error() - 0.1) / adaptive.bound());
      ASSERT_LE(std::abs(adaptive.mean_error() - 0.1), adaptive.bound() * (1 + 1e-12));
    }
    std::cout << "    gamma " << gamma << ": 20000 steps, mean error " << adaptive.mean_error()
              << ", largest share of the "
              << "bound used " << worst << "\n";
    EXPECT_GT(std::abs(double(fixed_errors) / 20000 - 0.1), adaptive.bound()) << "a fixed alpha must break the bound";
  }
}

}  // namespace
}  // namespace oddity::metrics
