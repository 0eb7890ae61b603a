#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include "metrics/check.h"
#include "metrics/sort.h"

/// Which score comes where. Indices of 32 bits: `require_indexable` refuses more samples.
namespace oddity::metrics::detail {

inline void require_indexable(const char* function, const char* name, std::size_t samples) {
  if (samples > std::numeric_limits<std::uint32_t>::max()) {
    refuse(function, name, " are too many; got ", samples, "; expected at most 2^32 - 1");
  }
}

/// Indices of finite scores from the largest to the smallest; equal scores keep their order. O(n).
template <class T>
std::vector<std::uint32_t> descending_order(std::span<const T> scores) {
  std::vector<std::uint64_t> packed(scores.size());  // leading 32 bits of the key << 32 | index
  constexpr int shift = 8 * sizeof(T) - 32;
  for (std::size_t i = 0; i < scores.size(); ++i) {
    packed[i] = std::uint64_t(descending_key(scores[i]) >> shift) << 32 | i;
  }
  radix_sort(packed, 32);
  if constexpr (sizeof(T) == 8) {
    // Scores with equal leading bits, of which there are few, by what remains of their keys.
    std::vector<std::uint64_t> run;
    for (std::size_t first = 0; first < packed.size();) {
      std::size_t last = first + 1;
      while (last < packed.size() && (packed[last] >> 32) == (packed[first] >> 32)) {
        ++last;
      }
      if (last - first > 1) {
        run.assign(packed.begin() + std::ptrdiff_t(first), packed.begin() + std::ptrdiff_t(last));
        for (std::uint64_t& entry : run) {
          const auto index = std::uint32_t(entry);
          entry = (descending_key(scores[index]) & 0xffffffffU) << 32 | index;
        }
        run.size() < 4096 ? std::sort(run.begin(), run.end()) : radix_sort(run, 32);
        std::copy(run.begin(), run.end(), packed.begin() + std::ptrdiff_t(first));
      }
      first = last;
    }
  }
  std::vector<std::uint32_t> order(packed.size());
  std::transform(packed.begin(), packed.end(), order.begin(), [](std::uint64_t entry) { return std::uint32_t(entry); });
  return order;
}

}  // namespace oddity::metrics::detail
