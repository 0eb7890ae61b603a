#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "oddity/metrics/values.h"

/// Upper confidence bounds of the mean of losses in [0, maximum], and p-values of "the mean is above a limit", for
/// independent draws from one distribution, whatever that is. Small losses are good. Losses that are not independent
/// (views of one part, parts of one lot) must be averaged to one loss a group before.
namespace oddity::metrics {

/// With L in [0, 1] (losses over `maximum`), m their mean, delta = 1 - confidence, Bin a binomial count:
enum class MeanBound : std::uint8_t {
  /// m + sqrt(log(1 / delta) / 2n) (Hoeffding 1963); p = exp(-2 n (limit - m)^2).
  hoeffding,
  /// The better of Hoeffding in its relative-entropy form, p = exp(-n kl(m, limit)), and Bentkus (2004),
  /// p = e P(Bin(n, limit) <= ceil(n m)): min{...} of both is one p-value (Bates et al. 2021).
  hoeffding_bentkus,
  /// m + sqrt(2 V log(2 / delta) / n) + 7 log(2 / delta) / 3(n - 1), V the sample variance (Maurer & Pontil 2009).
  empirical_bernstein,
  /// Betting (Waudby-Smith & Ramdas 2024): K_i(r) = prod_{j <= i} (1 - nu_j (L_j - r)) is a supermartingale when the
  /// mean is r or more; the bound is inf{r : max_i K_i(r) >= 1 / delta}, p = 1 / max_i K_i(limit). nu_i = min(1,
  /// sqrt(2 log(1 / delta) / (n s^2_{i-1}))), s^2 the running variance before loss i, with a prior of 1/4 and 1/2 as
  /// variance and mean of one loss. After a lucky start inf{...} can lie below m; here the bound is then m, and p is 1
  /// where m is at the limit or above. Usually the tightest for losses that are not 0 or 1.
  betting,
  /// Exact for losses that are 0 or `maximum` (others are refused): Clopper & Pearson (1934), one-sided;
  /// p = P(Bin(n, limit) <= n m).
  binomial,
};

struct MeanBoundOptions {
  MeanBound bound = MeanBound::betting;
  double confidence = 0.95;  ///< 1 - delta, in (0, 1); p-values depend on it only through the bets of `betting`
  double maximum = 1;        ///< the largest possible loss, > 0; known beforehand, not taken from the data
  /// `betting` takes the losses in a random order drawn from this seed, because an order that depends on their values
  /// breaks it. For losses in the order of their draws any seed serves; for losses that were arranged (sorted, good
  /// parts first) the promise is one over losses and seeds together, so draw a seed.
  std::uint64_t seed = 0;
};

/// A mean with its upper bound: the true mean is above `upper` with probability at most 1 - confidence.
struct MeanUpperBound {
  double mean = 0, upper = 0;
  std::size_t n = 0;
};

/// The bound lies in [mean, maximum]; `maximum` says that n is too small for this confidence. To 1e-12 of `maximum`, in
/// O(n). Throws std::invalid_argument for no losses, losses that are NaN or outside [0, maximum], a confidence or
/// maximum out of range.
MeanUpperBound mean_upper_bound(Values losses, const MeanBoundOptions& options = {});

/// p-value of the hypothesis "the true mean is `limit` or more" for a limit in (0, maximum), from 1e-8 of the maximum
/// on: P(p <= a) <= a when it is true, at every a. Small: the mean is below the limit. p <= 1 - confidence says the
/// same as upper <= limit, up to rounding. Throws as mean_upper_bound does.
double mean_p_value(Values losses, double limit, const MeanBoundOptions& options = {});

/// Bounds of the columns of a table [n, columns], each by itself: nothing is corrected for their number.
struct MeanUpperBounds {
  std::vector<double> means, upper;
  std::size_t n = 0;
};

/// `betting` takes the rows of all columns in one order. 128 bytes a row and thread with `betting`.
MeanUpperBounds mean_upper_bounds(const Matrix& losses, const MeanBoundOptions& options = {});
std::vector<double> mean_p_values(const Matrix& losses, double limit, const MeanBoundOptions& options = {});

/// The smallest n at which n losses of 0 have an upper bound of at most `limit`; fewer cannot show it, whatever they
/// are. For `binomial` at 95 %: 299 for 0.01. Exact up to 10^4, within 1e-6 beyond with `betting`. Throws
/// std::invalid_argument for arguments out of range and a limit below 1e-8 of the maximum.
std::uint64_t lossless_samples_needed(double limit, const MeanBoundOptions& options = {});

/// The order of n rows in which `betting` takes them: uniform among all orders, so that losses that were drawn
/// independently and then sorted or grouped are independent draws again. Of n = 0 nothing.
std::vector<std::int64_t> betting_order(std::size_t n, std::uint64_t seed);

}  // namespace oddity::metrics
