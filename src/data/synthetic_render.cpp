#include "data/synthetic_render.h"

#include <numbers>

namespace oddity::synthetic {
namespace {

constexpr double two_level_threshold = 0.38;

double smooth_cover(double distance, double softness) { return ramp(-distance, -softness, softness); }

/// Ink of three seven-segment digits above, an 8 x 8 dot matrix below; frame of the mark, mm.
double ink_at(const Scene& s, Vec m, double pixel) {
  constexpr double cell = 0.56, pitch = 1.75, half_w = 0.5, half_h = 0.95, stroke = 0.2;
  constexpr std::array<std::uint8_t, 10> segments = {0x77, 0x24, 0x5D, 0x6D, 0x2E, 0x6B, 0x7B, 0x25, 0x7F, 0x6F};
  const double top = m.y + 2.6;  // digits are centred here
  double ink = 0;
  if (std::abs(top) < half_h + 1 && std::abs(m.x) < 2 * pitch) {
    const double column = std::clamp(std::round(m.x / pitch), -1.0, 1.0);
    const Vec g = {m.x - column * pitch, top};
    const std::uint8_t lit = segments[static_cast<std::size_t>(s.digits[static_cast<std::size_t>(column + 1)])];
    const std::array<Segment, 7> strokes = {{{{-half_w, -half_h}, {half_w, -half_h}},
                                             {{-half_w, -half_h}, {-half_w, 0}},
                                             {{half_w, -half_h}, {half_w, 0}},
                                             {{-half_w, 0}, {half_w, 0}},
                                             {{-half_w, 0}, {-half_w, half_h}},
                                             {{half_w, 0}, {half_w, half_h}},
                                             {{-half_w, half_h}, {half_w, half_h}}}};
    double near = 10;
    for (std::size_t i = 0; i < strokes.size(); ++i) {
      if (lit >> i & 1) {
        near = std::min(near, distance_to(strokes[i], g));
      }
    }
    ink = ramp(stroke - near, -0.7 * pixel, 0.7 * pixel);
  }
  const double column = m.x / cell + 4, row = (m.y - 1.1) / cell + 4;
  if (column > -1 && column < 9 && row > -1 && row < 9) {
    const auto dot = [&s](int c, int r) {
      return c >= 0 && c < 8 && r >= 0 && r < 8 && (s.matrix[static_cast<std::size_t>(r)] >> c & 1);
    };
    // Area of the pixel on inked cells: bilinear in the overlap, exact for pixels no larger than a cell.
    const double half = std::min(0.5 * pixel / cell, 0.5);
    double cover = 0;
    for (const double dx : {-half, half}) {
      for (const double dy : {-half, half}) {
        cover += dot(static_cast<int>(std::floor(column + dx)), static_cast<int>(std::floor(row + dy))) ? 0.25 : 0;
      }
    }
    ink = std::max(ink, cover);
  }
  return ink;
}

class Painter {
public:
  Painter(const Scene& scene, const Defect& defect)
      : s_(scene),
        d_(defect),
        blueprint_(blueprint_of(scene.family)),
        pixel_(scene.millimetres_per_pixel),
        soft_(scene.softness * scene.millimetres_per_pixel),
        light_(direction(scene.light_angle)),
        part_light_(direction(scene.light_angle - scene.rotation)) {
    const double image_pixel = pixel_ * scene.scale;
    const double grain_pixels = 1.6 * pixel_ / scene.grain_scale;  // cells of the finest grain a pixel spans
    grain_fade_ = 1 / (1 + std::pow(grain_pixels, 4) * 0.2);
    for (int y = 0; y < scene.height; ++y) {
      rows_.push_back((y + 0.5 - 0.5 * scene.height) * image_pixel);
    }
    for (int x = 0; x < scene.width; ++x) {
      columns_.push_back((x + 0.5 - 0.5 * scene.width) * image_pixel);
    }
    ink_axis_ = direction(blueprint_.mark_angle + scene.mark_turn);
  }

