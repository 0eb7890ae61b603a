#include "models/feature_gaussian.h"

#include <cmath>

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "core/error.h"

namespace oddity {
namespace {

FeatureGaussian::Chunks chunks_of(const at::Tensor& features, std::int64_t size) {
  return [=](std::int64_t k) {
    return k * size < features.size(0) ? features.narrow(0, k * size, std::min(size, features.size(0) - k * size))
                                       : at::Tensor();
  };
}

TEST(FeatureGaussian, SharedDistanceIsTheMahalanobisDistance) {
  at::Generator generator = at::detail::createCPUGenerator(1);
  const at::Tensor mix = at::tensor({2.0f, 0.0f, 0.7f, 0.5f}).reshape({2, 2});
  const at::Tensor x = at::einsum("ij,njhw->nihw", {mix, at::randn({50, 2, 8, 8}, generator, at::kFloat)}) + 3.0;
  const FeatureGaussian g = FeatureGaussian::fit(chunks_of(x, 7), false);
  // Reference in double by the formula: covariance with divisor n - 1, plus 5 % of the mean variance on the diagonal.
  const at::Tensor flat = x.to(at::kDouble).permute({1, 0, 2, 3}).reshape({2, -1});
  const at::Tensor mean = flat.mean(1, true), d = flat - mean;
  at::Tensor covariance = at::matmul(d, d.t()) / static_cast<double>(flat.size(1) - 1);
  covariance = covariance + 0.05 * covariance.diagonal().mean() * at::eye(2, at::kDouble);
  const at::Tensor probe = at::tensor({5.0f, 1.0f}).reshape({1, 2, 1, 1});
  const at::Tensor delta = probe.reshape({2, 1}).to(at::kDouble) - mean;
  const double squared = at::matmul(delta.t(), at::matmul(at::linalg_inv(covariance), delta)).item<double>() / 2;
  EXPECT_NEAR(g.distance(probe).item<double>(), std::log(squared), 1e-4);
}

TEST(FeatureGaussian, PositionsHaveTheirOwnMean) {
  at::Generator generator = at::detail::createCPUGenerator(2);
  at::Tensor x = 0.1 * at::randn({40, 3, 4, 6}, generator, at::kFloat);
  x.slice(3, 0, 3).add_(5.0);  // left half lives elsewhere
  const FeatureGaussian g = FeatureGaussian::fit(chunks_of(x, 16), true);
  EXPECT_EQ(g.mean.sizes(), (at::IntArrayRef{24, 3, 1}));
  const at::Tensor usual = g.distance(x.narrow(0, 0, 1));
  EXPECT_EQ(usual.sizes(), (at::IntArrayRef{1, 1, 4, 6}));
  EXPECT_LT(usual.max().item<double>(), std::log(6.0));
  const at::Tensor swapped = x.narrow(0, 0, 1).flip(3);
  EXPECT_GT(g.distance(swapped).min().item<double>(), usual.max().item<double>());
}

TEST(FeatureGaussian, ConstantFeaturesAndNoneAtAll) {
  const FeatureGaussian g = FeatureGaussian::fit(chunks_of(at::ones({5, 4, 3, 3}), 2), true);
  EXPECT_TRUE(g.distance(at::ones({1, 4, 3, 3})).isfinite().all().item<bool>());
  EXPECT_NEAR(g.distance(at::ones({1, 4, 3, 3})).max().item<double>(), std::log(1e-2), 1e-6);  // the floor
  EXPECT_THROW(FeatureGaussian::fit([](std::int64_t) { return at::Tensor(); }, true), InvalidArgument);
}

}  // namespace
}  // namespace oddity
