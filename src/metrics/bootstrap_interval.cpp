#include "metrics/bootstrap_interval.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "oddity/metrics/intervals.h"

namespace oddity::metrics::detail {

double quantile_of_sorted(std::span<const double> sorted, double p) {
  const double at = p * double(sorted.size() - 1);
  const auto below = std::min(std::size_t(at), sorted.size() - 1);
  const std::size_t above = std::min(below + 1, sorted.size() - 1);
  return sorted[below] + (at - double(below)) * (sorted[above] - sorted[below]);
}

double acceleration(std::span<const double> leave_one_out, std::span<const std::uint32_t> stratum_of_unit) {
  struct Stratum {
    double size = 0, mean = 0;
  };
  std::vector<Stratum> strata;
  for (std::size_t i = 0; i < leave_one_out.size(); ++i) {
    strata.resize(std::max(strata.size(), std::size_t(stratum_of_unit[i]) + 1));
    Stratum& stratum = strata[stratum_of_unit[i]];
    stratum.size += 1;
    stratum.mean += (leave_one_out[i] - stratum.mean) / stratum.size;
  }
  double squares = 0, cubes = 0, largest = 0;
  for (std::size_t i = 0; i < leave_one_out.size(); ++i) {
    const Stratum& stratum = strata[stratum_of_unit[i]];
    if (stratum.size > 1) {
      const double influence = (stratum.mean - leave_one_out[i]) * (stratum.size - 1) / stratum.size;
      squares += influence * influence;
      cubes += influence * influence * influence;
      largest = std::max(largest, std::abs(leave_one_out[i]));
    }
  }
  // Values that differ by rounding alone are equal.
  const double rounding = 1e-14 * largest;
  return squares > rounding * rounding ? cubes / (6 * squares * std::sqrt(squares)) : 0.0;
}

void conclude(BootstrapResult& result, BootstrapMethod method, double confidence) {
  constexpr double none = std::numeric_limits<double>::quiet_NaN();
  std::vector<double> sorted(result.resampled);
  std::sort(sorted.begin(), sorted.end());
  const double count = double(sorted.size());
  double sum = 0;
  for (const double value : sorted) {
    sum += value - result.value;
  }
  result.bias = sum / count;
  double squares = 0;
  for (const double value : sorted) {
    const double difference = value - result.value - result.bias;
    squares += difference * difference;
  }
  result.standard_error = sorted.size() > 1 ? std::sqrt(squares / (count - 1)) : none;

  result.low = result.high = none;
  const double scale = std::max(std::abs(sorted.front()), std::abs(sorted.back()));
  if (sorted.back() - sorted.front() <= 1e-14 * scale) {
    return;
  }
  double below = (1 - confidence) / 2, above = (1 + confidence) / 2;
  if (method == BootstrapMethod::bca) {
    // Equal up to rounding counts half: a statistic may sum in another order for the resample that is the sample.
    const auto first = std::lower_bound(sorted.begin(), sorted.end(), result.value - 1e-14 * scale);
    const auto last = std::upper_bound(sorted.begin(), sorted.end(), result.value + 1e-14 * scale);
    const double share = (double(first - sorted.begin()) + 0.5 * double(last - first)) / count;
    if (share <= 0 || share >= 1) {
      return;
    }
    const double z0 = result.bias_correction = normal_quantile(share);
    const auto moved = [&](double z) {
      const double skewed = 1 - result.acceleration * (z0 + z);
      return skewed > 0 ? normal_cdf(z0 + (z0 + z) / skewed) : none;
    };
    const double z = -normal_quantile((1 - confidence) / 2);
    below = moved(-z);
    above = moved(z);
    if (std::isnan(below) || std::isnan(above)) {
      return;
    }
  }
  result.low = quantile_of_sorted(sorted, below);
  result.high = quantile_of_sorted(sorted, above);
}

}  // namespace oddity::metrics::detail
