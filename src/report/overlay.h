#pragma once

#include <span>

#include "image/image.h"
#include "inference/verdict.h"

namespace oddity {

/// An image as people see it: RGB, 8 bit, `full_scale` becomes white. Alpha is dropped; of more than 4 channels the
/// first three are shown.
Image display_picture(const ImageView& image, double full_scale);

/// The image in its own size with the map laid over it as heat where it exceeds `low` (opacity grows to `high`) and the
/// outlines of the regions. `map` may have another size; an empty one draws outlines only. Throws InvalidArgument for
/// an empty image.
struct OverlayScale {
  double low = 0, high = 1;   ///< of the map's values
  double full_scale = 255.0;  ///< of the image's values
};
Image overlay(const ImageView& image, const Plane& map, std::span<const Region> regions, const OverlayScale& scale);

}  // namespace oddity
