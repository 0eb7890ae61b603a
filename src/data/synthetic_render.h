#pragma once

#include <vector>

#include "data/synthetic_defects.h"
#include "data/synthetic_scene.h"
#include "image/image.h"

/// From a scene and a defect to pixels. Every pixel is a pure function of both, evaluated at its centre with coverages
/// that ramp over about a pixel, so edges are smooth without supersampling.
namespace oddity::synthetic {

/// A change of the noise-free value (fraction of full scale, largest over channels) that counts as defect.
inline constexpr double visible_change = 0.03;

/// Pixels [left, right) x [top, bottom).
struct Window {
  int left = 0, top = 0, right = 0, bottom = 0;
  int width() const { return right - left; }
  int height() const { return bottom - top; }
};
Window whole(const Scene& scene);
/// Pixels that the defect can change; the rest of the image is the same with and without it.
Window window_of(const Scene& scene, const Defect& defect);

/// Values in [0, 1] before sensor noise, row by row, channels together.
std::vector<double> render(const Scene& scene, const Defect& defect, const Window& window);

/// The photograph: `render` plus sensor noise (a function of scene and pixel), rounded to 8 bit; two levels are
/// thresholded instead.
Image photograph(const Scene& scene, const Defect& defect);

/// 255 where the defect changes the image by more than `visible_change` (two levels: where the level differs), after
/// closing gaps of one pixel; 0 elsewhere.
Image mask_of(const Scene& scene, const Defect& defect);

/// How well the defect can be seen.
struct Visibility {
  int strong_area = 0;  ///< pixels that change by at least 0.08 of full scale
  int area = 0;         ///< pixels of the mask
  double contrast = 0;  ///< mean change inside the mask, fraction of full scale
};
Visibility visibility_of(const Scene& scene, const Defect& defect);

}  // namespace oddity::synthetic
