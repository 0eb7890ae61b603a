#include "inference/prepare.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/error.h"
#include "image/color.h"
#include "image/resize.h"
#include "samples.h"

namespace oddity {
namespace {

using samples::fill_box;
using samples::image_of;
using ::testing::HasSubstr;

InputContract contract_of(const char* fit, int channels, int height, int width) {
  InputContract contract;
  contract.fit = fit;
  contract.channels = channels;
  contract.height = height;
  contract.width = width;
  return contract;
}

std::string refusal(const Image& image, const InputContract& contract) {
  try {
    prepare_input(image.view(), contract);
  } catch (const InvalidArgument& error) {
    return error.what();
  }
  return "accepted";
}

TEST(Prepare, EqualSizeCopiesAndScalesToOne) {
  const Image image = image_of(4, 6, 1, Depth::u8, {{1, 2, 255}, {5, 3, 51}});
  const Prepared prepared = prepare_input(image.view(), contract_of("stretch", 1, 4, 6));
  ASSERT_EQ(prepared.values.size(), 24u);
  EXPECT_EQ(prepared.values[2 * 6 + 1], 1.0f);
  EXPECT_FLOAT_EQ(prepared.values[3 * 6 + 5], 0.2f);
  EXPECT_EQ(prepared.values[0], 0.0f);
}

TEST(Prepare, ChannelsBecomePlanes) {
  Image image(16, 16, 3, Depth::u8);
  for (std::size_t i = 0; i < image.pixels.size(); ++i) {
    image.u8()[i] = static_cast<std::uint8_t>(i % 3 == 0 ? 255 : i % 3 == 1 ? 51 : 0);
  }
  const Prepared prepared = prepare_input(image.view(), contract_of("stretch", 3, 16, 16));
  EXPECT_EQ(prepared.values[0], 1.0f);
  EXPECT_FLOAT_EQ(prepared.values[256], 0.2f);
  EXPECT_EQ(prepared.values[512], 0.0f);
}

TEST(Prepare, StretchKnowsItsScales) {
  const Prepared prepared = prepare_input(image_of(64, 40, 1, Depth::u8).view(), contract_of("stretch", 1, 16, 20));
  EXPECT_EQ(prepared.height, 16);
  EXPECT_EQ(prepared.width, 20);
  EXPECT_EQ(prepared.valid_height, 16);
  EXPECT_EQ(prepared.valid_width, 20);
  EXPECT_EQ(prepared.scale_x, 2.0);
  EXPECT_EQ(prepared.scale_y, 4.0);
}

TEST(Prepare, PadKeepsTheAspectAndReflects) {
  // 40 x 20 (width x height) into 20 x 20: halved to 20 x 10, rows 10..19 mirror rows 8..0 without repeating row 9.
  Image image(20, 40, 1, Depth::u8);
  for (int y = 0; y < 20; ++y) {
    fill_box(image, 0, y, 40, y + 1, 10 * (y / 2));
  }
  const Prepared prepared = prepare_input(image.view(), contract_of("pad", 1, 20, 20));
  EXPECT_EQ(prepared.valid_height, 10);
  EXPECT_EQ(prepared.valid_width, 20);
  EXPECT_EQ(prepared.scale_x, 2.0);
  EXPECT_EQ(prepared.scale_y, 2.0);
  for (int y = 0; y < 20; ++y) {
    // Positions 10..18 reflect to 8..0, position 19 swings back to 1.
    const int source = y < 10 ? y : y < 19 ? 18 - y : 1;
    EXPECT_FLOAT_EQ(prepared.values[static_cast<std::size_t>(y) * 20 + 7], static_cast<float>(source) * 10 / 255) << y;
  }
}

TEST(Prepare, NativeCanvasKeepsPixelsAndReflects) {
  Image image(15, 18, 1, Depth::u8);
  fill_box(image, 17, 0, 18, 15, 200);
  fill_box(image, 16, 0, 17, 15, 100);
  const Prepared prepared = prepare_input(image.view(), contract_of("native", 1, 16, 20));
  EXPECT_EQ(prepared.height, 16);
  EXPECT_EQ(prepared.width, 20);
  EXPECT_EQ(prepared.valid_height, 15);
  EXPECT_EQ(prepared.valid_width, 18);
  EXPECT_EQ(prepared.scale_x, 1.0);
  EXPECT_FLOAT_EQ(prepared.values[17], 200.0f / 255);
  EXPECT_FLOAT_EQ(prepared.values[18], 100.0f / 255);
  EXPECT_EQ(prepared.values[19], 0.0f);
}

TEST(Prepare, NativeWithoutCanvasPadsToTheMultiple) {
  InputContract contract = contract_of("native", 1, 0, 0);
  contract.multiple = 8;
  const Prepared prepared = prepare_input(image_of(17, 32, 1, Depth::u8).view(), contract);
  EXPECT_EQ(prepared.height, 24);
  EXPECT_EQ(prepared.width, 32);
  EXPECT_EQ(prepared.valid_height, 17);
}

struct SizeCase {
  const char* fit;
  int model_height, model_width, height, width;
  const char* words;
};

class Sizes : public ::testing::TestWithParam<SizeCase> {};

TEST_P(Sizes, AreAcceptedOrRefusedWithASentence) {
  const SizeCase& c = GetParam();
  EXPECT_THAT(refusal(image_of(c.height, c.width, 1, Depth::u8), contract_of(c.fit, 1, c.model_height, c.model_width)),
              HasSubstr(c.words));
}

INSTANTIATE_TEST_SUITE_P(
    Table, Sizes,
    ::testing::Values(SizeCase{"stretch", 128, 128, 16, 16, "accepted"},
                      SizeCase{"stretch", 128, 128, 15, 16, "too small to judge; got 16x15 px"},
                      SizeCase{"stretch", 128, 128, 1, 1, "too small to judge; got 1x1 px"},
                      SizeCase{"stretch", 128, 128, 3000, 17, "accepted"}, SizeCase{"pad", 128, 128, 16, 4, "accepted"},
                      SizeCase{"pad", 128, 128, 15, 4, "too small to judge"},
                      SizeCase{"native", 0, 0, 16, 16, "accepted"}, SizeCase{"native", 0, 0, 700, 16, "accepted"},
                      SizeCase{"native", 0, 0, 15, 400,
                               "too small to judge; got 400x15 px; expected sides of at least 16"},
                      SizeCase{"native", 100, 200, 100, 200, "accepted"},
                      SizeCase{"native", 100, 200, 75, 150, "accepted"},
                      SizeCase{"native", 100, 200, 74, 150, "much smaller than the package's canvas; got 150x74 px"},
                      SizeCase{"native", 100, 200, 75, 149, "much smaller than the package's canvas"},
                      SizeCase{"native", 100, 200, 101, 200, "larger than the package's canvas; got 200x101 px"},
                      SizeCase{"native", 100, 200, 100, 201, "larger than the package's canvas"}));

struct ChannelCase {
  int package, image;
  bool convert;
  const char* words;
};

class Channels : public ::testing::TestWithParam<ChannelCase> {};

TEST_P(Channels, FollowTheContract) {
  const ChannelCase& c = GetParam();
  InputContract contract = contract_of("stretch", c.package, 16, 16);
  contract.convert_channels = c.convert;
  EXPECT_THAT(refusal(image_of(16, 16, c.image, Depth::u8), contract), HasSubstr(c.words));
}

INSTANTIATE_TEST_SUITE_P(
    Table, Channels,
    ::testing::Values(ChannelCase{1, 1, false, "accepted"},
                      ChannelCase{1, 3, false, "judges grey images and this one is colour; got 3 channels; expected 1"},
                      ChannelCase{1, 4, false, "judges grey images and this one is colour with alpha"},
                      ChannelCase{1, 2, false, "judges grey images and this one is grey with alpha"},
                      ChannelCase{3, 1, false, "judges colour images and this one is grey; got 1 channels; expected 3"},
                      ChannelCase{3, 4, false, "judges colour images and this one is colour with alpha"},
                      ChannelCase{4, 4, false, "accepted"}, ChannelCase{4, 3, true, "cannot convert this one"},
                      ChannelCase{1, 3, true, "accepted"}, ChannelCase{1, 4, true, "accepted"},
                      ChannelCase{3, 1, true, "accepted"}, ChannelCase{3, 4, true, "accepted"},
                      ChannelCase{3, 5, true, "cannot convert this one; got 5 channels; expected 3"}));

TEST(Prepare, ColourToGreyIsLumaAndAlphaIsDropped) {
  InputContract contract = contract_of("stretch", 1, 16, 16);
  contract.convert_channels = true;
  Image image(16, 16, 4, Depth::u8);
  for (std::size_t i = 0; i < 256; ++i) {
    const std::uint8_t pixel[4] = {200, 100, 50, 7};
    std::copy_n(pixel, 4, image.u8() + 4 * i);
  }
  // BT.601: 0.299 * 200 + 0.587 * 100 + 0.114 * 50 = 124.2, stored as 124.
  EXPECT_FLOAT_EQ(prepare_input(image.view(), contract).values[0], 124.0f / 255);
  contract.channels = 3;
  const auto values = prepare_input(image.view(), contract).values;
  ASSERT_EQ(values.size(), 768u);
  EXPECT_FLOAT_EQ(values[0], 200.0f / 255);
  EXPECT_FLOAT_EQ(values[256], 100.0f / 255);
  EXPECT_FLOAT_EQ(values[512], 50.0f / 255);
}

TEST(Prepare, DepthsAreScaledByTheirOwnWhite) {
  InputContract contract = contract_of("stretch", 1, 16, 16);
  contract.full_scale = 250;  // of 8 bit
  EXPECT_FLOAT_EQ(prepare_input(image_of(16, 16, 1, Depth::u8, {{0, 0, 250}}).view(), contract).values[0], 1.0f);
  EXPECT_FLOAT_EQ(prepare_input(image_of(16, 16, 1, Depth::u16, {{0, 0, 65535}}).view(), contract).values[0], 1.0f);
  contract.depth = Depth::u16;
  contract.full_scale = 4095;  // a 12-bit camera
  EXPECT_FLOAT_EQ(prepare_input(image_of(16, 16, 1, Depth::u16, {{0, 0, 4095}}).view(), contract).values[0], 1.0f);
  EXPECT_FLOAT_EQ(prepare_input(image_of(16, 16, 1, Depth::u16, {{0, 0, 8190}}).view(), contract).values[0], 1.0f)
      << "brighter than white is white, as in training";
  EXPECT_FLOAT_EQ(prepare_input(image_of(16, 16, 1, Depth::u8, {{0, 0, 255}}).view(), contract).values[0], 1.0f);
}

TEST(Prepare, FitIsTheResidentImageOfTheSameNumbers) {
  InputContract contract = contract_of("pad", 1, 24, 32);
  contract.convert_channels = true;
  Image image(50, 41, 3, Depth::u16);
  for (std::size_t i = 0; i < image.pixels.size() / 2; ++i) {
    image.u16()[i] = static_cast<std::uint16_t>(i * 7919 % 65'536);
  }
  const Image fitted = fit_image(image.view(), contract);
  const Prepared prepared = prepare_input(image.view(), contract);
  ASSERT_EQ(fitted.height, 24);
  ASSERT_EQ(fitted.width, 32);
  ASSERT_EQ(fitted.channels, 1);
  ASSERT_EQ(fitted.depth, Depth::u16);
  for (std::size_t i = 0; i < prepared.values.size(); ++i) {
    ASSERT_FLOAT_EQ(prepared.values[i], static_cast<float>(fitted.u16()[i] / divisor_of(Depth::u16, contract)));
  }
  // The valid part is the plain resize of the converted image.
  const Image grey = convert_channels(image.view(), 1);
  const Image small = resize(grey.view(), prepared.valid_height, prepared.valid_width);
  for (int y = 0; y < small.height; ++y) {
    for (int x = 0; x < small.width; ++x) {
      ASSERT_EQ(fitted.u16()[y * 32 + x], small.u16()[y * small.width + x]);
    }
  }
}

TEST(Prepare, OnePreparerForManySizesEqualsFreshOnes) {
  InputContract contract = contract_of("pad", 1, 32, 32);
  contract.convert_channels = true;
  InputPreparer preparer(contract);
  for (const auto& [height, width, channels] : {std::tuple{40, 30, 1}, {40, 30, 3}, {12, 70, 1}, {40, 30, 1}}) {
    Image image(height, width, channels, Depth::u8);
    for (std::size_t i = 0; i < image.pixels.size(); ++i) {
      image.u8()[i] = static_cast<std::uint8_t>(i * 31 % 251);
    }
    EXPECT_EQ(preparer.run(image.view()).values, prepare_input(image.view(), contract).values);
  }
}

TEST(Prepare, StridedViewsEqualCompactOnes) {
  Image wide(20, 40, 1, Depth::u8);
  for (std::size_t i = 0; i < wide.pixels.size(); ++i) {
    wide.u8()[i] = static_cast<std::uint8_t>(i % 253);
  }
  ImageView part = wide.view();
  part.data += 5;
  part.width = 30;
  EXPECT_EQ(prepare_input(part, contract_of("stretch", 1, 16, 16)).values,
            prepare_input(copy_of(part).view(), contract_of("stretch", 1, 16, 16)).values);
}

TEST(Prepare, EmptyImagesAndBadContractsAreRefused) {
  EXPECT_THROW(prepare_input(ImageView{}, contract_of("stretch", 1, 16, 16)), InvalidArgument);
  const Image image = image_of(16, 16, 1, Depth::u8);
  EXPECT_THAT(refusal(image, contract_of("crop", 1, 16, 16)), HasSubstr("input fit unknown; got 'crop'"));
  EXPECT_THAT(refusal(image, contract_of("stretch", 1, 0, 0)), HasSubstr("input size out of range"));
  EXPECT_THAT(refusal(image, contract_of("native", 1, 16, 0)), HasSubstr("input size out of range"));
  EXPECT_THAT(refusal(image, contract_of("stretch", 0, 16, 16)), HasSubstr("input channels out of range"));
  InputContract contract = contract_of("stretch", 1, 16, 16);
  contract.full_scale = 0;
  EXPECT_THAT(refusal(image, contract), HasSubstr("full scale out of range"));
  contract = contract_of("native", 1, 0, 0);
  contract.multiple = 0;
  EXPECT_THAT(refusal(image, contract), HasSubstr("multiple out of range"));
}

}  // namespace
}  // namespace oddity
