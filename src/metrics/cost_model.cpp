#include "oddity/metrics/cost_model.h"

#include <algorithm>
#include <limits>

#include "metrics/check.h"
#include "metrics/cost_checks.h"

namespace oddity::metrics {
namespace {

using detail::refuse;

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

/// What an error costs above the right decision: D and G of the header.
struct ErrorCosts {
  double escape, overkill;
};

ErrorCosts error_costs(const CostModel& model) {
  const double check = model.check_ratio * model.cost_inspection;
  return {escape_cost(model) + check - model.cost_rework, model.cost_overkill - check};
}

}  // namespace

namespace detail {

void require_cost_model(const char* function, const CostModel& model) {
  const auto require_cost = [&](const char* name, double cost) {
    if (!(cost >= 0 && cost <= 1e100)) {  // sums and products of larger ones would overflow
      refuse(function, name, " is out of range; got ", cost, "; expected a cost in [0, 1e100]");
    }
  };
  require_unit(function, "check_ratio", model.check_ratio);
  require_unit(function, "check_detection", model.check_detection);
  require_cost("cost_recalled_escape", model.cost_recalled_escape);
  require_cost("cost_undetected_escape", model.cost_undetected_escape);
  require_cost("cost_rework", model.cost_rework);
  require_cost("cost_overkill", model.cost_overkill);
  require_cost("cost_operator", model.cost_operator);
  require_cost("cost_inspection", model.cost_inspection);
  require_unit(function, "operator_escape", model.operator_escape);
  require_unit(function, "operator_overkill", model.operator_overkill);
  require_cost("cost_fixed", model.cost_fixed);
}

void require_right_way_round(const char* function, const CostModel& model) {
  const auto [D, G] = error_costs(model);
  if (D < 0 && G < 0) {
    refuse(function, "model turns decisions around; got an escape that is ", -D,
           " cheaper than rework and an overkill ", "that is ", -G,
           " cheaper than acceptance; expected at least one error that costs something");
  }
}

void require_line_rates(const char* function, const LineRates& rates) {
  require_unit(function, "prevalence", rates.prevalence);
  require_unit(function, "accepted_defects", rates.accepted_defects);
  require_unit(function, "asked_defects", rates.asked_defects);
  require_unit(function, "rejected_good", rates.rejected_good);
  require_unit(function, "asked_good", rates.asked_good);
  constexpr double rounding = 1e-9;
  if (rates.accepted_defects + rates.asked_defects > 1 + rounding) {
    refuse(function, "accepted_defects and asked_defects must not sum to more than 1; got ", rates.accepted_defects,
           " and ", rates.asked_defects);
  }
  if (rates.rejected_good + rates.asked_good > 1 + rounding) {
    refuse(function, "rejected_good and asked_good must not sum to more than 1; got ", rates.rejected_good, " and ",
           rates.asked_good);
  }
}

}  // namespace detail

double escape_cost(const CostModel& model) {
  detail::require_cost_model("escape_cost", model);
  const double found = model.check_ratio * model.check_detection;
  return found * model.cost_recalled_escape + (1 - found) * model.cost_undetected_escape;
}

ActionCosts action_costs(const CostModel& model, double probability) {
  detail::require_cost_model("action_costs", model);
  detail::require_unit("action_costs", "probability", probability);
  const double p = probability, e = model.operator_escape, o = model.operator_overkill;
  const double check = model.check_ratio * model.cost_inspection, escape = escape_cost(model) + check;
  ActionCosts costs;
  costs.accept = p * escape + (1 - p) * check;
  costs.ask = model.cost_operator + p * (e * escape + (1 - e) * model.cost_rework) +
              (1 - p) * (o * model.cost_overkill + (1 - o) * check);
  costs.reject = p * model.cost_rework + (1 - p) * model.cost_overkill;
  return costs;
}

ProbabilityThresholds probability_thresholds(const CostModel& model) {
  constexpr const char* function = "probability_thresholds";
  detail::require_cost_model(function, model);
  detail::require_right_way_round(function, model);
  const auto [D, G] = error_costs(model);
  ProbabilityThresholds result;
  if (D < 0 || (D == 0 && G == 0)) {
    result.two_way = std::numeric_limits<double>::infinity();
  } else {
    result.two_way = G < 0 ? 0 : G / (G + D);
  }
  result.ask = result.reject = result.two_way;
  if (!(D > 0 && G > 0)) {
    return result;
  }
  const double e = model.operator_escape, o = model.operator_overkill;
  result.largest_operator_cost = std::max(0.0, (1 - e - o) * (D * (G / (D + G))));
  if (model.cost_operator < result.largest_operator_cost) {
    const double ask = (model.cost_operator + o * G) / ((1 - e) * D + o * G);
    const double reject = ((1 - o) * G - model.cost_operator) / ((1 - o) * G + e * D);
    if (ask < reject) {  // rounding may disagree with the test above when they are about equal
      result.ask = ask;
      result.reject = reject;
      result.ask_pays = true;
    }
  }
  return result;
}

LineCost line_cost(const CostModel& model, const LineRates& rates) {
  detail::require_cost_model("line_cost", model);
  detail::require_line_rates("line_cost", rates);
  const double defective = rates.prevalence, good = 1 - rates.prevalence;
  const double found = model.check_ratio * model.check_detection;
  LineCost cost;
  cost.escape = std::min(1.0, rates.accepted_defects + rates.asked_defects * model.operator_escape);
  cost.overkill = std::min(1.0, rates.rejected_good + rates.asked_good * model.operator_overkill);
  cost.asked = defective * rates.asked_defects + good * rates.asked_good;
  const double escapes = defective * cost.escape;
  cost.accepted = escapes + good * (1 - cost.overkill);
  cost.fixed = model.cost_fixed;
  cost.operation = model.cost_operator * cost.asked;
  cost.inspection = model.check_ratio * model.cost_inspection * cost.accepted;
  cost.recalled_escapes = escapes * found * model.cost_recalled_escape;
  cost.undetected_escapes = escapes * (1 - found) * model.cost_undetected_escape;
  cost.rework = defective * (1 - cost.escape) * model.cost_rework;
  cost.overkill_parts = good * cost.overkill * model.cost_overkill;
  cost.total = cost.fixed + cost.operation + cost.inspection + cost.recalled_escapes + cost.undetected_escapes +
               cost.rework + cost.overkill_parts;
  cost.escape_ppm = cost.accepted > 0 ? 1e6 * (escapes / cost.accepted) : kNaN;
  cost.undetected_escape_ppm = cost.escape_ppm * (1 - found);
  return cost;
}

BaselineCosts baseline_costs(const CostModel& model, double prevalence) {
  detail::require_cost_model("baseline_costs", model);
  detail::require_unit("baseline_costs", "prevalence", prevalence);
  const ActionCosts costs = action_costs(model, prevalence);
  return {costs.ask, costs.accept, costs.reject};
}

CheckRatio optimal_check_ratio(const CostModel& model, const LineRates& rates, double floor) {
  constexpr const char* function = "optimal_check_ratio";
  detail::require_cost_model(function, model);
  detail::require_line_rates(function, rates);
  detail::require_unit(function, "floor", floor);
  const LineCost now = line_cost(model, rates);
  const double saved = model.check_detection * (model.cost_undetected_escape - model.cost_recalled_escape);
  const double escapes = rates.prevalence * now.escape;
  CheckRatio result;
  result.slope = now.accepted * model.cost_inspection - escapes * saved;
  result.largest_inspection_cost = now.accepted > 0 ? escapes / now.accepted * saved : kNaN;
  result.ratio = result.slope < 0 ? 1 : floor;
  CostModel best = model;
  best.check_ratio = result.ratio;
  result.cost = line_cost(best, rates);
  return result;
}

}  // namespace oddity::metrics
