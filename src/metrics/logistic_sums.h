#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "oddity/metrics/values.h"

namespace oddity::metrics::detail {

/// A logistic regression with up to two features: P(label 1) = 1 / (1 + exp(-f)), f = a_1 x_1 + a_2 x_2 + c.
struct LogisticData {
  std::vector<double> features[2];  ///< the second may be empty; shifted and scaled for conditioning by the caller
  std::vector<std::uint8_t> labels;
  /// Labels are drawn in: 0 stands for `drawn_good`, 1 for 1 - `drawn_defect`.
  double drawn_good = 0, drawn_defect = 0;
  std::vector<double> weights;  ///< empty: 1 each
};

/// Negative log-likelihood with its derivatives in (a_1, a_2, c); those of a_2 are zero with one feature. The loss is a
/// sum of positive terms that keep their digits, also far out.
struct LogisticSums {
  double loss = 0;
  std::array<double, 3> gradient{};
  std::array<double, 6> hessian{};  ///< 11, 12, 1c, 22, 2c, cc
};
/// Does not depend on the number of threads or the instruction set.
LogisticSums logistic_sums(const LogisticData& data, const std::array<double, 3>& parameters);

/// 1 / (1 + exp(-f)) of each value, in place.
void logistic_of(std::span<double> f);

/// a log p - b log(1 - p) + c of each probability, in place; all are in [2^-52, 1 - 2^-52].
void beta_log_odds(std::span<double> p, double a, double b, double c);

}  // namespace oddity::metrics::detail
