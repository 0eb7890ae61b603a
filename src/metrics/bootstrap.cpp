#include "oddity/metrics/bootstrap.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "core/random.h"
#include "core/threads.h"
#include "metrics/bootstrap_interval.h"
#include "metrics/check.h"
#include "metrics/sort.h"
#include "metrics/units.h"
#include "oddity/metrics/regions.h"

namespace oddity::metrics {
namespace {

using detail::refuse;

/// Resamples that one pass over the sorted pixels serves: 16 counters of 32 bit fill one cache line per image.
constexpr std::size_t kLanes = 16;
template <class T>
using Lanes = std::array<T, kLanes>;

/// All pixels sorted once, as what a resample needs of them: whose they are. A step is one distinct defect score.
struct SortedPixels {
  struct Step {
    std::size_t good_above, good_tied, defects;  ///< ends in the lists below; each begins where the step before ended
  };
  struct Defect {
    std::uint32_t image;
    double weight;  ///< 1 / area of its region
  };
  std::vector<Step> steps;
  std::vector<std::uint32_t> good_images;
  std::vector<Defect> defects;
  std::vector<double> good_pixels, defect_pixels, regions;  ///< per image
  std::size_t largest_image = 0;
};

SortedPixels sort_pixels(const char* function, std::span<const MapAndMask> items) {
  SortedPixels sorted;
  std::vector<std::uint64_t> defect_keys, good_keys;  // key << 32 | region or image
  std::vector<SortedPixels::Defect> regions;
  std::size_t good = 0;
  for (std::size_t i = 0; i < items.size(); ++i) {
    const MapAndMask& item = items[i];
    const Components components = connected_components(item.mask, item.height, item.width);
    const std::size_t first_region = regions.size();
    std::size_t defects = 0;
    for (const Component& component : components.components) {
      regions.push_back({std::uint32_t(i), 1.0 / double(component.area)});
      defects += component.area;
    }
    for (std::size_t p = 0; p < item.map.size() && defects > 0; ++p) {
      if (components.labels[p] != 0) {
        const std::size_t region = first_region + std::size_t(components.labels[p]) - 1;
        defect_keys.push_back(std::uint64_t(detail::descending_key(item.map[p])) << 32 | region);
      }
    }
    good += item.map.size() - defects;
    sorted.good_pixels.push_back(double(item.map.size() - defects));
    sorted.defect_pixels.push_back(double(defects));
    sorted.regions.push_back(double(components.components.size()));
    sorted.largest_image = std::max(sorted.largest_image, item.map.size());
  }
  if (good == 0 || defect_keys.empty()) {
    refuse(function, "good and defect pixels are needed; got ", good, " good and ", defect_keys.size(),
           " defect pixels");
  }
  if (items.size() > std::numeric_limits<std::uint32_t>::max() ||
      regions.size() > std::numeric_limits<std::uint32_t>::max()) {
    refuse(function, "there are too many images or regions; expected at most 2^32 - 1");
  }
  detail::radix_sort(defect_keys, 32);

  // Good pixels below the last defect score meet no step: their number per image is enough.
  const auto last_key = std::uint32_t(defect_keys.back() >> 32);
  for (std::size_t i = 0; i < items.size(); ++i) {
    for (std::size_t p = 0; p < items[i].map.size(); ++p) {
      const std::uint32_t key = detail::descending_key(items[i].map[p]);
      if (items[i].mask[p] == 0 && key <= last_key) {
        good_keys.push_back(std::uint64_t(key) << 32 | i);
      }
    }
  }
  detail::radix_sort(good_keys, 32);

  sorted.defects.reserve(defect_keys.size());
  for (const std::uint64_t key : defect_keys) {
    sorted.defects.push_back(regions[std::uint32_t(key)]);
  }
  for (std::size_t d = 0, g = 0; d < defect_keys.size();) {
    const std::uint64_t key = defect_keys[d] >> 32;
    SortedPixels::Step step{};
    while (g < good_keys.size() && (good_keys[g] >> 32) < key) {
      ++g;
    }
    step.good_above = g;
    while (g < good_keys.size() && (good_keys[g] >> 32) == key) {
      ++g;
    }
    step.good_tied = g;
    while (d < defect_keys.size() && (defect_keys[d] >> 32) == key) {
      ++d;
    }
    step.defects = d;
    sorted.steps.push_back(step);
  }
  sorted.good_images.resize(good_keys.size());
  std::transform(good_keys.begin(), good_keys.end(), sorted.good_images.begin(),
                 [](std::uint64_t key) { return std::uint32_t(key); });
  return sorted;
}

/// Metrics of the resamples of one block, lane by lane: AUROC, AP, best F1, then AUPRO at each limit.
using BlockValues = std::vector<Lanes<double>>;

Lanes<double> weighted_sum(const std::vector<double>& per_image, const std::vector<Lanes<std::uint32_t>>& weights) {
  Lanes<double> sum{};
  for (std::size_t i = 0; i < per_image.size(); ++i) {
    for (std::size_t l = 0; l < kLanes; ++l) {
      sum[l] += per_image[i] * weights[i][l];
    }
  }
  return sum;
}

/// `Count` holds the number of drawn pixels of a resample.
template <class Count>
BlockValues measure(const SortedPixels& sorted, const std::vector<Lanes<std::uint32_t>>& drawn,
                    std::span<const double> limits) {
  std::vector<Lanes<Count>> weights(drawn.size());
  for (std::size_t i = 0; i < drawn.size(); ++i) {
    std::copy(drawn[i].begin(), drawn[i].end(), weights[i].begin());
  }
  const Lanes<double> all_good = weighted_sum(sorted.good_pixels, drawn);
  const Lanes<double> all_defects = weighted_sum(sorted.defect_pixels, drawn);
  const Lanes<double> all_regions = weighted_sum(sorted.regions, drawn);
  Lanes<double> per_good{};
  for (std::size_t l = 0; l < kLanes; ++l) {
    per_good[l] = 1 / all_good[l];
  }

  const auto add = [&](Lanes<Count>& counts, std::size_t first, std::size_t last) {
    Lanes<Count> local = counts;  // stays in registers
    for (std::size_t i = first; i < last; ++i) {
      const Lanes<Count>& weight = weights[sorted.good_images[i]];
      for (std::size_t l = 0; l < kLanes; ++l) {
        local[l] += weight[l];
      }
    }
    counts = local;
  };

  Lanes<double> pairs{}, precision_sum{}, best{};
  std::vector<Lanes<double>> overlap(limits.size(), Lanes<double>{});
  Lanes<Count> found{}, false_alarms{};
  std::size_t g = 0, d = 0;
  for (const SortedPixels::Step& step : sorted.steps) {
    const Lanes<Count> found_before = found;
    add(false_alarms, g, step.good_above);
    const Lanes<Count> false_alarms_above = false_alarms;
    add(false_alarms, step.good_above, step.good_tied);
    const bool tied = step.good_tied > step.good_above;
    g = step.good_tied;
    Lanes<double> region_weight{};
    for (; d < step.defects; ++d) {
      const SortedPixels::Defect& defect = sorted.defects[d];
      const Lanes<Count>& weight = weights[defect.image];
      for (std::size_t l = 0; l < kLanes; ++l) {
        found[l] += weight[l];
        region_weight[l] += double(weight[l]) * defect.weight;
      }
    }
    for (std::size_t l = 0; l < kLanes; ++l) {
      const double entering = double(found[l] - found_before[l]);
      const double hits = double(found[l]), alarms = double(false_alarms[l]), above = double(false_alarms_above[l]);
      pairs[l] += entering * (all_good[l] - 0.5 * (alarms + above));
      precision_sum[l] += entering * hits / std::max(hits + alarms, 1.0);  // nothing drawn yet: 0 * 0 / 1
      best[l] = std::max(best[l], 2 * hits / (hits + alarms + all_defects[l]));
    }
    for (std::size_t k = 0; k < limits.size(); ++k) {
      const double limit = limits[k];
      for (std::size_t l = 0; l < kLanes; ++l) {
        const double x1 = double(false_alarms[l]) * per_good[l];
        overlap[k][l] += region_weight[l] * std::max(limit - x1, 0.0);
      }
      // The part of the step's own ramp from x0 to x1 that lies left of the limit.
      for (std::size_t l = 0; l < kLanes && tied; ++l) {
        const double x0 = double(false_alarms_above[l]) * per_good[l], x1 = double(false_alarms[l]) * per_good[l];
        const double cut = std::min(x1, limit) - x0;
        if (cut > 0) {
          overlap[k][l] += region_weight[l] * cut * cut / (2 * (x1 - x0));
        }
      }
    }
  }

  BlockValues values(3 + limits.size());
  for (std::size_t l = 0; l < kLanes; ++l) {
    values[0][l] = pairs[l] / (all_good[l] * all_defects[l]);
    values[1][l] = precision_sum[l] / all_defects[l];
    values[2][l] = best[l];
    for (std::size_t k = 0; k < limits.size(); ++k) {
      values[3 + k][l] = overlap[k][l] / (limits[k] * all_regions[l]);
    }
  }
  return values;
}

BlockValues measure(const SortedPixels& sorted, const std::vector<Lanes<std::uint32_t>>& drawn,
                    std::span<const double> limits) {
  // A resample holds as many images as there are, each at most the largest. Signed, because SSE2 converts only those.
  const double most = double(sorted.largest_image) * double(drawn.size());
  return most < double(std::numeric_limits<std::int32_t>::max()) ? measure<std::int32_t>(sorted, drawn, limits)
                                                                 : measure<std::int64_t>(sorted, drawn, limits);
}

/// What is drawn: images, or groups of them, in strata without and with defects (or all in the first).
struct Plan {
  detail::Units units;
  std::vector<std::uint32_t> stratum_of_unit;
  std::vector<std::uint32_t> strata[2];  ///< units
};

Plan plan_of(const char* function, const SortedPixels& sorted, const BootstrapOptions& options) {
  Plan plan;
  plan.units = detail::units_of(function, options.groups, sorted.regions.size());
  plan.stratum_of_unit.assign(plan.units.count, 0);
  for (std::size_t i = 0; i < sorted.regions.size() && options.stratified; ++i) {
    plan.stratum_of_unit[plan.units.of_sample[i]] |= sorted.regions[i] > 0;
  }
  for (std::size_t unit = 0; unit < plan.units.count; ++unit) {
    plan.strata[plan.stratum_of_unit[unit]].push_back(std::uint32_t(unit));
  }
  return plan;
}

std::vector<std::uint32_t> per_image(const Plan& plan, const std::vector<std::uint32_t>& per_unit) {
  std::vector<std::uint32_t> weights(plan.units.of_sample.size());
  std::transform(plan.units.of_sample.begin(), plan.units.of_sample.end(), weights.begin(),
                 [&](std::uint32_t unit) { return per_unit[unit]; });
  return weights;
}

bool has_both(const SortedPixels& sorted, const std::vector<std::uint32_t>& weights) {
  double good = 0, defects = 0;
  for (std::size_t i = 0; i < weights.size(); ++i) {
    good += weights[i] * sorted.good_pixels[i];
    defects += weights[i] * sorted.defect_pixels[i];
  }
  return good > 0 && defects > 0;
}

/// How often each image is drawn in resample `index`; drawn again until good and defect pixels are among them, in b
/// too.
std::vector<std::uint32_t> draw(const SortedPixels& a, const SortedPixels* b, const Plan& plan, std::uint64_t seed,
                                std::uint64_t index) {
  RandomStream random(seed, "metrics.bootstrap", index);
  for (;;) {
    std::vector<std::uint32_t> drawn(plan.units.count, 0);
    for (const auto& stratum : plan.strata) {
      for (std::size_t n = 0; n < stratum.size(); ++n) {
        ++drawn[stratum[std::size_t(random.integer(0, std::int64_t(stratum.size()) - 1))]];
      }
    }
    std::vector<std::uint32_t> weights = per_image(plan, drawn);
    if (has_both(a, weights) && (b == nullptr || has_both(*b, weights))) {
      return weights;
    }
  }
}

/// Metrics of a, or their differences to those of b, for each of `lanes` ways to weigh the images.
template <class WeightsOf>
std::vector<std::vector<double>> measure_all(const SortedPixels& a, const SortedPixels* b,
                                             std::span<const double> limits, std::size_t lanes, WeightsOf weights_of) {
  const std::size_t images = a.regions.size(), blocks = (lanes + kLanes - 1) / kLanes;
  std::vector<std::vector<double>> values(3 + limits.size(), std::vector<double>(blocks * kLanes));
  thread_pool().parallel_for(0, std::int64_t(blocks), 1, [&](std::int64_t first, std::int64_t last) {
    for (auto block = std::size_t(first); block < std::size_t(last); ++block) {
      std::vector<Lanes<std::uint32_t>> weights(images);
      for (std::size_t l = 0; l < kLanes; ++l) {
        const std::size_t lane = block * kLanes + l;
        const std::vector<std::uint32_t> drawn =
            lane < lanes ? weights_of(lane) : std::vector<std::uint32_t>(images, 1);
        for (std::size_t i = 0; i < images; ++i) {
          weights[i][l] = drawn[i];
        }
      }
      const BlockValues of_a = measure(a, weights, limits);
      const BlockValues of_b = b != nullptr ? measure(*b, weights, limits) : BlockValues(of_a.size());
      for (std::size_t k = 0; k < values.size(); ++k) {
        for (std::size_t l = 0; l < kLanes; ++l) {
          values[k][block * kLanes + l] = of_a[k][l] - of_b[k][l];
        }
      }
    }
  });
  for (auto& of_metric : values) {
    of_metric.resize(lanes);
  }
  return values;
}

/// Accelerations of BCa, one for each metric, from the metrics without each unit.
std::vector<double> accelerations(const char* function, const SortedPixels& a, const SortedPixels* b,
                                  std::span<const double> limits, const Plan& plan) {
  const auto values = measure_all(a, b, limits, plan.units.count, [&](std::size_t unit) {
    std::vector<std::uint32_t> counts(plan.units.count, 1);
    counts[unit] = 0;
    return per_image(plan, counts);
  });
  std::vector<double> result;
  for (const auto& of_metric : values) {
    for (std::size_t unit = 0; unit < of_metric.size(); ++unit) {
      if (!std::isfinite(of_metric[unit]) && plan.strata[plan.stratum_of_unit[unit]].size() > 1) {
        refuse(function, "method bca needs good and defect pixels also without any one image; expected percentile");
      }
    }
    result.push_back(detail::acceleration(of_metric, plan.stratum_of_unit));
  }
  return result;
}

PixelEstimates bootstrap(const char* function, const SortedPixels& a, const SortedPixels* b,
                         std::span<const double> limits, const BootstrapOptions& options) {
  const std::size_t images = a.regions.size();
  const Plan plan = plan_of(function, a, options);
  const std::size_t lanes = options.resamples + 1;  // lane 0 draws every image once: the value itself
  auto values = measure_all(a, b, limits, lanes, [&](std::size_t lane) {
    return lane == 0 ? std::vector<std::uint32_t>(images, 1) : draw(a, b, plan, options.seed, lane);
  });
  const bool bca = options.method == BootstrapMethod::bca;
  const std::vector<double> skewness =
      bca ? accelerations(function, a, b, limits, plan) : std::vector<double>(values.size());

  const auto defective = std::size_t(std::count_if(a.regions.begin(), a.regions.end(), [](double r) { return r > 0; }));
  const auto estimate = [&](std::size_t metric) {
    BootstrapResult bootstrapped;
    bootstrapped.value = values[metric][0];
    bootstrapped.acceleration = skewness[metric];
    bootstrapped.resampled.assign(values[metric].begin() + 1, values[metric].end());
    detail::conclude(bootstrapped, options.method, options.confidence);
    return Estimate{.value = bootstrapped.value,
                    .low = bootstrapped.low,
                    .high = bootstrapped.high,
                    .n_good = images - defective,
                    .n_defect = defective};
  };
  PixelEstimates estimates{estimate(0), estimate(1), estimate(2), {}};
  for (std::size_t k = 0; k < limits.size(); ++k) {
    estimates.aupro.push_back(estimate(3 + k));
  }
  return estimates;
}

void require_options(const char* function, std::span<const double> limits, const BootstrapOptions& options) {
  for (const double limit : limits) {
    if (!(limit > 0 && limit <= 1)) {
      refuse(function, "limit is out of range; got ", limit, "; expected a value in (0, 1]");
    }
  }
  if (options.resamples == 0) {
    refuse(function, "resamples must be at least 1; got 0");
  }
  detail::require_open_unit(function, "confidence", options.confidence);
}

}  // namespace

PixelEstimates bootstrap_pixel_metrics(std::span<const MapAndMask> items, std::span<const double> aupro_limits,
                                       const BootstrapOptions& options) {
  constexpr const char* function = "bootstrap_pixel_metrics";
  require_options(function, aupro_limits, options);
  detail::require_maps(function, items);
  return bootstrap(function, sort_pixels(function, items), nullptr, aupro_limits, options);
}

PixelEstimates bootstrap_pixel_difference(std::span<const MapAndMask> a, std::span<const MapAndMask> b,
                                          std::span<const double> aupro_limits, const BootstrapOptions& options) {
  constexpr const char* function = "bootstrap_pixel_difference";
  require_options(function, aupro_limits, options);
  if (a.size() != b.size()) {
    refuse(function, "a and b differ in their number of images; got ", a.size(), " and ", b.size());
  }
  detail::require_maps(function, a);
  detail::require_maps(function, b);
  const SortedPixels sorted_a = sort_pixels(function, a), sorted_b = sort_pixels(function, b);
  for (std::size_t i = 0; i < a.size(); ++i) {
    if ((sorted_a.regions[i] > 0) != (sorted_b.regions[i] > 0)) {
      refuse(function, "masks of image ", i, " disagree; got a defect in ", sorted_a.regions[i] > 0 ? "a" : "b",
             " only; expected the same images");
    }
  }
  return bootstrap(function, sorted_a, &sorted_b, aupro_limits, options);
}

}  // namespace oddity::metrics
