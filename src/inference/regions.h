#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "inference/package.h"
#include "inference/verdict.h"

/// From an anomaly map to regions and to an image score: plain C++ after the graph.
namespace oddity {

/// Whole-image map values [height, width] and which of them count: `inside` is empty (all) or height * width values,
/// non-zero = inside the region of interest.
struct MapView {
  std::span<const float> values;
  std::span<const std::uint8_t> inside;
  int height = 0, width = 0;
  double scale_x = 1, scale_y = 1;  ///< original pixels per map pixel
};

/// Mean of the largest max(1, round(fraction * n)) of the n values inside; `scratch` is reused between calls. Throws
/// InvalidArgument when nothing is inside or the fraction is not in (0, 1].
double pool_top_fraction(const MapView& map, double fraction, std::vector<float>& scratch);

struct FoundRegions {
  std::vector<Region> kept;       ///< largest score first, ties by position
  std::size_t below_minimum = 0;  ///< how many were smaller than the minimum area
};
/// 8-connected components of values > pixel_threshold inside, in original pixels. `mask` is reused between calls;
/// afterwards 1 where the map is above the threshold, else 0.
FoundRegions find_regions(const MapView& map, const DecisionRule& rule, std::vector<std::uint8_t>& mask);

}  // namespace oddity
