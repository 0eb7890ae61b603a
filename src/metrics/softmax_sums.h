#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "oddity/metrics/values.h"

namespace oddity::metrics::detail {

/// Of the log-likelihood of inverse temperature b, summed over rows with weights: row likelihood softmax(b z)[class].
struct SoftmaxSums {
  double first = 0;    ///< derivative of the negative log-likelihood: sum of g = w (E_b[z] - z_class)
  double second = 0;   ///< its derivative: sum of w Var_b[z], >= 0
  double squares = 0;  ///< sum of g^2
};
/// Does not depend on the number of threads or the instruction set, nor does what follows.
SoftmaxSums softmax_sums(const Matrix& logits, std::span<const std::int64_t> classes, Values weights, double inverse);

/// Negative log-likelihood: sum of -w log softmax(b z)[class].
double softmax_log_loss(const Matrix& logits, std::span<const std::int64_t> classes, Values weights, double inverse);

/// Row-wise softmax(logits * inverse), row-major.
std::vector<double> softmax(const Matrix& logits, double inverse);

}  // namespace oddity::metrics::detail
