#pragma once

#include <string>
#include <utility>
#include <vector>

#include "image/image.h"

namespace oddity {

/// Closed polygons whose points are fractions (x, y) of the image's width and height, in [0, 1]. The last point joins
/// the first.
using Polygons = std::vector<std::vector<std::pair<double, double>>>;

/// Reads `[[[x, y], [x, y], [x, y], ...], ...]` (JSON). Empty text gives no polygon. Throws InvalidArgument that says
/// which polygon and point is wrong: not JSON, fewer than 3 points, a coordinate outside [0, 1], more than 1,000
/// polygons or 10,000 points.
Polygons parse_polygons(const std::string& text);

/// Throws InvalidArgument as above.
void check_polygons(const Polygons& polygons);

/// u8 mask, 255 where the pixel's centre lies in at least one polygon (each by the even-odd rule), else 0. No polygon:
/// all 255, the whole image counts.
Image rasterise(const Polygons& polygons, int height, int width);

}  // namespace oddity
