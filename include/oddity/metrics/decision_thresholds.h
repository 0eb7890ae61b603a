#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "oddity/metrics/cost_model.h"
#include "oddity/metrics/intervals.h"
#include "oddity/metrics/measured_rate.h"
#include "oddity/metrics/values.h"

/// Thresholds on raw scores that make a line cheapest. `scores` are [n] finite reals, larger is more anomalous;
/// `labels[i]` is 1 for a defect and 0 for good; both must occur. Rates of defective and of good parts come from the
/// sample, their shares from `prevalence` in (0, 1), the share of defective parts in production; without it, the
/// sample's share. All functions throw std::invalid_argument for NaN or infinite scores, other labels, lengths that
/// differ, an empty class, more than 2^32 - 1 parts, a prevalence outside (0, 1), and as line_cost does.
namespace oddity::metrics {

/// A part is rejected when score > upper, an operator is asked when lower < score <= upper, it is accepted when score
/// <= lower. lower <= upper; +infinity rejects (asks) nothing. lower == upper: two actions only.
struct Thresholds {
  double lower = 0, upper = 0;
};
enum class Actions : std::uint8_t { two_way, three_way };  ///< accept, reject; with asking

/// Rates of any thresholds, also of infinite ones. O(n).
LineRates rates_at(Values scores, std::span<const std::uint8_t> labels, Thresholds thresholds,
                   std::optional<double> prevalence = {});

/// The cheapest thresholds of the sample among all, exactly: O(n) after one sort, also for pairs. Thresholds lie
/// just below scores of the sample (the smallest that is rejected, asked) and are float32 where one lies between that
/// score and the next lower one, so that decisions are the same in float32; or +infinity. Of thresholds that cost the
/// same up to rounding the largest are taken.
Thresholds best_thresholds(Values scores, std::span<const std::uint8_t> labels, const CostModel& model,
                           Actions actions = Actions::three_way, std::optional<double> prevalence = {});

/// One row for each distinct score, falling, behind one for +infinity: two-way rates and cost when parts with score >
/// threshold, a number just below that score, are rejected. `at_most` > 0 thins to about that number of rows, evenly,
/// first and last included.
struct ThresholdCost {
  double threshold, escape, overkill, cost;
};
std::vector<ThresholdCost> cost_by_threshold(Values scores, std::span<const std::uint8_t> labels,
                                             const CostModel& model, std::optional<double> prevalence = {},
                                             std::size_t at_most = 0);

/// Confidence interval of the score at which the probability of a defect (at `prevalence`) passes `probability` in [0,
/// 1], which is where the cheapest action changes. It holds the scores that the likelihood ratio test of isotonic
/// regression does not exclude (Banerjee and Wellner 2001, 2005); the limit law of that statistic has no unknowns. O(n)
/// for all scores after one sort. The probability must not fall with the score, and parts must be drawn independently.
/// Asymptotic; simulated in decisions_validity_test.cpp: with 30 to 200 defects misses were 2 % to 5 % at a nominal 5
/// %, but 13 % where about ten parts lay beyond the threshold. Percentiles of resampled thresholds are no substitute:
/// the cheapest threshold converges as n^(-1/3), where the bootstrap is inconsistent (Abrevaya and Huang 2005); they
/// missed up to 63 %. Ends are scores or +-infinity; probability 0 gives -infinity, 1 gives +infinity. Throws for a
/// confidence outside [0.5, 0.999].
Interval threshold_interval(Values scores, std::span<const std::uint8_t> labels, double probability,
                            std::optional<double> prevalence = {}, double confidence = 0.95);

struct DecisionOptions {
  Actions actions = Actions::three_way;
  std::optional<double> prevalence;  ///< taken as known; none: the share of the sample
  /// Escapes of the model, P(score <= lower | defective), are at most this with probability `escape_confidence`: lower
  /// is below the k-th smallest score of a defect, k the largest with P(Beta(k, n_defect - k + 1) <= max_escape) >=
  /// escape_confidence. Holds for any choice of thresholds below it. Not with groups.
  std::optional<double> max_escape;
  double escape_confidence = 0.95;
  /// Rates with trials > 0 replace the numbers given elsewhere, and their uncertainty goes into the intervals.
  MeasuredRate measured_prevalence, measured_operator_escape, measured_operator_overkill, measured_check_detection;
  std::size_t resamples = 1000;  ///< 0: no intervals, NaN in their place
  double confidence = 0.95;      ///< of the two-sided intervals, in [0.5, 0.999]
  std::uint64_t seed = 0;
};

/// A cost per part, or a difference of two.
struct CostEstimate {
  double value = 0;          ///< in the sample whose cheapest thresholds these are: too good
  double corrected = 0;      ///< value with the optimism taken out
  double low = 0, high = 0;  ///< two-sided interval of what these thresholds cost in production
};

struct OptimalThresholds {
  CostModel model;  ///< with measured rates in place: what break_even and tornado take
  Thresholds thresholds;
  Interval lower_interval, upper_interval;  ///< threshold_interval of t1 and t2 (t* where asking never pays); NaN with
                                            ///< groups; they do not know of max_escape
  LineRates rates;                          ///< in the sample
  LineCost line;                            ///< at these rates
  BaselineCosts baselines;
  CostEstimate cost;
  CostEstimate benefit_over_operator;     ///< baseline less cost: large is good, below 0 is a loss
  CostEstimate benefit_over_accept_all;   ///< the same
  double optimism = 0;                    ///< how much cheaper thresholds look in the sample that chose them
  std::size_t most_accepted_defects = 0;  ///< k - 1 of max_escape; n_defect without it
  std::size_t n_defect = 0, n_good = 0, groups = 0, resamples = 0;
};

/// best_thresholds with what is known about them.
///
/// Intervals of cost and benefits: rates of the three actions are drawn from Dirichlet distributions, for the upper end
/// with counts k and one part more in the class's dearest action, for the lower end in its cheapest, which melds
/// Clopper and Pearson's bounds (Fay, Proschan and Brittain 2015); measured rates are drawn from Beta(k + 1/2, n - k +
/// 1/2) and enter both ends. Percentiles of the resulting costs, the upper end moved up by the optimism. The optimism
/// is Efron's and Harrell's: each bootstrap resample (within classes) chooses its own thresholds; the mean of what
/// these cost in the sample less in the resample. Coverage is not proven but simulated (decisions_validity_test.cpp):
/// misses were 1 % to 6 % at a nominal 5 %, where percentiles of resampled optima missed 22 % to 81 %.
///
/// `groups` [n] (part, lot, camera) are drawn as a whole, those with a defect apart from those without; counts are
/// divided by the design effect of each class: the largest ratio of the between-group variance of an action's share to
/// its binomial variance, at least 1, and n / (sum n_g^2 / n)'s if all parts of the class were decided alike. Each
/// class needs two groups.
///
/// Does not depend on the number of threads. Throws for max_escape or confidences outside (0, 1), n_defect too small
/// for max_escape (the message says what is needed), max_escape with groups, groups of another length or one group
/// only, events > trials, a measured prevalence of 0 or 1 in the sample, prevalence given twice.
OptimalThresholds optimal_thresholds(Values scores, std::span<const std::uint8_t> labels, const CostModel& model,
                                     const DecisionOptions& options = {}, std::span<const std::int64_t> groups = {});

}  // namespace oddity::metrics
