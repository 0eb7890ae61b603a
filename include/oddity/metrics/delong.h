#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "oddity/metrics/ranking.h"
#include "oddity/metrics/values.h"

/// Variance of AUROC and the test of two AUROCs on the same parts (DeLong, DeLong & Clarke-Pearson 1988), in O(n log n)
/// from ranks (Sun & Xu 2014). Scores are raw: any finite real, larger is more anomalous; `labels[i]` is 1 for a defect
/// and 0 for good; AUROC is P(defect above good) + P(equal) / 2, 1 is best. Ties take mid-ranks. Parts are taken as
/// independent: several photographs of one part are not, use `bootstrap_ranking` with groups for them. All functions
/// throw std::invalid_argument for NaN or infinite scores, other labels, lengths that differ, a class that is empty, or
/// confidence outside (0, 1).
namespace oddity::metrics {

/// `value` is the AUROC, [low, high] a logit-transformed interval at `confidence` in (0, 1). Where the variance is zero
/// or cannot be estimated (perfect separation, one sample in a class) the interval comes from the k = min(n_good,
/// n_defect) disjoint pairs, which are independent: AUROC 1 gives [(alpha / 2)^(1/k), 1] (all k pairs are ordered with
/// probability AUROC^k at most), AUROC 0 the mirror image, any other value Hoeffding's bound value -+ sqrt(log(2 /
/// alpha) / (2 k)) clipped to [0, 1]. These are conservative. With 2 or 3 parts in a class it is far too short: it then
/// misses 31 % or 11 % for a nominal 5 %.
struct DelongAuroc : Estimate {
  double standard_error = 0;  ///< NaN with one part in a class
};
DelongAuroc delong_auroc(Values scores, std::span<const std::uint8_t> labels, double confidence = 0.95);

struct DelongTest {
  double auroc_a = 0, auroc_b = 0;
  double difference = 0;      ///< a - b; positive: a ranks better
  double standard_error = 0;  ///< of the difference, with the covariance of the two; NaN with one part in a class
  double statistic =
      0;               ///< difference / standard_error, standard normal when the AUROCs are equal; NaN when it has none
  double p_value = 1;  ///< two-sided
  double low = 0, high = 0;  ///< of the difference at `confidence`, within [-1, 1]
  std::size_t n_good = 0, n_defect = 0;
};
/// Two rankings `a` and `b` of the same parts. Asymptotic: with fewer than about 30 parts in a class prefer
/// `permutation_test`. Where the standard error is 0 or cannot be estimated, p-value and interval come from Hoeffding's
/// bound for the k = min(n_good, n_defect) disjoint pairs of parts, whose differences are independent and in [-1, 1]:
/// difference -+ sqrt(2 log(2 / alpha) / k) and p = 2 exp(-k difference^2 / 2); these are conservative.
DelongTest delong_test(Values a, Values b, std::span<const std::uint8_t> labels, double confidence = 0.95);

}  // namespace oddity::metrics
