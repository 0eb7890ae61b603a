#include "oddity/metrics/regions.h"

#include "metrics/areas.h"
#include "metrics/arguments.h"
#include "metrics/bootstrap_options.h"
#include "oddity/metrics/overkill_area.h"
#include "oddity/metrics/ranking.h"
#include "oddity/metrics/region_overlap.h"

namespace oddity::python {
namespace {

using namespace py::literals;

/// Components with the size of their map, so that contours can be asked for.
struct SizedComponents {
  metrics::Components components;
  int height = 0, width = 0;

  std::vector<py::ssize_t> shape() const { return {height, width}; }
  template <class T, class Get>
  py::array_t<T> column(Get get) const {
    std::vector<T> values;
    for (const metrics::Component& component : components.components) {
      values.push_back(get(component));
    }
    return to_numpy(std::move(values));
  }
};

SizedComponents connected_components(const ArrayLike& mask) {
  Arguments arguments("connected_components");
  std::vector<std::size_t> shape;
  const auto values = arguments.mask("mask", mask, shape);
  if (shape.size() != 2) {
    throw py::value_error("[metrics.connected_components] mask must have 2 dimensions; got " +
                          std::to_string(shape.size()));
  }
  if (shape[0] > 0x7fffffff || shape[1] > 0x7fffffff) {
    throw py::value_error("[metrics.connected_components] mask is too large; expected at most 2^31 - 1 pixels");
  }
  SizedComponents result;
  result.height = int(shape[0]);
  result.width = int(shape[1]);
  result.components = without_gil([&] { return metrics::connected_components(values, result.height, result.width); });
  return result;
}

py::array_t<std::int64_t> outer_contour(const SizedComponents& self, std::int64_t label) {
  const auto number = int(std::min<std::int64_t>(label, 0x7fffffff));
  const auto contour = metrics::outer_contour(self.components, self.height, self.width, number);
  std::vector<std::int64_t> values;
  for (const auto& [x, y] : contour) {
    values.insert(values.end(), {x, y});
  }
  const std::vector<py::ssize_t> shape{py::ssize_t(contour.size()), 2};
  return to_numpy(std::move(values), shape);
}

template <class T, class Entry, class Get>
py::array_t<T> column(const std::vector<Entry>& entries, Get get) {
  std::vector<T> values;
  for (const Entry& entry : entries) {
    values.push_back(T(get(entry)));
  }
  return to_numpy(std::move(values));
}

py::dict fields(const metrics::Interval& interval) {
  return py::dict("low"_a = interval.low, "high"_a = interval.high);
}

}  // namespace

void bind_regions(py::module_& m) {
  using Component = metrics::Component;
  py::class_<SizedComponents>(m, "Components")
      .def("labels",
           [](const SizedComponents& self) {
             return to_numpy(std::vector<std::int32_t>(self.components.labels), self.shape());
           })
      .def("areas",
           [](const SizedComponents& self) {
             return self.column<std::int64_t>([](const Component& c) { return std::int64_t(c.area); });
           })
      .def("boxes",
           [](const SizedComponents& self) {
             std::vector<std::int64_t> values;
             for (const Component& c : self.components.components) {
               values.insert(values.end(), {c.x0, c.y0, c.x1, c.y1});
             }
             const std::vector<py::ssize_t> shape{py::ssize_t(values.size() / 4), 4};
             return to_numpy(std::move(values), shape);
           })
      .def("centroids",
           [](const SizedComponents& self) {
             std::vector<double> values;
             for (const Component& c : self.components.components) {
               values.insert(values.end(), {c.centroid_x, c.centroid_y});
             }
             const std::vector<py::ssize_t> shape{py::ssize_t(values.size() / 2), 2};
             return to_numpy(std::move(values), shape);
           })
      .def("outer_contour", outer_contour);
  m.def("connected_components", connected_components);
  m.def("aupro", [](const ArrayLike& maps, const ArrayLike& masks, const ArrayLike& limits) {
    Arguments arguments("aupro");
    const auto items = arguments.maps("maps", maps, "masks", masks);
    const auto of_limits = arguments.doubles("limits", limits);
    return to_numpy(without_gil([&] { return metrics::aupro(items, of_limits); }));
  });
  m.def("best_pixel_f1", [](const ArrayLike& maps, const ArrayLike& masks) {
    Arguments arguments("best_pixel_f1");
    const auto items = arguments.maps("maps", maps, "masks", masks);
    const auto best = without_gil([&] { return metrics::Ranking(items).best_f1(); });
    return py::make_tuple(best.f1, best.threshold);
  });
  m.def("region_overlap", [](const ArrayLike& maps, const ArrayLike& masks, double threshold, double least_overlap,
                             const std::string& method, std::size_t resamples, double confidence, std::uint64_t seed,
                             const OptionalArray& groups) {
    Arguments arguments("region_overlap");
    const auto items = arguments.maps("maps", maps, "masks", masks);
    const metrics::RegionOverlapOptions options{least_overlap, method_of("region_overlap", method),
                                                resamples,     confidence,
                                                seed,          arguments.optional_integers("groups", groups)};
    metrics::RegionOverlaps result = without_gil([&] { return metrics::region_overlap(items, threshold, options); });
    using Region = metrics::RegionOverlap;
    return py::dict("mean"_a = fields(std::move(result.mean)), "escaped_regions"_a = result.escaped_regions,
                    "defect_images"_a = result.defect_images, "images_with_escape"_a = result.images_with_escape,
                    "images_with_escape_rate"_a = fields(result.images_with_escape_rate),
                    "images"_a = column<std::int64_t>(result.regions, [](const Region& r) { return r.image; }),
                    "labels"_a = column<std::int64_t>(result.regions, [](const Region& r) { return r.label; }),
                    "areas"_a = column<std::int64_t>(result.regions, [](const Region& r) { return r.area; }),
                    "overlaps"_a = column<double>(result.regions, [](const Region& r) { return r.overlap; }),
                    "escaped"_a = column<std::uint8_t>(result.regions, [](const Region& r) {
                                    return r.escaped;
                                  }).attr("astype")("bool"));
  });
  m.def("overkill_area", [](const ArrayLike& maps, const ArrayLike& masks, double threshold, std::size_t allowed_area,
                            const std::string& method, std::size_t resamples, double confidence, std::uint64_t seed,
                            const OptionalArray& groups) {
    Arguments arguments("overkill_area");
    const auto items = arguments.maps("maps", maps, "masks", masks);
    const metrics::OverkillAreaOptions options{allowed_area, method_of("overkill_area", method),
                                               resamples,    confidence,
                                               seed,         arguments.optional_integers("groups", groups)};
    metrics::OverkillArea result = without_gil([&] { return metrics::overkill_area(items, threshold, options); });
    using Image = metrics::ImageOverkill;
    return py::dict("mean_area"_a = fields(std::move(result.mean_area)), "pixel_rate"_a = result.pixel_rate,
                    "good_images"_a = result.good_images, "good_images_flagged"_a = result.good_images_flagged,
                    "good_images_flagged_rate"_a = fields(result.good_images_flagged_rate),
                    "areas"_a = column<std::int64_t>(result.images, [](const Image& i) { return i.area; }),
                    "shares"_a = column<double>(result.images, [](const Image& i) { return i.share; }),
                    "regions"_a = column<std::int64_t>(result.images, [](const Image& i) { return i.regions; }),
                    "defective"_a = column<std::uint8_t>(result.images, [](const Image& i) {
                                      return i.defective;
                                    }).attr("astype")("bool"));
  });
}

}  // namespace oddity::python
