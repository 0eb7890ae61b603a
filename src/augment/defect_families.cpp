#include "augment/defect_families.h"

#include <array>
#include <numbers>

namespace oddity {
namespace {

constexpr double pi = std::numbers::pi;
constexpr int max_channels = 64;
using Color = std::array<float, max_channels>;

double draw_opacity(RandomStream& random) { return random.chance(0.35) ? 1.0 : random.log_uniform(0.15, 1.0); }

/// Where to put a defect's colour: from another place of the image, off the local colour, or any grey.
Color draw_color(const DefectScene& scene, RandomStream& random, int x, int y) {
  const Canvas& canvas = scene.canvas;
  Color color{};
  const double kind = random.uniform();
  const double angle = random.uniform(0, 2 * pi), sign = random.chance(0.5) ? 1.0 : -1.0;
  const double amount = random.log_uniform(0.06, 0.7), level = random.uniform();
  const bool tinted = random.chance(0.3);
  const int any_x = static_cast<int>(random.integer(0, canvas.width - 1)),
            any_y = static_cast<int>(random.integer(0, canvas.height - 1));
  for (int c = 0; c < canvas.channels; ++c) {
    const double tint = random.uniform(-0.5, 0.5);
    float value = 0;
    if (kind < 0.35) {
      value = canvas.clamped(c, x + static_cast<int>(12 * std::cos(angle)), y + static_cast<int>(12 * std::sin(angle)));
    } else if (kind < 0.5) {
      value = canvas.get(c, any_x, any_y);
    } else if (kind < 0.92) {
      value = canvas.clamped(c, x, y) +
              static_cast<float>(sign * amount * (tinted && canvas.channels > 1 ? 1 + tint : 1.0));
    } else {
      value = static_cast<float>(level);
    }
    color[static_cast<std::size_t>(c)] = std::clamp(value, 0.0f, 1.0f);
  }
  return color;
}

/// canvas = canvas * (1 - opacity * alpha) + paint(c, x, y) * opacity * alpha, clipped; alpha joins the cover.
template <class Paint>
void blend(DefectScene& scene, const Alpha& alpha, double opacity, Paint paint) {
  Canvas& canvas = scene.canvas;
  const Window& w = alpha.window;
  for (int y = w.y0; y < w.y1; ++y) {
    for (int x = w.x0; x < w.x1; ++x) {
      const float a = alpha.at(x, y);
      if (a <= 0.0f) {
        continue;
      }
      const std::ptrdiff_t offset = static_cast<std::ptrdiff_t>(y) * canvas.width + x;
      canvas.cover[offset] = std::max(canvas.cover[offset], a);
      const float weight = static_cast<float>(opacity) * a;
      for (int c = 0; c < canvas.channels; ++c) {
        float& pixel = canvas.plane(c)[offset];
        pixel = std::clamp(pixel + weight * (paint(c, x, y) - pixel), 0.0f, 1.0f);
      }
    }
  }
}

/// Copies a window of the canvas, grown by `margin`, plane by plane.
struct Crop {
  Window window;
  std::vector<float> plane;
  Crop(const Canvas& canvas, const Window& w, int margin) {
    window = canvas.clip(w.x0 - margin, w.y0 - margin, w.x1 + margin, w.y1 + margin);
  }
  void load(const Canvas& canvas, int c) {
    plane.resize(static_cast<std::size_t>(window.width()) * static_cast<std::size_t>(window.height()));
    for (int y = window.y0; y < window.y1; ++y) {
      const float* row = canvas.plane(c) + static_cast<std::ptrdiff_t>(y) * canvas.width;
      std::copy(row + window.x0, row + window.x1,
                plane.begin() + static_cast<std::ptrdiff_t>(y - window.y0) * window.width());
    }
  }
  float at(int x, int y) const {
    return plane[static_cast<std::size_t>(y - window.y0) * static_cast<std::size_t>(window.width()) +
                 static_cast<std::size_t>(x - window.x0)];
  }
};

}  // namespace

void draw_patch(DefectScene& scene, RandomStream& random) {
  Canvas& canvas = scene.canvas;
  Alpha alpha;
  draw_region(alpha, canvas, random, 4, 70);
  const double opacity = draw_opacity(random);
  const bool flip_x = random.chance(0.5), flip_y = random.chance(0.5),
             turn = random.chance(0.5) && canvas.width == canvas.height;
  const int roll_x = static_cast<int>(random.integer(0, canvas.width - 1)),
            roll_y = static_cast<int>(random.integer(0, canvas.height - 1));
  const bool photometric = random.chance(0.5);
  const float gain = photometric ? static_cast<float>(random.log_uniform(0.6, 1.6)) : 1.0f;
  const float offset = photometric ? static_cast<float>(random.uniform(-0.25, 0.25)) : 0.0f;
  const int width = canvas.width, height = canvas.height;
  blend(scene, alpha, opacity, [&](int c, int x, int y) {
    int u = (x + roll_x) % width, v = (y + roll_y) % height;
    u = flip_x ? width - 1 - u : u;
    v = flip_y ? height - 1 - v : v;
    if (turn) {
      std::swap(u, v);
    }
    return scene.donor[(static_cast<std::ptrdiff_t>(c) * height + v) * width + u] * gain + offset;
  });
}

void draw_texture(DefectScene& scene, RandomStream& random) {
  Canvas& canvas = scene.canvas;
  Alpha alpha;
  draw_region(alpha, canvas, random, 4, 80);
  if (alpha.window.empty()) {
    return;
  }
  const double opacity = draw_opacity(random);
  constexpr std::array<double, 5> cells = {1, 2, 4, 8, 16};
  const LatticeNoise coarse(random, alpha.window, cells[static_cast<std::size_t>(random.integer(0, 4))]);
  const LatticeNoise fine(random, alpha.window, 2);
  const float coarse_amplitude = static_cast<float>(random.uniform(0.05, 0.35)),
              fine_amplitude = static_cast<float>(random.uniform(0, 0.15));
  const bool added = random.chance(0.5);
  const float shift = static_cast<float>(random.uniform(-0.3, 0.3)), level = static_cast<float>(random.uniform());
  Color tint{};
  for (int c = 0; c < canvas.channels; ++c) {
    tint[static_cast<std::size_t>(c)] =
        static_cast<float>(random.uniform(-0.1, 0.1)) * (canvas.channels > 1 ? 1.0f : 0.0f);
  }
  blend(scene, alpha, opacity, [&](int c, int x, int y) {
    const float noise =
        coarse_amplitude * coarse.at(x, y) + fine_amplitude * fine.at(x, y) + tint[static_cast<std::size_t>(c)];
    return noise + (added ? canvas.get(c, x, y) + shift : level);
  });
}

void draw_line(DefectScene& scene, RandomStream& random) {
  Canvas& canvas = scene.canvas;
  constexpr std::array<double, 4> curvatures = {0, 0.02, 0.1, 0.3};
  constexpr std::array<double, 3> jitters = {0, 0.05, 0.35};
  StrokeShape shape{};
  shape.x = random.uniform(0, canvas.width);
  shape.y = random.uniform(0, canvas.height);
  shape.length = random.log_uniform(6, 110);
  shape.width = random.log_uniform(0.8, 5);
  shape.curvature = curvatures[static_cast<std::size_t>(random.integer(0, 3))];
  shape.jitter = jitters[static_cast<std::size_t>(random.integer(0, 2))];
  shape.soft = random.chance(0.5);
  Alpha alpha;
  draw_stroke(alpha, canvas, random, shape);
  const double opacity = draw_opacity(random);
  if (alpha.window.empty()) {
    return;
  }
  if (random.chance(0.3)) {
    const LatticeNoise gaps(random, alpha.window, random.uniform(3, 10));
    for (int y = alpha.window.y0; y < alpha.window.y1; ++y) {
      for (int x = alpha.window.x0; x < alpha.window.x1; ++x) {
        alpha.at(x, y) *= std::clamp(0.5f + 2.0f * gaps.at(x, y), 0.0f, 1.0f);
      }
    }
  }
  const Color color = draw_color(scene, random, static_cast<int>(shape.x), static_cast<int>(shape.y));
  blend(scene, alpha, opacity, [&](int c, int, int) { return color[static_cast<std::size_t>(c)]; });
}

void draw_blob(DefectScene& scene, RandomStream& random) {
  Canvas& canvas = scene.canvas;
  const double cx = random.uniform(0, canvas.width), cy = random.uniform(0, canvas.height);
  const std::int64_t count = random.chance(0.6) ? 1 : random.integer(2, 8);
  const double spread = random.uniform(4, 25), diameter = random.log_uniform(1.5, 22);
  const bool gaussian = random.chance(0.35), rim = random.chance(0.25);
  const double reach = (count > 1 ? 2.5 * spread : 0.0) + 1.6 * diameter * (gaussian ? 2.5 : 1.0) + 3.0;
  Alpha alpha;
  alpha.reset(canvas.clip(cx - reach, cy - reach, cx + reach, cy + reach));
  for (std::int64_t i = 0; i < count; ++i) {
    const double size = diameter * (count > 1 ? random.log_uniform(0.6, 1.6) : 1.0),
                 aspect = random.log_uniform(0.5, 2);
    const double x = cx + (count > 1 ? 0.6 * spread * random.normal() : 0.0),
                 y = cy + (count > 1 ? 0.6 * spread * random.normal() : 0.0);
    draw_ellipse(alpha, x, y, 0.5 * size * std::sqrt(aspect), 0.5 * size / std::sqrt(aspect), random.uniform(0, pi),
                 gaussian);
  }
  const double opacity = draw_opacity(random);
  const Color color = draw_color(scene, random, static_cast<int>(cx), static_cast<int>(cy));
  const double light = random.uniform(0, 2 * pi), strength = rim ? random.uniform(0.1, 0.4) : 0.0;
  const float lx = static_cast<float>(std::cos(light) * strength / std::max(1.0, 0.5 * diameter));
  const float ly = static_cast<float>(std::sin(light) * strength / std::max(1.0, 0.5 * diameter));
  blend(scene, alpha, opacity, [&](int c, int x, int y) {
    return color[static_cast<std::size_t>(c)] + lx * static_cast<float>(x - cx) + ly * static_cast<float>(y - cy);
  });
}

void draw_warp(DefectScene& scene, RandomStream& random) {
  Canvas& canvas = scene.canvas;
  Alpha alpha;
  draw_region(alpha, canvas, random, 8, 70);
  if (alpha.window.empty()) {
    return;
  }
  constexpr std::array<double, 3> cells = {8, 16, 32};
  const double cell = cells[static_cast<std::size_t>(random.integer(0, 2))], reach = random.uniform(1.5, 8);
  const bool shifted = random.chance(0.4);
  const double angle = random.uniform(0, 2 * pi);
  const LatticeNoise horizontal(random, alpha.window, cell), vertical(random, alpha.window, cell);
  const int margin = static_cast<int>(std::ceil(3 * reach)) + 2;
  Crop crop(canvas, alpha.window, margin);
  for (int c = 0; c < canvas.channels; ++c) {
    // Each plane is read before it is written: displaced pixels come from the image as it was.
    crop.load(canvas, c);
    const Window& w = alpha.window;
    for (int y = w.y0; y < w.y1; ++y) {
      for (int x = w.x0; x < w.x1; ++x) {
        const float a = alpha.at(x, y);
        if (a <= 0.0f) {
          continue;
        }
        const float dx = static_cast<float>(shifted ? reach * std::cos(angle)
                                                    : reach * std::clamp(horizontal.at(x, y), -3.0f, 3.0f));
        const float dy =
            static_cast<float>(shifted ? reach * std::sin(angle) : reach * std::clamp(vertical.at(x, y), -3.0f, 3.0f));
        const float u = std::clamp(static_cast<float>(x) + dx, static_cast<float>(crop.window.x0),
                                   static_cast<float>(crop.window.x1 - 1));
        const float v = std::clamp(static_cast<float>(y) + dy, static_cast<float>(crop.window.y0),
                                   static_cast<float>(crop.window.y1 - 1));
        const int ui = std::min(static_cast<int>(u), crop.window.x1 - 2),
                  vi = std::min(static_cast<int>(v), crop.window.y1 - 2);
        const float fu = u - static_cast<float>(ui), fv = v - static_cast<float>(vi);
        const float value = (crop.at(ui, vi) * (1 - fu) + crop.at(ui + 1, vi) * fu) * (1 - fv) +
                            (crop.at(ui, vi + 1) * (1 - fu) + crop.at(ui + 1, vi + 1) * fu) * fv;
        const std::ptrdiff_t offset = static_cast<std::ptrdiff_t>(y) * canvas.width + x;
        float& pixel = canvas.plane(c)[offset];
        pixel += a * (value - pixel);
        canvas.cover[offset] = std::max(canvas.cover[offset], a);
      }
    }
  }
}

void draw_degrade(DefectScene& scene, RandomStream& random) {
  Canvas& canvas = scene.canvas;
  Alpha alpha;
  draw_region(alpha, canvas, random, 6, 70);
  if (alpha.window.empty()) {
    return;
  }
  const double kind = random.uniform();
  const double opacity = draw_opacity(random);
  if (kind < 0.55) {  // blur, or sharpen by the difference to the blur
    const double sd = kind < 0.35 ? random.uniform(1, 5) : 1.0;
    const float sharpen = kind < 0.35 ? 0.0f : static_cast<float>(random.uniform(1, 3));
    Crop crop(canvas, alpha.window, static_cast<int>(std::ceil(2.5 * sd)) + 1);
    std::vector<float> scratch;
    std::vector<std::vector<float>> blurred;
    for (int c = 0; c < canvas.channels; ++c) {
      crop.load(canvas, c);
      gaussian_blur(crop.plane, crop.window.width(), crop.window.height(), sd, scratch);
      blurred.push_back(crop.plane);
    }
    blend(scene, alpha, opacity, [&](int c, int x, int y) {
      const float smooth = blurred[static_cast<std::size_t>(c)][static_cast<std::size_t>(y - crop.window.y0) *
                                                                    static_cast<std::size_t>(crop.window.width()) +
                                                                static_cast<std::size_t>(x - crop.window.x0)];
      const float pixel = canvas.get(c, x, y);
      return sharpen > 0 ? pixel + sharpen * (pixel - smooth) : smooth;
    });
  } else if (kind < 0.75) {
    const float sd = static_cast<float>(random.uniform(0.03, 0.2));
    blend(scene, alpha, opacity,
          [&](int c, int x, int y) { return canvas.get(c, x, y) + sd * static_cast<float>(random.normal()); });
  } else {
    const float gain = static_cast<float>(random.log_uniform(0.3, 2)),
                offset = static_cast<float>(random.uniform(-0.25, 0.25));
    Color mean{};
    double total = 0;
    for (int y = alpha.window.y0; y < alpha.window.y1; ++y) {
      for (int x = alpha.window.x0; x < alpha.window.x1; ++x) {
        const float a = alpha.at(x, y);
        total += a;
        for (int c = 0; c < canvas.channels; ++c) {
          mean[static_cast<std::size_t>(c)] += a * canvas.get(c, x, y);
        }
      }
    }
    for (int c = 0; c < canvas.channels; ++c) {
      mean[static_cast<std::size_t>(c)] /= static_cast<float>(std::max(total, 1e-6));
    }
    blend(scene, alpha, opacity, [&](int c, int x, int y) {
      const float m = mean[static_cast<std::size_t>(c)];
      return m + gain * (canvas.get(c, x, y) - m) + offset;
    });
  }
}

void draw_edge(DefectScene& scene, RandomStream& random) {
  Canvas& canvas = scene.canvas;
  // The strongest of a few random gradients: strong edges are preferred, but any place can be hit.
  int best_x = canvas.width / 2, best_y = canvas.height / 2;
  float strongest = -1;
  for (int i = 0; i < 24; ++i) {
    const int x = static_cast<int>(random.integer(1, canvas.width - 2)),
              y = static_cast<int>(random.integer(1, canvas.height - 2));
    float gradient = 0;
    for (int c = 0; c < canvas.channels; ++c) {
      gradient = std::max(gradient, std::abs(canvas.get(c, x + 1, y) - canvas.get(c, x - 1, y)) +
                                        std::abs(canvas.get(c, x, y + 1) - canvas.get(c, x, y - 1)));
    }
    if (gradient > strongest) {
      strongest = gradient, best_x = x, best_y = y;
    }
  }
  // The two phases that meet there: darkest and brightest colour of the neighbourhood.
  Color dark{}, bright{};
  float darkest = 1e9f, brightest = -1e9f;
  for (int y = best_y - 5; y <= best_y + 5; ++y) {
    for (int x = best_x - 5; x <= best_x + 5; ++x) {
      float sum = 0;
      for (int c = 0; c < canvas.channels; ++c) {
        sum += canvas.clamped(c, x, y);
      }
      for (int c = 0; c < canvas.channels && sum < darkest; ++c) {
        dark[static_cast<std::size_t>(c)] = canvas.clamped(c, x, y);
      }
      for (int c = 0; c < canvas.channels && sum > brightest; ++c) {
        bright[static_cast<std::size_t>(c)] = canvas.clamped(c, x, y);
      }
      darkest = std::min(darkest, sum), brightest = std::max(brightest, sum);
    }
  }
  const double kind = random.uniform();
  const double opacity = random.chance(0.5) ? 1.0 : random.log_uniform(0.15, 1.0);
  Color color = random.chance(0.5) ? dark : bright;
  Alpha alpha;
  if (kind >= 0.45 && kind < 0.85) {  // bridge or cut
    StrokeShape shape{};
    shape.x = best_x, shape.y = best_y;
    shape.length = random.uniform(4, 30), shape.width = random.uniform(2, 9);
    shape.curvature = 0.02, shape.jitter = 0.03;
    draw_stroke(alpha, canvas, random, shape);
  } else {  // nibble or spur, or a dot in the other phase's colour
    const bool dot = kind >= 0.85;
    const std::int64_t count = dot ? 1 : random.integer(1, 3);
    alpha.reset(canvas.clip(best_x - 24, best_y - 24, best_x + 24, best_y + 24));
    double x = best_x, y = best_y;
    if (dot) {
      x += 5 * random.normal(), y += 5 * random.normal();
      const int xi = std::clamp(static_cast<int>(x), 0, canvas.width - 1),
                yi = std::clamp(static_cast<int>(y), 0, canvas.height - 1);
      color = std::abs(canvas.get(0, xi, yi) - dark[0]) < std::abs(canvas.get(0, xi, yi) - bright[0]) ? bright : dark;
    }
    for (std::int64_t i = 0; i < count; ++i) {
      const double size = dot ? random.uniform(2, 10) : random.uniform(2.5, 14), aspect = random.log_uniform(0.6, 1.7);
      draw_ellipse(alpha, x, y, 0.5 * size * std::sqrt(aspect), 0.5 * size / std::sqrt(aspect), random.uniform(0, pi),
                   false);
      x += 0.4 * size * random.normal(), y += 0.4 * size * random.normal();
    }
  }
  blend(scene, alpha, opacity, [&](int c, int, int) { return color[static_cast<std::size_t>(c)]; });
}

}  // namespace oddity
