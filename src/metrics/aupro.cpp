#include <algorithm>
#include <cmath>
#include <cstdint>
#include <functional>
#include <limits>
#include <utility>
#include <vector>

#include "core/threads.h"
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

/// Numbers of good pixels by the leading bits of their keys.
std::vector<std::size_t> histogram_of_good(std::span<const MapAndMask> items, std::size_t pixels) {
  const std::size_t pieces = std::clamp<std::size_t>(pixels >> 20, 1, 8);  // each with a table of its own
  const std::size_t grain = (items.size() + pieces - 1) / pieces;
  std::vector<std::vector<std::size_t>> counts((items.size() + grain - 1) / grain);
  thread_pool().parallel_for(
      0, std::int64_t(items.size()), std::int64_t(grain), [&](std::int64_t first, std::int64_t last) {
        std::vector<std::size_t> count(std::size_t(1) << kBucketBits, 0);
        for (const MapAndMask& item : items.subspan(std::size_t(first), std::size_t(last - first))) {
          for (std::size_t p = 0; p < item.map.size(); ++p) {
            if (item.mask[p] == 0) {
              ++count[detail::descending_key(item.map[p]) >> (32 - kBucketBits)];
            }
          }
        }
        counts[std::size_t(first) / grain] = std::move(count);
      });
  for (std::size_t piece = 1; piece < counts.size(); ++piece) {
    std::transform(counts[0].begin(), counts[0].end(), counts[piece].begin(), counts[0].begin(), std::plus<>());
  }
  return std::move(counts.front());
}

/// The last key that matters up to false positive rate `limit`: scores below the threshold at which the limit is
/// reached change nothing, and need no sorting.
std::uint32_t last_key_of(std::span<const MapAndMask> items, double limit, std::size_t good, std::size_t pixels) {
  constexpr std::uint32_t all = std::numeric_limits<std::uint32_t>::max();
  if (pixels < std::size_t(4) << kBucketBits) {  // sorted faster than counted
    return all;
  }
  const double needed = std::ceil(limit * double(good)) + 1;  // one more than rounding could ask for
  const std::vector<std::size_t> histogram = histogram_of_good(items, pixels);
  std::size_t kept = 0;
  for (std::size_t bucket = 0; bucket < histogram.size(); ++bucket) {
    kept += histogram[bucket];
    if (double(kept) >= needed) {
      return std::uint32_t(((std::uint64_t(bucket) + 1) << (32 - kBucketBits)) - 1);
    }
  }
  return all;
}

/// The pixels of one image with keys up to `last_key`; regions are numbered within the image.
Pixels gather(const MapAndMask& item, std::uint32_t last_key) {
  Pixels pixels;
  Components components;
  if (std::any_of(item.mask.begin(), item.mask.end(), [](std::uint8_t v) { return v != 0; })) {
    components = connected_components(item.mask, item.height, item.width);
  }
  for (const Component& component : components.components) {
    pixels.region_weight.push_back(1.0 / double(component.area));
  }
  for (std::size_t p = 0; p < item.map.size(); ++p) {
    const std::uint32_t key = detail::descending_key(item.map[p]);
    if (key > last_key) {
      continue;
    }
    if (item.mask[p] == 0) {
      pixels.good.push_back(key);
    } else {
      pixels.defect.push_back(std::uint64_t(key) << 32 | std::uint32_t(components.labels[p] - 1));
    }
  }
  return pixels;
}

/// Gathers and sorts what decides the curve up to false positive rate `limit`.
Pixels gather(std::span<const MapAndMask> items, double limit) {
  std::size_t all = 0, defects = 0;
  for (const MapAndMask& item : items) {
    all += item.mask.size();
    defects += item.mask.size() - std::size_t(std::count(item.mask.begin(), item.mask.end(), std::uint8_t(0)));
  }
  Pixels pixels;
  pixels.good_pixels = all - defects;
  if (pixels.good_pixels == 0 || defects == 0) {
    refuse(kFunction, "good and defect pixels are needed; got ", pixels.good_pixels, " good and ", defects,
           " defect pixels");
  }
  const std::uint32_t last_key = last_key_of(items, limit, pixels.good_pixels, all);
  std::vector<Pixels> of_image(items.size());
  thread_pool().parallel_for(0, std::int64_t(items.size()), 1, [&](std::int64_t first, std::int64_t last) {
    for (auto i = std::size_t(first); i < std::size_t(last); ++i) {
      of_image[i] = gather(items[i], last_key);
    }
  });
  for (Pixels& image : of_image) {
    const std::size_t first_region = pixels.region_weight.size();
    pixels.region_weight.insert(pixels.region_weight.end(), image.region_weight.begin(), image.region_weight.end());
    if (pixels.region_weight.size() > std::numeric_limits<std::uint32_t>::max()) {
      refuse(kFunction, "there are too many regions; expected at most 2^32 - 1");
    }
    pixels.good.insert(pixels.good.end(), image.good.begin(), image.good.end());
    for (const std::uint64_t defect : image.defect) {
      pixels.defect.push_back(defect + first_region);
    }
    image = {};
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
