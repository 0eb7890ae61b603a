#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "core/random.h"
#include "metrics/score_runs.h"
#include "oddity/metrics/decision_thresholds.h"

/// Randomness behind the intervals of optimal_thresholds: resamples of parts or groups, and rates that counts allow.
namespace oddity::metrics::detail {

/// Numbers or shares of accepted, asked and rejected parts of one class.
using PerAction = std::array<double, 3>;

/// Gamma(shape, 1) for shape >= 0; 0 for shape 0 (Marsaglia and Tsang 2000).
double draw_gamma(RandomStream& random, double shape);
/// Beta(events + 1/2, trials - events + 1/2), or `given` without trials.
double draw_rate(RandomStream& random, const MeasuredRate& rate, double given);
/// Dirichlet(counts), at least one of which is above 0.
PerAction draw_shares(RandomStream& random, const PerAction& counts);

/// Parts that are drawn together. Both lists empty: every part by itself.
struct PartGroups {
  std::vector<std::vector<std::uint32_t>> with_defect, without;
  bool empty() const { return with_defect.empty(); }
};
/// Refuses another length than that of the labels and less than two groups with defects or with good parts.
PartGroups part_groups(const char* function, std::span<const std::uint8_t> labels,
                       std::span<const std::int64_t> groups);

/// By how much grouping reduces the number of parts of class `label` that count, at least 1: as the header of
/// optimal_thresholds says. `action_of_part` is 0, 1 or 2.
double design_effect(const PartGroups& groups, std::span<const std::uint8_t> labels, std::uint8_t label,
                     std::span<const std::uint8_t> action_of_part);

/// Draws as many parts of each class, or as many groups, as there are.
class Resampler {
public:
  /// All must outlive it.
  Resampler(const ScoreRuns& runs, std::span<const std::uint8_t> labels, const PartGroups& groups);
  /// Sets the counts of each run.
  void draw(RandomStream& random, std::vector<std::uint32_t>& defects, std::vector<std::uint32_t>& good) const;

private:
  const ScoreRuns& runs_;
  std::span<const std::uint8_t> labels_;
  const PartGroups& groups_;
  std::vector<std::uint32_t> defect_runs_, good_runs_;  ///< of each part, when parts are drawn by themselves
};

}  // namespace oddity::metrics::detail
