#include "oddity/metrics/regression_intervals.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/threads.h"
#include "metrics/check.h"
#include "oddity/metrics/cross_conformal.h"

namespace oddity::metrics {
namespace {

using detail::refuse;

constexpr double kInfinity = std::numeric_limits<double>::infinity();

void require_scales(const char* function, const char* name, Values scales) {
  detail::require_finite(function, name, scales);
  for (std::size_t i = 0; i < scales.size(); ++i) {
    if (!(scales[i] > 0)) {
      refuse(function, name, " must be positive; got ", scales[i], " at index ", i);
    }
  }
}

void require_columns(const char* function, const char* a, Values of_a, const char* b, Values of_b) {
  detail::require_not_empty(function, a, of_a.size());
  detail::require_same_length(function, a, of_a.size(), b, of_b.size());
  detail::require_finite(function, a, of_a);
  detail::require_finite(function, b, of_b);
}

/// Number of scores + shift that are at most `value`, over all folds.
std::size_t count_at_most(const std::vector<std::vector<double>>& sorted, const std::vector<double>& shifts,
                          double value) {
  std::size_t count = 0;
  for (std::size_t k = 0; k < sorted.size(); ++k) {
    count += std::size_t(std::partition_point(sorted[k].begin(), sorted[k].end(),
                                              [&](double score) { return score + shifts[k] <= value; }) -
                         sorted[k].begin());
  }
  return count;
}

/// The rank-th smallest of score + shift over all folds: the candidate of each fold is found by bisection of its ranks.
double select(const std::vector<std::vector<double>>& sorted, const std::vector<double>& shifts, std::size_t rank) {
  double best = kInfinity;
  for (std::size_t k = 0; k < sorted.size(); ++k) {
    std::size_t low = 0, high = sorted[k].size();
    while (low < high) {
      const std::size_t middle = low + (high - low) / 2;
      if (count_at_most(sorted, shifts, sorted[k][middle] + shifts[k]) >= rank) {
        high = middle;
      } else {
        low = middle + 1;
      }
    }
    if (low < sorted[k].size()) {
      best = std::min(best, sorted[k][low] + shifts[k]);
    }
  }
  return best;
}

}  // namespace

ConformalIntervals split_intervals(Values calibration_targets, Values calibration_predictions, Values predictions,
                                   double alpha, Values calibration_scales, Values scales) {
  constexpr const char* function = "split_intervals";
  detail::require_open_unit(function, "alpha", alpha);
  require_columns(function, "calibration_targets", calibration_targets, "calibration_predictions",
                  calibration_predictions);
  detail::require_not_empty(function, "predictions", predictions.size());
  detail::require_finite(function, "predictions", predictions);
  if (calibration_scales.empty() != scales.empty()) {
    refuse(function, "calibration_scales and scales go together; got ", calibration_scales.size(), " and ",
           scales.size());
  }
  if (!scales.empty()) {
    detail::require_same_length(function, "calibration_targets", calibration_targets.size(), "calibration_scales",
                                calibration_scales.size());
    detail::require_same_length(function, "predictions", predictions.size(), "scales", scales.size());
    require_scales(function, "calibration_scales", calibration_scales);
    require_scales(function, "scales", scales);
  }
  std::vector<double> scores(calibration_targets.size());
  for (std::size_t i = 0; i < scores.size(); ++i) {
    scores[i] =
        std::abs(calibration_targets[i] - calibration_predictions[i]) / (scales.empty() ? 1 : calibration_scales[i]);
  }
  ConformalIntervals result;
  result.law = conformal_rank(scores.size(), alpha);
  result.threshold = conformal_quantile(scores, result.law);
  result.guarantee = 1 - alpha;
  for (std::size_t i = 0; i < predictions.size(); ++i) {
    const double width = result.threshold * (scales.empty() ? 1 : scales[i]);
    result.low.push_back(predictions[i] - width);
    result.high.push_back(predictions[i] + width);
  }
  return result;
}

ConformalIntervals quantile_regression_intervals(Values calibration_targets, Values calibration_low,
                                                 Values calibration_high, Values low, Values high, double alpha) {
  constexpr const char* function = "quantile_regression_intervals";
  detail::require_open_unit(function, "alpha", alpha);
  require_columns(function, "calibration_targets", calibration_targets, "calibration_low", calibration_low);
  require_columns(function, "calibration_targets", calibration_targets, "calibration_high", calibration_high);
  require_columns(function, "low", low, "high", high);
  std::vector<double> scores(calibration_targets.size());
  for (std::size_t i = 0; i < scores.size(); ++i) {
    scores[i] = std::max(calibration_low[i] - calibration_targets[i], calibration_targets[i] - calibration_high[i]);
  }
  ConformalIntervals result;
  result.law = conformal_rank(scores.size(), alpha);
  result.threshold = conformal_quantile(scores, result.law);
  result.guarantee = 1 - alpha;
  for (std::size_t i = 0; i < low.size(); ++i) {
    double from = low[i] - result.threshold, to = high[i] + result.threshold;
    if (from > to) {
      from = to = from / 2 + to / 2;
    }
    result.low.push_back(from);
    result.high.push_back(to);
  }
  return result;
}

ConformalIntervals cross_conformal_intervals(Values targets, Values out_of_fold, std::span<const std::int64_t> folds,
                                             const Matrix& predictions, double alpha) {
  constexpr const char* function = "cross_conformal_intervals";
  detail::require_open_unit(function, "alpha", alpha);
  require_columns(function, "targets", targets, "out_of_fold", out_of_fold);
  detail::require_same_length(function, "targets", targets.size(), "folds", folds.size());
  detail::require_matrix(function, "predictions", predictions);
  const std::size_t count = predictions.columns;
  std::vector<std::vector<double>> up(count), down(count);
  for (std::size_t i = 0; i < folds.size(); ++i) {
    if (folds[i] < 0 || std::size_t(folds[i]) >= count) {
      refuse(function, "folds must name a column of predictions; got ", folds[i], " at index ", i, "; expected 0 to ",
             count - 1);
    }
    const double residual = std::abs(targets[i] - out_of_fold[i]);
    up[std::size_t(folds[i])].push_back(residual);
    down[std::size_t(folds[i])].push_back(-residual);
  }
  for (std::size_t k = 0; k < count; ++k) {
    if (up[k].empty()) {
      refuse(function, "fold ", k, " has no sample; expected at least one in each of ", count);
    }
    std::sort(up[k].begin(), up[k].end());
    std::sort(down[k].begin(), down[k].end());
  }
  ConformalIntervals result;
  result.law = conformal_rank(targets.size(), alpha);
  result.threshold = std::numeric_limits<double>::quiet_NaN();
  result.guarantee = cross_conformal_guarantee(targets.size(), count, alpha);
  const std::size_t rank = result.law.rank;
  result.low.assign(predictions.rows, -kInfinity);
  result.high.assign(predictions.rows, kInfinity);
  if (result.law.infinite) {
    return result;
  }
  thread_pool().parallel_for(0, std::int64_t(predictions.rows), 64, [&](std::int64_t first, std::int64_t last) {
    std::vector<double> shifts(count);
    for (auto i = std::size_t(first); i < std::size_t(last); ++i) {
      for (std::size_t k = 0; k < count; ++k) {
        shifts[k] = predictions(i, k);
      }
      result.low[i] = select(down, shifts, targets.size() + 1 - rank);
      result.high[i] = select(up, shifts, rank);
    }
  });
  return result;
}

}  // namespace oddity::metrics
