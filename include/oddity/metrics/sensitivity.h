#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "oddity/metrics/cost_model.h"
#include "oddity/metrics/decision_thresholds.h"
#include "oddity/metrics/values.h"

/// How much the cost of a line hangs on each number that was put into it. All functions throw std::invalid_argument as
/// line_cost does.
namespace oddity::metrics {

/// The fields of CostModel in their order, then the prevalence.
enum class CostParameter : std::uint8_t {
  check_ratio,
  check_detection,
  cost_recalled_escape,
  cost_undetected_escape,
  cost_rework,
  cost_overkill,
  cost_operator,
  cost_inspection,
  operator_escape,
  operator_overkill,
  cost_fixed,
  prevalence
};
inline constexpr std::size_t kCostParameters = 12;

const char* parameter_name(CostParameter parameter);

/// d line_cost.total / d parameter while the decisions stay as they are, in the order of CostParameter. Exact: the cost
/// is linear in each parameter alone.
std::array<double, kCostParameters> cost_gradient(const CostModel& model, const LineRates& rates);

struct ParameterRange {
  CostParameter parameter;
  double low = 0, high = 0;  ///< within the parameter's range, low <= high
};

/// One bar of a tornado chart: the cost per part with one parameter at its low and at its high end, all others as
/// given.
struct TornadoBar {
  CostParameter parameter;
  double low = 0, high = 0;
  double cost_low = 0, cost_high = 0;        ///< cost of the line
  double benefit_low = 0, benefit_high = 0;  ///< cost of the operator alone less that of the line; large is good
  double swing = 0;                          ///< |cost_high - cost_low|
};

/// Decisions stay as they are. The bars by falling swing; of equal swing in the given order. Throws for no range, an
/// end that is NaN or out of the parameter's range, or low > high.
std::vector<TornadoBar> tornado(const CostModel& model, const LineRates& rates, std::span<const ParameterRange> ranges);

/// The thresholds are chosen anew at each end (best_thresholds): what is lost when a parameter changes and everybody
/// adapts. Arguments as best_thresholds.
std::vector<TornadoBar> tornado(Values scores, std::span<const std::uint8_t> labels, const CostModel& model,
                                Actions actions, std::span<const ParameterRange> ranges,
                                std::optional<double> prevalence = {});

/// The value of one parameter at which the line costs as much as the operator alone.
struct BreakEven {
  CostParameter parameter;
  bool exists = false;  ///< a value in the parameter's range, where benefit changes sign
  double value = 0;     ///< NaN when it does not exist
  bool better_above =
      false;  ///< the line is the cheaper one above `value`, else below; where none exists: everywhere, else nowhere
  double benefit = 0;  ///< cost of the operator alone less that of the line, at the given parameters
  double slope = 0;    ///< d benefit / d parameter, constant
};
/// Decisions stay as they are, so benefit is linear in the parameter and its root is exact. cost_fixed is the line's
/// alone; check_ratio, prevalence and the costs apply to both.
BreakEven break_even(const CostModel& model, const LineRates& rates, CostParameter parameter);

}  // namespace oddity::metrics
