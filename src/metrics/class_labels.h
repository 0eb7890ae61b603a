#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "metrics/check.h"

/// Checks of class labels and of the weights of tables.
namespace oddity::metrics::detail {

constexpr std::size_t kMostClasses = std::size_t(1) << 14;

inline void require_classes(const char* function, std::size_t classes) {
  if (classes < 2 || classes > kMostClasses) {
    refuse(function, "classes is out of range; got ", classes, "; expected 2 to ", kMostClasses);
  }
}

/// All labels whose sample is not ignored are in [0, classes).
inline void require_labels(const char* function, const char* name, std::span<const std::int64_t> labels,
                           std::size_t classes, std::span<const std::int64_t> truth,
                           std::optional<std::int64_t> ignored) {
  for (std::size_t i = 0; i < labels.size(); ++i) {
    if (std::uint64_t(labels[i]) >= classes && truth[i] != ignored) {
      refuse(function, name, " is out of range; got ", labels[i], " at index ", i, "; expected 0 to ", classes - 1);
    }
  }
}

/// Weights are 0 or in [1e-100, 1e100], so that their squares neither vanish nor overflow; all may be 0. Empty when all
/// are 1.
inline Values table_weights(const char* function, Values weights, std::size_t samples) {
  if (!weights.empty()) {
    require_same_length(function, "weights", weights.size(), "truth", samples);
    require_finite(function, "weights", weights);
  }
  bool all_one = true;
  for (std::size_t i = 0; i < weights.size(); ++i) {
    const double weight = weights[i];
    if (weight != 0 && !(weight >= 1e-100 && weight <= 1e100)) {
      refuse(function, "weights are out of range; got ", weight, " at index ", i, "; expected 0 or 1e-100 to 1e100");
    }
    all_one = all_one && weight == 1;
  }
  return all_one ? Values() : weights;
}

}  // namespace oddity::metrics::detail
