#include "report/overlay.h"

#include <cmath>
#include <limits>

#include <gtest/gtest.h>

#include "core/error.h"
#include "report/colormap.h"

namespace oddity {
namespace {

/// OKLab lightness of an sRGB colour (Ottosson 2020), computed apart from the code under test.
double lightness(const std::array<std::uint8_t, 3>& color) {
  double linear[3];
  for (int c = 0; c < 3; ++c) {
    const double v = color[static_cast<std::size_t>(c)] / 255.0;
    linear[c] = v <= 0.04045 ? v / 12.92 : std::pow((v + 0.055) / 1.055, 2.4);
  }
  const double l = std::cbrt(0.4122214708 * linear[0] + 0.5363325363 * linear[1] + 0.0514459929 * linear[2]);
  const double m = std::cbrt(0.2119034982 * linear[0] + 0.6806995451 * linear[1] + 0.1073969566 * linear[2]);
  const double s = std::cbrt(0.0883024619 * linear[0] + 0.2817188376 * linear[1] + 0.6299787005 * linear[2]);
  return 0.2104542553 * l + 0.7936177850 * m - 0.0040720468 * s;
}

TEST(HeatColor, LightnessRisesInAStraightLine) {
  const double low = lightness(heat_color(0));
  const double high = lightness(heat_color(1));
  EXPECT_LT(low, 0.2);
  EXPECT_GT(high, 0.9);
  for (int i = 0; i <= 32; ++i) {
    const double t = i / 32.0;
    // Rounding to 8 bits moves dark colours by up to 0.01.
    EXPECT_NEAR(lightness(heat_color(t)), low + t * (high - low), 0.012) << t;
  }
  EXPECT_EQ(heat_color(-1), heat_color(0));
  EXPECT_EQ(heat_color(2), heat_color(1));
  EXPECT_EQ(heat_color(std::nan("")), (std::array<std::uint8_t, 3>{128, 128, 128}));
}

TEST(Overlay, LeavesQuietPixelsAloneAndHeatsLoudOnes) {
  Image image(8, 8, 1, Depth::u8);
  std::fill(image.u8(), image.u8() + 64, std::uint8_t{100});
  Plane map{8, 8, std::vector<float>(64, 0.F)};
  map.values[27] = 1.F;
  const Image out = overlay(image.view(), map, {}, {0.5, 1, 255});
  ASSERT_EQ(out.channels, 3);
  EXPECT_EQ(out.u8()[0], 100);
  EXPECT_EQ(out.u8()[3 * 26], 100);
  const auto hot = heat_color(1);
  for (std::size_t c = 0; c < 3; ++c) {
    EXPECT_NEAR(out.u8()[3 * 27 + c], 0.4 * 100 + 0.6 * hot[c], 1);
  }
}

TEST(Overlay, DrawsTheOutlineOfARegion) {
  const Image image(16, 16, 1, Depth::u8);
  Region region;
  region.x0 = 4;
  region.y0 = 5;
  region.x1 = 9;
  region.y1 = 8;
  const Image out = overlay(image.view(), {}, std::vector<Region>{region}, {});
  const auto red = [&](int x, int y) { return out.u8()[3 * (16 * y + x)] == 255; };
  EXPECT_TRUE(red(4, 5));
  EXPECT_TRUE(red(8, 7));
  EXPECT_TRUE(red(6, 5));
  EXPECT_FALSE(red(6, 6));
  EXPECT_FALSE(red(9, 7));
}

TEST(Overlay, SurvivesContoursFarOutside) {
  const Image image(16, 16, 1, Depth::u8);
  Region region;
  region.contour = {{-1e9F, -1e9F}, {1e9F, 1e9F}, {0, 1e9F}};
  EXPECT_EQ(overlay(image.view(), {}, std::vector<Region>{region}, {}).height, 16);
}

TEST(DisplayPicture, UsesFullScaleAndDropsAlpha) {
  Image deep(1, 2, 1, Depth::u16);
  deep.u16()[0] = 4095;
  deep.u16()[1] = 2048;
  const Image shown = display_picture(deep.view(), 4095);
  EXPECT_EQ(shown.u8()[0], 255);
  EXPECT_EQ(shown.u8()[3], 128);
  Image alpha(1, 1, 4, Depth::u8);
  alpha.u8()[0] = 10;
  alpha.u8()[1] = 20;
  alpha.u8()[2] = 30;
  alpha.u8()[3] = 0;
  const Image opaque = display_picture(alpha.view(), 255);
  EXPECT_EQ(opaque.u8()[0], 10);
  EXPECT_EQ(opaque.u8()[2], 30);
  EXPECT_THROW(display_picture({}, 255), InvalidArgument);
}

}  // namespace
}  // namespace oddity
