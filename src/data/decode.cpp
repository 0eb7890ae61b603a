#include "data/decode.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <fstream>
#include <opencv2/core.hpp>
#include <opencv2/imgcodecs.hpp>

#include "core/error.h"
#include "core/files.h"
#include "data/image_header.h"

namespace oddity {
namespace {

constexpr std::uint32_t max_side = 65'536;

void check_size(const ImageHeader& header, const std::string& name, const DecodeLimits& limits) {
  if (header.height > max_side || header.width > max_side) {
    fail<ContentError>("[data.decode] {}: image too large; got {}x{} (height x width); expected sides up to {}", name,
                       header.height, header.width, max_side);
  }
  const std::uint64_t pixels = std::uint64_t{header.height} * header.width;
  if (pixels > limits.max_pixels) {
    fail<ContentError>("[data.decode] {}: image too large; got {}x{} = {} pixels; expected at most {}", name,
                       header.height, header.width, pixels, limits.max_pixels);
  }
}

/// OpenCV keeps blue first; we keep red first. Copies rows from one order to the other.
template <class T>
void swap_red_and_blue(const T* source, T* target, std::size_t pixels, int channels) {
  for (std::size_t i = 0; i < pixels; ++i, source += channels, target += channels) {
    target[0] = source[2];
    target[1] = source[1];
    target[2] = source[0];
    if (channels == 4) {
      target[3] = source[3];
    }
  }
}

void copy_row(const std::byte* source, std::byte* target, int width, int channels, Depth depth) {
  const auto pixels = static_cast<std::size_t>(width);
  if (channels < 3) {
    std::memcpy(target, source, pixels * static_cast<std::size_t>(channels) * bytes_of(depth));
  } else if (depth == Depth::u8) {
    swap_red_and_blue(reinterpret_cast<const std::uint8_t*>(source), reinterpret_cast<std::uint8_t*>(target), pixels,
                      channels);
  } else {
    swap_red_and_blue(reinterpret_cast<const std::uint16_t*>(source), reinterpret_cast<std::uint16_t*>(target), pixels,
                      channels);
  }
}

cv::Mat decode_matrix(std::span<const std::byte> bytes, const std::string& name, const ImageHeader& header) {
  cv::Mat matrix;
  try {
    // imdecode takes a matrix of bytes; it does not write to it.
    const cv::Mat input(1, static_cast<int>(bytes.size()), CV_8UC1, const_cast<std::byte*>(bytes.data()));
    matrix = cv::imdecode(input, cv::IMREAD_UNCHANGED);
  } catch (const cv::Exception& error) {
    fail<ContentError>("[data.decode] {}: damaged {}; the decoder says: {}", name, name_of(header.format), error.err);
  }
  if (matrix.empty()) {
    fail<ContentError>("[data.decode] {}: damaged {}; it could not be decoded", name, name_of(header.format));
  }
  if (matrix.rows != static_cast<int>(header.height) || matrix.cols != static_cast<int>(header.width)) {
    fail<ContentError>("[data.decode] {}: damaged {}; got {}x{} pixels; expected {}x{} as in its header", name,
                       name_of(header.format), matrix.rows, matrix.cols, header.height, header.width);
  }
  if ((matrix.depth() != CV_8U && matrix.depth() != CV_16U) || matrix.channels() > 4) {
    fail<ContentError>("[data.decode] {}: unsupported {}; expected 8 or 16 bits and 1 to 4 channels", name,
                       name_of(header.format));
  }
  return matrix;
}

}  // namespace

Image decode_image(std::span<const std::byte> bytes, const std::string& name, const DecodeLimits& limits) {
  // OpenCV takes an int as length.
  const std::uint64_t max_bytes = std::min<std::uint64_t>(limits.max_bytes, std::numeric_limits<int>::max());
  if (bytes.size() > max_bytes) {
    fail<ContentError>("[data.decode] {}: file too large; got {} bytes; expected at most {}", name, bytes.size(),
                       max_bytes);
  }
  const ImageHeader header = read_image_header(bytes, name);
  check_size(header, name, limits);
  check_complete(bytes, header, name);
  const cv::Mat matrix = decode_matrix(bytes, name, header);
  const Depth depth = matrix.depth() == CV_8U ? Depth::u8 : Depth::u16;
  Image image(matrix.rows, matrix.cols, matrix.channels(), depth);
  const auto stride = image.view().stride;
  for (int y = 0; y < image.height; ++y) {
    copy_row(reinterpret_cast<const std::byte*>(matrix.ptr(y)), image.pixels.data() + y * stride, image.width,
             image.channels, depth);
  }
  return image;
}

Image decode_image(const std::filesystem::path& file, const DecodeLimits& limits) {
  return decode_image(read_file(file, limits.max_bytes), file.string(), limits);
}

ImageSize image_size(const std::filesystem::path& file, const DecodeLimits& limits) {
  // A JPEG may carry its frame header behind long segments, a TIFF its directory at the end; most need 64 KiB only.
  constexpr std::size_t head = 65'536;
  std::vector<std::byte> bytes(head);
  std::ifstream stream(file, std::ios::binary);
  stream.read(reinterpret_cast<char*>(bytes.data()), static_cast<std::streamsize>(head));
  bytes.resize(static_cast<std::size_t>(std::max<std::streamsize>(stream.gcount(), 0)));
  ImageHeader header;
  const std::string name = file.string();
  bool short_head = bytes.size() < head;
  if (!short_head) {
    try {
      header = read_image_header(bytes, name);
    } catch (const ContentError&) {
      short_head = true;
    }
  }
  if (short_head) {
    header = read_image_header(read_file(file, limits.max_bytes), name);
  }
  check_size(header, name, limits);
  return {static_cast<int>(header.height), static_cast<int>(header.width)};
}

bool has_image_extension(const std::filesystem::path& file) {
  std::string extension = file.extension().string();
  std::transform(extension.begin(), extension.end(), extension.begin(),
                 [](unsigned char c) { return c < 128 ? static_cast<char>(std::tolower(c)) : static_cast<char>(c); });
  constexpr std::array<const char*, 6> known = {".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp"};
  return std::find(known.begin(), known.end(), extension) != known.end();
}

std::vector<std::byte> encode_png(const ImageView& image, int level) {
  check_view(image, "data.encode_png");
  if (image.channels == 2 || image.channels > 4) {
    fail<InvalidArgument>("[data.encode_png] PNG cannot hold these channels; got {}; expected 1, 3 or 4",
                          image.channels);
  }
  if (level < 0 || level > 9) {
    fail<InvalidArgument>("[data.encode_png] compression level out of range; got {}; expected 0 to 9", level);
  }
  cv::Mat matrix(image.height, image.width, CV_MAKETYPE(image.depth == Depth::u8 ? CV_8U : CV_16U, image.channels));
  for (int y = 0; y < image.height; ++y) {
    copy_row(image.data + y * image.stride, reinterpret_cast<std::byte*>(matrix.ptr(y)), image.width, image.channels,
             image.depth);
  }
  std::vector<std::uint8_t> encoded;
  if (!cv::imencode(".png", matrix, encoded, {cv::IMWRITE_PNG_COMPRESSION, level})) {
    fail<IoError>("[data.encode_png] the encoder failed on {}x{}x{}", image.height, image.width, image.channels);
  }
  std::vector<std::byte> bytes(encoded.size());
  std::memcpy(bytes.data(), encoded.data(), encoded.size());
  return bytes;
}

void write_png(const std::filesystem::path& file, const ImageView& image) {
  write_file_atomic(file, encode_png(image));
}

}  // namespace oddity
