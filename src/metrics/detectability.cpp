#include "oddity/metrics/detectability.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "metrics/check.h"
#include "metrics/logistic_curve.h"
#include "metrics/root.h"
#include "oddity/metrics/intervals.h"

namespace oddity::metrics {
namespace {

using detail::LogisticCurve;
using detail::refuse;

constexpr double kInfinity = std::numeric_limits<double>::infinity();

/// Log sizes; refuses what the header says is refused.
std::vector<double> log_sizes(const char* function, const char* name, Values sizes) {
  detail::require_not_empty(function, name, sizes.size());
  detail::require_finite(function, name, sizes);
  std::vector<double> logs(sizes.size());
  for (std::size_t i = 0; i < logs.size(); ++i) {
    if (!(sizes[i] > 0)) {
      refuse(function, name, " must be above 0; got ", sizes[i], " at index ", i);
    }
    logs[i] = std::log(sizes[i]);
  }
  return logs;
}

void require_options(const char* function, const DetectabilityOptions& options) {
  detail::require_open_unit(function, "level", options.level);
  detail::require_open_unit(function, "confidence", options.confidence);
  if (!(options.bound_confidence >= 0.5 && options.bound_confidence < 1)) {
    refuse(function, "bound_confidence is out of range; got ", options.bound_confidence,
           "; expected a value in [0.5, 1)");
  }
  if (options.fit > LogisticFit::maximum_likelihood || options.bound > DetectabilityBound::wald) {
    refuse(function, "fit or bound is not known; got ", int(options.fit), " and ", int(options.bound));
  }
}

struct Fitted {
  LogisticCurve curve;
  bool separable, firth;
  std::size_t hits;
};

Fitted fit(const char* function, Values sizes, std::span<const std::uint8_t> hits,
           const DetectabilityOptions& options) {
  require_options(function, options);
  detail::require_same_length(function, "sizes", sizes.size(), "hits", hits.size());
  std::vector<double> x = log_sizes(function, "sizes", sizes);
  double smallest[2] = {kInfinity, kInfinity}, largest[2] = {-kInfinity, -kInfinity};
  std::size_t count = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    if (hits[i] > 1) {
      refuse(function, "hits must be 0 (missed) or 1 (found); got ", int(hits[i]), " at index ", i);
    }
    count += hits[i];
    smallest[hits[i]] = std::min(smallest[hits[i]], x[i]);
    largest[hits[i]] = std::max(largest[hits[i]], x[i]);
  }
  if (count == 0 || count == x.size()) {
    refuse(function, "hits and misses are needed; got ", count, " hits and ", x.size() - count, " misses");
  }
  if (std::min(smallest[0], smallest[1]) == std::max(largest[0], largest[1])) {
    refuse(function, "sizes are all the same; got ", sizes[0], "; expected at least two sizes");
  }
  const bool separable = largest[0] <= smallest[1] || largest[1] <= smallest[0];
  if (separable && options.fit == LogisticFit::maximum_likelihood) {
    refuse(function, "hits and misses are separated by size, so maximum likelihood has no slope; got misses up to ",
           std::exp(largest[0]), " and hits from ", std::exp(smallest[1]), "; expected fit firth or automatic");
  }
  const bool firth = separable || options.fit == LogisticFit::firth;  // separable: not maximum_likelihood
  return {LogisticCurve(std::move(x), hits, firth), separable, firth, count};
}

/// Where a deviance that is 0 at `inside` reaches z^2: in steps that grow from `step`, then the root of its square
/// root, which is about straight. +-infinity when it stays below over 2^40 steps.
template <class Deviance>
double limit_beyond(Deviance deviance, double inside, double step, double z) {
  const auto excess = [&](double x) { return std::sqrt(deviance(x)) - z; };
  double outside = inside + step;
  for (int doublings = 0; excess(outside) <= 0; ++doublings) {
    if (doublings == 40) {
      return step > 0 ? kInfinity : -kInfinity;
    }
    inside = outside;
    step *= 2;
    outside += step;
  }
  return detail::root_between(excess, inside, outside, 1e-10 * (1 + std::abs(outside)));
}

/// Lower (side -1) or upper (1) limit of the log size at which the predictor is `target`, at the normal quantile z >=
/// 0; slope > 0.
double log_size_limit(const LogisticCurve& curve, double target, double z, DetectabilityBound bound, double side) {
  const double estimate = (target - curve.intercept()) / curve.slope();
  const auto [v0, v01, v1] = curve.covariance();
  if (bound == DetectabilityBound::wald) {
    // (b0 + b1 x - target)^2 <= z^2 variance(x) (Fieller 1954): an interval only when the slope is significant.
    const double limit = z * z;
    const double a = curve.slope() * curve.slope() - limit * v1;
    const double b = curve.slope() * (curve.intercept() - target) - limit * v01;
    const double c = (curve.intercept() - target) * (curve.intercept() - target) - limit * v0;
    return a > 0 ? (-b + side * std::sqrt(std::max(0.0, b * b - a * c))) / a : side * kInfinity;
  }
  const double step = std::max(1e-9, z * std::sqrt(curve.predictor_variance(estimate)) / curve.slope());
  return limit_beyond([&](double x) { return curve.deviance(x, target); }, estimate, side * step, z);
}

}  // namespace

