#include "models/feature_gaussian.h"

#include <ATen/ATen.h>

#include "core/error.h"

namespace oddity {
namespace {

/// [n, D, h, w] -> [h * w, D, n] double
at::Tensor by_position(const at::Tensor& features) {
  return features.to(at::kDouble)
      .permute({2, 3, 1, 0})
      .reshape({features.size(2) * features.size(3), features.size(1), features.size(0)});
}

}  // namespace

FeatureGaussian FeatureGaussian::fit(const Chunks& chunks, bool per_position) {
  at::Tensor sum, scatter;
  std::int64_t count = 0, height = 0, width = 0;
  for (std::int64_t k = 0;; ++k) {
    const at::Tensor features = chunks(k);
    if (!features.defined()) {
      break;
    }
    height = features.size(2), width = features.size(3);
    const at::Tensor x = by_position(features);
    const at::Tensor part = per_position
                                ? x.sum(2, true)
                                : x.sum(std::vector<std::int64_t>{0, 2}, true).unsqueeze(0).reshape({1, x.size(1), 1});
    sum = sum.defined() ? sum + part : part;
    count += per_position ? x.size(2) : x.size(0) * x.size(2);
  }
  if (count == 0) {
    fail<InvalidArgument>("[models.feature_gaussian] at least one image is needed to fit feature statistics; got none");
  }
  const at::Tensor mean = sum / static_cast<double>(count);
  for (std::int64_t k = 0;; ++k) {
    const at::Tensor features = chunks(k);
    if (!features.defined()) {
      break;
    }
    at::Tensor x = by_position(features) - mean;
    if (!per_position) {
      x = x.permute({1, 0, 2}).reshape({1, x.size(1), -1});
    }
    const at::Tensor part = at::matmul(x, x.transpose(1, 2));
    scatter = scatter.defined() ? scatter + part : part;
  }
  at::Tensor covariance = scatter / static_cast<double>(std::max<std::int64_t>(1, count - 1));
  const std::int64_t dimensions = covariance.size(1);
  if (per_position) {
    const at::Tensor grid =
        covariance.reshape({height, width, dimensions * dimensions}).permute({2, 0, 1}).unsqueeze(0);
    const at::Tensor smooth = at::avg_pool2d(grid, {3, 3}, {1, 1}, {1, 1}, false, /*count_include_pad=*/false);
    covariance = smooth.squeeze(0).permute({1, 2, 0}).reshape({height * width, dimensions, dimensions});
    covariance = 0.9 * covariance + 0.1 * covariance.mean(0, true);
  }
  const at::Tensor eye = at::eye(dimensions, covariance.options()).unsqueeze(0);
  const at::Tensor variance = covariance.diagonal(0, 1, 2).mean(1).reshape({-1, 1, 1}).clamp_min(1e-12);
  covariance = covariance + (per_position ? 0.01 : 0.05) * variance * eye;
  FeatureGaussian gaussian;
  gaussian.mean = mean.to(at::kFloat);
  gaussian.whitening =
      at::linalg_solve_triangular(at::linalg_cholesky(covariance), eye.expand_as(covariance), /*upper=*/false)
          .to(at::kFloat)
          .contiguous();
  return gaussian;
}

at::Tensor FeatureGaussian::distance(const at::Tensor& features) const {
  const std::int64_t dimensions = mean.size(1);
  at::Tensor squared;
  if (mean.size(0) > 1) {
    const std::int64_t height = features.size(2), width = features.size(3);
    const at::Tensor x = features.permute({2, 3, 1, 0}).reshape({height * width, dimensions, 1}) - mean;
    squared = at::matmul(whitening, x).pow(2).mean(1).reshape({1, 1, height, width});
  } else {
    // One Gaussian for all positions is a 1x1 convolution, whatever the size of the image.
    const at::Tensor kernel = whitening.reshape({dimensions, dimensions, 1, 1});
    const at::Tensor bias = -at::matmul(whitening, mean).reshape({dimensions});
    squared = at::conv2d(features, kernel, bias).pow(2).mean(1, true);
  }
  return squared.clamp_min(1e-2).log();
}

}  // namespace oddity
