#include "image/resize.h"

#include <gtest/gtest.h>

#include <cmath>

#include "core/error.h"
#include "core/random.h"

namespace oddity {
namespace {

Image noise(int height, int width, int channels, Depth depth) {
  RandomStream random(7, "resize_test");
  Image image(height, width, channels, depth);
  for (std::byte& byte : image.pixels) {
    byte = static_cast<std::byte>(random.bits() & 0xFFU);
  }
  return image;
}

double value(const Image& image, int y, int x, int c) {
  const std::size_t i =
      (static_cast<std::size_t>(y) * static_cast<std::size_t>(image.width) + static_cast<std::size_t>(x)) *
          static_cast<std::size_t>(image.channels) +
      static_cast<std::size_t>(c);
  return image.depth == Depth::u8 ? image.u8()[i] : image.u16()[i];
}

/// The definition, plainly: integral of the input over the output pixel when an axis shrinks, linear between centres
/// when it grows. In double, no tables, no order of passes.
double weight(int in, int out, int o, int i) {
  const double scale = static_cast<double>(in) / out;
  if (in > out) {
    return std::max(0.0, std::min((o + 1) * scale, i + 1.0) - std::max(o * scale, static_cast<double>(i))) / scale;
  }
  const double centre = std::clamp((o + 0.5) * scale - 0.5, 0.0, in - 1.0);
  return std::max(0.0, 1.0 - std::abs(centre - i));
}

double defined(const Image& image, int height, int width, int y, int x, int c) {
  double sum = 0.0;
  for (int i = 0; i < image.height; ++i) {
    const double wy = weight(image.height, height, y, i);
    for (int j = 0; wy > 0.0 && j < image.width; ++j) {
      sum += wy * weight(image.width, width, x, j) * value(image, i, j, c);
    }
  }
  return sum;
}

struct Case {
  int height, width, channels, out_height, out_width;
  Depth depth;
};

class ResizeDefinition : public testing::TestWithParam<Case> {};

TEST_P(ResizeDefinition, AgreesWithThePlainSum) {
  const Case& c = GetParam();
  const Image image = noise(c.height, c.width, c.channels, c.depth);
  const Image out = resize(image.view(), c.out_height, c.out_width);
  ASSERT_EQ(out.height, c.out_height);
  ASSERT_EQ(out.width, c.out_width);
  ASSERT_EQ(out.channels, c.channels);
  ASSERT_EQ(out.depth, c.depth);
  // Rounding to whole numbers is 0.5; float32 sums add at most a few 1e-7 of full scale.
  const double tolerance = 0.5 + 1e-6 * full_scale_of(c.depth);
  for (int y = 0; y < out.height; ++y) {
    for (int x = 0; x < out.width; ++x) {
      for (int k = 0; k < out.channels; ++k) {
        ASSERT_NEAR(value(out, y, x, k), defined(image, out.height, out.width, y, x, k), tolerance)
            << "at " << y << ", " << x << ", " << k;
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Sizes, ResizeDefinition,
                         testing::Values(Case{32, 48, 1, 16, 16, Depth::u8}, Case{32, 48, 3, 16, 16, Depth::u8},
                                         Case{31, 47, 1, 16, 13, Depth::u8}, Case{17, 9, 4, 33, 20, Depth::u8},
                                         Case{20, 30, 2, 40, 10, Depth::u8}, Case{20, 30, 3, 7, 61, Depth::u8},
                                         Case{31, 47, 1, 16, 13, Depth::u16}, Case{17, 9, 3, 33, 20, Depth::u16},
                                         Case{5, 7, 3, 5, 21, Depth::u16}, Case{5, 7, 1, 15, 7, Depth::u8},
                                         Case{1, 1, 3, 9, 4, Depth::u8}, Case{13, 11, 4, 1, 1, Depth::u16},
                                         Case{128, 314, 3, 128, 128, Depth::u8}),
                         [](const auto& tested) {
                           const Case& c = tested.param;
                           return std::to_string(c.height) + "x" + std::to_string(c.width) + "x" +
                                  std::to_string(c.channels) + "to" + std::to_string(c.out_height) + "x" +
                                  std::to_string(c.out_width) + (c.depth == Depth::u8 ? "u8" : "u16");
                         });

TEST(Resize, KeepsAConstant) {
  for (const Depth depth : {Depth::u8, Depth::u16}) {
    for (const unsigned level : {0U, 1U, 127U, 200U, 255U}) {
      Image image(123, 457, 3, depth);
      std::fill(image.pixels.begin(), image.pixels.end(), static_cast<std::byte>(level));
      for (const auto& [height, width] : {std::pair{7, 5}, {61, 300}, {122, 456}, {124, 458}, {400, 900}}) {
        const Image out = resize(image.view(), height, width);
        EXPECT_TRUE(std::all_of(out.pixels.begin(), out.pixels.end(),
                                [&](std::byte b) { return b == static_cast<std::byte>(level); }))
            << height << "x" << width << " level " << level;
      }
    }
  }
}

TEST(Resize, AveragesBlocksOfAWholeFactorExactly) {
  Image image(4, 4, 1, Depth::u16);
  for (int i = 0; i < 16; ++i) {
    image.u16()[i] = static_cast<std::uint16_t>(1000 * i);
  }
  const Image out = resize(image.view(), 2, 2);
  // Means of {0, 1, 4, 5}, {2, 3, 6, 7}, {8, 9, 12, 13}, {10, 11, 14, 15} thousands.
  EXPECT_EQ(out.u16()[0], 2500);
  EXPECT_EQ(out.u16()[1], 4500);
  EXPECT_EQ(out.u16()[2], 10500);
  EXPECT_EQ(out.u16()[3], 12500);
}

TEST(Resize, KeepsALinearRamp) {
  // Centres at x + 0.5: enlarged by 4, the ramp 40 (x + 0.5) becomes 10 (x + 0.5) between the outermost centres.
  Plane ramp{3, 6, {}};
  for (int y = 0; y < 3; ++y) {
    for (int x = 0; x < 6; ++x) {
      ramp.values.push_back(40.0F * (static_cast<float>(x) + 0.5F));
    }
  }
  const Plane out = resize(ramp, 9, 24);
  for (int y = 0; y < 9; ++y) {
    for (int x = 0; x < 24; ++x) {
      const float expected = 10.0F * (static_cast<float>(x) + 0.5F);
      EXPECT_FLOAT_EQ(out.values[static_cast<std::size_t>(y * 24 + x)], std::clamp(expected, 20.0F, 220.0F));
    }
  }
}

TEST(Resize, EnlargedByAnOddFactorAndBackIsTheSame) {
  const Image image = noise(9, 14, 3, Depth::u8);
  // Nearest repeats each pixel 3 x 3, the area average takes the mean of equal values.
  const Image large = resize_nearest(image.view(), 27, 42);
  EXPECT_EQ(resize(large.view(), 9, 14).pixels, image.pixels);
  EXPECT_EQ(resize_nearest(large.view(), 9, 14).pixels, image.pixels);
}

TEST(Resize, SameSizeCopies) {
  const Image image = noise(33, 21, 4, Depth::u16);
  EXPECT_EQ(resize(image.view(), 33, 21).pixels, image.pixels);
}

TEST(Resize, ReadsStridedViewsAndWritesStridedBuffers) {
  const Image image = noise(20, 30, 3, Depth::u8);
  ImageView part = image.view();
  part.data += 2 * part.stride + 3 * 3;
  part.height = 12;
  part.width = 16;
  Image compact(12, 16, 3, Depth::u8);
  for (int y = 0; y < 12; ++y) {
    std::copy_n(part.data + y * part.stride, 48, compact.pixels.begin() + y * 48);
  }
  Image frame(10, 10, 3, Depth::u8);
  ImageSpan inner = frame.span();
  inner.data += inner.stride + 3;
  inner.height = 6;
  inner.width = 8;
  Resizer resizer(12, 16, 6, 8);
  resizer.run(part, inner);
  EXPECT_EQ(copy_of(inner.view()).pixels, resize(compact.view(), 6, 8).pixels);
  EXPECT_EQ(frame.u8()[0], 0);
}

TEST(Resize, APlanRunsAgainWithOtherChannels) {
  Resizer resizer(20, 30, 10, 45);
  for (const int channels : {1, 4, 3}) {
    const Image image = noise(20, 30, channels, Depth::u8);
    Image out(10, 45, channels, Depth::u8);
    resizer.run(image.view(), out.span());
    EXPECT_EQ(out.pixels, resize(image.view(), 10, 45).pixels);
  }
}

TEST(Resize, NearestTakesThePixelUnderTheCentre) {
  Image image(1, 5, 1, Depth::u8);
  for (int x = 0; x < 5; ++x) {
    image.u8()[x] = static_cast<std::uint8_t>(x);
  }
  // Centres of 3 outputs at 5/6, 15/6, 25/6: pixels 0, 2, 4.
  const Image out = resize_nearest(image.view(), 1, 3);
  EXPECT_EQ(out.u8()[0], 0);
  EXPECT_EQ(out.u8()[1], 2);
  EXPECT_EQ(out.u8()[2], 4);
  const Plane plane = resize_nearest(Plane{1, 5, {0, 1, 2, 3, 4}}, 2, 3);
  EXPECT_EQ(plane.values, (std::vector<float>{0, 2, 4, 0, 2, 4}));
}

TEST(Resize, RefusesWhatItCannotRead) {
  const Image image = noise(4, 4, 1, Depth::u8);
  EXPECT_THROW(resize(ImageView{}, 4, 4), InvalidArgument);
  EXPECT_THROW(resize(image.view(), 0, 4), InvalidArgument);
  EXPECT_THROW(resize(image.view(), 4, 70'000), InvalidArgument);
  EXPECT_THROW(resize(Plane{2, 2, {1.0F}}, 4, 4), InvalidArgument);
  EXPECT_THROW(resize_nearest(Plane{2, 2, {1.0F}}, 4, 4), InvalidArgument);
  Resizer resizer(4, 4, 2, 2);
  Image out(2, 2, 1, Depth::u8);
  Image deep(2, 2, 1, Depth::u16);
  EXPECT_THROW(resizer.run(noise(5, 4, 1, Depth::u8).view(), out.span()), InvalidArgument);
  EXPECT_THROW(resizer.run(image.view(), deep.span()), InvalidArgument);
  ImageView odd = deep.view();
  odd.data += 1;
  EXPECT_THROW(resize(odd, 1, 1), InvalidArgument);
  ImageView thin = image.view();
  thin.stride = 3;
  EXPECT_THROW(resize(thin, 2, 2), InvalidArgument);
  EXPECT_THROW(Image(0, 4, 1, Depth::u8), InvalidArgument);
  EXPECT_THROW(Image(4, 65'537, 1, Depth::u8), InvalidArgument);
  EXPECT_THROW(Image(4, 4, 65, Depth::u8), InvalidArgument);
}

}  // namespace
}  // namespace oddity