  Color at(int x, int y) const {
    const Vec q = {columns_[static_cast<std::size_t>(x)], rows_[static_cast<std::size_t>(y)]};
    const Vec p = s_.to_part(q);
    const bool hit = d_.type != DefectType::none && length(p - d_.center) < d_.reach;
    const double outline = outline_at(p, hit);
    double hole = 1e3;  // distance to the nearest hole
    std::size_t nearest = 0;
    Vec toward_hole;
    for (std::size_t i = 0; i < blueprint_.holes.size(); ++i) {
      Vec center = blueprint_.holes[i].center;
      if (hit && d_.hole == static_cast<int>(i)) {
        if (d_.type == DefectType::missing_hole) {
          continue;
        }
        center = center + d_.offset;
      }
      const Vec a = p - center;
      const double distance = length(a) - blueprint_.holes[i].radius - s_.hole_play;
      if (distance < hole) {
        hole = distance;
        nearest = i;
        toward_hole = a;
      }
    }
    const double cover = smooth_cover(std::max(outline, -hole), soft_);
    Color value = {0, 0, 0};
    if (cover > 0) {
      value = surface(p, outline, hole, nearest, toward_hole, hit);
    }
    if (cover < 1) {
      const Color ground = background(q, p, outline, hole);
      for (std::size_t i = 0; i < 3; ++i) {
        value[i] = mix(ground[i], value[i], cover);
      }
    }
    if (hit && d_.type == DefectType::fibre) {
      const Fibre fibre = fibre_at(d_, p, pixel_);
      for (std::size_t i = 0; i < 3; ++i) {
        value[i] = mix(value[i] * fibre.shadow, 0.85 * d_.color[i], fibre.cover);
      }
    }
    const double falloff = dot(q, q) / (22.0 * 22.0);
    const double light = s_.two_level ? 1
                                      : s_.gain * (1 + s_.light_gradient * dot(direction(s_.gradient_angle), q) / 16) *
                                            (1 - s_.vignette * falloff);
    for (double& channel : value) {
      channel = std::clamp(channel * light, 0.0, 1.0);
    }
    return value;
  }

private:
  double outline_at(Vec p, bool hit) const {
    const double plain = outline_distance(s_.family, p);
    return hit ? altered_outline(d_, plain, p) : plain;
  }

  Color surface(Vec p, double outline, double hole, std::size_t nearest, Vec from_hole, bool hit) const {
    Surface here;
    if (s_.family != Family::none && outline > -bevel_ - soft_) {  // bevel along the outline
      const double step = 0.05;
      const Vec outward = {outline_at({p.x + step, p.y}, hit) - outline, outline_at({p.x, p.y + step}, hit) - outline};
      const double norm = std::max(length(outward), 1e-9);
      here.slope = (-0.8 * ramp(outline + bevel_, -soft_, soft_) / norm) * outward;
    }
    if (hole < 1e2) {
      const double chamfer = blueprint_.holes[nearest].chamfer;
      if (hole < chamfer + soft_) {
        here.slope =
            here.slope + (0.9 * ramp(chamfer - hole, -soft_, soft_) / std::max(length(from_hole), 1e-9)) * from_hole;
      }
    }
    if (hit) {
      alter_surface(d_, p, pixel_, here);
    }
    if (s_.two_level) {  // a silhouette with its ink: shading does not count
      const double flat = 0.72 * (1 - 0.8 * ink(p, hit));
      return {flat * here.albedo[0], flat * here.albedo[1], flat * here.albedo[2]};
    }
    const double grain = texture(p, here.texture_turn) * here.texture_gain * s_.roughness;
    const double patchy = s_.mottle * noise(p.x / 5 + 31, p.y / 5, s_.salt ^ 0xA5u);
    // Lambert with the light at slope `light_slope` from the vertical, 1 on the flat surface.
    const double facing =
        (1 - s_.light_slope * dot(here.slope, part_light_)) / std::sqrt(1 + dot(here.slope, here.slope));
    const double shade = 0.3 + 0.7 * std::max(facing, 0.0);
    const double value = s_.tone * (1 + grain + patchy) * shade * (1 - s_.ink * ink(p, hit));
    return {value * s_.tint[0] * here.albedo[0], value * s_.tint[1] * here.albedo[1],
            value * s_.tint[2] * here.albedo[2]};
  }

