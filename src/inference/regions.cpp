#include "inference/regions.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>

#include "core/error.h"
#include "oddity/metrics/regions.h"

namespace oddity {

namespace {

bool counts(const MapView& map, std::size_t index) { return map.inside.empty() || map.inside[index] != 0; }

Region region_of(const metrics::Components& components, const metrics::Component& component, const MapView& map,
                 const DecisionRule& rule) {
  Region region;
  region.x0 = component.x0 * map.scale_x;
  region.y0 = component.y0 * map.scale_y;
  region.x1 = component.x1 * map.scale_x;
  region.y1 = component.y1 * map.scale_y;
  region.area_px = static_cast<double>(component.area) * map.scale_x * map.scale_y;
  // Centres sit at integers in both grids, half a pixel from their edges.
  const auto to_x = [&](double x) { return (x + 0.5) * map.scale_x - 0.5; };
  const auto to_y = [&](double y) { return (y + 0.5) * map.scale_y - 0.5; };
  region.centroid_x = to_x(component.centroid_x);
  region.centroid_y = to_y(component.centroid_y);
  if (rule.millimetres_per_pixel_x > 0 && rule.millimetres_per_pixel_y > 0) {
    region.width_mm = (region.x1 - region.x0) * rule.millimetres_per_pixel_x;
    region.height_mm = (region.y1 - region.y0) * rule.millimetres_per_pixel_y;
    region.area_mm2 = region.area_px * rule.millimetres_per_pixel_x * rule.millimetres_per_pixel_y;
  }
  float best = -std::numeric_limits<float>::infinity();
  for (int y = component.y0; y < component.y1; ++y) {
    for (int x = component.x0; x < component.x1; ++x) {
      const auto index =
          static_cast<std::size_t>(y) * static_cast<std::size_t>(map.width) + static_cast<std::size_t>(x);
      if (components.labels[index] == component.label) {
        best = std::max(best, map.values[index]);
      }
    }
  }
  region.score = best;
  for (const auto& [x, y] : metrics::outer_contour(components, map.height, map.width, component.label)) {
    region.contour.emplace_back(static_cast<float>(to_x(x)), static_cast<float>(to_y(y)));
  }
  return region;
}

}  // namespace

double pool_top_fraction(const MapView& map, double fraction, std::vector<float>& scratch) {
  if (!(fraction > 0 && fraction <= 1)) {
    fail<InvalidArgument>("[inference.pool_top_fraction] fraction out of range; got {}; expected (0, 1]", fraction);
  }
  scratch.clear();
  for (std::size_t i = 0; i < map.values.size(); ++i) {
    if (counts(map, i)) {
      scratch.push_back(map.values[i]);
    }
  }
  if (scratch.empty()) {
    fail<InvalidArgument>(
        "[inference.pool_top_fraction] no pixel lies inside the region of interest; expected at least "
        "one");
  }
  const auto wanted = std::llround(fraction * static_cast<double>(scratch.size()));
  const auto count = std::max<std::ptrdiff_t>(1, static_cast<std::ptrdiff_t>(wanted));
  // Sorted, so that the sum does not depend on how nth_element orders its halves.
  std::nth_element(scratch.begin(), scratch.begin() + (count - 1), scratch.end(), std::greater<>());
  std::sort(scratch.begin(), scratch.begin() + count, std::greater<>());
  double sum = 0;
  for (std::ptrdiff_t i = 0; i < count; ++i) {
    sum += scratch[static_cast<std::size_t>(i)];
  }
  return sum / static_cast<double>(count);
}

FoundRegions find_regions(const MapView& map, const DecisionRule& rule, std::vector<std::uint8_t>& mask) {
  mask.assign(map.values.size(), 0);
  bool any = false;
  for (std::size_t i = 0; i < map.values.size(); ++i) {
    if (map.values[i] > rule.pixel_threshold && counts(map, i)) {
      mask[i] = 1;
      any = true;
    }
  }
  FoundRegions found;
  if (!any) {
    return found;
  }
  const metrics::Components components = metrics::connected_components(mask, map.height, map.width);
  for (const metrics::Component& component : components.components) {
    const double area = static_cast<double>(component.area) * map.scale_x * map.scale_y;
    if (area < rule.minimum_area_px) {
      ++found.below_minimum;
    } else {
      found.kept.push_back(region_of(components, component, map, rule));
    }
  }
  std::stable_sort(found.kept.begin(), found.kept.end(),
                   [](const Region& a, const Region& b) { return a.score > b.score; });
  return found;
}

}  // namespace oddity
