#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "oddity/metrics/values.h"

/// Verification sampling: the escape rate of production can be known only from accepted parts that somebody looks at
/// again, drawn with known probabilities. Escapes that come back from the field are found with an unknown probability
/// and tell nothing about it. All functions throw std::invalid_argument for NaN, lengths that differ, no part,
/// probabilities out of range and a confidence outside (0, 1).
namespace oddity::metrics {

struct VerificationOptions {
  double floor = 0.001;  ///< least probability, in (0, 1]: what is never looked at is never known
  Values costs = {};     ///< of verifying each part, in [1e-100, 1e100]; empty: 1 each
};

struct VerificationDesign {
  std::vector<double> probabilities;  ///< of each part, in [floor, 1]
  double expected_parts = 0;          ///< their sum
  /// Variance of the estimated number of defects, expected under the given probabilities of a defect, over that of the
  /// same budget spread evenly; below 1 is a gain. NaN when no part can be defective.
  double relative_variance = 0;
};

/// Probabilities with which parts should be verified so that the Horvitz-Thompson total of defects varies least at an
/// expected cost of `budget`: proportional to sqrt(eta / cost) for a defect probability eta, cut to [floor, 1] (Neyman
/// 1934, for independent draws: the variance is sum eta (1 / rho - 1)). The familiar sqrt(eta (1 - eta)) is for strata
/// whose means are estimated too; it starves parts that are surely defective, and differs little where eta is small.
/// `defect_probabilities` [n] in [0, 1], such as calibrated probabilities of accepted parts; wrong ones cost precision,
/// never validity. Throws for a budget outside [floor * all costs, all costs].
VerificationDesign verification_design(Values defect_probabilities, double budget,
                                       const VerificationOptions& options = {});

/// An estimate with its two-sided interval.
struct VerifiedRate {
  double value = 0, low = 0, high = 0;
};

struct VerifiedQuality {
  VerifiedRate escapes;  ///< expected number of defects among as many accepted parts
  VerifiedRate
      escape_share;          ///< escapes / accepted; times 1e6 it is the escape ppm; NaN, [0, 1] when none was accepted
  VerifiedRate escape_rate;  ///< P(accepted | defective); NaN, [0, 1] when no verified part was defective
  VerifiedRate overkill_rate;  ///< P(rejected | good); NaN, [0, 1] when no good part is known
  VerifiedRate prevalence;     ///< P(defective)
  std::size_t accepted = 0, rejected = 0;
  std::size_t verified_accepted = 0, verified_rejected = 0;
  std::size_t verified_escapes = 0;  ///< defective parts among verified accepted ones
  double expected_verified = 0;  ///< sum of all probabilities: far from the number verified, the design was not kept
};

/// Horvitz and Thompson's (1952) weighting: each verified part counts 1 / rho, rho the probability with which it was to
/// be verified when it was decided, given everything known then (score, decision), whatever its truth; parts are
/// verified independently. With one rho for all accepted and one for all rejected parts these are Begg and Greenes'
/// estimates.
///
/// `probabilities` [n] in [1e-100, 1], `accepted`, `verified`, `defective` [n] 0 or 1; `defective` is not looked at
/// where verified is 0. Intervals are Fay and Feuer's gamma limits (1997) for weighted sums of counts, with the largest
/// 1 / rho of the parts concerned as the weight of the count that was not seen, and for escape_rate and overkill_rate
/// the share melded from two of them, a beta quantile; also without any verified escape the upper limit is above 0.
/// They speak of the process, not of these parts only. No proof of coverage in general; misses stay below nominal in
/// simulations (projection_validity_test.cpp). With every rho = 1 escape_rate's are Clopper and Pearson's.
VerifiedQuality verified_quality(Values probabilities, std::span<const std::uint8_t> accepted,
                                 std::span<const std::uint8_t> verified, std::span<const std::uint8_t> defective,
                                 double confidence = 0.95);

struct VerificationPlan {
  std::uint64_t parts = 0, escapes_allowed = 0;
  double power = 0;        ///< P(the claim is reached), that is P(Binomial(parts, expected) <= escapes_allowed)
  double check_ratio = 0;  ///< parts / accepted: the floor for optimal_check_ratio; above 1: not to be had in that time
};
/// Fewest accepted parts to verify, drawn evenly, so that with probability at least `power` they show a share of
/// escapes of at most `limit` at `confidence` (one-sided Clopper-Pearson), when the true share is `expected` in [0,
/// limit). `accepted` > 0 parts are accepted in the time that the claim is for. Throws where over 10,000 escapes would
/// have to be allowed: then expected is too close to limit.
VerificationPlan verification_plan(double limit, double expected, std::uint64_t accepted, double confidence = 0.95,
                                   double power = 0.9);

}  // namespace oddity::metrics
