#include "evaluation/pixel_numbers.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <span>
#include <vector>

#include "oddity/metrics/bootstrap.h"
#include "oddity/metrics/maps.h"

namespace oddity {
namespace {

metrics::MapAndMask pixels_of(const JudgedImage& image) {
  return {image.verdict.map.values, {image.mask.u8(), image.mask.pixels.size()}, image.mask.height, image.mask.width};
}

bool marks_defect(const JudgedImage& image) {
  return std::any_of(image.mask.u8(), image.mask.u8() + image.mask.pixels.size(),
                     [](std::uint8_t value) { return value != 0; });
}

struct Counted {
  std::size_t good = 0, defect = 0;  ///< pixels
};

Counted count_pixels(std::span<const JudgedImage* const> images) {
  Counted counted;
  for (const JudgedImage* image : images) {
    const auto defects = static_cast<std::size_t>(std::count_if(image->mask.pixels.begin(), image->mask.pixels.end(),
                                                                [](std::byte value) { return value != std::byte{0}; }));
    counted.defect += defects;
    counted.good += image->mask.pixels.size() - defects;
  }
  return counted;
}

/// Intervals need two images of each class that takes part; a single one has no spread to draw from.
metrics::PixelEstimates estimate(std::span<const JudgedImage* const> images, std::span<const double> limits,
                                 std::size_t resamples) {
  std::vector<metrics::MapAndMask> items;
  std::size_t good = 0;
  std::size_t defect = 0;
  std::size_t marked = 0;
  for (const JudgedImage* image : images) {
    items.push_back(pixels_of(*image));
    ++(image->sample.good() ? good : defect);
    marked += marks_defect(*image) ? 1 : 0;
  }
  auto out = metrics::bootstrap_pixel_metrics(
      items, limits, {.resamples = resamples, .confidence = kConfidence, .seed = kBootstrapSeed});
  const auto settle = [&](metrics::Estimate& one) {
    one.n_good = good;
    one.n_defect = defect;
    if (marked < 2 || images.size() - marked == 1) {
      one.low = one.high = std::numeric_limits<double>::quiet_NaN();
    }
  };
  settle(out.auroc);
  settle(out.average_precision);
  settle(out.best_f1);
  std::for_each(out.aupro.begin(), out.aupro.end(), settle);
  return out;
}

}  // namespace

Decision decision_of(const JudgedImage& image) {
  return std::isfinite(image.verdict.score) ? image.verdict.decision : Decision::error;
}

bool counts_in_rankings(const JudgedImage& image) {
  return image.sample.labelled() && decision_of(image) != Decision::error;
}

PixelNumbers pixel_numbers(const Judgement& judgement) {
  PixelNumbers numbers;
  std::vector<const JudgedImage*> entered;
  std::vector<const JudgedImage*> good;
  std::map<std::string, std::vector<const JudgedImage*>> types;
  for (const JudgedImage& image : judgement.images) {
    const auto& map = image.verdict.map.values;
    if (counts_in_rankings(image) && !image.mask.empty() && map.size() == image.mask.pixels.size() &&
        std::all_of(map.begin(), map.end(), [](float value) { return std::isfinite(value); })) {
      entered.push_back(&image);
      (image.sample.good() ? good : types[image.sample.label]).push_back(&image);
    }
  }
  numbers.good_images = good.size();
  numbers.defect_images = entered.size() - good.size();
  const Counted pixels = count_pixels(entered);
  numbers.good_pixels = pixels.good;
  numbers.defect_pixels = pixels.defect;
  if (pixels.defect == 0 || pixels.good == 0) {
    const std::string why = entered.empty()      ? "no image has both a map and a known mask"
                            : pixels.defect == 0 ? "no mask marks a defective pixel"
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
  const std::array<double, 2> limits = {0.30, 0.05};
  const auto all = estimate(entered, limits, kBootstrapDraws);
  numbers.auroc.estimate = all.auroc;
  numbers.average_precision.estimate = all.average_precision;
  numbers.f1_max.estimate = all.best_f1;
  numbers.aupro_030.estimate = all.aupro.at(0);
  numbers.aupro_005.estimate = all.aupro.at(1);

  for (const auto& [type, members] : types) {
    Measured& measured = numbers.average_precision_per_type[type];
    std::vector<const JudgedImage*> use = good;
    use.insert(use.end(), members.begin(), members.end());
    const Counted of_type = count_pixels(use);
    if (of_type.defect == 0 || of_type.good == 0) {
      measured.why = of_type.defect == 0 ? "no mask of this type marks a defective pixel" : "no pixel is good";
    } else {
      measured.estimate = estimate(use, {}, kBootstrapDrawsPerType).average_precision;
    }
  }
  return numbers;
}

}  // namespace oddity
