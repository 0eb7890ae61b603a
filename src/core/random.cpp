#include "core/random.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

namespace oddity {
namespace {

constexpr std::uint32_t multiplier_0 = 0xD2511F53u, multiplier_1 = 0xCD9E8D57u;
constexpr std::uint32_t weyl_0 = 0x9E3779B9u, weyl_1 = 0xBB67AE85u;

std::uint64_t mix(std::uint64_t x) {  // finaliser of splitmix64
  x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9ull;
  x = (x ^ (x >> 27)) * 0x94D049BB133111EBull;
  return x ^ (x >> 31);
}

std::uint64_t hash_of(std::string_view text) {  // FNV-1a
  std::uint64_t h = 0xCBF29CE484222325ull;
  for (const char c : text) {
    h = (h ^ static_cast<unsigned char>(c)) * 0x100000001B3ull;
  }
  return h;
}

#ifdef __SSE2__
constexpr std::size_t blocks_at_once = 8;

/// Eight blocks of consecutive counters, two in each register: a word is the lower half of a 64-bit lane, which is all
/// that a multiplication reads, so the upper halves may hold anything.
void philox_blocks(std::uint32_t* out, std::uint64_t counter, std::uint32_t index_low, std::uint32_t index_high,
                   std::array<std::uint32_t, 2> key) noexcept {
  constexpr std::size_t registers = blocks_at_once / 2;
  __m128i c0[registers], c1[registers], c2[registers], c3[registers];
  for (std::size_t r = 0; r < registers; ++r) {
    c0[r] = _mm_set_epi64x(static_cast<long long>(counter + 2 * r + 1), static_cast<long long>(counter + 2 * r));
    c1[r] = _mm_srli_epi64(c0[r], 32);
    c2[r] = _mm_set1_epi64x(index_low);
    c3[r] = _mm_set1_epi64x(index_high);
  }
  const __m128i m0 = _mm_set1_epi64x(multiplier_0), m1 = _mm_set1_epi64x(multiplier_1);
  for (int round = 0; round < 10; ++round) {
    const __m128i k0 = _mm_set1_epi64x(key[0]), k1 = _mm_set1_epi64x(key[1]);
    for (std::size_t r = 0; r < registers; ++r) {
      const __m128i p0 = _mm_mul_epu32(m0, c0[r]), p1 = _mm_mul_epu32(m1, c2[r]);
      c0[r] = _mm_xor_si128(_mm_xor_si128(_mm_srli_epi64(p1, 32), c1[r]), k0);
      c2[r] = _mm_xor_si128(_mm_xor_si128(_mm_srli_epi64(p0, 32), c3[r]), k1);
      c1[r] = p1;
      c3[r] = p0;
    }
    key[0] += weyl_0;
    key[1] += weyl_1;
  }
  for (std::size_t r = 0; r < registers; ++r) {
    // Words 0, 1 and 2, 3 of both blocks, each the lower half of a lane, side by side.
    const __m128i w01 = _mm_unpacklo_epi32(c0[r], c1[r]), w23 = _mm_unpacklo_epi32(c2[r], c3[r]);
    const __m128i v01 = _mm_unpackhi_epi32(c0[r], c1[r]), v23 = _mm_unpackhi_epi32(c2[r], c3[r]);
    _mm_storeu_si128(reinterpret_cast<__m128i*>(out + 8 * r), _mm_unpacklo_epi64(w01, w23));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(out + 8 * r + 4), _mm_unpacklo_epi64(v01, v23));
  }
}
#endif

}  // namespace

std::array<std::uint32_t, 4> philox(std::array<std::uint32_t, 4> counter, std::array<std::uint32_t, 2> key) noexcept {
  for (int round = 0; round < 10; ++round) {
    const std::uint64_t p0 = std::uint64_t{multiplier_0} * counter[0];
    const std::uint64_t p1 = std::uint64_t{multiplier_1} * counter[2];
    counter = {static_cast<std::uint32_t>(p1 >> 32) ^ counter[1] ^ key[0], static_cast<std::uint32_t>(p1),
               static_cast<std::uint32_t>(p0 >> 32) ^ counter[3] ^ key[1], static_cast<std::uint32_t>(p0)};
    key[0] += weyl_0;
    key[1] += weyl_1;
  }
  return counter;
}

RandomStream::RandomStream(std::uint64_t seed, std::string_view purpose, std::uint64_t index) noexcept {
  const std::uint64_t key = mix(seed * 0x9E3779B97F4A7C15ull + mix(hash_of(purpose)));
  key_ = {static_cast<std::uint32_t>(key), static_cast<std::uint32_t>(key >> 32)};
  counter_ = {0, 0, static_cast<std::uint32_t>(index), static_cast<std::uint32_t>(index >> 32)};
}

std::uint32_t RandomStream::bits() noexcept {
  if (used_ == 4) {
    block_ = philox(counter_, key_);
    used_ = 0;
    if (++counter_[0] == 0) {
      ++counter_[1];
    }
  }
  return block_[static_cast<std::size_t>(used_++)];
}

void RandomStream::fill(std::span<std::uint32_t> words) noexcept {
  std::size_t at = 0;
  while (at < words.size() && used_ < 4) {
    words[at++] = bits();
  }
#ifdef __SSE2__
  for (; words.size() - at >= 4 * blocks_at_once; at += 4 * blocks_at_once) {
    std::uint64_t counter = std::uint64_t{counter_[1]} << 32 | counter_[0];
    philox_blocks(words.data() + at, counter, counter_[2], counter_[3], key_);
    counter += blocks_at_once;
    counter_[0] = static_cast<std::uint32_t>(counter);
    counter_[1] = static_cast<std::uint32_t>(counter >> 32);
  }
#endif
  std::generate(words.begin() + static_cast<std::ptrdiff_t>(at), words.end(), [this] { return bits(); });
}

double RandomStream::uniform() noexcept {
  const std::uint64_t high = bits() >> 5, low = bits() >> 6;
  return (static_cast<double>(high) * 67108864.0 + static_cast<double>(low)) * (1.0 / 9007199254740992.0);
}

double RandomStream::uniform(double low, double high) noexcept { return low + (high - low) * uniform(); }

double RandomStream::log_uniform(double low, double high) noexcept {
  return std::exp(uniform(std::log(low), std::log(high)));
}

double RandomStream::normal() noexcept {
  const double u = 1.0 - uniform(), v = uniform();
  return std::sqrt(-2.0 * std::log(u)) * std::cos(2.0 * std::numbers::pi * v);
}

std::int64_t RandomStream::integer(std::int64_t low, std::int64_t high) noexcept {
  // Unsigned throughout: the width of a range may not fit a signed number.
  const std::uint64_t span = static_cast<std::uint64_t>(high) - static_cast<std::uint64_t>(low) + 1;
  if (span == 0) {
    return static_cast<std::int64_t>((std::uint64_t{bits()} << 32) | bits());
  }
  const std::uint64_t limit = ~std::uint64_t{0} - (~std::uint64_t{0} % span + 1) % span;  // largest unbiased value
  std::uint64_t x = 0;
  do {
    x = (std::uint64_t{bits()} << 32) | bits();
  } while (x > limit);
  return static_cast<std::int64_t>(static_cast<std::uint64_t>(low) + x % span);
}

bool RandomStream::chance(double probability) noexcept { return uniform() < probability; }

}  // namespace oddity
