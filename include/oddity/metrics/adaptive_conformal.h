#pragma once

#include <cstddef>

namespace oddity::metrics {

/// Adaptive conformal inference for streams whose distribution drifts (Gibbs and Candes 2021): alpha_{t+1} = alpha_t +
/// gamma (alpha - err_t). Whatever happens, also against an adversary, the mean error of the first T steps differs from
/// alpha by at most (max(alpha_1, 1 - alpha_1) + gamma) / (gamma T). alpha_t may leave [0, 1]: at or below 0 the set
/// must be everything, at or above 1 nothing, or the bound does not hold.
class AdaptiveConformal {
public:
  /// `alpha` in (0, 1); `gamma` > 0, larger follows faster and varies more (0.005 is the paper's). Throws
  /// std::invalid_argument otherwise.
  AdaptiveConformal(double alpha, double gamma = 0.005);

  double level() const { return level_; }  ///< alpha_t for the next set, any real number
  bool everything() const { return level_ <= 0; }
  bool nothing() const { return level_ >= 1; }
  /// Whether the set at `level` missed. An error while `everything()` held, or none while `nothing()` held, contradicts
  /// what those mean and throws std::invalid_argument.
  void update(bool missed);

  std::size_t steps() const { return steps_; }
  std::size_t errors() const { return errors_; }
  double mean_error() const;  ///< NaN before the first step
  double bound() const;       ///< largest possible |mean_error - alpha| now; infinity before the first step

private:
  double alpha_, gamma_, level_;
  std::size_t steps_ = 0, errors_ = 0;
};

}  // namespace oddity::metrics
