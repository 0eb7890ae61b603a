#include "metrics/arguments.h"

#include <algorithm>
#include <sstream>
#include <string_view>

namespace oddity::python {

template <class... Parts>
std::string Arguments::message(const Parts&... parts) const {
  std::ostringstream text;
  text << "[metrics." << function_ << "] ";
  (text << ... << parts);
  return text.str();
}

namespace {

std::string type_name(py::handle object) { return py::str(py::type::handle_of(object).attr("__name__")); }

std::string dtype_name(const py::array& array) { return py::str(array.dtype()); }

std::string shape_text(const py::array& array) {
  std::string text = "(";
  for (py::ssize_t d = 0; d < array.ndim(); ++d) {
    text += (d > 0 ? ", " : "") + std::to_string(array.shape(d));
  }
  return text + (array.ndim() == 1 ? ",)" : ")");
}

template <class T>
std::span<const T> elements(const py::array& array) {
  return {static_cast<const T*>(array.data()), std::size_t(array.size())};
}

template <class T>
bool holds(const py::array& array) {
  return array.dtype().equal(py::dtype::of<T>());
}

}  // namespace

/// Any supported object as a C-contiguous numpy array that is kept alive.
py::array Arguments::array(const char* name, const ArrayLike& object) {
  py::object result = object;
  if (!py::isinstance<py::array>(object)) {
    if (py::isinstance<py::list>(object) || py::isinstance<py::tuple>(object)) {
      try {
        result = py::module_::import("numpy").attr("asarray")(object);
      } catch (const py::error_already_set& error) {
        throw py::value_error(message(name, " must be a table of numbers; got a ", type_name(object),
                                      " that numpy cannot read (", std::string(py::str(error.value())), ")"));
      }
    } else if (py::hasattr(object, "detach") && py::hasattr(object, "device")) {  // a torch tensor
      const std::string device = py::str(object.attr("device"));
      if (device.rfind("cpu", 0) != 0) {
        throw py::type_error(
            message(name, " is on device ", device, "; expected a tensor in main memory: ", name, ".cpu()"));
      }
      try {
        result = object.attr("detach")().attr("numpy")();
      } catch (const py::error_already_set&) {
        throw py::type_error(message(name, " has no dtype of numpy; got ", std::string(py::str(object.attr("dtype"))),
                                     "; expected float32 or float64 for numbers, bool or integers for labels"));
      }
    } else if (py::hasattr(object, "__array__")) {
      result = py::module_::import("numpy").attr("asarray")(object);
    } else {
      throw py::type_error(
          message(name, " must be a numpy array, a CPU torch tensor or a list; got ", type_name(object)));
    }
  }
  if (py::hasattr(result, "mask") &&
      py::hasattr(result, "fill_value")) {  // numpy.ma: its values are there, meant or not
    throw py::type_error(
        message(name, " is a masked array; expected its values without the masked ones: ", name, ".compressed()"));
  }
  auto array = py::reinterpret_borrow<py::array>(result);
  if (array.size() > 0 && (array.flags() & py::array::c_style) == 0) {
    throw py::value_error(message(name, " is not contiguous; got strides ", std::string(py::str(array.attr("strides"))),
                                  " bytes for shape ", shape_text(array), "; expected numpy.ascontiguousarray(", name,
                                  ")"));
  }
  kept_.push_back(array);
  return array;
}

py::array Arguments::of_dimensions(const char* name, const ArrayLike& object, int dimensions) {
  const py::array result = array(name, object);
  if (result.ndim() != dimensions) {
    throw py::value_error(message(name, " must have ", dimensions, dimensions == 1 ? " dimension" : " dimensions",
                                  "; got shape ", shape_text(result)));
  }
  return result;
}

void Arguments::require_floating(const char* name, const py::array& array) const {
  if (!holds<float>(array) && !holds<double>(array)) {
    throw py::type_error(message(name, " has dtype ", dtype_name(array), "; expected float32 or float64: ", name,
                                 ".astype('float64')",
                                 std::string_view(name) == "scores" ? " (scores come before labels)" : ""));
  }
}

metrics::Values Arguments::flat_values(const char* name, const ArrayLike& object, std::vector<std::size_t>& shape) {
  const py::array view = array(name, object);
  shape.assign(view.shape(), view.shape() + view.ndim());
  const bool converted = py::isinstance<py::list>(object) || py::isinstance<py::tuple>(object);
  if (converted && !holds<float>(view)) {  // integers of a Python list are meant as numbers
    return doubles_.emplace_back([&] {
      const char kind = view.dtype().kind();
      if (view.size() > 0 && kind != 'f' && kind != 'i' && kind != 'u') {
        throw py::type_error(message(name, " must be a list of real numbers; got dtype ", dtype_name(view)));
      }
      const auto wide = py::array_t<double, py::array::c_style | py::array::forcecast>(view);
      return std::vector<double>(wide.data(), wide.data() + wide.size());
    }());
  }
  require_floating(name, view);
  return holds<float>(view) ? metrics::Values(elements<float>(view)) : metrics::Values(elements<double>(view));
}

metrics::Values Arguments::values(const char* name, const ArrayLike& object) {
  std::vector<std::size_t> shape;
  const metrics::Values result = flat_values(name, object, shape);
  if (shape.size() != 1) {
    throw py::value_error(message(name, " must have 1 dimension; got shape ",
                                  shape_text(py::reinterpret_borrow<py::array>(kept_.back()))));
  }
  return result;
}

metrics::Values Arguments::optional_values(const char* name, const OptionalArray& object) {
  if (!object) {
    return {};
  }
  const metrics::Values result = values(name, *object);
  if (result.empty()) {
    throw py::value_error(message(name, " is empty; expected one for each sample, or None"));
  }
  return result;
}

metrics::Matrix Arguments::matrix(const char* name, const ArrayLike& object) {
  std::vector<std::size_t> shape;
  const metrics::Values result = flat_values(name, object, shape);
  if (shape.size() != 2) {
    throw py::value_error(message(name, " must have 2 dimensions; got shape ",
                                  shape_text(py::reinterpret_borrow<py::array>(kept_.back()))));
  }
  return {result, shape[0], shape[1]};
}

std::span<const double> Arguments::doubles(const char* name, const ArrayLike& object) {
  const py::array view = of_dimensions(name, object, 1);
  if (holds<double>(view)) {
    return elements<double>(view);
  }
  const char kind = view.dtype().kind();
  if (kind != 'f' && kind != 'i' && kind != 'u') {
    throw py::type_error(message(name, " has dtype ", dtype_name(view), "; expected real numbers"));
  }
  const auto wide = py::array_t<double, py::array::c_style | py::array::forcecast>(view);
  return doubles_.emplace_back(wide.data(), wide.data() + wide.size());
}

std::span<const std::uint8_t> Arguments::labels(const char* name, const ArrayLike& object) {
  const py::array view = of_dimensions(name, object, 1);
  if (holds<std::uint8_t>(view) || holds<bool>(view)) {
    return elements<std::uint8_t>(view);
  }
  const char kind = view.dtype().kind();
  if ((kind != 'i' && kind != 'u') && view.size() > 0) {
    throw py::type_error(message(name, " has dtype ", dtype_name(view), "; expected bool or integers, 1 for a defect"));
  }
  const auto wide = py::array_t<std::int64_t, py::array::c_style | py::array::forcecast>(view);
  auto& bytes = bytes_.emplace_back(std::size_t(wide.size()));
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    const std::int64_t label = wide.data()[i];
    if (label != 0 && label != 1) {
      const bool labels = std::string_view(name) == "labels";
      throw py::value_error(message(name, " must be 0", labels ? " (good)" : "", " or 1", labels ? " (defect)" : "",
                                    "; got ", label, " at index ", i));
    }
    bytes[i] = std::uint8_t(label);
  }
  return bytes;
}

