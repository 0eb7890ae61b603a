#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <vector>

#include "core/random.h"

/// Drawing tools of the synthetic defects: one image as planar floats, alpha windows and lattice noise.
namespace oddity {

/// Pixel window [x0, x1) x [y0, y1).
struct Window {
  int x0 = 0, y0 = 0, x1 = 0, y1 = 0;
  int width() const { return x1 - x0; }
  int height() const { return y1 - y0; }
  bool empty() const { return x1 <= x0 || y1 <= y0; }
};

/// Opacity of one defect inside its window, row by row.
struct Alpha {
  Window window;
  std::vector<float> values;
  float& at(int x, int y) {
    return values[static_cast<std::size_t>(y - window.y0) * static_cast<std::size_t>(window.width()) +
                  static_cast<std::size_t>(x - window.x0)];
  }
  float at(int x, int y) const { return const_cast<Alpha*>(this)->at(x, y); }
  void reset(const Window& w) {
    window = w;
    values.assign(w.empty() ? 0 : static_cast<std::size_t>(w.width()) * static_cast<std::size_t>(w.height()), 0.0f);
  }
};

/// One image being corrupted: planar [C, H, W] floats, and the largest alpha so far.
struct Canvas {
  int channels = 0, height = 0, width = 0;
  float* pixels = nullptr;
  float* cover = nullptr;  ///< [H, W], running maximum of alpha
  float* plane(int c) { return pixels + static_cast<std::ptrdiff_t>(c) * height * width; }
  const float* plane(int c) const { return pixels + static_cast<std::ptrdiff_t>(c) * height * width; }
  float get(int c, int x, int y) const { return plane(c)[static_cast<std::ptrdiff_t>(y) * width + x]; }
  float clamped(int c, int x, int y) const { return get(c, std::clamp(x, 0, width - 1), std::clamp(y, 0, height - 1)); }
  /// Bilinear, border replicated.
  float sample(int c, float x, float y) const;
  Window clip(double x0, double y0, double x1, double y1) const {
    return {std::max(0, static_cast<int>(std::floor(x0))), std::max(0, static_cast<int>(std::floor(y0))),
            std::min(width, static_cast<int>(std::ceil(x1))), std::min(height, static_cast<int>(std::ceil(y1)))};
  }
};

/// Smooth noise with standard deviation about 1: normal values on a lattice of `cell` pixels, interpolated with a
/// quintic fade.
class LatticeNoise {
public:
  LatticeNoise(RandomStream& random, const Window& window, double cell);
  float at(int x, int y) const;

private:
  int x0_, y0_, columns_;
  float inverse_cell_;
  std::vector<float> nodes_;
};

/// A closed region of about the given diameter: ellipse, rectangle or ragged ellipse, usually with a noisy outline and
/// a soft edge.
void draw_region(Alpha& alpha, const Canvas& canvas, RandomStream& random, double smallest, double largest);
/// A curved line of the given length and width starting anywhere (or at a point).
struct StrokeShape {
  double x, y, length, width, curvature, jitter;
  bool soft;
};
void draw_stroke(Alpha& alpha, const Canvas& canvas, RandomStream& random, const StrokeShape& shape);
/// Ellipse with half axes a and b at (x, y), rotated; 1 px edge or Gaussian profile. Adds by maximum into alpha (its
/// window must be set).
void draw_ellipse(Alpha& alpha, double x, double y, double a, double b, double angle, bool gaussian);

/// Separable Gaussian blur of a small plane in place, border replicated. `scratch` is reused.
void gaussian_blur(std::vector<float>& plane, int width, int height, double sd, std::vector<float>& scratch);

}  // namespace oddity
