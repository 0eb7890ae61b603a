#include "report/overlay.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "core/error.h"
#include "image/resize.h"
#include "report/colormap.h"

namespace oddity {
namespace {

constexpr double kMostOpaque = 0.6;
constexpr std::array<std::uint8_t, 3> kLine = {255, 64, 64};
constexpr std::array<std::uint8_t, 3> kHalo = {0, 0, 0};

double stored_value(const ImageView& image, int y, int x, int channel) {
  const std::byte* row = image.data + y * image.stride;
  const auto index = static_cast<std::ptrdiff_t>(x) * image.channels + channel;
  if (image.depth == Depth::u8) {
    return static_cast<double>(std::to_integer<unsigned>(row[index]));
  }
  return static_cast<double>(std::to_integer<unsigned>(row[2 * index]) +
                             256 * std::to_integer<unsigned>(row[2 * index + 1]));
}

void dot(Image& image, double center_x, double center_y, int radius, const std::array<std::uint8_t, 3>& color) {
  // Compared as doubles: a point far outside must not overflow an int.
  if (!(center_x > -radius - 1 && center_x < image.width + radius && center_y > -radius - 1 &&
        center_y < image.height + radius)) {
    return;
  }
  const int x = static_cast<int>(std::lround(center_x));
  const int y = static_cast<int>(std::lround(center_y));
  for (int yy = std::max(0, y - radius); yy <= std::min(image.height - 1, y + radius); ++yy) {
    for (int xx = std::max(0, x - radius); xx <= std::min(image.width - 1, x + radius); ++xx) {
      const auto at =
          3 * (static_cast<std::size_t>(yy) * static_cast<std::size_t>(image.width) + static_cast<std::size_t>(xx));
      std::copy(color.begin(), color.end(), image.u8() + at);
    }
  }
}

void line(Image& image, std::pair<float, float> from, std::pair<float, float> to, int radius,
          const std::array<std::uint8_t, 3>& color) {
  const double dx = static_cast<double>(to.first) - from.first;
  const double dy = static_cast<double>(to.second) - from.second;
  // A contour that lies far outside is a defect of its maker, not a reason to draw for ever.
  const double steps = std::clamp(std::ceil(std::max(std::abs(dx), std::abs(dy))), 1.0, 131072.0);
  for (double i = 0; i <= steps; ++i) {
    const double t = i / steps;
    dot(image, from.first + t * dx, from.second + t * dy, radius, color);
  }
}

void outline(Image& image, const Region& region, int radius, const std::array<std::uint8_t, 3>& color) {
  std::vector<std::pair<float, float>> points = region.contour;
  if (points.size() < 2) {
    const auto x0 = static_cast<float>(region.x0);
    const auto y0 = static_cast<float>(region.y0);
    const auto x1 = static_cast<float>(region.x1 - 1);
    const auto y1 = static_cast<float>(region.y1 - 1);
    points = {{x0, y0}, {x1, y0}, {x1, y1}, {x0, y1}};
  }
  for (std::size_t i = 0; i < points.size(); ++i) {
    line(image, points[i], points[(i + 1) % points.size()], radius, color);
  }
}

}  // namespace

Image display_picture(const ImageView& image, double full_scale) {
  if (image.data == nullptr || image.channels < 1 || !(full_scale > 0)) {
    fail<InvalidArgument>(
        "[report.display_picture] nothing to show; got {} channels and full scale {}; expected an image and a full "
        "scale above 0",
        image.channels, full_scale);
  }
  Image out(image.height, image.width, 3, Depth::u8);
  const bool color = image.channels >= 3;
  std::uint8_t* to = out.u8();
  for (int y = 0; y < image.height; ++y) {
    for (int x = 0; x < image.width; ++x) {
      for (int c = 0; c < 3; ++c) {
        const double share = stored_value(image, y, x, color ? c : 0) / full_scale;
        *to++ = static_cast<std::uint8_t>(std::lround(255 * std::clamp(share, 0.0, 1.0)));
      }
    }
  }
  return out;
}

Image overlay(const ImageView& image, const Plane& map, std::span<const Region> regions, const OverlayScale& scale) {
  Image out = display_picture(image, scale.full_scale);
  if (!map.values.empty() && scale.high > scale.low) {
    const Plane sized = resize(map, out.height, out.width);
    for (std::size_t i = 0; i < sized.values.size(); ++i) {
      const double share = (sized.values[i] - scale.low) / (scale.high - scale.low);
      if (!(share > 0)) {
        continue;
      }
      const double opacity = kMostOpaque * std::min(share, 1.0);
      const auto heat = heat_color(0.25 + 0.75 * share);
      for (std::size_t c = 0; c < 3; ++c) {
        std::uint8_t& value = out.u8()[3 * i + c];
        value = static_cast<std::uint8_t>(std::lround((1 - opacity) * value + opacity * heat[c]));
      }
    }
  }
  const int radius = std::max(0, std::max(out.height, out.width) / 640);
  if (radius > 0) {  // a halo separates the line from bright parts; on small images it would hide the defect
    for (const Region& region : regions) {
      outline(out, region, radius + 1, kHalo);
    }
  }
  for (const Region& region : regions) {
    outline(out, region, radius, kLine);
  }
  return out;
}

}  // namespace oddity
