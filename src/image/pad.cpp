#include "image/pad.h"

#include <algorithm>
#include <cstring>

#include "core/error.h"

namespace oddity {
namespace {

/// Index inside 0..n-1 that position i >= 0 reflects to.
int reflected(int i, int n) {
  if (n == 1) {
    return 0;
  }
  const int period = 2 * (n - 1);
  const int phase = i % period;
  return phase < n ? phase : period - phase;
}

void check_inside(int in_height, int in_width, int top, int left, int height, int width) {
  if (top < 0 || left < 0 || height < 1 || width < 1 || height > in_height - top || width > in_width - left) {
    fail<InvalidArgument>(
        "[image.crop] part outside the image; got {}x{} at row {}, column {}; expected inside {}x{} (height x width)",
        height, width, top, left, in_height, in_width);
  }
}

}  // namespace

void pad_reflect(const ImageView& image, const ImageSpan& out) {
  check_view(image, "image.pad_reflect");
  check_view(out.view(), "image.pad_reflect");
  if (out.height < image.height || out.width < image.width || out.channels != image.channels ||
      out.depth != image.depth) {
    fail<InvalidArgument>(
        "[image.pad_reflect] output buffer does not fit; got {}x{}x{} of {} bytes; expected at least {}x{}x{} of {}",
        out.height, out.width, out.channels, bytes_of(out.depth), image.height, image.width, image.channels,
        bytes_of(image.depth));
  }
  const std::size_t pixel = static_cast<std::size_t>(image.channels) * bytes_of(image.depth);
  const std::size_t in_row = static_cast<std::size_t>(image.width) * pixel;
  const std::size_t out_row = static_cast<std::size_t>(out.width) * pixel;
  const bool in_place = image.data == out.data;
  for (int y = 0; y < image.height; ++y) {
    std::byte* row = out.data + y * out.stride;
    if (!in_place) {
      std::memcpy(row, image.data + y * image.stride, in_row);
    }
    for (int x = image.width; x < out.width; ++x) {
      std::memcpy(row + static_cast<std::size_t>(x) * pixel,
                  row + static_cast<std::size_t>(reflected(x, image.width)) * pixel, pixel);
    }
  }
  for (int y = image.height; y < out.height; ++y) {
    std::memcpy(out.data + y * out.stride, out.data + reflected(y, image.height) * out.stride, out_row);
  }
}

Image pad_reflect(const ImageView& image, int bottom, int right) {
  check_view(image, "image.pad_reflect");
  constexpr int limit = 65'536;
  if (bottom < 0 || right < 0 || bottom > limit - image.height || right > limit - image.width) {
    fail<InvalidArgument>(
        "[image.pad_reflect] padding out of range; got {} below, {} right; expected 0 or more, sides up to {}", bottom,
        right, limit);
  }
  Image out(image.height + bottom, image.width + right, image.channels, image.depth);
  pad_reflect(image, out.span());
  return out;
}

ImageView crop(const ImageView& image, int top, int left, int height, int width) {
  check_view(image, "image.crop");
  check_inside(image.height, image.width, top, left, height, width);
  ImageView part = image;
  part.data += top * image.stride +
               static_cast<std::ptrdiff_t>(left) * image.channels * static_cast<std::ptrdiff_t>(bytes_of(image.depth));
  part.height = height;
  part.width = width;
  return part;
}

Plane crop(const Plane& plane, int top, int left, int height, int width) {
  check_inside(plane.height, plane.width, top, left, height, width);
  Plane part{height, width, {}};
  part.values.reserve(static_cast<std::size_t>(height) * static_cast<std::size_t>(width));
  for (int y = 0; y < height; ++y) {
    const auto row = plane.values.begin() + static_cast<std::ptrdiff_t>(top + y) * plane.width + left;
    part.values.insert(part.values.end(), row, row + width);
  }
  return part;
}

int rounded_up(int side, int multiple) {
  if (side < 1 || multiple < 1) {
    fail<InvalidArgument>("[image.rounded_up] argument out of range; got {} and {}; expected 1 or more", side,
                          multiple);
  }
  return (side + multiple - 1) / multiple * multiple;
}

}  // namespace oddity
