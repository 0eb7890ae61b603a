#include "oddity/metrics/adaptive_conformal.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "metrics/check.h"
#include "oddity/metrics/conformal.h"

namespace oddity::metrics {
namespace {

constexpr const char* kFunction = "adaptive_conformal";
constexpr double kInfinity = std::numeric_limits<double>::infinity();

void require_options(const AdaptiveOptions& options) {
  detail::require_open_unit(kFunction, "alpha", options.alpha);
  if (!(options.step > 0 && std::isfinite(options.step))) {
    detail::refuse(kFunction, "step is out of range; got ", options.step, "; expected a finite value above 0");
  }
  if (options.start) {
    detail::require_unit(kFunction, "start", *options.start);
  }
}

/// The order statistic of conformal_rank at a level that may be tiny.
double threshold_at(double level, const std::vector<double>& sorted) {
  if (level >= 1) {
    return -kInfinity;
  }
  const std::size_t n = sorted.size();
  if (level <= 0 || level * double(n + 1) < 0.5) {
    return kInfinity;
  }
  const std::uint64_t above = floor_of_product(n + 1, simplest_fraction(level));
  return above == 0 ? kInfinity : sorted[n - above];
}

}  // namespace

AdaptiveConformal::AdaptiveConformal(Values calibration_scores, const AdaptiveOptions& options) : options_(options) {
  require_options(options);
  start_ = options.start.value_or(options.alpha);
  detail::require_not_empty(kFunction, "calibration_scores", calibration_scores.size());
  detail::require_finite(kFunction, "calibration_scores", calibration_scores);
  const std::size_t n = calibration_scores.size();
  const std::size_t kept = options.window > 0 ? std::min(n, options.window) : n;
  set_reference(calibration_scores.subspan(n - kept, kept));
}

AdaptiveConformal::AdaptiveConformal(const AdaptiveState& state)
    : AdaptiveConformal(Values(state.reference), state.options) {
  if (options_.window > 0 && state.reference.size() > options_.window) {
    detail::refuse(kFunction, "state does not fit its window; got ", state.reference.size(), " scores for a window of ",
                   options_.window);
  }
  if (state.misses > state.steps) {
    detail::refuse(kFunction, "state has more misses than steps; got ", state.misses, " and ", state.steps);
  }
  steps_ = state.steps;
  misses_ = state.misses;
}

AdaptiveState AdaptiveConformal::state() const {
  AdaptiveState result{options_, steps_, misses_, sorted_};
  if (options_.window > 0) {
    result.reference.assign(order_.begin(), order_.end());
  }
  return result;
}

void AdaptiveConformal::set_reference(Values scores) {
  for (std::size_t i = 0; i < scores.size(); ++i) {
    sorted_.push_back(scores[i]);
  }
  if (options_.window > 0) {
    order_.assign(sorted_.begin(), sorted_.end());
  }
  std::sort(sorted_.begin(), sorted_.end());
}

double AdaptiveConformal::level() const noexcept {
  // From the counts: nothing accumulates over a long stream.
  return start_ + options_.step * (options_.alpha * double(steps_) - double(misses_));
}

double AdaptiveConformal::threshold() const { return threshold_at(level(), sorted_); }

bool AdaptiveConformal::take(double score, double threshold) {
  const bool within = score <= threshold;
  ++steps_;
  misses_ += within ? 0 : 1;
  if (options_.window > 0) {
    order_.push_back(score);
    sorted_.insert(std::upper_bound(sorted_.begin(), sorted_.end(), score), score);
    if (order_.size() > options_.window) {
      sorted_.erase(std::lower_bound(sorted_.begin(), sorted_.end(), order_.front()));
      order_.pop_front();
    }
  }
  return within;
}

bool AdaptiveConformal::update(double score) {
  detail::require_finite(kFunction, "score", score);
  return take(score, threshold());
}

AdaptiveTrace AdaptiveConformal::run(Values scores) {
  detail::require_finite(kFunction, "scores", scores);
  AdaptiveTrace trace;
  for (std::size_t i = 0; i < scores.size(); ++i) {
    trace.levels.push_back(level());
    trace.thresholds.push_back(threshold());
    trace.missed.push_back(take(scores[i], trace.thresholds.back()) ? 0 : 1);
  }
  return trace;
}

double AdaptiveConformal::miss_rate() const noexcept {
  return steps_ > 0 ? double(misses_) / double(steps_) : std::numeric_limits<double>::quiet_NaN();
}

double AdaptiveConformal::bound() const noexcept {
  return steps_ > 0 ? (std::max(start_, 1 - start_) + options_.step) / (options_.step * double(steps_)) : kInfinity;
}

}  // namespace oddity::metrics
