#pragma once

#include <optional>
#include <span>

#include "metrics/check.h"

namespace oddity::metrics::detail {

/// Levels of conformal predictors: at least one alpha, each in (0, 1) and large enough for exact ranks; delta in (0,
/// 1).
inline void require_alphas(const char* function, std::span<const double> alphas, std::optional<double> delta = {}) {
  require_not_empty(function, "alphas", alphas.size());
  for (const double alpha : alphas) {
    require_open_unit(function, "alpha", alpha);
    if (alpha < 1e-15) {
      refuse(function, "alpha is too small for exact ranks; got ", alpha, "; expected at least 1e-15");
    }
  }
  if (delta) {
    require_open_unit(function, "delta", *delta);
  }
}

}  // namespace oddity::metrics::detail