  /// Texture of the surface, about unit variance.
  double texture(Vec p, double turn) const {
    const double f = 1 / s_.grain_scale;
    switch (s_.grain) {
      case Grain::brushed: {
        const Vec a = in_frame(p, direction(s_.grain_angle + turn));
        return grain_fade_ * 1.5 * noise(0.12 * f * a.x, 1.6 * f * a.y, s_.salt) +
               1.3 * noise(0.05 * f * a.x + 9, 0.55 * f * a.y, s_.salt ^ 0x31u);
      }
      case Grain::turned: {
        const Vec a = turn == 0 ? p : Vec{p.y * 0.2, p.x * 3};
        const double r = length(a) + 0.02 * s_.grain_angle * p.x;
        return grain_fade_ * 1.6 * noise(1.5 * f * r, 0.7 * std::atan2(a.y, std::abs(a.x)), s_.salt) +
               1.0 * noise(0.5 * f * r, 0.4 * std::atan2(a.y, std::abs(a.x)) + 5, s_.salt ^ 0x31u);
      }
      case Grain::cast:
        break;
    }
    return grain_fade_ * 1.5 * noise(1.4 * f * p.x, 1.4 * f * p.y, s_.salt) +
           1.2 * noise(0.6 * f * p.x + 3, 0.6 * f * p.y, s_.salt ^ 0x31u);
  }

  double ink(Vec p, bool hit) const {
    if (!s_.marked) {
      return 0;
    }
    const Vec m = in_frame(p - blueprint_.mark_center - s_.mark_shift, ink_axis_);
    if (std::abs(m.x) > 8 || std::abs(m.y) > 9) {
      return 0;
    }
    const auto plain = [this](Vec at) { return ink_at(s_, at, pixel_); };
    return hit && d_.type == DefectType::misprint ? misprinted(d_, m, pixel_, plain) : plain(m);
  }

  Color background(Vec q, Vec p, double outline, double hole) const {
    double value = s_.background;
    if (s_.two_level) {
      return {0.1, 0.1, 0.1};
    }
    value *= 1 + 0.12 * noise(q.x * 0.5, q.y * 0.5, s_.background_salt);
    if (outline > 0) {  // the part keeps light from the table on the side away from the lamp
      value *= 1 - 0.4 * smooth_cover(outline_distance(s_.family, p + 1.1 * part_light_) + 0.2, 0.7);
    } else {
      value *= 0.55 + 0.35 * ramp(-hole, 0, 2.5);  // deep in a hole
    }
    return {value * s_.background_tint[0], value * s_.background_tint[1], value * s_.background_tint[2]};
  }

