#include <algorithm>
#include <cmath>

#include "metrics/binary_samples.h"
#include "metrics/check.h"
#include "metrics/logistic_fit.h"
#include "oddity/metrics/calibrators.h"

namespace oddity::metrics {
namespace {

constexpr double kLargestScore = 1e150;  // products of two scores are finite

}  // namespace

std::vector<double> PlattCalibrator::predict(Values scores) const {
  constexpr const char* function = "PlattCalibrator.predict";
  detail::require_not_empty(function, "scores", scores.size());
  detail::require_finite(function, "scores", scores);
  detail::require_finite(function, "slope", slope);
  detail::require_finite(function, "intercept", intercept);
  std::vector<double> result(scores.size());
  scores.visit([&](auto span) {
    std::transform(span.begin(), span.end(), result.begin(),
                   [&](auto score) { return slope * double(score) + intercept; });
  });
  detail::logistic_of(result);
  return result;
}

PlattCalibrator fit_platt(Values scores, std::span<const std::uint8_t> labels, Values weights) {
  constexpr const char* function = "fit_platt";
  detail::BinarySamples samples = detail::binary_samples(function, "scores", scores, labels, weights);
  const auto [smallest, largest] = std::minmax_element(samples.values.begin(), samples.values.end());
  if (*smallest == *largest) {
    detail::refuse(function, "scores are all equal; got ", *smallest, " ", samples.values.size(), " times");
  }
  if (std::max(-*smallest, *largest) > kLargestScore) {
    detail::refuse(function, "scores are too large; got ", std::max(-*smallest, *largest),
                   " in size; expected at most ", kLargestScore);
  }
  detail::LogisticData data;
  data.drawn_good = 1 / (samples.weight_good + 2);
  data.drawn_defect = 1 / (samples.weight_defect + 2);
  data.features[0] = std::move(samples.values);
  const detail::Centring x = detail::centre(data.features[0], samples.weights);
  data.labels = std::move(samples.labels);
  data.weights = std::move(samples.weights);
  const double odds = (samples.weight_defect + 1) / (samples.weight_good + 1);
  const auto fitted = detail::fit_logistic(function, data, {0, 0, std::log(odds)}, false);
  PlattCalibrator result;
  result.slope = fitted[0] / x.range;
  result.intercept = fitted[2] - result.slope * x.centre;
  result.n_good = samples.n_good;
  result.n_defect = samples.n_defect;
  if (!std::isfinite(result.slope) || !std::isfinite(result.intercept)) {
    detail::refuse(function, "scores are too much alike; got a range of ", x.range);
  }
  return result;
}

}  // namespace oddity::metrics
