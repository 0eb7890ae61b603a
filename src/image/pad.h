#pragma once

#include "image/image.h"

namespace oddity {

/// Adds rows below and columns to the right by reflection that does not repeat the border pixel (c b a | b c); where
/// the padding is longer than the image it swings back and forth; a side of one pixel is repeated.
/// Throws InvalidArgument for negative padding or a result beyond 65,536.
Image pad_reflect(const ImageView& image, int bottom, int right);
/// Into a buffer at least as large as the image, of its channels and depth; it may start with the image itself (equal
/// data pointer and stride), else it must not overlap.
void pad_reflect(const ImageView& image, const ImageSpan& out);

/// A view of the part at (top, left). Throws InvalidArgument when it does not lie inside.
ImageView crop(const ImageView& image, int top, int left, int height, int width);
Plane crop(const Plane& plane, int top, int left, int height, int width);

/// The smallest multiple of `multiple` that is at least `side`.
int rounded_up(int side, int multiple);

}  // namespace oddity
