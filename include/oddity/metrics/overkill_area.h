#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "oddity/metrics/intervals.h"
#include "oddity/metrics/maps.h"
#include "oddity/metrics/resampling.h"

/// How much good area a threshold flags. A pixel is flagged when score > threshold; it is overkill when its mask is
/// zero.
namespace oddity::metrics {

struct ImageOverkill {
  std::size_t area = 0;         ///< flagged good pixels; small is good
  std::size_t good_pixels = 0;  ///< of the image
  double share = 0;             ///< area / good_pixels, in [0, 1]; NaN for an image without good pixels
  std::size_t regions = 0;  ///< 8-connected flagged regions that hold no defect pixel: false alarms as an operator sees
  bool defective = false;   ///< the image has a defect pixel
};

struct OverkillArea {
  /// Mean area per image in pixels, over all images with good pixels; its interval is the bootstrap over images or
  /// groups.
  BootstrapResult mean_area;
  double pixel_rate = 0;  ///< flagged good pixels of all images / all good pixels
  /// Images without defects, those of them with more than `allowed_area` flagged pixels, and the exact Clopper-Pearson
  /// interval of their rate; [0, 1] without good images.
  std::size_t good_images = 0, good_images_flagged = 0;
  Interval good_images_flagged_rate;
  std::vector<ImageOverkill> images;  ///< in the order of the items
};

struct OverkillAreaOptions {
  std::size_t allowed_area = 0;  ///< pixels that do not count as a flagged image
  BootstrapMethod method = BootstrapMethod::percentile;
  std::size_t resamples = 1000;
  double confidence = 0.95;  ///< of both intervals
  std::uint64_t seed = 0;
  std::span<const std::int64_t> groups = {};  ///< none, or one for each of the items
};

/// Throws std::invalid_argument for maps that do not fit, NaN or infinite scores, a NaN threshold, no good pixel,
/// options out of range. Does not depend on the number of threads.
OverkillArea overkill_area(std::span<const MapAndMask> items, double threshold,
                           const OverkillAreaOptions& options = {});

}  // namespace oddity::metrics
