#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "data/synthetic_scene.h"

/// The defects of the synthetic line. They are changes of the part (shape, surface, ink), rendered with the part under
/// its light; they share nothing with the corruptions that train models.
namespace oddity::synthetic {

enum class DefectType : std::uint8_t {
  none,
  scratch,
  dent,
  stain,
  chip,
  crack,
  missing_hole,
  burr,
  misprint,
  rust,
  fibre,
  hole_offset,
  polish_patch,
  wrong_shade,
  porosity
};
inline constexpr int defect_type_count = 14;  ///< without `none`
std::string_view name_of(DefectType type);
/// Types that a variant can show (no holes on a bare texture, no shading in two levels).
std::vector<DefectType> types_of(Variant variant);

struct Defect {
  DefectType type = DefectType::none;
  double intensity = 0;  ///< 0 mild .. 1 strong, within the range of the type
  double size = 0;       ///< mm: length of lines, diameter of patches, displacement of a hole
  Vec center;            ///< mm on the part
  double reach = 0;      ///< mm: nothing farther from the centre changes
  double angle = 0, aspect = 1, contrast = 0, bend = 0, width = 0;
  int mode = 0, hole = -1;
  Vec offset;
  Color color = {1, 1, 1};
  std::uint32_t salt = 0;
  std::vector<Segment> segments;
  std::vector<Circle> circles;
};

/// One draw; whether it can be seen is checked by the caller, who draws again with the next `attempt`.
Defect draw_defect(const Line& line, const Identity& identity, const Scene& scene, int attempt);

/// State of a point on the surface that defects alter.
struct Surface {
  Vec slope;                 ///< of the height
  double texture_gain = 1;   ///< factor on the texture
  double texture_turn = 0;   ///< rotation of the grain, radians
  Color albedo = {1, 1, 1};  ///< factor
};

/// How the outline changes: chip and burr.
double altered_outline(const Defect& defect, double distance, Vec p);
/// Adds what the defect does to the surface at p: slopes, colour, texture.
void alter_surface(const Defect& defect, Vec p, double pixel, Surface& surface);
/// Shadow and body of a fibre lying over everything: share of light kept and cover of the body, both in [0, 1].
struct Fibre {
  double shadow = 1, cover = 0;
};
Fibre fibre_at(const Defect& defect, Vec p, double pixel);
/// Ink of the mark with a misprint; `ink_at` gives the intended ink at a point of the mark's own frame.
template <class Ink>
double misprinted(const Defect& d, Vec m, double pixel, const Ink& ink_at) {
  const Vec axis = direction(d.angle);
  const Vec local = in_frame(m - d.offset, axis);
  const double edge = 0.25 * noise(m.x * 2, m.y * 2, d.salt);
  const double inside =
      ramp(edge - std::max(std::abs(local.x) - 0.5 * d.size, std::abs(local.y) - 0.5 * d.width), -pixel, pixel);
  const double intended = ink_at(m);
  double printed = intended;
  switch (d.mode) {
    case 0:
      printed = intended * (1 - d.contrast);
      break;  // no ink
    case 1:   // wiped along the axis while wet
      for (int k = 1; k <= 8; ++k) {
        printed = std::max(printed, d.contrast * (1 - 0.08 * k) * ink_at(m - (d.bend * k / 8) * axis));
      }
      break;
    default:
      printed = std::max(intended, d.contrast * ink_at(m - d.bend * axis));
      break;  // printed twice
  }
  return mix(intended, printed, inside);
}

}  // namespace oddity::synthetic
