#include <algorithm>
#include <cmath>
#include <limits>
#include <span>
#include <vector>

#include "core/threads.h"
#include "metrics/calibration_checks.h"
#include "metrics/check.h"
#include "metrics/sample_weights.h"
#include "metrics/softmax_sums.h"
#include "oddity/metrics/calibrators.h"

namespace oddity::metrics {
namespace {

using detail::refuse;
using detail::SoftmaxSums;

constexpr const char* kFit = "fit_temperature";

constexpr double kLargestLogit = 1e150;  // its square is finite

void require_logits(const char* function, const Matrix& logits) {
  detail::require_matrix(function, "logits", logits);
  if (logits.columns < 2) {
    refuse(function, "logits have too few columns; got ", logits.columns, "; expected one for each class, at least 2");
  }
  logits.values.visit([&](auto values) {
    double largest = 0;
    for (const auto z : values) {
      largest = std::max(largest, std::abs(double(z)));
    }
    if (largest > kLargestLogit) {
      refuse(function, "logits are too large; got ", largest, " in size; expected at most ", kLargestLogit);
    }
  });
}

/// What decides whether a finite temperature exists, and how large logits are.
struct LogitSpread {
  double above_own = 0;   ///< sum of w (largest logit of the row - logit of the own class)
  double above_mean = 0;  ///< sum of w (largest - mean of the row)
  double weight = 0;
  std::size_t n = 0;
};

template <class T>
void add_row(LogitSpread& spread, std::span<const T> row, std::int64_t own, double w) {
  double largest = double(row[0]), below = 0;
  for (const T z : row) {
    largest = std::max(largest, double(z));
  }
  for (const T z : row) {
    below += largest - double(z);
  }
  spread.above_own += w * (largest - double(row[std::size_t(own)]));
  spread.above_mean += w * (below / double(row.size()));
  spread.weight += w;
  ++spread.n;
}

LogitSpread spread_of(const Matrix& logits, std::span<const std::int64_t> classes, Values weights) {
  constexpr std::size_t grain = 4096;
  std::vector<LogitSpread> pieces((logits.rows + grain - 1) / grain);
  logits.values.visit([&](auto values) {
    thread_pool().parallel_for(0, std::int64_t(logits.rows), std::int64_t(grain),
                               [&](std::int64_t first, std::int64_t last) {
                                 LogitSpread piece;
                                 for (auto i = std::size_t(first); i < std::size_t(last); ++i) {
                                   if (const double w = weights.empty() ? 1.0 : weights[i]; w > 0) {
                                     add_row(piece, values.subspan(i * logits.columns, logits.columns), classes[i], w);
                                   }
                                 }
                                 pieces[std::size_t(first) / grain] = piece;
                               });
  });
  LogitSpread spread;
  for (const LogitSpread& piece : pieces) {
    spread.above_own += piece.above_own;
    spread.above_mean += piece.above_mean;
    spread.weight += piece.weight;
    spread.n += piece.n;
  }
  return spread;
}

/// 1 for logits of usual size; otherwise of theirs, so that no row is saturated at the start.
double start_of(const LogitSpread& spread) {
  const double scale = spread.above_mean / spread.weight;
  return scale > 0.01 && scale < 50 ? 1.0 : 2 / scale;
}

struct Root {
  double inverse = 0;
  SoftmaxSums sums;  ///< at the last point looked at, within 1e-9
};

/// The inverse temperature at which the derivative of the likelihood is zero. The derivative rises with it, from below
/// zero at 0 to above zero at infinity: Newton steps inside a bracket.
Root root(const Matrix& logits, std::span<const std::int64_t> classes, Values weights, double start) {
  double low = 0, high = std::numeric_limits<double>::infinity();
  Root found;
  found.inverse = start;
  for (int step = 0; step < 400; ++step) {
    double& inverse = found.inverse;
    found.sums = detail::softmax_sums(logits, classes, weights, inverse);
    if (found.sums.first == 0) {
      return found;
    }
    (found.sums.first < 0 ? low : high) = inverse;
    const double newton = inverse - found.sums.first / found.sums.second;
    if (std::abs(newton - inverse) <= 1e-9 * inverse) {
      inverse = newton;  // converges quadratically: this step leaves 1e-16
      return found;
    }
    if (newton > low && newton < high && newton < 16 * inverse) {
      inverse = newton;
    } else if (std::isinf(high)) {
      inverse *= 16;
    } else {
      inverse = low > 0 ? std::sqrt(low) * std::sqrt(high) : high / 16;
    }
    if (high <= low * (1 + 1e-15)) {
      return found;
    }
  }
  refuse(kFit, "the fit did not converge; got 1 / T between ", low, " and ", high);
}

}  // namespace

std::vector<double> TemperatureCalibrator::predict(const Matrix& logits) const {
  constexpr const char* function = "TemperatureCalibrator.predict";
  require_logits(function, logits);
  if (!(temperature > 0 && std::isfinite(temperature))) {
    refuse(function, "temperature is out of range; got ", temperature, "; expected a finite value above 0");
  }
  return detail::softmax(logits, 1 / temperature);
}

TemperatureCalibrator fit_temperature(const Matrix& logits, std::span<const std::int64_t> classes, Values weights) {
  require_logits(kFit, logits);
  detail::require_row_classes(kFit, "logits", logits, classes);
  detail::require_sample_weights(kFit, weights, logits.rows);
  const std::vector<double> scaled = detail::scaled_weights(weights);
  const LogitSpread spread = spread_of(logits, classes, scaled);
  if (!(spread.above_own > 0)) {
    refuse(kFit, "logits are separated: the own class has the largest logit in all ", spread.n,
           " samples, so that the likelihood grows without end as the temperature falls to 0; expected some errors "
           "(more samples)");
  }
  // The derivative at 1 / T = 0.
  if (!(spread.above_own < spread.above_mean)) {
    refuse(kFit, "logits rank classes no better than chance: the own class is ", spread.above_own / spread.weight,
           " below the largest logit on average and all classes are ", spread.above_mean / spread.weight,
           ", so that no finite temperature has the largest likelihood");
  }
  const auto [inverse, sums] = root(logits, classes, scaled, start_of(spread));
  TemperatureCalibrator result;
  result.temperature = 1 / inverse;
  result.standard_error = std::sqrt(sums.squares) / sums.second / inverse / inverse;
  result.log_loss_before = detail::softmax_log_loss(logits, classes, scaled, 1) / spread.weight;
  result.log_loss_after = detail::softmax_log_loss(logits, classes, scaled, inverse) / spread.weight;
  result.n = spread.n;
  return result;
}

}  // namespace oddity::metrics
