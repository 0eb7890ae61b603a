#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "core/error.h"
#include "image/color.h"
#include "image/depth.h"
#include "image/pad.h"

namespace oddity {
namespace {

Image u8_image(int height, int width, int channels, const std::vector<int>& values) {
  Image image(height, width, channels, Depth::u8);
  for (std::size_t i = 0; i < values.size(); ++i) {
    image.u8()[i] = static_cast<std::uint8_t>(values[i]);
  }
  return image;
}

std::vector<int> values_of(const Image& image) {
  std::vector<int> values;
  for (std::size_t i = 0; i < image.pixels.size() / bytes_of(image.depth); ++i) {
    values.push_back(image.depth == Depth::u8 ? image.u8()[i] : image.u16()[i]);
  }
  return values;
}

TEST(Color, LumaAfterBt601) {
  // 0.299, 0.587, 0.114 of 255: 76.245, 149.685, 29.07.
  const Image image = u8_image(1, 3, 3, {255, 0, 0, 0, 255, 0, 0, 0, 255});
  EXPECT_EQ(values_of(convert_channels(image.view(), 1)), (std::vector<int>{76, 150, 29}));
}

TEST(Color, GreyStaysExactlyInBothDepths) {
  for (int v = 0; v < 256; ++v) {
    const Image rgb = u8_image(1, 1, 3, {v, v, v});
    ASSERT_EQ(values_of(convert_channels(rgb.view(), 1)), std::vector<int>{v});
  }
  Image deep(1, 1, 3, Depth::u16);
  for (int v = 0; v < 65'536; ++v) {
    std::fill_n(deep.u16(), 3, static_cast<std::uint16_t>(v));
    ASSERT_EQ(values_of(convert_channels(deep.view(), 1)), std::vector<int>{v});
  }
}

TEST(Color, AlphaIsDroppedAndGreyRepeated) {
  EXPECT_EQ(values_of(convert_channels(u8_image(1, 2, 4, {1, 2, 3, 0, 4, 5, 6, 255}).view(), 3)),
            (std::vector<int>{1, 2, 3, 4, 5, 6}));
  EXPECT_EQ(values_of(convert_channels(u8_image(1, 2, 2, {9, 0, 8, 255}).view(), 1)), (std::vector<int>{9, 8}));
  EXPECT_EQ(values_of(convert_channels(u8_image(1, 2, 2, {9, 0, 8, 255}).view(), 3)),
            (std::vector<int>{9, 9, 9, 8, 8, 8}));
  EXPECT_EQ(values_of(convert_channels(u8_image(1, 1, 4, {7, 7, 7, 3}).view(), 1)), std::vector<int>{7});
}

TEST(Color, RefusesUnknownWays) {
  const Image rgb = u8_image(1, 1, 3, {1, 2, 3});
  EXPECT_THROW(convert_channels(rgb.view(), 4), InvalidArgument);
  EXPECT_THROW(convert_channels(Image(1, 1, 5, Depth::u8).view(), 3), InvalidArgument);
  EXPECT_TRUE(can_convert_channels(5, 5));
  EXPECT_FALSE(can_convert_channels(1, 2));
  Image wrong(2, 1, 1, Depth::u8);
  EXPECT_THROW(convert_channels(rgb.view(), wrong.span()), InvalidArgument);
}

TEST(Color, KnowsGrey) {
  EXPECT_TRUE(is_grey(u8_image(1, 2, 3, {5, 5, 5, 9, 9, 9}).view()));
  EXPECT_FALSE(is_grey(u8_image(1, 2, 3, {5, 5, 5, 9, 9, 8}).view()));
  EXPECT_TRUE(is_grey(u8_image(1, 1, 4, {5, 5, 5, 0}).view()));
  EXPECT_TRUE(is_grey(u8_image(1, 1, 1, {5}).view()));
}

TEST(DepthConversion, ThereAndBackIsExact) {
  Image image(1, 256, 1, Depth::u8);
  for (int v = 0; v < 256; ++v) {
    image.u8()[v] = static_cast<std::uint8_t>(v);
  }
  const Image deep = convert_depth(image.view(), Depth::u16);
  EXPECT_EQ(deep.u16()[0], 0);
  EXPECT_EQ(deep.u16()[255], 65'535);
  EXPECT_EQ(convert_depth(deep.view(), Depth::u8).pixels, image.pixels);
}

TEST(DepthConversion, RoundsToNearest) {
  Image deep(1, 4, 1, Depth::u16);
  const std::uint16_t values[] = {128, 129, 65'535, 65'406};  // / 257: 0.498, 0.502, 255, 254.498
  std::copy(values, values + 4, deep.u16());
  EXPECT_EQ(values_of(convert_depth(deep.view(), Depth::u8)), (std::vector<int>{0, 1, 255, 254}));
}

TEST(Planar, SplitsChannelsAndScales) {
  const Image image = u8_image(1, 2, 3, {0, 51, 102, 255, 204, 153});
  std::vector<float> planes(6);
  to_planar(image.view(), 255.0, planes);
  EXPECT_EQ(planes, (std::vector<float>{0.0F, 1.0F, 0.2F, 0.8F, 0.4F, 0.6F}));
  Image back(1, 2, 3, Depth::u8);
  from_planar(planes, 255.0, back.span());
  EXPECT_EQ(back.pixels, image.pixels);
}

TEST(Planar, DoesNotClampOnTheWayInButOnTheWayOut) {
  Image deep(1, 1, 1, Depth::u16);
  deep.u16()[0] = 8190;
  std::vector<float> plane(1);
  to_planar(deep.view(), 4095.0, plane);
  EXPECT_EQ(plane[0], 2.0F);
  Image out(1, 4, 1, Depth::u8);
  const float infinity = std::numeric_limits<float>::infinity();
  from_planar(std::vector<float>{-3.0F, 1.5F, std::nanf(""), infinity}, 255.0, out.span());
  EXPECT_EQ(values_of(out), (std::vector<int>{0, 255, 0, 255}));
}

TEST(Planar, RefusesWrongSizesAndScales) {
  const Image image = u8_image(1, 1, 1, {1});
  std::vector<float> two(2), one(1);
  EXPECT_THROW(to_planar(image.view(), 255.0, two), InvalidArgument);
  EXPECT_THROW(to_planar(image.view(), 0.0, one), InvalidArgument);
  EXPECT_THROW(to_planar(image.view(), std::nan(""), one), InvalidArgument);
}

TEST(Pad, ReflectsWithoutRepeatingTheBorder) {
  const Image image = u8_image(2, 3, 1, {1, 2, 3, 4, 5, 6});
  EXPECT_EQ(values_of(pad_reflect(image.view(), 2, 4)), (std::vector<int>{1, 2, 3, 2, 1, 2, 3,  //
                                                                          4, 5, 6, 5, 4, 5, 6,  //
                                                                          1, 2, 3, 2, 1, 2, 3,  //
                                                                          4, 5, 6, 5, 4, 5, 6}));
  EXPECT_EQ(values_of(pad_reflect(u8_image(1, 1, 2, {7, 8}).view(), 1, 1)), (std::vector<int>{7, 8, 7, 8, 7, 8, 7, 8}));
}

TEST(Pad, WorksInPlace) {
  Image canvas = u8_image(3, 3, 1, {1, 2, 0, 3, 4, 0, 0, 0, 0});
  ImageView inner = canvas.view();
  inner.height = 2;
  inner.width = 2;
  pad_reflect(inner, canvas.span());
  EXPECT_EQ(values_of(canvas), (std::vector<int>{1, 2, 1, 3, 4, 3, 1, 2, 1}));
}

TEST(Pad, CropUndoesIt) {
  const Image image = u8_image(2, 3, 1, {1, 2, 3, 4, 5, 6});
  const Image padded = pad_reflect(image.view(), 3, 5);
  EXPECT_EQ(copy_of(crop(padded.view(), 0, 0, 2, 3)).pixels, image.pixels);
  EXPECT_EQ(values_of(copy_of(crop(image.view(), 1, 1, 1, 2))), (std::vector<int>{5, 6}));
  EXPECT_EQ(crop(Plane{2, 3, {1, 2, 3, 4, 5, 6}}, 0, 1, 2, 2).values, (std::vector<float>{2, 3, 5, 6}));
}

TEST(Pad, RefusesPartsOutside) {
  const Image image = u8_image(2, 3, 1, {1, 2, 3, 4, 5, 6});
  EXPECT_THROW(crop(image.view(), 1, 0, 2, 3), InvalidArgument);
  EXPECT_THROW(crop(image.view(), -1, 0, 1, 1), InvalidArgument);
  EXPECT_THROW(crop(image.view(), 0, 2, 1, std::numeric_limits<int>::max()), InvalidArgument);
  EXPECT_THROW(pad_reflect(image.view(), -1, 0), InvalidArgument);
  EXPECT_THROW(pad_reflect(image.view(), 65'536, 0), InvalidArgument);
  EXPECT_EQ(rounded_up(1, 16), 16);
  EXPECT_EQ(rounded_up(32, 16), 32);
  EXPECT_THROW(rounded_up(0, 16), InvalidArgument);
}

}  // namespace
}  // namespace oddity
