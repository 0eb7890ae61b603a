#include "augment/defect_canvas.h"

#include <numbers>

namespace oddity {
namespace {

constexpr double pi = std::numbers::pi;

float smoothstep(float edge0, float edge1, float x) {
  const float t = std::clamp((x - edge0) / (edge1 - edge0), 0.0f, 1.0f);
  return t * t * (3.0f - 2.0f * t);
}

}  // namespace

float Canvas::sample(int c, float x, float y) const {
  const float xc = std::clamp(x, 0.0f, static_cast<float>(width - 1)),
              yc = std::clamp(y, 0.0f, static_cast<float>(height - 1));
  const int xi = static_cast<int>(xc), yi = static_cast<int>(yc);
  const int xj = std::min(xi + 1, width - 1), yj = std::min(yi + 1, height - 1);
  const float fx = xc - static_cast<float>(xi), fy = yc - static_cast<float>(yi);
  const float top = get(c, xi, yi) * (1 - fx) + get(c, xj, yi) * fx;
  const float bottom = get(c, xi, yj) * (1 - fx) + get(c, xj, yj) * fx;
  return top * (1 - fy) + bottom * fy;
}

LatticeNoise::LatticeNoise(RandomStream& random, const Window& window, double cell)
    : x0_(window.x0), y0_(window.y0), columns_(0), inverse_cell_(static_cast<float>(1.0 / std::max(1.0, cell))) {
  const double size = std::max(1.0, cell);
  columns_ = static_cast<int>(window.width() / size) + 2;
  const int rows = static_cast<int>(window.height() / size) + 2;
  nodes_.resize(static_cast<std::size_t>(columns_) * static_cast<std::size_t>(rows));
  for (float& node : nodes_) {
    node = static_cast<float>(random.normal());
  }
}

float LatticeNoise::at(int x, int y) const {
  const float u = static_cast<float>(x - x0_) * inverse_cell_, v = static_cast<float>(y - y0_) * inverse_cell_;
  const int i = static_cast<int>(u), j = static_cast<int>(v);
  const auto fade = [](float t) { return t * t * t * (t * (t * 6 - 15) + 10); };
  const float a = fade(u - static_cast<float>(i)), b = fade(v - static_cast<float>(j));
  const float* node = nodes_.data() + static_cast<std::ptrdiff_t>(j) * columns_ + i;
  return (node[0] * (1 - a) + node[1] * a) * (1 - b) + (node[columns_] * (1 - a) + node[columns_ + 1] * a) * b;
}

void draw_region(Alpha& alpha, const Canvas& canvas, RandomStream& random, double smallest, double largest) {
  const double diameter =
      random.log_uniform(smallest, std::max(smallest, std::min(largest, 0.6 * std::min(canvas.width, canvas.height))));
  const double aspect = random.log_uniform(1.0 / 3.0, 3.0), angle = random.uniform(0, pi);
  const double cx = random.uniform(0, canvas.width), cy = random.uniform(0, canvas.height);
  const double a = 0.5 * diameter * std::sqrt(aspect), b = 0.5 * diameter / std::sqrt(aspect);
  const double kind = random.uniform();
  const bool rectangle = kind >= 0.5 && kind < 0.65, ragged = kind >= 0.65;
  const bool noisy = random.chance(0.75) || ragged;
  const double amplitude = noisy ? random.uniform(0.15, 0.6) * (ragged ? 1.5 : 1.0) : 0.0;
  const double soft = diameter <= 6 ? random.uniform(0.1, 0.5) : random.uniform(0.02, 0.35);
  const double reach = (rectangle ? std::sqrt(2.0) : 1.0) * (1.0 + soft + 1.5 * amplitude) * std::max(a, b) + 1.0;
  alpha.reset(canvas.clip(cx - reach, cy - reach, cx + reach, cy + reach));
  if (alpha.window.empty()) {
    return;
  }
  const LatticeNoise noise(random, alpha.window, std::clamp(diameter / 3.0, 2.0, 16.0));
  const float c = static_cast<float>(std::cos(angle)), s = static_cast<float>(std::sin(angle));
  // An edge narrower than a pixel would alias.
  const float edge = static_cast<float>(std::max(soft, 0.7 / std::max(1.0, std::min(a, b))));
  for (int y = alpha.window.y0; y < alpha.window.y1; ++y) {
    for (int x = alpha.window.x0; x < alpha.window.x1; ++x) {
      const float dx = static_cast<float>(x - cx), dy = static_cast<float>(y - cy);
      const float u = (c * dx + s * dy) / static_cast<float>(a), v = (-s * dx + c * dy) / static_cast<float>(b);
      float r = rectangle ? std::max(std::abs(u), std::abs(v)) : std::sqrt(u * u + v * v);
      if (r > 4.0f) {
        continue;
      }
      if (noisy) {
        r += static_cast<float>(amplitude) * noise.at(x, y);
      }
      alpha.at(x, y) = 1.0f - smoothstep(1.0f - edge, 1.0f + edge, r);
    }
  }
}

void draw_stroke(Alpha& alpha, const Canvas& canvas, RandomStream& random, const StrokeShape& shape) {
  const int steps = std::max(1, static_cast<int>(std::ceil(shape.length)));
  std::vector<std::pair<float, float>> path;
  path.reserve(static_cast<std::size_t>(steps) + 1);
  double x = shape.x, y = shape.y, heading = random.uniform(0, 2 * pi), turn = shape.curvature * random.normal();
  double x0 = x, x1 = x, y0 = y, y1 = y;
  for (int i = 0; i <= steps; ++i) {
    path.emplace_back(static_cast<float>(x), static_cast<float>(y));
    x0 = std::min(x0, x), x1 = std::max(x1, x), y0 = std::min(y0, y), y1 = std::max(y1, y);
    turn += 0.15 * shape.curvature * random.normal();
    heading += turn + shape.jitter * random.normal();
    x += std::cos(heading);
    y += std::sin(heading);
  }
  const double reach = 0.5 * shape.width + (shape.soft ? shape.width : 1.0) + 1.0;
  alpha.reset(canvas.clip(x0 - reach, y0 - reach, x1 + reach + 1, y1 + reach + 1));
  const float half = static_cast<float>(0.5 * shape.width),
              edge = static_cast<float>(shape.soft ? std::max(1.0, 0.8 * shape.width) : 0.7);
  for (const auto& [px, py] : path) {
    const Window w = canvas.clip(px - reach, py - reach, px + reach + 1, py + reach + 1);
    for (int iy = w.y0; iy < w.y1; ++iy) {
      for (int ix = w.x0; ix < w.x1; ++ix) {
        const float dx = static_cast<float>(ix) - px, dy = static_cast<float>(iy) - py;
        const float value = 1.0f - smoothstep(half - 0.5f * edge, half + 0.5f * edge, std::sqrt(dx * dx + dy * dy));
        // Thin lines cover a pixel in part only.
        alpha.at(ix, iy) = std::max(alpha.at(ix, iy), value);
      }
    }
  }
}

void draw_ellipse(Alpha& alpha, double x, double y, double a, double b, double angle, bool gaussian) {
  const float c = static_cast<float>(std::cos(angle)), s = static_cast<float>(std::sin(angle));
  const double reach = (gaussian ? 2.5 : 1.0) * std::max(a, b) + 1.5;
  const int y0 = std::max(alpha.window.y0, static_cast<int>(y - reach)),
            y1 = std::min(alpha.window.y1, static_cast<int>(y + reach) + 2);
  const int x0 = std::max(alpha.window.x0, static_cast<int>(x - reach)),
            x1 = std::min(alpha.window.x1, static_cast<int>(x + reach) + 2);
  const float edge = static_cast<float>(0.5 / std::max(0.5, std::min(a, b)));
  for (int iy = y0; iy < y1; ++iy) {
    for (int ix = x0; ix < x1; ++ix) {
      const float dx = static_cast<float>(ix - x), dy = static_cast<float>(iy - y);
      const float u = (c * dx + s * dy) / static_cast<float>(a), v = (-s * dx + c * dy) / static_cast<float>(b);
      const float r2 = u * u + v * v;
      const float value = gaussian ? std::exp(-r2) : 1.0f - smoothstep(1.0f - edge, 1.0f + edge, std::sqrt(r2));
      alpha.at(ix, iy) = std::max(alpha.at(ix, iy), value);
    }
  }
}

void gaussian_blur(std::vector<float>& plane, int width, int height, double sd, std::vector<float>& scratch) {
  const int radius = std::max(1, static_cast<int>(std::ceil(2.5 * sd)));
  std::vector<float> kernel(static_cast<std::size_t>(2 * radius + 1));
  float sum = 0;
  for (int i = -radius; i <= radius; ++i) {
    sum += kernel[static_cast<std::size_t>(i + radius)] = static_cast<float>(std::exp(-0.5 * i * i / (sd * sd)));
  }
  for (float& k : kernel) {
    k /= sum;
  }
  scratch.resize(plane.size());
  for (int y = 0; y < height; ++y) {
    const float* row = plane.data() + static_cast<std::ptrdiff_t>(y) * width;
    float* out = scratch.data() + static_cast<std::ptrdiff_t>(y) * width;
    for (int x = 0; x < width; ++x) {
      float value = 0;
      for (int i = -radius; i <= radius; ++i) {
        value += kernel[static_cast<std::size_t>(i + radius)] * row[std::clamp(x + i, 0, width - 1)];
      }
      out[x] = value;
    }
  }
  std::fill(plane.begin(), plane.end(), 0.0f);
  for (int y = 0; y < height; ++y) {
    float* out = plane.data() + static_cast<std::ptrdiff_t>(y) * width;
    for (int i = -radius; i <= radius; ++i) {
      const float k = kernel[static_cast<std::size_t>(i + radius)];
      const float* row = scratch.data() + static_cast<std::ptrdiff_t>(std::clamp(y + i, 0, height - 1)) * width;
      for (int x = 0; x < width; ++x) {
        out[x] += k * row[x];
      }
    }
  }
}

}  // namespace oddity
