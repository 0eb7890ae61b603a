#pragma once

#include <pybind11/pybind11.h>

/// One function for each submodule of oddity._metrics. The compiled functions take all arguments by position and return
/// numbers, numpy arrays or dictionaries; oddity/metrics/<area>.py gives them names, defaults, types and documentation.
namespace oddity::python {

void bind_bootstrap(pybind11::module_& module);
void bind_calibration(pybind11::module_& module);
void bind_calibrators(pybind11::module_& module);
void bind_comparison(pybind11::module_& module);
void bind_conformal(pybind11::module_& module);
void bind_confusion(pybind11::module_& module);
void bind_decisions(pybind11::module_& module);
void bind_density(pybind11::module_& module);
void bind_drift(pybind11::module_& module);
void bind_intervals(pybind11::module_& module);
void bind_outliers(pybind11::module_& module);
void bind_projection(pybind11::module_& module);
void bind_ranking(pybind11::module_& module);
void bind_regions(pybind11::module_& module);
void bind_risk(pybind11::module_& module);

}  // namespace oddity::python
