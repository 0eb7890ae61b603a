#pragma once

#include <pybind11/pybind11.h>

namespace oddity::python {

/// Engine of a package: judges one image a call, from any number of Python threads, without the GIL.
void bind_engine(pybind11::module_& module);

}  // namespace oddity::python
