#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

#include "metrics/check.h"
#include "metrics/sort.h"
#include "oddity/metrics/regions.h"

namespace oddity::metrics {
namespace {

using detail::refuse;

constexpr const char* kFunction = "aupro";
constexpr int kBucketBits = 16;

struct Pixels {
  std::vector<std::uint32_t> good;    ///< keys, ascending (scores descending), down to the last threshold that matters
  std::vector<std::uint64_t> defect;  ///< key << 32 | region, ascending
  std::vector<double> region_weight;  ///< 1 / area
  std::size_t good_pixels = 0;        ///< of all, also of those left out
};

/// Gathers what decides the curve up to false positive rate `limit`: scores below the threshold at which the limit is
/// reached change nothing, and are left out before sorting.
Pixels gather(std::span<const MapAndMask> items, double limit) {
  Pixels pixels;
  std::vector<std::size_t> histogram(std::size_t(1) << kBucketBits, 0);
  std::size_t defects = 0;
  for (const MapAndMask& item : items) {
    for (std::size_t p = 0; p < item.map.size(); ++p) {
      if (item.mask[p] == 0) {
        ++histogram[detail::descending_key(item.map[p]) >> (32 - kBucketBits)];
      } else {
        ++defects;
      }
    }
    pixels.good_pixels += item.map.size();
  }
  pixels.good_pixels -= defects;
  if (pixels.good_pixels == 0 || defects == 0) {
    refuse(kFunction, "good and defect pixels are needed; got ", pixels.good_pixels, " good and ", defects,
           " defect pixels");
  }

  const double needed = std::ceil(limit * double(pixels.good_pixels)) + 1;  // one more than rounding could ask for
  std::size_t kept = 0, last_bucket = 0;
  for (; last_bucket < histogram.size(); ++last_bucket) {
    kept += histogram[last_bucket];
    if (double(kept) >= needed) {
      break;
    }
  }
  const std::uint32_t last_key = last_bucket >= histogram.size()
                                     ? std::numeric_limits<std::uint32_t>::max()
                                     : std::uint32_t(((std::uint64_t(last_bucket) + 1) << (32 - kBucketBits)) - 1);

  pixels.good.reserve(kept);
  pixels.defect.reserve(defects);
  for (const MapAndMask& item : items) {
    const bool defective = std::any_of(item.mask.begin(), item.mask.end(), [](std::uint8_t v) { return v != 0; });
    Components components;
    if (defective) {
      components = connected_components(item.mask, item.height, item.width);
    }
    const std::size_t first_region = pixels.region_weight.size();
    for (const Component& component : components.components) {
      pixels.region_weight.push_back(1.0 / double(component.area));
    }
    if (pixels.region_weight.size() > std::numeric_limits<std::uint32_t>::max()) {
      refuse(kFunction, "there are too many regions; expected at most 2^32 - 1");
    }
    for (std::size_t p = 0; p < item.map.size(); ++p) {
      const std::uint32_t key = detail::descending_key(item.map[p]);
      if (key > last_key) {
        continue;
      }
      if (item.mask[p] == 0) {
        pixels.good.push_back(key);
      } else {
        const std::size_t region = first_region + std::size_t(components.labels[p]) - 1;
        pixels.defect.push_back(std::uint64_t(key) << 32 | region);
      }
    }
  }
  detail::radix_sort(pixels.good);
  detail::radix_sort(pixels.defect, 32);
  return pixels;
}

}  // namespace

std::vector<double> aupro(std::span<const MapAndMask> items, std::span<const double> limits) {
  for (const double limit : limits) {
    if (!(limit > 0 && limit <= 1)) {
      refuse(kFunction, "limit is out of range; got ", limit, "; expected a value in (0, 1]");
    }
  }
  detail::require_maps(kFunction, items);
  if (limits.empty()) {
    return {};
  }
  const Pixels pixels = gather(items, *std::max_element(limits.begin(), limits.end()));

  // The curve rises only at scores of defect pixels. A pixel that enters on a step from false positive rate x0 to x1
  // adds its weight times the area from there to the limit L: L - (x0 + x1) / 2 for a whole step, (L - x0)^2 / (2 (x1 -
  // x0)) for the step that is cut at L.
  std::vector<double> area(limits.size(), 0.0);
  const double n = double(pixels.good_pixels);
  std::size_t g = 0;
  for (std::size_t d = 0; d < pixels.defect.size();) {
    const auto key = std::uint32_t(pixels.defect[d] >> 32);
    while (g < pixels.good.size() && pixels.good[g] < key) {
      ++g;
    }
    const double x0 = double(g) / n;
    while (g < pixels.good.size() && pixels.good[g] == key) {
      ++g;
    }
    const double x1 = double(g) / n;
    double weight = 0;
    for (; d < pixels.defect.size() && std::uint32_t(pixels.defect[d] >> 32) == key; ++d) {
      weight += pixels.region_weight[std::uint32_t(pixels.defect[d])];
    }
    for (std::size_t i = 0; i < limits.size(); ++i) {
      const double limit = limits[i];
      if (x1 <= limit) {
        area[i] += weight * (limit - 0.5 * (x0 + x1));
      } else if (x0 < limit) {
        area[i] += weight * (limit - x0) * (limit - x0) / (2 * (x1 - x0));
      }
    }
  }
  for (std::size_t i = 0; i < limits.size(); ++i) {
    area[i] /= limits[i] * double(pixels.region_weight.size());
  }
  return area;
}

double aupro(std::span<const MapAndMask> items, double limit) {
  return aupro(items, std::span<const double>(&limit, 1)).front();
}

double aupro(std::span<const float> maps, std::span<const std::uint8_t> masks, std::size_t images, int height,
             int width, double limit) {
  if (height < 1 || width < 1) {
    refuse(kFunction, "maps have no size; got ", height, " x ", width);
  }
  const std::size_t pixels = std::size_t(height) * std::size_t(width);
  if (images == 0 || maps.size() / pixels != images || maps.size() % pixels != 0 || masks.size() != maps.size()) {
    refuse(kFunction, "maps and masks do not fit their size; got ", maps.size(), " and ", masks.size(),
           " values; expected ", images, " x ", height, " x ", width);
  }
  std::vector<MapAndMask> items(images);
  for (std::size_t i = 0; i < images; ++i) {
    items[i] = {maps.subspan(i * pixels, pixels), masks.subspan(i * pixels, pixels), height, width};
  }
  return aupro(items, limit);
}

}  // namespace oddity::metrics
