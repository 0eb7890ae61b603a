#include "image/image.h"

#include <cstdlib>
#include <cstring>

#include "core/error.h"

namespace oddity {
namespace {

constexpr int max_side = 65'536;
constexpr int max_channels = 64;

std::size_t row_bytes(int width, int channels, Depth depth) {
  return static_cast<std::size_t>(width) * static_cast<std::size_t>(channels) * bytes_of(depth);
}

}  // namespace

Image::Image(int height_in, int width_in, int channels_in, Depth depth_in)
    : height(height_in), width(width_in), channels(channels_in), depth(depth_in) {
  if (height < 1 || height > max_side || width < 1 || width > max_side) {
    fail<InvalidArgument>("[image.image] side out of range; got {}x{} (height x width); expected 1 to {}", height,
                          width, max_side);
  }
  if (channels < 1 || channels > max_channels) {
    fail<InvalidArgument>("[image.image] channels out of range; got {}; expected 1 to {}", channels, max_channels);
  }
  if (depth != Depth::u8 && depth != Depth::u16) {
    fail<InvalidArgument>("[image.image] unknown depth; got {} bytes; expected 1 or 2", bytes_of(depth));
  }
  pixels.resize(static_cast<std::size_t>(height) * row_bytes(width, channels, depth));
}

ImageView Image::view() const {
  return {pixels.data(), height, width,
          channels,      depth,  static_cast<std::ptrdiff_t>(row_bytes(width, channels, depth))};
}

ImageSpan Image::span() {
  return {pixels.data(), height, width,
          channels,      depth,  static_cast<std::ptrdiff_t>(row_bytes(width, channels, depth))};
}

void check_view(const ImageView& image, const char* function) {
  if (image.height < 1 || image.height > max_side || image.width < 1 || image.width > max_side) {
    fail<InvalidArgument>("[{}] side out of range; got {}x{} (height x width); expected 1 to {}", function,
                          image.height, image.width, max_side);
  }
  if (image.channels < 1 || image.channels > max_channels) {
    fail<InvalidArgument>("[{}] channels out of range; got {}; expected 1 to {}", function, image.channels,
                          max_channels);
  }
  if (image.depth != Depth::u8 && image.depth != Depth::u16) {
    fail<InvalidArgument>("[{}] unknown depth; got {} bytes; expected 1 or 2", function, bytes_of(image.depth));
  }
  if (image.data == nullptr) {
    fail<InvalidArgument>("[{}] image without data; got a null pointer; expected {}x{} pixels", function, image.height,
                          image.width);
  }
  const auto row = static_cast<std::ptrdiff_t>(row_bytes(image.width, image.channels, image.depth));
  if (std::abs(image.stride) < row && image.height > 1) {
    fail<InvalidArgument>("[{}] rows overlap; got stride {} bytes; expected at least {}", function, image.stride, row);
  }
  const bool even = reinterpret_cast<std::uintptr_t>(image.data) % 2 == 0 && image.stride % 2 == 0;
  if (image.depth == Depth::u16 && !even) {
    fail<InvalidArgument>("[{}] 16-bit pixels at an odd address; got stride {}; expected data and stride to be even",
                          function, image.stride);
  }
}

Image copy_of(const ImageView& image) {
  check_view(image, "image.copy_of");
  Image copy(image.height, image.width, image.channels, image.depth);
  const std::size_t row = row_bytes(image.width, image.channels, image.depth);
  for (int y = 0; y < image.height; ++y) {
    std::memcpy(copy.pixels.data() + static_cast<std::size_t>(y) * row, image.data + y * image.stride, row);
  }
  return copy;
}

}  // namespace oddity
