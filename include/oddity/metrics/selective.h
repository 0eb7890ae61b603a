#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "oddity/metrics/values.h"

/// Selective prediction: what is lost on the parts that a model keeps when it hands over those it is least certain of.
/// `certainty` [n] is finite, larger is surer; `losses` [n] are 0 or in [1e-100, largest_loss], such as 0 for a right
/// and 1 for a wrong verdict or the cost of the part's error. Parts of equal certainty are kept in random order, and
/// every number is the expectation over these orders. Small is good throughout. All functions throw
/// std::invalid_argument for no part, NaN, infinities, lengths that differ, and losses or options out of range.
namespace oddity::metrics {

/// One row for each distinct certainty, falling: what is kept when everything at least that sure is kept.
struct RiskCoveragePoint {
  double certainty;
  double coverage;          ///< share of the parts that are kept, in (0, 1]
  double selective_risk;    ///< mean loss of the kept parts
  double generalized_risk;  ///< loss of the kept parts over all parts = coverage * selective_risk (Traub et al. 2024)
};
/// `at_most` > 0 thins to about that number of rows, evenly, first and last included.
std::vector<RiskCoveragePoint> risk_coverage(Values certainty, Values losses, double largest_loss = 1,
                                             std::size_t at_most = 0);

/// An area under a curve with its two-sided interval.
struct SelectiveEstimate {
  double value = 0, standard_error = 0, low = 0, high = 0;
};

struct SelectiveRisk {
  /// Mean over k = 1 .. n of the selective risk of the k surest parts (Geifman, Uziel and El-Yaniv 2019).
  SelectiveEstimate aurc;
  /// aurc less that of the best order for these losses, which is computed, not approximated.
  SelectiveEstimate excess_aurc;
  /// Area under the generalised risk over coverage (Traub et al. 2024): the probability that of two parts the one that
  /// is kept longer is lost, times its loss. With losses of 0 and 1 and accuracy a it is (1 - AUROC) a (1 - a) + (1 -
  /// a)^2 / 2, with the AUROC of certainty for right verdicts (mid-ranks), exactly.
  SelectiveEstimate augrc;
  double risk = 0;  ///< mean loss at full coverage
  std::size_t n = 0, units = 0;
};

struct SelectiveOptions {
  double largest_loss = 1;  ///< in [1e-100, 1e100]
  double confidence = 0.95;
};

/// The three areas. Standard errors are those of the linearised statistics (infinitesimal jackknife): a part counts by
/// its own loss and by what it does to the coverage of the parts after it. Intervals are value * exp(-+ z se / value),
/// asymptotic (decisions_validity_test.cpp measures them), no higher than losses of largest_loss allow; that of
/// excess_aurc ends at most where that of aurc ends, and does so for a value of 0. Where all losses are the same, c,
/// there is no spread to estimate: a share r = 1 - (alpha / 2)^(1 / units) of other losses might have been missed. Then
/// the ends are those with r parts of loss 0 kept first, c (1 - r + r log r) and c (1 - r)^2 / 2, and with r of
/// largest_loss L kept first, c + (L - c) (r - r log r) and c / 2 + (L - c) r (1 - r / 2), for aurc and augrc. At least
/// 2 parts.
///
/// `groups` [n] (part, lot): their parts are not independent; influences are summed in each group, units is their
/// number, at least 2.
SelectiveRisk selective_risk(Values certainty, Values losses, const SelectiveOptions& options = {},
                             std::span<const std::int64_t> groups = {});

}  // namespace oddity::metrics
