#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "oddity/metrics/cost_model.h"
#include "oddity/metrics/decision_thresholds.h"
#include "oddity/metrics/values.h"

/// Labelled scores sorted once, from the largest down, and the search for cheapest cuts in them.
namespace oddity::metrics::detail {

/// Parts of equal scores are one run; or neighbouring runs without a defect together.
struct ScoreRuns {
  std::vector<double> score;  ///< the highest
  std::vector<double> below;  ///< just below the lowest: the largest threshold that rejects the run
  std::vector<std::uint32_t> defects, good;
  std::size_t n_defect = 0, n_good = 0;
  std::vector<std::uint32_t> run_of;  ///< of each part
};
/// Refuses what decision_thresholds.h says is refused.
ScoreRuns score_runs(const char* function, Values scores, std::span<const std::uint8_t> labels);
/// Neighbouring runs without a defect as one: cutting inside them is never cheaper than at both ends, because costs are
/// linear in the number of good parts.
ScoreRuns with_good_merged(const ScoreRuns& runs);

/// Runs [0, reject) are rejected, [reject, ask) asked about, the rest accepted.
struct Cuts {
  std::size_t reject = 0, ask = 0;
};
Thresholds thresholds_at(const ScoreRuns& runs, Cuts cuts);
/// Shares of the runs' classes, with counts in place of those of the runs (a resample of them).
LineRates rates_of(std::span<const std::uint32_t> defects, std::span<const std::uint32_t> good, Cuts cuts,
                   double prevalence);

/// The cheapest cuts when each class counts with its share in production and at most `most_accepted` defects are
/// accepted. O(runs).
Cuts cheapest_cuts(std::span<const std::uint32_t> defects, std::span<const std::uint32_t> good, const CostModel& model,
                   double prevalence, Actions actions, std::size_t most_accepted);

/// As the public function, with valid arguments; `runs` one for each score.
Interval threshold_interval(const ScoreRuns& runs, double probability, double prevalence, double confidence);
/// Refuses a confidence for which threshold_interval has no quantile.
void require_interval_confidence(const char* function, double confidence);

/// The given one in (0, 1), or the sample's share.
double prevalence_or(const char* function, std::optional<double> prevalence, const ScoreRuns& runs);

}  // namespace oddity::metrics::detail
