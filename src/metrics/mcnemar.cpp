#include <algorithm>
#include <cmath>

#include "metrics/check.h"
#include "oddity/metrics/intervals.h"
#include "oddity/metrics/paired_tests.h"

namespace oddity::metrics {
namespace {

using detail::refuse;

void require_parts(const char* function, const PairedCounts& counts) {
  constexpr std::uint64_t most = std::uint64_t(1) << 53;
  for (const std::uint64_t count : {counts.both, counts.only_a, counts.only_b, counts.neither}) {
    if (count > most / 4) {
      refuse(function, "counts are too large; got ", count, "; expected at most 2^51");
    }
  }
  if (counts.n() == 0) {
    refuse(function, "there are no parts; got four counts of 0");
  }
}

}  // namespace

PairedCounts paired_counts(std::span<const std::uint8_t> a, std::span<const std::uint8_t> b) {
  constexpr const char* function = "paired_counts";
  detail::require_same_length(function, "a", a.size(), "b", b.size());
  detail::require_not_empty(function, "a", a.size());
  std::uint64_t counts[4] = {};
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (a[i] > 1 || b[i] > 1) {
      refuse(function, a[i] > 1 ? "a" : "b", " must be 0 or 1; got ", int(a[i] > 1 ? a[i] : b[i]), " at index ", i);
    }
    ++counts[2 * a[i] + b[i]];
  }
  return {.both = counts[3], .only_a = counts[2], .only_b = counts[1], .neither = counts[0]};
}

McNemar mcnemar(const PairedCounts& counts) {
  require_parts("mcnemar", counts);
  McNemar test;
  test.only_a = counts.only_a;
  test.only_b = counts.only_b;
  const std::uint64_t n = counts.only_a + counts.only_b, fewer = std::min(counts.only_a, counts.only_b);
  if (n == 0) {
    return test;
  }
  const double observed = binomial_probability(fewer, n, 0.5);
  test.exact = std::min(1.0, 2 * binomial_cdf(fewer, n, 0.5));
  // Equal counts are the centre itself: everything else is more extreme.
  test.mid_p = counts.only_a == counts.only_b ? 1 - 0.5 * observed : test.exact - observed;
  return test;
}

PairedDifference newcombe_difference(const PairedCounts& counts, double confidence) {
  constexpr const char* function = "newcombe_difference";
  detail::require_open_unit(function, "confidence", confidence);
  require_parts(function, counts);
  const double both = double(counts.both), only_a = double(counts.only_a), only_b = double(counts.only_b),
               neither = double(counts.neither);
  const std::uint64_t n = counts.n(), in_a = counts.both + counts.only_a, in_b = counts.both + counts.only_b;
  PairedDifference result;
  result.n = n;
  result.rate_a = double(in_a) / double(n);
  result.rate_b = double(in_b) / double(n);
  result.difference = (only_a - only_b) / double(n);
  const Interval of_a = wilson(in_a, n, confidence), of_b = wilson(in_b, n, confidence);

  double phi = 0;
  const double margins = (both + only_a) * (only_b + neither) * (both + only_b) * (only_a + neither);
  if (margins > 0) {
    const double cross = both * neither - only_a * only_b;
    phi = (cross > 0 ? std::max(0.0, cross - double(n) / 2) : cross) / std::sqrt(margins);
  }
  // Squares of sides of a triangle with angle arccos phi: not negative but for rounding.
  const auto third_side = [&](double x, double y) { return std::sqrt(std::max(0.0, x * x - 2 * phi * x * y + y * y)); };
  result.low = std::max(-1.0, result.difference - third_side(result.rate_a - of_a.low, of_b.high - result.rate_b));
  result.high = std::min(1.0, result.difference + third_side(of_a.high - result.rate_a, result.rate_b - of_b.low));
  return result;
}

}  // namespace oddity::metrics
