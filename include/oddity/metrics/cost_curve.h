#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "oddity/metrics/cost_model.h"
#include "oddity/metrics/values.h"

/// Cost curves (Drummond and Holte 2006): how good a ranking is at every prevalence and every ratio of costs at once,
/// where a ROC curve leaves the reader to guess the slope. All functions throw std::invalid_argument as
/// decision_thresholds.h says.
namespace oddity::metrics {

/// x = p D / (p D + (1 - p) G) in [0, 1], with the prevalence p and what an escape costs above rework (D) and an
/// overkill above an acceptance (G) as in probability_thresholds. D and G must not be negative and not both zero in
/// sum.
double probability_cost(const CostModel& model, double prevalence);

/// A threshold on the lower envelope: its normalised expected cost is escape x + overkill (1 - x), the least of all
/// thresholds for x from `first` to `last`. (overkill, 1 - escape) is a vertex of the convex hull of the ROC curve.
struct CostLine {
  double threshold = 0;  ///< reject when score > threshold; +infinity first, just below all scores last
  double escape = 0, overkill = 0;
  double first = 0, last = 1;
};

struct CostCurve {
  std::vector<CostLine> lines;  ///< by rising x: from accepting all (escape 1) to rejecting all (overkill 1)
  /// Corners of the envelope, from x = 0 to 1: linear in between, 0 at both ends.
  std::vector<double> probability_cost, cost;
  /// Under the envelope: mean normalised cost when every x is as likely. In [0, 1/4], small is good; accepting or
  /// rejecting everything, whichever is cheaper, has 1/4.
  double area = 0;
  std::size_t n_good = 0, n_defect = 0;
};

/// Scores and labels as in decision_thresholds.h. O(n) after one sort; the hull is exact (integer cross products).
/// There is no interval: the envelope chooses its threshold at each x, which makes it look better than it is;
/// optimal_thresholds says by how much at one x.
CostCurve cost_curve(Values scores, std::span<const std::uint8_t> labels);

/// The envelope at x in [0, 1].
double normalized_cost(const CostCurve& curve, double probability_cost);

}  // namespace oddity::metrics
