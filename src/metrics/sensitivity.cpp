#include "oddity/metrics/sensitivity.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "metrics/check.h"
#include "metrics/cost_checks.h"
#include "metrics/score_runs.h"

namespace oddity::metrics {
namespace {

using detail::refuse;

constexpr std::array<const char*, kCostParameters> kNames{
    "check_ratio",     "check_detection",   "cost_recalled_escape", "cost_undetected_escape",
    "cost_rework",     "cost_overkill",     "cost_operator",        "cost_inspection",
    "operator_escape", "operator_overkill", "cost_fixed",           "prevalence"};

void require_parameter(const char* function, CostParameter parameter) {
  if (std::size_t(parameter) >= kCostParameters) {
    refuse(function, "parameter is not known; got ", int(parameter), "; expected 0 to ", kCostParameters - 1);
  }
}

/// The number that a parameter names.
double& number_of(CostModel& model, double& prevalence, CostParameter parameter) {
  switch (parameter) {
    case CostParameter::check_ratio:
      return model.check_ratio;
    case CostParameter::check_detection:
      return model.check_detection;
    case CostParameter::cost_recalled_escape:
      return model.cost_recalled_escape;
    case CostParameter::cost_undetected_escape:
      return model.cost_undetected_escape;
    case CostParameter::cost_rework:
      return model.cost_rework;
    case CostParameter::cost_overkill:
      return model.cost_overkill;
    case CostParameter::cost_operator:
      return model.cost_operator;
    case CostParameter::cost_inspection:
      return model.cost_inspection;
    case CostParameter::operator_escape:
      return model.operator_escape;
    case CostParameter::operator_overkill:
      return model.operator_overkill;
    case CostParameter::cost_fixed:
      return model.cost_fixed;
    case CostParameter::prevalence:
      break;
  }
  return prevalence;
}

bool is_cost(CostParameter parameter) {
  return parameter == CostParameter::cost_fixed ||
         (parameter >= CostParameter::cost_recalled_escape && parameter <= CostParameter::cost_inspection);
}

/// `cost_of(model, prevalence)` is the cost of the line.
template <class CostOf>
std::vector<TornadoBar> bars_of(const char* function, const CostModel& model, double prevalence,
                                std::span<const ParameterRange> ranges, CostOf cost_of) {
  if (ranges.empty()) {
    refuse(function, "ranges are empty; expected at least one");
  }
  std::vector<TornadoBar> bars;
  for (const ParameterRange& range : ranges) {
    require_parameter(function, range.parameter);
    const char* name = parameter_name(range.parameter);
    if (!(range.low <= range.high)) {
      refuse(function, "the range of ", name, " must ascend; got ", range.low, " to ", range.high);
    }
    const double top = is_cost(range.parameter) ? 1e100 : 1;
    if (!(range.low >= 0 && range.high <= top)) {
      refuse(function, "the range of ", name, " is out of range; got ", range.low, " to ", range.high, "; expected ",
             is_cost(range.parameter) ? "costs in [0, 1e100]" : "values in [0, 1]");
    }
    TornadoBar bar{range.parameter, range.low, range.high};
    const auto at = [&](double value, double& cost, double& benefit) {
      CostModel changed = model;
      double share = prevalence;
      number_of(changed, share, range.parameter) = value;
      cost = cost_of(changed, share);
      benefit = baseline_costs(changed, share).operator_only - cost;
    };
    at(range.low, bar.cost_low, bar.benefit_low);
    at(range.high, bar.cost_high, bar.benefit_high);
    bar.swing = std::abs(bar.cost_high - bar.cost_low);
    bars.push_back(bar);
  }
  std::stable_sort(bars.begin(), bars.end(), [](const auto& a, const auto& b) { return a.swing > b.swing; });
  return bars;
}

}  // namespace

const char* parameter_name(CostParameter parameter) {
  require_parameter("parameter_name", parameter);
  return kNames[std::size_t(parameter)];
}

std::array<double, kCostParameters> cost_gradient(const CostModel& model, const LineRates& rates) {
  detail::require_cost_model("cost_gradient", model);
  detail::require_line_rates("cost_gradient", rates);
  const LineCost line = line_cost(model, rates);
  const double defective = rates.prevalence, good = 1 - rates.prevalence;
  const double found = model.check_ratio * model.check_detection, check = model.check_ratio * model.cost_inspection;
  const double escapes = defective * line.escape, missed = model.cost_undetected_escape - model.cost_recalled_escape;
  const double escape = escape_cost(model);
  return {line.accepted * model.cost_inspection - escapes * model.check_detection * missed,
          -escapes * model.check_ratio * missed,
          escapes * found,
          escapes * (1 - found),
          defective * (1 - line.escape),
          good * line.overkill,
          line.asked,
          model.check_ratio * line.accepted,
          defective * rates.asked_defects * (escape + check - model.cost_rework),
          good * rates.asked_good * (model.cost_overkill - check),
          1,
          (rates.asked_defects - rates.asked_good) * model.cost_operator + line.escape * escape +
              (1 - line.escape) * model.cost_rework - line.overkill * model.cost_overkill +
              check * (line.escape - (1 - line.overkill))};
}

std::vector<TornadoBar> tornado(const CostModel& model, const LineRates& rates,
                                std::span<const ParameterRange> ranges) {
  detail::require_cost_model("tornado", model);
  detail::require_line_rates("tornado", rates);
  return bars_of("tornado", model, rates.prevalence, ranges, [&](const CostModel& changed, double prevalence) {
    LineRates at = rates;
    at.prevalence = prevalence;
    return line_cost(changed, at).total;
  });
}

std::vector<TornadoBar> tornado(Values scores, std::span<const std::uint8_t> labels, const CostModel& model,
                                Actions actions, std::span<const ParameterRange> ranges,
                                std::optional<double> prevalence) {
  detail::require_cost_model("tornado", model);
  const detail::ScoreRuns runs = detail::with_good_merged(detail::score_runs("tornado", scores, labels));
  const double share = detail::prevalence_or("tornado", prevalence, runs);
  return bars_of("tornado", model, share, ranges, [&](const CostModel& changed, double at) {
    const detail::Cuts cuts = detail::cheapest_cuts(runs.defects, runs.good, changed, at, actions, runs.n_defect);
    return line_cost(changed, detail::rates_of(runs.defects, runs.good, cuts, at)).total;
  });
}

BreakEven break_even(const CostModel& model, const LineRates& rates, CostParameter parameter) {
  constexpr const char* function = "break_even";
  require_parameter(function, parameter);
  detail::require_cost_model(function, model);
  detail::require_line_rates(function, rates);
  double size = 0;  // of the costs that are subtracted
  const auto benefit_at = [&](double value) {
    CostModel changed = model;
    LineRates at = rates;
    number_of(changed, at.prevalence, parameter) = value;
    const double operator_only = baseline_costs(changed, at.prevalence).operator_only;
    const double line = line_cost(changed, at).total;
    size = std::max(size, operator_only + line);
    return operator_only - line;
  };
  CostModel copy = model;
  double share = rates.prevalence;
  const double current = number_of(copy, share, parameter);
  // Two far points of the straight line: the ends of the range, or 0 and a cost of the size of the others.
  const double far =
      is_cost(parameter) ? std::max({1.0, current, model.cost_undetected_escape, model.cost_overkill}) : 1;
  const double at_zero = benefit_at(0), at_far = benefit_at(far);
  BreakEven result{parameter};
  result.benefit = benefit_at(current);
  // A difference within rounding is none: its root would be a number without meaning.
  result.slope = std::abs(at_far - at_zero) <= 1e-14 * size ? 0 : (at_far - at_zero) / far;
  result.value = std::numeric_limits<double>::quiet_NaN();
  const double root = (0 - at_zero) / result.slope;  // 0, not -0, without a benefit at 0
  result.exists = result.slope != 0 && root >= 0 && root <= (is_cost(parameter) ? 1e100 : 1);
  if (result.exists) {
    result.value = root;
  }
  result.better_above = result.exists ? result.slope > 0 : result.benefit > 0;
  return result;
}

}  // namespace oddity::metrics
