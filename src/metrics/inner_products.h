#pragma once

#include <cstddef>

/// Inner products of packed float32 rows by the widest vectors of the processor: what an exact search takes as a first
/// look.
namespace oddity::metrics::detail {

/// Rows of both sides are packed in groups, value by value: group g of width w holds x[d][w] for d = 0 .. dimensions-1.
struct InnerProductKernel {
  std::size_t query_group;      ///< rows of a group of queries
  std::size_t reference_group;  ///< rows of a group of the reference
  /// products[q * reference_group + r] = sum over d of queries[d][q] * reference[d][r], summed in order of d.
  void (*run)(const float* queries, const float* reference, std::size_t dimensions, float* products);
};

/// The kernel for this processor: AVX-512, AVX2 with FMA, or plain SSE2.
const InnerProductKernel& inner_product_kernel();

/// Sum over d of (a[d] - b[d])^2 in 8 partial sums: the same bits on every processor.
double squared_distance(const double* a, const double* b, std::size_t dimensions);
double squared_distance(const float* a, const float* b, std::size_t dimensions);

}  // namespace oddity::metrics::detail
