#include "oddity/metrics/calibration.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/threads.h"
#include "metrics/calibration_checks.h"
#include "metrics/check.h"
#include "metrics/class_sums.h"
#include "metrics/probability_bins.h"
#include "metrics/sample_weights.h"

namespace oddity::metrics {
namespace {

using detail::BinSums;

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

void require_arguments(const char* function, Values probabilities, std::span<const std::uint8_t> labels,
                       std::size_t bins, Values weights) {
  detail::require_bins(function, bins);
  detail::require_labels(function, "probabilities", probabilities.size(), labels);
  detail::require_probability_values(function, "probabilities", probabilities);
  detail::require_sample_weights(function, weights, probabilities.size());
}

void require_table(const char* function, const Matrix& probabilities, std::span<const std::int64_t> classes,
                   std::size_t bins, Values weights) {
  detail::require_bins(function, bins);
  detail::require_probabilities(function, "probabilities", probabilities);
  detail::require_row_classes(function, "probabilities", probabilities, classes);
  detail::require_sample_weights(function, weights, probabilities.rows);
}

CalibrationError error(Values probabilities, std::span<const std::uint8_t> labels, const CalibrationOptions& options,
                       Values weights) {
  const detail::ProbabilityBins bins = detail::bins_of(probabilities, labels, options, weights);
  return detail::error_of(detail::bin_sums(bins, probabilities, labels, weights));
}

/// Interval of a rate from a real number of trials.
Interval interval_of(double rate, double trials, const ReliabilityOptions& options) {
  const double tail = (1 - options.confidence) / 2;
  Interval interval;
  if (options.interval == RateInterval::clopper_pearson) {
    const double events = rate * trials, others = (1 - rate) * trials;
    interval.low = events > 0 ? beta_quantile(tail, events, others + 1) : 0.0;
    interval.high = others > 0 ? beta_quantile(1 - tail, events + 1, others) : 1.0;
    return interval;
  }
  const double z = -normal_quantile(tail), zz = z * z;
  const double centre = (rate * trials + zz / 2) / (trials + zz);
  const double half = z / (trials + zz) * std::sqrt(trials * rate * (1 - rate) + zz / 4);
  interval.low = rate > 0 ? std::max(0.0, centre - half) : 0.0;
  interval.high = rate < 1 ? std::min(1.0, centre + half) : 1.0;
  return interval;
}

/// Index of the first of the largest values.
template <class T>
std::size_t first_largest(std::span<const T> row) {
  constexpr std::size_t lanes = 8;  // side by side, so that the loop vectorises
  T largest[lanes];
  std::fill_n(largest, lanes, row[0]);
  std::size_t c = 0;
  for (; c + lanes <= row.size(); c += lanes) {
    for (std::size_t l = 0; l < lanes; ++l) {
      largest[l] = row[c + l] > largest[l] ? row[c + l] : largest[l];
    }
  }
  for (; c < row.size(); ++c) {
    largest[0] = std::max(largest[0], row[c]);
  }
  const T most = *std::max_element(largest, largest + lanes);
  return std::size_t(std::find(row.begin(), row.end(), most) - row.begin());
}

TopLabels tops(const Matrix& probabilities, std::span<const std::int64_t> classes) {
  TopLabels result;
  result.confidence.resize(probabilities.rows);
  result.predicted.resize(probabilities.rows);
  result.correct.resize(probabilities.rows);
  probabilities.values.visit([&](auto values) {
    thread_pool().parallel_for(0, std::int64_t(probabilities.rows), 4096, [&](std::int64_t first, std::int64_t last) {
      for (auto i = std::size_t(first); i < std::size_t(last); ++i) {
        const auto row = values.subspan(i * probabilities.columns, probabilities.columns);
        const std::size_t best = first_largest(row);
        result.confidence[i] = double(row[best]);
        result.predicted[i] = std::int64_t(best);
        result.correct[i] = classes[i] == std::int64_t(best);
      }
    });
  });
  return result;
}

/// The errors of the classes weighted by their shares; a class of share 0 has NaN values that must not enter.
CalibrationError combined(std::span<const CalibrationError> classes, std::span<const double> shares) {
  CalibrationError overall;
  double paired = 0, variance = 0, squared = 0;
  for (std::size_t c = 0; c < classes.size(); ++c) {
    const CalibrationError& one = classes[c];
    if (one.n == 0) {
      continue;
    }
    overall.ece += shares[c] * one.ece;
    squared += shares[c] * one.root_mean_square * one.root_mean_square;
    overall.mce = std::max(overall.mce, one.mce);
    overall.n += one.n;
    overall.alone += one.alone;
    overall.bins += one.bins;
    if (!std::isnan(one.squared_debiased)) {
      paired += shares[c];
      overall.squared_debiased += shares[c] * one.squared_debiased;
      variance += shares[c] * shares[c] * one.squared_deviation * one.squared_deviation;
    }
  }
  overall.root_mean_square = std::sqrt(squared);
  overall.squared_debiased = paired > 0 ? overall.squared_debiased / paired : kNan;
  overall.squared_deviation = paired > 0 ? std::sqrt(variance) / paired : kNan;
  overall.root_debiased = paired > 0 ? std::sqrt(std::max(0.0, overall.squared_debiased)) : kNan;
  return overall;
}

}  // namespace

std::vector<ReliabilityRow> reliability_table(Values probabilities, std::span<const std::uint8_t> labels,
                                              const ReliabilityOptions& options, Values weights) {
  constexpr const char* function = "reliability_table";
  require_arguments(function, probabilities, labels, options.bins, weights);
  detail::require_open_unit(function, "confidence", options.confidence);
  const detail::ProbabilityBins bins = detail::bins_of(probabilities, labels, {options.bins, options.binning}, weights);
  const std::vector<BinSums> sums = detail::bin_sums(bins, probabilities, labels, weights);
  const double unit = detail::weight_unit(weights);
  std::vector<ReliabilityRow> rows(bins.size());
  for (std::size_t b = 0; b < rows.size(); ++b) {
    ReliabilityRow& row = rows[b];
    row.low = bins.lower(b);
    row.high = b + 1 < rows.size() ? bins.lower(b + 1) : 1.0;
    row.n = sums[b].n;
    row.events = sums[b].events;
    row.weight = sums[b].w * unit;
    if (row.n == 0) {
      row.mean_probability = row.rate = kNan;
      continue;
    }
    row.mean_probability = sums[b].mean_probability();
    row.rate = sums[b].rate();
    row.interval = interval_of(row.rate, sums[b].w / sums[b].ww * sums[b].w, options);
  }
  return rows;
}

CalibrationError calibration_error(Values probabilities, std::span<const std::uint8_t> labels,
                                   const CalibrationOptions& options, Values weights) {
  require_arguments("calibration_error", probabilities, labels, options.bins, weights);
  return error(probabilities, labels, options, weights);
}

TopLabels top_labels(const Matrix& probabilities, std::span<const std::int64_t> classes) {
  require_table("top_labels", probabilities, classes, 1, {});
  return tops(probabilities, classes);
}

CalibrationError confidence_calibration_error(const Matrix& probabilities, std::span<const std::int64_t> classes,
                                              const CalibrationOptions& options, Values weights) {
  require_table("confidence_calibration_error", probabilities, classes, options.bins, weights);
  const TopLabels top = tops(probabilities, classes);
  return error(top.confidence, top.correct, options, weights);
}

ClassCalibrationError top_label_calibration_error(const Matrix& probabilities, std::span<const std::int64_t> classes,
                                                  const CalibrationOptions& options, Values weights) {
  require_table("top_label_calibration_error", probabilities, classes, options.bins, weights);
  const TopLabels top = tops(probabilities, classes);
  // Samples in order of their predicted class; each class is then one stretch.
  std::vector<std::size_t> begin(probabilities.columns + 1);
  for (const std::int64_t predicted : top.predicted) {
    ++begin[std::size_t(predicted) + 1];
  }
  for (std::size_t c = 0; c < probabilities.columns; ++c) {
    begin[c + 1] += begin[c];
  }
  std::vector<double> confidence(probabilities.rows), weight(weights.size());
  std::vector<std::uint8_t> correct(probabilities.rows);
  std::vector<double> shares(probabilities.columns);
  std::vector<std::size_t> next(begin.begin(), begin.end() - 1);
  const double unit = detail::weight_unit(weights);
  double total = 0;
  for (std::size_t i = 0; i < probabilities.rows; ++i) {
    const auto c = std::size_t(top.predicted[i]);
    const std::size_t to = next[c]++;
    confidence[to] = top.confidence[i];
    correct[to] = top.correct[i];
    const double w = weights.empty() ? 1.0 : weights[i] / unit;
    if (!weights.empty()) {
      weight[to] = w;
    }
    shares[c] += w;
    total += w;
  }
  ClassCalibrationError result;
  result.classes.resize(probabilities.columns);
  for (std::size_t c = 0; c < probabilities.columns; ++c) {
    if (!(shares[c] > 0)) {
      result.classes[c] = detail::error_of({});
      continue;
    }
    shares[c] /= total;
    const std::size_t n = begin[c + 1] - begin[c];
    result.classes[c] = error(Values(confidence).subspan(begin[c], n), std::span(correct).subspan(begin[c], n), options,
                              weights.empty() ? Values() : Values(weight).subspan(begin[c], n));
  }
  result.overall = combined(result.classes, shares);
  return result;
}

ClassCalibrationError class_wise_calibration_error(const Matrix& probabilities, std::span<const std::int64_t> classes,
                                                   const CalibrationOptions& options, Values weights) {
  require_table("class_wise_calibration_error", probabilities, classes, options.bins, weights);
  ClassCalibrationError result;
  result.classes.resize(probabilities.columns);
  detail::each_class_sums(probabilities, classes, options, weights, [&](std::size_t c, std::span<const BinSums> sums) {
    result.classes[c] = detail::error_of(sums);
  });
  const std::vector<double> shares(probabilities.columns, 1 / double(probabilities.columns));
  result.overall = combined(result.classes, shares);
  result.overall.n = result.classes.front().n;
  result.overall.squared_deviation = kNan;
  return result;
}

}  // namespace oddity::metrics
