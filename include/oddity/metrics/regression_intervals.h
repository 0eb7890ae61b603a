#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "oddity/metrics/conformal.h"
#include "oddity/metrics/values.h"

/// Intervals of a real target that hold it with a stated probability: split conformal, normalised, conformalised
/// quantile regression, and cross-conformal. All throw std::invalid_argument for NaN, lengths that differ and alpha
/// outside (0, 1).
namespace oddity::metrics {

struct ConformalIntervals {
  std::vector<double> low, high;  ///< one each row; -infinity and +infinity when n is too small
  double threshold = 0;           ///< the calibration quantile that widens; NaN for cross-conformal
  ConformalRank law;              ///< of the coverage; for cross-conformal its n and n_needed only
  double guarantee = 0;           ///< P(y in interval) is at least this
};

/// Calibration residuals |y - mu| / scale set the width: mu(x) -+ q scale(x) (Lei et al. 2018). `calibration_scales`
/// and `scales` are both empty (scale 1) or both given, positive. Guarantee 1 - alpha.
ConformalIntervals split_intervals(Values calibration_targets, Values calibration_predictions, Values predictions,
                                   double alpha, Values calibration_scales = {}, Values scales = {});

/// Conformalised quantile regression (Romano, Patterson, Candes 2019): score max(low - y, y - high), interval [low - q,
/// high + q]. Where that crosses (q negative, narrow quantiles) both ends are their mean. Guarantee 1 - alpha.
ConformalIntervals quantile_regression_intervals(Values calibration_targets, Values calibration_low,
                                                 Values calibration_high, Values low, Values high, double alpha);

/// CV+ (Barber, Candes, Ramdas, Tibshirani 2021), jackknife+ when each sample has its own fold. `out_of_fold` [n]:
/// prediction of calibration sample i by the model that was trained without its fold; `folds` [n] in 0 .. K - 1;
/// `predictions` [m, K]: column k by the model without fold k. Guarantee 1 - 2 alpha - min(2 (1 - 1/K) / (n/K + 1), (1
/// - K/n) / (K + 1)), not 1 - alpha: it is proven for any model and folds of equal size, and coverage is near 1 - alpha
/// for stable ones. O((n + m K) log n) time, O(n + m) memory: no table of n x m. Throws also for folds outside the
/// columns and folds without samples.
ConformalIntervals cross_conformal_intervals(Values targets, Values out_of_fold, std::span<const std::int64_t> folds,
                                             const Matrix& predictions, double alpha);

}  // namespace oddity::metrics
