#pragma once

#include "augment/defect_canvas.h"

namespace oddity {

/// What the families draw from. `donor` is planar [C, H, W]; `canvas` holds the image as corrupted so far.
struct DefectScene {
  Canvas canvas;
  const float* donor = nullptr;
};

using DrawDefect = void (*)(DefectScene&, RandomStream&);
void draw_patch(DefectScene& scene, RandomStream& random);
void draw_texture(DefectScene& scene, RandomStream& random);
void draw_line(DefectScene& scene, RandomStream& random);
void draw_blob(DefectScene& scene, RandomStream& random);
void draw_warp(DefectScene& scene, RandomStream& random);
void draw_degrade(DefectScene& scene, RandomStream& random);
void draw_edge(DefectScene& scene, RandomStream& random);

}  // namespace oddity
