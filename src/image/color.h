#pragma once

#include "image/image.h"

/// Channel counts: 1 grey, 2 grey + alpha, 3 RGB, 4 RGB + alpha. Alpha is dropped, never composited: a camera part has
/// no background to show through, and what lies under it is what was measured.
namespace oddity {

/// Whether `convert_channels` knows the way: to 1 or 3 from any of 1 to 4; to the same count always. Alpha is never
/// invented.
bool can_convert_channels(int from, int to);

/// Grey from RGB is luma after ITU-R BT.601, (19595 R + 38470 G + 7471 B) / 65536 rounded to nearest: a grey RGB pixel
/// keeps its value exactly. RGB from grey repeats it. Throws InvalidArgument when the way is not known.
Image convert_channels(const ImageView& image, int channels);
/// Same into a buffer of the same size and depth, with the wanted channels; it must not overlap the input.
void convert_channels(const ImageView& image, const ImageSpan& out);

/// Whether all three colours are equal in every pixel. True for 1 or 2 channels.
bool is_grey(const ImageView& image);

}  // namespace oddity
