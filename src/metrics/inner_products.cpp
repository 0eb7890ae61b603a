#include "metrics/inner_products.h"

#include <cstring>

namespace oddity::metrics::detail {
namespace {

/// Rows x (Vectors * lanes) sums live in registers: 12 x 2 of 32 registers with AVX-512, 6 x 2 of 16 otherwise.
template <class Vector, std::size_t Rows, std::size_t Vectors>
[[gnu::always_inline]] inline void multiply(const float* queries, const float* reference, std::size_t dimensions,
                                            float* products) {
  constexpr std::size_t lanes = sizeof(Vector) / sizeof(float);
  Vector sums[Rows][Vectors] = {};
  for (std::size_t d = 0; d < dimensions; ++d) {
    Vector right[Vectors];
#pragma GCC unroll 2
    for (std::size_t v = 0; v < Vectors; ++v) {
      Vector value;
      std::memcpy(&value, reference + (d * Vectors + v) * lanes, sizeof(value));
      right[v] = value;
    }
    const float* left = queries + d * Rows;
#pragma GCC unroll 16
    for (std::size_t q = 0; q < Rows; ++q) {
#pragma GCC unroll 2
      for (std::size_t v = 0; v < Vectors; ++v) {
        sums[q][v] += left[q] * right[v];
      }
    }
  }
  // One by one: an array whose address is taken would live in memory during the loop.
#pragma GCC unroll 16
  for (std::size_t q = 0; q < Rows; ++q) {
#pragma GCC unroll 2
    for (std::size_t v = 0; v < Vectors; ++v) {
      const Vector sum = sums[q][v];
      std::memcpy(products + (q * Vectors + v) * lanes, &sum, sizeof(sum));
    }
  }
}

using Vector16 = float __attribute__((vector_size(64)));
using Vector8 = float __attribute__((vector_size(32)));
using Vector4 = float __attribute__((vector_size(16)));

// Fused multiply-add only changes the rounding of the first look, whose error bound covers both.
[[gnu::target("avx512f,fma"), gnu::optimize("fp-contract=fast")]] void multiply_avx512(const float* queries,
                                                                                       const float* reference,
                                                                                       std::size_t dimensions,
                                                                                       float* products) {
  multiply<Vector16, 12, 2>(queries, reference, dimensions, products);
}
[[gnu::target("avx2,fma"), gnu::optimize("fp-contract=fast")]] void multiply_avx2(const float* queries,
                                                                                  const float* reference,
                                                                                  std::size_t dimensions,
                                                                                  float* products) {
  multiply<Vector8, 6, 2>(queries, reference, dimensions, products);
}
void multiply_sse2(const float* queries, const float* reference, std::size_t dimensions, float* products) {
  multiply<Vector4, 6, 2>(queries, reference, dimensions, products);
}

template <class T>
[[gnu::always_inline]] inline double squared(const T* a, const T* b, std::size_t dimensions) {
  constexpr std::size_t lanes = 8;
  double sums[lanes] = {};
  std::size_t d = 0;
  for (; d + lanes <= dimensions; d += lanes) {
    for (std::size_t l = 0; l < lanes; ++l) {
      const double difference = double(a[d + l]) - double(b[d + l]);
      sums[l] += difference * difference;
    }
  }
  for (std::size_t l = 0; d < dimensions; ++d, ++l) {
    const double difference = double(a[d]) - double(b[d]);
    sums[l] += difference * difference;
  }
  return ((sums[0] + sums[4]) + (sums[1] + sums[5])) + ((sums[2] + sums[6]) + (sums[3] + sums[7]));
}

// Without fused operations, which would round elsewhere. Chosen by hand: target_clones would have its resolver run
// before ThreadSanitizer is up, which crashes.
template <class T>
[[gnu::target("avx512f"), gnu::optimize("fp-contract=off")]] double squared_avx512(const T* a, const T* b,
                                                                                   std::size_t dimensions) {
  return squared(a, b, dimensions);
}
template <class T>
[[gnu::target("avx2"), gnu::optimize("fp-contract=off")]] double squared_avx2(const T* a, const T* b,
                                                                              std::size_t dimensions) {
  return squared(a, b, dimensions);
}
template <class T>
double squared_sse2(const T* a, const T* b, std::size_t dimensions) {
  return squared(a, b, dimensions);
}
template <class T>
auto choose() {
  __builtin_cpu_init();
  return __builtin_cpu_supports("avx512f") ? squared_avx512<T>
         : __builtin_cpu_supports("avx2")  ? squared_avx2<T>
                                           : squared_sse2<T>;
}

}  // namespace

const InnerProductKernel& inner_product_kernel() {
  static const InnerProductKernel kernel = [] {
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("fma")) {
      return InnerProductKernel{12, 32, multiply_avx512};
    }
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) {
      return InnerProductKernel{6, 16, multiply_avx2};
    }
    return InnerProductKernel{6, 8, multiply_sse2};
  }();
  return kernel;
}

double squared_distance(const double* a, const double* b, std::size_t dimensions) {
  static const auto chosen = choose<double>();
  return chosen(a, b, dimensions);
}
double squared_distance(const float* a, const float* b, std::size_t dimensions) {
  static const auto chosen = choose<float>();
  return chosen(a, b, dimensions);
}

}  // namespace oddity::metrics::detail
