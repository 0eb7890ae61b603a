#include "oddity/metrics/outliers.h"

#include "metrics/areas.h"
#include "metrics/arguments.h"
#include "oddity/metrics/false_discovery.h"
#include "oddity/metrics/false_discovery_bounds.h"

namespace oddity::python {
namespace {

using namespace py::literals;
using metrics::PValueKind;

PValueKind kind_of(const char* function, const std::string& word) {
  return choice<PValueKind>(function, "kind", word,
                            {{"marginal", PValueKind::marginal},
                             {"smoothed", PValueKind::smoothed},
                             {"simes", PValueKind::simes},
                             {"dkwm", PValueKind::dkwm}});
}

py::dict fields(metrics::Discoveries&& result) {
  return py::dict("adjusted"_a = to_numpy(std::move(result.adjusted)),
                  "rejected"_a = to_numpy(std::move(result.rejected)), "n"_a = result.n, "count"_a = result.count,
                  "level"_a = result.level, "threshold"_a = result.threshold, "null_share"_a = result.null_share);
}

std::vector<std::int64_t> signed_of(const std::vector<std::uint64_t>& values) { return {values.begin(), values.end()}; }

}  // namespace

void bind_outliers(py::module_& m) {
  m.def("outlier_p_values", [](const ArrayLike& calibration, const ArrayLike& scores, const std::string& kind,
                               double delta, std::uint64_t seed, std::uint64_t first_index) {
    Arguments arguments("outlier_p_values");
    const metrics::Values of_calibration = arguments.values("calibration", calibration);
    const metrics::Values of_scores = arguments.values("scores", scores);
    const metrics::OutlierOptions options{kind_of("outlier_p_values", kind), delta, seed, first_index};
    metrics::OutlierPValues result =
        without_gil([&] { return metrics::outlier_p_values(of_calibration, of_scores, options); });
    return py::dict("values"_a = to_numpy(std::move(result.values)), "smallest"_a = result.smallest, "n"_a = result.n);
  });
  m.def("possible_p_values", [](std::size_t n, const std::string& kind, double delta) {
    const PValueKind chosen = kind_of("possible_p_values", kind);
    return to_numpy(without_gil([&] { return metrics::possible_p_values(n, chosen, delta); }));
  });
  m.def("calibration_size_needed",
        [](std::uint64_t tested, std::uint64_t discoveries, double level, const std::string& kind, double delta) {
          return metrics::calibration_size_needed(tested, discoveries, level, kind_of("calibration_size_needed", kind),
                                                  delta);
        });
  m.def("benjamini_hochberg", [](const ArrayLike& p_values, double level) {
    Arguments arguments("benjamini_hochberg");
    const metrics::Values values = arguments.values("p_values", p_values);
    return fields(without_gil([&] { return metrics::benjamini_hochberg(values, level); }));
  });
  m.def("benjamini_yekutieli", [](const ArrayLike& p_values, double level) {
    Arguments arguments("benjamini_yekutieli");
    const metrics::Values values = arguments.values("p_values", p_values);
    return fields(without_gil([&] { return metrics::benjamini_yekutieli(values, level); }));
  });
  m.def("storey", [](const ArrayLike& p_values, double level, double lambda) {
    Arguments arguments("storey");
    const metrics::Values values = arguments.values("p_values", p_values);
    return fields(without_gil([&] { return metrics::storey(values, level, lambda); }));
  });
  m.def("false_discovery_bounds", [](const ArrayLike& p_values, double delta) {
    Arguments arguments("false_discovery_bounds");
    const metrics::Values values = arguments.values("p_values", p_values);
    metrics::FalseDiscoveryBounds result = without_gil([&] { return metrics::false_discovery_bounds(values, delta); });
    return py::dict("p_values"_a = to_numpy(std::move(result.p_values)),
                    "false_discoveries"_a = to_numpy(signed_of(result.false_discoveries)), "n"_a = result.n,
                    "null_count"_a = result.null_count, "delta"_a = result.delta);
  });
  m.def("false_discovery_bound", [](const ArrayLike& p_values, const ArrayLike& selected, double delta) {
    Arguments arguments("false_discovery_bound");
    const metrics::Values values = arguments.values("p_values", p_values);
    const std::span<const std::uint8_t> of_selected = arguments.labels("selected", selected);
    const metrics::SelectionBound result =
        without_gil([&] { return metrics::false_discovery_bound(values, of_selected, delta); });
    return py::dict("selected"_a = result.selected, "false_discoveries"_a = result.false_discoveries,
                    "proportion"_a = result.proportion);
  });
}

}  // namespace oddity::python
