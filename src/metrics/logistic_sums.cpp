#include "metrics/logistic_sums.h"

#include <algorithm>
#include <cmath>

#include "core/threads.h"
#include "metrics/exponential.h"

namespace oddity::metrics::detail {
namespace {

constexpr std::size_t kLanes = 8;
constexpr std::size_t kTile = 256;
constexpr std::size_t kGrain = 16384;  ///< samples of a piece, a multiple of kTile
constexpr std::size_t kSums = 10;      ///< loss, 3 of the gradient, 6 of the Hessian

/// What a tile of samples holds; filled up with weight 0. The label as the target t and 1 - t, each with all its
/// digits.
struct Tile {
  double x1[kTile], x2[kTile], target[kTile], rest[kTile], weight[kTile];
};
using Lanes = double[kSums][kLanes];

[[gnu::always_inline]] inline void add_tile(const Tile& tile, double a1, double a2, double c, Lanes& result) {
  Lanes sums{};  // here and not in the result: nothing that is stored can then be a sample
  for (std::size_t i = 0; i < kTile; i += kLanes) {
    for (std::size_t l = 0; l < kLanes; ++l) {
      const std::size_t s = i + l;
      const double x1 = tile.x1[s], x2 = tile.x2[s];
      const double f = c + a1 * x1 + a2 * x2;
      const double e = exp_of_negative(f < 0 ? f : -f);
      const double q = 1 / (1 + e);
      const double d = tile.weight[s] * (f < 0 ? e * q - tile.target[s] : tile.rest[s] - e * q);
      const double v = tile.weight[s] * (e * q * q);
      sums[0][l] += tile.weight[s] * (log_of_one_plus(e) + (f < 0 ? tile.target[s] * -f : tile.rest[s] * f));
      sums[1][l] += d * x1;
      sums[2][l] += d * x2;
      sums[3][l] += d;
      sums[4][l] += v * x1 * x1;
      sums[5][l] += v * x1 * x2;
      sums[6][l] += v * x1;
      sums[7][l] += v * x2 * x2;
      sums[8][l] += v * x2;
      sums[9][l] += v;
    }
  }
  for (std::size_t k = 0; k < kSums; ++k) {
    for (std::size_t l = 0; l < kLanes; ++l) {
      result[k][l] += sums[k][l];
    }
  }
}

[[gnu::always_inline]] inline void apply_logistic(double* f, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) {
    const double e = exp_of_negative(f[i] < 0 ? f[i] : -f[i]);
    f[i] = (f[i] < 0 ? e : 1.0) / (1 + e);
  }
}

[[gnu::always_inline]] inline void apply_beta(double* p, std::size_t count, double a, double b, double c) {
  for (std::size_t i = 0; i < count; ++i) {
    p[i] = a * log_of_fraction(p[i]) - b * log_of_fraction(1 - p[i]) + c;
  }
}

/// The loops for one instruction set. Chosen by hand: target_clones would have its resolver run before ThreadSanitizer
/// is up, which crashes.
struct Kernel {
  void (*add)(const Tile& tile, double a1, double a2, double c, Lanes& sums);
  void (*apply)(double* f, std::size_t count);
  void (*beta)(double* p, std::size_t count, double a, double b, double c);
};
[[gnu::target("avx512f")]] void add_tile_avx512(const Tile& tile, double a1, double a2, double c, Lanes& sums) {
  add_tile(tile, a1, a2, c, sums);
}
[[gnu::target("avx2")]] void add_tile_avx2(const Tile& tile, double a1, double a2, double c, Lanes& sums) {
  add_tile(tile, a1, a2, c, sums);
}
void add_tile_sse2(const Tile& tile, double a1, double a2, double c, Lanes& sums) { add_tile(tile, a1, a2, c, sums); }
[[gnu::target("avx512f")]] void apply_avx512(double* f, std::size_t count) { apply_logistic(f, count); }
[[gnu::target("avx2")]] void apply_avx2(double* f, std::size_t count) { apply_logistic(f, count); }
void apply_sse2(double* f, std::size_t count) { apply_logistic(f, count); }

[[gnu::target("avx512f")]] void beta_avx512(double* p, std::size_t count, double a, double b, double c) {
  apply_beta(p, count, a, b, c);
}
[[gnu::target("avx2")]] void beta_avx2(double* p, std::size_t count, double a, double b, double c) {
  apply_beta(p, count, a, b, c);
}
void beta_sse2(double* p, std::size_t count, double a, double b, double c) { apply_beta(p, count, a, b, c); }

const Kernel& kernel() {
  static const Kernel chosen = [] {
    __builtin_cpu_init();
    return __builtin_cpu_supports("avx512f") ? Kernel{add_tile_avx512, apply_avx512, beta_avx512}
           : __builtin_cpu_supports("avx2")  ? Kernel{add_tile_avx2, apply_avx2, beta_avx2}
                                             : Kernel{add_tile_sse2, apply_sse2, beta_sse2};
  }();
  return chosen;
}

void add_piece(const LogisticData& data, const std::array<double, 3>& parameters, std::size_t first, std::size_t last,
               std::array<double, kSums>& result) {
  Tile tile{};
  std::fill_n(tile.weight, kTile, 1.0);
  Lanes sums{};
  for (std::size_t i = first; i < last; i += kTile) {
    const std::size_t count = std::min(kTile, last - i);
    std::copy_n(data.features[0].data() + i, count, tile.x1);
    if (!data.features[1].empty()) {
      std::copy_n(data.features[1].data() + i, count, tile.x2);
    }
    for (std::size_t k = 0; k < count; ++k) {
      const bool defect = data.labels[i + k] != 0;
      tile.target[k] = defect ? 1 - data.drawn_defect : data.drawn_good;
      tile.rest[k] = defect ? data.drawn_defect : 1 - data.drawn_good;
    }
    if (!data.weights.empty()) {
      std::copy_n(data.weights.data() + i, count, tile.weight);
    }
    std::fill(tile.weight + count, tile.weight + kTile, 0.0);
    kernel().add(tile, parameters[0], parameters[1], parameters[2], sums);
  }
  for (std::size_t k = 0; k < kSums; ++k) {
    for (const double lane : sums[k]) {
      result[k] += lane;
    }
  }
}

}  // namespace

