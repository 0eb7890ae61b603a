#include "data/synthetic_scene.h"

#include <numbers>

#include <fmt/core.h>

namespace oddity::synthetic {
namespace {

constexpr double pi = std::numbers::pi;

/// Factors that all parts seen by a station share.
void draw_station(Scene& s, const Line& line, std::uint64_t station) {
  RandomStream r(line.seed, "line.station", station);
  s.light_angle = r.uniform(-pi, pi);
  s.light_slope = r.uniform(0.45, 0.8);
  s.light_gradient = r.uniform(0.03, 0.22);
  s.gradient_angle = r.uniform(-pi, pi);
  s.vignette = r.uniform(0.02, 0.28);
  s.gain = r.uniform(0.86, 1.14);
  s.background = r.uniform(0.07, 0.24);
  s.softness = r.uniform(0.55, 0.85);
  s.noise = r.uniform(0.006, 0.013);
  if (line.variant == Variant::colored) {
    s.background_tint = {r.uniform(0.7, 1.1), r.uniform(0.8, 1.1), r.uniform(0.9, 1.4)};
  }
}

void draw_lot(Scene& s, const Line& line, std::uint64_t lot) {
  RandomStream r(line.seed, "line.lot", lot);
  s.tone = r.uniform(0.42, 0.68);
  s.grain_angle = r.uniform(-0.6, 0.6);
  s.grain_scale = r.uniform(0.75, 1.35);
  s.roughness = r.uniform(0.02, 0.055);
  s.mottle = r.uniform(0.01, 0.035);
  s.hole_play = r.normal() * 0.04;
  s.ink = r.uniform(0.45, 0.65);
  if (line.variant == Variant::colored) {
    const double hue = r.uniform(0, 1);  // brass to steel to anodised blue
    s.tint = hue < 0.4 ? Color{1.2, 1.0, r.uniform(0.5, 0.7)}
                       : (hue < 0.7 ? Color{1.0, 1.0, r.uniform(0.95, 1.1)} : Color{r.uniform(0.6, 0.8), 0.95, 1.25});
  }
}

void draw_part(Scene& s, const Line& line, RandomStream& r) {
  double shift = 0.9, rotation = 4 * pi / 180, scale = 0.02;
  switch (line.variant) {
    case Variant::aligned:
      shift = rotation = scale = 0;
      break;
    case Variant::jittered:
      shift = 1.8;
      rotation = 10 * pi / 180;
      scale = 0.05;
      break;
    case Variant::rotated:
      rotation = pi;
      break;
    case Variant::texture:
      shift = 16;
      rotation = 6 * pi / 180;
      break;
    default:
      break;
  }
  s.shift = {r.uniform(-shift, shift), r.uniform(-shift, shift)};
  s.set_rotation(r.uniform(-rotation, rotation));
  s.scale = 1 + r.uniform(-scale, scale);
  s.tone *= 1 + 0.05 * r.normal();
  s.grain_angle += r.normal() * 0.03;
  s.roughness *= r.uniform(0.85, 1.2);
  s.light_gradient += r.uniform(-0.03, 0.03);
  s.gain *= 1 + 0.02 * r.normal();
  s.background *= r.uniform(0.9, 1.1);
  s.hole_play += r.normal() * 0.02;
  s.salt = r.bits();
  s.background_salt = r.bits();
  for (int& digit : s.digits) {
    digit = static_cast<int>(r.integer(0, 9));
  }
  for (std::size_t row = 0; row < s.matrix.size(); ++row) {  // solid left and lower edge, dotted right and upper edge
    s.matrix[row] = static_cast<std::uint8_t>((r.bits() & 0x7E) | 1 | (row % 2 == 1 ? 0x80 : 0));
  }
  s.matrix.front() = 0x55;
  s.matrix.back() = 0xFF;
  s.mark_shift = {r.normal() * 0.1, r.normal() * 0.1};
  s.mark_turn = r.normal() * 0.02;
  s.ink *= r.uniform(0.85, 1.1);
}

}  // namespace

Scene draw_scene(const Line& line, const Identity& identity) {
  Scene s;
  RandomStream r(line.seed, "line.part", identity.index());
  s.height = line.height;
  s.width = line.width;
  s.channels = line.variant == Variant::colored ? 3 : 1;
  s.two_level = line.variant == Variant::two_level;
  s.lot = static_cast<int>(r.integer(0, line.lots - 1));
  s.station = static_cast<int>(r.integer(0, line.stations - 1));
  const bool test = identity.role == Role::test_good || identity.role == Role::test_defect;
  if (line.new_lots && test) {
    s.lot += static_cast<int>(line.lots);
    s.station += static_cast<int>(line.stations);
  }
  draw_station(s, line, static_cast<std::uint64_t>(s.station));
  draw_lot(s, line, static_cast<std::uint64_t>(s.lot));
  if (line.variant == Variant::texture) {
    s.family = Family::none;
    s.marked = false;
  } else if (line.family == "mixed") {
    s.family = static_cast<Family>(r.integer(0, family_count - 1));
  } else {
    for (int i = 0; i < family_count; ++i) {
      if (name_of(static_cast<Family>(i)) == line.family) {
        s.family = static_cast<Family>(i);
      }
    }
  }
  constexpr std::array<Grain, 5> grains = {Grain::brushed, Grain::turned, Grain::cast, Grain::turned, Grain::brushed};
  s.grain = grains[static_cast<std::size_t>(s.family)];
  draw_part(s, line, r);
  if (line.variant == Variant::drift && test) {  // the lamp ages and sags while the test parts pass
    s.drift = (static_cast<double>(identity.number) + 0.5) / static_cast<double>(identity.count);
    s.gain *= 1 - 0.22 * s.drift;
    s.light_gradient += 0.22 * s.drift;
    s.light_angle += 0.9 * s.drift;
    s.background += 0.04 * s.drift;
  }
  s.millimetres_per_pixel = field_of_view / std::min(line.height, line.width) / s.scale;
  return s;
}

std::map<std::string, std::string> columns_of(const Scene& s) {
  constexpr double degrees = 180 / pi;
  constexpr std::array<std::string_view, 3> grains = {"brushed", "turned", "cast"};
  const auto number = [](double value) { return fmt::format("{:.6g}", value); };
  std::map<std::string, std::string> c = {
      {"context.station", fmt::format("station{}", s.station)},
      {"context.lot", fmt::format("lot{}", s.lot)},
      {"context.family", std::string(name_of(s.family))},
      {"context.texture", std::string(grains[static_cast<std::size_t>(s.grain)])},
      {"context.gain", number(s.gain)},
      {"context.light_angle_deg", number(s.light_angle * degrees)},
      {"context.light_slope", number(s.light_slope)},
      {"context.light_gradient", number(s.light_gradient)},
      {"context.gradient_angle_deg", number(s.gradient_angle * degrees)},
      {"context.vignette", number(s.vignette)},
      {"context.background", number(s.background)},
      {"context.noise", number(s.noise)},
      {"context.tone", number(s.tone)},
      {"context.grain_angle_deg", number(s.grain_angle * degrees)},
      {"context.grain_scale", number(s.grain_scale)},
      {"context.roughness", number(s.roughness)},
      {"context.shift_x_mm", number(s.shift.x)},
      {"context.shift_y_mm", number(s.shift.y)},
      {"context.rotation_deg", number(s.rotation * degrees)},
      {"context.scale", number(s.scale)},
      {"context.drift", number(s.drift)},
      {"context.mm_per_px", number(s.millimetres_per_pixel)},
  };
  c["context.mark"] = s.marked ? fmt::format("m{}{}{}", s.digits[0], s.digits[1], s.digits[2]) : "";
  return c;
}

}  // namespace oddity::synthetic
