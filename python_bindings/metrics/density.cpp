#include "oddity/metrics/density.h"

#include "metrics/areas.h"
#include "metrics/arguments.h"

namespace oddity::python {
namespace {

using namespace py::literals;
using metrics::Distance;

Distance distance_of(const char* function, const std::string& word) {
  return choice<Distance>(function, "distance", word,
                          {{"euclidean", Distance::euclidean}, {"cosine", Distance::cosine}});
}

py::dict fields(const metrics::IntrinsicDimension& dimension) {
  return py::dict("value"_a = dimension.value, "standard_error"_a = dimension.standard_error, "n"_a = dimension.n,
                  "duplicates"_a = dimension.duplicates);
}

}  // namespace

void bind_density(py::module_& m) {
  m.def("nearest_neighbors", [](const ArrayLike& reference, const OptionalArray& queries, std::size_t k,
                                const std::string& distance) {
    Arguments arguments("nearest_neighbors");
    const metrics::Matrix of_reference = arguments.matrix("reference", reference);
    const metrics::Matrix of_queries = queries ? arguments.matrix("queries", *queries) : of_reference;
    const metrics::NeighborOptions options{k, distance_of("nearest_neighbors", distance), !queries};
    metrics::Neighbors result =
        without_gil([&] { return metrics::nearest_neighbors(of_reference, of_queries, options); });
    const std::vector<py::ssize_t> shape{py::ssize_t(result.queries), py::ssize_t(result.k)};
    return py::make_tuple(to_numpy(std::move(result.distances), shape), to_numpy(std::move(result.indices), shape));
  });
  m.def("intrinsic_dimension", [](const ArrayLike& features, std::size_t k) {
    Arguments arguments("intrinsic_dimension");
    const metrics::Matrix matrix = arguments.matrix("features", features);
    return fields(without_gil([&] { return metrics::intrinsic_dimension(matrix, k); }));
  });
  m.def("log_density", [](const ArrayLike& reference, const OptionalArray& queries, std::size_t k, double dimension,
                          std::size_t dimension_k, const std::string& distance) {
    Arguments arguments("log_density");
    const metrics::Matrix of_reference = arguments.matrix("reference", reference);
    const metrics::Matrix of_queries = queries ? arguments.matrix("queries", *queries) : of_reference;
    metrics::DensityOptions options{k, dimension, dimension_k, !queries, distance_of("log_density", distance)};
    metrics::LogDensity result = without_gil([&] { return metrics::log_density(of_reference, of_queries, options); });
    return py::dict("values"_a = to_numpy(std::move(result.values)), "dimension"_a = fields(result.dimension),
                    "n"_a = result.n, "k"_a = result.k);
  });
}

}  // namespace oddity::python
