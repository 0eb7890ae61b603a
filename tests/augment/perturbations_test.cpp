#include "augment/perturbations.h"

#include <ostream>
#include <set>
#include <string>

#include <ATen/TensorOperators.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/full.h>
#include <ATen/ops/linspace.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/sin.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/zeros.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/error.h"

namespace oddity {

void PrintTo(const PerturbationFamily& family, std::ostream* out) { *out << family.name; }

namespace {

/// Smooth waves with an edge: changes grow steadily along every ladder. [count, channels, 40, 52], odd to 8 x 8 blocks.
at::Tensor pictures(std::int64_t count, std::int64_t channels) {
  std::vector<at::Tensor> list;
  for (std::int64_t i = 0; i < count * channels; ++i) {
    const at::Tensor y = at::arange(40, at::kFloat).view({40, 1}), x = at::arange(52, at::kFloat).view({1, 52});
    at::Tensor wave = 0.45 + 0.2 * at::sin(0.11 * y + 0.13 * x + static_cast<double>(i)) + 0.05 * at::sin(0.8 * x);
    wave = wave + 0.15 * (x > 25 + static_cast<double>(i % 3)).to(at::kFloat);
    list.push_back(wave);
  }
  return at::stack(list).view({count, channels, 40, 52});
}

at::Tensor constant(std::int64_t count, double value) { return at::full({count}, value, at::kFloat); }

double change(const at::Tensor& a, const at::Tensor& b) { return (a - b).abs().mean().item<double>(); }

class EveryFamily : public testing::TestWithParam<PerturbationFamily> {};

TEST_P(EveryFamily, ZeroIntensityReturnsTheImageBitForBit) {
  const at::Tensor images = pictures(3, 3);
  EXPECT_TRUE(at::equal(perturb(images, GetParam().name, constant(3, 0), 7), images));
}

TEST_P(EveryFamily, MeanChangeGrowsWithIntensity) {
  const at::Tensor images = pictures(16, 3);
  double before = 0;
  for (const double s : {0.1, 0.25, 0.5, 0.75, 1.0}) {
    const double now = change(perturb(images, GetParam().name, constant(16, s), 3), images);
    EXPECT_GT(now, before) << "at " << s;
    before = now;
  }
  EXPECT_GT(before, 0.003);  // the strongest step is no trifle
}

TEST_P(EveryFamily, StaysInRangeAndKeepsTheShape) {
  const at::Tensor images = at::cat({at::zeros({1, 3, 40, 52}), at::ones({1, 3, 40, 52}), pictures(1, 3)});
  const at::Tensor out = perturb(images, GetParam().name, constant(3, 1), 1);
  EXPECT_EQ(out.sizes(), images.sizes());
  EXPECT_EQ(out.scalar_type(), at::kFloat);
  EXPECT_GE(out.min().item<float>(), 0);  // NaN would fail too
  EXPECT_LE(out.max().item<float>(), 1);
}

TEST_P(EveryFamily, AnImageDoesNotDependOnItsBatch) {
  const at::Tensor images = pictures(5, 1);
  const at::Tensor s = at::linspace(0.2, 1, 5, at::kFloat);
  const at::Tensor all = perturb(images, GetParam().name, s, 11, 40);
  for (std::int64_t i = 0; i < 5; ++i) {
    const at::Tensor alone =
        perturb(images.narrow(0, i, 1), GetParam().name, s.narrow(0, i, 1), 11, 40 + static_cast<std::uint64_t>(i));
    // Vectorised and scalar loops may round differently in the last bits.
    EXPECT_LT((alone - all.narrow(0, i, 1)).abs().max().item<double>(), 2e-6) << "image " << i;
  }
}

TEST_P(EveryFamily, RepeatsExactly) {
  const at::Tensor images = pictures(2, 1);
  EXPECT_TRUE(at::equal(perturb(images, GetParam().name, constant(2, 0.7), 5),
                        perturb(images, GetParam().name, constant(2, 0.7), 5)));
}

TEST_P(EveryFamily, TakesTinyAndEmptyBatches) {
  const at::Tensor tiny = at::full({2, 1, 1, 3}, 0.5, at::kFloat);
  EXPECT_EQ(perturb(tiny, GetParam().name, constant(2, 1), 5).sizes(), tiny.sizes());
  const at::Tensor none = at::empty({0, 3, 8, 8}, at::kFloat);
  EXPECT_EQ(perturb(none, GetParam().name, constant(0, 1), 5).sizes(), none.sizes());
}

INSTANTIATE_TEST_SUITE_P(Perturbations, EveryFamily,
                         testing::ValuesIn(perturbation_families().begin(), perturbation_families().end()),
                         [](const auto& p) { return std::string(p.param.name); });

TEST(Perturbations, TheRegistryHasDistinctNamesAndLadders) {
  std::set<std::string_view> names;
  for (const PerturbationFamily& family : perturbation_families()) {
    names.insert(family.name);
    EXPECT_NE(family.at_zero, family.at_one) << family.name;
    EXPECT_FALSE(family.help.empty() || family.quantity.empty()) << family.name;
  }
  EXPECT_EQ(names.size(), perturbation_families().size());
  EXPECT_GE(names.size(), 12u);
}

TEST(Perturbations, RandomFamiliesDependOnSeedAndIndex) {
  const at::Tensor images = pictures(1, 1).expand({2, 1, 40, 52}).contiguous();
  for (const char* family : {"gaussian_noise", "shot_noise", "motion_blur", "light_gradient", "shift", "dust",
                             "stuck_pixels", "banding", "haze"}) {
    const at::Tensor out = perturb(images, family, constant(2, 1), 1);
    EXPECT_GT(change(out.narrow(0, 0, 1), out.narrow(0, 1, 1)), 1e-4) << family;
    EXPECT_GT(change(out, perturb(images, family, constant(2, 1), 2)), 1e-4) << family;
  }
}

TEST(Perturbations, NoiseHasTheSdOfItsLadder) {
  const at::Tensor grey = at::full({4, 1, 128, 128}, 0.5, at::kFloat);
  // 65,536 values: the sd of a sample sd is 0.28 %; 2 % is 7 of them.
  const auto sd = [&](const char* family, double s) {
    return (perturb(grey, family, constant(4, s), 9) - grey).std().item<double>();
  };
  EXPECT_NEAR(sd("gaussian_noise", 0.5), 0.1, 0.002);
  EXPECT_NEAR(sd("shot_noise", 0.4), 0.25 * 0.4 * std::sqrt(0.5), 0.0015);
  const double mean = (perturb(grey, "gaussian_noise", constant(4, 0.5), 9) - grey).mean().item<double>();
  EXPECT_NEAR(mean, 0, 5 * 0.1 / 256);
}

TEST(Perturbations, BlursKeepTheMassOfAPointAndSpreadIt) {
  at::Tensor point = at::zeros({1, 1, 41, 41});
  point[0][0][20][20] = 1;
  const at::Tensor offset = at::arange(41, at::kFloat) - 20;
  for (const char* family : {"gaussian_blur", "motion_blur", "defocus"}) {
    const at::Tensor out = perturb(point, family, constant(1, 0.5), 3);
    EXPECT_NEAR(out.sum().item<double>(), 1, 1e-5) << family;
    const double variance = (out[0][0].sum(1) * offset.square()).sum().item<double>() +
                            (out[0][0].sum(0) * offset.square()).sum().item<double>();
    // Sum over both axes: 2 sd^2 (+ 1/12 each for the pixel); L^2 / 12 for a line; r^2 / 2 for a disc.
    const std::string name = family;
    const double expected = name == "gaussian_blur" ? 2 * 4.0 : (name == "motion_blur" ? 100.0 / 12 : 2.75 * 2.75 / 2);
    EXPECT_NEAR(variance, expected, 0.12 * expected + 0.4) << family;
  }
}

TEST(Perturbations, RotationAndShiftMoveAPointByTheirLadder) {
  at::Tensor point = at::zeros({1, 1, 101, 101});
  point[0][0][50][80] = 1;  // 30 px right of the centre
  const at::Tensor index = at::arange(101, at::kFloat) - 50;
  const auto place = [&](const at::Tensor& image) {
    const at::Tensor p = image[0][0] / image.sum();
    return std::pair{(p.sum(0) * index).sum().item<double>(), (p.sum(1) * index).sum().item<double>()};
  };
  const auto [rx, ry] = place(perturb(point, "rotation", constant(1, 1), 1));
  EXPECT_NEAR(std::abs(std::atan2(ry, rx)) * 180 / 3.14159265358979, 20, 0.5);
  const auto [sx, sy] = place(perturb(point, "shift", constant(1, 1), 1));
  EXPECT_NEAR(std::hypot(sx - 30, sy), 0.12 * 101, 0.3);
}

TEST(Perturbations, BlockCompressionRoundsTheMeanOfABlock) {
  // A flat block of value v has the single coefficient 8 (v - 0.5), rounded to the step 4 * 16 / 255 at intensity 1.
  const double step = 4 * 16.0 / 255, value = 0.7;
  const at::Tensor out = perturb(at::full({1, 1, 8, 8}, value, at::kFloat), "block_compression", constant(1, 1), 1);
  const double expected = 0.5 + std::round(8 * (value - 0.5) / step) * step / 8;
  EXPECT_NEAR(out.min().item<double>(), expected, 1e-5);
  EXPECT_NEAR(out.max().item<double>(), expected, 1e-5);
}

TEST(Perturbations, PointwiseFamiliesFollowTheirFormula) {
  const at::Tensor images = pictures(6, 1) * 0.5 + 0.2;  // away from the ends, nothing is clipped
  const at::Tensor bright = perturb(images, "brightness", constant(6, 0.25), 2) - images;
  EXPECT_NEAR(bright.abs().min().item<double>(), 0.1, 1e-6);
  EXPECT_NEAR(bright.abs().max().item<double>(), 0.1, 1e-6);
  const at::Tensor flat = perturb(images, "contrast", constant(6, 0.5), 2);
  const at::Tensor mean = images.mean({1, 2, 3}, true);
  EXPECT_LT((flat - (mean + 0.6 * (images - mean))).abs().max().item<double>(), 1e-6);
}

TEST(Perturbations, StuckPixelsAreFewAndExtreme) {
  const at::Tensor grey = at::full({4, 3, 128, 128}, 0.5, at::kFloat);
  const at::Tensor out = perturb(grey, "stuck_pixels", constant(4, 1), 2);
  const at::Tensor stuck = (out != 0.5);
  // Binomial(65,536, 0.03): sd of the share 0.00067.
  EXPECT_NEAR(stuck.select(1, 0).to(at::kFloat).mean().item<double>(), 0.03, 0.0035);
  EXPECT_TRUE(at::equal(stuck.select(1, 0), stuck.select(1, 2)));
  EXPECT_TRUE(((out == 0) + (out == 1) + (out == 0.5)).all().item<bool>());
}

TEST(Perturbations, ColorCastLeavesGreyImages) {
  const at::Tensor images = pictures(2, 1);
  EXPECT_TRUE(at::equal(perturb(images, "color_cast", constant(2, 1), 1), images));
}

TEST(Perturbations, IntensityIsClippedAndNanChangesNothing) {
  const at::Tensor images = pictures(1, 1);
  EXPECT_TRUE(
      at::equal(perturb(images, "vignette", constant(1, 3), 1), perturb(images, "vignette", constant(1, 1), 1)));
  EXPECT_TRUE(at::equal(perturb(images, "vignette", constant(1, -1), 1), images));
  EXPECT_TRUE(at::equal(perturb(images, "vignette", constant(1, std::nan("")), 1), images));
}

TEST(Perturbations, RefusesWhatItCannotDo) {
  const at::Tensor images = pictures(2, 1);
  const auto message = [&](const at::Tensor& x, const char* family, const at::Tensor& s) -> std::string {
    try {
      perturb(x, family, s, 1);
    } catch (const InvalidArgument& error) {
      return error.what();
    }
    return "";
  };
  EXPECT_THAT(message(images, "gaussian_nois", constant(2, 1)), testing::HasSubstr("gaussian_noise"));
  EXPECT_THAT(message(images, "zzzzzzzzzzzz", constant(2, 1)), testing::HasSubstr("color_cast"));
  EXPECT_THAT(message(images, "haze", constant(3, 1)), testing::HasSubstr("[augment.perturb] intensity"));
  EXPECT_THAT(message(images[0], "haze", constant(1, 1)), testing::HasSubstr("[augment.perturb] images"));
  EXPECT_THAT(message(images.to(at::kDouble), "haze", constant(2, 1)), testing::HasSubstr("[augment.perturb] images"));
}

}  // namespace
}  // namespace oddity
