#pragma once

#include <cstddef>
#include <vector>

#include "oddity/metrics/neighbors.h"
#include "oddity/metrics/values.h"

/// How thinly a place of feature space is covered. Density is measured where features are; a two-dimensional embedding
/// for display does not keep it.
namespace oddity::metrics {

/// A number of dimensions with the standard error of its estimate and the sample count.
struct IntrinsicDimension {
  double value = 0, standard_error = 0;
  std::size_t n = 0;           ///< rows that were used
  std::size_t duplicates = 0;  ///< rows left out because their k neighbours are all at distance 0
};

/// Dimension m of the manifold near which the rows of `features` [n, d] lie: maximum likelihood of Levina and Bickel
/// (2004) from the distances r_1 <= ... <= r_k to the k nearest other rows, all rows together as MacKay and Ghahramani
/// (2005) propose: 1 / m = mean of log(r_k / r_j) over rows and j < k, unbiased for 1 / m where density is constant.
/// The standard error m / sqrt(number of terms) takes terms as independent; rows that share neighbours make it larger.
/// Neighbours at distance 0 (duplicates) are no terms. Edges and curvature bias m downwards; a smaller k less so.
/// Throws std::invalid_argument for k < 3 or k >= n, NaN, or when all rows are duplicates or all distances of each row
/// are equal (no finite dimension).
IntrinsicDimension intrinsic_dimension(const Matrix& features, std::size_t k = 20);

struct DensityOptions {
  std::size_t k = 10;            ///< neighbours; more is smoother
  double dimension = 0;          ///< intrinsic dimension m > 0; 0: estimated from the reference with `dimension_k`
  std::size_t dimension_k = 20;  ///< neighbours of that estimate (at most n - 1 are taken)
  bool exclude_self = false;     ///< the queries are the reference itself
  Distance distance = Distance::euclidean;  ///< cosine: chord length sqrt(2 (1 - cos)) on the unit sphere
};

struct LogDensity {
  std::vector<double> values;    ///< of each query, natural logarithm; large is typical, small is thinly covered
  IntrinsicDimension dimension;  ///< used; n = 0 when it was given
  std::size_t n = 0, k = 0;      ///< reference rows (other than the query) and neighbours
};

/// log p(x) = psi(k) - log n - log V_m - m log r_k(x): the nearest-neighbour density (Loftsgaarden and Quesenberry
/// 1965) on a manifold of dimension m, V_m the volume of the unit ball, psi(k) in place of log k so that the logarithm
/// is not biased where density is constant (Kozachenko and Leonenko 1987). The negated value is an out-of-distribution
/// score. A query whose k nearest rows are all identical to it has density +infinity. Throws std::invalid_argument as
/// nearest_neighbors and intrinsic_dimension do, and for a negative or infinite dimension.
LogDensity log_density(const Matrix& reference, const Matrix& queries, const DensityOptions& options = {});

/// psi(x), the derivative of log gamma, for x > 0: recurrence up to 10, then the asymptotic series; to 1e-13 relative
/// or absolute. Throws std::invalid_argument otherwise.
double digamma(double x);

}  // namespace oddity::metrics
