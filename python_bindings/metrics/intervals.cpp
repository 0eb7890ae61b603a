#include "oddity/metrics/intervals.h"

#include "metrics/areas.h"
#include "metrics/arguments.h"

namespace oddity::python {
namespace {

py::dict fields(const metrics::Interval& interval) {
  using namespace py::literals;
  return py::dict("low"_a = interval.low, "high"_a = interval.high);
}

}  // namespace

void bind_intervals(py::module_& m) {
  m.def("clopper_pearson", [](std::uint64_t k, std::uint64_t n, double confidence) {
    return fields(metrics::clopper_pearson(k, n, confidence));
  });
  m.def("wilson",
        [](std::uint64_t k, std::uint64_t n, double confidence) { return fields(metrics::wilson(k, n, confidence)); });
}

}  // namespace oddity::python
