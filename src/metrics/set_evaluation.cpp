#include "oddity/metrics/set_evaluation.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "metrics/check.h"
#include "metrics/row_scorer.h"

namespace oddity::metrics {
namespace {

using detail::refuse;

struct Count {
  std::uint64_t n = 0, covered = 0;

  void add(bool hit) {
    ++n;
    covered += hit;
  }
  Coverage coverage(double confidence) const { return coverage_of(covered, n, confidence); }
};

void require_options(const char* function, const PredictionSets& sets, const SetEvaluationOptions& options) {
  if (sets.rows == 0 || sets.masks.size() != sets.levels * sets.rows * sets.words ||
      sets.sizes.size() != sets.levels * sets.rows || sets.words != (sets.classes + 63) / 64) {
    refuse(function, "sets are empty or do not fit their size; got ", sets.rows, " rows; expected prediction sets");
  }
  if (options.level >= sets.levels) {
    refuse(function, "level is out of range; got ", options.level, "; expected 0 to ", sets.levels - 1);
  }
  detail::require_open_unit(function, "confidence", options.confidence);
  for (std::size_t i = 1; i < options.size_bounds.size(); ++i) {
    if (options.size_bounds[i] <= options.size_bounds[i - 1]) {
      refuse(function, "size_bounds must rise; got ", options.size_bounds[i], " after ", options.size_bounds[i - 1]);
    }
  }
}

/// Sizes are whole numbers: sums of them and their squares are exact in 64 bits up to 2^32 rows of 2^16 classes.
void add_sizes(SetEvaluation& result, std::span<const std::uint32_t> sizes, std::size_t classes, double confidence) {
  long double sum = 0, squares = 0;
  for (const std::uint32_t size : sizes) {
    sum += size;
    squares += (long double)(size)*size;
    result.empty += size == 0;
    result.full += size == classes;
  }
  const auto n = static_cast<long double>(sizes.size());
  result.mean_size = double(sum / n);
  result.mean_size_interval = {0, double(classes)};
  if (sizes.size() > 1) {
    const double variance = std::max(0.0, double((squares - sum * sum / n) / (n - 1)));
    const double half = -normal_quantile((1 - confidence) / 2) * std::sqrt(variance / double(n));
    result.mean_size_interval = {std::max(0.0, result.mean_size - half),
                                 std::min(double(classes), result.mean_size + half)};
  }
}

}  // namespace

SetEvaluation evaluate_sets(const PredictionSets& sets, std::span<const std::int64_t> classes,
                            const SetEvaluationOptions& options, std::span<const std::int64_t> groups) {
  constexpr const char* function = "evaluate_sets";
  require_options(function, sets, options);
  detail::require_class_indices(function, classes, sets.rows, sets.classes);
  if (!groups.empty()) {
    detail::require_same_length(function, "classes", classes.size(), "groups", groups.size());
  }
  const auto sizes = std::span(sets.sizes).subspan(options.level * sets.rows, sets.rows);
  Count all;
  std::vector<Count> of_class(sets.classes), of_stratum(options.size_bounds.size() + 1);
  std::map<std::int64_t, Count> of_group;
  for (std::size_t row = 0; row < sets.rows; ++row) {
    const bool hit = sets.contains(options.level, row, std::size_t(classes[row]));
    all.add(hit);
    of_class[std::size_t(classes[row])].add(hit);
    const auto& bounds = options.size_bounds;
    of_stratum[std::size_t(std::lower_bound(bounds.begin(), bounds.end(), sizes[row]) - bounds.begin())].add(hit);
    if (!groups.empty()) {
      of_group[groups[row]].add(hit);
    }
  }
  SetEvaluation result;
  result.coverage = all.coverage(options.confidence);
  add_sizes(result, sizes, sets.classes, options.confidence);
  result.size_stratified_coverage = 1;
  for (std::size_t s = 0; s < of_stratum.size(); ++s) {
    const std::size_t first = s == 0 ? 0 : options.size_bounds[s - 1] + 1;
    const std::size_t last = s < options.size_bounds.size() ? options.size_bounds[s] : sets.classes;
    if (first <= sets.classes) {
      result.strata.push_back({first, std::min(last, sets.classes), of_stratum[s].coverage(options.confidence)});
    }
    if (of_stratum[s].n > 0) {
      result.size_stratified_coverage = std::min(result.size_stratified_coverage, result.strata.back().coverage.value);
    }
  }
  for (const Count& count : of_class) {
    result.by_class.push_back(count.coverage(options.confidence));
  }
  for (const auto& [group, count] : of_group) {
    result.groups.push_back(group);
    result.by_group.push_back(count.coverage(options.confidence));
  }
  return result;
}

}  // namespace oddity::metrics
