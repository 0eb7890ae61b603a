#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>

#include "oddity/metrics/values.h"

/// Tests of two models, or of a model and an operator, on the same parts. Pairing removes what the parts have in
/// common; tests for independent samples must not be used on them. `delong_test` (delong.h) compares AUROCs. All
/// functions throw std::invalid_argument for lengths that differ, NaN, empty input, or confidence outside (0, 1).
namespace oddity::metrics {

/// n parts by what two methods do with them: an event is whatever is counted, such as "judged correctly".
struct PairedCounts {
  std::uint64_t both = 0, only_a = 0, only_b = 0, neither = 0;
  std::uint64_t n() const noexcept { return both + only_a + only_b + neither; }
};
/// `a` and `b` hold 1 for an event and 0 otherwise, one for each part; anything else is refused.
PairedCounts paired_counts(std::span<const std::uint8_t> a, std::span<const std::uint8_t> b);

/// McNemar's test of equal rates from the discordant parts: given their number, `only_a` is binomial with 1/2.
struct McNemar {
  std::uint64_t only_a = 0, only_b = 0;
  double exact = 1;  ///< two-sided p = min(1, 2 P(X <= min)); its level never exceeds the nominal one
  /// p with half the probability of what was observed (Fagerland, Lydersen & Laake 2013): more powerful; its level is
  /// not guaranteed, and reaches 5.2 % at a nominal 5 %.
  double mid_p = 1;
};
/// Without discordant parts both p-values are 1. Refuses n = 0.
McNemar mcnemar(const PairedCounts& counts);

struct PairedDifference {
  double rate_a = 0, rate_b = 0;
  double difference = 0;  ///< rate a - rate b
  double low = 0, high = 0;
  std::uint64_t n = 0;
};
/// Interval of the difference of two paired proportions: Newcombe (1998, Statistics in Medicine 17:2635) method 10,
/// square and add of Wilson intervals with the continuity-corrected correlation phi. About nominal coverage on average
/// also for small n, not guaranteed; always within [-1, 1]. phi is 0 where a margin is empty. Refuses n = 0 and n above
/// 2^53.
PairedDifference newcombe_difference(const PairedCounts& counts, double confidence = 0.95);

enum class Alternative { two_sided, greater, less };

struct PermutationOptions {
  Alternative alternative = Alternative::two_sided;  ///< greater: a is larger than b
  std::size_t permutations = 9999;                   ///< drawn when there are too many to enumerate
  /// Up to so many units all 2^units permutations count and the p-value is exact. At most 40 for
  /// `paired_permutation_test` (which needs memory for 2^(units / 2) sums), at most 20 for `permutation_test`.
  std::size_t exact_up_to = 20;
  std::uint64_t seed = 0;
};

struct PermutationTest {
  double statistic = 0;  ///< observed
  double p_value = 1;
  std::size_t n = 0;             ///< parts
  std::size_t units = 0;         ///< that are exchanged as a whole: groups or parts; for means those that differ
  std::size_t permutations = 0;  ///< that p_value counts, the observed one included
  bool exact = false;            ///< all of them
};

/// Sign-flip test of the mean difference a - b of paired values, such as losses (Fisher 1935). Under the null
/// hypothesis a part's two values could have come in either order: P(p <= alpha) <= alpha for every n and every
/// distribution, exactly or over the drawn permutations, p = (1 + #{as extreme}) / (1 + drawn). `groups` (none, or one
/// for each part) flips all parts of a group together. Two-sided: |mean| at least as large. Sums within 1e-12 of the
/// sum of |a - b| are equal, so that rounding never makes p smaller. Does not depend on the number of threads.
PermutationTest paired_permutation_test(Values a, Values b, std::span<const std::int64_t> groups = {},
                                        const PermutationOptions& options = {});

/// The same for any statistic of two models, such as the difference of their AUROCs: `statistic(swapped)` gets 1 for
/// each of n parts whose results the two models exchange and 0 for the others, and returns the difference a - b; all 0
/// is what was observed. Values within 1e-12 * max(1, |observed|) are equal. Called from several threads at once when
/// `parallel`. A NaN or infinite value is refused. Scores of models on different scales are not exchangeable: pass
/// ranks.
using SwapStatistic = std::function<double(std::span<const std::uint8_t> swapped)>;
PermutationTest permutation_test(std::size_t n, const SwapStatistic& statistic,
                                 std::span<const std::int64_t> groups = {}, const PermutationOptions& options = {},
                                 bool parallel = true);

}  // namespace oddity::metrics
