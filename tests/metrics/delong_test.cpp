#include "oddity/metrics/delong.h"

#include <cmath>
#include <limits>
#include <random>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "oddity/metrics/intervals.h"
#include "oddity/metrics/ranking.h"

namespace oddity::metrics {
namespace {

using testing::HasSubstr;
using testing::ThrowsMessage;

struct Data {
  std::vector<double> a, b;
  std::vector<std::uint8_t> labels;
};

Data random_data(unsigned seed, std::size_t n, double grid) {
  std::mt19937 random(seed);
  std::normal_distribution<double> normal;
  Data data;
  for (std::size_t i = 0; i < n; ++i) {
    const auto label = std::uint8_t(i < 3 ? i % 2 : random() % 3 == 0);
    const double common = normal(random);
    const auto score = [&](double shift) {
      const double value = common + 0.7 * normal(random) + shift * label;
      return grid > 0 ? std::round(value / grid) * grid : value;
    };
    data.labels.push_back(label);
    data.a.push_back(score(1.2));
    data.b.push_back(score(0.5));
  }
  return data;
}

double wins(double defect, double good) { return defect > good ? 1 : defect == good ? 0.5 : 0; }

/// Components by all pairs, in the order of the samples: defects with those of `labels` 1, then good ones.
struct Components {
  std::vector<double> defect, good;
  double auroc = 0;
};

Components by_all_pairs(const std::vector<double>& scores, const std::vector<std::uint8_t>& labels) {
  Components components;
  for (std::size_t i = 0; i < scores.size(); ++i) {
    double sum = 0, others = 0;
    for (std::size_t j = 0; j < scores.size(); ++j) {
      if (labels[j] != labels[i]) {
        sum += labels[i] != 0 ? wins(scores[i], scores[j]) : wins(scores[j], scores[i]);
        ++others;
      }
    }
    (labels[i] != 0 ? components.defect : components.good).push_back(sum / others);
  }
  for (const double share : components.defect) {
    components.auroc += share / double(components.defect.size());
  }
  return components;
}

/// Covariance of two lists with known means, divided by their length.
double covariance_of_means(const std::vector<double>& x, double mean_x, const std::vector<double>& y, double mean_y) {
  double sum = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    sum += (x[i] - mean_x) * (y[i] - mean_y);
  }
  return sum / double(x.size() - 1) / double(x.size());
}

double covariance(const Components& x, const Components& y) {
  return covariance_of_means(x.defect, x.auroc, y.defect, y.auroc) +
         covariance_of_means(x.good, x.auroc, y.good, y.auroc);
}

TEST(DelongAuroc, agrees_with_the_definition_by_all_pairs) {
  for (unsigned seed = 0; seed < 30; ++seed) {
    const Data data = random_data(seed, 20 + 7 * seed, seed % 3 == 0 ? 0 : 0.25 * (seed % 3));
    const Components pairs = by_all_pairs(data.a, data.labels);
    const DelongAuroc ours = delong_auroc(data.a, data.labels, 0.9);
    EXPECT_NEAR(ours.value, pairs.auroc, 1e-14);
    EXPECT_NEAR(ours.standard_error, std::sqrt(covariance(pairs, pairs)), 1e-13);
    EXPECT_EQ(ours.value, Ranking(data.a, data.labels).auroc());  // both from exact integers
    EXPECT_EQ(ours.n_good, pairs.good.size());
    EXPECT_EQ(ours.n_defect, pairs.defect.size());
    if (ours.value < 1) {
      const double logit = std::log(ours.value / (1 - ours.value));
      const double half = normal_quantile(0.95) * ours.standard_error / (ours.value * (1 - ours.value));
      EXPECT_NEAR(std::log(ours.low / (1 - ours.low)), logit - half, 1e-10);
      EXPECT_NEAR(std::log(ours.high / (1 - ours.high)), logit + half, 1e-10);
    }
  }
}

TEST(DelongAuroc, reads_float32_and_large_inputs_alike) {
  // Multiples of 1/64 are the same numbers in float32; 20000 samples take the radix path, with long runs of ties.
  const Data data = random_data(5, 20000, 1.0 / 64);
  const std::vector<float> narrow(data.a.begin(), data.a.end());
  const DelongAuroc wide = delong_auroc(data.a, data.labels), same = delong_auroc(narrow, data.labels);
  EXPECT_EQ(wide.value, same.value);
  EXPECT_EQ(wide.standard_error, same.standard_error);
  // Scores that share their leading 32 bits are still told apart.
  std::vector<double> close(data.a);
  for (double& score : close) {
    score = 1 + score * 1e-12;
  }
  std::vector<double> spread(close);
  for (double& score : spread) {
    score = (score - 1) * 1e12;
  }
  EXPECT_EQ(delong_auroc(close, data.labels).standard_error, delong_auroc(spread, data.labels).standard_error);
  EXPECT_EQ(delong_auroc(close, data.labels).value, Ranking(close, data.labels).auroc());
}

TEST(DelongAuroc, intervals_where_the_variance_says_nothing) {
  const std::vector<double> scores{1, 2, 3, 4, 5};
  const DelongAuroc perfect = delong_auroc(scores, std::vector<std::uint8_t>{0, 0, 0, 1, 1});
  EXPECT_EQ(perfect.standard_error, 0);
  EXPECT_NEAR(perfect.low, std::pow(0.025, 0.5), 1e-15);
  EXPECT_EQ(perfect.high, 1);
  const DelongAuroc single = delong_auroc(scores, std::vector<std::uint8_t>{0, 0, 1, 0, 0});
  EXPECT_TRUE(std::isnan(single.standard_error));
  EXPECT_EQ(single.low, 0);
  EXPECT_EQ(single.high, 1);
  const DelongAuroc tied = delong_auroc(std::vector<double>(8, 2.0), std::vector<std::uint8_t>{0, 1, 0, 1, 0, 1, 0, 1});
  EXPECT_EQ(tied.value, 0.5);
  EXPECT_EQ(tied.standard_error, 0);
  EXPECT_EQ(tied.low, 0.0);  // Hoeffding for 4 pairs: half width 0.68
}

TEST(DelongTest, agrees_with_the_definition_by_all_pairs) {
  for (unsigned seed = 0; seed < 30; ++seed) {
    const Data data = random_data(100 + seed, 20 + 7 * seed, seed % 3 == 0 ? 0 : 0.25 * (seed % 3));
    const Components a = by_all_pairs(data.a, data.labels), b = by_all_pairs(data.b, data.labels);
    const double variance = covariance(a, a) + covariance(b, b) - 2 * covariance(a, b);
    const DelongTest test = delong_test(data.a, data.b, data.labels, 0.9);
    EXPECT_NEAR(test.difference, a.auroc - b.auroc, 1e-14);
    EXPECT_NEAR(test.standard_error, std::sqrt(variance), 1e-12);
    EXPECT_NEAR(test.statistic, (a.auroc - b.auroc) / std::sqrt(variance), 1e-10);
    EXPECT_NEAR(test.p_value, std::erfc(std::abs(test.statistic) / std::sqrt(2.0)), 1e-12);
    const double half = normal_quantile(0.95) * std::sqrt(variance);
    EXPECT_NEAR(test.low, std::max(-1.0, test.difference - half), 1e-12);
    EXPECT_NEAR(test.high, std::min(1.0, test.difference + half), 1e-12);
  }
}

TEST(DelongTest, agrees_with_mlstatkit) {
  // MLstatkit 0.1.91 Delong_test: |z| 1.393746295289133, p 0.16339423080314575, var_diff 0.01775510204081633.
  const std::vector<double> a{.1, .9, .4, .35, .8, .2, .6, .7, .3, .55, .4, .05};
  const std::vector<double> b{.3, .6, .5, .5, .9, .1, .7, .4, .2, .45, .8, .35};
  const std::vector<std::uint8_t> labels{0, 1, 0, 1, 1, 0, 0, 1, 0, 1, 0, 0};
  const DelongTest test = delong_test(a, b, labels);
  EXPECT_NEAR(test.auroc_a, 0.8857142857142857, 1e-15);
  EXPECT_NEAR(test.auroc_b, 0.7, 1e-15);
  EXPECT_NEAR(test.standard_error * test.standard_error, 0.01775510204081633, 1e-15);
  EXPECT_NEAR(test.statistic, 1.393746295289133, 1e-12);
  EXPECT_NEAR(test.p_value, 0.16339423080314575, 1e-12);
  const DelongTest other_way = delong_test(b, a, labels);
  EXPECT_EQ(other_way.p_value, test.p_value);
  EXPECT_EQ(other_way.low, -test.high);
}

TEST(DelongTest, a_difference_without_variance_is_bounded_by_pairs) {
  const Data data = random_data(1, 60, 0);
  const DelongTest same = delong_test(data.a, data.a, data.labels);
  EXPECT_EQ(same.difference, 0);
  EXPECT_EQ(same.standard_error, 0);
  EXPECT_EQ(same.p_value, 1);
  EXPECT_LT(same.low, 0);
  // One good part more below every defect, one defect more above every good part: all components differ by 1/3, which
  // no double holds exactly. The rounding must not pass for a variance.
  const std::vector<double> b{1, 2, 3, 4, 5, 6}, a{2, 1, 4, 3, 6, 5};
  const std::vector<std::uint8_t> labels{1, 0, 1, 0, 1, 0};
  const DelongTest shifted = delong_test(a, b, labels);
  EXPECT_NEAR(shifted.difference, 1.0 / 3, 1e-15);
  EXPECT_EQ(shifted.standard_error, 0);
  EXPECT_TRUE(std::isnan(shifted.statistic));
  EXPECT_EQ(shifted.p_value, 1);  // 2 exp(-3 / 18) > 1
  EXPECT_EQ(shifted.low, -1);
  EXPECT_EQ(shifted.high, 1);
}

TEST(DelongTest, refuses_bad_input_with_a_sentence) {
  const std::vector<double> scores{1, 2, 3, 4}, short_scores{1, 2, 3};
  const std::vector<std::uint8_t> labels{0, 1, 0, 1};
  const auto message = [](const std::string& text) { return ThrowsMessage<std::invalid_argument>(HasSubstr(text)); };
  for (const double bad : {0.0, 1.0, std::numeric_limits<double>::quiet_NaN()}) {
    EXPECT_THAT([&] { delong_test(scores, scores, labels, bad); }, message("[metrics.delong_test] confidence is out"));
    EXPECT_THAT([&] { delong_auroc(scores, labels, bad); }, message("[metrics.delong_auroc] confidence is out of"));
  }
  EXPECT_THAT([&] { delong_test(scores, short_scores, labels); },
              message("[metrics.delong_test] a and b differ in length; got 4 and 3"));
  EXPECT_THAT([&] { delong_test(short_scores, short_scores, labels); },
              message("[metrics.delong_test] a and labels differ in length; got 3 and 4"));
  EXPECT_THAT(
      [&] {
        delong_auroc(scores, std::vector<std::uint8_t>{1, 1, 1, 1});
      },
      message("[metrics.delong_auroc] both classes are needed; got 0 good and 4 defect samples"));
  EXPECT_THAT([&] { delong_auroc(std::vector<double>{}, {}); }, message("both classes are needed; got 0 good and 0"));
  EXPECT_THAT(
      [&] {
        delong_auroc(scores, std::vector<std::uint8_t>{0, 1, 2, 1});
      },
      message("labels must be 0 (good) or 1 (defect); got 2 at index 2"));
  for (const double bad : {std::numeric_limits<double>::quiet_NaN(), HUGE_VAL, -HUGE_VAL}) {
    const std::vector<double> broken{1, 2, 3, bad};
    EXPECT_THAT([&] { delong_test(scores, broken, labels); }, message("[metrics.delong_test] b must be finite; got"));
    EXPECT_THAT([&] { delong_auroc(broken, labels); }, message("scores must be finite; got"));
  }
}

}  // namespace
}  // namespace oddity::metrics
