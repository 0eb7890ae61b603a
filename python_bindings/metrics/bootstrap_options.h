#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <utility>

#include "metrics/arguments.h"
#include "oddity/metrics/resampling.h"

/// What the areas with a bootstrap share.
namespace oddity::python {

inline metrics::BootstrapMethod method_of(const char* function, const std::string& word) {
  using Method = metrics::BootstrapMethod;
  return choice<Method>(function, "method", word, {{"percentile", Method::percentile}, {"bca", Method::bca}});
}

inline py::dict fields(metrics::BootstrapResult&& result) {
  using namespace py::literals;
  return py::dict("value"_a = result.value, "low"_a = result.low, "high"_a = result.high,
                  "standard_error"_a = result.standard_error, "bias"_a = result.bias,
                  "bias_correction"_a = result.bias_correction, "acceleration"_a = result.acceleration,
                  "n"_a = result.n, "units"_a = result.units, "resampled"_a = to_numpy(std::move(result.resampled)));
}

}  // namespace oddity::python
