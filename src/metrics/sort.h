#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <utility>
#include <vector>

/// Sorting of scores as unsigned integers. `descending_key` maps a finite float to an integer such that a larger score
/// has a smaller key and equal scores (also -0 and +0) have equal keys; ascending keys are descending scores.
namespace oddity::metrics::detail {

template <class T>
using KeyOf = std::conditional_t<sizeof(T) == 4, std::uint32_t, std::uint64_t>;

template <class T>
KeyOf<T> descending_key(T score) noexcept {
  using Key = KeyOf<T>;
  constexpr Key sign = Key(1) << (8 * sizeof(Key) - 1);
  const Key bits = std::bit_cast<Key>(score + T(0));  // -0 + 0 = +0
  return (bits & sign) != 0 ? bits : ~(bits | sign);
}

template <class T>
T score_of_key(KeyOf<T> key) noexcept {
  using Key = KeyOf<T>;
  constexpr Key sign = Key(1) << (8 * sizeof(Key) - 1);
  return std::bit_cast<T>((key & sign) != 0 ? key : Key(~key & ~sign));
}

/// Ascending sort of unsigned integers by the bits from `first_bit` upwards; stable in the bits below. Least
/// significant digit first, 11 bits a pass; passes in which all keys agree are skipped.
template <class Key>
void radix_sort(std::vector<Key>& keys, int first_bit = 0) {
  constexpr int bits = 8 * sizeof(Key);
  constexpr int digit_bits = 11;
  constexpr std::size_t buckets = std::size_t(1) << digit_bits;
  constexpr std::size_t small = 4096;
  if (keys.size() < small) {
    std::stable_sort(keys.begin(), keys.end(), [=](Key a, Key b) { return (a >> first_bit) < (b >> first_bit); });
    return;
  }
  const int passes = (bits - first_bit + digit_bits - 1) / digit_bits;
  std::vector<std::array<std::size_t, buckets>> counts(static_cast<std::size_t>(passes));
  for (auto& count : counts) {
    count.fill(0);
  }
  for (const Key key : keys) {
    for (int pass = 0; pass < passes; ++pass) {
      ++counts[std::size_t(pass)][std::size_t(key >> (first_bit + pass * digit_bits)) & (buckets - 1)];
    }
  }
  std::vector<Key> other;
  for (int pass = 0; pass < passes; ++pass) {
    auto& count = counts[std::size_t(pass)];
    if (std::find(count.begin(), count.end(), keys.size()) != count.end()) {
      continue;
    }
    std::size_t sum = 0;
    for (auto& c : count) {
      sum += std::exchange(c, sum);
    }
    other.resize(keys.size());
    const int shift = first_bit + pass * digit_bits;
    for (const Key key : keys) {
      other[count[std::size_t(key >> shift) & (buckets - 1)]++] = key;
    }
    keys.swap(other);
  }
}

}  // namespace oddity::metrics::detail