std::span<const std::int64_t> Arguments::integers(const char* name, const ArrayLike& object) {
  return integers_of(name, of_dimensions(name, object, 1));
}

std::span<const std::int64_t> Arguments::integer_matrix(const char* name, const ArrayLike& object,
                                                        std::size_t& columns) {
  const py::array view = of_dimensions(name, object, 2);
  columns = std::size_t(view.shape(1));
  return integers_of(name, view);
}

std::span<const std::int64_t> Arguments::integers_of(const char* name, const py::array& view) {
  if (holds<std::int64_t>(view)) {
    return elements<std::int64_t>(view);
  }
  const char kind = view.dtype().kind();
  if (kind != 'i' && kind != 'u' && kind != 'b' && view.size() > 0) {
    throw py::type_error(message(name, " has dtype ", dtype_name(view), "; expected integers"));
  }
  const auto wide = py::array_t<std::int64_t, py::array::c_style | py::array::forcecast>(view);
  if (kind == 'u' && std::any_of(wide.data(), wide.data() + wide.size(), [](std::int64_t x) { return x < 0; })) {
    throw py::value_error(message(name, " has integers of 2^63 or more; expected what fits into int64"));
  }
  return integers_.emplace_back(wide.data(), wide.data() + wide.size());
}

std::span<const std::int64_t> Arguments::optional_integers(const char* name, const OptionalArray& object) {
  if (!object) {
    return {};
  }
  const auto result = integers(name, *object);
  if (result.empty()) {
    throw py::value_error(message(name, " is empty; expected one for each sample, or None"));
  }
  return result;
}

