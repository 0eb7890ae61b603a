#include "data/synthetic_defects.h"

#include <numbers>

namespace oddity::synthetic {
namespace {

constexpr double pi = std::numbers::pi;

/// A point of the surface at least `margin` from edges and holes, seen by the camera.
Vec surface_point(RandomStream& r, const Scene& s, double margin) {
  const Blueprint& b = blueprint_of(s.family);
  const double px = field_of_view / std::min(s.height, s.width);
  Vec p;
  for (int i = 0; i < 400; ++i) {
    if (s.family == Family::none) {  // anywhere in the image, away from its border
      const double half_y = 0.5 * s.height * px - margin - 0.5, half_x = 0.5 * s.width * px - margin - 0.5;
      return s.to_part({r.uniform(-half_x, half_x), r.uniform(-half_y, half_y)});
    }
    p = {r.uniform(-b.half_extent, b.half_extent), r.uniform(-b.half_extent, b.half_extent)};
    bool free = outline_distance(s.family, p) < -margin;
    for (const Hole& hole : b.holes) {
      free = free && length(p - hole.center) > hole.radius + hole.chamfer + margin;
    }
    if (free) {
      return p;
    }
    margin *= 0.985;  // large defects need not fit between the holes
  }
  return p;
}

struct Range {
  double low, high;
};

/// mm, before the factor of the tiny and large variants.
Range size_range(DefectType type) {
  switch (type) {
    case DefectType::scratch:
      return {3.5, 13};
    case DefectType::dent:
      return {1.8, 4.5};
    case DefectType::stain:
      return {1.6, 6};
    case DefectType::chip:
      return {1.6, 3.6};
    case DefectType::crack:
      return {3.5, 10};
    case DefectType::burr:
      return {1.6, 3.4};
    case DefectType::misprint:
      return {3.8, 6};
    case DefectType::rust:
      return {2, 6.5};
    case DefectType::fibre:
      return {5, 15};
    case DefectType::hole_offset:
      return {1.1, 2.2};
    case DefectType::polish_patch:
      return {3, 8};
    case DefectType::wrong_shade:
      return {3, 9};
    case DefectType::porosity:
      return {2, 5};
    default:
      return {1, 1};
  }
}

void add_polyline(Defect& d, RandomStream& r, Vec at, double heading, double total, double step, double restless,
                  double width_from, double width_to) {
  const int count = std::max(2, static_cast<int>(std::lround(total / step)));
  for (int i = 0; i < count; ++i) {
    heading += restless * r.normal();
    const Vec next = at + (total / count) * direction(heading);
    d.segments.push_back({at, next, mix(width_from, width_to, (i + 0.5) / count)});
    at = next;
  }
}

void center_on_segments(Defect& d, double margin) {
  Vec sum;
  for (const Segment& s : d.segments) {
    sum = sum + 0.5 * (s.from + s.to);
  }
  d.center = (1.0 / static_cast<double>(d.segments.size())) * sum;
  d.reach = 0;
  for (const Segment& s : d.segments) {
    d.reach = std::max({d.reach, length(s.from - d.center), length(s.to - d.center)});
  }
  d.reach += margin;
}

double sign_of(RandomStream& r, double positive) { return r.chance(positive) ? 1 : -1; }

/// Distance to an irregular ellipse, about mm.
double patch_distance(const Defect& d, Vec p) {
  Vec local = in_frame(p - d.center, direction(d.angle));
  local = {local.x / std::sqrt(d.aspect), local.y * std::sqrt(d.aspect)};
  const double radius = 0.5 * d.size * wobble(std::atan2(local.y, local.x), d.bend, d.salt);
  return length(local) - radius;
}

double coarse(Vec p, double cell, std::uint32_t salt) {
  return 0.65 * noise(p.x / cell, p.y / cell, salt) + 0.35 * noise(2.3 * p.x / cell, 2.3 * p.y / cell, salt ^ 0x77u);
}

}  // namespace

std::string_view name_of(DefectType type) {
  constexpr std::array<std::string_view, defect_type_count + 1> names = {
      "good",     "scratch", "dent",  "stain",       "chip",         "crack",       "missing_hole", "burr",
      "misprint", "rust",    "fibre", "hole_offset", "polish_patch", "wrong_shade", "porosity"};
  return names[static_cast<std::size_t>(type)];
}

std::vector<DefectType> types_of(Variant variant) {
  using enum DefectType;
  if (variant == Variant::texture) {
    return {scratch, dent, stain, crack, rust, fibre, polish_patch, wrong_shade, porosity};
  }
  if (variant == Variant::two_level) {
    return {scratch, stain, chip, crack, missing_hole, burr, misprint, rust, fibre, hole_offset, porosity};
  }
  std::vector<DefectType> all;
  for (int i = 1; i <= defect_type_count; ++i) {
    all.push_back(static_cast<DefectType>(i));
  }
  return all;
}

Defect draw_defect(const Line& line, const Identity& identity, const Scene& s, int attempt) {
  RandomStream r(line.seed, "line.defect", identity.index() | (static_cast<std::uint64_t>(attempt) << 40));
  Defect d;
  d.type = static_cast<DefectType>(identity.type);
  d.intensity = r.uniform();
  const double factor = line.variant == Variant::tiny ? 0.55 : (line.variant == Variant::large ? 1.8 : 1.0);
  const Range range = size_range(d.type);
  // On coarse pixels some types need more than a lucky place: they grow until somebody could see them.
  const double growth = attempt < 20 ? 1 : std::pow(1.03, attempt - 20);
  d.size = r.log_uniform(range.low, range.high) * factor * growth;
  d.angle = r.uniform(-pi, pi);
  d.salt = r.bits();
  d.bend = r.uniform(0.2, 0.6);
  d.aspect = r.log_uniform(0.6, 1.7);
  const double thin = std::sqrt(factor) * growth;  // widths shrink less than lengths, else lines vanish
  const Blueprint& b = blueprint_of(s.family);
  switch (d.type) {
    case DefectType::none:
      break;
    case DefectType::scratch:
      d.center = surface_point(r, s, 0.35 * d.size);
      d.width = r.uniform(0.2, 0.36) * thin;
      d.bend = r.normal() * 0.3 / d.size;
      d.contrast = mix(0.4, 0.9, d.intensity) * sign_of(r, s.two_level ? 0 : 0.7);
      d.reach = 0.5 * d.size + 1.2 + 0.25 * std::abs(d.bend) * d.size * d.size;
      break;
    case DefectType::dent:
      d.center = surface_point(r, s, 0.4 * d.size);
      d.contrast = mix(0.75, 1.4, d.intensity);
      d.reach = 0.5 * d.size * 1.9 + 0.3;
      break;
    case DefectType::stain:
      d.center = surface_point(r, s, 0.4 * d.size);
      d.contrast = mix(0.35, 0.65, d.intensity) * sign_of(r, s.two_level ? 0 : 0.25);
      d.width = r.uniform(0.1, 0.5) * d.size * 0.4;
      d.mode = static_cast<int>(r.integer(0, 1));  // with or without a dried rim
      d.color = {r.uniform(0.6, 1.0), r.uniform(0.6, 1.0), r.uniform(0.6, 1.0)};
      d.reach = 0.5 * d.size * 2.4 + d.width + 0.3;
      break;
    case DefectType::chip:
    case DefectType::burr: {
      const Vec edge = outline_point(s.family, b.mark_center, d.angle);
      const bool chip = d.type == DefectType::chip;
      d.center = edge;
      const int count = static_cast<int>(r.integer(2, 4));
      for (int i = 0; i < count; ++i) {
        const double radius = 0.5 * d.size * r.uniform(0.55, 1.0) * (chip ? 1.0 : 0.8);
        d.circles.push_back({edge + d.size * Vec{0.28 * r.normal(), 0.28 * r.normal()}, radius});
      }
      d.contrast = mix(0.15, 0.4, d.intensity);
      for (const Circle& c : d.circles) {
        d.reach = std::max(d.reach, length(c.center - edge) + 1.35 * c.radius + 1.6);
      }
      break;
    }
    case DefectType::crack: {
      const Vec start = surface_point(r, s, 0.3 * d.size);
      const double width = r.uniform(0.2, 0.32) * thin;
      const double heading = d.angle;
      add_polyline(d, r, start - 0.5 * d.size * direction(heading), heading, d.size, 0.6, 0.35, width, 0.6 * width);
      const int branches = static_cast<int>(r.integer(1, 3));
      for (int i = 0; i < branches; ++i) {
        const auto root = static_cast<std::size_t>(r.integer(0, static_cast<std::int64_t>(d.segments.size()) - 1));
        add_polyline(d, r, d.segments[root].to, heading + sign_of(r, 0.5) * r.uniform(0.5, 1.1),
                     d.size * r.uniform(0.2, 0.5), 0.6, 0.35, 0.8 * width, 0.4 * width);
      }
      d.contrast = mix(0.55, 0.9, d.intensity);
      center_on_segments(d, 1.0);
      break;
    }
    case DefectType::missing_hole:
      d.hole = static_cast<int>(r.integer(0, static_cast<std::int64_t>(b.holes.size()) - 1));
      d.center = b.holes[static_cast<std::size_t>(d.hole)].center;
      d.size = 2 * (b.holes[static_cast<std::size_t>(d.hole)].radius + s.hole_play);
      d.intensity = 1;
      d.reach = 0.5 * d.size + b.holes[static_cast<std::size_t>(d.hole)].chamfer + 1.0;
      break;
    case DefectType::misprint: {
      // Ink missing over most of the matrix, wiped while wet, or printed twice.
      const double kind = r.uniform();
      d.mode = kind < 0.25 ? 0 : (kind < 0.7 ? 1 : 2);
      d.contrast = mix(0.75, 1.0, d.intensity);
      d.offset = {r.uniform(-0.8, 0.8), r.uniform(-0.6, 2.0)};
      d.width = d.mode == 0 ? d.size * r.uniform(0.8, 1.2) : 11;
      d.angle = 0.5 * pi * static_cast<double>(r.integer(0, 3)) + 0.2 * r.normal();
      d.bend = (d.mode == 1 ? mix(2.0, 3.6, d.intensity) : r.uniform(1.5, 2.6)) * thin;
      d.size = d.mode == 0 ? d.size : 11;
      d.center = b.mark_center;
      d.reach = 10.5;
      break;
    }
    case DefectType::rust:
      d.center = surface_point(r, s, 0.35 * d.size);
      d.contrast = mix(0.45, 0.95, d.intensity);
      d.reach = 0.5 * d.size * 2.4 + 0.5;
      break;
    case DefectType::fibre: {
      const Vec middle = surface_point(r, s, 0.3);
      d.width = r.uniform(0.13, 0.24) * thin;
      Vec at = middle - 0.5 * d.size * direction(d.angle);
      double heading = d.angle;
      const double curl = r.normal() * 1.6 / d.size;
      double turn = curl;
      const int count = 20;
      for (int i = 0; i < count; ++i) {  // smoothly changing curvature
        turn = 0.85 * turn + 0.15 * curl + 0.14 * r.normal();
        heading += turn * d.size / count;
        const Vec next = at + (d.size / count) * direction(heading);
        d.segments.push_back({at, next, d.width});
        at = next;
      }
      d.mode = s.two_level || r.chance(0.6) ? 0 : 1;  // dark or bright
      d.contrast = mix(0.5, 0.95, d.intensity);
      d.color =
          d.mode == 0 ? Color{r.uniform(0.02, 0.2), 0.08, r.uniform(0.02, 0.2)} : Color{1.0, 0.97, r.uniform(0.8, 1)};
      d.offset = {0.35, 0.3};
      center_on_segments(d, 1.2);
      break;
    }
    case DefectType::hole_offset: {
      d.hole = static_cast<int>(r.integer(0, static_cast<std::int64_t>(b.holes.size()) - 1));
      const Hole& hole = b.holes[static_cast<std::size_t>(d.hole)];
      d.center = hole.center;
      d.offset = d.size * direction(d.angle);
      d.intensity = std::clamp((d.size / (factor * growth) - range.low) / (range.high - range.low), 0.0, 1.0);
      d.reach = hole.radius + hole.chamfer + d.size + 0.7;
      break;
    }
    case DefectType::polish_patch:
      d.center = surface_point(r, s, 0.35 * d.size);
      d.contrast = mix(0.28, 0.5, d.intensity) * sign_of(r, 0.7);
      d.mode = static_cast<int>(r.integer(0, 1));  // smoothed, or ground across the grain
      d.width = 0.25;
      d.reach = 0.5 * d.size * 2.4 + 0.5;
      break;
    case DefectType::wrong_shade:
      d.center = surface_point(r, s, 0.3 * d.size);
      d.contrast = mix(0.28, 0.5, d.intensity) * sign_of(r, 0.5);
      d.aspect = r.log_uniform(0.35, 2.8);
      d.width = r.uniform(0.15, 1.0);
      d.color = {r.uniform(0.7, 1.1), r.uniform(0.6, 1.0), r.uniform(0.7, 1.3)};
      d.reach = 0.5 * d.size * 1.5 * 1.7 + d.width + 0.3;
      break;
    case DefectType::porosity: {
      d.center = surface_point(r, s, 0.4 * d.size);
      const int count = static_cast<int>(r.integer(4, 12));
      for (int i = 0; i < count; ++i) {
        const Vec at = d.center + 0.5 * d.size * std::sqrt(r.uniform()) * direction(r.uniform(-pi, pi));
        d.circles.push_back({at, r.uniform(0.22, 0.5) * thin});
        d.reach = std::max(d.reach, length(at - d.center) + 1.5);
      }
      d.contrast = mix(0.4, 0.85, d.intensity);
      break;
    }
  }
  return d;
}

double altered_outline(const Defect& d, double distance, Vec p) {
  if (d.type != DefectType::chip && d.type != DefectType::burr) {
    return distance;
  }
  double body = 1e3;
  for (const Circle& c : d.circles) {
    const Vec a = p - c.center;
    body = std::min(body, length(a) - c.radius * wobble(std::atan2(a.y, a.x), 0.45, d.salt));
  }
  return d.type == DefectType::chip ? std::max(distance, -body) : std::min(distance, body);
}

void alter_surface(const Defect& d, Vec p, double pixel, Surface& out) {
  const auto shade = [&out](double factor) {
    for (double& channel : out.albedo) {
      channel *= factor;
    }
  };
  const auto paint = [&out](const Color& color, double amount) {
    for (std::size_t i = 0; i < 3; ++i) {
      out.albedo[i] *= mix(1, color[i], amount);
    }
  };
  switch (d.type) {
    case DefectType::scratch: {
      const Vec axis = direction(d.angle);
      const Vec local = in_frame(p - d.center, axis);
      const double slope = 2 * d.bend * local.x;
      const double across = (local.y - d.bend * local.x * local.x) / std::sqrt(1 + slope * slope);
      const double along = ramp(0.5 * d.size - std::abs(local.x), -0.1, 0.25 * d.size);
      const double depth = along * (0.75 + 0.25 * noise(local.x * 1.5, 3, d.salt));
      const double body = ramp(d.width - std::abs(across), -0.8 * pixel, 0.8 * pixel);
      const double wall = std::exp(-0.5 * across * across / (d.width * d.width + pixel * pixel));
      out.slope =
          out.slope + (0.9 * std::abs(d.contrast) * depth * wall * across / (d.width + pixel)) * Vec{-axis.y, axis.x};
      shade(1 + (d.contrast > 0 ? 0.9 : 0.7) * d.contrast * body * depth);
      break;
    }
    case DefectType::dent: {
      const Vec a = p - d.center;
      const double radius = 0.5 * d.size * wobble(std::atan2(a.y, a.x), 0.2, d.salt);
      const double rho = length(a) / radius;
      if (rho < 1.6) {  // bowl with a raised lip
        const double bowl = rho < 1 ? rho * (1 - rho * rho) * 2.6 : -0.5 * std::sin((rho - 1) / 0.6 * pi);
        out.slope = out.slope + (d.contrast * bowl / std::max(length(a), 1e-9)) * a;
      }
      break;
    }
    case DefectType::stain: {
      const double distance = patch_distance(d, p);
      const double body = ramp(-distance, -d.width, d.width);
      const double rim = d.mode == 1 ? 0.7 * std::exp(-0.5 * distance * distance / 0.04) : 0;
      const double cloud = 0.8 + 0.2 * coarse(p, 1.2, d.salt);
      shade(1 + d.contrast * (body * cloud + rim * body));
      paint(d.color, 0.8 * body);
      break;
    }
    case DefectType::chip:
    case DefectType::burr: {  // the broken or torn face is rough and bright
      double body = 1e3;
      for (const Circle& c : d.circles) {
        body = std::min(body, length(p - c.center) - c.radius);
      }
      const double face = ramp(-body, -0.7, -0.1);
      shade(1 + face * d.contrast * (0.6 + 0.8 * coarse(p, 0.6, d.salt)));
      break;
    }
    case DefectType::crack: {
      double body = 0;
      for (const Segment& s : d.segments) {
        body = std::max(body, ramp(s.width - distance_to(s, p), -0.8 * pixel, 0.8 * pixel));
      }
      shade(1 - d.contrast * body);
      break;
    }
    case DefectType::rust: {
      const double distance = patch_distance(d, p);
      const double cover = ramp(0.9 * coarse(p, 0.9, d.salt) - 0.9 * distance / (0.5 * d.size) - 0.1, -0.3, 0.35);
      const double grain = 0.75 + 0.45 * noise(p.x * 2.6, p.y * 2.6, d.salt ^ 0x99u);
      paint({0.85, 0.5, 0.25}, d.contrast * cover);
      shade(1 - (0.3 + 0.25 * grain) * d.contrast * cover);
      out.texture_gain *= 1 - 0.8 * cover;
      break;
    }
    case DefectType::polish_patch: {
      const double body = ramp(-patch_distance(d, p), -d.width, d.width);
      shade(1 + d.contrast * body);
      if (d.mode == 0) {
        out.texture_gain *= 1 - 0.9 * body;
      } else if (body > 0.5) {
        out.texture_turn = pi / 2 - 0.3;
        out.texture_gain *= 1.4;
      }
      break;
    }
    case DefectType::wrong_shade: {
      const Vec local = in_frame(p - d.center, direction(d.angle));
      const double half_x = 0.5 * d.size * std::min(1.5, std::sqrt(d.aspect));
      const double half_y = 0.5 * d.size * std::min(1.5, 1 / std::sqrt(d.aspect));
      const double distance = std::max(std::abs(local.x) - half_x, std::abs(local.y) - half_y);
      const double body = ramp(-distance, -d.width, d.width);
      shade(1 + d.contrast * body);
      paint(d.color, body);
      break;
    }
    case DefectType::porosity:
      for (const Circle& c : d.circles) {
        const Vec a = p - c.center;
        const double r = length(a);
        shade(1 - d.contrast * ramp(c.radius - r, -0.8 * pixel, 0.8 * pixel));
        const double lip = std::exp(-0.5 * (r - c.radius) * (r - c.radius) / 0.02);
        out.slope = out.slope + (0.5 * d.contrast * lip / std::max(r, 1e-9)) * a;
      }
      break;
    default:
      break;
  }
}

Fibre fibre_at(const Defect& d, Vec p, double pixel) {
  Fibre f;
  if (d.type != DefectType::fibre) {
    return f;
  }
  double near = 1e3, under = 1e3;
  for (const Segment& s : d.segments) {
    near = std::min(near, distance_to(s, p));
    under = std::min(under, distance_to(s, p - d.offset));
  }
  f.cover = d.contrast * ramp(d.width - near, -0.8 * pixel, 0.8 * pixel);
  f.shadow = 1 - 0.18 * ramp(d.width + 0.1 - under, -1.6 * pixel, 1.6 * pixel);
  return f;
}

}  // namespace oddity::synthetic