Detectability detectability(Values sizes, std::span<const std::uint8_t> hits, const DetectabilityOptions& options) {
  const Fitted fitted = fit("detectability", sizes, hits, options);
  const LogisticCurve& curve = fitted.curve;
  Detectability result;
  result.intercept = curve.intercept();
  result.slope = curve.slope();
  result.covariance = curve.covariance();
  result.log_likelihood = curve.log_likelihood();
  result.no_trend_p_value = std::erfc(std::sqrt(curve.flat_deviance() / 2));
  result.separable = fitted.separable;
  result.firth = fitted.firth;
  result.n = sizes.size();
  result.hits = fitted.hits;
  if (!(curve.slope() > 0)) {
    result.a50 = result.a90 = {kInfinity, kInfinity, kInfinity};
    result.a90_95 = kInfinity;
    return result;
  }
  const double two_sided = -normal_quantile((1 - options.confidence) / 2);
  const double one_sided = -normal_quantile(1 - options.bound_confidence);
  const auto size_of = [&](double level) {
    const double target = std::log(level) - std::log1p(-level);
    return DetectableSize{std::exp((target - curve.intercept()) / curve.slope()),
                          std::exp(log_size_limit(curve, target, two_sided, options.bound, -1)),
                          std::exp(log_size_limit(curve, target, two_sided, options.bound, 1))};
  };
  result.a50 = size_of(0.5);
  result.a90 = size_of(options.level);
  const double target = std::log(options.level) - std::log1p(-options.level);
  result.a90_95 = std::exp(log_size_limit(curve, target, one_sided, options.bound, 1));
  return result;
}

std::vector<DetectionPoint> detection_curve(Values sizes, std::span<const std::uint8_t> hits, Values at,
                                            const DetectabilityOptions& options) {
  constexpr const char* function = "detection_curve";
  const std::vector<double> x = log_sizes(function, "at", at);
  const Fitted fitted = fit(function, sizes, hits, options);
  const LogisticCurve& curve = fitted.curve;
  const double z = -normal_quantile((1 - options.confidence) / 2);
  const auto probability = [](double predictor) { return 1 / (1 + std::exp(-predictor)); };
  std::vector<DetectionPoint> points;
  points.reserve(x.size());
  for (std::size_t i = 0; i < x.size(); ++i) {
    const double predictor = curve.predictor(x[i]), error = std::sqrt(curve.predictor_variance(x[i]));
    DetectionPoint point{at[i], probability(predictor), 0, 1};
    if (options.bound == DetectabilityBound::wald) {
      point.low = probability(predictor - z * error);
      point.high = probability(predictor + z * error);
    } else {
      const auto deviance = [&](double t) { return curve.deviance(x[i], t); };
      point.low = probability(limit_beyond(deviance, predictor, -z * error, z));
      point.high = probability(limit_beyond(deviance, predictor, z * error, z));
    }
    points.push_back(point);
  }
  return points;
}

}  // namespace oddity::metrics
