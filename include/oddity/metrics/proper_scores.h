#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "oddity/metrics/calibration.h"
#include "oddity/metrics/values.h"

/// Proper scores of probabilities: their mean is smallest for the true probabilities, so they judge calibration and
/// discrimination together. Smaller is better. Arguments, weights and errors as in calibration.h.
namespace oddity::metrics {

/// Brier score (1950) and its decomposition by bins, exact to rounding:
///   value = reliability - resolution + uncertainty + within_bin_variance - within_bin_covariance
/// (Murphy 1973; the within-bin terms by Stephenson, Coelho and Jolliffe 2008 are zero when all probabilities of a bin
/// are equal). With shares, mean probabilities p_k and rates r_k of the bins and the overall rate r.
struct BrierScore {
  double value = 0;                ///< two classes: mean of (p - y)^2, in [0, 1]; more: summed over classes, in [0, 2]
  double standard_error = 0;       ///< of value, from the spread of the samples; NaN for a single sample
  double reliability = 0;          ///< sum of share (p_k - r_k)^2; 0 is calibrated
  double resolution = 0;           ///< sum of share (r_k - r)^2; larger is better
  double uncertainty = 0;          ///< r (1 - r): the score of always saying r
  double within_bin_variance = 0;  ///< mean of (p - p_k)^2
  double within_bin_covariance = 0;  ///< 2 mean of (y - r_k) (p - p_k)
  std::size_t n = 0;                 ///< samples of weight above 0
};
BrierScore brier_score(Values probabilities, std::span<const std::uint8_t> labels,
                       const CalibrationOptions& options = {}, Values weights = {});
/// Of [n, classes]: sum over classes of (p_c - [class is c])^2, every part the sum of the classes' one-against-rest
/// parts with bins of their own. For two columns that is twice the score of two classes.
BrierScore brier_score(const Matrix& probabilities, std::span<const std::int64_t> classes,
                       const CalibrationOptions& options = {}, Values weights = {});

/// Negative log-likelihood (log loss, cross-entropy), natural logarithm. Probabilities are not clipped: an event that
/// was given probability 0 makes the value +infinity, and `impossible` counts such samples; probability 0 or 1 that
/// comes true costs nothing.
struct LogLoss {
  double value = 0;            ///< mean of -log(probability of what happened), in [0, infinity]
  double standard_error = 0;   ///< NaN for a single sample or an infinite value
  std::size_t n = 0;           ///< samples of weight above 0
  std::size_t impossible = 0;  ///< of these with probability 0 for what happened
};
LogLoss negative_log_likelihood(Values probabilities, std::span<const std::uint8_t> labels, Values weights = {});
LogLoss negative_log_likelihood(const Matrix& probabilities, std::span<const std::int64_t> classes,
                                Values weights = {});

}  // namespace oddity::metrics
