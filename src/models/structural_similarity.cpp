#include "models/structural_similarity.h"

#include <ATen/ATen.h>

namespace oddity {

at::Tensor structural_similarity(const at::Tensor& a, const at::Tensor& b) {
  at::Tensor taps = at::linspace(-5, 5, 11, a.options());
  taps = (taps * taps * (-0.5 / (1.5 * 1.5))).exp();
  taps = taps / taps.sum();
  const std::int64_t channels = a.size(1);
  const at::Tensor vertical = taps.reshape({1, 1, 11, 1}), horizontal = taps.reshape({1, 1, 1, 11});
  // One channel at a time through the batch axis: a plain convolution, whatever the number of channels.
  const auto blur = [&](const at::Tensor& x) {
    const at::Tensor flat = x.reshape({-1, 1, x.size(2), x.size(3)});
    return at::conv2d(at::conv2d(flat, vertical, {}, at::IntArrayRef{1, 1}, at::IntArrayRef{5, 0}), horizontal, {},
                      at::IntArrayRef{1, 1}, at::IntArrayRef{0, 5});
  };
  const at::Tensor mean_a = blur(a), mean_b = blur(b);
  const at::Tensor variance_a = blur(a * a) - mean_a * mean_a, variance_b = blur(b * b) - mean_b * mean_b;
  const at::Tensor covariance = blur(a * b) - mean_a * mean_b;
  constexpr double c1 = 0.01 * 0.01, c2 = 0.03 * 0.03;
  const at::Tensor map = ((2 * mean_a * mean_b + c1) * (2 * covariance + c2)) /
                         ((mean_a * mean_a + mean_b * mean_b + c1) * (variance_a + variance_b + c2));
  return map.reshape({-1, channels, a.size(2), a.size(3)}).mean(1, true);
}

}  // namespace oddity
