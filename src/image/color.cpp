#include "image/color.h"

#include <algorithm>
#include <cstring>

#include "core/error.h"

namespace oddity {
namespace {

template <class T>
T luma(const T* rgb) {
  const std::uint32_t sum = 19'595U * rgb[0] + 38'470U * rgb[1] + 7'471U * rgb[2] + 32'768U;
  return static_cast<T>(sum >> 16U);
}

template <class T>
void convert(const ImageView& image, const ImageSpan& out) {
  const int from = image.channels;
  const int to = out.channels;
  for (int y = 0; y < image.height; ++y) {
    const T* source = reinterpret_cast<const T*>(image.data + y * image.stride);
    T* target = reinterpret_cast<T*>(out.data + y * out.stride);
    if (from == to) {
      std::memcpy(target, source, static_cast<std::size_t>(image.width) * static_cast<std::size_t>(from) * sizeof(T));
      continue;
    }
    for (int x = 0; x < image.width; ++x, source += from, target += to) {
      if (to == 1) {
        target[0] = from >= 3 ? luma(source) : source[0];
      } else if (from >= 3) {
        std::copy_n(source, 3, target);
      } else {
        std::fill_n(target, 3, source[0]);
      }
    }
  }
}

template <class T>
bool grey(const ImageView& image) {
  for (int y = 0; y < image.height; ++y) {
    const T* pixel = reinterpret_cast<const T*>(image.data + y * image.stride);
    for (int x = 0; x < image.width; ++x, pixel += image.channels) {
      if (pixel[0] != pixel[1] || pixel[0] != pixel[2]) {
        return false;
      }
    }
  }
  return true;
}

}  // namespace

bool can_convert_channels(int from, int to) { return from >= 1 && (from == to || (from <= 4 && (to == 1 || to == 3))); }

void convert_channels(const ImageView& image, const ImageSpan& out) {
  check_view(image, "image.convert_channels");
  check_view(out.view(), "image.convert_channels");
  if (!can_convert_channels(image.channels, out.channels)) {
    fail<InvalidArgument>(
        "[image.convert_channels] no way between these channel counts; got {} to {}; expected 1 to 4 channels to 1 "
        "(grey) or 3 (RGB)",
        image.channels, out.channels);
  }
  if (image.height != out.height || image.width != out.width || image.depth != out.depth) {
    fail<InvalidArgument>(
        "[image.convert_channels] output buffer does not fit; got {}x{} of {} bytes; expected {}x{} of {}", out.height,
        out.width, bytes_of(out.depth), image.height, image.width, bytes_of(image.depth));
  }
  if (image.depth == Depth::u8) {
    convert<std::uint8_t>(image, out);
  } else {
    convert<std::uint16_t>(image, out);
  }
}

Image convert_channels(const ImageView& image, int channels) {
  check_view(image, "image.convert_channels");
  Image out(image.height, image.width, channels, image.depth);
  convert_channels(image, out.span());
  return out;
}

bool is_grey(const ImageView& image) {
  check_view(image, "image.is_grey");
  if (image.channels < 3) {
    return true;
  }
  return image.depth == Depth::u8 ? grey<std::uint8_t>(image) : grey<std::uint16_t>(image);
}

}  // namespace oddity
