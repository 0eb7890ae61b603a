#pragma once

#include "image/image.h"

namespace oddity {

/// u8, 1 channel: 255 where any colour channel of the pixel is not 0 (alpha does not count), else 0.
Image binary_mask(const ImageView& stored);

}  // namespace oddity
