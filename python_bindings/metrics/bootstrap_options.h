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

/// None stands for none; an empty array is a mistake.
inline std::span<const std::int64_t> groups_of(Arguments& arguments, const char* function, const char* name,
                                               const OptionalArray& array) {
  const auto groups = arguments.integers(name, array);
  if (array && groups.empty()) {
    throw py::value_error("[metrics." + std::string(function) + "] " + name +
                          " is empty; expected one for each sample, or None");
  }
  return groups;
}

inline py::dict fields(metrics::BootstrapResult&& result) {
  using namespace py::literals;
  return py::dict("value"_a = result.value, "low"_a = result.low, "high"_a = result.high,
                  "standard_error"_a = result.standard_error, "bias"_a = result.bias,
                  "bias_correction"_a = result.bias_correction, "acceleration"_a = result.acceleration,
                  "n"_a = result.n, "units"_a = result.units, "resampled"_a = to_numpy(std::move(result.resampled)));
}

}  // namespace oddity::python
