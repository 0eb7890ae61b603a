#pragma once

#include <cstddef>
#include <vector>

#include "oddity/metrics/values.h"

namespace oddity::metrics {

struct WeightedThresholds {
  std::vector<double> thresholds;    ///< one for each test weight; +infinity where its weight is too large a share
  std::size_t n = 0;                 ///< calibration scores
  double effective_sample_size = 0;  ///< (sum w)^2 / sum w^2 of the calibration weights
  std::size_t infinite = 0;          ///< thresholds that are infinite
};

/// Weighted split conformal for a known covariate shift (Tibshirani, Barber, Candes, Ramdas 2019): the 1 - alpha
/// quantile of sum p_i delta(s_i) + p_test delta(infinity), p proportional to the likelihood ratios w(x) of production
/// over calibration. P(score <= threshold) >= 1 - alpha when the ratios are right; a threshold belongs to its test
/// point's weight. Equal weights give exactly the split threshold. The sums are compared as alpha's exact fraction in
/// extended precision. `weights` [n] and `test_weights` [m] are finite and not negative, and not all zero. O((n + m)
/// log n). Throws std::invalid_argument for NaN, lengths that differ, an empty set, and alpha outside (0, 1).
WeightedThresholds weighted_conformal_thresholds(Values scores, Values weights, Values test_weights, double alpha);

}  // namespace oddity::metrics
