#include "models/structural_similarity.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

namespace oddity {
namespace {

TEST(StructuralSimilarity, IsOneForEqualImagesAndKnownForConstants) {
  at::Generator generator = at::detail::createCPUGenerator(1);
  const at::Tensor x = at::rand({2, 3, 32, 40}, generator, at::kFloat);
  const at::Tensor same = structural_similarity(x, x);
  EXPECT_EQ(same.sizes(), (at::IntArrayRef{2, 1, 32, 40}));
  EXPECT_LT((same - 1).abs().max().item<double>(), 1e-4);
  // Constants a and b, away from the border: no variance, so SSIM is the luminance term alone.
  const double a = 0.25, b = 0.75, c1 = 1e-4;
  const at::Tensor map = structural_similarity(at::full({1, 1, 32, 32}, a), at::full({1, 1, 32, 32}, b));
  EXPECT_NEAR(map[0][0][16][16].item<double>(), (2 * a * b + c1) / (a * a + b * b + c1), 1e-3);
}

TEST(StructuralSimilarity, FallsWhereImagesDiffer) {
  at::Generator generator = at::detail::createCPUGenerator(2);
  const at::Tensor x = at::rand({1, 1, 64, 64}, generator, at::kFloat);
  at::Tensor y = x.clone();
  y.slice(2, 20, 30).slice(3, 20, 30).fill_(0.5);
  const at::Tensor map = structural_similarity(x, y);
  EXPECT_LT(map[0][0][25][25].item<double>(), 0.5);
  EXPECT_GT(map[0][0][55][55].item<double>(), 0.999);
}

}  // namespace
}  // namespace oddity
