#pragma once

#include <cmath>

namespace oddity::metrics::detail {

/// The root of a continuous function between `a` and `b`, at which its signs differ: regula falsi with halved ends
/// (Anderson and Bjorck 1973), bisection when that is slow. To `tolerance` in the argument.
template <class Function>
double root_between(Function function, double a, double b, double tolerance) {
  double at_a = function(a), at_b = function(b);
  if (at_a == 0 || at_b == 0) {
    return at_a == 0 ? a : b;
  }
  double width = std::abs(b - a);
  for (int step = 0; step < 200 && std::abs(b - a) > tolerance; ++step) {
    double next = b - at_b * ((b - a) / (at_b - at_a));
    if (step % 3 == 2) {  // whoever has not shrunk the bracket to a quarter in three steps is bisected
      next = std::abs(b - a) > 0.25 * width ? 0.5 * (a + b) : next;
      width = std::abs(b - a);
    }
    const double at_next = function(next);
    if (at_next == 0) {
      return next;
    }
    if ((at_next > 0) != (at_b > 0)) {
      a = b;
      at_a = at_b;
    } else {
      const double factor = 1 - at_next / at_b;
      at_a *= factor > 0 ? factor : 0.5;
    }
    const bool still = next == b;
    b = next;
    at_b = at_next;
    if (still) {
      break;
    }
  }
  return b;
}

}  // namespace oddity::metrics::detail
