#include "report/colormap.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace oddity {
namespace {

std::uint8_t srgb_byte(double linear) {
  const double x = std::clamp(linear, 0.0, 1.0);
  const double encoded = x <= 0.0031308 ? 12.92 * x : 1.055 * std::pow(x, 1 / 2.4) - 0.055;
  return static_cast<std::uint8_t>(std::lround(255 * encoded));
}

/// OKLab to linear sRGB, matrices of its definition.
std::array<double, 3> linear_srgb(double lightness, double a, double b) {
  const double l = std::pow(lightness + 0.3963377774 * a + 0.2158037573 * b, 3);
  const double m = std::pow(lightness - 0.1055613458 * a - 0.0638541728 * b, 3);
  const double s = std::pow(lightness - 0.0894841775 * a - 1.2914855480 * b, 3);
  return {4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s,
          -1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s,
          -0.0041960863 * l - 0.7034186147 * m + 1.7076147010 * s};
}

bool displayable(const std::array<double, 3>& rgb) {
  return std::all_of(rgb.begin(), rgb.end(), [](double value) { return value >= -1e-6 && value <= 1 + 1e-6; });
}

std::array<std::uint8_t, 3> compute_color(double t) {
  const double lightness = 0.14 + 0.82 * t;
  const double hue = (270 + 190 * t) * std::numbers::pi / 180;  // blue, magenta, red, orange, yellow
  // As colourful as the screen can show at this lightness and hue, up to a limit that keeps the path smooth.
  double low = 0;
  double high = 0.05 + 0.15 * std::sin(std::numbers::pi * std::clamp(0.08 + 0.84 * t, 0.0, 1.0));
  std::array<double, 3> rgb = linear_srgb(lightness, high * std::cos(hue), high * std::sin(hue));
  if (!displayable(rgb)) {
    for (int i = 0; i < 24; ++i) {
      const double chroma = (low + high) / 2;
      const auto candidate = linear_srgb(lightness, chroma * std::cos(hue), chroma * std::sin(hue));
      (displayable(candidate) ? low : high) = chroma;
    }
    rgb = linear_srgb(lightness, low * std::cos(hue), low * std::sin(hue));
  }
  return {srgb_byte(rgb[0]), srgb_byte(rgb[1]), srgb_byte(rgb[2])};
}

}  // namespace

std::array<std::uint8_t, 3> heat_color(double share) {
  static const auto table = [] {
    std::array<std::array<std::uint8_t, 3>, 256> colors{};
    for (std::size_t i = 0; i < colors.size(); ++i) {
      colors[i] = compute_color(static_cast<double>(i) / 255);
    }
    return colors;
  }();
  if (std::isnan(share)) {
    return {128, 128, 128};
  }
  return table[static_cast<std::size_t>(std::lround(255 * std::clamp(share, 0.0, 1.0)))];
}

Image heat_picture(const Plane& map, double low, double high) {
  Image out(map.height, map.width, 3, Depth::u8);
  const double scale = high > low ? 1 / (high - low) : 0;
  for (std::size_t i = 0; i < map.values.size(); ++i) {
    const auto color = heat_color((map.values[i] - low) * scale);
    std::copy(color.begin(), color.end(), out.u8() + 3 * i);
  }
  return out;
}

}  // namespace oddity
