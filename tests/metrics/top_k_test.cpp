#include "oddity/metrics/top_k.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <string>

#include <gtest/gtest.h>

#include "oddity/metrics/intervals.h"

namespace oddity::metrics {
namespace {

using Labels = std::vector<std::int64_t>;

TEST(TopK, closed_forms) {
  // scikit-learn's example of top_k_accuracy_score: 0.75 at k = 2; the last row has a tie below the true class.
  const std::vector<double> scores{0.5, 0.2, 0.2, 0.3, 0.4, 0.2, 0.2, 0.4, 0.3, 0.7, 0.2, 0.1};
  const Labels truth{0, 1, 2, 2};
  const Matrix matrix{scores, 4, 3};
  const TopK result = top_k_accuracy(matrix, truth, 2);
  EXPECT_EQ(result.accuracy.value, 0.75);
  EXPECT_EQ(result.accuracy.high, clopper_pearson(3, 4).high);
  EXPECT_EQ(result.undecided, 0U);
  EXPECT_EQ(result.classes[2].value, 0.5);
  EXPECT_EQ(result.classes[2].trials, 2U);
  EXPECT_EQ(top_k_accuracy(matrix, truth, 1).accuracy.value, 0.5);
  EXPECT_EQ(top_k_accuracy(matrix, truth, 3).accuracy.value, 1);
}

TEST(TopK, constant_scores_earn_nothing) {
  const std::vector<float> scores(40, 0.25F);
  const Labels truth{0, 1, 2, 3, 0, 1, 2, 3, 0, 1};
  const TopK result = top_k_accuracy({scores, 10, 4}, truth, 3);
  EXPECT_EQ(result.accuracy.value, 0);
  EXPECT_EQ(result.undecided, 10U);
  EXPECT_EQ(top_k_accuracy({scores, 10, 4}, truth, 4).accuracy.value, 1);
}

TEST(TopK, agrees_with_a_full_sort) {
  constexpr std::size_t n = 5000, classes = 7;
  std::mt19937_64 random(2);
  std::vector<double> scores(n * classes);
  Labels truth;
  for (double& score : scores) {
    score = double(random() >> 11);  // no ties
  }
  for (std::size_t i = 0; i < n; ++i) {
    truth.push_back(std::int64_t(random() % classes));
  }
  const std::vector<float> narrow(scores.begin(), scores.end());
  for (std::size_t k = 1; k <= classes; ++k) {
    std::uint64_t hits = 0;
    for (std::size_t i = 0; i < n; ++i) {
      std::vector<double> row(scores.begin() + std::ptrdiff_t(i * classes),
                              scores.begin() + std::ptrdiff_t((i + 1) * classes));
      const double own = row[std::size_t(truth[i])];
      std::sort(row.begin(), row.end(), std::greater<>());
      hits += own >= row[k - 1];
    }
    EXPECT_EQ(top_k_accuracy({scores, n, classes}, truth, k).accuracy.events, hits);
    EXPECT_EQ(top_k_accuracy({narrow, n, classes}, truth, k).accuracy.events, hits);
  }
}

TEST(TopK, weights_ignored_labels_and_classes_without_support) {
  const std::vector<double> scores{3, 2, 1, 1, 2, 3, 3, 2, 1}, weights{1, 3, 9};
  const Labels truth{0, 1, -1};
  const TopK result = top_k_accuracy({scores, 3, 3}, truth, 1, weights, -1);
  EXPECT_EQ(result.accuracy.value, 0.25);
  EXPECT_EQ(result.ignored, 1U);
  EXPECT_TRUE(std::isnan(result.classes[2].value));
  EXPECT_FALSE(result.classes[2].supported);
  EXPECT_EQ(result.classes[1].value, 0);
  EXPECT_TRUE(result.classes[1].supported);
}

TEST(TopK, refuses_bad_input_with_a_sentence) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const auto message = [](std::vector<double> scores, std::size_t rows, Labels truth, std::size_t k,
                          std::vector<double> weights = {}, std::optional<std::int64_t> ignored = {},
                          double confidence = 0.95) {
    try {
      top_k_accuracy({scores, rows, rows > 0 ? scores.size() / rows : 0}, truth, k, weights, ignored, confidence);
    } catch (const std::invalid_argument& error) {
      return std::string(error.what());
    }
    return std::string("accepted");
  };
  const std::string of = "[metrics.top_k_accuracy] ";
  EXPECT_EQ(message({}, 0, {}, 1), of + "scores is empty; got 0 x 0");
  EXPECT_EQ(message({1, nan}, 1, {0}, 1), of + "scores must be finite; got NaN at index 1");
  EXPECT_EQ(message({1, 2}, 1, {0, 1}, 1), of + "scores and truth differ in length; got 1 and 2");
  EXPECT_EQ(message({1, 2}, 1, {2}, 1), of + "truth is out of range; got 2 at index 0; expected 0 to 1");
  EXPECT_EQ(message({1, 2}, 1, {0}, 3), of + "k is out of range; got 3; expected 1 to 2");
  EXPECT_EQ(message({1, 2}, 1, {0}, 0), of + "k is out of range; got 0; expected 1 to 2");
  EXPECT_EQ(message({1, 2}, 2, {0, 0}, 1), of + "classes is out of range; got 1; expected 2 to 16384");
  EXPECT_EQ(message({1, 2}, 1, {0}, 1, {1, 2}), of + "weights must be one for each sample; got 2 for 1 samples");
  EXPECT_EQ(message({1, 2}, 1, {7}, 1, {}, 7), of + "every sample is ignored; got 1 with label 7");
  EXPECT_EQ(message({1, 2}, 1, {0}, 1, {}, {}, 1),
            of + "confidence is out of range; got 1; expected a value in (0, 1)");
}

}  // namespace
}  // namespace oddity::metrics
