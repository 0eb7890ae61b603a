// Isotonic calibration and the Venn-Abers predictor that is made of it.
#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "oddity/metrics/calibrators.h"
#include "tests/metrics/calibration_samples.h"

namespace oddity::metrics {
namespace {

using testing::calibration_samples;
using testing::narrow;

using Labels = std::vector<std::uint8_t>;

/// Isotonic regression by its min-max formula: value at a score = max over starts at or below it of the min over ends
/// at or above it of the weighted mean between (Barlow et al. 1972).
double isotonic_at(double score, const std::vector<double>& scores, const Labels& labels,
                   const std::vector<double>& w) {
  double best = -1;
  for (const double start : scores) {
    if (start > score) {
      continue;
    }
    double smallest = 2;
    for (const double end : scores) {
      if (end < score) {
        continue;
      }
      double weight = 0, events = 0;
      for (std::size_t i = 0; i < scores.size(); ++i) {
        if (scores[i] >= start && scores[i] <= end) {
          weight += w[i];
          events += w[i] * labels[i];
        }
      }
      smallest = weight > 0 ? std::min(smallest, events / weight) : smallest;
    }
    best = std::max(best, smallest);
  }
  return best;
}

TEST(Isotonic, by_hand) {
  // Rates 0, 1, 1/2 (two samples at 3), 1: the violators 2 and 3 are pooled to 2/3.
  const std::vector<double> scores{3, 1, 2, 4, 3};
  const Labels y{0, 0, 1, 1, 1};
  const IsotonicCalibrator fitted = fit_isotonic(scores, y);
  EXPECT_EQ(fitted.scores, (std::vector<double>{1, 2, 3, 4}));
  EXPECT_EQ(fitted.probabilities, (std::vector<double>{0, 2.0 / 3, 2.0 / 3, 1}));
  const auto p = fitted.predict(std::vector<double>{-7, 1, 1.5, 2.5, 3.75, 4, 9});
  const double expected[] = {0, 0, 1.0 / 3, 2.0 / 3, 2.0 / 3 + 0.25, 1, 1};
  for (std::size_t i = 0; i < p.size(); ++i) {
    EXPECT_DOUBLE_EQ(p[i], expected[i]) << i;
  }
  EXPECT_EQ(fitted.n_good, 2U);
  EXPECT_EQ(fitted.n_defect, 3U);
}

TEST(Isotonic, agrees_with_scikit_learn) {
  // scikit-learn 1.9.1 IsotonicRegression(out_of_bounds="clip") on scores rounded to whole numbers.
  auto s = calibration_samples();
  for (double& score : s.scores) {
    score = std::nearbyint(score);
  }
  const std::vector<double> at{-20, -3.3, -1.2, -0.5, 0.1, 1.7, 2.4, 9, 30};
  const double plain[] = {0,
                          0.11750000000000001,
                          0.23369565217391303,
                          0.3035117056856187,
                          0.3657051282051282,
                          0.5958333333333333,
                          0.6464285714285715,
                          1,
                          1};
  const double weighted[] = {0,
                             0.12048192771084337,
                             0.23028195255247794,
                             0.3128282435323867,
                             0.38681389365351626,
                             0.6253787878787879,
                             0.6574725274725275,
                             1,
                             1};
  const auto p = fit_isotonic(s.scores, s.y).predict(at);
  const auto q = fit_isotonic(s.scores, s.y, s.w).predict(at);
  EXPECT_EQ(fit_isotonic(s.scores, s.y).scores.size(), 14U);
  EXPECT_EQ(fit_isotonic(s.scores, s.y, s.w).scores.size(), 13U);
  for (std::size_t i = 0; i < at.size(); ++i) {
    EXPECT_NEAR(p[i], plain[i], 1e-14);
    EXPECT_NEAR(q[i], weighted[i], 1e-14);
  }
  EXPECT_EQ(fit_isotonic(narrow(s.scores), s.y).probabilities, fit_isotonic(s.scores, s.y).probabilities);
}

TEST(Isotonic, agrees_with_the_min_max_formula) {
  std::mt19937_64 random(6);
  for (int run = 0; run < 60; ++run) {
    const std::size_t n = 2 + random() % 30;
    std::vector<double> scores(n), w(n);
    Labels y(n);
    for (std::size_t i = 0; i < n; ++i) {
      scores[i] = double(random() % 15) - 7;
      y[i] = random() % 15 < std::uint64_t(scores[i] + 7);
      w[i] = run % 2 == 0 ? 1 : double(random() % 4) / 4;
    }
    y[0] = 0;
    y[1] = 1;
    w[0] = w[1] = 0.5;
    const auto p = fit_isotonic(scores, y, w).predict(scores);
    for (std::size_t i = 0; i < n; ++i) {
      if (w[i] > 0) {
        EXPECT_NEAR(p[i], isotonic_at(scores[i], scores, y, w), 1e-14);
      }
    }
    const auto unweighted = fit_isotonic(scores, y);
    EXPECT_TRUE(std::is_sorted(unweighted.probabilities.begin(), unweighted.probabilities.end()));
    EXPECT_TRUE(std::adjacent_find(unweighted.scores.begin(), unweighted.scores.end(), std::greater_equal<>()) ==
                unweighted.scores.end());
  }
}

TEST(Isotonic, zero_of_both_signs_is_one_score_and_far_scores_do_not_overflow) {
  const std::vector<double> zeros{0.0, -0.0, 0.0, 1};
  const IsotonicCalibrator fitted = fit_isotonic(zeros, Labels{0, 1, 0, 1});
  EXPECT_EQ(fitted.scores.size(), 2U);
  EXPECT_DOUBLE_EQ(fitted.predict(std::vector<double>{-0.0})[0], 1.0 / 3);
  const double far = std::numeric_limits<double>::max();
  const IsotonicCalibrator wide = fit_isotonic(std::vector<double>{-far, far}, Labels{0, 1});
  EXPECT_DOUBLE_EQ(wide.predict(std::vector<double>{0})[0], 0.5);
  EXPECT_EQ(wide.predict(std::vector<double>{far})[0], 1);
}

/// p0 or p1 by the definition: the sample joins the calibration samples with that label.
double venn_abers_at(double score, std::vector<double> scores, Labels labels, std::uint8_t label) {
  scores.push_back(score);
  labels.push_back(label);
  return isotonic_at(score, scores, labels, std::vector<double>(scores.size(), 1));
}

TEST(VennAbers, by_hand) {
  // Good at 1, defect at 2. Below both p0 = 0, p1: pooled with the good one 1/2; between: 0 and 1 (nothing is
  // violated); above: p0 pooled with the defect 1/2, p1 = 1.
  const VennAbersCalibrator fitted = fit_venn_abers(std::vector<double>{1, 2}, Labels{0, 1});
  const auto p = fitted.predict(std::vector<double>{0, 1, 1.5, 2, 3});
  EXPECT_EQ(p.low, (std::vector<double>{0, 0, 0, 0.5, 0.5}));
  EXPECT_EQ(p.high, (std::vector<double>{0.5, 0.5, 1, 1, 1}));
  EXPECT_DOUBLE_EQ(p.probability[0], 0.5 / 1.5);
  EXPECT_DOUBLE_EQ(p.probability[2], 0.5);
  EXPECT_DOUBLE_EQ(p.probability[4], 1 / 1.5);
  EXPECT_EQ(fitted.n_good, 1U);
  EXPECT_EQ(fitted.n_defect, 1U);
}

TEST(VennAbers, agrees_with_refitting_for_every_score) {
  std::mt19937_64 random(1);
  for (int run = 0; run < 150; ++run) {
    const std::size_t n = 1 + random() % 25, steps = 1 + random() % 20;  // few steps: many ties
    std::vector<double> scores(n);
    Labels y(n);
    for (std::size_t i = 0; i < n; ++i) {
      scores[i] = double(random() % steps);
      // Increasing, without relation, and decreasing.
      const double rate = run % 3 == 0   ? (scores[i] + 0.5) / double(steps)
                          : run % 3 == 1 ? 0.4
                                         : 1 - (scores[i] + 0.5) / double(steps);
      y[i] = std::uniform_real_distribution<double>()(random) < rate;
    }
    std::vector<double> at;
    for (std::size_t k = 0; k <= 2 * steps; ++k) {
      at.push_back(double(k) / 2 - 0.5);  // at all scores, between them and outside
    }
    const auto p = fit_venn_abers(scores, y).predict(at);
    for (std::size_t i = 0; i < at.size(); ++i) {
      EXPECT_NEAR(p.low[i], venn_abers_at(at[i], scores, y, 0), 1e-15) << run << " " << at[i];
      EXPECT_NEAR(p.high[i], venn_abers_at(at[i], scores, y, 1), 1e-15) << run << " " << at[i];
      EXPECT_LT(p.low[i], p.high[i]);
      EXPECT_TRUE(p.low[i] <= p.probability[i] && p.probability[i] <= p.high[i]);
    }
    const auto narrowed = fit_venn_abers(narrow(scores), y).predict(narrow(at));
    EXPECT_EQ(narrowed.low, p.low);
    EXPECT_EQ(narrowed.high, p.high);
  }
}

TEST(VennAbers, one_class_alone_is_allowed) {
  // n good parts: a new one that were a defect would be pooled with all that lie above it.
  const auto fitted = fit_venn_abers(std::vector<double>{1, 2, 3, 4}, Labels{0, 0, 0, 0});
  const auto p = fitted.predict(std::vector<double>{0, 2.5, 5});
  EXPECT_EQ(p.low, (std::vector<double>{0, 0, 0}));
  EXPECT_EQ(p.high, (std::vector<double>{1.0 / 5, 1.0 / 3, 1}));
  const auto defects =
      fit_venn_abers(std::vector<double>{1, 2, 3, 4}, Labels{1, 1, 1, 1}).predict(std::vector<double>{0, 2.5, 5});
  EXPECT_EQ(defects.low, (std::vector<double>{0, 2.0 / 3, 4.0 / 5}));
  EXPECT_EQ(defects.high, (std::vector<double>{1, 1, 1}));
}

TEST(VennAbers, agrees_with_the_package_of_its_authors) {
  // venn-abers 1.5.4 calc_p0p1 and calc_probs on the scores rounded to whole numbers.
  auto s = calibration_samples();
  for (double& score : s.scores) {
    score = std::nearbyint(score);
  }
  const std::vector<double> at{-20, -3.3, -1, 0, 0.5, 2.4, 9, 30};
  const auto p = fit_venn_abers(s.scores, s.y).predict(at);
  const double low[] = {0.0,
                        0.09090909090909091,
                        0.25,
                        0.3333333333333333,
                        0.3333333333333333,
                        0.5909090909090909,
                        0.9047619047619048,
                        0.9047619047619048};
  const double high[] = {0.058823529411764705,
                         0.15151515151515152,
                         0.2916666666666667,
                         0.37037037037037035,
                         0.56,
                         0.7058823529411765,
                         1.0,
                         1.0};
  const double merged[] = {0.05555555555555555, 0.14285714285714288, 0.27999999999999997, 0.35714285714285704,
                           0.45652173913043476, 0.6330935251798562,  0.9130434782608695,  0.9130434782608695};
  for (std::size_t i = 0; i < at.size(); ++i) {
    EXPECT_NEAR(p.low[i], low[i], 1e-14);
    EXPECT_NEAR(p.high[i], high[i], 1e-14);
    EXPECT_NEAR(p.probability[i], merged[i], 1e-14);
  }
}

TEST(VennAbers, steps_are_few_and_ascend) {
  std::mt19937_64 random(7);
  std::vector<double> scores(50000);
  Labels y(scores.size());
  for (std::size_t i = 0; i < scores.size(); ++i) {
    scores[i] = std::normal_distribution<double>()(random);
    y[i] = std::uniform_real_distribution<double>()(random) < 1 / (1 + std::exp(-scores[i]));
  }
  const VennAbersCalibrator fitted = fit_venn_abers(scores, y);
  EXPECT_LT(fitted.low_scores.size(), 2000U);  // blocks, not samples
  for (const auto* list : {&fitted.low_scores, &fitted.low_values, &fitted.high_scores, &fitted.high_values}) {
    EXPECT_TRUE(std::adjacent_find(list->begin(), list->end(), std::greater_equal<>()) == list->end());
  }
  // One query is a query of many.
  const std::vector<double> at(scores.begin(), scores.begin() + 9000);
  const auto all = fitted.predict(at);
  for (const std::size_t i : {0U, 4095U, 4096U, 8999U}) {
    EXPECT_EQ(fitted.predict(std::vector<double>{at[i]}).probability[0], all.probability[i]);
  }
}

TEST(VennAbers, filled_in_steps_must_fit) {
  VennAbersCalibrator stored = fit_venn_abers(std::vector<double>{1, 2}, Labels{0, 1});
  stored.low_values.pop_back();
  EXPECT_THROW(stored.predict(std::vector<double>{1}), std::invalid_argument);
}

}  // namespace
}  // namespace oddity::metrics
