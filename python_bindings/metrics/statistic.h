#pragma once

#include <string>

#include <pybind11/pybind11.h>

namespace oddity::python {

/// What a Python statistic returned, as a number: anything with __float__, such as a numpy or torch scalar.
inline double real_of(const char* function, const pybind11::object& value) {
  const double number = PyFloat_AsDouble(value.ptr());
  if (number == -1.0 && PyErr_Occurred() != nullptr) {
    PyErr_Clear();
    throw pybind11::type_error("[metrics." + std::string(function) + "] statistic must return a real number; got " +
                               std::string(pybind11::repr(value)));
  }
  return number;
}

}  // namespace oddity::python
