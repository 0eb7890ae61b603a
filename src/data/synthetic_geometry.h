#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <string_view>
#include <vector>

/// Shapes and noise of the synthetic line. Lengths are millimetres in the frame of the part (x right, y down, origin at
/// the centre of its drawing). Distances are signed: negative inside.
namespace oddity::synthetic {

struct Vec {
  double x = 0, y = 0;
};
inline Vec operator+(Vec a, Vec b) { return {a.x + b.x, a.y + b.y}; }
inline Vec operator-(Vec a, Vec b) { return {a.x - b.x, a.y - b.y}; }
inline Vec operator*(double s, Vec a) { return {s * a.x, s * a.y}; }
inline double dot(Vec a, Vec b) { return a.x * b.x + a.y * b.y; }
inline double length(Vec a) { return std::sqrt(dot(a, a)); }
inline Vec direction(double radians) { return {std::cos(radians), std::sin(radians)}; }
/// Coordinates of `a` along and across the unit vector `axis`.
inline Vec in_frame(Vec a, Vec axis) { return {dot(a, axis), axis.x * a.y - axis.y * a.x}; }
inline double mix(double a, double b, double t) { return a + (b - a) * t; }
/// 0 below `low`, 1 above `high`, smooth between.
inline double ramp(double x, double low, double high) {
  const double t = std::clamp((x - low) / (high - low), 0.0, 1.0);
  return t * t * (3 - 2 * t);
}

struct Circle {
  Vec center;
  double radius = 0;
};
struct Segment {
  Vec from, to;
  double width = 0;  ///< half width at both ends
};
double distance_to(const Segment& segment, Vec p);  ///< to the axis of the segment, unsigned

/// Smooth noise of unit cell size, values in [-1, 1], mean about 0. A pure function of its arguments.
double noise(double x, double y, std::uint32_t salt);
/// Noise with a radius that wobbles: factor for the radius of an irregular blob seen at `angle`.
double wobble(double angle, double amount, std::uint32_t salt);

enum class Family : std::uint8_t { plate, disc, bracket, gear, none };
inline constexpr int family_count = 4;  ///< without `none`, which is a surface that fills the image
std::string_view name_of(Family family);

struct Hole {
  Vec center;
  double radius = 0, chamfer = 0;
};

/// What the drawing of a family says: holes and where the mark is printed. The outline is `outline_distance`.
struct Blueprint {
  Family family = Family::plate;
  std::vector<Hole> holes;
  Vec mark_center;
  double mark_angle = 0;
  double half_extent = 0;  ///< of a box that holds the outline
};
const Blueprint& blueprint_of(Family family);
double outline_distance(Family family, Vec p);
/// A point on the outline seen from `inside` under `angle`.
Vec outline_point(Family family, Vec inside, double angle);

}  // namespace oddity::synthetic
