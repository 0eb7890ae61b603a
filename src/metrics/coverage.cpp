#include "oddity/metrics/coverage.h"

#include <limits>

namespace oddity::metrics {

Coverage coverage_of(std::uint64_t covered, std::uint64_t n, double confidence) {
  const Interval interval = clopper_pearson(covered, n, confidence);
  const double value = n > 0 ? double(covered) / double(n) : std::numeric_limits<double>::quiet_NaN();
  return {n, covered, value, interval};
}

}  // namespace oddity::metrics
