#pragma once

#include <cmath>
#include <limits>

namespace oddity::metrics::detail {

/// A threshold in [next_lower, score) where next_lower is the largest other score below, or -infinity: `other >
/// threshold` is `other >= score` for all scores at hand. A float32 where one lies there, so that the decisions are the
/// same where a program compares in float32 (numpy rounds the threshold to the type of the array), and no subnormal one
/// where that is possible, because many programs take these for zero.
inline double just_below(double score, double next_lower) {
  constexpr float infinity = std::numeric_limits<float>::infinity(), normal = std::numeric_limits<float>::min();
  auto narrow = static_cast<float>(score);
  if (!(double(narrow) < score)) {
    narrow = std::nextafter(narrow, -infinity);
  }
  const float flushed = narrow == 0 || std::abs(narrow) >= normal ? narrow : narrow < 0 ? -normal : 0;
  if (double(flushed) >= next_lower) {
    return double(flushed);
  }
  return double(narrow) >= next_lower ? double(narrow)
                                      : std::nextafter(score, -std::numeric_limits<double>::infinity());
}

}  // namespace oddity::metrics::detail
