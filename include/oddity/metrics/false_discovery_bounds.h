#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "oddity/metrics/values.h"

/// Bounds on the number of good parts among those declared outliers that hold for all selections at once, so that a
/// threshold may be chosen after looking at the data, as often as one likes: closed testing with Simes tests (Goeman
/// and Solari 2011; Goeman, Meijer, Krebs and Solari 2019, "Simultaneous control of all false discovery proportions in
/// large-scale multiple hypothesis testing", Biometrika 106). With probability at least 1 - delta every bound holds,
/// for p-values that are independent or positively dependent (PRDS), such as marginal ones of outlier_p_values.
///
/// With h the size of the largest set of p-values that Simes' test does not reject at delta (Hommel 1988), at least
/// max over u of 1 - u + #{i in S: h p_i <= u delta} of a selection S are true outliers. Small bounds are good.
/// Functions throw std::invalid_argument for no p-values, NaN, values outside [0, 1] and delta outside (0, 1). O(n log
/// n).
namespace oddity::metrics {

struct FalseDiscoveryBounds {
  std::vector<double> p_values;                  ///< ascending: the selection of the k smallest ends at p_values[k - 1]
  std::vector<std::uint64_t> false_discoveries;  ///< at most so many good parts among the k smallest, at k - 1
  std::size_t n = 0;
  std::size_t null_count = 0;  ///< h: at most so many good parts among all; equal to the last bound
  double delta = 0;
};

/// The bounds of all selections {p <= threshold} at once.
FalseDiscoveryBounds false_discovery_bounds(Values p_values, double delta);

struct SelectionBound {
  std::size_t selected = 0;
  std::uint64_t false_discoveries = 0;  ///< at most so many good parts among the selected
  double proportion = 0;                ///< false_discoveries / selected; 0 for an empty selection
};

/// The bound of any selection: `selected` has 1 for each selected part and 0 for the others, as many as p-values.
/// Throws also for other values and for lengths that differ.
SelectionBound false_discovery_bound(Values p_values, std::span<const std::uint8_t> selected, double delta);

}  // namespace oddity::metrics
