#include <algorithm>

#include "core/threads.h"
#include "metrics/calibration_checks.h"
#include "metrics/check.h"
#include "metrics/knot_search.h"
#include "metrics/score_groups.h"
#include "oddity/metrics/calibrators.h"

namespace oddity::metrics {
namespace {

using detail::refuse;

/// Neighbouring groups with one value.
struct Block {
  double weight, events, value;
  std::size_t first, last;
};

/// Pools adjacent violators. Values are compared as they come out of the division, so that they ascend strictly.
std::vector<Block> pooled(const detail::ScoreGroups& groups) {
  std::vector<Block> blocks;
  for (std::size_t g = 0; g < groups.score.size(); ++g) {
    Block block{groups.weight[g], groups.events[g], groups.events[g] / groups.weight[g], g, g};
    while (!blocks.empty() && blocks.back().value >= block.value) {
      const Block& before = blocks.back();
      block.weight += before.weight;
      block.events += before.events;
      block.value = block.events / block.weight;
      block.first = before.first;
      blocks.pop_back();
    }
    blocks.push_back(block);
  }
  return blocks;
}

}  // namespace

IsotonicCalibrator fit_isotonic(Values scores, std::span<const std::uint8_t> labels, Values weights) {
  constexpr const char* function = "fit_isotonic";
  detail::require_labels(function, "scores", scores.size(), labels);
  detail::require_finite(function, "scores", scores);
  detail::require_sample_weights(function, weights, scores.size());
  IsotonicCalibrator result;
  for (std::size_t i = 0; i < labels.size(); ++i) {
    if (weights.empty() || weights[i] > 0) {
      ++(labels[i] != 0 ? result.n_defect : result.n_good);
    }
  }
  detail::require_both_classes(function, result.n_good, result.n_defect);
  const detail::ScoreGroups groups = detail::score_groups(scores, labels, weights);
  for (const Block& block : pooled(groups)) {
    result.scores.push_back(groups.score[block.first]);
    result.probabilities.push_back(block.value);
    if (block.last != block.first) {
      result.scores.push_back(groups.score[block.last]);
      result.probabilities.push_back(block.value);
    }
  }
  return result;
}

std::vector<double> IsotonicCalibrator::predict(Values values) const {
  constexpr const char* function = "IsotonicCalibrator.predict";
  detail::require_not_empty(function, "scores", values.size());
  detail::require_finite(function, "scores", values);
  if (scores.empty() || scores.size() != probabilities.size()) {
    refuse(function, "the calibrator has no knots that fit; got ", scores.size(), " scores and ", probabilities.size(),
           " probabilities");
  }
  std::vector<double> result(values.size());
  values.visit([&](auto span) {
    thread_pool().parallel_for(0, std::int64_t(span.size()), 4096, [&](std::int64_t first, std::int64_t last) {
      std::size_t k = 0;
      for (auto i = std::size_t(first); i < std::size_t(last); ++i) {
        const auto x = double(span[i]);
        k = detail::knots_below<false>(scores, x, k);
        if (k == scores.size()) {
          result[i] = probabilities.back();
        } else if (k == 0 || scores[k] == x || probabilities[k] == probabilities[k - 1]) {
          result[i] = probabilities[k];
        } else {
          // Halves: the difference of two finite scores may overflow.
          const double t = (x / 2 - scores[k - 1] / 2) / (scores[k] / 2 - scores[k - 1] / 2);
          result[i] = std::min(probabilities[k], probabilities[k - 1] + t * (probabilities[k] - probabilities[k - 1]));
        }
      }
    });
  });
  return result;
}

}  // namespace oddity::metrics
