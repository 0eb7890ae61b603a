#include "metrics/areas.h"

namespace {

void add(pybind11::module_& parent, const char* name, void (*bind)(pybind11::module_&)) {
  auto module = parent.def_submodule(name);
  bind(module);
  // `from oddity._metrics.ranking import ...` finds it.
  pybind11::module_::import("sys").attr("modules")[module.attr("__name__")] = module;
}

}  // namespace

PYBIND11_MODULE(_metrics, m) {
  m.doc() = "Compiled metrics: bare functions, without defaults. Use oddity.metrics, which documents them.";
  using namespace oddity::python;
  add(m, "bootstrap", bind_bootstrap);
  add(m, "calibration", bind_calibration);
  add(m, "calibrators", bind_calibrators);
  add(m, "comparison", bind_comparison);
  add(m, "conformal", bind_conformal);
  add(m, "confusion", bind_confusion);
  add(m, "decisions", bind_decisions);
  add(m, "density", bind_density);
  add(m, "drift", bind_drift);
  add(m, "intervals", bind_intervals);
  add(m, "outliers", bind_outliers);
  add(m, "projection", bind_projection);
  add(m, "ranking", bind_ranking);
  add(m, "regions", bind_regions);
  add(m, "risk", bind_risk);
}
