#include "training/calibrate.h"

#include <algorithm>
#include <cmath>
#include <memory>
#include <set>
#include <string>

#include "core/error.h"
#include "core/log.h"
#include "image/region_of_interest.h"
#include "inference/engine.h"
#include "oddity/metrics/conformal.h"

namespace oddity {
namespace {

constexpr double pixel_quantile = 0.999;
constexpr std::size_t pixels_kept = 4'000'000;  // of all images together: plenty for that point, and flat in memory
constexpr double self_test_tolerance = 1e-3;    // relative to max(1, |score|): bits of f32 sums in another order

/// A copy with a square of an eighth of the shorter side inverted: something every model must see.
Image with_square(Image image, double full_scale) {
  const int side = std::max(2, std::min(image.height, image.width) / 8), x0 = (image.width - side) / 2,
            y0 = (image.height - side) / 2;
  for (int y = y0; y < y0 + side; ++y) {
    for (int i = x0 * image.channels; i < (x0 + side) * image.channels; ++i) {
      const std::size_t k = static_cast<std::size_t>(y) * static_cast<std::size_t>(image.width * image.channels) +
                            static_cast<std::size_t>(i);
      if (image.depth == Depth::u8) {
        image.u8()[k] = static_cast<std::uint8_t>(255 - image.u8()[k]);
      } else {
        image.u16()[k] = static_cast<std::uint16_t>(std::max(0.0, full_scale - image.u16()[k]));
      }
    }
  }
  return image;
}

double quantile(std::vector<float>& values, double q) {
  const std::size_t k = std::min(values.size() - 1, static_cast<std::size_t>(q * static_cast<double>(values.size())));
  std::nth_element(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(k), values.end());
  return values[k];
}

Verdict judge_named(Engine::Worker& worker, const Image& image, const std::string& file) {
  try {
    return worker.judge(image.view());
  } catch (const InvalidArgument& error) {
    fail<InvalidArgument>("{} ({})", error.what(), file);
  }
}

/// Adds at most about `most` map values inside the region of interest, spread evenly.
void sample_pixels(const Plane& map, const Polygons& region, std::size_t most, std::vector<float>& pixels) {
  const Image inside = rasterise(region, map.height, map.width);
  const std::size_t step = (map.values.size() / most) | 1;  // odd: not always the same columns
  for (std::size_t i = pixels.size() % step; i < map.values.size(); i += step) {
    if (inside.u8()[i] != 0) {
      pixels.push_back(map.values[i]);
    }
  }
}

}  // namespace

void calibrate(Package& package, const Dataset& dataset, const std::vector<std::size_t>& good, double budget,
               const Backend& backend, const BackendOptions& options, std::stop_token stop, ProgressSink& progress) {
  if (good.empty()) {
    fail<InvalidArgument>("[training.calibrate] at least one good part is needed to set a threshold; got none");
  }
  EngineOptions engine_options;
  engine_options.backend = options;
  engine_options.run_self_tests = false;
  package.decision.calibration_scores = {0.0};  // p-values mean nothing yet; only scores and maps are read below
  const Engine engine(package, backend, engine_options);
  const std::unique_ptr<Engine::Worker> worker = engine.make_worker();
  std::vector<double> scores;
  std::vector<float> pixels;
  progress.begin("calibration", static_cast<std::int64_t>(good.size()));
  for (const std::size_t index : good) {
    if (stop.stop_requested()) {
      fail<Interrupted>("[training.calibrate] stopped on request");
    }
    const Image image = dataset.image(index);
    const Verdict verdict = judge_named(*worker, image, dataset.samples()[index].file);
    if (!std::isfinite(verdict.score)) {
      fail<ContentError>(
          "[training.calibrate] the score of a good part is not finite; got {} for {}; expected a number ({})",
          verdict.score, dataset.samples()[index].file,
          verdict.reasons.empty() ? "training has diverged" : verdict.reasons.front());
    }
    scores.push_back(verdict.score);
    sample_pixels(verdict.map, package.region.polygons, std::max<std::size_t>(1, pixels_kept / good.size()), pixels);
    progress.advance(static_cast<std::int64_t>(scores.size()));
  }
  progress.end();
  std::sort(scores.begin(), scores.end());
  const metrics::ConformalThreshold threshold = metrics::conformal_threshold(scores, budget);
  if (threshold.budget > budget) {
    log_info(
        "{} calibration parts allow an overkill budget of {:.4g} at best; {:.4g} was asked for and needs {} parts. "
        "{:.4g} is used.",
        threshold.n, threshold.budget, budget, threshold.n_needed, threshold.budget);
  }
  if (package.decision.calibration_unit == "group") {
    std::set<std::string> groups;
    for (const std::size_t index : good) {
      groups.insert(dataset.samples()[index].group);
    }
    log_info(
        "the calibration parts come from {} held-out groups: the budget is measured on them, not guaranteed for new "
        "groups",
        groups.size());
  }
  package.decision.threshold = threshold.threshold;
  package.decision.requested_budget = budget;
  package.decision.budget = threshold.budget;
  package.decision.calibration_scores = scores;
  package.decision.pixel_threshold = quantile(pixels, pixel_quantile);

  package.self_tests.clear();
  for (std::size_t i = 0; i < std::min<std::size_t>(2, good.size()); ++i) {
    const Image image = dataset.image(good[i]);
    for (Image input : {image, with_square(image, divisor_of(image.depth, package.input))}) {
      const double score = worker->judge(input.view()).score;
      package.self_tests.push_back({std::move(input), score, self_test_tolerance * std::max(1.0, std::abs(score))});
    }
  }
}

}  // namespace oddity
