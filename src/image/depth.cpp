#include "image/depth.h"

#include <cmath>

#include "core/error.h"

namespace oddity {
namespace {

void check_planes(const ImageView& image, double full_scale, std::size_t values, const char* function) {
  check_view(image, function);
  if (!(full_scale > 0.0) || !std::isfinite(full_scale)) {
    fail<InvalidArgument>("[{}] full scale out of range; got {}; expected a positive number", function, full_scale);
  }
  const std::size_t expected = static_cast<std::size_t>(image.channels) * static_cast<std::size_t>(image.height) *
                               static_cast<std::size_t>(image.width);
  if (values != expected) {
    fail<InvalidArgument>("[{}] planes of wrong length; got {} values; expected {} for {}x{}x{}", function, values,
                          expected, image.channels, image.height, image.width);
  }
}

template <class T>
void spread(const ImageView& image, float scale, float* out) {
  const std::size_t plane = static_cast<std::size_t>(image.height) * static_cast<std::size_t>(image.width);
  for (int y = 0; y < image.height; ++y) {
    const T* row = reinterpret_cast<const T*>(image.data + y * image.stride);
    float* target = out + static_cast<std::size_t>(y) * static_cast<std::size_t>(image.width);
    if (image.channels == 1) {
      for (int x = 0; x < image.width; ++x) {
        target[x] = static_cast<float>(row[x]) / scale;
      }
      continue;
    }
    for (int c = 0; c < image.channels; ++c) {
      for (int x = 0; x < image.width; ++x) {
        target[static_cast<std::size_t>(c) * plane + static_cast<std::size_t>(x)] =
            static_cast<float>(row[x * image.channels + c]) / scale;
      }
    }
  }
}

template <class T>
void gather(const float* planes, double full_scale, const ImageSpan& out) {
  const std::size_t plane = static_cast<std::size_t>(out.height) * static_cast<std::size_t>(out.width);
  const double limit = full_scale_of(out.depth);
  for (int y = 0; y < out.height; ++y) {
    T* row = reinterpret_cast<T*>(out.data + y * out.stride);
    for (int x = 0; x < out.width; ++x) {
      const float* pixel = planes + static_cast<std::size_t>(y) * static_cast<std::size_t>(out.width) + x;
      for (int c = 0; c < out.channels; ++c) {
        const double value = static_cast<double>(pixel[static_cast<std::size_t>(c) * plane]) * full_scale + 0.5;
        // Comparisons in this order send NaN to 0.
        row[x * out.channels + c] = value > 0.0 ? static_cast<T>(value < limit ? value : limit) : T{0};
      }
    }
  }
}

}  // namespace

Image convert_depth(const ImageView& image, Depth depth) {
  if (image.depth == depth) {
    return copy_of(image);
  }
  check_view(image, "image.convert_depth");
  Image out(image.height, image.width, image.channels, depth);
  const int values = image.width * image.channels;
  for (int y = 0; y < image.height; ++y) {
    const std::size_t start = static_cast<std::size_t>(y) * static_cast<std::size_t>(values);
    if (depth == Depth::u16) {
      const auto* row = reinterpret_cast<const std::uint8_t*>(image.data + y * image.stride);
      for (int i = 0; i < values; ++i) {
        out.u16()[start + static_cast<std::size_t>(i)] = static_cast<std::uint16_t>(row[i] * 257);
      }
    } else {
      const auto* row = reinterpret_cast<const std::uint16_t*>(image.data + y * image.stride);
      for (int i = 0; i < values; ++i) {
        out.u8()[start + static_cast<std::size_t>(i)] = static_cast<std::uint8_t>((row[i] + 128) / 257);
      }
    }
  }
  return out;
}

void to_planar(const ImageView& image, double full_scale, std::span<float> out) {
  check_planes(image, full_scale, out.size(), "image.to_planar");
  if (image.depth == Depth::u8) {
    spread<std::uint8_t>(image, static_cast<float>(full_scale), out.data());
  } else {
    spread<std::uint16_t>(image, static_cast<float>(full_scale), out.data());
  }
}

void from_planar(std::span<const float> planes, double full_scale, const ImageSpan& out) {
  check_planes(out.view(), full_scale, planes.size(), "image.from_planar");
  if (out.depth == Depth::u8) {
    gather<std::uint8_t>(planes.data(), full_scale, out);
  } else {
    gather<std::uint16_t>(planes.data(), full_scale, out);
  }
}

}  // namespace oddity
