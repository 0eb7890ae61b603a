#include "evaluation/pixel_numbers.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <span>
#include <vector>

#include "evaluation/curve_bootstrap.h"
#include "oddity/metrics/regions.h"

namespace oddity {
namespace {

/// One image that enters, with the weights that AUPRO gives its defective pixels.
struct Entered {
  const JudgedImage* image = nullptr;
  std::vector<float> region_weight;
  std::size_t regions = 0;
};

std::span<const std::uint8_t> mask_of(const JudgedImage& image) { return {image.mask.u8(), image.mask.pixels.size()}; }

Entered enter(const JudgedImage& image) {
  Entered entered{&image, {}, 0};
  if (image.sample.good()) {
    return entered;
  }
  const auto found = metrics::connected_components(mask_of(image), image.mask.height, image.mask.width);
  entered.regions = found.components.size();
  if (entered.regions > 0) {
    std::vector<float> weight(entered.regions + 1, 0.0F);
    for (const auto& component : found.components) {
      weight.at(static_cast<std::size_t>(component.label)) = 1.0F / static_cast<float>(component.area);
    }
    entered.region_weight.resize(found.labels.size());
    std::transform(found.labels.begin(), found.labels.end(), entered.region_weight.begin(),
                   [&](std::int32_t label) { return weight[static_cast<std::size_t>(label)]; });
  }
  return entered;
}

/// All pixels of the images in `use` in one array each, as rankings want them.
struct Pooled {
  std::vector<float> scores;
  std::vector<std::uint8_t> labels;
  std::size_t defects = 0;
};

Pooled pool(std::span<const Entered> entered, std::span<const std::size_t> use) {
  Pooled pooled;
  std::size_t total = 0;
  for (const std::size_t i : use) {
    total += entered[i].image->verdict.map.values.size();
  }
  pooled.scores.reserve(total);
  pooled.labels.reserve(total);
  for (const std::size_t i : use) {
    const JudgedImage& image = *entered[i].image;
    pooled.scores.insert(pooled.scores.end(), image.verdict.map.values.begin(), image.verdict.map.values.end());
    for (const std::uint8_t value : mask_of(image)) {
      pooled.labels.push_back(value != 0 ? 1 : 0);
      pooled.defects += value != 0 ? 1 : 0;
    }
  }
  return pooled;
}

metrics::Estimate estimate(double value, const metrics::Interval& binned, double binned_point, bool valid,
                           std::size_t n_good, std::size_t n_defect) {
  metrics::Estimate out{value, std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::quiet_NaN(),
                        n_good, n_defect};
  if (valid) {
    // What binning moved is taken back; the interval always holds the exact value.
    const double shift = value - binned_point;
    out.low = std::min(value, std::clamp(binned.low + shift, 0.0, 1.0));
    out.high = std::max(value, std::clamp(binned.high + shift, 0.0, 1.0));
  }
  return out;
}

}  // namespace

bool counts_in_rankings(const JudgedImage& image) {
  return image.sample.labelled() && image.verdict.decision != Decision::error && std::isfinite(image.verdict.score);
}

PixelNumbers pixel_numbers(const Judgement& judgement) {
  PixelNumbers numbers;
  std::vector<Entered> entered;
  for (const JudgedImage& image : judgement.images) {
    const auto& map = image.verdict.map.values;
    if (counts_in_rankings(image) && !image.mask.empty() && map.size() == image.mask.pixels.size() &&
        std::all_of(map.begin(), map.end(), [](float value) { return std::isfinite(value); })) {
      entered.push_back(enter(image));
    }
  }
  std::vector<std::size_t> all(entered.size());
  std::vector<std::size_t> good;
  std::map<std::string, std::vector<std::size_t>> types;
  for (std::size_t i = 0; i < entered.size(); ++i) {
    all[i] = i;
    const Sample& sample = entered[i].image->sample;
    if (sample.good()) {
      good.push_back(i);
    } else {
      types[sample.label].push_back(i);
    }
  }
  numbers.good_images = good.size();
  numbers.defect_images = entered.size() - good.size();

  const Pooled pooled = pool(entered, all);
  numbers.defect_pixels = pooled.defects;
  numbers.good_pixels = pooled.labels.size() - pooled.defects;
  if (numbers.defect_pixels == 0 || numbers.good_pixels == 0) {
    const std::string why = entered.empty()              ? "no image has both a map and a known mask"
                            : numbers.defect_pixels == 0 ? "no mask marks a defective pixel"
                                                         : "no pixel is good";
    for (Measured* measured :
         {&numbers.auroc, &numbers.average_precision, &numbers.aupro_030, &numbers.aupro_005, &numbers.f1_max}) {
      measured->why = why;
    }
    for (const auto& [type, members] : types) {
      numbers.average_precision_per_type[type].why = why;
    }
    return numbers;
  }

  std::vector<CurveItem> items;
  std::vector<metrics::MapAndMask> maps;
  for (const Entered& one : entered) {
    const JudgedImage& image = *one.image;
    items.push_back({image.verdict.map.values, mask_of(image), one.region_weight, one.regions, image.sample.good()});
    maps.push_back({image.verdict.map.values, mask_of(image), image.mask.height, image.mask.width});
  }
  const CurveBootstrap bootstrap(items);
  const auto whole = bootstrap.resample({}, kBootstrapDraws, kBootstrapSeed, kConfidence);
  const auto exact = [&](Measured& into, double value, const metrics::Interval& binned, double point) {
    into.estimate = estimate(value, binned, point, whole.valid, numbers.good_images, numbers.defect_images);
  };
  const metrics::Ranking ranking(std::span<const float>(pooled.scores), pooled.labels);
  const auto best = ranking.best_f1();
  const std::array<double, 2> limits = {0.30, 0.05};
  const std::vector<double> aupro = metrics::aupro(std::span<const metrics::MapAndMask>(maps), limits);
  numbers.f1_threshold = best.threshold;
  exact(numbers.auroc, ranking.auroc(), whole.intervals.auroc, whole.point.auroc);
  exact(numbers.average_precision, ranking.average_precision(), whole.intervals.average_precision,
        whole.point.average_precision);
  exact(numbers.f1_max, best.f1, whole.intervals.f1_max, whole.point.f1_max);
  exact(numbers.aupro_030, aupro[0], whole.intervals.aupro_030, whole.point.aupro_030);
  exact(numbers.aupro_005, aupro[1], whole.intervals.aupro_005, whole.point.aupro_005);

  for (const auto& [type, members] : types) {
    Measured& measured = numbers.average_precision_per_type[type];
    std::vector<std::size_t> use = good;
    use.insert(use.end(), members.begin(), members.end());
    const Pooled of_type = pool(entered, use);
    if (of_type.defects == 0) {
      measured.why = "no mask of this type marks a defective pixel";
      continue;
    }
    if (of_type.defects == of_type.labels.size()) {
      measured.why = "no pixel is good";
      continue;
    }
    const metrics::Ranking type_ranking(std::span<const float>(of_type.scores), of_type.labels);
    const auto draws = bootstrap.resample(use, kBootstrapDraws / 2, kBootstrapSeed, kConfidence);
    measured.estimate = estimate(type_ranking.average_precision(), draws.intervals.average_precision,
                                 draws.point.average_precision, draws.valid, good.size(), members.size());
  }
  return numbers;
}

}  // namespace oddity
