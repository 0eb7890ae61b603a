#pragma once

namespace oddity::metrics::detail {

/// P(X <= x) and P(X > x) of X ~ Gamma(shape, 1) for shape > 0, x >= 0: series below shape + 1, Lentz's continued
/// fraction above (Abramowitz and Stegun 6.5.29, 6.5.31); to 1e-12 relative for shapes up to 1e6.
struct GammaTails {
  double lower, upper;
};
GammaTails gamma_tails(double x, double shape);
/// Inverse of the lower tail for p in (0, 1): Newton steps inside a bracket; to 1e-10 relative.
double gamma_quantile(double p, double shape);

}  // namespace oddity::metrics::detail
