#include "backends/torch/matrix_vector.h"

#include <ATen/Parallel.h>

namespace oddity::torch_backend {

namespace {

/// Sixteen running sums let the compiler use full vector registers without reordering float additions itself; clones
/// pick the widest the processor has at load time.
__attribute__((target_clones("avx512f", "avx2", "default"))) void multiply_range(const float* matrices,
                                                                                 const float* vectors, float* result,
                                                                                 std::int64_t begin, std::int64_t end,
                                                                                 std::int64_t rows,
                                                                                 std::int64_t columns) {
  constexpr std::int64_t lanes = 16;
  for (std::int64_t p = begin; p < end; ++p) {
    const float* vector = vectors + p * columns;
    for (std::int64_t r = 0; r < rows; ++r) {
      const float* row = matrices + (p * rows + r) * columns;
      float sums[lanes] = {};
      std::int64_t c = 0;
      for (; c + lanes <= columns; c += lanes) {
        for (std::int64_t i = 0; i < lanes; ++i) {
          sums[i] += row[c + i] * vector[c + i];
        }
      }
      for (std::int64_t i = 0; c < columns; ++c, ++i) {
        sums[i] += row[c] * vector[c];
      }
      for (std::int64_t width = lanes / 2; width > 0; width /= 2) {
        for (std::int64_t i = 0; i < width; ++i) {
          sums[i] += sums[i + width];
        }
      }
      result[p * rows + r] = sums[0];
    }
  }
}

}  // namespace

void multiply_stack(const float* matrices, const float* vectors, float* result, std::int64_t count, std::int64_t rows,
                    std::int64_t columns) {
  at::parallel_for(0, count, 32, [&](std::int64_t begin, std::int64_t end) {
    multiply_range(matrices, vectors, result, begin, end, rows, columns);
  });
}

}  // namespace oddity::torch_backend
