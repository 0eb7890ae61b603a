#pragma once

#include <span>

#include "image/image.h"

namespace oddity {

/// 8 to 16 bit multiplies by 257; 16 to 8 divides by 257 and rounds to nearest: white stays white, and there and back
/// is exact. The same depth copies.
Image convert_depth(const ImageView& image, Depth depth);

/// Float planes [channels, height, width]: value / full_scale. Not clamped: a value above full_scale gives more than 1.
/// Throws InvalidArgument unless full_scale is positive and finite and `out` has channels * height * width values.
void to_planar(const ImageView& image, double full_scale, std::span<float> out);

/// The way back: value * full_scale rounded to nearest and clamped to the depth; NaN becomes 0. `planes` is
/// [out.channels, out.height, out.width].
void from_planar(std::span<const float> planes, double full_scale, const ImageSpan& out);

}  // namespace oddity
