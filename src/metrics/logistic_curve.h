#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

/// Logistic regression on one covariate, by maximum likelihood or with Firth's penalty, and its profiles.
namespace oddity::metrics::detail {

class LogisticCurve {
public:
  /// Hits and misses must occur; `x` must not be constant. Without the penalty hits and misses must overlap in x.
  LogisticCurve(std::vector<double> x, std::span<const std::uint8_t> hits, bool penalised);

  double intercept() const { return intercept_; }
  double slope() const { return slope_; }
  /// var intercept, cov, var slope: inverse information.
  const std::array<double, 3>& covariance() const { return covariance_; }
  double log_likelihood() const;
  double predictor(double x) const { return intercept_ + slope_ * x; }
  double predictor_variance(double x) const { return covariance_[0] + x * (2 * covariance_[1] + x * covariance_[2]); }

  /// Twice what the log likelihood loses when the curve must pass through `predictor` at x.
  double deviance(double x, double predictor) const;
  /// The same when it must be flat.
  double flat_deviance() const;

private:
  struct Point {
    double likelihood, score, information;  ///< along the slope
  };
  Point at(double anchor, double predictor, double slope) const;
  void fit();

  std::vector<double> x_;
  std::span<const std::uint8_t> hits_;
  bool penalised_;
  double centre_ = 0, scale_ = 1;
  double intercept_ = 0, slope_ = 0, largest_ = 0;
  std::array<double, 3> covariance_{};
};

}  // namespace oddity::metrics::detail
