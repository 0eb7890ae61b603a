#include "metrics/weighted_counts.h"

#include <algorithm>

#include "metrics/gamma_distribution.h"
#include "oddity/metrics/intervals.h"

namespace oddity::metrics::detail {

void WeightedCounts::add(double weight, double count) {
  value_ += weight * count;
  variance_ += weight * weight * count;
  largest_weight_ = std::max(largest_weight_, weight);
}

WeightedCounts::Gamma WeightedCounts::lower_distribution() const {
  return value_ > 0 ? Gamma{value_ / variance_ * value_, variance_ / value_} : Gamma{0, 0};
}

WeightedCounts::Gamma WeightedCounts::upper_distribution() const {
  const double value = value_ + largest_weight_, variance = variance_ + largest_weight_ * largest_weight_;
  return value > 0 ? Gamma{value / variance * value, variance / value} : Gamma{0, 0};
}

double WeightedCounts::lower(double miss) const {
  const Gamma gamma = lower_distribution();
  return gamma.shape > 0 ? gamma.scale * gamma_quantile(miss, gamma.shape) : 0;
}

double WeightedCounts::upper(double miss) const {
  const Gamma gamma = upper_distribution();
  return gamma.shape > 0 ? gamma.scale * gamma_quantile(1 - miss, gamma.shape) : 0;
}

double share_lower(const WeightedCounts& a, const WeightedCounts& b, double miss) {
  const auto of_a = a.lower_distribution(), of_b = b.upper_distribution();
  if (of_a.shape == 0) {
    return 0;
  }
  if (of_b.shape == 0) {
    return 1;
  }
  const double share = beta_quantile(miss, of_a.shape, of_b.shape);
  return of_a.scale * share / (of_a.scale * share + of_b.scale * (1 - share));
}

double share_upper(const WeightedCounts& a, const WeightedCounts& b, double miss) {
  return 1 - share_lower(b, a, miss);
}

}  // namespace oddity::metrics::detail
