#include "oddity/metrics/intervals.h"

#include "metrics/areas.h"
#include "metrics/arguments.h"
#include "oddity/metrics/delong.h"
#include "oddity/metrics/sample_size.h"

namespace oddity::python {
namespace {

using namespace py::literals;

/// A two-sided interval of k events among n trials.
auto interval(metrics::Interval (*function)(std::uint64_t, std::uint64_t, double)) {
  return [function](std::uint64_t k, std::uint64_t n, double confidence) {
    const metrics::Interval result = function(k, n, confidence);
    return py::dict("low"_a = result.low, "high"_a = result.high);
  };
}

}  // namespace

void bind_intervals(py::module_& m) {
  m.def("clopper_pearson", interval(metrics::clopper_pearson));
  m.def("wilson", interval(metrics::wilson));
  m.def("jeffreys", interval(metrics::jeffreys));
  m.def("clopper_pearson_upper", metrics::clopper_pearson_upper);
  m.def("clopper_pearson_lower", metrics::clopper_pearson_lower);
  m.def("rule_of_three", metrics::rule_of_three);
  m.def("delong_auroc", [](const ArrayLike& scores, const ArrayLike& labels, double confidence) {
    Arguments arguments("delong_auroc");
    const metrics::Values of_scores = arguments.values("scores", scores);
    const auto of_labels = arguments.labels("labels", labels);
    const auto result = without_gil([&] { return metrics::delong_auroc(of_scores, of_labels, confidence); });
    return py::dict("auroc"_a = result.value, "standard_error"_a = result.standard_error, "low"_a = result.low,
                    "high"_a = result.high, "n_good"_a = result.n_good, "n_defect"_a = result.n_defect);
  });
  m.def("parts_for_bound", metrics::parts_for_bound);
  m.def("parts_for_width", metrics::parts_for_width);
  m.def("acceptance_plan", [](double bound, double rate, double confidence, double power) {
    const metrics::AcceptancePlan plan = metrics::acceptance_plan(bound, rate, confidence, power);
    return py::dict("parts"_a = plan.parts, "errors_allowed"_a = plan.errors_allowed, "confidence"_a = plan.confidence,
                    "power"_a = plan.power);
  });
}

}  // namespace oddity::python
