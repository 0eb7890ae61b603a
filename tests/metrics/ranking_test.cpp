#include "oddity/metrics/ranking.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <random>
#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "oddity/metrics/delong.h"

namespace oddity::metrics {
namespace {

using testing::DoubleNear;
using testing::HasSubstr;
using testing::ThrowsMessage;

struct Data {
  std::vector<double> scores;
  std::vector<std::uint8_t> labels;
};

/// Scores of two overlapping normal populations; `grid` > 0 rounds them to that spacing, which makes ties.
Data random_data(std::size_t good, std::size_t defects, unsigned seed, double grid = 0) {
  std::mt19937_64 random(seed);
  std::normal_distribution<double> normal;
  Data data;
  for (std::size_t i = 0; i < good + defects; ++i) {
    const bool defect = i % (good + defects) >= good;
    double score = normal(random) + (defect ? 1.0 : 0.0);
    if (grid > 0) {
      score = std::round(score / grid) * grid;
    }
    data.scores.push_back(score);
    data.labels.push_back(defect ? 1 : 0);
  }
  return data;
}

double naive_auroc(const Data& data) {
  double wins = 0, pairs = 0;
  for (std::size_t i = 0; i < data.scores.size(); ++i) {
    for (std::size_t j = 0; j < data.scores.size(); ++j) {
      if (data.labels[i] == 1 && data.labels[j] == 0) {
        wins += data.scores[i] > data.scores[j] ? 1 : data.scores[i] == data.scores[j] ? 0.5 : 0;
        ++pairs;
      }
    }
  }
  return wins / pairs;
}

struct Counts {
  double threshold, true_positives, false_positives;
};

std::vector<Counts> naive_counts(const Data& data) {
  std::set<double, std::greater<>> thresholds(data.scores.begin(), data.scores.end());
  std::vector<Counts> result;
  for (const double threshold : thresholds) {
    Counts counts{threshold, 0, 0};
    for (std::size_t i = 0; i < data.scores.size(); ++i) {
      if (data.scores[i] >= threshold) {
        (data.labels[i] == 1 ? counts.true_positives : counts.false_positives) += 1;
      }
    }
    result.push_back(counts);
  }
  return result;
}

double naive_average_precision(const Data& data, double defects) {
  double sum = 0, recall = 0;
  for (const Counts& c : naive_counts(data)) {
    const double next = c.true_positives / defects;
    sum += (next - recall) * c.true_positives / (c.true_positives + c.false_positives);
    recall = next;
  }
  return sum;
}

TEST(Ranking, closed_forms) {
  const std::vector<double> scores{0.1, 0.4, 0.35, 0.8};
  const std::vector<std::uint8_t> labels{0, 0, 1, 1};
  const Ranking ranking(std::span<const double>(scores), labels);
  EXPECT_EQ(ranking.auroc(), 0.75);                                  // 3 of 4 pairs in order
  EXPECT_DOUBLE_EQ(ranking.average_precision(), 0.5 + 0.5 * 2 / 3);  // precision 1 then 2/3
  EXPECT_EQ(ranking.positives(), 2U);
  EXPECT_EQ(ranking.negatives(), 2U);
  EXPECT_DOUBLE_EQ(ranking.best_f1().f1, 0.8);
  EXPECT_EQ(ranking.best_f1().threshold, double(0.35F));  // the next float32 below 0.35
  EXPECT_EQ(ranking.true_positive_rate_at(0), 0.5);
  EXPECT_EQ(ranking.true_positive_rate_at(0.49), 0.5);
  EXPECT_EQ(ranking.true_positive_rate_at(0.5), 1);
  EXPECT_EQ(ranking.false_positive_rate_at(0.5), 0);
  EXPECT_EQ(ranking.false_positive_rate_at(0.51), 0.5);
  EXPECT_EQ(ranking.false_positive_rate_at(0), 0);
}

TEST(Ranking, perfect_inverted_and_constant_scores) {
  const std::vector<std::uint8_t> labels{0, 0, 0, 1};
  const auto of = [&](std::vector<double> scores) { return Ranking(std::span<const double>(scores), labels); };
  EXPECT_EQ(of({1, 2, 3, 4}).auroc(), 1);
  EXPECT_EQ(of({1, 2, 3, 4}).average_precision(), 1);
  EXPECT_EQ(of({1, 2, 3, 0}).auroc(), 0);
  EXPECT_EQ(of({1, 2, 3, 0}).average_precision(), 0.25);
  EXPECT_EQ(of({7, 7, 7, 7}).auroc(), 0.5);
  EXPECT_EQ(of({7, 7, 7, 7}).average_precision(), 0.25);
  EXPECT_EQ(of({7, 7, 7, 7}).true_positive_rate_at(0.99), 0);
  EXPECT_EQ(of({7, 7, 7, 7}).true_positive_rate_at(1), 1);
  EXPECT_EQ(of({0.0, -0.0, 0.0, -0.0}).auroc(), 0.5);  // -0 equals +0
}

TEST(Ranking, agrees_with_naive_counting) {
  for (unsigned seed = 0; seed < 20; ++seed) {
    const double grid = seed % 3 == 0 ? 0 : seed % 3 == 1 ? 0.25 : 1;
    const Data data = random_data(60 + seed, 5 + 3 * seed, seed, grid);
    const Ranking ranking(std::span<const double>(data.scores), data.labels);
    const double defects = double(ranking.positives()), good = double(ranking.negatives());
    EXPECT_NEAR(ranking.auroc(), naive_auroc(data), 1e-14);
    EXPECT_NEAR(ranking.average_precision(), naive_average_precision(data, defects), 1e-14);
    double best = 0, threshold = 0;
    for (const Counts& c : naive_counts(data)) {
      const double f1 = 2 * c.true_positives / (c.true_positives + c.false_positives + defects);
      if (f1 > best) {
        best = f1, threshold = c.threshold;
      }
    }
    EXPECT_DOUBLE_EQ(ranking.best_f1().f1, best);
    for (const double score : data.scores) {
      ASSERT_EQ(score > ranking.best_f1().threshold, score >= threshold);
      if (double(float(score)) == score) {
        ASSERT_EQ(float(score) > float(ranking.best_f1().threshold), score >= threshold);
      }
    }
    for (const double limit : {0.0, 0.01, 0.05, 0.29, 0.5, 0.95, 1.0}) {
      double tpr = 0, fpr = 1;
      for (const Counts& c : naive_counts(data)) {
        if (c.false_positives / good <= limit) {
          tpr = std::max(tpr, c.true_positives / defects);
        }
        if (c.true_positives / defects >= limit) {
          fpr = std::min(fpr, c.false_positives / good);
        }
      }
      EXPECT_DOUBLE_EQ(ranking.true_positive_rate_at(limit), tpr) << limit;
      EXPECT_DOUBLE_EQ(ranking.false_positive_rate_at(limit), limit == 0 ? 0 : fpr) << limit;
    }
  }
}

TEST(Ranking, a_rate_that_floating_point_rounds_down_still_counts) {
  // 0.29 * 100 is 28.999999999999996: 29 of 100 good parts above must be allowed at 0.29.
  std::vector<double> scores;
  std::vector<std::uint8_t> labels;
  for (int i = 0; i < 100; ++i) {
    scores.push_back(i);
    labels.push_back(0);
  }
  scores.push_back(70.5);  // 29 good scores above
  labels.push_back(1);
  EXPECT_EQ(Ranking(std::span<const double>(scores), labels).true_positive_rate_at(0.29), 1);
}

TEST(Ranking, float_and_double_and_map_inputs_agree) {
  const Data data = random_data(9000, 3000, 5, 0.125);
  const std::vector<float> floats(data.scores.begin(), data.scores.end());
  const Ranking a(std::span<const double>(data.scores), data.labels), b(std::span<const float>(floats), data.labels);
  EXPECT_EQ(a.auroc(), b.auroc());
  EXPECT_EQ(a.average_precision(), b.average_precision());
  std::vector<std::uint8_t> masks(data.labels);
  for (auto& value : masks) {
    value = std::uint8_t(value * 255);
  }
  const std::span<const float> map(floats);
  const std::span<const std::uint8_t> mask(masks);
  const std::vector<MapAndMask> items{{map.first(2000), mask.first(2000), 40, 50},
                                      {map.subspan(2000), mask.subspan(2000), 100, 100}};
  const Ranking c(items);
  EXPECT_EQ(a.auroc(), c.auroc());
  EXPECT_EQ(a.average_precision(), c.average_precision());
}

TEST(Ranking, large_inputs_take_the_radix_path_and_agree_with_a_plain_sort) {
  const Data data = random_data(30000, 20000, 11);
  const Ranking ranking(std::span<const double>(data.scores), data.labels);
  std::vector<std::pair<double, int>> sorted;
  for (std::size_t i = 0; i < data.scores.size(); ++i) {
    sorted.emplace_back(data.scores[i], data.labels[i]);
  }
  std::sort(sorted.begin(), sorted.end());
  double ranks = 0;
  for (std::size_t i = 0; i < sorted.size(); ++i) {
    ranks += sorted[i].second == 1 ? double(i + 1) : 0;
  }
  EXPECT_NEAR(ranking.auroc(), (ranks - 20000.0 * 20001 / 2) / (30000.0 * 20000), 1e-13);
}

TEST(Ranking, counts_beyond_two_to_the_24) {
  // Float counters stop there: 2^24 + 1 = 2^24 in single precision.
  constexpr std::size_t good = (std::size_t(1) << 24) + 3;
  std::vector<float> scores(good + 2, 0.0F);
  std::vector<std::uint8_t> labels(good + 2, 0);
  labels[good] = labels[good + 1] = 1;
  scores[good + 1] = 1;
  const Ranking ranking(std::span<const float>(scores), labels);
  EXPECT_EQ(ranking.negatives(), good);
  EXPECT_EQ(ranking.auroc(), 0.75);
  EXPECT_DOUBLE_EQ(ranking.average_precision(), 0.5 + 0.5 * 2 / double(good + 2));
  EXPECT_EQ(ranking.false_positive_rate_at(1), 1);
}

TEST(Ranking, does_not_squeeze_scores_into_the_unit_interval) {
  // Distances far above 17 become exactly 1 under a float sigmoid (AUROC 0.5 then); scores that straddle 1 are squeezed
  // in some batches only by some libraries. A monotone transform must change nothing.
  const Data data = random_data(400, 400, 3, 0.125);
  const double plain = Ranking(std::span<const double>(data.scores), data.labels).auroc();
  EXPECT_GT(plain, 0.7);
  for (const auto& [scale, shift] : {std::pair{4.0, 1000.0}, {0.125, 1.0}, {1.0, -5000.0}, {1e30, 0.0}}) {
    std::vector<float> moved;
    for (const double score : data.scores) {
      moved.push_back(float(score * scale + shift));
    }
    EXPECT_EQ(Ranking(std::span<const float>(moved), data.labels).auroc(), plain) << scale << " " << shift;
  }
}

TEST(Ranking, roc_area_by_trapezoid_is_auroc) {
  for (const double grid : {0.0, 0.5}) {
    const Data data = random_data(300, 100, 8, grid);
    const Ranking ranking(std::span<const double>(data.scores), data.labels);
    const auto points = ranking.roc();
    EXPECT_EQ(points.front().threshold, std::numeric_limits<double>::infinity());
    EXPECT_EQ(points.front().true_positive_rate, 0);
    EXPECT_EQ(points.back().false_positive_rate, 1);
    EXPECT_EQ(points.back().true_positive_rate, 1);
    EXPECT_EQ(points.back().threshold, *std::min_element(data.scores.begin(), data.scores.end()));
    double area = 0;
    for (std::size_t i = 1; i < points.size(); ++i) {
      area += (points[i].false_positive_rate - points[i - 1].false_positive_rate) *
              (points[i].true_positive_rate + points[i - 1].true_positive_rate) / 2;
      double above_good = 0, above_defect = 0;
      for (std::size_t j = 0; j < data.scores.size(); ++j) {
        (data.labels[j] == 1 ? above_defect : above_good) += data.scores[j] >= points[i].threshold;
      }
      EXPECT_DOUBLE_EQ(points[i].false_positive_rate, above_good / 300);
      EXPECT_DOUBLE_EQ(points[i].true_positive_rate, above_defect / 100);
    }
    EXPECT_NEAR(area, ranking.auroc(), 1e-13);
  }
}

TEST(Ranking, curves_thin_evenly_and_keep_their_ends) {
  const Data data = random_data(20000, 10000, 2);
  const Ranking ranking(std::span<const double>(data.scores), data.labels);
  const auto roc = ranking.roc(100);
  EXPECT_LE(roc.size(), 102U);
  EXPECT_GE(roc.size(), 80U);
  EXPECT_EQ(roc.back().true_positive_rate, 1);
  double area = 0;
  for (std::size_t i = 1; i < roc.size(); ++i) {
    area += (roc[i].false_positive_rate - roc[i - 1].false_positive_rate) *
            (roc[i].true_positive_rate + roc[i - 1].true_positive_rate) / 2;
  }
  EXPECT_NEAR(area, ranking.auroc(), 2e-3);  // chords of a curve of 100 pieces
  const auto pr = ranking.precision_recall(100);
  EXPECT_LE(pr.size(), 102U);
  EXPECT_EQ(pr.back().recall, 1);
  double step_area = 0, recall = 0;
  for (const auto& point : ranking.precision_recall()) {
    step_area += (point.recall - recall) * point.precision;
    recall = point.recall;
  }
  EXPECT_NEAR(step_area, ranking.average_precision(), 1e-12);
}

TEST(AurocDelong, agrees_with_the_definition) {
  const Data data = random_data(40, 25, 4, 0.5);
  const auto estimate = delong_auroc(data.scores, data.labels);
  EXPECT_EQ(estimate.n_good, 40U);
  EXPECT_EQ(estimate.n_defect, 25U);
  const double value = naive_auroc(data);
  EXPECT_NEAR(estimate.value, value, 1e-14);
  // DeLong, DeLong & Clarke-Pearson 1988: sample variances of the placement values.
  const auto placements = [&](int of) {
    std::vector<double> result;
    for (std::size_t i = 0; i < data.scores.size(); ++i) {
      if (data.labels[i] != of) {
        continue;
      }
      double sum = 0, n = 0;
      for (std::size_t j = 0; j < data.scores.size(); ++j) {
        if (data.labels[j] != of) {
          const double d = of == 1 ? data.scores[i] - data.scores[j] : data.scores[j] - data.scores[i];
          sum += d > 0 ? 1 : d == 0 ? 0.5 : 0;
          ++n;
        }
      }
      result.push_back(sum / n);
    }
    return result;
  };
  double variance = 0;
  for (const int of : {0, 1}) {
    const auto v = placements(of);
    double sum = 0;
    for (const double x : v) {
      sum += (x - value) * (x - value);
    }
    variance += sum / double(v.size() - 1) / double(v.size());
  }
  const double half = 1.959963984540054 * std::sqrt(variance) / (value * (1 - value));
  const double logit = std::log(value / (1 - value));
  EXPECT_NEAR(estimate.low, 1 / (1 + std::exp(-logit + half)), 1e-12);
  EXPECT_NEAR(estimate.high, 1 / (1 + std::exp(-logit - half)), 1e-12);
}

TEST(AurocDelong, separated_or_tiny_classes_have_an_honest_interval) {
  const std::vector<double> scores{1, 2, 3, 4, 5, 6, 7};
  const std::vector<std::uint8_t> separated{0, 0, 0, 0, 1, 1, 1};
  const auto one = delong_auroc(scores, separated);
  EXPECT_EQ(one.value, 1);
  EXPECT_NEAR(one.low, std::cbrt(0.025), 1e-14);
  EXPECT_EQ(one.high, 1);
  const std::vector<std::uint8_t> inverted{1, 1, 1, 0, 0, 0, 0};
  const auto zero = delong_auroc(scores, inverted);
  EXPECT_EQ(zero.value, 0);
  EXPECT_EQ(zero.low, 0);
  EXPECT_NEAR(zero.high, 1 - std::cbrt(0.025), 1e-14);
  const std::vector<std::uint8_t> single{0, 0, 0, 1, 0, 0, 0};
  const auto wide = delong_auroc(scores, single);
  EXPECT_EQ(wide.value, 0.5);
  EXPECT_EQ(wide.low, 0);
  EXPECT_EQ(wide.high, 1);
}

TEST(Ranking, refuses_bad_input_with_a_sentence) {
  const double nan = std::numeric_limits<double>::quiet_NaN(), inf = std::numeric_limits<double>::infinity();
  const auto message = [](std::vector<double> scores, std::vector<std::uint8_t> labels) {
    try {
      Ranking(std::span<const double>(scores), labels);
    } catch (const std::invalid_argument& error) {
      return std::string(error.what());
    }
    return std::string("accepted");
  };
  EXPECT_EQ(message({1, 2, 3, nan}, {0, 0, 1, 1}), "[metrics.ranking] scores must be finite; got NaN at index 3");
  EXPECT_EQ(message({1, -inf, 3}, {0, 0, 1}), "[metrics.ranking] scores must be finite; got -infinity at index 1");
  EXPECT_EQ(message({inf, 2, 3}, {0, 0, 1}), "[metrics.ranking] scores must be finite; got infinity at index 0");
  EXPECT_EQ(message({}, {}), "[metrics.ranking] both classes are needed; got 0 good and 0 defect samples");
  EXPECT_EQ(message({1, 2}, {0, 0}), "[metrics.ranking] both classes are needed; got 2 good and 0 defect samples");
  EXPECT_EQ(message({1, 2}, {1, 1}), "[metrics.ranking] both classes are needed; got 0 good and 2 defect samples");
  EXPECT_EQ(message({1, 2}, {1}), "[metrics.ranking] scores and labels differ in length; got 2 and 1");
  EXPECT_EQ(message({1, 2}, {0, 255}), "[metrics.ranking] labels must be 0 (good) or 1 (defect); got 255 at index 1");

  const Data data = random_data(10, 10, 1);
  const Ranking ranking(std::span<const double>(data.scores), data.labels);
  for (const double bad : {-0.1, 1.1, nan}) {
    EXPECT_THROW(ranking.true_positive_rate_at(bad), std::invalid_argument) << bad;
    EXPECT_THROW(ranking.false_positive_rate_at(bad), std::invalid_argument) << bad;
  }
  for (const double bad : {0.0, 1.0, -1.0, 2.0, nan}) {
    EXPECT_THROW(delong_auroc(data.scores, data.labels, bad), std::invalid_argument) << bad;
  }
  const std::vector<float> map{1, std::numeric_limits<float>::quiet_NaN(), 3, 4};
  const std::vector<std::uint8_t> mask{0, 0, 1, 1};
  const std::vector<MapAndMask> items{{map, mask, 2, 2}};
  EXPECT_THAT([&] { Ranking{items}; },
              ThrowsMessage<std::invalid_argument>(HasSubstr("got NaN in image 0 at pixel (x 1, y 0)")));
}

}  // namespace
}  // namespace oddity::metrics
