#pragma once

#include <cstddef>
#include <span>

namespace oddity::metrics::detail {

/// Number of `knots` (ascending) below x, or with `Equal` at or below it. `hint` is the answer for the value before:
/// sorted and repeated values are then found at once. Without branches on the values otherwise.
template <bool Equal>
std::size_t knots_below(std::span<const double> knots, double x, std::size_t hint) {
  const auto counts = [&](double knot) { return Equal ? knot <= x : knot < x; };
  if ((hint == 0 || counts(knots[hint - 1])) && (hint == knots.size() || !counts(knots[hint]))) {
    return hint;
  }
  const double* first = knots.data();
  std::size_t left = knots.size();
  while (left > 1) {
    const std::size_t half = left / 2;
    first += counts(first[half - 1]) ? half : 0;
    left -= half;
  }
  return std::size_t(first - knots.data()) + (left == 1 && counts(*first) ? 1 : 0);
}

}  // namespace oddity::metrics::detail