LogisticSums logistic_sums(const LogisticData& data, const std::array<double, 3>& parameters) {
  const std::size_t n = data.features[0].size();
  std::vector<std::array<double, kSums>> pieces((n + kGrain - 1) / kGrain);
  thread_pool().parallel_for(0, std::int64_t(n), std::int64_t(kGrain), [&](std::int64_t first, std::int64_t last) {
    add_piece(data, parameters, std::size_t(first), std::size_t(last), pieces[std::size_t(first) / kGrain]);
  });
  std::array<double, kSums> total{};
  for (const auto& piece : pieces) {
    for (std::size_t k = 0; k < kSums; ++k) {
      total[k] += piece[k];
    }
  }
  LogisticSums sums;
  sums.loss = total[0];
  std::copy_n(total.begin() + 1, 3, sums.gradient.begin());
  std::copy_n(total.begin() + 4, 6, sums.hessian.begin());
  return sums;
}

void logistic_of(std::span<double> f) {
  thread_pool().parallel_for(
      0, std::int64_t(f.size()), std::int64_t(kGrain),
      [&](std::int64_t first, std::int64_t last) { kernel().apply(f.data() + first, std::size_t(last - first)); });
}

void beta_log_odds(std::span<double> p, double a, double b, double c) {
  thread_pool().parallel_for(0, std::int64_t(p.size()), std::int64_t(kGrain),
                             [&](std::int64_t first, std::int64_t last) {
                               kernel().beta(p.data() + first, std::size_t(last - first), a, b, c);
                             });
}

}  // namespace oddity::metrics::detail
