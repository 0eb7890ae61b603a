#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <span>
#include <vector>

#include "metrics/check.h"

namespace oddity::metrics::detail {

/// What is drawn, swapped or left out as a whole: a group of samples, or a single sample where no groups are given.
struct Units {
  std::vector<std::uint32_t> of_sample;  ///< 0 .. count - 1, by ascending group
  std::size_t count = 0;
};

inline Units units_of(const char* function, std::span<const std::int64_t> groups, std::size_t samples) {
  if (!groups.empty() && groups.size() != samples) {
    refuse(function, "groups must be one for each sample; got ", groups.size(), " for ", samples, " samples");
  }
  Units units;
  units.of_sample.resize(samples);
  if (groups.empty()) {
    std::iota(units.of_sample.begin(), units.of_sample.end(), std::uint32_t(0));
    units.count = samples;
    return units;
  }
  std::vector<std::int64_t> distinct(groups.begin(), groups.end());
  std::sort(distinct.begin(), distinct.end());
  distinct.erase(std::unique(distinct.begin(), distinct.end()), distinct.end());
  for (std::size_t i = 0; i < samples; ++i) {
    const auto at = std::lower_bound(distinct.begin(), distinct.end(), groups[i]);
    units.of_sample[i] = std::uint32_t(at - distinct.begin());
  }
  units.count = distinct.size();
  return units;
}

}  // namespace oddity::metrics::detail