  static constexpr double bevel_ = 0.45;
  const Scene& s_;
  const Defect& d_;
  const Blueprint& blueprint_;
  double pixel_, soft_, grain_fade_ = 1;
  Vec light_, part_light_, ink_axis_;
  std::vector<double> rows_, columns_;
};

/// Sums of four uniforms: near enough to normal for sensor noise and several times cheaper.
double sensor_noise(const std::array<std::uint32_t, 4>& block, int half) {
  double sum = 0;
  for (std::size_t i = 0; i < 2; ++i) {
    const std::uint32_t word = block[static_cast<std::size_t>(2 * half) + i];
    sum += static_cast<double>(word & 0xFFFF) + static_cast<double>(word >> 16);
  }
  return (sum / 65536.0 - 2.0) * std::numbers::sqrt3;
}

std::vector<std::uint8_t> changed_pixels(const Scene& s, const Defect& d, const Window& w,
                                         std::vector<double>* change) {
  const std::vector<double> with = render(s, d, w), without = render(s, Defect{}, w);
  const auto channels = static_cast<std::size_t>(s.channels);
  std::vector<std::uint8_t> changed(with.size() / channels);
  change->assign(changed.size(), 0);
  for (std::size_t i = 0; i < with.size(); ++i) {
    double& largest = (*change)[i / channels];
    largest = std::max(largest, std::abs(with[i] - without[i]));
  }
  for (std::size_t i = 0; i < changed.size(); ++i) {
    changed[i] = (*change)[i] > visible_change;
  }
  return changed;
}

/// 3 x 3 closing: fills gaps of one pixel, leaves everything else.
void close_gaps(std::vector<std::uint8_t>& values, int height, int width) {
  const auto sweep = [&](bool dilate) {
    std::vector<std::uint8_t> out(values.size());
    for (int y = 0; y < height; ++y) {
      for (int x = 0; x < width; ++x) {
        bool any = false, all = true;
        for (int v = std::max(y - 1, 0); v <= std::min(y + 1, height - 1); ++v) {
          for (int u = std::max(x - 1, 0); u <= std::min(x + 1, width - 1); ++u) {
            const bool on = values[static_cast<std::size_t>(v * width + u)] != 0;
            any = any || on;
            all = all && on;
          }
        }
        out[static_cast<std::size_t>(y * width + x)] = dilate ? any : all;
      }
    }
    values = std::move(out);
  };
  sweep(true);
  sweep(false);
}

}  // namespace

Window whole(const Scene& scene) { return {0, 0, scene.width, scene.height}; }

Window window_of(const Scene& s, const Defect& d) {
  if (d.type == DefectType::none) {
    return {};
  }
  const double image_pixel = s.millimetres_per_pixel * s.scale;
  const Vec c = s.to_image(d.center);
  const double x = c.x / image_pixel + 0.5 * s.width, y = c.y / image_pixel + 0.5 * s.height;
  const double reach = d.reach * s.scale / image_pixel + 3;
  return {std::clamp(static_cast<int>(std::floor(x - reach)), 0, s.width),
          std::clamp(static_cast<int>(std::floor(y - reach)), 0, s.height),
          std::clamp(static_cast<int>(std::ceil(x + reach)), 0, s.width),
          std::clamp(static_cast<int>(std::ceil(y + reach)), 0, s.height)};
}

std::vector<double> render(const Scene& scene, const Defect& defect, const Window& window) {
  const Painter painter(scene, defect);
  std::vector<double> out;
  out.reserve(static_cast<std::size_t>(window.width() * window.height() * scene.channels));
  for (int y = window.top; y < window.bottom; ++y) {
    for (int x = window.left; x < window.right; ++x) {
      const Color value = painter.at(x, y);
      for (int c = 0; c < scene.channels; ++c) {
        out.push_back(scene.two_level ? (value[0] > two_level_threshold ? 1.0 : 0.0)
                                      : value[static_cast<std::size_t>(c)]);
      }
    }
  }
  return out;
}

Image photograph(const Scene& scene, const Defect& defect) {
  Image image(scene.height, scene.width, scene.channels, Depth::u8);
  const std::vector<double> values = render(scene, defect, whole(scene));
  std::array<std::uint32_t, 4> block{};
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (i % 2 == 0) {
      block = philox({static_cast<std::uint32_t>(i / 2), 0, 0, 0}, {scene.salt, scene.background_salt});
    }
    const double sd = scene.two_level ? 0 : scene.noise * std::sqrt(0.4 + 1.2 * values[i]);
    const double noisy = values[i] + sd * sensor_noise(block, static_cast<int>(i % 2));
    image.u8()[i] = static_cast<std::uint8_t>(std::lround(255 * std::clamp(noisy, 0.0, 1.0)));
  }
  return image;
}

Image mask_of(const Scene& scene, const Defect& defect) {
  Image mask(scene.height, scene.width, 1, Depth::u8);
  const Window w = window_of(scene, defect);
  std::vector<double> change;
  std::vector<std::uint8_t> changed = changed_pixels(scene, defect, w, &change);
  close_gaps(changed, w.height(), w.width());
  for (int y = 0; y < w.height(); ++y) {
    for (int x = 0; x < w.width(); ++x) {
      mask.u8()[(y + w.top) * scene.width + x + w.left] =
          changed[static_cast<std::size_t>(y * w.width() + x)] ? 255 : 0;
    }
  }
  return mask;
}

Visibility visibility_of(const Scene& scene, const Defect& defect) {
  const Window w = window_of(scene, defect);
  std::vector<double> change;
  std::vector<std::uint8_t> changed = changed_pixels(scene, defect, w, &change);
  close_gaps(changed, w.height(), w.width());
  Visibility v;
  double sum = 0;
  for (std::size_t i = 0; i < changed.size(); ++i) {
    v.area += changed[i];
    v.strong_area += change[i] >= 0.08;
    sum += changed[i] ? change[i] : 0;
  }
  v.contrast = v.area > 0 ? sum / v.area : 0;
  return v;
}

}  // namespace oddity::synthetic
