#include <array>

#include "metrics/areas.h"
#include "metrics/arguments.h"
#include "oddity/metrics/cost_curve.h"
#include "oddity/metrics/cost_model.h"
#include "oddity/metrics/decision_thresholds.h"
#include "oddity/metrics/selective.h"
#include "oddity/metrics/sensitivity.h"

namespace oddity::python {
namespace {

using namespace py::literals;
using metrics::Actions;
using metrics::CostModel;
using metrics::CostParameter;
using metrics::LineRates;

/// The fields of CostModel, and of LineRates, in their order.
using ModelNumbers = std::array<double, 11>;
using RateNumbers = std::array<double, 5>;
using Pair = std::pair<double, double>;
using Measured = std::optional<std::pair<std::uint64_t, std::uint64_t>>;
using Ranges = std::vector<std::tuple<std::string, double, double>>;

CostModel model_of(const ModelNumbers& n) {
  return {n[0], n[1], n[2], n[3], n[4], n[5], n[6], n[7], n[8], n[9], n[10]};
}

LineRates rates_of(const RateNumbers& n) { return {n[0], n[1], n[2], n[3], n[4]}; }

Actions actions_of(const char* function, const std::string& word) {
  return choice<Actions>(function, "actions", word, {{"two_way", Actions::two_way}, {"three_way", Actions::three_way}});
}

CostParameter parameter_of(const char* function, const std::string& word) {
  std::string known;
  for (std::size_t p = 0; p < metrics::kCostParameters; ++p) {
    const char* name = metrics::parameter_name(CostParameter(p));
    if (word == name) {
      return CostParameter(p);
    }
    known += (p > 0 ? "', '" : "'") + std::string(name);
  }
  throw py::value_error("[metrics." + std::string(function) + "] parameter is not known; got '" + word +
                        "'; expected one of " + known + "'");
}

std::vector<metrics::ParameterRange> ranges_of(const Ranges& ranges) {
  std::vector<metrics::ParameterRange> result;
  for (const auto& [name, low, high] : ranges) {
    result.push_back({parameter_of("tornado", name), low, high});
  }
  return result;
}

metrics::MeasuredRate measured_of(const Measured& rate) {
  return rate ? metrics::MeasuredRate{rate->first, rate->second} : metrics::MeasuredRate{};
}

Pair pair_of(const metrics::Interval& interval) { return {interval.low, interval.high}; }

py::dict fields(const metrics::ActionCosts& costs) {
  return py::dict("accept"_a = costs.accept, "ask"_a = costs.ask, "reject"_a = costs.reject);
}

py::dict fields(const LineRates& rates) {
  return py::dict("prevalence"_a = rates.prevalence, "accepted_defects"_a = rates.accepted_defects,
                  "asked_defects"_a = rates.asked_defects, "rejected_good"_a = rates.rejected_good,
                  "asked_good"_a = rates.asked_good);
}

py::dict fields(const metrics::LineCost& cost) {
  return py::dict("total"_a = cost.total, "fixed"_a = cost.fixed, "operation"_a = cost.operation,
                  "inspection"_a = cost.inspection, "recalled_escapes"_a = cost.recalled_escapes,
                  "undetected_escapes"_a = cost.undetected_escapes, "rework"_a = cost.rework,
                  "overkill_parts"_a = cost.overkill_parts, "escape"_a = cost.escape, "overkill"_a = cost.overkill,
                  "asked"_a = cost.asked, "accepted"_a = cost.accepted, "escape_ppm"_a = cost.escape_ppm,
                  "undetected_escape_ppm"_a = cost.undetected_escape_ppm);
}

py::dict fields(const metrics::BaselineCosts& costs) {
  return py::dict("operator_only"_a = costs.operator_only, "accept_all"_a = costs.accept_all,
                  "reject_all"_a = costs.reject_all);
}

py::dict fields(const metrics::CostEstimate& estimate) {
  return py::dict("value"_a = estimate.value, "corrected"_a = estimate.corrected, "low"_a = estimate.low,
                  "high"_a = estimate.high);
}

py::dict fields(const CostModel& model) {
  return py::dict("check_ratio"_a = model.check_ratio, "check_detection"_a = model.check_detection,
                  "cost_recalled_escape"_a = model.cost_recalled_escape,
                  "cost_undetected_escape"_a = model.cost_undetected_escape, "cost_rework"_a = model.cost_rework,
                  "cost_overkill"_a = model.cost_overkill, "cost_operator"_a = model.cost_operator,
                  "cost_inspection"_a = model.cost_inspection, "operator_escape"_a = model.operator_escape,
                  "operator_overkill"_a = model.operator_overkill, "cost_fixed"_a = model.cost_fixed);
}

py::list fields(const std::vector<metrics::TornadoBar>& bars) {
  py::list result;
  for (const metrics::TornadoBar& bar : bars) {
    result.append(py::dict("parameter"_a = metrics::parameter_name(bar.parameter), "low"_a = bar.low,
                           "high"_a = bar.high, "cost_low"_a = bar.cost_low, "cost_high"_a = bar.cost_high,
                           "benefit_low"_a = bar.benefit_low, "benefit_high"_a = bar.benefit_high,
                           "swing"_a = bar.swing));
  }
  return result;
}

py::dict fields(const metrics::SelectiveEstimate& estimate) {
  return py::dict("value"_a = estimate.value, "standard_error"_a = estimate.standard_error, "low"_a = estimate.low,
                  "high"_a = estimate.high);
}

/// One column of a list of structs.
template <class Row>
py::array_t<double> column(const std::vector<Row>& rows, double Row::*field) {
  std::vector<double> values(rows.size());
  for (std::size_t i = 0; i < rows.size(); ++i) {
    values[i] = rows[i].*field;
  }
  return to_numpy(std::move(values));
}

void bind_cost_model(py::module_& m) {
  m.def("escape_cost", [](const ModelNumbers& model) { return metrics::escape_cost(model_of(model)); });
  m.def("action_costs", [](const ModelNumbers& model, double probability) {
    return fields(metrics::action_costs(model_of(model), probability));
  });
  m.def("probability_thresholds", [](const ModelNumbers& model) {
    const auto at = metrics::probability_thresholds(model_of(model));
    return py::dict("two_way"_a = at.two_way, "ask"_a = at.ask, "reject"_a = at.reject, "ask_pays"_a = at.ask_pays,
                    "largest_operator_cost"_a = at.largest_operator_cost);
  });
  m.def("line_cost", [](const ModelNumbers& model, const RateNumbers& rates) {
    return fields(metrics::line_cost(model_of(model), rates_of(rates)));
  });
  m.def("baseline_costs", [](const ModelNumbers& model, double prevalence) {
    return fields(metrics::baseline_costs(model_of(model), prevalence));
  });
  m.def("optimal_check_ratio", [](const ModelNumbers& model, const RateNumbers& rates, double floor) {
    const auto best = metrics::optimal_check_ratio(model_of(model), rates_of(rates), floor);
    return py::dict("ratio"_a = best.ratio, "slope"_a = best.slope,
                    "largest_inspection_cost"_a = best.largest_inspection_cost, "cost"_a = fields(best.cost));
  });
  m.def("cost_gradient", [](const ModelNumbers& model, const RateNumbers& rates) {
    const auto gradient = metrics::cost_gradient(model_of(model), rates_of(rates));
    py::dict result;
    for (std::size_t p = 0; p < gradient.size(); ++p) {
      result[metrics::parameter_name(CostParameter(p))] = gradient[p];
    }
    return result;
  });
  m.def("tornado", [](const ModelNumbers& model, const RateNumbers& rates, const Ranges& ranges) {
    return fields(metrics::tornado(model_of(model), rates_of(rates), ranges_of(ranges)));
  });
  m.def("tornado_of_best", [](const ArrayLike& scores, const ArrayLike& labels, const ModelNumbers& model,
                              const std::string& actions, const Ranges& ranges, std::optional<double> prevalence) {
    Arguments arguments("tornado");
    const auto of_scores = arguments.values("scores", scores);
    const auto of_labels = arguments.labels("labels", labels);
    const Actions chosen = actions_of("tornado", actions);
    const auto listed = ranges_of(ranges);
    return fields(without_gil(
        [&] { return metrics::tornado(of_scores, of_labels, model_of(model), chosen, listed, prevalence); }));
  });
  m.def("break_even", [](const ModelNumbers& model, const RateNumbers& rates, const std::string& parameter) {
    const auto even = metrics::break_even(model_of(model), rates_of(rates), parameter_of("break_even", parameter));
    return py::dict("parameter"_a = metrics::parameter_name(even.parameter), "exists"_a = even.exists,
                    "value"_a = even.value, "better_above"_a = even.better_above, "benefit"_a = even.benefit,
                    "slope"_a = even.slope);
  });
}

void bind_thresholds(py::module_& m) {
  m.def("rates_at", [](const ArrayLike& scores, const ArrayLike& labels, double lower, double upper,
                       std::optional<double> prevalence) {
    Arguments arguments("rates_at");
    const auto of_scores = arguments.values("scores", scores);
    const auto of_labels = arguments.labels("labels", labels);
    return fields(without_gil([&] { return metrics::rates_at(of_scores, of_labels, {lower, upper}, prevalence); }));
  });
  m.def("best_thresholds", [](const ArrayLike& scores, const ArrayLike& labels, const ModelNumbers& model,
                              const std::string& actions, std::optional<double> prevalence) {
    Arguments arguments("best_thresholds");
    const auto of_scores = arguments.values("scores", scores);
    const auto of_labels = arguments.labels("labels", labels);
    const Actions chosen = actions_of("best_thresholds", actions);
    const metrics::Thresholds best = without_gil(
        [&] { return metrics::best_thresholds(of_scores, of_labels, model_of(model), chosen, prevalence); });
    return Pair{best.lower, best.upper};
  });
  m.def("cost_by_threshold", [](const ArrayLike& scores, const ArrayLike& labels, const ModelNumbers& model,
                                std::optional<double> prevalence, std::size_t at_most) {
    Arguments arguments("cost_by_threshold");
    const auto of_scores = arguments.values("scores", scores);
    const auto of_labels = arguments.labels("labels", labels);
    const auto rows = without_gil(
        [&] { return metrics::cost_by_threshold(of_scores, of_labels, model_of(model), prevalence, at_most); });
    using Row = metrics::ThresholdCost;
    return py::dict("threshold"_a = column(rows, &Row::threshold), "escape"_a = column(rows, &Row::escape),
                    "overkill"_a = column(rows, &Row::overkill), "cost"_a = column(rows, &Row::cost));
  });
  m.def("threshold_interval", [](const ArrayLike& scores, const ArrayLike& labels, double probability,
                                 std::optional<double> prevalence, double confidence) {
    Arguments arguments("threshold_interval");
    const auto of_scores = arguments.values("scores", scores);
    const auto of_labels = arguments.labels("labels", labels);
    return pair_of(without_gil(
        [&] { return metrics::threshold_interval(of_scores, of_labels, probability, prevalence, confidence); }));
  });
  m.def("optimal_thresholds", [](const ArrayLike& scores, const ArrayLike& labels, const ModelNumbers& model,
                                 const OptionalArray& groups, const std::string& actions,
                                 std::optional<double> prevalence, std::optional<double> max_escape,
                                 double escape_confidence, const std::array<Measured, 4>& measured,
                                 std::size_t resamples, double confidence, std::uint64_t seed) {
    Arguments arguments("optimal_thresholds");
    const auto of_scores = arguments.values("scores", scores);
    const auto of_labels = arguments.labels("labels", labels);
    const auto of_groups = arguments.optional_integers("groups", groups);
    metrics::DecisionOptions options;
    options.actions = actions_of("optimal_thresholds", actions);
    options.prevalence = prevalence;
    options.max_escape = max_escape;
    options.escape_confidence = escape_confidence;
    options.measured_prevalence = measured_of(measured[0]);
    options.measured_operator_escape = measured_of(measured[1]);
    options.measured_operator_overkill = measured_of(measured[2]);
    options.measured_check_detection = measured_of(measured[3]);
    options.resamples = resamples;
    options.confidence = confidence;
    options.seed = seed;
    const auto best = without_gil(
        [&] { return metrics::optimal_thresholds(of_scores, of_labels, model_of(model), options, of_groups); });
    return py::dict("model"_a = fields(best.model), "thresholds"_a = Pair{best.thresholds.lower, best.thresholds.upper},
                    "lower_interval"_a = pair_of(best.lower_interval),
                    "upper_interval"_a = pair_of(best.upper_interval), "rates"_a = fields(best.rates),
                    "line"_a = fields(best.line), "baselines"_a = fields(best.baselines), "cost"_a = fields(best.cost),
                    "benefit_over_operator"_a = fields(best.benefit_over_operator),
                    "benefit_over_accept_all"_a = fields(best.benefit_over_accept_all), "optimism"_a = best.optimism,
                    "most_accepted_defects"_a = best.most_accepted_defects, "n_defect"_a = best.n_defect,
                    "n_good"_a = best.n_good, "groups"_a = best.groups, "resamples"_a = best.resamples);
  });
}

void bind_curves(py::module_& m) {
  m.def("probability_cost", [](const ModelNumbers& model, double prevalence) {
    return metrics::probability_cost(model_of(model), prevalence);
  });
  m.def("cost_curve", [](const ArrayLike& scores, const ArrayLike& labels) {
    Arguments arguments("cost_curve");
    const auto of_scores = arguments.values("scores", scores);
    const auto of_labels = arguments.labels("labels", labels);
    metrics::CostCurve curve = without_gil([&] { return metrics::cost_curve(of_scores, of_labels); });
    using Line = metrics::CostLine;
    return py::dict(
        "thresholds"_a = column(curve.lines, &Line::threshold), "escape"_a = column(curve.lines, &Line::escape),
        "overkill"_a = column(curve.lines, &Line::overkill),
        "probability_cost"_a = to_numpy(std::move(curve.probability_cost)), "cost"_a = to_numpy(std::move(curve.cost)),
        "area"_a = curve.area, "n_good"_a = curve.n_good, "n_defect"_a = curve.n_defect);
  });
  m.def("risk_coverage", [](const ArrayLike& certainty, const ArrayLike& losses, double largest_loss,
                            std::size_t at_most) {
    Arguments arguments("risk_coverage");
    const auto of_certainty = arguments.values("certainty", certainty);
    const auto of_losses = arguments.values("losses", losses);
    const auto points =
        without_gil([&] { return metrics::risk_coverage(of_certainty, of_losses, largest_loss, at_most); });
    using Point = metrics::RiskCoveragePoint;
    return py::dict("certainty"_a = column(points, &Point::certainty), "coverage"_a = column(points, &Point::coverage),
                    "selective_risk"_a = column(points, &Point::selective_risk),
                    "generalized_risk"_a = column(points, &Point::generalized_risk));
  });
  m.def("selective_risk", [](const ArrayLike& certainty, const ArrayLike& losses, const OptionalArray& groups,
                             double largest_loss, double confidence) {
    Arguments arguments("selective_risk");
    const auto of_certainty = arguments.values("certainty", certainty);
    const auto of_losses = arguments.values("losses", losses);
    const auto of_groups = arguments.optional_integers("groups", groups);
    const auto risk = without_gil([&] {
      return metrics::selective_risk(of_certainty, of_losses, {largest_loss, confidence}, of_groups);
    });
    return py::dict("aurc"_a = fields(risk.aurc), "excess_aurc"_a = fields(risk.excess_aurc),
                    "augrc"_a = fields(risk.augrc), "risk"_a = risk.risk, "n"_a = risk.n, "units"_a = risk.units);
  });
}

}  // namespace

void bind_decisions(py::module_& m) {
  bind_cost_model(m);
  bind_thresholds(m);
  bind_curves(m);
}

}  // namespace oddity::python