std::span<const std::uint8_t> Arguments::mask(const char* name, const ArrayLike& object,
                                              std::vector<std::size_t>& shape) {
  const py::array view = array(name, object);
  if (!holds<std::uint8_t>(view) && !holds<bool>(view)) {
    throw py::type_error(message(name, " has dtype ", dtype_name(view),
                                 "; expected bool or uint8, not zero for a defect: (", name, " > 0)"));
  }
  shape.assign(view.shape(), view.shape() + view.ndim());
  return elements<std::uint8_t>(view);
}

std::vector<metrics::MapAndMask> Arguments::maps(const char* maps_name, const ArrayLike& maps, const char* masks_name,
                                                 const ArrayLike& masks) {
  std::vector<metrics::MapAndMask> items;
  const auto add = [&](const ArrayLike& map, const ArrayLike& mask, const std::string& where, std::size_t dimensions) {
    std::vector<std::size_t> map_shape, mask_shape;
    const py::array view = array(maps_name, map);
    if (!holds<float>(view)) {
      throw py::type_error(message(maps_name, " has dtype ", dtype_name(view), where, "; expected float32: ", maps_name,
                                   ".astype('float32')"));
    }
    map_shape.assign(view.shape(), view.shape() + view.ndim());
    const auto mask_values = this->mask(masks_name, mask, mask_shape);
    if (map_shape.size() != dimensions || map_shape != mask_shape) {
      throw py::value_error(message(maps_name, " and ", masks_name, " must have one shape ",
                                    dimensions == 3 ? "(images, height, width)" : "(height, width)", where, "; got ",
                                    shape_text(view), " and ",
                                    shape_text(py::reinterpret_borrow<py::array>(kept_.back()))));
    }
    const std::size_t images = dimensions == 3 ? map_shape[0] : 1;
    const std::size_t height = map_shape[dimensions - 2], width = map_shape[dimensions - 1];
    const auto map_values = elements<float>(view);
    for (std::size_t i = 0; i < images; ++i) {
      items.push_back({map_values.subspan(i * height * width, height * width),
                       mask_values.subspan(i * height * width, height * width), int(height), int(width)});
    }
  };
  const auto is_list = [](const py::object& object) {
    return py::isinstance<py::list>(object) || py::isinstance<py::tuple>(object);
  };
  if (!is_list(maps)) {
    add(maps, masks, "", 3);
    return items;
  }
  const auto map_list = py::cast<py::sequence>(maps);
  if (!is_list(masks) || py::len(masks) != py::len(maps)) {
    throw py::value_error(
        message(masks_name, " must be a list as long as ", maps_name, "; got ",
                is_list(masks) ? std::to_string(py::len(masks)) + " entries" : "a " + type_name(masks), "; expected ",
                py::len(maps)));
  }
  const auto mask_list = py::cast<py::sequence>(masks);
  for (std::size_t i = 0; i < map_list.size(); ++i) {
    add(py::reinterpret_borrow<ArrayLike>(map_list[i].cast<py::object>()),
        py::reinterpret_borrow<ArrayLike>(mask_list[i].cast<py::object>()), " in image " + std::to_string(i), 2);
  }
  return items;
}

}  // namespace oddity::python
