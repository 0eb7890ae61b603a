#include "oddity/metrics/density.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

#include "metrics/check.h"

namespace oddity::metrics {
namespace {

using detail::refuse;

/// Length of the chord of two directions whose cosine distance is given: a Euclidean distance again.
double length_of(double distance, Distance kind) {
  return kind == Distance::cosine ? std::sqrt(2 * distance) : distance;
}

IntrinsicDimension dimension_of(const char* function, const Neighbors& neighbors, Distance kind) {
  const std::size_t k = neighbors.k;
  IntrinsicDimension result;
  double inverse_sum = 0;
  std::size_t terms = 0;
  for (std::size_t i = 0; i < neighbors.queries; ++i) {
    const double* distances = neighbors.distances.data() + i * k;
    const double farthest = length_of(distances[k - 1], kind);
    double sum = 0;
    std::size_t counted = 0;
    for (std::size_t j = 0; j + 1 < k; ++j) {
      if (distances[j] > 0) {
        sum += std::log(farthest / length_of(distances[j], kind));
        ++counted;
      }
    }
    if (counted == 0) {
      ++result.duplicates;
      continue;
    }
    inverse_sum += sum;
    terms += counted;
    ++result.n;
  }
  if (result.n == 0) {
    refuse(function, "features are all duplicates of each other; got ", neighbors.queries,
           " rows whose neighbours are at distance 0; expected different rows");
  }
  if (!(inverse_sum > 0)) {
    refuse(function, "features have no finite dimension; got equal distances to all neighbours in every row");
  }
  result.value = double(terms) / inverse_sum;
  result.standard_error = result.value / std::sqrt(double(terms));
  return result;
}

}  // namespace

double digamma(double x) {
  if (!(x > 0) || !std::isfinite(x)) {
    refuse("digamma", "x is out of range; got ", x, "; expected a finite value above 0");
  }
  double value = 0;
  for (; x < 10; x += 1) {
    value -= 1 / x;
  }
  const double s = 1 / (x * x);
  // Abramowitz and Stegun 6.3.18.
  return value + std::log(x) - 0.5 / x -
         s * (1.0 / 12 -
              s * (1.0 / 120 -
                   s * (1.0 / 252 - s * (1.0 / 240 - s * (1.0 / 132 - s * (691.0 / 32760 - s * (1.0 / 12)))))));
}

IntrinsicDimension intrinsic_dimension(const Matrix& features, std::size_t k) {
  constexpr const char* function = "intrinsic_dimension";
  detail::require_matrix(function, "features", features);
  if (k < 3 || k >= features.rows) {
    refuse(function, "k is out of range; got ", k, " for ", features.rows, " rows; expected 3 to rows - 1");
  }
  NeighborOptions options;
  options.k = k;
  options.exclude_self = true;
  return dimension_of(function, nearest_neighbors(features, features, options), Distance::euclidean);
}

LogDensity log_density(const Matrix& reference, const Matrix& queries, const DensityOptions& options) {
  constexpr const char* function = "log_density";
  if (!(options.dimension >= 0) || !std::isfinite(options.dimension)) {
    refuse(function, "dimension is out of range; got ", options.dimension,
           "; expected a finite value above 0, or 0 to estimate it");
  }
  LogDensity result;
  result.k = options.k;
  result.n = reference.rows - (options.exclude_self ? 1 : 0);
  if (options.dimension > 0) {
    result.dimension.value = options.dimension;
  } else {
    detail::require_matrix(function, "reference", reference);
    NeighborOptions of_reference;
    of_reference.k = std::min(options.dimension_k, reference.rows - 1);
    of_reference.distance = options.distance;
    of_reference.exclude_self = true;
    if (of_reference.k < 3) {
      refuse(function, "dimension cannot be estimated; got ", reference.rows, " reference rows and dimension_k ",
             options.dimension_k, "; expected at least 4 rows and 3 neighbours, or a given dimension");
    }
    result.dimension = dimension_of(function, nearest_neighbors(reference, reference, of_reference), options.distance);
  }
  NeighborOptions of_queries;
  of_queries.k = options.k;
  of_queries.distance = options.distance;
  of_queries.exclude_self = options.exclude_self;
  const Neighbors neighbors = nearest_neighbors(reference, queries, of_queries);
  const double m = result.dimension.value;
  const double log_unit_ball = m / 2 * std::log(std::numbers::pi) - std::lgamma(m / 2 + 1);
  const double constant = digamma(double(options.k)) - std::log(double(result.n)) - log_unit_ball;
  result.values.resize(queries.rows);
  for (std::size_t i = 0; i < queries.rows; ++i) {
    const double radius = length_of(neighbors.distances[(i + 1) * options.k - 1], options.distance);
    result.values[i] = radius > 0 ? constant - m * std::log(radius) : std::numeric_limits<double>::infinity();
  }
  return result;
}

}  // namespace oddity::metrics
