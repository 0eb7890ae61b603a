#include "data/mask.h"

#include <algorithm>

namespace oddity {
namespace {

template <class T>
void threshold(const ImageView& stored, Image& mask) {
  const int colours = stored.channels == 2 || stored.channels == 4 ? stored.channels - 1 : stored.channels;
  std::uint8_t* target = mask.u8();
  for (int y = 0; y < stored.height; ++y) {
    const T* pixel = reinterpret_cast<const T*>(stored.data + y * stored.stride);
    for (int x = 0; x < stored.width; ++x, pixel += stored.channels) {
      *target++ = std::any_of(pixel, pixel + colours, [](T value) { return value != 0; }) ? 255 : 0;
    }
  }
}

}  // namespace

Image binary_mask(const ImageView& stored) {
  check_view(stored, "data.binary_mask");
  Image mask(stored.height, stored.width, 1, Depth::u8);
  if (stored.depth == Depth::u8) {
    threshold<std::uint8_t>(stored, mask);
  } else {
    threshold<std::uint16_t>(stored, mask);
  }
  return mask;
}

}  // namespace oddity
