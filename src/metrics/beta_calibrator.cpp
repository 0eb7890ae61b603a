#include <algorithm>
#include <cmath>

#include "core/threads.h"
#include "metrics/binary_samples.h"
#include "metrics/calibration_checks.h"
#include "metrics/check.h"
#include "metrics/logistic_fit.h"
#include "oddity/metrics/calibrators.h"

namespace oddity::metrics {
namespace {

using detail::refuse;

constexpr double kClip = 0x1p-52;
constexpr std::int64_t kGrain = 16384;

double clipped(double probability) { return std::clamp(probability, kClip, 1 - kClip); }

/// The likelihood of an increasing map has a maximum unless some threshold separates the classes, itself included.
void require_overlap(const char* function, const detail::BinarySamples& samples) {
  double highest_good = 0, lowest_defect = 1;
  for (std::size_t i = 0; i < samples.values.size(); ++i) {
    if (samples.labels[i] != 0) {
      lowest_defect = std::min(lowest_defect, samples.values[i]);
    } else {
      highest_good = std::max(highest_good, samples.values[i]);
    }
  }
  if (highest_good <= lowest_defect) {
    refuse(function, "probabilities separate the classes: the highest of a good part is ", highest_good,
           " and the lowest of a defective one ", lowest_defect,
           ", so that the likelihood has no maximum; expected classes that overlap (more samples), or fit_platt");
  }
}

void require_three_values(const char* function, const std::vector<double>& values) {
  double distinct[2] = {values.front(), values.front()};
  std::size_t count = 1;
  for (const double value : values) {
    if (value == distinct[0] || value == distinct[1]) {
      continue;
    }
    if (++count == 3) {
      return;
    }
    distinct[1] = value;
  }
  refuse(function, "probabilities take ", count, " distinct values; expected at least 3");
}

}  // namespace

std::vector<double> BetaCalibrator::predict(Values probabilities) const {
  constexpr const char* function = "BetaCalibrator.predict";
  detail::require_not_empty(function, "probabilities", probabilities.size());
  detail::require_probability_values(function, "probabilities", probabilities);
  for (const double parameter : {a, b, c}) {
    detail::require_finite(function, "parameter", parameter);
  }
  std::vector<double> result(probabilities.size());
  probabilities.visit([&](auto values) {
    std::transform(values.begin(), values.end(), result.begin(), [](auto p) { return clipped(double(p)); });
  });
  detail::beta_log_odds(result, a, b, c);
  detail::logistic_of(result);
  return result;
}

BetaCalibrator fit_beta(Values probabilities, std::span<const std::uint8_t> labels, Values weights) {
  constexpr const char* function = "fit_beta";
  detail::BinarySamples samples = detail::binary_samples(function, "probabilities", probabilities, labels, weights);
  detail::require_probability_values(function, "probabilities", probabilities);
  for (double& value : samples.values) {
    value = clipped(value);
  }
  require_three_values(function, samples.values);
  require_overlap(function, samples);
  detail::LogisticData data;
  data.features[0].resize(samples.values.size());
  data.features[1].resize(samples.values.size());
  thread_pool().parallel_for(0, std::int64_t(samples.values.size()), kGrain,
                             [&](std::int64_t first, std::int64_t last) {
                               for (auto i = std::size_t(first); i < std::size_t(last); ++i) {
                                 data.features[0][i] = std::log(samples.values[i]);
                                 data.features[1][i] = -std::log1p(-samples.values[i]);
                               }
                             });
  const detail::Centring x1 = detail::centre(data.features[0], samples.weights);
  const detail::Centring x2 = detail::centre(data.features[1], samples.weights);
  data.labels = std::move(samples.labels);
  data.weights = std::move(samples.weights);
  const double odds = samples.weight_defect / samples.weight_good;
  const auto fitted = detail::fit_logistic(function, data, {0, 0, std::log(odds)}, true);
  BetaCalibrator result;
  result.a = fitted[0] / x1.range;
  result.b = fitted[1] / x2.range;
  result.c = fitted[2] - result.a * x1.centre - result.b * x2.centre;
  result.n_good = samples.n_good;
  result.n_defect = samples.n_defect;
  return result;
}

}  // namespace oddity::metrics
