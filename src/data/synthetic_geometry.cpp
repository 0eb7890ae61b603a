#include "data/synthetic_geometry.h"

#include <array>
#include <numbers>

namespace oddity::synthetic {
namespace {

constexpr double pi = std::numbers::pi;

double lattice(std::int64_t x, std::int64_t y, std::uint32_t salt) {
  std::uint32_t h =
      static_cast<std::uint32_t>(x) * 0x8DA6B343u ^ static_cast<std::uint32_t>(y) * 0xD8163841u ^ salt * 0xCB1AB31Fu;
  h = (h ^ (h >> 16)) * 0x7FEB352Du;
  h = (h ^ (h >> 15)) * 0x846CA68Bu;
  h ^= h >> 16;
  return static_cast<double>(h) * (2.0 / 4294967295.0) - 1.0;
}

double rounded_box(Vec p, Vec center, Vec half, double radius) {
  const double x = std::abs(p.x - center.x) - half.x + radius, y = std::abs(p.y - center.y) - half.y + radius;
  return length({std::max(x, 0.0), std::max(y, 0.0)}) + std::min(std::max(x, y), 0.0) - radius;
}

double smooth_minimum(double a, double b, double radius) {  // fillet where two shapes meet
  const double h = std::max(radius - std::abs(a - b), 0.0) / radius;
  return std::min(a, b) - h * h * radius * 0.25;
}

Blueprint make_blueprint(Family family) {
  Blueprint b;
  b.family = family;
  switch (family) {
    case Family::plate:
      b.holes = {{{-9.4, -6.3}, 1.6, 0.55},
                 {{9.4, -6.3}, 1.6, 0.55},
                 {{-9.4, 6.3}, 1.6, 0.55},
                 {{9.4, 6.3}, 1.6, 0.55},
                 {{-3.2, 0.0}, 3.6, 0.75}};
      b.mark_center = {5.6, 0};
      b.half_extent = 12.6;
      break;
    case Family::disc:
      b.holes.push_back({{0, 0}, 3.8, 0.75});
      for (int i = 1; i < 6; ++i) {
        b.holes.push_back({8.9 * direction(i * pi / 3), 1.5, 0.5});
      }
      b.mark_center = {8.4, 0};
      b.mark_angle = pi / 2;
      b.half_extent = 13;
      break;
    case Family::bracket:
      b.holes = {{{-7.0, -8.6}, 1.8, 0.55}, {{-7.0, 7.2}, 2.4, 0.65}, {{9.0, 7.2}, 1.8, 0.55}, {{2.0, 7.2}, 1.3, 0.45}};
      b.mark_center = {-7.0, -1.2};
      b.half_extent = 12.8;
      break;
    case Family::gear:
      b.holes.push_back({{0, 0}, 2.9, 0.65});
      for (int i = 1; i < 5; ++i) {
        b.holes.push_back({6.9 * direction(i * 2 * pi / 5), 1.7, 0.45});
      }
      b.mark_center = {7.0, 0};
      b.mark_angle = pi / 2;
      b.half_extent = 13;
      break;
    case Family::none:
      b.half_extent = 16;
      break;
  }
  return b;
}

}  // namespace

double distance_to(const Segment& segment, Vec p) {
  const Vec axis = segment.to - segment.from, a = p - segment.from;
  const double t = std::clamp(dot(a, axis) / std::max(dot(axis, axis), 1e-12), 0.0, 1.0);
  return length(a - t * axis);
}

double noise(double x, double y, std::uint32_t salt) {
  const double fx = std::floor(x), fy = std::floor(y);
  const auto ix = static_cast<std::int64_t>(fx), iy = static_cast<std::int64_t>(fy);
  const double u = x - fx, v = y - fy;
  const double su = u * u * (3 - 2 * u), sv = v * v * (3 - 2 * v);
  const double top = mix(lattice(ix, iy, salt), lattice(ix + 1, iy, salt), su);
  const double bottom = mix(lattice(ix, iy + 1, salt), lattice(ix + 1, iy + 1, salt), su);
  return mix(top, bottom, sv);
}

double wobble(double angle, double amount, std::uint32_t salt) {
  const Vec on_circle = direction(angle);
  return 1 + amount * (0.7 * noise(1.6 * on_circle.x + 7, 1.6 * on_circle.y + 7, salt) +
                       0.5 * noise(3.7 * on_circle.x + 7, 3.7 * on_circle.y + 7, salt ^ 0x5bd1u));
}

std::string_view name_of(Family family) {
  constexpr std::array<std::string_view, 5> names = {"plate", "disc", "bracket", "gear", "none"};
  return names[static_cast<std::size_t>(family)];
}

const Blueprint& blueprint_of(Family family) {
  static const std::array<Blueprint, 5> all = {make_blueprint(Family::plate), make_blueprint(Family::disc),
                                               make_blueprint(Family::bracket), make_blueprint(Family::gear),
                                               make_blueprint(Family::none)};
  return all[static_cast<std::size_t>(family)];
}

double outline_distance(Family family, Vec p) {
  switch (family) {
    case Family::plate: {
      const double notch = length({p.x, p.y + 10.2}) - 1.9;  // locating notch in the upper edge
      return std::max(rounded_box(p, {0, 0}, {12.4, 9.2}, 2.4), -notch);
    }
    case Family::disc: {
      const double flat = -11.6 - p.x;  // locating flat on the left
      return std::max(length(p) - 12.8, flat);
    }
    case Family::bracket:
      return smooth_minimum(rounded_box(p, {-7.0, 0}, {4.4, 12.0}, 1.8), rounded_box(p, {0.7, 7.2}, {12.1, 4.6}, 1.8),
                            3.0);
    case Family::gear: {
      const double r = length(p), tooth = std::sin(18 * std::atan2(p.y, p.x));
      const double profile = tooth / std::sqrt(tooth * tooth + 0.12);  // flanks steeper than a sine
      return 0.72 * (r - 11.6 - 1.0 * profile);  // 0.72 keeps it a bound of the distance on the flanks
    }
    case Family::none:
      return -1e3;
  }
  return 0;
}

Vec outline_point(Family family, Vec inside, double angle) {
  const Vec ray = direction(angle);
  double low = 0, high = 40;
  for (int i = 0; i < 40; ++i) {
    const double middle = 0.5 * (low + high);
    (outline_distance(family, inside + middle * ray) < 0 ? low : high) = middle;
  }
  return inside + low * ray;
}

}  // namespace oddity::synthetic
