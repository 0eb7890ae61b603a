#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "oddity/metrics/measured_rate.h"

/// From the errors on a test set to those of production. An error is an escape (defective part accepted) or an overkill
/// (good part rejected); small is good. All functions throw std::invalid_argument for NaN, events > trials, shares
/// outside [0, 1] and a confidence outside (0, 1).
namespace oddity::metrics {

/// Largest error rate at which no error among n parts is still as likely as 1 - confidence: 1 - (1 - confidence)^(1 /
/// n). At 95 %: 299 parts for 1 %, 2995 for 0.1 %, 29956 for 0.01 %. n = 0 gives 1.
double zero_error_bound(std::uint64_t n, double confidence = 0.95);

/// A part of the operating conditions (variant, camera, defect type and size, ...) with what was tested in it.
struct ProductionSlice {
  double weight = 0;  ///< share of production, 0 or in [1e-100, 1]; the weights of all slices sum to 1
  std::uint64_t tested = 0, errors = 0;
};

struct ProjectionOptions {
  double confidence = 0.95;  ///< of the upper bounds, one-sided: delta = 1 - confidence
  /// The weights are the shares of slices among this many parts of a production log, drawn independently of each other
  /// and of the test set; parts of slices that were never tested are slices with tested = 0. 0: the weights are known.
  std::uint64_t logged = 0;
  /// Upper bound of the share of production that lies in none of the slices (unseen_mass_bound, or
  /// clopper_pearson_upper on parts that were counted after the slices were fixed), at confidence 1 - delta / 2. 0: the
  /// slices are all there is, or weights are from a log that shows the others.
  double unseen = 0;
};

struct ProjectedRate {
  double value = 0;  ///< sum of w errors / tested over tested slices, over their weight; NaN when none is tested
  double standard_error = 0;  ///< of value, weights as known
  /// The production rate is at most this with probability `confidence`: every tested slice at its one-sided
  /// Clopper-Pearson bound U at delta / K for K tested slices of positive weight, every other slice and the unseen
  /// share at 1: B + (1 - B) unseen with B = sum w U. With logged or unseen, delta / (2 K), and with logged B gets
  /// Maurer and Pontil's (2009) empirical Bernstein bound at delta / 2 for the mean of U over the log; U must not
  /// depend on the log, so K then counts all tested slices: give those too of which the log shows no part.
  double upper = 0;
  /// The same weights and untested shares, the tested slices together under Fay and Feuer's gamma bound (1997) for
  /// weighted sums of counts: much lower for many slices. No proof; its misses stayed below delta in every simulation
  /// (projection_validity_test.cpp and the literature). NaN with logged.
  double gamma_upper = 0;
  double untested = 0;  ///< weight of slices without a test
  std::uint64_t tested = 0, errors = 0;
};
/// Throws for no slice, a weight out of range, weights that do not sum to 1 (within 1e-6), unseen outside [0, 1),
/// logged of 1, and logged together with unseen.
ProjectedRate project_rate(std::span<const ProductionSlice> slices, const ProjectionOptions& options = {});

/// Upper bound of the share of production in slices of which n production parts show none, from the number of slices
/// that they show exactly once: singletons / n (Good 1953) + (1 + sqrt 2) sqrt(log(2 / delta) / n). Its two halves are
/// McDiarmid's inequality for the singletons and McAllester and Ortiz's (2003) for the unseen mass; McAllester and
/// Schapire (2000) have 2 sqrt 2 + sqrt 3 and log(3 / delta). At most 1. Throws for n = 0 or singletons > n.
double unseen_mass_bound(std::uint64_t singletons, std::uint64_t n, double confidence = 0.95);

/// A prevalence with a two-sided interval; low = high = value when it is known.
struct PrevalenceEstimate {
  double value = 0, low = 0, high = 0;
};

/// Rogan and Gladen's (1978) prevalence of defects from the share of production that a model rejects:
///   (flagged - overkill) / (detected - overkill), clamped to [0, 1].
/// `flagged` counts rejected parts among production, `detected` rejected among defective test parts, `overkill`
/// rejected among good test parts. Interval: the melded one of Bayer, Fay and Graubard (2023), with Clopper and
/// Pearson's confidence distributions of the three rates, integrated by Gauss-Legendre quadrature instead of drawn; its
/// coverage is at least nominal in simulations, theirs and ours. Throws for zero trials, and where defects are not
/// rejected more often than good parts.
PrevalenceEstimate rogan_gladen(MeasuredRate flagged, MeasuredRate detected, MeasuredRate overkill,
                                double confidence = 0.95);

/// Defective parts per million accepted ones, with a two-sided interval.
struct EscapePpm {
  double value = 0, low = 0, high = 0;
};
/// 1e6 p E / (p E + (1 - p) (1 - O)) with prevalence p, escape rate E and overkill rate O. The interval takes E and O
/// at their Clopper-Pearson bounds at 1 - (1 - confidence) / 2 each, and p at the ends of its interval: it misses with
/// a probability of at most 1 - confidence plus that of the prevalence's interval. NaN where nothing is accepted.
/// Throws for zero trials and a prevalence whose value lies outside its interval.
EscapePpm project_escape_ppm(MeasuredRate escape, MeasuredRate overkill, PrevalenceEstimate prevalence,
                             double confidence = 0.95);

/// Acceptance sampling of lots with replacement of every defect that is found (Dodge and Romig 1959): of `lot` parts,
/// `sample` are inspected, and the rest too when more than `allowed` are defective.
struct OutgoingQuality {
  double accepted = 0;         ///< P(lot passes on its sample) = P(Binomial(sample, prevalence) <= allowed)
  double outgoing = 0;         ///< AOQ = accepted * prevalence * (lot - sample) / lot: share of defects in what leaves
  double total_inspected = 0;  ///< ATI: expected number of inspected parts per lot
};
/// Throws for lot = 0, sample > lot and allowed >= sample unless the sample is 0 (then all lots pass).
OutgoingQuality outgoing_quality(double prevalence, std::uint64_t lot, std::uint64_t sample, std::uint64_t allowed);

}  // namespace oddity::metrics
