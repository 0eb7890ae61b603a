#include "models/anomaly/score.h"

#include <algorithm>
#include <cmath>

#include <ATen/ATen.h>

namespace oddity {

at::Tensor gaussian_kernel(double sd) {
  const std::int64_t reach = static_cast<std::int64_t>(std::ceil(3 * sd));
  at::Tensor x = at::linspace(static_cast<double>(-reach), static_cast<double>(reach), 2 * reach + 1);
  x = (x * x * (-0.5 / (sd * sd))).exp();
  x = x / x.sum();
  return (x.unsqueeze(1) * x.unsqueeze(0)).reshape({1, 1, 2 * reach + 1, 2 * reach + 1});
}

at::Tensor blurred(const at::Tensor& map, const at::Tensor& kernel) {
  const std::int64_t reach = kernel.size(2) / 2;
  return at::conv2d(map, kernel, {}, at::IntArrayRef{1, 1}, at::IntArrayRef{reach, reach});
}

at::Tensor pooled(const at::Tensor& map) { return std::get<0>(map.flatten(1).topk(49, 1)).mean(1); }

PixelStatistics pixel_statistics(const FitImages& images) {
  at::Tensor sum, squares;
  for (std::int64_t i = 0; i < images.train_count(); i += 32) {
    const at::Tensor x = images.train(i, std::min<std::int64_t>(32, images.train_count() - i)).to(at::kDouble);
    sum = sum.defined() ? sum + x.sum(0) : x.sum(0);
    squares = squares.defined() ? squares + x.pow(2).sum(0) : x.pow(2).sum(0);
  }
  const double n = static_cast<double>(images.train_count());
  const at::Tensor mean = sum / n;
  return {mean.to(at::kFloat), (squares / n - mean.pow(2)).clamp_min(0).sqrt().to(at::kFloat)};
}

}  // namespace oddity
