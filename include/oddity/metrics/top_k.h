#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "oddity/metrics/confusion.h"
#include "oddity/metrics/values.h"

namespace oddity::metrics {

/// How often the true class is among the k classes of the largest scores.
struct TopK {
  Confusion::Rate accuracy;              ///< of all samples
  std::vector<Confusion::Rate> classes;  ///< of the samples of each true class
  /// Samples that another order of equal scores would have counted as hits: a class only counts as hit when fewer than
  /// k others have a score as large or larger, so that a constant score earns nothing.
  std::uint64_t undecided = 0;
  std::uint64_t ignored = 0;
};
/// `scores` is [n, classes] (any finite real numbers, such as logits), k in [1, classes]. Interval and weights as in
/// Confusion::Rate.
TopK top_k_accuracy(const Matrix& scores, std::span<const std::int64_t> truth, std::size_t k, Values weights = {},
                    std::optional<std::int64_t> ignored_label = {}, double confidence = 0.95);

}  // namespace oddity::metrics
