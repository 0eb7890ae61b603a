#include "oddity/metrics/false_discovery.h"

#include <algorithm>
#include <cmath>

#include "metrics/check.h"
#include "metrics/p_value_order.h"

namespace oddity::metrics {
namespace {

/// Benjamini-Hochberg with p-values times `factor`.
Discoveries step_up(const detail::PValueOrder& order, double level, double factor) {
  const std::size_t n = order.values.size();
  Discoveries result;
  result.n = n;
  result.level = level;
  result.adjusted.resize(n);
  result.rejected.resize(n);
  const double low = level * (1 - detail::level_slack), high = level * (1 + detail::level_slack);
  const double scale = factor * double(n);
  double smallest = 1;
  for (std::size_t k = n; k-- > 0;) {
    const double p = order.values[k];
    double adjusted = std::min(smallest, p * scale / double(k + 1));
    adjusted = adjusted >= low && adjusted <= high ? level : adjusted;
    smallest = adjusted;
    const bool rejected = adjusted <= level;
    const std::uint32_t i = order.indices[k];
    result.adjusted[i] = adjusted;
    result.rejected[i] = rejected;
    if (rejected && result.count == 0) {
      result.count = k + 1;
      result.threshold = p;
    }
  }
  return result;
}

}  // namespace

Discoveries benjamini_hochberg(Values p_values, double level) {
  constexpr const char* function = "benjamini_hochberg";
  detail::require_open_unit(function, "level", level);
  return step_up(detail::order_p_values(function, p_values), level, 1);
}

Discoveries benjamini_yekutieli(Values p_values, double level) {
  constexpr const char* function = "benjamini_yekutieli";
  detail::require_open_unit(function, "level", level);
  double harmonic = 0;
  for (std::size_t i = p_values.size(); i > 0; --i) {  // small terms first
    harmonic += 1 / double(i);
  }
  return step_up(detail::order_p_values(function, p_values), level, harmonic);
}

Discoveries storey(Values p_values, double level, double lambda) {
  constexpr const char* function = "storey";
  detail::require_open_unit(function, "level", level);
  detail::require_open_unit(function, "lambda", lambda);
  const detail::PValueOrder order = detail::order_p_values(function, p_values);
  const auto above = order.values.end() - std::lower_bound(order.values.begin(), order.values.end(), lambda);
  const double null_share = (1 + double(above)) / (double(p_values.size()) * (1 - lambda));
  Discoveries result = step_up(order, level, null_share);
  result.null_share = null_share;
  return result;
}

}  // namespace oddity::metrics
