#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "oddity/metrics/coverage.h"
#include "oddity/metrics/values.h"

/// Split conformal intervals of a real number in three steps: scores of calibration samples that the model has not seen
/// in training, their quantile (conformal_quantile, group_conformal_quantiles, WeightedCalibration or
/// AdaptiveConformal), intervals of new samples. The guarantee is that of the quantile. All functions throw
/// std::invalid_argument for empty input, NaN, infinity, lengths that differ and what they state.
namespace oddity::metrics {

/// |y - f|, or |y - f| / scale with a scale for each sample, above 0, such as a predicted standard deviation
/// (Papadopoulos et al. 2002; Lei et al. 2018): intervals are then wide where the model expects to be wrong. A scale
/// must come from the sample's features alone. Here and below a score is rounded up so far that the interval it gives
/// holds the target: ties with a threshold are never lost to rounding. Refuses scores beyond float64.
std::vector<double> residual_scores(Values predictions, Values targets, Values scales = {});

/// max(low - y, y - high) for predicted quantiles (CQR; Romano, Patterson, Candes 2019). Negative inside. Quantiles may
/// cross.
std::vector<double> quantile_scores(Values low, Values high, Values targets);

struct Intervals {
  std::vector<double> low, high;  ///< low > high: empty, no value conforms
};

/// f -+ threshold [times scale]. `thresholds` has one value for all samples or one for each; infinity gives (-inf,
/// inf), a negative one the empty interval (inf, -inf).
Intervals residual_intervals(Values predictions, Values thresholds, Values scales = {});

/// [low - threshold, high + threshold]; a negative threshold shrinks, possibly to nothing (low > high).
Intervals quantile_intervals(Values low, Values high, Values thresholds);

struct IntervalEvaluation {
  Coverage coverage;                      ///< of targets inside, ends included
  std::uint64_t below = 0, above = 0;     ///< missed targets by side; a miss of an empty interval counts as neither
  std::uint64_t empty = 0, infinite = 0;  ///< intervals with low > high, with an infinite end
  double mean_width = 0;                  ///< of the others; NaN when there is none
};

/// Throws also for confidence outside (0, 1). Interval ends may be infinite.
IntervalEvaluation evaluate_intervals(const Intervals& intervals, Values targets, double confidence = 0.95);

}  // namespace oddity::metrics
