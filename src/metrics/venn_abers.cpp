#include <algorithm>
#include <vector>

#include "core/threads.h"
#include "metrics/calibration_checks.h"
#include "metrics/check.h"
#include "metrics/knot_search.h"
#include "metrics/score_groups.h"
#include "oddity/metrics/calibrators.h"

namespace oddity::metrics {
namespace {

__extension__ typedef __int128 Wide;

/// A point of the cumulative sum diagram: samples and events up to a score.
struct Point {
  std::int64_t samples = 0, events = 0;

  Point operator-(Point other) const { return {samples - other.samples, events - other.events}; }
  Point operator+(Point other) const { return {samples + other.samples, events + other.events}; }
};

/// Twice the area of the triangle a b c: above 0 for a left turn at b.
Wide turn(Point a, Point b, Point c) {
  const Point first = b - a, second = c - b;
  return Wide(first.samples) * second.events - Wide(second.samples) * first.events;
}

/// For each step k of the diagram (samples, events of a group) the slope, as a fraction, of the greatest convex
/// minorant at a step (1, 1) that is inserted before group k: isotonic regression with one more defect there.
/// Algorithms 1 and 2 of Vovk, Petej and Fedorova (2015): a stack of the corners to the right; as k grows, the inserted
/// step moves through the diagram, and each point is pushed and popped at most once.
std::vector<Point> slopes_with_defect(const std::vector<Point>& steps) {
  std::vector<Point> points(steps.size() + 2);  // points[k + 1] is the end of group k - 1; points[0] lies before (0, 0)
  points[0] = {-1, -1};
  for (std::size_t k = 0; k < steps.size(); ++k) {
    points[k + 2] = points[k + 1] + steps[k];
  }
  std::vector<Point> corners;
  for (const Point& point : points) {
    while (corners.size() > 1 && turn(corners[corners.size() - 2], corners.back(), point) <= 0) {
      corners.pop_back();
    }
    corners.push_back(point);
  }
  std::reverse(corners.begin(), corners.end());  // the leftmost on top
  std::vector<Point> slopes(steps.size());
  for (std::size_t k = 0; k < steps.size(); ++k) {
    const Point top = corners.back(), next = corners[corners.size() - 2];
    slopes[k] = next - top;
    points[k + 1] = points[k] + steps[k];  // group k now lies before the inserted step
    if (turn(top, next, points[k + 1]) >= 0) {
      continue;
    }
    corners.pop_back();
    while (corners.size() > 1 && turn(points[k + 1], corners.back(), corners[corners.size() - 2]) <= 0) {
      corners.pop_back();
    }
    corners.push_back(points[k + 1]);
  }
  return slopes;
}

}  // namespace

VennAbersCalibrator fit_venn_abers(Values scores, std::span<const std::uint8_t> labels) {
  constexpr const char* function = "fit_venn_abers";
  const std::size_t defects = detail::require_labels(function, "scores", scores.size(), labels);
  detail::require_finite(function, "scores", scores);
  const detail::ScoreGroups groups = detail::score_groups(scores, labels);
  const std::size_t count = groups.score.size();
  VennAbersCalibrator result;
  result.n_defect = defects;
  result.n_good = labels.size() - defects;
  std::vector<Point> steps(count);
  for (std::size_t k = 0; k < count; ++k) {
    steps[k] = {std::int64_t(groups.weight[k]), std::int64_t(groups.events[k])};
  }
  // p1 is the same for all scores above the last group and up to this one: only the last score of a run is kept.
  std::vector<Point> slopes = slopes_with_defect(steps);
  for (std::size_t k = 0; k < count; ++k) {
    const double value = double(slopes[k].events) / double(slopes[k].samples);
    if (!result.high_values.empty() && result.high_values.back() == value) {
      result.high_scores.back() = groups.score[k];
    } else {
      result.high_scores.push_back(groups.score[k]);
      result.high_values.push_back(value);
    }
  }
  // p0 is p1 of the mirrored problem: scores and labels reversed.
  std::reverse(steps.begin(), steps.end());
  for (Point& step : steps) {
    step.events = step.samples - step.events;
  }
  slopes = slopes_with_defect(steps);
  for (std::size_t k = 0; k < count; ++k) {
    const Point slope = slopes[count - 1 - k];
    const double value = double(slope.samples - slope.events) / double(slope.samples);
    if (result.low_values.empty() || result.low_values.back() != value) {
      result.low_scores.push_back(groups.score[k]);
      result.low_values.push_back(value);
    }
  }
  return result;
}

VennAbersPrediction VennAbersCalibrator::predict(Values scores) const {
  constexpr const char* function = "VennAbersCalibrator.predict";
  detail::require_not_empty(function, "scores", scores.size());
  detail::require_finite(function, "scores", scores);
  if (low_scores.size() != low_values.size() || high_scores.size() != high_values.size()) {
    detail::refuse(function, "the calibrator's scores and values differ in length; got ", low_scores.size(), " and ",
                   low_values.size(), ", ", high_scores.size(), " and ", high_values.size());
  }
  VennAbersPrediction result;
  result.low.resize(scores.size());
  result.high.resize(scores.size());
  result.probability.resize(scores.size());
  scores.visit([&](auto span) {
    thread_pool().parallel_for(0, std::int64_t(span.size()), 4096, [&](std::int64_t first, std::int64_t last) {
      std::size_t low = 0, high = 0;
      for (auto i = std::size_t(first); i < std::size_t(last); ++i) {
        const auto score = double(span[i]);
        low = detail::knots_below<true>(low_scores, score, low);
        high = detail::knots_below<false>(high_scores, score, high);
        const double p0 = low == 0 ? 0.0 : low_values[low - 1];
        const double p1 = high == high_values.size() ? 1.0 : high_values[high];
        result.low[i] = p0;
        result.high[i] = p1;
        result.probability[i] = p1 / (1 - p0 + p1);
      }
    });
  });
  return result;
}

}  // namespace oddity::metrics
