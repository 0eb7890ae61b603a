#include "training/anomaly_images.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

namespace oddity {
namespace {

at::Tensor ramp(std::int64_t n, std::int64_t height, std::int64_t width) {
  return at::arange(n * height * width).remainder(251).to(at::kByte).reshape({n, 1, height, width});
}

TEST(ResidentImages, ScaleBothDepths) {
  const ResidentImages bytes(ramp(2, 4, 4), 255);
  EXPECT_FLOAT_EQ(bytes.whole(0, 1)[0][0][0][3].item<float>(), 3.0f / 255.0f);
  at::Tensor deep = at::zeros({1, 1, 1, 3}, at::kShort);
  deep[0][0][0][0] = -1;  // the bits of 65535
  deep[0][0][0][1] = 4095;
  const ResidentImages words(deep, 65535), twelve(deep, 4095);
  EXPECT_FLOAT_EQ(words.whole(0, 1)[0][0][0][0].item<float>(), 1.0f);
  EXPECT_FLOAT_EQ(twelve.whole(0, 1)[0][0][0][1].item<float>(), 1.0f);
  EXPECT_FLOAT_EQ(twelve.whole(0, 1)[0][0][0][0].item<float>(), 1.0f) << "beyond full scale is clipped";
}

TEST(ResidentImages, GatherTakesTheNamedPixels) {
  const ResidentImages images(ramp(3, 5, 6), 255);
  const at::Tensor picks = at::tensor({std::int64_t{2}}), rows = at::tensor({4, 0}).to(at::kLong).reshape({1, 2});
  const at::Tensor columns = at::tensor({1, 5, 0}).to(at::kLong).reshape({1, 3});
  const at::Tensor got = images.gather(picks, rows, columns) * 255;
  EXPECT_EQ(got.sizes(), (at::IntArrayRef{1, 1, 2, 3}));
  EXPECT_NEAR(got[0][0][0][1].item<double>(), (2 * 30 + 4 * 6 + 5) % 251, 1e-3);
}

TEST(Facts, SeparateAlignedFromFreeAndTwoLevelImages) {
  at::Generator generator = at::detail::createCPUGenerator(3);
  const at::Tensor base = at::rand({1, 1, 32, 32}, generator, at::kFloat);
  const at::Tensor same =
      ((base + 0.05 * at::randn({20, 1, 32, 32}, generator, at::kFloat)).clamp(0, 1) * 255).to(at::kByte);
  const at::Tensor free = (at::rand({20, 1, 32, 32}, generator, at::kFloat) * 255).to(at::kByte);
  const ImageFacts aligned = read_facts(ResidentImages(same, 255), "auto", 1),
                   loose = read_facts(ResidentImages(free, 255), "auto", 1);
  EXPECT_TRUE(aligned.aligned);
  EXPECT_GT(aligned.explained, 0.9);
  EXPECT_FALSE(loose.aligned);
  EXPECT_LT(loose.explained, 0.05) << "leave-one-out: independent images explain nothing of each other";
  EXPECT_FALSE(aligned.two_level);
  EXPECT_TRUE(read_facts(ResidentImages(free.gt(127).to(at::kByte) * 255, 255), "auto", 1).two_level);
  EXPECT_TRUE(read_facts(ResidentImages(free, 255), "aligned", 1).aligned) << "the config decides";
}

TEST(CropPlan, IsAFunctionOfSeedAndStepAndStaysInside) {
  ImageFacts facts;
  const auto plan = [&](std::uint64_t seed, std::uint64_t step) {
    return plan_crops(10, 40, 60, 32, 48, 8, facts, seed, step);
  };
  const CropPlan a = plan(1, 5), b = plan(1, 5), c = plan(1, 6);
  EXPECT_TRUE(at::equal(a.rows, b.rows) && at::equal(a.picks, b.picks));
  EXPECT_FALSE(at::equal(a.rows, c.rows) && at::equal(a.columns, c.columns));
  for (std::uint64_t step = 0; step < 200; ++step) {
    const CropPlan p = plan(2, step);
    ASSERT_GE(p.rows.min().item<std::int64_t>(), 0);
    ASSERT_LT(p.rows.max().item<std::int64_t>(), 40);
    ASSERT_GE(p.columns.min().item<std::int64_t>(), 0);
    ASSERT_LT(p.columns.max().item<std::int64_t>(), 60);
    ASSERT_LT(p.picks.max().item<std::int64_t>(), 10);
  }
  facts.aligned = true;
  for (std::uint64_t step = 0; step < 50; ++step) {
    const CropPlan p = plan_crops(10, 32, 48, 32, 48, 8, facts, 3, step);
    EXPECT_FALSE(p.any_transpose);
    // No flips, and the context stays where the part is: at most four pixels away from the image rows.
    ASSERT_LE((p.rows - p.context_rows).abs().max().item<std::int64_t>(), 8);
    ASSERT_TRUE(at::equal(p.context_rows[0], at::arange(32)));
  }
}

}  // namespace
}  // namespace oddity
