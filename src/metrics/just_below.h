#pragma once

#include <cmath>
#include <limits>

namespace oddity::metrics::detail {

/// The largest number below a score in the score's own type: `other > just_below(score)` is `other >= score` for scores
/// of that type, also where a program compares in float32 (numpy rounds the threshold to the type of the array).
template <class Score>
double just_below(Score score) {
  return double(std::nextafter(score, -std::numeric_limits<Score>::infinity()));
}

}  // namespace oddity::metrics::detail
