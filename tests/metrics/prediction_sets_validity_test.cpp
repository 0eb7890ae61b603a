// Coverage of prediction sets, simulated; each wrong variant must fail the same test. Outcomes with a probability below
// 1e-6 if the guarantee held fail.
#include <cmath>
#include <functional>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "oddity/metrics/cross_conformal.h"
#include "oddity/metrics/prediction_sets.h"
#include "tests/metrics/validity.h"

namespace oddity::metrics {
namespace {

using testing::exceeds;
using testing::normal;
using testing::uniform;
using Random = std::mt19937_64;

/// Three classes, the last rare and hard, from two cameras, the second one noisy; the model is overconfident.
struct Classified {
  std::vector<double> probabilities;
  std::vector<std::int64_t> classes, cameras;
};
Classified classified(Random& random, std::size_t n) {
  Classified data;
  for (std::size_t i = 0; i < n; ++i) {
    const double u = uniform(random);
    const int label = u < 0.5 ? 0 : u < 0.8 ? 1 : 2;
    const int camera = uniform(random) < 0.7 ? 0 : 1;
    double mass[3], sum = 0;
    for (int c = 0; c < 3; ++c) {
      const double signal = c == label ? (label == 2 ? 0.3 : 2) : 0;
      mass[c] = std::exp(2 * ((camera == 1 ? 0.4 : 1) * signal + normal(random)));
      sum += mass[c];
    }
    for (const double value : mass) {
      data.probabilities.push_back(value / sum);
    }
    data.classes.push_back(label);
    data.cameras.push_back(camera);
  }
  return data;
}

/// Whom a fresh sample is drawn from.
struct Wanted {
  std::int64_t of_class = -1, of_camera = -1;  ///< -1: any
};
using Sets = std::function<PredictionSets(const Classified& past, const Classified& next, std::uint64_t draw)>;

/// Misses of one fresh sample after each calibration with n samples.
constexpr std::size_t kDraws = 8000;
std::size_t misses(std::size_t n, const Wanted& wanted, const Sets& sets_of) {
  Random random(17);
  std::size_t missed = 0;
  for (std::size_t d = 0; d < kDraws; ++d) {
    const Classified past = classified(random, n);
    Classified next = classified(random, 1);
    while ((wanted.of_class >= 0 && next.classes[0] != wanted.of_class) ||
           (wanted.of_camera >= 0 && next.cameras[0] != wanted.of_camera)) {
      next = classified(random, 1);
    }
    missed += !sets_of(past, next, d).contains(0, 0, std::size_t(next.classes[0]));
  }
  return missed;
}

enum class Condition { marginal, by_class, by_camera };
/// Split sets at alpha = 0.1; `lower` moves the thresholds, to show what wrong ones do.
Sets split(SetScore score, Condition condition, double lower = 0, std::optional<double> delta = {}) {
  return [=](const Classified& past, const Classified& next, std::uint64_t draw) {
    SetScore drawn = score;
    drawn.seed = draw;
    const bool camera = condition == Condition::by_camera;
    const std::span<const std::int64_t> none;
    SetThresholds thresholds = calibrate_sets({past.probabilities, past.classes.size(), 3}, past.classes, drawn,
                                              {.class_conditional = condition == Condition::by_class, .delta = delta},
                                              camera ? past.cameras : none);
    for (auto& quantile : thresholds.quantiles.quantiles) {
      quantile.threshold -= lower;
    }
    return prediction_sets({next.probabilities, 1, 3}, thresholds, camera ? next.cameras : none);
  };
}

std::vector<std::pair<std::string, SetScore>> every_score() {
  return {{"LAC", {SetScoreKind::lac, true, {}, 0}},
          {"margin", {SetScoreKind::margin, true, {}, 0}},
          {"APS", {SetScoreKind::aps, true, {}, 0}},
          {"APS, U = 1", {SetScoreKind::aps, false, {}, 0}},
          {"RAPS", {SetScoreKind::raps, true, RankPenalty{0.1, 1}, 0}}};
}

TEST(PredictionSetsValidity, cover_what_they_say_and_no_more) {
  // n = 59: rank 54, coverage exactly 54 / 60; more without U, where many scores are 1.
  for (const auto& [name, score] : every_score()) {
    const std::size_t missed = misses(59, {}, split(score, Condition::marginal));
    EXPECT_FALSE(exceeds("misses of " + name, missed, kDraws, 0.1));
    if (score.randomized) {
      EXPECT_FALSE(exceeds("hits of " + name, kDraws - missed, kDraws, 0.9));
    }
    EXPECT_TRUE(
        exceeds(name + ", threshold 0.05 lower", misses(59, {}, split(score, Condition::marginal, 0.05)), kDraws, 0.1));
  }
}

TEST(PredictionSetsValidity, cover_each_class_and_each_group) {
  for (const auto& [name, score] : every_score()) {
    for (const std::int64_t c : {0, 1, 2}) {
      const std::size_t missed = misses(120, {.of_class = c}, split(score, Condition::by_class));
      EXPECT_FALSE(exceeds(name + ", class " + std::to_string(c), missed, kDraws, 0.1));
    }
    const std::size_t missed = misses(60, {.of_camera = 1}, split(score, Condition::by_camera));
    EXPECT_FALSE(exceeds(name + ", noisy camera", missed, kDraws, 0.1));
  }
  const SetScore lac, margin{SetScoreKind::margin, true, {}, 0};
  EXPECT_TRUE(exceeds("LAC, marginal threshold for the rare class",
                      misses(120, {.of_class = 2}, split(lac, Condition::marginal)), kDraws, 0.1));
  EXPECT_TRUE(exceeds("margin, marginal threshold for the noisy camera",
                      misses(60, {.of_camera = 1}, split(margin, Condition::marginal)), kDraws, 0.1));
}

/// Calibration sets of 200 whose sets cover less than 1 - alpha of 10,000 fresh samples, by more than the 4 standard
/// errors (1.2 %) of that count.
std::size_t failures(std::optional<double> delta, std::size_t draws) {
  Random random(4);
  const Classified many = classified(random, 10000);
  std::size_t failed = 0;
  for (std::uint64_t d = 0; d < draws; ++d) {
    const Classified past = classified(random, 200);
    const auto thresholds = calibrate_sets({past.probabilities, 200, 3}, past.classes, {}, {.delta = delta});
    const auto sets = prediction_sets({many.probabilities, 10000, 3}, thresholds);
    std::size_t covered = 0;
    for (std::size_t i = 0; i < 10000; ++i) {
      covered += sets.contains(0, i, std::size_t(many.classes[i]));
    }
    failed += covered < 8880;
  }
  return failed;
}

TEST(PredictionSetsValidity, keep_delta_over_calibration_sets) {
  EXPECT_FALSE(exceeds("sets with delta", failures(0.1, 400), 400, 0.1));
  EXPECT_TRUE(exceeds("sets without delta", failures({}, 400), 400, 0.1));
}

/// Cross-conformal sets of a model that memorises: the probability of a class falls with the distance to the nearest
/// training sample of it. Misses of one fresh sample.
std::size_t cross_misses(const SetScore& score, std::size_t n, std::size_t folds, double alpha, bool in_fold) {
  Random random(31 + folds);
  std::size_t missed = 0;
  for (std::size_t d = 0; d < kDraws; ++d) {
    std::vector<double> x;
    std::vector<std::int64_t> classes, fold;
    for (std::size_t i = 0; i <= n; ++i) {
      classes.push_back(std::int64_t(3 * uniform(random)));
      x.push_back(0.4 * double(classes[i]) + normal(random));
      fold.push_back(std::int64_t(i % folds));
    }
    const auto append = [&](double at, std::size_t left_out, std::vector<double>& probabilities) {
      double nearest[3] = {4, 4, 4}, sum = 0;
      for (std::size_t i = 0; i < n; ++i) {
        double& distance = nearest[classes[i]];
        distance = i % folds != left_out ? std::min(distance, std::abs(x[i] - at)) : distance;
      }
      for (double& value : nearest) {
        sum += value = std::exp(-10 * value);
      }
      for (const double value : nearest) {
        probabilities.push_back(value / sum);
      }
    };
    std::vector<double> out_of_fold;
    for (std::size_t i = 0; i < n; ++i) {
      append(x[i], in_fold ? folds : i % folds, out_of_fold);
    }
    std::vector<std::vector<double>> predictions(folds);
    std::vector<Matrix> tables;
    for (std::size_t k = 0; k < folds; ++k) {
      append(x[n], in_fold ? folds : k, predictions[k]);
      tables.push_back({predictions[k], 1, 3});
    }
    SetScore drawn = score;
    drawn.seed = d;
    const CrossConformal calibration(set_scores({out_of_fold, n, 3}, std::span(classes).first(n), drawn),
                                     std::span(fold).first(n));
    const std::vector<double> alphas{alpha};
    missed += !cross_conformal_sets(tables, calibration, drawn, alphas).contains(0, 0, std::size_t(classes[n]));
  }
  return missed;
}

TEST(PredictionSetsValidity, cross_conformal_sets_keep_their_weaker_guarantee) {
  const double bound = 0.2 + std::min(2 * 0.9 * 4 / 45, (1 - 5.0 / 40) / 6);
  for (const auto& [name, score] : every_score()) {
    EXPECT_FALSE(exceeds("CV+ sets, " + name, cross_misses(score, 40, 5, 0.1, false), kDraws, bound));
  }
  EXPECT_TRUE(exceeds("scores of training samples", cross_misses({}, 40, 5, 0.1, true), kDraws, bound));
}

}  // namespace
}  // namespace oddity::metrics
