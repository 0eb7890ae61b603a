#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "oddity/metrics/values.h"

/// Probability of detection (PoD) by defect size from hit/miss trials, as MIL-HDBK-1823A and ASTM E2862 have it:
/// logit P(hit | a) = b0 + b1 log a. `sizes` [n] are > 0 and finite; `hits[i]` is 1 when the defect was found. Trials
/// are independent and chosen by size, never by what was found: field finds overstate the PoD. The handbook asks for at
/// least 60 defects. All functions throw std::invalid_argument for NaN, sizes <= 0, other hits, lengths that differ, no
/// hit or no miss, one size only, a level or confidence outside (0, 1), and bounds that do not exist as said below.
namespace oddity::metrics {

enum class LogisticFit : std::uint8_t {
  firth,               ///< penalised by Jeffreys' prior (Firth 1993; Heinze and Schemper 2002): finite always
  automatic,           ///< maximum likelihood, or firth when a size separates hits from misses
  maximum_likelihood,  ///< as the handbook's software; throws when a size separates hits from misses
};
enum class DetectabilityBound : std::uint8_t {
  profile_likelihood,  ///< likelihood ratio at the size (MIL-HDBK-1823A, appendix G), penalised for firth
  wald                 ///< where the Wald band of the linear predictor crosses the level (ASTM E2862)
};

struct DetectabilityOptions {
  LogisticFit fit = LogisticFit::firth;
  DetectabilityBound bound = DetectabilityBound::profile_likelihood;
  double level = 0.9;              ///< PoD of a90
  double confidence = 0.95;        ///< two-sided, of a50, a90 and the curve
  double bound_confidence = 0.95;  ///< one-sided, of a90/95, in [0.5, 1)
};

/// A size with a two-sided interval; 0 and +infinity where it has no end.
struct DetectableSize {
  double value = 0, low = 0, high = 0;
};

/// Small sizes are good.
struct Detectability {
  double intercept = 0, slope = 0;        ///< b0, b1 for the natural logarithm of the size
  std::array<double, 3> covariance{};     ///< var b0, cov, var b1: inverse information
  double log_likelihood = 0;              ///< with the penalty for firth
  double no_trend_p_value = 0;            ///< likelihood ratio test of b1 = 0, one degree of freedom
  bool separable = false, firth = false;  ///< hits and misses do not overlap in size; how it was fitted
  DetectableSize a50, a90;                ///< sizes found with probability 0.5 and `level`
  /// One-sided upper bound of a90 at bound_confidence: a90/95. +infinity when the trials do not bound it: more trials
  /// or larger defects are needed. When b1 <= 0 all sizes are +infinity: larger defects are not found more often.
  double a90_95 = 0;
  std::size_t n = 0, hits = 0;
};

/// Fisher scoring on standardised log sizes. Bounds are asymptotic; in projection_validity_test.cpp, with 40 to 120
/// defects, a90/95 lay below the true a90 in 1 % to 6 % of the trials by firth's profile and in 0 % to 4 % by Wald, but
/// in 7 % to 11 % by the profile of maximum likelihood: that is why firth is the default.
Detectability detectability(Values sizes, std::span<const std::uint8_t> hits, const DetectabilityOptions& options = {});

/// PoD at each of `at` [m] sizes > 0 with a pointwise two-sided band; large is good.
struct DetectionPoint {
  double size, probability, low, high;
};
std::vector<DetectionPoint> detection_curve(Values sizes, std::span<const std::uint8_t> hits, Values at,
                                            const DetectabilityOptions& options = {});

}  // namespace oddity::metrics
