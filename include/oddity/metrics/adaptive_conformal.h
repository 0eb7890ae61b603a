#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <vector>

#include "oddity/metrics/values.h"

namespace oddity::metrics {

struct AdaptiveOptions {
  double alpha = 0.1;                ///< wanted miss rate in the long run, in (0, 1)
  double step = 0.005;               ///< gamma > 0: large follows changes quickly and lets the thresholds swing
  std::optional<double> start = {};  ///< level of the first step, in [0, 1]; alpha when not given
  /// 0: the calibration scores stay. Otherwise the latest `window` scores are the reference; each step costs a move
  /// within it.
  std::size_t window = 0;
};

struct AdaptiveTrace {
  std::vector<double> levels, thresholds;  ///< in force before each score was seen
  std::vector<std::uint8_t> missed;        ///< 1: the score was above the threshold
};

/// All that a later process needs to go on.
struct AdaptiveState {
  AdaptiveOptions options;
  std::uint64_t steps = 0, misses = 0;
  std::vector<double> reference;  ///< in order of time; without a window in any order
};

/// Adaptive conformal inference for a stream (Gibbs, Candes 2021): after each step level += step (alpha - missed), and
/// the threshold is that of conformal_rank at the level. At a level <= 0 it is infinity (full sets), at a level >= 1
/// -infinity (empty sets); between, infinity where the reference is too small.
///
/// No assumption on the data is needed, an adversary may choose them: |miss rate - alpha| <= bound() =
/// (max(start, 1 - start) + step) / (step T) after T steps, always. That says nothing about a single step, and no more
/// about sets that are full or empty half of the time.
class AdaptiveConformal {
public:
  /// Scores (larger is stranger) in order of time, at least one. Throws std::invalid_argument for an empty one, NaN,
  /// infinity and options out of range.
  explicit AdaptiveConformal(Values calibration_scores, const AdaptiveOptions& options = {});

  /// Goes on where `state` was taken. Throws as above, for no or too many reference scores and misses > steps.
  explicit AdaptiveConformal(const AdaptiveState& state);
  AdaptiveState state() const;

  double level() const noexcept;
  double threshold() const;
  /// Takes the score of what came and returns whether it was within the threshold. Throws std::invalid_argument for
  /// NaN or infinity and leaves the state as it was.
  bool update(double score);
  /// update for each score; the state is unchanged when one is refused.
  AdaptiveTrace run(Values scores);

  std::uint64_t steps() const noexcept { return steps_; }
  std::uint64_t misses() const noexcept { return misses_; }
  double miss_rate() const noexcept;  ///< NaN before the first step
  double bound() const noexcept;      ///< infinity before the first step

private:
  void set_reference(Values scores);
  bool take(double score, double threshold);

  AdaptiveOptions options_;
  double start_ = 0;
  std::uint64_t steps_ = 0, misses_ = 0;
  std::vector<double> sorted_;  ///< reference, ascending
  std::deque<double> order_;    ///< the same by time, when there is a window
};

}  // namespace oddity::metrics
