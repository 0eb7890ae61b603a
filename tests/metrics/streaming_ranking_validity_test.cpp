// The bounds of StreamingRanking are deterministic: Ranking on the exact scores may leave them in no draw at all. Half
// the bound must fail the same test.
#include <cmath>
#include <functional>
#include <iostream>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "oddity/metrics/ranking.h"
#include "oddity/metrics/streaming_ranking.h"

namespace oddity::metrics {
namespace {

using Bounded = StreamingRanking::Bounded;

struct Metric {
  std::string name;
  std::function<double(const Ranking&)> exact;
  std::function<Bounded(const StreamingRanking&)> bounded;
};

const std::vector<Metric>& metrics() {
  static const std::vector<Metric> all{
      {"AUROC", [](const Ranking& r) { return r.auroc(); }, [](const StreamingRanking& r) { return r.auroc(); }},
      {"AP", [](const Ranking& r) { return r.average_precision(); },
       [](const StreamingRanking& r) { return r.average_precision(); }},
      {"AP at 1 %", [](const Ranking& r) { return r.average_precision(0.01); },
       [](const StreamingRanking& r) { return r.average_precision(0.01); }},
      {"partial AUROC", [](const Ranking& r) { return r.partial_auroc(0.3, 0.05).area; },
       [](const StreamingRanking& r) { return r.partial_auroc(0.3, 0.05); }},
      {"TPR at FPR", [](const Ranking& r) { return r.true_positive_rate_at(0.1); },
       [](const StreamingRanking& r) { return r.true_positive_rate_at(0.1); }},
      {"FPR at TPR", [](const Ranking& r) { return r.good_flagged_at_defects_flagged(0.9); },
       [](const StreamingRanking& r) { return r.good_flagged_at_defects_flagged(0.9); }},
      {"escape at good passed", [](const Ranking& r) { return r.defects_passed_at_good_passed(0.9); },
       [](const StreamingRanking& r) { return r.defects_passed_at_good_passed(0.9); }},
      {"best F1", [](const Ranking& r) { return r.best_f1().f1; },
       [](const StreamingRanking& r) { return r.best_f1().f1; }}};
  return all;
}

/// Scores in one power of two, where 7 bits make 128 buckets. `kind` says how classes lie inside a bucket: 0 at random,
/// 1 defects below good samples, 2 above, 3 a few distinct values.
struct Data {
  std::vector<float> scores;
  std::vector<std::uint8_t> labels;
};
Data draw(std::mt19937_64& random, int kind) {
  const std::size_t n = 3 + random() % 400;
  const auto used = 1 + random() % 128;
  Data data;
  for (std::size_t i = 0; i < n; ++i) {
    const bool defect = i < 2 ? i == 0 : random() % 3 == 0;  // both classes
    const auto bucket = float(random() % used) + (defect && random() % 2 == 0 ? float(used) / 4 : 0.0F);
    const float inside = std::uniform_real_distribution<float>(0.01F, 0.48F)(random);
    const float place = kind == 0   ? 2 * inside
                        : kind == 1 ? (defect ? inside : 0.5F + inside)
                        : kind == 2 ? (defect ? 0.5F + inside : inside)
                                    : float(random() % 3) / 4 + 0.125F;
    data.scores.push_back(1 + (std::min(std::floor(bucket), 127.0F) + place) / 128);
    data.labels.push_back(defect);
  }
  return data;
}

TEST(StreamingRankingValidity, the_exact_value_never_leaves_its_bounds) {
  constexpr int draws = 4000;
  std::vector<std::size_t> outside(metrics().size(), 0), outside_half(metrics().size(), 0), open(metrics().size(), 0);
  std::mt19937_64 random(1);
  for (int i = 0; i < draws; ++i) {
    const Data data = draw(random, i % 4);
    const Ranking exact(data.scores, data.labels);
    StreamingRanking streamed(7);
    streamed.add(data.scores, data.labels);
    for (std::size_t m = 0; m < metrics().size(); ++m) {
      const double truth = metrics()[m].exact(exact);
      const Bounded bounds = metrics()[m].bounded(streamed);
      EXPECT_LE(bounds.low, bounds.value) << metrics()[m].name;
      EXPECT_GE(bounds.high, bounds.value) << metrics()[m].name;
      outside[m] += truth < bounds.low || truth > bounds.high;
      open[m] += bounds.high - bounds.low > 1e-9;
      // Wrong: bounds half as wide around the same value.
      outside_half[m] +=
          truth < (bounds.value + bounds.low) / 2 - 1e-12 || truth > (bounds.value + bounds.high) / 2 + 1e-12;
    }
  }
  for (std::size_t m = 0; m < metrics().size(); ++m) {
    std::cout << metrics()[m].name << ": draws " << draws << " (" << open[m] << " with low < high), outside "
              << outside[m] << ", bound 0, outside half the bound " << outside_half[m] << '\n';
    RecordProperty(metrics()[m].name, std::to_string(outside[m]));
    EXPECT_EQ(outside[m], 0U) << metrics()[m].name;
    EXPECT_GT(outside_half[m], 0U) << metrics()[m].name;
  }
}

}  // namespace
}  // namespace oddity::metrics
