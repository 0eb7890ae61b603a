#include "oddity/metrics/regression_intervals.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "metrics/check.h"

namespace oddity::metrics {
namespace {

using detail::refuse;

constexpr double kInfinity = std::numeric_limits<double>::infinity();

void require_values(const char* function, const char* name, Values values, std::size_t n) {
  if (values.size() != n) {
    refuse(function, name, " must be one for each sample; got ", values.size(), " for ", n, " samples");
  }
  detail::require_finite(function, name, values);
}

void require_scales(const char* function, Values scales, std::size_t n) {
  if (scales.empty()) {
    return;
  }
  require_values(function, "scales", scales, n);
  for (std::size_t i = 0; i < n; ++i) {
    if (!(scales[i] > 0)) {
      refuse(function, "scales must be above 0; got ", scales[i], " at index ", i);
    }
  }
}

void require_thresholds(const char* function, Values thresholds, std::size_t n) {
  if (thresholds.size() != 1 && thresholds.size() != n) {
    refuse(function, "thresholds must be one, or one for each sample; got ", thresholds.size(), " for ", n, " samples");
  }
  for (std::size_t i = 0; i < thresholds.size(); ++i) {
    if (std::isnan(thresholds[i])) {
      refuse(function, "thresholds must not be NaN; got NaN at index ", i);
    }
  }
}

/// The first double from `score` on whose interval holds the target.
template <class Inside>
double rounded_up(const char* function, double score, std::size_t index, Inside inside) {
  while (std::isfinite(score) && !inside(score)) {
    score = std::nextafter(score, kInfinity);
  }
  if (!std::isfinite(score)) {
    refuse(function, "the score at index ", index, " is beyond float64; expected values nearer to each other");
  }
  return score;
}

double low_end(double low, double threshold, double scale) { return low - threshold * scale; }
double high_end(double high, double threshold, double scale) { return high + threshold * scale; }

}  // namespace

std::vector<double> residual_scores(Values predictions, Values targets, Values scales) {
  constexpr const char* function = "residual_scores";
  detail::require_not_empty(function, "predictions", predictions.size());
  detail::require_finite(function, "predictions", predictions);
  require_values(function, "targets", targets, predictions.size());
  require_scales(function, scales, predictions.size());
  std::vector<double> scores(predictions.size());
  for (std::size_t i = 0; i < scores.size(); ++i) {
    const double f = predictions[i], y = targets[i], scale = scales.empty() ? 1 : scales[i];
    scores[i] = rounded_up(function, std::abs(y - f) / scale, i, [=](double score) {
      return low_end(f, score, scale) <= y && y <= high_end(f, score, scale);
    });
  }
  return scores;
}

std::vector<double> quantile_scores(Values low, Values high, Values targets) {
  constexpr const char* function = "quantile_scores";
  detail::require_not_empty(function, "low", low.size());
  detail::require_finite(function, "low", low);
  require_values(function, "high", high, low.size());
  require_values(function, "targets", targets, low.size());
  std::vector<double> scores(low.size());
  for (std::size_t i = 0; i < scores.size(); ++i) {
    const double y = targets[i];
    scores[i] = rounded_up(function, std::max(low[i] - y, y - high[i]), i, [=, l = low[i], h = high[i]](double score) {
      return low_end(l, score, 1) <= y && y <= high_end(h, score, 1);
    });
  }
  return scores;
}

Intervals residual_intervals(Values predictions, Values thresholds, Values scales) {
  constexpr const char* function = "residual_intervals";
  detail::require_not_empty(function, "predictions", predictions.size());
  detail::require_finite(function, "predictions", predictions);
  require_thresholds(function, thresholds, predictions.size());
  require_scales(function, scales, predictions.size());
  Intervals result{std::vector<double>(predictions.size()), std::vector<double>(predictions.size())};
  for (std::size_t i = 0; i < predictions.size(); ++i) {
    const double scale = scales.empty() ? 1 : scales[i];
    double threshold = thresholds[thresholds.size() == 1 ? 0 : i];
    threshold = threshold < 0 ? -kInfinity : threshold;  // no absolute residual is negative
    result.low[i] = low_end(predictions[i], threshold, scale);
    result.high[i] = high_end(predictions[i], threshold, scale);
  }
  return result;
}

Intervals quantile_intervals(Values low, Values high, Values thresholds) {
  constexpr const char* function = "quantile_intervals";
  detail::require_not_empty(function, "low", low.size());
  detail::require_finite(function, "low", low);
  require_values(function, "high", high, low.size());
  require_thresholds(function, thresholds, low.size());
  Intervals result{std::vector<double>(low.size()), std::vector<double>(low.size())};
  for (std::size_t i = 0; i < low.size(); ++i) {
    const double threshold = thresholds[thresholds.size() == 1 ? 0 : i];
    result.low[i] = low_end(low[i], threshold, 1);
    result.high[i] = high_end(high[i], threshold, 1);
  }
  return result;
}

IntervalEvaluation evaluate_intervals(const Intervals& intervals, Values targets, double confidence) {
  constexpr const char* function = "evaluate_intervals";
  const std::size_t n = intervals.low.size();
  detail::require_not_empty(function, "intervals", n);
  detail::require_same_length(function, "low", n, "high", intervals.high.size());
  require_values(function, "targets", targets, n);
  detail::require_open_unit(function, "confidence", confidence);
  IntervalEvaluation result;
  std::uint64_t covered = 0;
  double widths = 0;
  for (std::size_t i = 0; i < n; ++i) {
    const double low = intervals.low[i], high = intervals.high[i], y = targets[i];
    if (std::isnan(low) || std::isnan(high)) {
      refuse(function, "intervals must not be NaN; got NaN at index ", i);
    }
    if (low > high) {
      ++result.empty;
      continue;
    }
    covered += low <= y && y <= high;
    result.below += y < low;
    result.above += y > high;
    if (std::isinf(low) || std::isinf(high)) {
      ++result.infinite;
    } else {
      widths += high - low;
    }
  }
  result.coverage = coverage_of(covered, n, confidence);
  const std::uint64_t finite = n - result.empty - result.infinite;
  result.mean_width = finite > 0 ? widths / double(finite) : std::numeric_limits<double>::quiet_NaN();
  return result;
}

}  // namespace oddity::metrics
