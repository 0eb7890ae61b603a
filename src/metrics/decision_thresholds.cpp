#include "oddity/metrics/decision_thresholds.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "metrics/check.h"
#include "metrics/cost_checks.h"
#include "metrics/score_runs.h"

namespace oddity::metrics {
namespace {

using detail::refuse;

constexpr double kInfinity = std::numeric_limits<double>::infinity();

}  // namespace

LineRates rates_at(Values scores, std::span<const std::uint8_t> labels, Thresholds thresholds,
                   std::optional<double> prevalence) {
  constexpr const char* function = "rates_at";
  detail::require_same_length(function, "scores", scores.size(), "labels", labels.size());
  detail::require_not_empty(function, "scores", scores.size());
  detail::require_finite(function, "scores", scores);
  if (!(thresholds.lower <= thresholds.upper)) {  // also NaN
    refuse(function, "thresholds must ascend; got lower = ", thresholds.lower, ", upper = ", thresholds.upper);
  }
  detail::require_binary_labels(function, labels);
  std::uint64_t accepted[2] = {}, asked[2] = {}, all[2] = {};
  scores.visit([&](auto span) {
    for (std::size_t i = 0; i < span.size(); ++i) {
      const double score = double(span[i]);
      ++all[labels[i]];
      accepted[labels[i]] += score <= thresholds.lower;
      asked[labels[i]] += score > thresholds.lower && score <= thresholds.upper;
    }
  });
  if (all[0] == 0 || all[1] == 0) {
    refuse(function, "labels must hold good parts and defects; got ", all[0], " good and ", all[1], " defective parts");
  }
  if (prevalence) {
    detail::require_open_unit(function, "prevalence", *prevalence);
  }
  const double n_good = double(all[0]), n_defect = double(all[1]);
  LineRates rates;
  rates.prevalence = prevalence ? *prevalence : n_defect / (n_defect + n_good);
  rates.accepted_defects = double(accepted[1]) / n_defect;
  rates.asked_defects = double(asked[1]) / n_defect;
  rates.rejected_good = double(all[0] - accepted[0] - asked[0]) / n_good;
  rates.asked_good = double(asked[0]) / n_good;
  return rates;
}

Thresholds best_thresholds(Values scores, std::span<const std::uint8_t> labels, const CostModel& model, Actions actions,
                           std::optional<double> prevalence) {
  constexpr const char* function = "best_thresholds";
  detail::require_cost_model(function, model);
  const detail::ScoreRuns runs = detail::with_good_merged(detail::score_runs(function, scores, labels));
  const double share = detail::prevalence_or(function, prevalence, runs);
  return detail::thresholds_at(runs,
                               detail::cheapest_cuts(runs.defects, runs.good, model, share, actions, runs.n_defect));
}

std::vector<ThresholdCost> cost_by_threshold(Values scores, std::span<const std::uint8_t> labels,
                                             const CostModel& model, std::optional<double> prevalence,
                                             std::size_t at_most) {
  constexpr const char* function = "cost_by_threshold";
  detail::require_cost_model(function, model);
  const detail::ScoreRuns runs = detail::score_runs(function, scores, labels);
  LineRates rates;
  rates.prevalence = detail::prevalence_or(function, prevalence, runs);
  const std::size_t rows = runs.defects.size() + 1;
  const std::size_t kept = at_most == 0 ? rows : std::min(rows, std::max<std::size_t>(at_most, 2));
  std::vector<ThresholdCost> result;
  result.reserve(kept);
  std::uint64_t defects_above = 0, good_above = 0;
  for (std::size_t row = 0; row < rows; ++row) {
    if (row > 0) {
      defects_above += runs.defects[row - 1];
      good_above += runs.good[row - 1];
    }
    // Row i of the kept ones is row floor(i (rows - 1) / (kept - 1)) of all.
    if (row < result.size() * (rows - 1) / (kept - 1)) {
      continue;
    }
    rates.accepted_defects = double(runs.n_defect - defects_above) / double(runs.n_defect);
    rates.rejected_good = double(good_above) / double(runs.n_good);
    result.push_back({row == 0 ? kInfinity : runs.below[row - 1], rates.accepted_defects, rates.rejected_good,
                      line_cost(model, rates).total});
  }
  return result;
}

}  // namespace oddity::metrics
