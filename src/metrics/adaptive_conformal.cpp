#include "oddity/metrics/adaptive_conformal.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "metrics/check.h"

namespace oddity::metrics {

AdaptiveConformal::AdaptiveConformal(double alpha, double gamma) : alpha_(alpha), gamma_(gamma), level_(alpha) {
  constexpr const char* function = "AdaptiveConformal";
  detail::require_open_unit(function, "alpha", alpha);
  if (!(gamma > 0) || !std::isfinite(gamma)) {
    detail::refuse(function, "gamma is out of range; got ", gamma, "; expected a finite value above 0");
  }
}

void AdaptiveConformal::update(bool missed) {
  if ((everything() && missed) || (nothing() && !missed)) {
    detail::refuse("AdaptiveConformal.update", missed ? "the set of everything cannot miss" : "the empty set must miss",
                   "; got level ", level_, " and ", missed ? "a miss" : "no miss");
  }
  level_ += gamma_ * (alpha_ - (missed ? 1 : 0));
  ++steps_;
  errors_ += missed;
}

double AdaptiveConformal::mean_error() const {
  return steps_ > 0 ? double(errors_) / double(steps_) : std::numeric_limits<double>::quiet_NaN();
}

double AdaptiveConformal::bound() const {
  return steps_ > 0 ? (std::max(alpha_, 1 - alpha_) + gamma_) / (gamma_ * double(steps_))
                    : std::numeric_limits<double>::infinity();
}

}  // namespace oddity::metrics
