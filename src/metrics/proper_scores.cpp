#include "oddity/metrics/proper_scores.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "core/threads.h"
#include "metrics/calibration_checks.h"
#include "metrics/check.h"
#include "metrics/class_sums.h"
#include "metrics/probability_bins.h"
#include "metrics/sample_weights.h"

namespace oddity::metrics {
namespace {

using detail::BinSums;

/// Weighted mean of losses and its standard error; w in units of `weight_unit`.
struct LossSums {
  std::size_t n = 0, impossible = 0;
  double w = 0, wl = 0, ww = 0, wwl = 0, wwll = 0;

  void add(double weight, double loss) {
    const double squared = weight * weight;
    ++n;
    impossible += std::isinf(loss) ? 1 : 0;
    w += weight;
    wl += weight * loss;
    ww += squared;
    wwl += squared * loss;
    wwll += squared * (loss * loss);
  }
  void merge(const LossSums& other) {
    n += other.n;
    impossible += other.impossible;
    w += other.w;
    wl += other.wl;
    ww += other.ww;
    wwl += other.wwl;
    wwll += other.wwll;
  }
  double mean() const { return wl / w; }
  double standard_error() const {
    if (n < 2) {
      return std::numeric_limits<double>::quiet_NaN();
    }
    const double m = mean();
    const double spread = std::max(0.0, wwll - 2 * m * wwl + m * m * ww);
    return std::sqrt(spread * double(n) / double(n - 1)) / w;
  }
};

/// Sums loss(i) over the samples of weight above 0, in pieces of fixed length added in order.
template <class Loss>
LossSums sum_losses(std::size_t samples, Values weights, Loss loss) {
  constexpr std::size_t grain = std::size_t(1) << 14;
  std::vector<LossSums> pieces((samples + grain - 1) / grain);
  const double unit = detail::weight_unit(weights);
  thread_pool().parallel_for(0, std::int64_t(samples), std::int64_t(grain), [&](std::int64_t first, std::int64_t last) {
    LossSums sums;
    for (auto i = std::size_t(first); i < std::size_t(last); ++i) {
      const double weight = weights.empty() ? 1.0 : weights[i] / unit;
      if (weight > 0) {
        sums.add(weight, loss(i));
      }
    }
    pieces[std::size_t(first) / grain] = sums;
  });
  LossSums total;
  for (const LossSums& piece : pieces) {
    total.merge(piece);
  }
  return total;
}

/// The parts of the score; value and standard error are left to the caller.
BrierScore decomposition(std::span<const BinSums> sums) {
  BrierScore score;
  double w = 0, wy = 0;
  for (const BinSums& bin : sums) {
    w += bin.w;
    wy += bin.wy;
  }
  const double rate = wy / w;
  for (const BinSums& bin : sums) {
    if (bin.n == 0) {
      continue;
    }
    const double share = bin.w / w, p = bin.mean_probability(), r = bin.rate();
    const double wpy = (bin.wpp + bin.wy - bin.wdd) / 2;  // d^2 = p^2 - 2 p y + y for y in {0, 1}
    score.reliability += share * (p - r) * (p - r);
    score.resolution += share * (r - rate) * (r - rate);
    score.within_bin_variance += share * std::max(0.0, bin.wpp / bin.w - p * p);
    score.within_bin_covariance += share * 2 * (wpy / bin.w - p * r);
  }
  score.uncertainty = rate * (1 - rate);
  return score;
}

void add_parts(BrierScore& into, const BrierScore& other) {
  into.reliability += other.reliability;
  into.resolution += other.resolution;
  into.uncertainty += other.uncertainty;
  into.within_bin_variance += other.within_bin_variance;
  into.within_bin_covariance += other.within_bin_covariance;
}

void finish(BrierScore& score, const LossSums& losses) {
  score.value = losses.mean();
  score.standard_error = losses.standard_error();
  score.n = losses.n;
}

template <class T>
double sum_of_squares(const T* values, std::size_t count) {
  double sums[4] = {};  // side by side: one sum would wait for itself
  std::size_t c = 0;
  for (; c + 4 <= count; c += 4) {
    for (std::size_t l = 0; l < 4; ++l) {
      sums[l] += double(values[c + l]) * double(values[c + l]);
    }
  }
  for (; c < count; ++c) {
    sums[0] += double(values[c]) * double(values[c]);
  }
  return (sums[0] + sums[1]) + (sums[2] + sums[3]);
}

LogLoss log_loss(const LossSums& losses) {
  LogLoss result;
  result.n = losses.n;
  result.impossible = losses.impossible;
  result.value = losses.mean();
  result.standard_error = losses.standard_error();
  if (std::isinf(result.value)) {
    result.standard_error = std::numeric_limits<double>::quiet_NaN();
  }
  return result;
}

}  // namespace

BrierScore brier_score(Values probabilities, std::span<const std::uint8_t> labels, const CalibrationOptions& options,
                       Values weights) {
  constexpr const char* function = "brier_score";
  detail::require_bins(function, options.bins);
  detail::require_labels(function, "probabilities", probabilities.size(), labels);
  detail::require_probability_values(function, "probabilities", probabilities);
  detail::require_sample_weights(function, weights, probabilities.size());
  const detail::ProbabilityBins bins = detail::bins_of(probabilities, labels, options, weights);
  BrierScore score = decomposition(detail::bin_sums(bins, probabilities, labels, weights));
  finish(score, probabilities.visit([&](auto p) {
    return sum_losses(p.size(), weights, [&](std::size_t i) {
      const double d = double(p[i]) - double(labels[i]);
      return d * d;
    });
  }));
  return score;
}

BrierScore brier_score(const Matrix& probabilities, std::span<const std::int64_t> classes,
                       const CalibrationOptions& options, Values weights) {
  constexpr const char* function = "brier_score";
  detail::require_bins(function, options.bins);
  detail::require_probabilities(function, "probabilities", probabilities);
  detail::require_row_classes(function, "probabilities", probabilities, classes);
  detail::require_sample_weights(function, weights, probabilities.rows);
  std::vector<BrierScore> parts(probabilities.columns);
  detail::each_class_sums(probabilities, classes, options, weights,
                          [&](std::size_t c, std::span<const BinSums> sums) { parts[c] = decomposition(sums); });
  BrierScore score;
  for (const BrierScore& part : parts) {
    add_parts(score, part);
  }
  finish(score, probabilities.values.visit([&](auto p) {
    return sum_losses(probabilities.rows, weights, [&](std::size_t i) {
      const auto* row = p.data() + i * probabilities.columns;
      const auto own = std::size_t(classes[i]);
      const double missing = 1 - double(row[own]);
      return missing * missing + sum_of_squares(row, own) +
             sum_of_squares(row + own + 1, probabilities.columns - own - 1);
    });
  }));
  return score;
}

LogLoss negative_log_likelihood(Values probabilities, std::span<const std::uint8_t> labels, Values weights) {
  constexpr const char* function = "negative_log_likelihood";
  detail::require_labels(function, "probabilities", probabilities.size(), labels);
  detail::require_probability_values(function, "probabilities", probabilities);
  detail::require_sample_weights(function, weights, probabilities.size());
  return log_loss(probabilities.visit([&](auto p) {
    return sum_losses(p.size(), weights, [&](std::size_t i) {
      return labels[i] != 0 ? -std::log(double(p[i])) : -std::log1p(-double(p[i]));
    });
  }));
}

LogLoss negative_log_likelihood(const Matrix& probabilities, std::span<const std::int64_t> classes, Values weights) {
  constexpr const char* function = "negative_log_likelihood";
  detail::require_probabilities(function, "probabilities", probabilities);
  detail::require_row_classes(function, "probabilities", probabilities, classes);
  detail::require_sample_weights(function, weights, probabilities.rows);
  return log_loss(probabilities.values.visit([&](auto p) {
    return sum_losses(probabilities.rows, weights, [&](std::size_t i) {
      return -std::log(double(p[i * probabilities.columns + std::size_t(classes[i])]));
    });
  }));
}

}  // namespace oddity::metrics
