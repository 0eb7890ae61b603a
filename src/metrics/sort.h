#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <type_traits>
#include <utility>
#include <vector>

#include "core/threads.h"

/// Sorting of scores as unsigned integers. `descending_key` maps a finite float to an integer such that a larger score
/// has a smaller key and equal scores (also -0 and +0) have equal keys; ascending keys are descending scores.
namespace oddity::metrics::detail {

template <class T>
using KeyOf = std::conditional_t<sizeof(T) == 4, std::uint32_t, std::uint64_t>;
/// The score type of a key.
template <class Key>
using ScoreOf = std::conditional_t<sizeof(Key) == 4, float, double>;

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

/// Ascending sort of records by the bits of `key_of(record)` (an unsigned integer) from `first_bit` upwards; stable, so
/// that the result is unique and does not depend on the number of threads. Least significant digit first, 8 bits a
/// pass (256 streams of writes fit the first-level cache and the TLB); passes in which all keys agree are skipped. On
/// each pass every thread counts and then scatters one stretch of the records.
template <class Record, class KeyFunction = std::identity>
void radix_sort(std::vector<Record>& records, int first_bit = 0, KeyFunction key_of = {}) {
  using Key = std::remove_cvref_t<std::invoke_result_t<KeyFunction, const Record&>>;
  constexpr int bits = 8 * sizeof(Key);
  constexpr std::size_t buckets = 256, small = 4096, stretch = std::size_t(1) << 17;
  const std::size_t n = records.size();
  if (n < small) {
    std::stable_sort(records.begin(), records.end(), [&](const Record& a, const Record& b) {
      return (key_of(a) >> first_bit) < (key_of(b) >> first_bit);
    });
    return;
  }
  const std::size_t threads = n < 2 * stretch ? 1 : std::size_t(thread_pool().size());
  const std::size_t grain = std::max((n + threads - 1) / threads, stretch);
  std::vector<std::array<std::size_t, buckets>> counts((n + grain - 1) / grain);
  std::vector<Record> other;
  for (int shift = first_bit; shift < bits; shift += 8) {
    const auto digit = [&](const Record& record) { return std::size_t(key_of(record) >> shift) & (buckets - 1); };
    const auto each_stretch = [&](auto work) {
      thread_pool().parallel_for(0, std::int64_t(n), std::int64_t(grain), [&](std::int64_t first, std::int64_t last) {
        work(counts[std::size_t(first) / grain], std::size_t(first), std::size_t(last));
      });
    };
    each_stretch([&](std::array<std::size_t, buckets>& count, std::size_t first, std::size_t last) {
      std::array<std::size_t, buckets> own{};  // on the thread's stack: neighbours in `counts` share cache lines
      for (std::size_t i = first; i < last; ++i) {
        ++own[digit(records[i])];
      }
      count = own;
    });
    std::size_t sum = 0;
    bool one_bucket = false;
    for (std::size_t bucket = 0; bucket < buckets; ++bucket) {
      const std::size_t before = sum;
      for (auto& count : counts) {
        sum += std::exchange(count[bucket], sum);
      }
      one_bucket = one_bucket || sum - before == n;
    }
    if (one_bucket) {
      continue;
    }
    other.resize(n);
    each_stretch([&](std::array<std::size_t, buckets>& count, std::size_t first, std::size_t last) {
      auto next = count;
      for (std::size_t i = first; i < last; ++i) {
        other[next[digit(records[i])]++] = records[i];
      }
    });
    records.swap(other);
  }
}

}  // namespace oddity::metrics::detail
