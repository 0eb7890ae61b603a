#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "oddity/metrics/intervals.h"
#include "oddity/metrics/values.h"

/// Whether probabilities mean what they say: of the parts that were given 0.8, do 80 % have a defect?
///
/// `probabilities` are in [0, 1], float32 or float64, and compared as they are; `labels` are 1 for a defect and 0 for
/// good; `weights` are none or one for each sample (importance weights, finite, >= 0; a sample of weight 0 is as if
/// absent, whole numbers do not stand for repeated samples). Errors of calibration are in [0, 1], 0 is perfect. Counts
/// are 64-bit and sums float64: nothing saturates at 2^24. Results do not depend on the number of threads.
///
/// All functions throw std::invalid_argument for empty input, NaN, values outside [0, 1], rows that do not sum to 1
/// within 1e-3, other labels, classes out of range, lengths that differ, and a number of bins outside 1 .. 65536. One
/// class alone is no error: a forecast can be calibrated where nothing happens.
namespace oddity::metrics {

enum class Binning : std::uint8_t {
  /// Bin i of B is [i / B, (i + 1) / B) with the ends rounded to float64, the last one [(B - 1) / B, 1]: probability 1
  /// lies in the last bin and 0 in the first. (netcal and scikit-learn close bins on the right instead.)
  equal_width,
  /// About the same weight in each bin; equal probabilities are never split. A distinct probability lies in bin
  /// floor(B (below + equal / 2) / total) of the weights strictly below it, equal to it, and of all. Without ties and
  /// with B dividing n, each bin holds exactly n / B samples; a run of equal values makes its bin larger and may leave
  /// others empty, which are dropped.
  equal_mass,
};

struct CalibrationOptions {
  std::size_t bins = 15;  ///< 1 .. 65536
  Binning binning = Binning::equal_width;
};

enum class RateInterval : std::uint8_t { clopper_pearson, wilson };

struct ReliabilityOptions {
  std::size_t bins = 15;  ///< 1 .. 65536
  Binning binning = Binning::equal_width;
  double confidence = 0.95;  ///< of the two-sided intervals, in (0, 1)
  RateInterval interval = RateInterval::clopper_pearson;
};

/// One bin of the reliability diagram.
struct ReliabilityRow {
  double low = 0, high = 0;  ///< the bin is [low, high), the last one [low, 1]; equal mass: low is its smallest value
  std::size_t n = 0;         ///< samples
  std::size_t events = 0;    ///< of these with label 1
  double weight = 0;         ///< sum of weights; n without weights
  double mean_probability = 0;  ///< weighted mean of the probabilities; NaN in an empty bin
  double rate = 0;              ///< weighted share of label 1; NaN in an empty bin
  /// Of the rate of the bin. Clopper-Pearson is guaranteed where the samples of a bin share one true probability; where
  /// it differs between them their count varies less, so that the interval is rather too wide. With weights the
  /// effective sample size (sum w)^2 / sum w^2 takes the place of n (Korn and Graubard 1998): approximate. An empty bin
  /// has [0, 1].
  Interval interval;
};

/// All bins by rising probability; bins without a sample are listed with equal width.
std::vector<ReliabilityRow> reliability_table(Values probabilities, std::span<const std::uint8_t> labels,
                                              const ReliabilityOptions& options = {}, Values weights = {});

/// Distances of mean probability and rate over bins. The plug-in values (`ece`, `root_mean_square`, `mce`) are above
/// zero also for a perfect forecast, the more so the fewer samples a bin has, and have no valid interval; only
/// `squared_debiased` is free of that.
struct CalibrationError {
  double ece = 0;               ///< expected calibration error, L1: sum of share |mean probability - rate|
  double root_mean_square = 0;  ///< L2: square root of the sum of share (mean probability - rate)^2
  double mce = 0;               ///< maximum calibration error: largest |mean probability - rate| of a bin
  /// Unbiased estimate of the sum of share E[probability - label | bin]^2, so that its mean is exactly 0 for a
  /// calibrated forecast; may be negative. From all pairs i != j of a bin: sum of w_i d_i w_j d_j / sum of w_i w_j with
  /// d = probability - label. Where all probabilities of a bin are equal this is the estimator of Kumar, Liang and Ma
  /// (2019, "Verified uncertainty calibration"), (mean - rate)^2 - rate (1 - rate) / (n - 1); where they vary, that
  /// form subtracts too much. Samples alone in their bin have no pair and are left out; NaN when all are.
  double squared_debiased = 0;
  double root_debiased = 0;  ///< sqrt(max(0, squared_debiased)): debiased L2, biased again by the root
  /// Standard deviation of squared_debiased if the forecast were calibrated, exact given the probabilities: a value
  /// above 5 of these is rare where dozens of events are expected. NaN where squared_debiased is, and for class-wise
  /// means.
  double squared_deviation = 0;
  std::size_t n = 0;      ///< samples of weight above 0
  std::size_t alone = 0;  ///< of these alone in their bin
  std::size_t bins = 0;   ///< bins that hold a sample
};

/// Of two classes, by the probability of label 1.
CalibrationError calibration_error(Values probabilities, std::span<const std::uint8_t> labels,
                                   const CalibrationOptions& options = {}, Values weights = {});

/// The most probable class of each row and whether it is right: probabilities and labels for the functions of two
/// classes. Of equal probabilities the smaller class is taken.
struct TopLabels {
  std::vector<double> confidence;       ///< largest probability of the row
  std::vector<std::int64_t> predicted;  ///< its class
  std::vector<std::uint8_t> correct;    ///< 1 where it is the true class
};
/// `probabilities` [n, classes], `classes` the true class of each row, 0 .. columns - 1.
TopLabels top_labels(const Matrix& probabilities, std::span<const std::int64_t> classes);

/// Confidence calibration (Guo et al. 2017): of the most probable class against whether it is right. What torchmetrics
/// calls the multi-class calibration error.
CalibrationError confidence_calibration_error(const Matrix& probabilities, std::span<const std::int64_t> classes,
                                              const CalibrationOptions& options = {}, Values weights = {});

struct ClassCalibrationError {
  CalibrationError overall;
  std::vector<CalibrationError> classes;  ///< one for each column; n = 0 and NaN values for a class without samples
};

/// Top-label calibration (Gupta and Ramdas 2022): the same for each predicted class alone, with bins of its own.
/// Overall: weighted by the share of the predicted class (mce: the largest).
ClassCalibrationError top_label_calibration_error(const Matrix& probabilities, std::span<const std::int64_t> classes,
                                                  const CalibrationOptions& options = {}, Values weights = {});

/// Class-wise calibration (Kull et al. 2019, static calibration error): each column against "the true class is this
/// one", with bins of its own. Overall: the plain mean over classes (mce: the largest).
ClassCalibrationError class_wise_calibration_error(const Matrix& probabilities, std::span<const std::int64_t> classes,
                                                   const CalibrationOptions& options = {}, Values weights = {});

}  // namespace oddity::metrics
