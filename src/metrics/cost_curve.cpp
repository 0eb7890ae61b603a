#include "oddity/metrics/cost_curve.h"

#include <algorithm>
#include <limits>

#include "metrics/check.h"
#include "metrics/cost_checks.h"
#include "metrics/score_runs.h"

namespace oddity::metrics {
namespace {

__extension__ typedef __int128 Product;

/// Parts above a cut of the sorted scores.
struct Corner {
  std::size_t cut;
  std::int64_t good, defects;
};

/// Whether b lies on or below the straight line from a to c in the ROC plane.
bool is_hidden(const Corner& a, const Corner& b, const Corner& c) {
  return Product(b.good - a.good) * (c.defects - a.defects) >= Product(b.defects - a.defects) * (c.good - a.good);
}

}  // namespace

double probability_cost(const CostModel& model, double prevalence) {
  constexpr const char* function = "probability_cost";
  detail::require_cost_model(function, model);
  detail::require_unit(function, "prevalence", prevalence);
  const ActionCosts of_defect = action_costs(model, 1), of_good = action_costs(model, 0);
  const double escape = of_defect.accept - of_defect.reject, overkill = of_good.reject - of_good.accept;
  const double scale = prevalence * escape + (1 - prevalence) * overkill;
  if (!(escape >= 0 && overkill >= 0 && scale > 0)) {
    detail::refuse(function, "errors must not be cheaper than right decisions; got an escape that costs ", escape,
                   " and an overkill that costs ", overkill, " more, at prevalence ", prevalence);
  }
  return prevalence * escape / scale;
}

CostCurve cost_curve(Values scores, std::span<const std::uint8_t> labels) {
  const detail::ScoreRuns runs = detail::with_good_merged(detail::score_runs("cost_curve", scores, labels));
  std::vector<Corner> hull;
  Corner corner{0, 0, 0};
  for (; corner.cut <= runs.defects.size(); ++corner.cut) {
    if (corner.cut > 0) {
      corner.good += runs.good[corner.cut - 1];
      corner.defects += runs.defects[corner.cut - 1];
    }
    while (hull.size() > 1 && is_hidden(hull[hull.size() - 2], hull.back(), corner)) {
      hull.pop_back();
    }
    hull.push_back(corner);
  }

  CostCurve curve;
  curve.n_defect = runs.n_defect;
  curve.n_good = runs.n_good;
  const double n_defect = double(runs.n_defect), n_good = double(runs.n_good);
  curve.probability_cost.push_back(0);
  curve.cost.push_back(0);
  for (std::size_t i = 0; i < hull.size(); ++i) {
    CostLine line;
    line.threshold = detail::thresholds_at(runs, {hull[i].cut, hull[i].cut}).upper;
    line.escape = (n_defect - double(hull[i].defects)) / n_defect;
    line.overkill = double(hull[i].good) / n_good;
    line.first = curve.probability_cost.back();
    if (i + 1 < hull.size()) {
      const double good = double(hull[i + 1].good - hull[i].good) / n_good;
      const double defects = double(hull[i + 1].defects - hull[i].defects) / n_defect;
      line.last = good / (good + defects);
    }
    const double cost = line.escape * line.last + line.overkill * (1 - line.last);
    curve.area += 0.5 * (line.last - line.first) * (curve.cost.back() + cost);
    curve.probability_cost.push_back(line.last);
    curve.cost.push_back(i + 1 < hull.size() ? cost : 0);
    curve.lines.push_back(line);
  }
  return curve;
}

double normalized_cost(const CostCurve& curve, double x) {
  detail::require_unit("normalized_cost", "probability_cost", x);
  detail::require_not_empty("normalized_cost", "curve", curve.lines.size());
  const auto line = std::partition_point(curve.lines.begin(), curve.lines.end() - 1,
                                         [&](const CostLine& candidate) { return candidate.last < x; });
  return line->escape * x + line->overkill * (1 - x);
}

}  // namespace oddity::metrics
