#include "metrics/binary_samples.h"

#include <algorithm>

#include "metrics/calibration_checks.h"
#include "metrics/check.h"
#include "metrics/sample_weights.h"

namespace oddity::metrics::detail {

BinarySamples binary_samples(const char* function, const char* name, Values values,
                             std::span<const std::uint8_t> labels, Values weights) {
  require_labels(function, name, values.size(), labels);
  require_finite(function, name, values);
  require_sample_weights(function, weights, values.size());
  BinarySamples samples;
  const double unit = weight_unit(weights);
  samples.values.reserve(values.size());
  samples.labels.reserve(values.size());
  samples.weights.reserve(weights.size());
  values.visit([&](auto span) {
    for (std::size_t i = 0; i < span.size(); ++i) {
      const double weight = weights.empty() ? 1.0 : weights[i];
      if (!(weight > 0)) {
        continue;
      }
      samples.values.push_back(double(span[i]));
      samples.labels.push_back(labels[i]);
      if (!weights.empty()) {
        samples.weights.push_back(weight / unit);
      }
      samples.n_defect += labels[i];
      (labels[i] != 0 ? samples.weight_defect : samples.weight_good) += weight;
    }
  });
  samples.n_good = samples.values.size() - samples.n_defect;
  require_both_classes(function, samples.n_good, samples.n_defect);
  return samples;
}

Centring centre(std::vector<double>& values, std::span<const double> weights) {
  const auto [smallest, largest] = std::minmax_element(values.begin(), values.end());
  Centring result;
  const double base = *smallest;
  result.range = *largest - base;
  double sum = 0, weight = 0;
  for (std::size_t i = 0; i < values.size(); ++i) {
    const double w = weights.empty() ? 1.0 : weights[i];
    sum += w * ((values[i] - base) / result.range);
    weight += w;
  }
  result.centre = base + result.range * (sum / weight);
  for (double& value : values) {
    value = (value - result.centre) / result.range;
  }
  return result;
}

}  // namespace oddity::metrics::detail
