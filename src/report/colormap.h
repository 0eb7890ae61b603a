#pragma once

#include <array>
#include <cstdint>

#include "image/image.h"

namespace oddity {

/// Heat colours for anomaly maps: dark blue over magenta to light yellow. Lightness (OKLab, Ottosson 2020) rises in a
/// straight line with the value, so equal steps look equal, also printed in grey or with a colour vision deficiency.
/// `share` is clipped to [0, 1]; NaN gives mid grey.
std::array<std::uint8_t, 3> heat_color(double share);

/// A map as an RGB picture: `low` becomes the darkest and `high` the lightest colour.
Image heat_picture(const Plane& map, double low, double high);

}  // namespace oddity
