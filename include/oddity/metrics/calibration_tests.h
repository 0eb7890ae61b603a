#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "oddity/metrics/values.h"

/// Tests of the hypothesis that probabilities are calibrated: label i is 1 with probability p_i, independently. No bins
/// are chosen. `probabilities` in [0, 1], `labels` 0 or 1. All functions throw std::invalid_argument for empty input,
/// NaN, values outside [0, 1], other labels or lengths that differ. p-values are of the large-sample distribution:
/// trust them when sum p (1 - p), the variance of the number of events, is above about 20. With fewer events to be
/// expected one event alone may reach any level: of perfect forecasts with 0.05 expected events 4.9 % have p < 0.0001.
/// A label that its probability excludes (1 at p = 0, 0 at p = 1) gives p-value 0.
namespace oddity::metrics {

struct CalibrationTest {
  double error = 0;      ///< the deviation itself, in units of probability; 0 is calibrated
  double statistic = 0;  ///< error in standard deviations of the hypothesis
  double p_value = 1;    ///< small: not calibrated
  std::size_t n = 0;
};

/// Spiegelhalter's test (1986) that the Brier score is what the probabilities promise: error = mean of (y - p)(1 - 2
/// p), statistic normal with standard deviation sqrt(sum of (1 - 2 p)^2 p (1 - p)) / n; two-sided. Sees over- and
/// under-confidence, and no shift of probabilities around 1/2. When the deviation is zero (all p in {0, 1/2, 1}) the
/// p-value is 1 for error 0 and else 0 with an infinite statistic.
CalibrationTest spiegelhalter_test(Values probabilities, std::span<const std::uint8_t> labels);

/// Kolmogorov-Smirnov test of the cumulative differences C(t) = mean of (y - p)[p <= t] (Arrieta-Ibarra et al. 2022,
/// "Metrics of calibration for probabilistic predictions"; Gupta et al. 2021 for the error): error = max over t of
/// |C(t)|, which no binning distorts. Equal probabilities are taken together. Deviation sqrt(sum of p (1 - p)) / n; the
/// p-value is that of the largest |value| of Brownian motion on [0, 1]. When the deviation is zero: as above.
CalibrationTest kolmogorov_smirnov_calibration_test(Values probabilities, std::span<const std::uint8_t> labels);

/// The same with error = max C - min C, where C starts at 0 (Kuiper): stronger when deviations of both signs follow
/// each other. The p-value is that of the range of Brownian motion (Feller 1951).
CalibrationTest kuiper_calibration_test(Values probabilities, std::span<const std::uint8_t> labels);

}  // namespace oddity::metrics
