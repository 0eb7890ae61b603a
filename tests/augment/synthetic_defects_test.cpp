#include "augment/synthetic_defects.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <gtest/gtest.h>

#include "core/error.h"

namespace oddity {
namespace {

at::Tensor textured(std::int64_t n, std::int64_t channels, std::int64_t height = 64, std::int64_t width = 80) {
  at::Generator generator = at::detail::createCPUGenerator(5);
  return (0.5 + 0.08 * at::randn({n, channels, height, width}, generator, at::kFloat)).clamp(0, 1);
}

SyntheticDefectOptions only(const std::string& family) {
  SyntheticDefectOptions options;
  options.families = {family};
  options.clean_fraction = 0;
  return options;
}

TEST(SyntheticDefects, MaskIsWhereTheImageChangedVisibly) {
  const at::Tensor clean = textured(8, 1);
  const Corruption c = corrupt(clean, clean.roll(1, 0), {}, {}, 1, 0);
  const at::Tensor change = (c.image - clean).abs();
  const at::Tensor mean = at::avg_pool2d(at::replication_pad2d(change, {1, 1, 1, 1}), {3, 3}, {1, 1});
  EXPECT_GT(c.mask.sum().item<double>(), 0);
  EXPECT_TRUE(mean.index({c.mask > 0.5}).gt(0.0449).all().item<bool>());
  // Pixels that count as good and carry weight changed less than the invisible limit, or lie outside every defect.
  EXPECT_EQ((c.mask * (1 - c.weight)).sum().item<double>(), 0) << "a defective pixel always counts";
  EXPECT_LE(mean.index({(c.mask < 0.5).logical_and(c.weight > 0.5)}).max().item<double>(), 0.0201);
  EXPECT_GE(c.image.min().item<double>(), 0);
  EXPECT_LE(c.image.max().item<double>(), 1);
}

class EveryDefectFamily : public testing::TestWithParam<std::string> {};

TEST_P(EveryDefectFamily, ChangesImagesOfAnyNumberOfChannels) {
  for (const std::int64_t channels : {1, 3, 5}) {
    const at::Tensor clean = textured(16, channels);
    const Corruption c = corrupt(clean, clean.flip(0), only(GetParam()), {}, 2, 100);
    const at::Tensor touched = c.mask.amax({1, 2, 3});
    EXPECT_GE(touched.sum().item<double>(), 8) << channels << " channels";  // some draws are faint or outside
    EXPECT_TRUE(c.image.isfinite().all().item<bool>());
    EXPECT_LT(c.mask.mean().item<double>(), 0.75);
  }
}

std::vector<std::string> names() {
  std::vector<std::string> list;
  for (const DefectFamily& family : defect_families()) {
    list.emplace_back(family.name);
  }
  return list;
}
INSTANTIATE_TEST_SUITE_P(Families, EveryDefectFamily, testing::ValuesIn(names()),
                         [](const auto& test) { return test.param; });

TEST(SyntheticDefects, DependOnNeitherBatchNorThreads) {
  const at::Tensor clean = textured(6, 1), donors = clean.flip(0);
  at::set_num_threads(1);
  const Corruption whole = corrupt(clean, donors, {}, {}, 9, 40);
  at::set_num_threads(3);
  const Corruption threaded = corrupt(clean, donors, {}, {}, 9, 40);
  at::set_num_threads(1);
  EXPECT_TRUE(at::equal(whole.image, threaded.image));
  const Corruption alone = corrupt(clean.narrow(0, 4, 1), donors.narrow(0, 4, 1), {}, {}, 9, 44);
  EXPECT_TRUE(at::equal(whole.image.narrow(0, 4, 1), alone.image));
  EXPECT_TRUE(at::equal(whole.mask.narrow(0, 4, 1), alone.mask));
  EXPECT_FALSE(at::equal(corrupt(clean, donors, {}, {}, 10, 40).image, whole.image));
}

TEST(SyntheticDefects, LeavesTheStatedShareClean) {
  SyntheticDefectOptions options;
  options.clean_fraction = 0.5;
  const at::Tensor clean = textured(200, 1, 32, 32);
  const at::Tensor same = (corrupt(clean, clean, options, {}, 3, 0).image - clean).abs().amax({1, 2, 3}) == 0;
  // Binomial(200, 0.5): 5 standard deviations are 35; faint defects add a few.
  EXPECT_NEAR(same.sum().item<double>(), 100, 40);
}

TEST(SyntheticDefects, TwoLevelImagesStayTwoLevel) {
  at::Tensor clean = textured(8, 1).gt(0.5).to(at::kFloat);
  DefectSetting setting;
  setting.two_level = true;
  const Corruption c = corrupt(clean, clean.flip(0), {}, setting, 4, 0);
  EXPECT_TRUE(at::equal(c.image, c.image.round()));
  EXPECT_GT(c.mask.sum().item<double>(), 0);
  EXPECT_TRUE(((c.mask > 0.5).logical_and(c.weight < 0.5)).logical_not().all().item<bool>());
}

TEST(SyntheticDefects, EnlargedImagesGetNoDetailTheirSourceCannotShow) {
  const at::Tensor clean = at::full({4, 1, 64, 64}, 0.5);
  DefectSetting setting;
  setting.enlargement = 4;
  const SyntheticDefectOptions options = only("blob");
  const auto roughness = [](const at::Tensor& x) {
    return (x.slice(3, 1) - x.slice(3, 0, -1)).abs().max().item<double>();
  };
  EXPECT_LT(roughness(corrupt(clean, clean, options, setting, 5, 0).image),
            0.6 * roughness(corrupt(clean, clean, options, {}, 5, 0).image));
}

TEST(SyntheticDefects, RefuseWrongInput) {
  const at::Tensor clean = textured(2, 1);
  EXPECT_THROW(corrupt(clean, clean.narrow(0, 0, 1), {}, {}, 0, 0), InvalidArgument);
  EXPECT_THROW(corrupt(clean.to(at::kDouble), clean.to(at::kDouble), {}, {}, 0, 0), InvalidArgument);
  EXPECT_THROW(corrupt(at::zeros({1, 1, 8, 64}), at::zeros({1, 1, 8, 64}), {}, {}, 0, 0), InvalidArgument);
  EXPECT_THROW(corrupt(clean, clean, only("rainbow"), {}, 0, 0), InvalidArgument);
}

}  // namespace
}  // namespace oddity
