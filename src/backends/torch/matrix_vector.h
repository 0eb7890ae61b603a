#pragma once

#include <cstdint>

namespace oddity::torch_backend {

/// result[p] = matrices[p] * vectors[p] for p < count: row-major [count, rows, columns], [count, columns] and
/// [count, rows]. Threads of ATen; the result does not depend on their number.
void multiply_stack(const float* matrices, const float* vectors, float* result, std::int64_t count, std::int64_t rows,
                    std::int64_t columns);

}  // namespace oddity::torch_backend
