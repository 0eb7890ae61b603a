#include "oddity/metrics/region_overlap.h"

#include <algorithm>
#include <cmath>

#include "core/threads.h"
#include "metrics/check.h"
#include "metrics/image_bootstrap.h"
#include "oddity/metrics/regions.h"

namespace oddity::metrics {
namespace {

using detail::refuse;

std::vector<RegionOverlap> overlaps_of(const MapAndMask& item, std::size_t image, double threshold,
                                       double least_overlap) {
  const Components components = connected_components(item.mask, item.height, item.width);
  std::vector<RegionOverlap> regions(components.components.size());
  for (const Component& component : components.components) {
    RegionOverlap& region = regions[std::size_t(component.label) - 1];
    region.image = image;
    region.label = component.label;
    region.area = component.area;
    for (int y = component.y0; y < component.y1; ++y) {
      const std::size_t row = std::size_t(y) * std::size_t(item.width);
      for (std::size_t p = row + std::size_t(component.x0); p < row + std::size_t(component.x1); ++p) {
        region.flagged += components.labels[p] == component.label && double(item.map[p]) > threshold;
      }
    }
    region.overlap = double(region.flagged) / double(region.area);
    region.escaped = region.flagged == 0 || region.overlap < least_overlap;
  }
  return regions;
}

}  // namespace

RegionOverlaps region_overlap(std::span<const MapAndMask> items, double threshold,
                              const RegionOverlapOptions& options) {
  constexpr const char* function = "region_overlap";
  if (std::isnan(threshold)) {
    refuse(function, "threshold must not be NaN");
  }
  detail::require_unit(function, "least_overlap", options.least_overlap);
  detail::require_open_unit(function, "confidence", options.confidence);
  if (options.resamples == 0) {
    refuse(function, "resamples must be at least 1; got 0");
  }
  detail::require_maps(function, items);
  if (!options.groups.empty() && options.groups.size() != items.size()) {
    refuse(function, "groups must be one for each image; got ", options.groups.size(), " for ", items.size(),
           " images");
  }
  std::vector<std::vector<RegionOverlap>> of_image(items.size());
  thread_pool().parallel_for(0, std::int64_t(items.size()), 1, [&](std::int64_t first, std::int64_t last) {
    for (auto i = std::size_t(first); i < std::size_t(last); ++i) {
      of_image[i] = overlaps_of(items[i], i, threshold, options.least_overlap);
    }
  });

  RegionOverlaps result;
  std::vector<double> sums, counts;  // of images with defects, which alone decide the mean
  std::vector<std::int64_t> groups;
  for (std::size_t i = 0; i < items.size(); ++i) {
    if (of_image[i].empty()) {
      continue;
    }
    double sum = 0;
    std::size_t escaped = 0;
    for (const RegionOverlap& region : of_image[i]) {
      sum += region.overlap;
      escaped += region.escaped;
      result.regions.push_back(region);
    }
    sums.push_back(sum);
    counts.push_back(double(of_image[i].size()));
    result.escaped_regions += escaped;
    result.images_with_escape += escaped > 0;
    if (!options.groups.empty()) {
      groups.push_back(options.groups[i]);
    }
  }
  if (sums.empty()) {
    refuse(function, "there is no defect pixel in ", items.size(), " masks; expected at least one region");
  }
  result.defect_images = sums.size();
  result.images_with_escape_rate = clopper_pearson(result.images_with_escape, result.defect_images, options.confidence);
  result.mean = detail::bootstrap_of_images(sums, counts, groups, options);
  return result;
}

}  // namespace oddity::metrics
