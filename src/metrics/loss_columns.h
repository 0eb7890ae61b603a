#pragma once

#include <cstddef>
#include <vector>

#include "oddity/metrics/mean_bounds.h"
#include "oddity/metrics/values.h"

namespace oddity::metrics::detail {

/// Of L in [0, 1], the losses over their maximum.
struct LossMoments {
  double sum = 0, squares = 0;  ///< of L, and of L - mean (for empirical_bernstein only)
};

/// A table [n, settings] of losses in [0, maximum], checked and summed up by column. Errors bear the caller's name.
class LossColumns {
public:
  LossColumns(const char* function, const Matrix& losses, const MeanBoundOptions& options);

  const Matrix& losses() const noexcept { return losses_; }
  std::size_t n() const noexcept { return losses_.rows; }
  std::size_t settings() const noexcept { return losses_.columns; }
  const MeanBoundOptions& options() const noexcept { return options_; }
  /// The maximum as losses of the table's type reach it: float(0.1) is above 0.1.
  double largest() const noexcept { return largest_; }
  const std::vector<LossMoments>& moments() const noexcept { return moments_; }
  std::vector<double> means() const;

private:
  const Matrix losses_;
  const MeanBoundOptions options_;
  double largest_ = 1;
  std::vector<LossMoments> moments_;
};

/// The limit over the maximum, at least 1e-8: no sample is large enough to show less.
double share_of_maximum(const char* function, double limit, const MeanBoundOptions& options);

}  // namespace oddity::metrics::detail
