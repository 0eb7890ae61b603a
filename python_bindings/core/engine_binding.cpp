#include "core/engine_binding.h"

#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include <pybind11/numpy.h>
#include <pybind11/stl.h>

#include "backends/torch/torch_backend.h"
#include "core/error.h"
#include "inference/engine.h"

namespace oddity::python {
namespace {

namespace py = pybind11;
using namespace py::literals;

/// An engine with the workers that are free now: a call takes one or makes one, and gives it back.
class SharedEngine {
public:
  SharedEngine(const std::string& file, const EngineOptions& options)
      : engine_(read_package(file), *make_torch_backend(), options) {}

  const Engine& engine() const { return engine_; }

  Verdict judge(const ImageView& image) {
    std::unique_ptr<Engine::Worker> worker;
    {
      const std::lock_guard lock(mutex_);
      if (!free_.empty()) {
        worker = std::move(free_.back());
        free_.pop_back();
      }
    }
    if (!worker) {
      worker = engine_.make_worker();
    }
    Verdict verdict = worker->judge(image);
    const std::lock_guard lock(mutex_);
    free_.push_back(std::move(worker));
    return verdict;
  }

private:
  Engine engine_;
  std::mutex mutex_;
  std::vector<std::unique_ptr<Engine::Worker>> free_;
};

/// [height, width] or [height, width, channels] of uint8 or uint16; rows may be apart, pixels may not.
ImageView view_of(const py::array& image) {
  const bool wide = image.dtype().equal(py::dtype::of<std::uint16_t>());
  if (!wide && !image.dtype().equal(py::dtype::of<std::uint8_t>())) {
    throw py::type_error("[engine.judge] image has dtype " + std::string(py::str(image.dtype())) +
                         "; expected uint8 or uint16");
  }
  const auto size = py::ssize_t(wide ? 2 : 1);
  const py::ssize_t channels = image.ndim() == 3 ? image.shape(2) : 1;
  if (image.ndim() != 2 && image.ndim() != 3) {
    fail<InvalidArgument>(
        "[engine.judge] image must be [height, width] or [height, width, channels]; got {} dimensions", image.ndim());
  }
  if (image.size() == 0) {
    fail<InvalidArgument>("[engine.judge] image is empty; expected at least one pixel");
  }
  if (image.strides(1) != channels * size || (image.ndim() == 3 && image.strides(2) != size)) {
    fail<InvalidArgument>(
        "[engine.judge] pixels of a row must lie side by side, channels together; expected "
        "numpy.ascontiguousarray(image)");
  }
  ImageView view;
  view.data = static_cast<const std::byte*>(image.data());
  view.height = int(image.shape(0));
  view.width = int(image.shape(1));
  view.channels = int(channels);
  view.depth = wide ? Depth::u16 : Depth::u8;
  view.stride = image.strides(0);
  return view;
}

py::array_t<float> to_numpy(Plane&& plane) {
  auto* owned = new std::vector<float>(std::move(plane.values));
  return py::array_t<float>({plane.height, plane.width}, owned->data(),
                            py::capsule(owned, [](void* p) { delete static_cast<std::vector<float>*>(p); }));
}

py::dict to_dict(const Region& region) {
  py::array_t<float> contour({py::ssize_t(region.contour.size()), py::ssize_t(2)});
  for (std::size_t i = 0; i < region.contour.size(); ++i) {
    contour.mutable_at(i, 0) = region.contour[i].first;
    contour.mutable_at(i, 1) = region.contour[i].second;
  }
  return py::dict("box"_a = py::make_tuple(region.x0, region.y0, region.x1, region.y1), "area_px"_a = region.area_px,
                  "width_mm"_a = region.width_mm, "height_mm"_a = region.height_mm, "area_mm2"_a = region.area_mm2,
                  "score"_a = region.score, "centroid"_a = py::make_tuple(region.centroid_x, region.centroid_y),
                  "contour"_a = contour);
}

py::dict to_dict(Verdict&& verdict) {
  py::list regions;
  for (const Region& region : verdict.regions) {
    regions.append(to_dict(region));
  }
  py::object map = py::none();
  if (!verdict.map.values.empty()) {
    map = to_numpy(std::move(verdict.map));
  }
  return py::dict("decision"_a = name_of(verdict.decision), "reasons"_a = verdict.reasons, "score"_a = verdict.score,
                  "p_value"_a = verdict.p_value, "threshold"_a = verdict.threshold, "regions"_a = regions,
                  "map"_a = map, "milliseconds"_a = verdict.milliseconds);
}

}  // namespace

void bind_engine(py::module_& m) {
  py::class_<SharedEngine>(m, "Engine")
      .def(py::init([](const std::string& file, const std::string& device, const std::string& precision, int threads) {
        EngineOptions options;
        options.backend.device = device;
        options.backend.precision = precision;
        options.backend.threads = threads;
        const py::gil_scoped_release release;
        return std::make_unique<SharedEngine>(file, options);
      }))
      .def("judge",
           [](SharedEngine& self, const py::array& image) {
             const ImageView view = view_of(image);
             Verdict verdict;
             {
               const py::gil_scoped_release release;
               verdict = self.judge(view);
             }
             return to_dict(std::move(verdict));
           })
      .def("facts", [](const SharedEngine& self) {
        const Package& package = self.engine().package();
        return py::dict("model"_a = package.model, "digest"_a = package.digest,
                        "threshold"_a = package.decision.threshold,
                        "pixel_threshold"_a = package.decision.pixel_threshold, "budget"_a = package.decision.budget,
                        "calibration_scores"_a = package.decision.calibration_scores);
      });
}

}  // namespace oddity::python
