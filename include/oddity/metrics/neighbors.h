#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "oddity/metrics/values.h"

/// Exact nearest neighbours of feature vectors: the base of density, thin zones and out-of-distribution scores.
namespace oddity::metrics {

enum class Distance : std::uint8_t {
  euclidean,  ///< |x - y|
  cosine,     ///< 1 - x.y / (|x| |y|), in [0, 2]
};

struct NeighborOptions {
  std::size_t k = 10;  ///< neighbours of each query, 1 .. number of reference rows (one less with exclude_self)
  Distance distance = Distance::euclidean;
  /// Row i of the queries is row i of the reference and is no neighbour of itself; both must have the same size.
  bool exclude_self = false;
};

struct Neighbors {
  std::size_t queries = 0, k = 0;
  std::vector<double> distances;      ///< [queries, k], ascending
  std::vector<std::int64_t> indices;  ///< [queries, k], rows of the reference; of equal distances the smaller row first
};

/// The k nearest rows of `reference` [n, d] for each row of `queries` [m, d], by brute force over tiles on all cores.
/// Exact: a float32 matrix product with a bound on its rounding error picks the candidates, and distances and order
/// come from float64 differences of those; the answer is that of float64 arithmetic and does not depend on the
/// processor or the number of threads. Memory: 4 bytes a value of both matrices (12 with the cosine distance), 16 a
/// neighbour. Throws std::invalid_argument for empty matrices, NaN or infinity, values above 1e150 in size, column
/// counts that differ, k out of range, exclude_self with other sizes, and zero rows with the cosine distance.
Neighbors nearest_neighbors(const Matrix& reference, const Matrix& queries, const NeighborOptions& options = {});

}  // namespace oddity::metrics
