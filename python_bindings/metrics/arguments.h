#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include "oddity/metrics/maps.h"
#include "oddity/metrics/values.h"

namespace oddity::python {

namespace py = pybind11;

inline int any_object(PyObject*) { return 1; }

/// An argument that must be a numpy array, a CPU torch tensor, a pandas column or a list; `Arguments` looks inside.
class ArrayLike : public py::object {
public:
  PYBIND11_OBJECT_DEFAULT(ArrayLike, py::object, any_object)
};
using OptionalArray = std::optional<ArrayLike>;

/// Views of the array arguments of one call. Contiguous numpy arrays, CPU torch tensors (torch is not imported for it)
/// and pandas columns are seen without a copy; lists and tuples are converted. Wrong types raise TypeError, wrong
/// shapes and strides ValueError, as `[metrics.function] name what is wrong; got X; expected Y`. The views live as long
/// as this object; it must be destroyed with the GIL held.
class Arguments {
public:
  explicit Arguments(std::string function) : function_(std::move(function)) {}
  Arguments(const Arguments&) = delete;
  Arguments& operator=(const Arguments&) = delete;

  /// float32 or float64, one dimension.
  metrics::Values values(const char* name, const ArrayLike& array);
  /// One value for each sample as `values`; None stands for none, an empty array is a mistake.
  metrics::Values optional_values(const char* name, const OptionalArray& array);
  metrics::Values weights(const OptionalArray& array) { return optional_values("weights", array); }
  /// float32 or float64, any number of dimensions, in C order.
  metrics::Values flat_values(const char* name, const ArrayLike& array, std::vector<std::size_t>& shape);
  /// float32 or float64, two dimensions.
  metrics::Matrix matrix(const char* name, const ArrayLike& array);
  /// float64, one dimension; other real numbers are copied. For short lists such as alphas.
  std::span<const double> doubles(const char* name, const ArrayLike& array);
  /// 0 or 1, one dimension: bool and uint8 without a copy, other integers are checked and copied.
  std::span<const std::uint8_t> labels(const char* name, const ArrayLike& array);
  /// One dimension: int64 without a copy, other integers are copied.
  std::span<const std::int64_t> integers(const char* name, const ArrayLike& array);
  /// One integer for each sample; None stands for none, an empty array is a mistake.
  std::span<const std::int64_t> optional_integers(const char* name, const OptionalArray& array);
  /// Integers with two dimensions, row by row.
  std::span<const std::int64_t> integer_matrix(const char* name, const ArrayLike& array, std::size_t& columns);
  /// Non-negative masks of any shape: bool and uint8 without a copy; other dtypes are refused.
  std::span<const std::uint8_t> mask(const char* name, const ArrayLike& array, std::vector<std::size_t>& shape);
  /// Maps [images, height, width] with masks of the same shape, or two lists of [height, width] arrays.
  std::vector<metrics::MapAndMask> maps(const char* maps_name, const ArrayLike& maps, const char* masks_name,
                                        const ArrayLike& masks);

private:
  py::array array(const char* name, const ArrayLike& object);
  py::array of_dimensions(const char* name, const ArrayLike& object, int dimensions);
  std::span<const std::int64_t> integers_of(const char* name, const py::array& view);
  void require_floating(const char* name, const py::array& array) const;
  template <class... Parts>
  std::string message(const Parts&... parts) const;

  std::string function_;
  std::vector<py::object> kept_;
  std::deque<std::vector<std::uint8_t>> bytes_;
  std::deque<std::vector<std::int64_t>> integers_;
  std::deque<std::vector<double>> doubles_;
};

/// Runs `work` without the GIL: Python threads go on, and nothing in it may touch a Python object.
template <class Work>
auto without_gil(Work&& work) {
  const py::gil_scoped_release release;
  return work();
}

/// A numpy array that owns the vector's memory.
template <class T>
py::array_t<T> to_numpy(std::vector<T>&& values, std::vector<py::ssize_t> shape = {}) {
  auto* owned = new std::vector<T>(std::move(values));
  if (shape.empty()) {
    shape = {py::ssize_t(owned->size())};
  }
  return py::array_t<T>(shape, owned->data(),
                        py::capsule(owned, [](void* p) { delete static_cast<std::vector<T>*>(p); }));
}

/// The value of a word in a closed list, or a ValueError that shows the list.
template <class T>
T choice(const char* function, const char* name, const std::string& word,
         std::initializer_list<std::pair<const char*, T>> words) {
  std::string known;
  for (const auto& [key, value] : words) {
    if (word == key) {
      return value;
    }
    known += (known.empty() ? "'" : ", '") + std::string(key) + "'";
  }
  throw py::value_error("[metrics." + std::string(function) + "] " + name + " is not known; got '" + word +
                        "'; expected one of " + known);
}

}  // namespace oddity::python

namespace pybind11::detail {
template <>
struct handle_type_name<oddity::python::ArrayLike> {
  static constexpr auto name = const_name("numpy.typing.ArrayLike");
};
}  // namespace pybind11::detail
