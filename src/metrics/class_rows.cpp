#include "metrics/class_rows.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <type_traits>

namespace oddity::metrics::detail {
namespace {

constexpr std::int64_t kOne = std::int64_t(1) << 52;

template <class T>
[[gnu::always_inline]] inline std::int64_t to_fixed(const T* probabilities, std::size_t n, std::int64_t* fixed) {
  constexpr std::size_t block = 1024;  // of at most 1 each: no overflow before the sum is looked at
  std::int64_t total = 0;
  for (std::size_t first = 0; first < n; first += block) {
    const std::size_t last = std::min(n, first + block);
    int outside = 0;
    std::int64_t sum = 0;
    for (std::size_t c = first; c < last; ++c) {
      const T p = probabilities[c];
      outside |= !(p >= T(0)) | !(p <= T(1));
      // The bits of 1 + p count in steps of 2^-52.
      const std::int64_t value = std::bit_cast<std::int64_t>(1.0 + double(p)) - std::bit_cast<std::int64_t>(1.0);
      fixed[c] = value;
      sum += value;
    }
    if (outside != 0 || (total += sum) > 2 * kOne) {
      return 0;
    }
  }
  return std::abs(mass_of(total) - 1) <= 1e-3 ? total : 0;
}

template <class T>
[[gnu::always_inline]] inline Above above(const T* probabilities, const std::int64_t* fixed, std::size_t n,
                                          std::size_t y) {
  const T own = probabilities[y];
  std::int64_t mass = 0, count = 0;
  for (std::size_t c = 0; c < y; ++c) {
    const std::int64_t take = -std::int64_t(probabilities[c] >= own);
    mass += fixed[c] & take;
    count -= take;
  }
  for (std::size_t c = y + 1; c < n; ++c) {
    const std::int64_t take = -std::int64_t(probabilities[c] > own);
    mass += fixed[c] & take;
    count -= take;
  }
  return {mass, count};
}

template <class T>
[[gnu::always_inline]] inline Above above_value(const T* probabilities, const std::int64_t* fixed, std::size_t n,
                                                T value) {
  std::int64_t mass = 0, count = 0;
  for (std::size_t c = 0; c < n; ++c) {
    const std::int64_t take = -std::int64_t(probabilities[c] > value);
    mass += fixed[c] & take;
    count -= take;
  }
  return {mass, count};
}

/// 64 bytes of 0 or 1 as the bits of a word.
[[gnu::always_inline]] inline std::uint64_t packed(const std::uint8_t* bytes) {
  std::uint64_t word = 0;
  for (int i = 0; i < 8; ++i) {
    std::uint64_t eight = 0;
    std::memcpy(&eight, bytes + 8 * i, 8);
    word |= (eight * 0x0102040810204080u) >> 56 << (8 * i);  // moves bit 8 j to bit 56 + j
  }
  return word;
}

template <class Holds>
[[gnu::always_inline]] inline std::size_t mark(std::size_t n, std::uint64_t* words, Holds holds) {
  alignas(64) std::uint8_t bytes[64];
  std::size_t marked = 0, first = 0;
  for (; first + 64 <= n; first += 64) {
    for (std::size_t i = 0; i < 64; ++i) {
      bytes[i] = std::uint8_t(holds(first + i));
    }
    marked += std::size_t(std::popcount(*words++ = packed(bytes)));
  }
  if (first < n) {
    std::memset(bytes, 0, sizeof(bytes));
    for (std::size_t i = 0; i < n - first; ++i) {
      bytes[i] = std::uint8_t(holds(first + i));
    }
    marked += std::size_t(std::popcount(*words = packed(bytes)));
  }
  return marked;
}

template <class T>
[[gnu::always_inline]] inline void to_buckets(const T* probabilities, std::size_t n, std::uint8_t* buckets) {
  using Bits = std::conditional_t<sizeof(T) == 4, std::int32_t, std::int64_t>;
  constexpr int shift = sizeof(T) == 4 ? 20 : 49;  // leaves 3 bits of the mantissa
  for (std::size_t c = 0; c < n; ++c) {
    const Bits steps = (std::bit_cast<Bits>(T(1)) - std::bit_cast<Bits>(probabilities[c] + T(0))) >> shift;
    buckets[c] = std::uint8_t(std::min(steps, Bits(kBuckets - 1)));
  }
}

// The same text for two vector widths. All arithmetic is exact, so they agree bit for bit. Chosen by hand: the
// resolvers of target_clones would run before ThreadSanitizer is up.
const bool has_avx2 = [] {
  __builtin_cpu_init();
  return bool(__builtin_cpu_supports("avx2"));
}();

template <auto Function, class... Arguments>
[[gnu::target("avx2")]] auto with_avx2(Arguments... arguments) {
  return Function(arguments...);
}

template <auto Function, class... Arguments>
auto call(Arguments... arguments) {
  return has_avx2 ? with_avx2<Function>(arguments...) : Function(arguments...);
}

template <class T>
[[gnu::always_inline]] inline std::size_t lac_at_most(const T* probabilities, std::size_t n, double limit,
                                                      std::uint64_t* words) {
  return mark(n, words, [=](std::size_t c) { return 1.0 - double(probabilities[c]) <= limit; });
}
template <class T>
[[gnu::always_inline]] inline std::size_t larger(const T* probabilities, std::size_t n, T value, std::uint64_t* words) {
  return mark(n, words, [=](std::size_t c) { return probabilities[c] > value; });
}
[[gnu::always_inline]] inline std::size_t at_most(const double* scores, std::size_t n, double limit,
                                                  std::uint64_t* words) {
  return mark(n, words, [=](std::size_t c) { return scores[c] <= limit; });
}
[[gnu::always_inline]] inline std::size_t each_at_most(const double* scores, std::size_t n, const double* limits,
                                                       std::uint64_t* words) {
  return mark(n, words, [=](std::size_t c) { return scores[c] <= limits[c]; });
}

}  // namespace

std::int64_t fixed_point(const float* probabilities, std::size_t n, std::int64_t* fixed) {
  return call<to_fixed<float>>(probabilities, n, fixed);
}
std::int64_t fixed_point(const double* probabilities, std::size_t n, std::int64_t* fixed) {
  return call<to_fixed<double>>(probabilities, n, fixed);
}

Above ranked_above(const float* probabilities, const std::int64_t* fixed, std::size_t n, std::size_t y) {
  return call<above<float>>(probabilities, fixed, n, y);
}
Above ranked_above(const double* probabilities, const std::int64_t* fixed, std::size_t n, std::size_t y) {
  return call<above<double>>(probabilities, fixed, n, y);
}
Above ranked_above(const float* probabilities, const std::int64_t* fixed, std::size_t n, float value) {
  return call<above_value<float>>(probabilities, fixed, n, value);
}
Above ranked_above(const double* probabilities, const std::int64_t* fixed, std::size_t n, double value) {
  return call<above_value<double>>(probabilities, fixed, n, value);
}

void bucket_of_each(const float* probabilities, std::size_t n, std::uint8_t* buckets) {
  call<to_buckets<float>>(probabilities, n, buckets);
}
void bucket_of_each(const double* probabilities, std::size_t n, std::uint8_t* buckets) {
  call<to_buckets<double>>(probabilities, n, buckets);
}

std::size_t mark_lac(const float* probabilities, std::size_t n, double limit, std::uint64_t* words) {
  return call<lac_at_most<float>>(probabilities, n, limit, words);
}
std::size_t mark_lac(const double* probabilities, std::size_t n, double limit, std::uint64_t* words) {
  return call<lac_at_most<double>>(probabilities, n, limit, words);
}
std::size_t mark_above(const float* probabilities, std::size_t n, float value, std::uint64_t* words) {
  return call<larger<float>>(probabilities, n, value, words);
}
std::size_t mark_above(const double* probabilities, std::size_t n, double value, std::uint64_t* words) {
  return call<larger<double>>(probabilities, n, value, words);
}
std::size_t mark_at_most(const double* scores, std::size_t n, double limit, std::uint64_t* words) {
  return call<at_most>(scores, n, limit, words);
}
std::size_t mark_at_most(const double* scores, std::size_t n, const double* limits, std::uint64_t* words) {
  return call<each_at_most>(scores, n, limits, words);
}

}  // namespace oddity::metrics::detail
