#include "data/decode.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <opencv2/imgcodecs.hpp>

#include "test_files.h"

namespace oddity {
namespace {

using test::Bytes;
using test::message_of;
using test::numbered_image;
using test::png_of;
using testing::AllOf;
using testing::HasSubstr;

std::string refusal(const Bytes& bytes, const DecodeLimits& limits = {}) {
  return message_of<ContentError>([&] { decode_image(bytes, "part.png", limits); });
}

/// Encoded by OpenCV from our order of channels.
Bytes encoded(const Image& image, const char* extension, const std::vector<int>& options = {}) {
  cv::Mat matrix(image.height, image.width, CV_MAKETYPE(image.depth == Depth::u8 ? CV_8U : CV_16U, image.channels));
  std::memcpy(matrix.data, image.pixels.data(), image.pixels.size());
  if (image.channels >= 3) {
    std::vector<cv::Mat> planes;
    for (int c = 0; c < image.channels; ++c) {
      cv::Mat plane(image.height, image.width, matrix.depth());
      for (int i = 0; i < image.height * image.width; ++i) {
        const std::size_t from = static_cast<std::size_t>(i) * static_cast<std::size_t>(image.channels) +
                                 static_cast<std::size_t>(c < 3 ? 2 - c : c);
        if (image.depth == Depth::u8) {
          plane.ptr<std::uint8_t>()[i] = image.u8()[from];
        } else {
          plane.ptr<std::uint16_t>()[i] = image.u16()[from];
        }
      }
      planes.push_back(plane);
    }
    for (int i = 0; i < image.height * image.width; ++i) {
      for (int c = 0; c < image.channels; ++c) {
        const std::size_t to = static_cast<std::size_t>(i * image.channels + c);
        if (image.depth == Depth::u8) {
          matrix.ptr<std::uint8_t>()[to] = planes[static_cast<std::size_t>(c)].ptr<std::uint8_t>()[i];
        } else {
          matrix.ptr<std::uint16_t>()[to] = planes[static_cast<std::size_t>(c)].ptr<std::uint16_t>()[i];
        }
      }
    }
  }
  std::vector<std::uint8_t> out;
  cv::imencode(extension, matrix, out, options);
  Bytes bytes(out.size());
  std::memcpy(bytes.data(), out.data(), out.size());
  return bytes;
}

void expect_same(const Image& a, const Image& b) {
  EXPECT_EQ(a.height, b.height);
  EXPECT_EQ(a.width, b.width);
  EXPECT_EQ(a.channels, b.channels);
  EXPECT_EQ(a.depth, b.depth);
  EXPECT_EQ(a.pixels, b.pixels);
}

TEST(Decode, PngKeepsDepthAndChannels) {
  for (const Depth depth : {Depth::u8, Depth::u16}) {
    for (const int channels : {1, 3, 4}) {
      const Image image = numbered_image(7, 11, channels, depth);
      expect_same(decode_image(encode_png(image.view()), "x"), image);
      expect_same(decode_image(encoded(image, ".png"), "x"), image);
    }
  }
}

TEST(Decode, TiffAndBmpAreExact) {
  for (const int channels : {1, 3}) {
    const Image shallow = numbered_image(13, 17, channels, Depth::u8);
    expect_same(decode_image(encoded(shallow, ".tiff"), "x"), shallow);
    expect_same(decode_image(encoded(shallow, ".bmp"), "x"), shallow);
    const Image deep = numbered_image(13, 17, channels, Depth::u16);
    expect_same(decode_image(encoded(deep, ".tiff"), "x"), deep);
  }
}

TEST(Decode, JpegIsNearAndRedComesFirst) {
  Image image(16, 16, 3, Depth::u8);
  for (std::size_t i = 0; i < 256; ++i) {
    image.u8()[3 * i] = 200;
    image.u8()[3 * i + 1] = 100;
    image.u8()[3 * i + 2] = 50;
  }
  for (const int progressive : {0, 1}) {
    const Image read = decode_image(encoded(image, ".jpg", {cv::IMWRITE_JPEG_PROGRESSIVE, progressive}), "x");
    ASSERT_EQ(read.channels, 3);
    // JPEG of one colour: only the rounding of YCbCr, at most 2.
    EXPECT_NEAR(read.u8()[0], 200, 2);
    EXPECT_NEAR(read.u8()[1], 100, 2);
    EXPECT_NEAR(read.u8()[2], 50, 2);
  }
  EXPECT_EQ(decode_image(encoded(numbered_image(9, 9, 1, Depth::u8), ".jpg"), "x").channels, 1);
}

TEST(Decode, ReadsTheSmallestImage) {
  const Image read = decode_image(png_of(1, 1, 8, 0, {std::byte{0}, std::byte{77}}), "x");
  EXPECT_EQ(read.height, 1);
  EXPECT_EQ(read.width, 1);
  EXPECT_EQ(read.u8()[0], 77);
}

TEST(Decode, ReadsSixteenBitsBigEndian) {
  const Image read = decode_image(png_of(1, 1, 16, 0, {std::byte{0}, std::byte{0x12}, std::byte{0x34}}), "x");
  EXPECT_EQ(read.depth, Depth::u16);
  EXPECT_EQ(read.u16()[0], 0x1234);
}

TEST(Decode, GreyWithAlphaBecomesRgba) {
  const Image read = decode_image(png_of(1, 1, 8, 4, {std::byte{0}, std::byte{40}, std::byte{90}}), "x");
  ASSERT_EQ(read.channels, 4);
  EXPECT_EQ(read.u8()[0], 40);
  EXPECT_EQ(read.u8()[2], 40);
  EXPECT_EQ(read.u8()[3], 90);
}

TEST(Decode, OneBitSpreadsToBlackAndWhite) {
  const Image read = decode_image(png_of(4, 1, 1, 0, {std::byte{0}, std::byte{0b10100000}}), "x");
  ASSERT_EQ(read.channels, 1);
  EXPECT_EQ(std::vector<int>(read.u8(), read.u8() + 4), (std::vector<int>{255, 0, 255, 0}));
}

TEST(Decode, IgnoresExifOrientation) {
  const Image image = numbered_image(8, 24, 1, Depth::u8);
  Bytes jpeg = encoded(image, ".jpg");
  // APP1 with one TIFF entry: orientation (0x0112) = 6, a quarter turn.
  const std::string exif(
      "\xFF\xE1\x00\x22"
      "Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0",
      36);
  const Bytes segment = test::bytes_of_text(exif);
  jpeg.insert(jpeg.begin() + 2, segment.begin(), segment.end());
  const Image read = decode_image(jpeg, "x");
  EXPECT_EQ(read.height, 8);
  EXPECT_EQ(read.width, 24);
}

// --- Bad input: each with its message ------------------------------------------------------------------------------

TEST(DecodeRefuses, EmptyAndForeignFiles) {
  EXPECT_THAT(refusal({}), AllOf(HasSubstr("[data.decode]"), HasSubstr("part.png: empty file")));
  EXPECT_THAT(refusal(test::bytes_of_text("file,label\nthis is a text\n")), HasSubstr("part.png: not an image"));
  EXPECT_THAT(refusal(Bytes(5000)), HasSubstr("not an image"));
  EXPECT_THAT(refusal(test::bytes_of_text("GIF89a\x01\x01")), HasSubstr("not an image"));
  EXPECT_THAT(refusal(test::bytes_of_text("%YAML:1.0\n---\n")), HasSubstr("not an image"));
}

TEST(DecodeRefuses, HugeSizesBeforeDecoding) {
  // The header says 20000 x 20000; the pixel data is one row. A decoder would have to allocate 400 MB first.
  const Bytes small(3);
  EXPECT_THAT(refusal(png_of(20'000, 20'000, 8, 0, small)),
              HasSubstr("image too large; got 20000x20000 = 400000000 pixels; expected at most 100000000"));
  EXPECT_THAT(refusal(png_of(1, 70'000, 8, 0, small)),
              HasSubstr("got 70000x1 (height x width); expected sides up to 65536"));
  EXPECT_THAT(refusal(png_of(0, 5, 8, 0, small)), HasSubstr("got 5x0 pixels"));
  EXPECT_THAT(refusal(png_of(0xFFFFFFFF, 0xFFFFFFFF, 8, 0, small)), HasSubstr("image too large"));
  const Bytes fine = encode_png(numbered_image(10, 10, 1, Depth::u8).view());
  EXPECT_THAT(refusal(fine, {.max_pixels = 99}), HasSubstr("got 10x10 = 100 pixels; expected at most 99"));
  EXPECT_THAT(refusal(fine, {.max_bytes = 20}), HasSubstr("file too large"));
}

TEST(DecodeRefuses, EveryTruncation) {
  const Image grey = numbered_image(24, 31, 1, Depth::u8);
  const Image colour = numbered_image(24, 31, 3, Depth::u8);
  for (const Image* image : {&grey, &colour}) {
    for (const char* extension : {".png", ".jpg", ".bmp", ".tiff"}) {
      const Bytes whole = encoded(*image, extension);
      ASSERT_EQ(refusal(whole), "no error") << extension;
      for (std::size_t length = 0; length < whole.size(); ++length) {
        const std::string message = refusal(Bytes(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(length)));
        ASSERT_THAT(message, HasSubstr("[data.decode] part.png: ")) << extension << " cut to " << length;
      }
    }
  }
}

TEST(DecodeRefuses, EveryFlippedBitOfAPng) {
  const Bytes whole = encode_png(numbered_image(6, 5, 3, Depth::u8).view());
  for (std::size_t bit = 0; bit < 8 * whole.size(); ++bit) {
    Bytes damaged = whole;
    damaged[bit / 8] ^= static_cast<std::byte>(1U << (bit % 8));
    ASSERT_THAT(refusal(damaged), HasSubstr("[data.decode] part.png: ")) << "bit " << bit;
  }
}

TEST(DecodeRefuses, RandomDamageNeverCrashes) {
  // Without checksums a damaged pixel cannot be told; what matters is an image or a ContentError, nothing else.
  const Image image = numbered_image(24, 31, 3, Depth::u8);
  for (const char* extension : {".jpg", ".bmp", ".tiff"}) {
    const Bytes whole = encoded(image, extension);
    std::uint32_t state = 12'345;
    for (int round = 0; round < 2'000; ++round) {
      Bytes damaged = whole;
      for (int k = 0; k < 3; ++k) {
        state = state * 1'664'525U + 1'013'904'223U;
        damaged[(state >> 8U) % std::min<std::size_t>(damaged.size(), k == 0 ? damaged.size() : 300)] ^=
            static_cast<std::byte>(1U + (state >> 3U) % 255U);
      }
      const std::string message = refusal(damaged, {.max_pixels = 1'000'000});
      ASSERT_THAT(message, testing::AnyOf("no error", HasSubstr("[data.decode] part.png: "))) << extension;
    }
  }
}

TEST(DecodeRefuses, CmykAndOtherKinds) {
  const auto jpeg = [](int bits, int channels) {
    std::string text("\xFF\xD8\xFF\xC0", 4);
    const int length = 8 + 3 * channels;
    text += std::string{static_cast<char>(0),       static_cast<char>(length), static_cast<char>(bits), 0, 4, 0, 4,
                        static_cast<char>(channels)};
    return test::bytes_of_text(text + std::string(static_cast<std::size_t>(3 * channels), '\x01') + "\xFF\xD9");
  };
  EXPECT_THAT(refusal(jpeg(8, 4)), HasSubstr("CMYK JPEG is not supported"));
  EXPECT_THAT(refusal(jpeg(12, 1)), HasSubstr("got 12 bits a channel; expected 8"));
  EXPECT_THAT(refusal(jpeg(8, 2)), HasSubstr("got 2 channels"));

  cv::Mat floats(4, 4, CV_32F, cv::Scalar(1.0));
  std::vector<std::uint8_t> out;
  cv::imencode(".tiff", floats, out);
  Bytes bytes(out.size());
  std::memcpy(bytes.data(), out.data(), out.size());
  EXPECT_THAT(refusal(bytes), HasSubstr("got 32 bits a channel; expected 8 or 16"));
  EXPECT_THAT(refusal(test::bytes_of_text(std::string("II+\0\x08\0\0\0", 8))), HasSubstr("BigTIFF is not supported"));
}

TEST(Decode, FilesNameThemselves) {
  const test::TemporaryFolder folder;
  const Image image = numbered_image(30, 20, 3, Depth::u16);
  write_png(folder / "a.png", image.view());
  expect_same(decode_image(folder / "a.png"), image);
  const ImageSize size = image_size(folder / "a.png");
  EXPECT_EQ(size.height, 30);
  EXPECT_EQ(size.width, 20);
  test::write_text(folder / "text.png", "no image");
  EXPECT_THAT(message_of<ContentError>([&] { decode_image(folder / "text.png"); }),
              HasSubstr("text.png: not an image"));
  EXPECT_THAT(message_of<ContentError>([&] { image_size(folder / "text.png"); }), HasSubstr("text.png: not an image"));
  EXPECT_THAT(message_of<PathError>([&] { decode_image(folder / "none.png"); }), HasSubstr("none.png"));
  EXPECT_THAT(message_of<PathError>([&] { image_size(folder / "none.png"); }), HasSubstr("none.png"));
  EXPECT_THROW(encode_png(numbered_image(2, 2, 2, Depth::u8).view()), InvalidArgument);
  EXPECT_THROW(encode_png(image.view(), 10), InvalidArgument);
}

TEST(Decode, SizeOfALargeFileComesFromItsHead) {
  const test::TemporaryFolder folder;
  const Image image = numbered_image(300, 400, 3, Depth::u8);  // noise: far above the 64 KiB that are read
  write_png(folder / "a.png", image.view());
  ASSERT_GT(std::filesystem::file_size(folder / "a.png"), 65'536U);
  EXPECT_EQ(image_size(folder / "a.png").width, 400);
  // A TIFF keeps its directory at the end.
  test::write_bytes(folder / "a.tif", encoded(image, ".tiff", {cv::IMWRITE_TIFF_COMPRESSION, 1}));
  EXPECT_EQ(image_size(folder / "a.tif").height, 300);
}

TEST(Decode, KnowsExtensions) {
  EXPECT_TRUE(has_image_extension("a/b.PNG"));
  EXPECT_TRUE(has_image_extension("b.TiFf"));
  EXPECT_FALSE(has_image_extension("b.txt"));
  EXPECT_FALSE(has_image_extension("png"));
}

}  // namespace
}  // namespace oddity
