#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "oddity/metrics/coverage.h"
#include "oddity/metrics/prediction_sets.h"

namespace oddity::metrics {

struct SetEvaluationOptions {
  std::size_t level = 0;     ///< which alpha of the sets
  double confidence = 0.95;  ///< of each interval by itself
  /// Last sizes of the strata, rising: 0 to 1, 2 to 3, 4 to 10, 11 to 100, above (Angelopoulos et al. 2021).
  std::vector<std::size_t> size_bounds = {1, 3, 10, 100};
};

struct SizeStratum {
  std::size_t first = 0, last = 0;  ///< sizes of the sets, inclusive
  Coverage coverage;
};

struct SetEvaluation {
  Coverage coverage;                  ///< of test samples; its interval is of the true coverage of these thresholds
  double mean_size = 0;               ///< smaller is better at equal coverage
  Interval mean_size_interval;        ///< normal approximation, clipped to [0, classes]; all of it for one sample
  std::uint64_t empty = 0, full = 0;  ///< sets without any class, with all classes
  std::vector<SizeStratum> strata;
  double size_stratified_coverage = 0;  ///< smallest coverage of a stratum with samples: far below is uneven
  std::vector<Coverage> by_class;       ///< by true class; NaN for a class without samples
  std::vector<std::int64_t> groups;     ///< ascending, when groups are given
  std::vector<Coverage> by_group;
};

/// Sets against the true classes of the same rows. Strata without a sample have coverage NaN. Throws
/// std::invalid_argument for no row, lengths that differ, a class or level out of range, bounds that do not rise,
/// confidence outside (0, 1).
SetEvaluation evaluate_sets(const PredictionSets& sets, std::span<const std::int64_t> classes,
                            const SetEvaluationOptions& options = {}, std::span<const std::int64_t> groups = {});

}  // namespace oddity::metrics
