#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>

#include "oddity/metrics/ranking.h"
#include "oddity/metrics/values.h"

/// A threshold whose escape rate is certified, from scores of defective and good calibration parts.
namespace oddity::metrics {

struct CertifiedThresholdOptions {
  double confidence = 0.95;  ///< 1 - delta, in (0, 1)
  /// Also certify that the overkill rate is at most this, in (0, 1); both statements then hold together, each at
  /// 1 - delta / 2 (union bound).
  std::optional<double> max_overkill;
  /// [n] or empty. Samples of one group (views of a part, parts of a lot) are not independent: the unit is then the
  /// group, with the smallest score among its defective samples and the largest among its good ones. A defect group
  /// escapes when any of its defective samples is accepted, which bounds the mean over groups of the share that
  /// escapes. Where the line rejects a part when any of its views is above the threshold, give the maximum of the
  /// part's views as its score instead.
  std::span<const std::int64_t> groups;
};

/// A part is rejected when score > threshold, as by conformal_threshold and the engine.
struct CertifiedThreshold {
  bool certified = false;  ///< all that was asked for: escape, and overkill if it has a limit
  bool escape_certified = false;
  /// Largest threshold, hence least overkill, with a certified escape rate; depends on the defects alone. -infinity,
  /// which rejects all parts, when there is none because defects are fewer than `defects_needed`.
  double threshold = -std::numeric_limits<double>::infinity();
  /// Observed rate at the threshold with its exact two-sided interval at `confidence`; n_good and n_defect count units.
  /// The threshold is an order statistic of the defect scores, so the true escape rate follows Beta(allowed_escapes +
  /// 1, n_defect - allowed_escapes) for continuous scores. Ties at the threshold only lower it: then low is 0, as
  /// without an escape. Without a threshold both rates are those of rejecting everything, 0 and 1.
  Estimate escape;
  Estimate overkill;  ///< Clopper-Pearson: exact, as the defect score to reject from does not depend on the good parts
  /// One-sided upper bounds, each at 1 - delta, or 1 - delta / 2 when overkill has a limit. escape_bound is at most
  /// max_escape when certified.
  double escape_bound = 0, overkill_bound = 1;
  std::size_t allowed_escapes = 0;   ///< largest k with P(Bin(n_defect, max_escape) <= k) <= delta (or delta / 2)
  std::uint64_t defects_needed = 0;  ///< smallest number of defect units with which the escape rate can be certified
  std::uint64_t good_needed = 0;     ///< the same for good units and max_overkill, if none is rejected; else 0
};

/// Certifies P(escape rate > max_escape) <= 1 - confidence over calibration sets, with the least overkill: the
/// threshold lies just below the (k + 1)-th smallest defect score, where k is the largest count of escapes for which
/// the exact binomial test of "the escape rate is max_escape or more" rejects. This is the fixed sequence of exact
/// tests from the safest threshold on, so nothing is lost to their number (Bauer 1991; Angelopoulos et al. 2021); for
/// continuous scores the probability is exactly that of the binomial test. Defects must be independent draws of what
/// the line will see; 299 are needed for 1 % at 95 %. `scores` are finite, in any order, larger is more anomalous;
/// `labels[i]` is 1 for a defect; both are needed. O(n), with groups O(n log n). Throws std::invalid_argument for NaN
/// or infinite scores, other labels, an empty class, lengths that differ, and rates or a confidence outside (0, 1).
CertifiedThreshold certified_threshold(Values scores, std::span<const std::uint8_t> labels, double max_escape,
                                       const CertifiedThresholdOptions& options = {});

}  // namespace oddity::metrics
