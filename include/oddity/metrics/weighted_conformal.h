#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "oddity/metrics/values.h"

namespace oddity::metrics {

struct WeightedThresholds {
  std::vector<double> thresholds;  ///< one for each test weight; infinity where the calibration carries too little
  std::uint64_t infinite = 0;      ///< how many are infinite
  /// The largest test weight with a finite threshold: alpha / (1 - alpha) times the sum of the calibration weights.
  double largest_test_weight = 0;
};

/// Split conformal prediction under covariate shift (Tibshirani, Foygel Barber, Candes, Ramdas 2019). With weights
/// w(x) proportional to the density of test features over that of calibration features, the threshold of a test sample
/// x is the (1 - alpha)-quantile of the calibration scores with masses w_i / (sum w + w(x)) and a point mass
/// w(x) / (sum w + w(x)) at infinity; P(covered) >= 1 - alpha over both. Estimated weights w^ cost at most
/// E|w^ - w| / 2 of coverage (w, w^ of mean 1; Lei and Candes 2021). There is no Beta law here.
/// Fixed weights that do not depend on the data, such as 0.99^age with test weight 1, give the nonexchangeable method
/// of Foygel Barber et al. (2023): 1 - alpha less the weighted total variation distance to exchangeable.
///
/// Exact: weights become integers (multiples of at most 2^-55 n of the largest; equal ones stay equal) and alpha a
/// fraction, so that equal weights give the threshold of conformal_quantile bit for bit. Test weights are rounded up;
/// above 32 n times the largest weight of the calibration the threshold is infinite for any alpha.
class WeightedCalibration {
public:
  /// Scores (larger is stranger) with their weights, one for each, not negative, not all zero. Throws
  /// std::invalid_argument for empty input, NaN, infinity, lengths that differ, more than 2^32 scores.
  WeightedCalibration(Values scores, Values weights);

  std::size_t n() const noexcept { return scores_.size(); }
  /// (sum w)^2 / sum w^2, from 1 to n: how many unweighted samples tell as much. Small: nothing can be promised
  /// tightly.
  double effective_sample_size() const noexcept { return effective_; }
  /// Throws std::invalid_argument for alpha outside (0, 1) or below 1e-15, no test weight, one that is negative,
  /// NaN or infinite.
  WeightedThresholds thresholds(double alpha, Values test_weights) const;

private:
  std::uint64_t test_mass(double weight) const;

  std::vector<double> scores_;        ///< ascending
  std::vector<std::uint64_t> above_;  ///< [n + 1] mass after the first k scores
  double largest_ = 0;                ///< weight
  double unit_ = 0;                   ///< mass of the largest weight
  double sum_ = 0;                    ///< of weights over the largest
  double effective_ = 0;
};

}  // namespace oddity::metrics
