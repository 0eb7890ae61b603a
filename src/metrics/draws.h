#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "core/random.h"

namespace oddity::metrics::detail {

/// Adds as many draws with replacement as there are counts: draws are uniform over the counts and independent, so that
/// counts are multinomial. Uniform without bias by multiplication and rejection (Lemire 2019). At most 2^32 - 1 counts.
/// A count of 8 bits holds every draw of up to 255 counts; with more counts one of 256 has a probability below 1e-500.
template <class Count>
void draw_with_replacement(RandomStream& random, std::span<Count> counts) {
  const auto n = std::uint32_t(counts.size());
  if (n == 0) {
    return;
  }
  const std::uint32_t rejected = (0U - n) % n;  // 2^32 mod n
  std::array<std::uint32_t, 1024> words;
  for (std::size_t missing = n; missing > 0;) {
    const std::span<std::uint32_t> some(words.data(), std::min(words.size(), missing));
    random.fill(some);
    for (const std::uint32_t word : some) {
      const std::uint64_t product = std::uint64_t(word) * n;
      const bool taken = std::uint32_t(product) >= rejected;
      counts[std::size_t(product >> 32)] = Count(counts[std::size_t(product >> 32)] + taken);
      missing -= taken;
    }
  }
}

}  // namespace oddity::metrics::detail
