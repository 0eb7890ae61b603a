#include "oddity/metrics/calibration_tests.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <vector>

#include "core/threads.h"
#include "metrics/calibration_checks.h"
#include "metrics/score_groups.h"

namespace oddity::metrics {
namespace {

void require_arguments(const char* function, Values probabilities, std::span<const std::uint8_t> labels) {
  detail::require_labels(function, "probabilities", probabilities.size(), labels);
  detail::require_probability_values(function, "probabilities", probabilities);
}

/// P(Z > z), Z standard normal.
double normal_tail(double z) { return 0.5 * std::erfc(z / std::numbers::sqrt2); }

/// P(max |B| > x) for Brownian motion B on [0, 1]. Two series for the same function: reflections converge fast for
/// large x, the theta function for small x.
double absolute_maximum_tail(double x) {
  double sum = 0;
  if (x > 1) {
    for (int k = 0; k < 20; ++k) {
      sum += (k % 2 == 0 ? 4 : -4) * normal_tail((2 * k + 1) * x);
    }
    return std::min(1.0, sum);
  }
  for (int k = 0; x > 0 && k < 20; ++k) {
    const double odd = 2 * k + 1, pi = std::numbers::pi;
    sum += (k % 2 == 0 ? 4 : -4) / (pi * odd) * std::exp(-odd * odd * pi * pi / (8 * x * x));
  }
  return 1 - sum;
}

/// P(max B - min B > x) on [0, 1] (Feller 1951), likewise.
double range_tail(double x) {
  double sum = 0;
  if (x > 1.5) {
    for (int k = 1; k < 20; ++k) {
      sum += (k % 2 == 1 ? 8 : -8) * k * normal_tail(k * x);
    }
    return std::min(1.0, sum);
  }
  for (int k = 0; x > 0 && k < 20; ++k) {
    const double half = k + 0.5, pi = std::numbers::pi;
    sum += (8 / (x * x) + 2 / (half * half * pi * pi)) * std::exp(-2 * half * half * pi * pi / (x * x));
  }
  return 1 - sum;
}

/// `tail` is P(statistic > x) under the hypothesis; `impossible`: something happened that was given probability 0,
/// which no chance explains.
template <class Tail>
CalibrationTest judged(double error, double deviation, bool impossible, std::size_t n, Tail tail) {
  CalibrationTest test;
  test.n = n;
  test.error = error;
  if (deviation > 0) {
    test.statistic = error / deviation;
    test.p_value = tail(test.statistic);
  } else if (error != 0) {
    test.statistic = std::copysign(std::numeric_limits<double>::infinity(), error);
    test.p_value = 0;
  }
  test.p_value = impossible ? 0 : test.p_value;
  return test;
}

struct Walk {
  double highest = 0, lowest = 0;  ///< of the cumulative differences, which start at 0
  double deviation = 0;
  bool impossible = false;
};

Walk cumulative_differences(Values probabilities, std::span<const std::uint8_t> labels) {
  const detail::ScoreGroups groups = detail::score_groups(probabilities, labels);
  const auto n = double(probabilities.size());
  Walk walk;
  double sum = 0, variance = 0;
  for (std::size_t g = 0; g < groups.score.size(); ++g) {
    const double p = groups.score[g];
    walk.impossible |= (p == 0 && groups.events[g] > 0) || (p == 1 && groups.events[g] < groups.weight[g]);
    sum += groups.events[g] - groups.weight[g] * p;
    variance += groups.weight[g] * p * (1 - p);
    walk.highest = std::max(walk.highest, sum / n);
    walk.lowest = std::min(walk.lowest, sum / n);
  }
  walk.deviation = std::sqrt(variance) / n;
  return walk;
}

}  // namespace

CalibrationTest spiegelhalter_test(Values probabilities, std::span<const std::uint8_t> labels) {
  require_arguments("spiegelhalter_test", probabilities, labels);
  struct Sums {
    double error = 0, variance = 0;
    bool impossible = false;
  };
  constexpr std::size_t grain = std::size_t(1) << 15;
  std::vector<Sums> pieces((probabilities.size() + grain - 1) / grain);
  probabilities.visit([&](auto values) {
    thread_pool().parallel_for(0, std::int64_t(values.size()), std::int64_t(grain),
                               [&](std::int64_t first, std::int64_t last) {
                                 Sums sums;
                                 for (auto i = std::size_t(first); i < std::size_t(last); ++i) {
                                   const double p = double(values[i]), slope = 1 - 2 * p;
                                   sums.error += (double(labels[i]) - p) * slope;
                                   sums.impossible |= p == 1 - double(labels[i]);
                                   sums.variance += slope * slope * p * (1 - p);
                                 }
                                 pieces[std::size_t(first) / grain] = sums;
                               });
  });
  double sum = 0, variance = 0;
  bool impossible = false;
  for (const Sums& piece : pieces) {
    sum += piece.error;
    variance += piece.variance;
    impossible |= piece.impossible;
  }
  const auto n = double(probabilities.size());
  return judged(sum / n, std::sqrt(variance) / n, impossible, probabilities.size(),
                [](double z) { return std::min(1.0, 2 * normal_tail(std::abs(z))); });
}

CalibrationTest kolmogorov_smirnov_calibration_test(Values probabilities, std::span<const std::uint8_t> labels) {
  require_arguments("kolmogorov_smirnov_calibration_test", probabilities, labels);
  const Walk walk = cumulative_differences(probabilities, labels);
  return judged(std::max(walk.highest, -walk.lowest), walk.deviation, walk.impossible, probabilities.size(),
                absolute_maximum_tail);
}

CalibrationTest kuiper_calibration_test(Values probabilities, std::span<const std::uint8_t> labels) {
  require_arguments("kuiper_calibration_test", probabilities, labels);
  const Walk walk = cumulative_differences(probabilities, labels);
  return judged(walk.highest - walk.lowest, walk.deviation, walk.impossible, probabilities.size(), range_tail);
}

}  // namespace oddity::metrics
