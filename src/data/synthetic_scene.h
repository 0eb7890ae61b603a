#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>

#include "core/random.h"
#include "data/synthetic_geometry.h"

/// What one image of the synthetic line shows besides a defect: the station that looks, the lot the part comes from,
/// its pose and its mark. All of it is legitimate variation.
namespace oddity::synthetic {

enum class Variant : std::uint8_t {
  standard,
  aligned,
  jittered,
  rotated,
  texture,
  two_level,
  colored,
  tiny,
  large,
  few,
  drift
};
inline constexpr int variant_count = 11;

/// A parsed URI.
struct Line {
  Variant variant = Variant::standard;
  std::string family = "plate";  ///< plate | disc | bracket | gear | mixed
  std::int64_t good = 200, calibration = 0, test_good = 100, test_defects = 15, validation_defects = 0;
  std::uint64_t seed = 0;
  int height = 128, width = 128;
  std::int64_t lots = 8, stations = 3;
  bool new_lots = false;  ///< the test split comes from lots and stations that training never saw
};

enum class Role : std::uint8_t { train, calibration, test_good, test_defect, validation_defect };

/// Which image: a role, the defect type (0 for good parts) and a number. With the seed it decides everything.
struct Identity {
  Role role = Role::train;
  int type = 0;
  std::int64_t number = 0, count = 1;  ///< `count` of the same role and type; only the drift variant looks at it
  std::uint64_t index() const {
    return (static_cast<std::uint64_t>(role) << 56) | (static_cast<std::uint64_t>(type) << 48) |
           static_cast<std::uint64_t>(number);
  }
};

using Color = std::array<double, 3>;

enum class Grain : std::uint8_t { brushed, turned, cast };

struct Scene {
  int height = 0, width = 0, channels = 1;
  double millimetres_per_pixel = 0;  ///< on the part
  bool two_level = false;

  // station
  int station = 0;
  double light_angle = 0, light_slope = 0, light_gradient = 0, gradient_angle = 0, vignette = 0, gain = 1;
  double background = 0, softness = 0.6, noise = 0.01;
  Color background_tint = {1, 1, 1};

  // lot and part
  int lot = 0;
  Family family = Family::plate;
  Grain grain = Grain::brushed;
  double tone = 0.5, grain_angle = 0, grain_scale = 1, roughness = 0.05, mottle = 0.03;
  Color tint = {1, 1, 1};
  double hole_play = 0;  ///< mm added to all radii
  Vec shift;
  double rotation = 0, scale = 1, drift = 0;
  std::uint32_t salt = 0, background_salt = 0;  ///< of the textures

  // mark
  bool marked = true;
  std::array<int, 3> digits{};
  std::array<std::uint8_t, 8> matrix{};  ///< bit c of row r: a dot
  double ink = 0.5;                      ///< share of light the ink takes away
  Vec mark_shift;
  double mark_turn = 0;

  Vec to_part(Vec image_mm) const {
    const Vec q = image_mm - shift;
    return (1 / scale) * Vec{cos_ * q.x + sin_ * q.y, -sin_ * q.x + cos_ * q.y};
  }
  Vec to_image(Vec part_mm) const {
    return scale * Vec{cos_ * part_mm.x - sin_ * part_mm.y, sin_ * part_mm.x + cos_ * part_mm.y} + shift;
  }
  void set_rotation(double radians) {
    rotation = radians;
    cos_ = std::cos(radians);
    sin_ = std::sin(radians);
  }

private:
  double cos_ = 1, sin_ = 0;
};

/// Width of the shorter side of the field of view, mm, at scale 1.
inline constexpr double field_of_view = 32;

Scene draw_scene(const Line& line, const Identity& identity);
/// The factors as columns `context.*`.
std::map<std::string, std::string> columns_of(const Scene& scene);

}  // namespace oddity::synthetic
