#include "oddity/metrics/overkill_area.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/threads.h"
#include "metrics/check.h"
#include "metrics/image_bootstrap.h"
#include "oddity/metrics/regions.h"

namespace oddity::metrics {
namespace {

using detail::refuse;

ImageOverkill overkill_of(const MapAndMask& item, double threshold) {
  ImageOverkill result;
  std::vector<std::uint8_t> flagged(item.map.size());
  bool any = false;
  for (std::size_t p = 0; p < flagged.size(); ++p) {
    const bool good = item.mask[p] == 0;
    flagged[p] = double(item.map[p]) > threshold;
    any = any || flagged[p] != 0;
    result.area += good && flagged[p] != 0;
    result.good_pixels += good;
  }
  result.defective = result.good_pixels < flagged.size();
  result.share = result.good_pixels > 0 ? double(result.area) / double(result.good_pixels)
                                        : std::numeric_limits<double>::quiet_NaN();
  if (any) {
    const Components components = connected_components(flagged, item.height, item.width);
    std::vector<std::uint8_t> holds_defect(components.components.size() + 1, 0);
    for (std::size_t p = 0; p < flagged.size(); ++p) {
      holds_defect[std::size_t(components.labels[p])] |= item.mask[p] != 0;
    }
    result.regions = std::size_t(std::count(holds_defect.begin() + 1, holds_defect.end(), std::uint8_t(0)));
  }
  return result;
}

}  // namespace

OverkillArea overkill_area(std::span<const MapAndMask> items, double threshold, const OverkillAreaOptions& options) {
  constexpr const char* function = "overkill_area";
  if (std::isnan(threshold)) {
    refuse(function, "threshold must not be NaN");
  }
  detail::require_open_unit(function, "confidence", options.confidence);
  if (options.resamples == 0) {
    refuse(function, "resamples must be at least 1; got 0");
  }
  detail::require_maps(function, items);
  if (!options.groups.empty() && options.groups.size() != items.size()) {
    refuse(function, "groups must be one for each image; got ", options.groups.size(), " for ", items.size(),
           " images");
  }
  OverkillArea result;
  result.images.resize(items.size());
  thread_pool().parallel_for(0, std::int64_t(items.size()), 1, [&](std::int64_t first, std::int64_t last) {
    for (auto i = std::size_t(first); i < std::size_t(last); ++i) {
      result.images[i] = overkill_of(items[i], threshold);
    }
  });

  std::vector<double> areas;
  std::vector<std::int64_t> groups;
  std::size_t flagged = 0, good_pixels = 0;
  for (std::size_t i = 0; i < items.size(); ++i) {
    const ImageOverkill& image = result.images[i];
    flagged += image.area;
    good_pixels += image.good_pixels;
    if (!image.defective) {
      ++result.good_images;
      result.good_images_flagged += image.area > options.allowed_area;
    }
    if (image.good_pixels > 0) {
      areas.push_back(double(image.area));
      if (!options.groups.empty()) {
        groups.push_back(options.groups[i]);
      }
    }
  }
  if (good_pixels == 0) {
    refuse(function, "there is no good pixel in ", items.size(), " masks; expected at least one");
  }
  result.pixel_rate = double(flagged) / double(good_pixels);
  result.good_images_flagged_rate = clopper_pearson(result.good_images_flagged, result.good_images, options.confidence);
  result.mean_area = detail::bootstrap_of_images(areas, std::vector<double>(areas.size(), 1.0), groups, options);
  return result;
}

}  // namespace oddity::metrics
