#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "oddity/metrics/values.h"

/// P-values of new parts against the scores of good parts that no model was fitted on (the calibration set). The score
/// is one where larger is more anomalous; small p-values speak for an outlier. `false_discovery.h` decides about many.
namespace oddity::metrics {

/// How the rank of a score among n calibration scores becomes a p-value; s is the score, c the calibration scores.
enum class PValueKind {
  /// (1 + #{c >= s}) / (n + 1): P(p <= t) <= t for a part exchangeable with the calibration parts, over calibration set
  /// and part together (Vovk et al. 2005). Those of several parts are positively dependent (PRDS), which
  /// benjamini_hochberg allows (Bates et al. 2023, theorem 2).
  marginal,
  /// (#{c > s} + U (1 + #{c = s})) / (n + 1), U uniform on (0, 1]: exactly uniform, also with ties. Depends on the
  /// seed.
  smoothed,
  /// b_k with k = 1 + #{c >= s}, where with probability 1 - delta over the calibration set P(p <= t | calibration) <= t
  /// for all t at once (calibration-conditional; Bates et al. 2023, "Testing for outliers with conformal p-values",
  /// Annals of Statistics 51): once the calibration set is drawn, the rate of overkill over all parts to come is at
  /// most t. Generalised Simes inequality with h = max(1, floor(n / 2)):
  /// b_{n+1-i} = 1 - delta^(1/h) (i (i-1) ... (i-h+1) / (n (n-1) ... (n-h+1)))^(1/h). Sharpest for small t.
  simes,
  /// The same promise from the inequality of Dvoretzky, Kiefer, Wolfowitz and Massart:
  /// b_k = min(1, k / n + sqrt(log(2 / delta) / (2 n))). Sharper than simes only for large t.
  dkwm,
};

struct OutlierOptions {
  PValueKind kind = PValueKind::marginal;
  double delta = 0.1;             ///< simes and dkwm: probability that the calibration set does not keep the promise
  std::uint64_t seed = 0;         ///< smoothed
  std::uint64_t first_index = 0;  ///< smoothed: index of the first score, for scores that are judged in pieces
};

struct OutlierPValues {
  std::vector<double> values;  ///< of each score, in (0, 1]
  double smallest = 1;         ///< of a score above all calibration scores, b_1 (smoothed: at most that)
  std::size_t n = 0;           ///< calibration scores
};

/// P-values of `scores` against `calibration` (any order). Of continuous scores; ties make marginal, simes and dkwm
/// only larger. No scores give no values. O((n + m) log n). Throws std::invalid_argument for an empty calibration set,
/// NaN, infinities, or delta outside (0, 1).
OutlierPValues outlier_p_values(Values calibration, Values scores, const OutlierOptions& options = {});

/// The n + 1 values b_1 <= ... <= b_n+1 = 1 that a p-value can take (smoothed: those at U = 1, which are the marginal
/// ones). Throws std::invalid_argument for n = 0 or delta outside (0, 1).
std::vector<double> possible_p_values(std::size_t n, PValueKind kind, double delta = 0.1);

/// The smallest n with which benjamini_hochberg at `level` can reject `discoveries` among `tested` parts, when these
/// score above all calibration scores: b_1 <= level * discoveries / tested; for marginal p-values
/// n >= tested / (level * discoveries) - 1, in exact integers. Fewer calibration parts find nothing, however bad the
/// parts are. Throws std::invalid_argument for level or delta outside (0, 1), no discoveries, more discoveries than
/// tested parts, or a size above 2^53.
std::uint64_t calibration_size_needed(std::uint64_t tested, std::uint64_t discoveries, double level,
                                      PValueKind kind = PValueKind::marginal, double delta = 0.1);

}  // namespace oddity::metrics
