#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "oddity/metrics/confusion.h"
#include "oddity/metrics/values.h"

/// Decisions on parts: a part is rejected when score > threshold, as by the engine and conformal.h. Points of a
/// Ranking's curves flag when score >= threshold: std::nextafter(threshold, -infinity) decides the same here. In the
/// tables class 0 is good or accepted, 1 a defect or rejected. `scores` are n > 0 finite real numbers, larger is more
/// anomalous; `labels[i]` is 1 for a defect; `weights` are none (empty) or one for each part, 0 or in [1e-100, 1e100],
/// not all 0. Other input throws std::invalid_argument. A class may be empty: its rates say so.
namespace oddity::metrics {

/// The threshold may be infinite, not NaN.
Confusion confusion_at_threshold(Values scores, std::span<const std::uint8_t> labels, double threshold,
                                 Values weights = {});
/// One table for each group (camera, lot, shift), by rising group. `groups` is [n].
std::vector<GroupConfusion> confusion_at_threshold_by_group(Values scores, std::span<const std::uint8_t> labels,
                                                            std::span<const std::int64_t> groups, double threshold,
                                                            Values weights = {});

/// A table of two classes in words. The last four rates hold for a line with the sample's share of defects; for another
/// share see precision_at_prevalence (ranking.h).
struct Inspection {
  std::uint64_t true_accept = 0, escape = 0, overkill = 0, true_reject = 0;
  Confusion::Rate escape_rate;    ///< escape / defects; small is good; 1 - escape_rate is the recall of defects
  Confusion::Rate overkill_rate;  ///< overkill / good; small is good
  Confusion::Rate defects_among_accepted;  ///< escape / accepted: what the customer sees; small is good
  Confusion::Rate defects_among_rejected;  ///< true_reject / rejected: the precision of a rejection; large is good
  Confusion::Rate f1;                      ///< of the defects; large is good
  Confusion::Rate accuracy;                ///< large is good
};
Inspection inspection(const Confusion& two_classes, double confidence = 0.95);

}  // namespace oddity::metrics
