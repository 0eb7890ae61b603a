#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "oddity/metrics/values.h"

/// Which of many parts are outliers, with a bound on how many of those named are good parts. The false discovery
/// proportion of a selection is that number over the size of the selection, 0 for an empty one; the false discovery
/// rate is its mean. All functions throw std::invalid_argument for no p-values, NaN, values outside [0, 1] and a level
/// outside (0, 1). O(n).
namespace oddity::metrics {

struct Discoveries {
  std::vector<double> adjusted;        ///< of each p-value: the smallest level at which it is rejected, at most 1
  std::vector<std::uint8_t> rejected;  ///< 1 where adjusted <= level: declared an outlier
  std::size_t n = 0;                   ///< p-values
  std::size_t count = 0;               ///< rejected ones
  double level = 0;                    ///< asked for
  double threshold = 0;                ///< the largest rejected p-value; 0 when there is none
  double null_share = 1;               ///< storey: the estimated share of good parts, may be above 1; otherwise 1
};

/// Step-up procedure of Benjamini and Hochberg (1995): rejects the k smallest p-values with the largest k for which
/// p_(k) <= level k / n. Adjusted: min over j >= k of n p_(j) / j. False discovery rate at most level times the share
/// of good parts, for p-values that are independent or positively dependent (PRDS), such as marginal ones of
/// outlier_p_values. An adjusted value within 4 units of rounding of the level is set to the level and rejected:
/// conformal p-values hit it exactly.
Discoveries benjamini_hochberg(Values p_values, double level);

/// Benjamini and Yekutieli (2001): the same at level / (1 + 1/2 + ... + 1/n). False discovery rate at most level times
/// the share of good parts under any dependence.
Discoveries benjamini_yekutieli(Values p_values, double level);

/// Benjamini-Hochberg at level / null_share, null_share = (1 + #{p >= lambda}) / (n (1 - lambda)) (Storey, Taylor and
/// Siegmund 2004): finds more where many parts are outliers. False discovery rate at most the level for independent
/// p-values and for marginal p-values of outlier_p_values with one calibration set of size c when lambda is a multiple
/// of 1 / (c + 1) (Bates et al. 2023; Marandon et al. 2024); not for any dependence, such as that of neighbouring
/// pixels. Lambda in (0, 1).
Discoveries storey(Values p_values, double level, double lambda = 0.5);

}  // namespace oddity::metrics
