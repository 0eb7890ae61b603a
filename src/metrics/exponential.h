#pragma once

#include <bit>
#include <cstdint>

/// Elementary functions as plain arithmetic, so that loops over them vectorise. Files that use them are compiled
/// without contraction to fused multiply-add: every instruction set then gives the same bits.
namespace oddity::metrics::detail {

/// exp(x) for x <= 0, to 3e-16 relative; 0 below -708.
[[gnu::always_inline]] inline double exp_of_negative(double x) {
  constexpr double shift = 0x1.8p52;  // adding it rounds to whole numbers, which then stand in the low bits
  const double clipped = x < -708.0 ? -708.0 : x;
  const double shifted = clipped * 1.4426950408889634 + shift;
  const double k = shifted - shift;
  // ln 2 in two parts; k times the first is exact.
  const double r = (clipped - k * 0x1.62e42fefa38p-1) - k * 0x1.ef35793c7673p-45;
  // Taylor series to r^13: the rest is below 1e-17 for |r| <= ln 2 / 2.
  double sum = 1.0 / 6227020800.0;
  sum = sum * r + 1.0 / 479001600.0;
  sum = sum * r + 1.0 / 39916800.0;
  sum = sum * r + 1.0 / 3628800.0;
  sum = sum * r + 1.0 / 362880.0;
  sum = sum * r + 1.0 / 40320.0;
  sum = sum * r + 1.0 / 5040.0;
  sum = sum * r + 1.0 / 720.0;
  sum = sum * r + 1.0 / 120.0;
  sum = sum * r + 1.0 / 24.0;
  sum = sum * r + 1.0 / 6.0;
  sum = sum * r + 0.5;
  sum = sum * (r * r) + r;
  const double power = std::bit_cast<double>((std::bit_cast<std::uint64_t>(shifted) + 1023) << 52);
  const double value = power + power * sum;
  return x < -708.0 ? 0.0 : value;
}

/// log(1 + e) for e in [0, 1], to 4e-16 relative: 2 artanh(e / (2 + e)) by its series.
[[gnu::always_inline]] inline double log_of_one_plus(double e) {
  const double z = e / (2 + e), zz = z * z;  // at most 1/3: the first term left out is below 1e-17
  double sum = 1.0 / 33.0;
  sum = sum * zz + 1.0 / 31.0;
  sum = sum * zz + 1.0 / 29.0;
  sum = sum * zz + 1.0 / 27.0;
  sum = sum * zz + 1.0 / 25.0;
  sum = sum * zz + 1.0 / 23.0;
  sum = sum * zz + 1.0 / 21.0;
  sum = sum * zz + 1.0 / 19.0;
  sum = sum * zz + 1.0 / 17.0;
  sum = sum * zz + 1.0 / 15.0;
  sum = sum * zz + 1.0 / 13.0;
  sum = sum * zz + 1.0 / 11.0;
  sum = sum * zz + 1.0 / 9.0;
  sum = sum * zz + 1.0 / 7.0;
  sum = sum * zz + 1.0 / 5.0;
  sum = sum * zz + 1.0 / 3.0;
  return 2 * (z + z * (zz * sum));
}

/// log(x) for normal x in (0, 1], to 4e-16 of its value.
[[gnu::always_inline]] inline double log_of_fraction(double x) {
  // x = 2^k m with m in [sqrt(1/2), sqrt(2)): the offset moves that boundary to the one of the exponent.
  const std::uint64_t bits = std::bit_cast<std::uint64_t>(x) + (0x3ff0000000000000U - 0x3fe6a09e667f3bcdU);
  const double k = std::bit_cast<double>((bits >> 52) | 0x4330000000000000U) - (0x1p52 + 1023);
  const double m = std::bit_cast<double>((bits & 0x000fffffffffffffU) + 0x3fe6a09e667f3bcdU);
  const double z = (m - 1) / (m + 1), zz = z * z;  // |z| < 0.172: the first term left out is below 1e-17
  double sum = 1.0 / 21.0;
  sum = sum * zz + 1.0 / 19.0;
  sum = sum * zz + 1.0 / 17.0;
  sum = sum * zz + 1.0 / 15.0;
  sum = sum * zz + 1.0 / 13.0;
  sum = sum * zz + 1.0 / 11.0;
  sum = sum * zz + 1.0 / 9.0;
  sum = sum * zz + 1.0 / 7.0;
  sum = sum * zz + 1.0 / 5.0;
  sum = sum * zz + 1.0 / 3.0;
  return k * 0x1.62e42fefa38p-1 + (k * 0x1.ef35793c7673p-45 + 2 * (z + z * (zz * sum)));
}

}  // namespace oddity::metrics::detail
