#include "oddity/metrics/mean_bounds.h"

#include "metrics/check.h"
#include "metrics/column_bounds.h"

namespace oddity::metrics {

MeanUpperBound mean_upper_bound(Values losses, const MeanBoundOptions& options) {
  detail::require_not_empty("mean_upper_bound", "losses", losses.size());
  const detail::LossColumns column("mean_upper_bound", {losses, losses.size(), 1}, options);
  return {column.means()[0], detail::column_upper_bounds(column)[0], column.n()};
}

double mean_p_value(Values losses, double limit, const MeanBoundOptions& options) {
  constexpr const char* function = "mean_p_value";
  detail::require_not_empty(function, "losses", losses.size());
  const double share = detail::share_of_maximum(function, limit, options);
  return detail::column_p_values({function, {losses, losses.size(), 1}, options}, share, 1 - options.confidence)[0];
}

MeanUpperBounds mean_upper_bounds(const Matrix& losses, const MeanBoundOptions& options) {
  const detail::LossColumns columns("mean_upper_bounds", losses, options);
  return {columns.means(), detail::column_upper_bounds(columns), columns.n()};
}

std::vector<double> mean_p_values(const Matrix& losses, double limit, const MeanBoundOptions& options) {
  const double share = detail::share_of_maximum("mean_p_values", limit, options);
  return detail::column_p_values({"mean_p_values", losses, options}, share, 1 - options.confidence);
}

std::uint64_t lossless_samples_needed(double limit, const MeanBoundOptions& options) {
  const double share = detail::share_of_maximum("lossless_samples_needed", limit, options);
  return detail::lossless_needed(share, 1 - options.confidence, options.bound);
}

}  // namespace oddity::metrics
