#include "oddity/metrics/false_discovery_bounds.h"

#include <algorithm>
#include <cmath>

#include "metrics/check.h"
#include "metrics/p_value_order.h"

namespace oddity::metrics {
namespace {

using detail::refuse;

/// Whether Simes' test rejects that all of the `size` largest p-values belong to good parts.
bool simes_rejects_largest(std::span<const double> ascending, std::size_t size, double level) {
  const auto largest = ascending.last(size);
  for (std::size_t j = 0; j < size; ++j) {
    if (largest[j] * double(size) <= double(j + 1) * level) {
      return true;
    }
  }
  return false;
}

/// Hommel's h. A set of the largest that is not rejected has no rejected subset of the largest: bisection.
std::size_t hommel(std::span<const double> ascending, double level) {
  std::size_t low = 0, high = ascending.size();
  while (low < high) {
    const std::size_t middle = (low + high + 1) / 2;
    if (simes_rejects_largest(ascending, middle, level)) {
      high = middle - 1;
    } else {
      low = middle;
    }
  }
  return low;
}

/// For selections that grow by one p-value at a time, in ascending order: how many of them are true outliers at least.
class TrueDiscoveries {
public:
  TrueDiscoveries(std::size_t null_count, double level) : null_count_(double(null_count)), level_(level) {}

  std::uint64_t add(double p) {
    // With u the first that counts this p-value (and so all before it), the bound is 1 - u + how many there are;
    // smaller u count what was there earlier.
    ++count_;
    const double u = std::max(1.0, std::ceil(null_count_ * p / level_));
    if (u <= double(count_)) {
      found_ = std::max(found_, count_ + 1 - std::uint64_t(u));
    }
    return found_;
  }

private:
  double null_count_, level_;
  std::uint64_t count_ = 0, found_ = 0;
};

double level_of(double delta) { return delta * (1 + detail::level_slack); }

}  // namespace

FalseDiscoveryBounds false_discovery_bounds(Values p_values, double delta) {
  constexpr const char* function = "false_discovery_bounds";
  detail::require_open_unit(function, "delta", delta);
  FalseDiscoveryBounds result;
  result.p_values = detail::order_p_values(function, p_values).values;
  result.n = result.p_values.size();
  result.delta = delta;
  result.null_count = hommel(result.p_values, level_of(delta));
  result.false_discoveries.resize(result.n);
  TrueDiscoveries found(result.null_count, level_of(delta));
  for (std::size_t k = 0; k < result.n; ++k) {
    result.false_discoveries[k] = k + 1 - found.add(result.p_values[k]);
  }
  return result;
}

SelectionBound false_discovery_bound(Values p_values, std::span<const std::uint8_t> selected, double delta) {
  constexpr const char* function = "false_discovery_bound";
  detail::require_open_unit(function, "delta", delta);
  detail::require_same_length(function, "p_values", p_values.size(), "selected", selected.size());
  for (std::size_t i = 0; i < selected.size(); ++i) {
    if (selected[i] > 1) {
      refuse(function, "selected must be 0 or 1; got ", int(selected[i]), " at index ", i);
    }
  }
  const detail::PValueOrder order = detail::order_p_values(function, p_values);
  TrueDiscoveries found(hommel(order.values, level_of(delta)), level_of(delta));
  SelectionBound result;
  for (std::size_t k = 0; k < order.values.size(); ++k) {
    if (selected[order.indices[k]] != 0) {
      ++result.selected;
      result.false_discoveries = result.selected - found.add(order.values[k]);
    }
  }
  if (result.selected > 0) {
    result.proportion = double(result.false_discoveries) / double(result.selected);
  }
  return result;
}

}  // namespace oddity::metrics
