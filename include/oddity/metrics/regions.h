#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "oddity/metrics/maps.h"

/// Regions of binary maps and the per-region overlap of anomaly maps. Mask values other than zero are inside (defect).
/// All functions throw std::invalid_argument for sizes that do not fit.
namespace oddity::metrics {

/// 8-connected components of a binary map [height, width] (non-zero = inside), in one pass with union-find over runs.
struct Component {
  int x0 = 0, y0 = 0, x1 = 0, y1 = 0;  ///< box, exclusive ends
  std::size_t area = 0;
  double centroid_x = 0, centroid_y = 0;  ///< pixel centres at integer coordinates
  int label = 0;                          ///< 1-based label in the label map
};
struct Components {
  std::vector<std::int32_t> labels;   ///< [height * width], 0 = background
  std::vector<Component> components;  ///< in order of label, which is the raster order of their first pixels
};
Components connected_components(std::span<const std::uint8_t> mask, int height, int width);

/// Outer contour of one component (Moore neighbour tracing, clockwise as seen with y downwards), as pixel centres (x,
/// y). Starts at the first pixel in raster order; consecutive points are 8-neighbours, and so are the last and the
/// first; the first is not repeated at the end. A part one pixel wide is walked on both sides, so points may repeat.
/// Throws for a label that does not exist.
std::vector<std::pair<int, int>> outer_contour(const Components& components, int height, int width, int label);

/// Area under the per-region-overlap curve (Bergmann et al., IJCV 2021), exact: every distinct score is a threshold.
/// Mean over all ground-truth components of all images of the share of the component at or above the threshold, against
/// the pooled false positive rate of good pixels (those of all images that lie in no mask), integrated from 0 to
/// `limit` with linear interpolation at the limit, divided by `limit`. A perfect map gives 1, a constant map (one step
/// from (0, 0) to (1, 1)) gives limit / 2. Maps and masks are concatenated [images * height * width]; masks non-zero =
/// defect. Throws std::invalid_argument without any defect pixel or any good pixel, limit outside (0, 1], NaN or
/// infinite scores. Memory: 8 bytes per good pixel at or above the last threshold that matters, and 16 per such defect
/// pixel.
double aupro(std::span<const float> maps, std::span<const std::uint8_t> masks, std::size_t images, int height,
             int width, double limit);
/// For maps of different sizes: one entry each.
double aupro(std::span<const MapAndMask> items, double limit);
/// Several limits from one sort.
std::vector<double> aupro(std::span<const MapAndMask> items, std::span<const double> limits);

}  // namespace oddity::metrics
