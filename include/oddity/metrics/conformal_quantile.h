#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <vector>

#include "oddity/metrics/intervals.h"
#include "oddity/metrics/values.h"

/// The order statistic that a conformal threshold is, and what is known about its coverage (Vovk, Gammerman, Shafer
/// 2005; Vovk 2012). Scores are nonconformity scores: larger is stranger. A new sample is covered when its score <=
/// threshold. Samples must be exchangeable with the calibration samples; nothing else is assumed.
namespace oddity::metrics {

/// Coverage given the calibration set, which is random because that set is: Beta(a, b) for scores without ties. Ties
/// only raise the coverage. b = 0 stands for a threshold of infinity, whose coverage is 1.
struct BetaLaw {
  double a = 1, b = 0;

  double mean() const { return a / (a + b); }
  /// P(coverage < level), level in [0, 1].
  double probability_below(double level) const;
  /// Central interval of the coverage, by default from its 5 % to its 95 % quantile. `confidence` in (0, 1).
  Interval interval(double confidence = 0.95) const;
};

struct ConformalRank {
  std::size_t n = 0;                 ///< calibration scores
  double alpha = 0;                  ///< wanted miss rate: the coverage is to be at least 1 - alpha
  std::optional<double> delta = {};  ///< given: with probability 1 - delta over calibration sets; not given: on average
  std::size_t rank = 1;              ///< the threshold is the rank-th smallest score; n + 1 stands for infinity
  bool infinite = true;              ///< n is too small: only a threshold of infinity keeps the promise
  std::size_t n_needed = 0;          ///< smallest n that gives a finite threshold
  BetaLaw coverage = {};             ///< Beta(rank, n + 1 - rank)
};

/// Without `delta`: rank = n + 1 - floor((n + 1) alpha), so that 1 - alpha <= P(covered) <= 1 - alpha + 1 / (n + 1)
/// (the upper bound without ties), the probability being over calibration set and new sample. Exact: alpha is the
/// simplest fraction that is the same double (0.18 is 9/50), the rest integers; rounding (n + 1)(1 - alpha) up in
/// floating point is one too many for n = 149, alpha = 0.18. Finite from n = ceil(1 / alpha) - 1.
///
/// With `delta`, training-conditional or "PAC" (Vovk 2012): the smallest rank with P(Beta(rank, n + 1 - rank) < 1 -
/// alpha) <= delta, so that the coverage of *this* calibration set is at least 1 - alpha with probability 1 - delta. A
/// probability within 1e-12 relative of delta counts as delta. Finite from the first n with (1 - alpha)^n <= delta.
///
/// n = 0 is allowed and gives infinity. Throws std::invalid_argument for n above 10^12, alpha or delta outside (0, 1),
/// alpha below 1e-15.
ConformalRank conformal_rank(std::size_t n, double alpha, std::optional<double> delta = {});

struct ConformalQuantile : ConformalRank {
  double threshold = std::numeric_limits<double>::infinity();  ///< covered when score <= threshold
};

/// The threshold of `scores` in any order. Throws std::invalid_argument for no score, NaN, infinity and as
/// conformal_rank.
ConformalQuantile conformal_quantile(Values scores, double alpha, std::optional<double> delta = {});
/// For several alphas from one partial sort; in the order of `alphas`, which must not be empty.
std::vector<ConformalQuantile> conformal_quantiles(Values scores, std::span<const double> alphas,
                                                   std::optional<double> delta = {});

/// One threshold for each group (Mondrian conformal prediction): product, camera, shift, or the class itself. Each
/// group keeps the promise of conformal_rank by itself, from its own n.
struct GroupQuantiles {
  std::vector<double> alphas;
  std::vector<std::int64_t> groups;          ///< ascending
  std::vector<ConformalQuantile> quantiles;  ///< [alphas, groups]

  const ConformalQuantile& at(std::size_t alpha_index, std::size_t group_index) const {
    return quantiles[alpha_index * groups.size() + group_index];
  }
  /// Index of `group` in groups, or groups.size() when the calibration had none of it.
  std::size_t find(std::int64_t group) const;
  /// The threshold for each sample by its group; infinity for a group that the calibration did not have. Throws
  /// std::invalid_argument for alpha_index >= alphas.size().
  std::vector<double> thresholds(std::span<const std::int64_t> groups_of_samples, std::size_t alpha_index = 0) const;
};

/// `groups[i]` is the group of scores[i], any integer. Throws std::invalid_argument as conformal_quantiles and for
/// lengths that differ.
GroupQuantiles group_conformal_quantiles(Values scores, std::span<const std::int64_t> groups,
                                         std::span<const double> alphas, std::optional<double> delta = {});

}  // namespace oddity::metrics
