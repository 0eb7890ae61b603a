#pragma once

#include <string>

#include "metrics/arguments.h"

namespace oddity::python {

/// None stands for no weights; an empty array is a mistake.
inline metrics::Values weights_of(const char* function, Arguments& arguments, const OptionalArray& weights) {
  const metrics::Values values = arguments.values("weights", weights);
  if (weights && values.empty()) {
    throw py::value_error("[metrics." + std::string(function) +
                          "] weights is empty; expected one for each sample, or None");
  }
  return values;
}

}  // namespace oddity::python
