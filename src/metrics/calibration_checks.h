#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>

#include "metrics/check.h"

/// Argument checks that the calibration measures and fits share.
namespace oddity::metrics::detail {

/// One label for each of `samples` (named `what`), each 0 or 1. Returns the number of defects.
inline std::size_t require_labels(const char* function, const char* what, std::size_t samples,
                                  std::span<const std::uint8_t> labels) {
  require_not_empty(function, what, samples);
  require_same_length(function, what, samples, "labels", labels.size());
  return require_binary_labels(function, labels);
}

inline void require_both_classes(const char* function, std::size_t good, std::size_t defects) {
  if (good == 0 || defects == 0) {
    refuse(function, "both classes are needed; got ", good, " good and ", defects, " defect samples of weight above 0");
  }
}

/// Every value is in [0, 1].
inline void require_probability_values(const char* function, const char* name, Values values) {
  values.visit([&](auto span) {
    if (all_in_unit(span)) {
      return;
    }
    for (std::size_t i = 0; i < span.size(); ++i) {
      if (!(span[i] >= 0 && span[i] <= 1)) {
        refuse(function, name, " must be probabilities; got ", span[i], " at index ", i, "; expected values in [0, 1]");
      }
    }
  });
}

/// As require_weights, and their sum is finite. Nothing is required of an empty list.
inline void require_sample_weights(const char* function, Values weights, std::size_t samples) {
  require_weights(function, weights, samples);
  double sum = 0;
  for (std::size_t i = 0; i < weights.size(); ++i) {
    sum += weights[i];
  }
  if (!std::isfinite(sum)) {
    refuse(function, "weights are too large; their sum is infinite");
  }
}

/// One class for each row of the table, a column of it.
inline void require_row_classes(const char* function, const char* what, const Matrix& matrix,
                                std::span<const std::int64_t> classes) {
  if (matrix.columns < 2) {
    refuse(function, what, " have too few columns; got ", matrix.columns, "; expected one for each class, at least 2");
  }
  if (classes.size() != matrix.rows) {
    refuse(function, what, " and classes differ in length; got ", matrix.rows, " rows and ", classes.size(),
           " classes");
  }
  for (std::size_t i = 0; i < classes.size(); ++i) {
    if (classes[i] < 0 || classes[i] >= std::int64_t(matrix.columns)) {
      refuse(function, "classes are out of range; got ", classes[i], " at index ", i, "; expected 0 to ",
             matrix.columns - 1);
    }
  }
}

}  // namespace oddity::metrics::detail
