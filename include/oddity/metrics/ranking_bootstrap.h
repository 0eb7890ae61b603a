#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "oddity/metrics/resampling.h"
#include "oddity/metrics/values.h"

/// The bootstrap of ranking metrics of image scores: one sort, then O(n) for each resample, with exact multinomial
/// draws. Definitions, ties and orientation are those of `Ranking`.
namespace oddity::metrics {

enum class RankingStatistic {
  auroc,
  average_precision,
  best_f1,
  true_positive_rate_at,  ///< largest TPR at a false positive rate of at most `at`
  false_positive_rate_at  ///< smallest FPR at a true positive rate of at least `at`
};

struct RankingBootstrapOptions {
  RankingStatistic statistic = RankingStatistic::auroc;
  double at = 0.05;  ///< in [0, 1]; of the two rates only
  /// BCa takes the acceleration of AUROC from DeLong's components in O(n log n); of average precision and best F1 from
  /// one evaluation without each unit, O(units n) and refused above 10^12. The two rates are quantiles, whose
  /// leave-one-out values do not converge: percentile only.
  BootstrapMethod method = BootstrapMethod::percentile;
  std::size_t resamples = 1000;
  double confidence = 0.95;
  std::uint64_t seed = 0;
  std::span<const std::int64_t> groups = {};  ///< as in ResamplingOptions
  /// Units with and without defects are drawn apart, so that their numbers stay as they are: the interval for this
  /// number of defects. Otherwise all are drawn together, and a draw without any good or any defect sample is replaced
  /// by the next.
  bool stratified = true;
};

/// `scores` finite, `labels` 1 for a defect and 0 for good. Draws go by rank: the result depends on the order of the
/// samples through ties within groups only, never on the number of threads. Throws std::invalid_argument for NaN or
/// infinite scores, other labels, lengths that differ, a class that is empty, options out of range.
BootstrapResult bootstrap_ranking(Values scores, std::span<const std::uint8_t> labels,
                                  const RankingBootstrapOptions& options = {});

/// The difference a - b of two models on the same samples, each resample drawn once for both: an interval below zero
/// says that a is worse (for false_positive_rate_at, better).
BootstrapResult bootstrap_ranking_difference(Values a, Values b, std::span<const std::uint8_t> labels,
                                             const RankingBootstrapOptions& options = {});

}  // namespace oddity::metrics
