#include "metrics/p_value_order.h"

#include <algorithm>
#include <bit>
#include <limits>

#include "metrics/check.h"
#include "metrics/sort.h"

namespace oddity::metrics::detail {

PValueOrder order_p_values(const char* function, Values p_values) {
  const std::size_t n = p_values.size();
  require_not_empty(function, "p_values", n);
  if (n > std::numeric_limits<std::uint32_t>::max()) {
    refuse(function, "p_values are too many; got ", n, "; expected fewer than 2^32");
  }
  // The bits of a double in [0, 1] ascend with it and the first two are 0. The index replaces the last bits, so that a
  // key is sorted with it in 8 bytes; where those last bits mattered, the few values concerned are sorted again.
  const int index_bits = std::bit_width(n - 1);
  const std::uint64_t index_mask = (std::uint64_t(1) << index_bits) - 1;
  std::vector<std::uint64_t> keys(n);
  p_values.visit([&](auto span) {
    for (std::size_t i = 0; i < n; ++i) {
      const double p = span[i];
      if (!(p >= 0 && p <= 1)) {
        refuse(function, "p_values are out of range; got ", p, " at index ", i, "; expected values in [0, 1]");
      }
      keys[i] = ((std::bit_cast<std::uint64_t>(p + 0.0) << 2) & ~index_mask) | i;
    }
  });
  radix_sort(keys, index_bits);
  PValueOrder order;
  order.values.resize(n);
  order.indices.resize(n);
  bool ascending = true;
  p_values.visit([&](auto span) {
    for (std::size_t k = 0; k < n; ++k) {
      order.indices[k] = std::uint32_t(keys[k] & index_mask);
      order.values[k] = span[order.indices[k]];
      ascending = ascending && (k == 0 || order.values[k - 1] <= order.values[k]);
    }
  });
  for (std::size_t first = 0; !ascending && first < n;) {
    std::size_t last = first + 1;
    while (last < n && (keys[last] & ~index_mask) == (keys[first] & ~index_mask)) {
      ++last;
    }
    if (!std::is_sorted(order.values.begin() + std::ptrdiff_t(first), order.values.begin() + std::ptrdiff_t(last))) {
      const auto indices = std::span(order.indices).subspan(first, last - first);
      std::sort(indices.begin(), indices.end(), [&](std::uint32_t a, std::uint32_t b) {
        return p_values[a] != p_values[b] ? p_values[a] < p_values[b] : a < b;
      });
      std::transform(indices.begin(), indices.end(), order.values.begin() + std::ptrdiff_t(first),
                     [&](std::uint32_t i) { return p_values[i]; });
    }
    first = last;
  }
  return order;
}

}  // namespace oddity::metrics::detail
