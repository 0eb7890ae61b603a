#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "oddity/metrics/values.h"

namespace oddity::metrics {

/// Conformal p-values of a stream against a reference that grows with it (Vovk, Gammerman and Shafer 2005, section
/// 7.1): p_t = (#{i < t: s_i > s_t} + U_t (1 + #{i < t: s_i = s_t})) / t, the rank of the new score among all scores so
/// far, itself included, with every tie (also that with itself) broken by chance. While the scores are exchangeable,
/// the p-values are independent and uniform on (0, 1], whatever the distribution of the scores: what a test martingale
/// needs. P-values against a fixed calibration set are not independent, and martingales on them raise false alarms
/// beyond what they promise.
///
/// Small p-values mean that scores grow. A score costs O(log n) time; equal scores share their memory. U_t depends on
/// the seed and on t only, so that neither the size of batches nor saving and restoring changes a p-value.
class OnlinePValues {
public:
  /// All that a later process needs to go on.
  struct State {
    std::uint64_t seed = 0;
    std::vector<double> scores;         ///< distinct, ascending
    std::vector<std::uint64_t> counts;  ///< how often each was seen
  };

  explicit OnlinePValues(std::uint64_t seed = 0);
  /// Throws std::invalid_argument for scores that do not ascend strictly or are not finite, and counts that are zero or
  /// of another length.
  explicit OnlinePValues(const State& state);
  OnlinePValues(OnlinePValues&&) noexcept;
  OnlinePValues& operator=(OnlinePValues&&) noexcept;
  ~OnlinePValues();

  /// Takes scores into the reference without a p-value, such as those of calibration parts: with n of them the first
  /// p-value is as fine as 1 / (n + 1). They must be exchangeable with the stream, and whether a score is tested or
  /// taken here must not depend on the score. Throws std::invalid_argument for NaN and infinities; then nothing was
  /// taken. Empty is allowed.
  void prime(Values scores);
  /// The p-value of the next score, in (0, 1]; the score joins the reference. Throws as above.
  double add(double score);
  /// The p-values of the next scores, in their order. Throws as above, before any of them has joined.
  std::vector<double> add(Values scores);

  std::uint64_t size() const noexcept;  ///< scores seen, primed ones included
  State state() const;

private:
  struct Reference;
  std::unique_ptr<Reference> reference_;
};

}  // namespace oddity::metrics
