#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "oddity/metrics/intervals.h"
#include "oddity/metrics/maps.h"
#include "oddity/metrics/resampling.h"

/// How much of each defect a threshold finds. A pixel is flagged when score > threshold. Mask values other than zero
/// are defect pixels, and a region is an 8-connected component of them, as everywhere in oddity.
namespace oddity::metrics {

struct RegionOverlap {
  std::size_t image = 0;
  int label = 0;            ///< in the image, as `connected_components` numbers it
  std::size_t area = 0;     ///< pixels of the region
  std::size_t flagged = 0;  ///< of them
  double overlap = 0;       ///< flagged / area, in [0, 1]; large is good
  bool escaped = false;
};

struct RegionOverlaps {
  /// Per-region overlap (PRO; Bergmann et al., IJCV 2021): mean overlap of all regions of all images, each region with
  /// equal weight. The interval is the bootstrap over images with defects (or their groups), as `mean.low` says when it
  /// is NaN.
  BootstrapResult mean;
  std::size_t escaped_regions = 0;
  /// Images with defects, those of them with an escaped region, and the exact Clopper-Pearson interval of their rate:
  /// regions of one image are not independent, images are (with groups they are not either: then it holds for images as
  /// units only).
  std::size_t defect_images = 0, images_with_escape = 0;
  Interval images_with_escape_rate;
  std::vector<RegionOverlap> regions;  ///< by image, then by label
};

struct RegionOverlapOptions {
  /// A region escapes when its overlap is below `least_overlap` in [0, 1], or when none of its pixels is flagged.
  double least_overlap = 0;
  BootstrapMethod method = BootstrapMethod::percentile;
  std::size_t resamples = 1000;
  double confidence = 0.95;  ///< of both intervals
  std::uint64_t seed = 0;
  std::span<const std::int64_t> groups = {};  ///< none, or one for each of the items
};

/// Throws std::invalid_argument for maps that do not fit, NaN or infinite scores, a NaN threshold (infinities flag all
/// or nothing), no defect pixel, options out of range. Does not depend on the number of threads.
RegionOverlaps region_overlap(std::span<const MapAndMask> items, double threshold,
                              const RegionOverlapOptions& options = {});

}  // namespace oddity::metrics
