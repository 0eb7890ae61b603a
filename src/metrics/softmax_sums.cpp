#include "metrics/softmax_sums.h"

#include <algorithm>
#include <cmath>

#include "core/threads.h"
#include "metrics/exponential.h"

namespace oddity::metrics::detail {
namespace {

constexpr std::size_t kGrain = 2048;  ///< rows of a piece, a multiple of kLanes
constexpr std::size_t kLanes = 16;    ///< rows side by side: vectors run over rows, as classes may be few

/// Sums over the classes of one tile of kLanes rows, in rows' own units: z below the largest logit of the row.
struct Tile {
  double largest[kLanes];
  double sum[kLanes], sum_z[kLanes], sum_zz[kLanes];  ///< of e = exp(b z), e z and e z^2
};

template <class T>
[[gnu::always_inline]] inline void sum_tile(const T* logits, std::size_t columns, double inverse, double* z,
                                            Tile& tile) {
  for (std::size_t c = 0; c < columns; ++c) {
    for (std::size_t l = 0; l < kLanes; ++l) {
      z[c * kLanes + l] = double(logits[l * columns + c]);
    }
  }
  for (std::size_t l = 0; l < kLanes; ++l) {
    tile.largest[l] = z[l];
    tile.sum[l] = tile.sum_z[l] = tile.sum_zz[l] = 0;
  }
  for (std::size_t c = 1; c < columns; ++c) {
    for (std::size_t l = 0; l < kLanes; ++l) {
      tile.largest[l] = z[c * kLanes + l] > tile.largest[l] ? z[c * kLanes + l] : tile.largest[l];
    }
  }
  for (std::size_t c = 0; c < columns; ++c) {
    for (std::size_t l = 0; l < kLanes; ++l) {
      const double below = z[c * kLanes + l] - tile.largest[l];
      const double e = exp_of_negative(inverse * below);
      z[c * kLanes + l] = e;
      tile.sum[l] += e;
      tile.sum_z[l] += e * below;
      tile.sum_zz[l] += e * below * below;
    }
  }
}

// Chosen by hand: target_clones would have its resolver run before ThreadSanitizer is up, which crashes.
template <class T>
[[gnu::target("avx512f")]] void sum_tile_avx512(const T* logits, std::size_t columns, double inverse, double* z,
                                                Tile& tile) {
  sum_tile(logits, columns, inverse, z, tile);
}
template <class T>
[[gnu::target("avx2")]] void sum_tile_avx2(const T* logits, std::size_t columns, double inverse, double* z,
                                           Tile& tile) {
  sum_tile(logits, columns, inverse, z, tile);
}
template <class T>
void sum_tile_sse2(const T* logits, std::size_t columns, double inverse, double* z, Tile& tile) {
  sum_tile(logits, columns, inverse, z, tile);
}
template <class T>
auto choose() {
  __builtin_cpu_init();
  return __builtin_cpu_supports("avx512f") ? sum_tile_avx512<T>
         : __builtin_cpu_supports("avx2")  ? sum_tile_avx2<T>
                                           : sum_tile_sse2<T>;
}

/// Calls use(first row, rows, tile, e) for each tile of a piece of rows; e [columns, kLanes] holds exp(b z).
template <class T, class Use>
void each_tile(std::span<const T> logits, std::size_t columns, double inverse, std::size_t first, std::size_t last,
               Use use) {
  static const auto sum = choose<T>();
  std::vector<double> z(columns * kLanes);
  std::vector<T> filled;
  Tile tile;
  for (std::size_t row = first; row < last; row += kLanes) {
    const std::size_t rows = std::min(kLanes, last - row);
    const T* source = logits.data() + row * columns;
    if (rows < kLanes) {  // the last rows, filled up with copies of the first of them
      filled.resize(columns * kLanes);
      for (std::size_t l = 0; l < kLanes; ++l) {
        std::copy_n(source + (l < rows ? l : 0) * columns, columns, filled.data() + l * columns);
      }
      source = filled.data();
    }
    sum(source, columns, inverse, z.data(), tile);
    use(row, rows, tile, z.data());
  }
}

/// Calls add(sums, first row, rows, tile) for all tiles; one `Sums` for each piece of fixed length.
template <class Sums, class Add>
std::vector<Sums> each_piece(const Matrix& logits, double inverse, Add add) {
  std::vector<Sums> pieces((logits.rows + kGrain - 1) / kGrain);
  logits.values.visit([&](auto values) {
    thread_pool().parallel_for(
        0, std::int64_t(logits.rows), std::int64_t(kGrain), [&](std::int64_t first, std::int64_t last) {
          Sums sums{};
          each_tile(
              values, logits.columns, inverse, std::size_t(first), std::size_t(last),
              [&](std::size_t row, std::size_t rows, const Tile& tile, const double*) { add(sums, row, rows, tile); });
          pieces[std::size_t(first) / kGrain] = sums;
        });
  });
  return pieces;
}

}  // namespace

SoftmaxSums softmax_sums(const Matrix& logits, std::span<const std::int64_t> classes, Values weights, double inverse) {
  SoftmaxSums total;
  for (const SoftmaxSums& piece : each_piece<SoftmaxSums>(
           logits, inverse, [&](SoftmaxSums&sums, std::size_t row, std::size_t rows, const Tile&tile) {
             for (std::size_t l = 0; l < rows; ++l) {
               const std::size_t i = row + l;
               const double w = weights.empty() ? 1.0 : weights[i];
               const double mean = tile.sum_z[l] / tile.sum[l];
               const double g = w * (mean + (tile.largest[l] - logits(i, std::size_t(classes[i]))));
               sums.first += g;
               sums.second += w * std::max(0.0, tile.sum_zz[l] / tile.sum[l] - mean * mean);
               sums.squares += g * g;
             }
           })) {
    total.first += piece.first;
    total.second += piece.second;
    total.squares += piece.squares;
  }
  return total;
}

double softmax_log_loss(const Matrix& logits, std::span<const std::int64_t> classes, Values weights, double inverse) {
  double total = 0;
  for (const double piece :
       each_piece<double>(logits, inverse, [&](double&sum, std::size_t row, std::size_t rows, const Tile&tile) {
         for (std::size_t l = 0; l < rows; ++l) {
           const std::size_t i = row + l;
           const double w = weights.empty() ? 1.0 : weights[i];
           sum += w * (std::log(tile.sum[l]) + inverse * (tile.largest[l] - logits(i, std::size_t(classes[i]))));
         }
       })) {
    total += piece;
  }
  return total;
}

std::vector<double> softmax(const Matrix& logits, double inverse) {
  std::vector<double> result(logits.rows * logits.columns);
  logits.values.visit([&](auto values) {
    thread_pool().parallel_for(0, std::int64_t(logits.rows), std::int64_t(kGrain),
                               [&](std::int64_t first, std::int64_t last) {
                                 each_tile(values, logits.columns, inverse, std::size_t(first), std::size_t(last),
                                           [&](std::size_t row, std::size_t rows, const Tile& tile, const double* e) {
                                             for (std::size_t l = 0; l < rows; ++l) {
                                               double* to = result.data() + (row + l) * logits.columns;
                                               for (std::size_t c = 0; c < logits.columns; ++c) {
                                                 to[c] = e[c * kLanes + l] / tile.sum[l];
                                               }
                                             }
                                           });
                               });
  });
  return result;
}

}  // namespace oddity::metrics::detail
