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

/// From the first k of the neighbours of each row.
IntrinsicDimension dimension_of(const char* function, const Neighbors& neighbors, std::size_t k, Distance kind) {
  IntrinsicDimension result;
  double inverse_sum = 0;
  std::size_t terms = 0;
  for (std::size_t i = 0; i < neighbors.queries; ++i) {
    const double* distances = neighbors.distances.data() + i * neighbors.k;
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
  return dimension_of(function, nearest_neighbors(features, features, options), k, Distance::euclidean);
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
  NeighborOptions search;
  search.k = options.k;
  search.distance = options.distance;
  search.exclude_self = options.exclude_self;
  std::size_t dimension_k = 0;  // none: the dimension is given
  if (options.dimension == 0) {
    detail::require_matrix(function, "reference", reference);
    dimension_k = std::min(options.dimension_k, reference.rows - 1);
    if (dimension_k < 3) {
      refuse(function, "dimension cannot be estimated; got ", reference.rows, " reference rows and dimension_k ",
             options.dimension_k, "; expected at least 4 rows and 3 neighbours, or a given dimension");
    }
  }
  if (options.exclude_self && options.k > 0) {  // the queries are the reference: one search serves both
    search.k = std::max(options.k, dimension_k);
  }
  const Neighbors neighbors = nearest_neighbors(reference, queries, search);
  if (dimension_k == 0) {
    result.dimension.value = options.dimension;
  } else if (options.exclude_self) {
    result.dimension = dimension_of(function, neighbors, dimension_k, options.distance);
  } else {
    NeighborOptions of_reference;
    of_reference.k = dimension_k;
    of_reference.distance = options.distance;
    of_reference.exclude_self = true;
    result.dimension =
        dimension_of(function, nearest_neighbors(reference, reference, of_reference), dimension_k, options.distance);
  }
  const double m = result.dimension.value;
  const double log_unit_ball = m / 2 * std::log(std::numbers::pi) - std::lgamma(m / 2 + 1);
  const double constant = digamma(double(options.k)) - std::log(double(result.n)) - log_unit_ball;
  result.values.resize(queries.rows);
  for (std::size_t i = 0; i < queries.rows; ++i) {
    const double radius = length_of(neighbors.distances[i * neighbors.k + options.k - 1], options.distance);
    result.values[i] = radius > 0 ? constant - m * std::log(radius) : std::numeric_limits<double>::infinity();
  }
  return result;
}

}  // namespace oddity::metrics
