#pragma once

#include <map>
#include <optional>
#include <string>

#include "evaluation/evaluate.h"
#include "oddity/metrics/ranking.h"

namespace oddity {

/// A metric or the sentence that says why there is none.
struct Measured {
  std::optional<metrics::Estimate> estimate;
  std::string why;
};

/// Metrics over the pixels of all images whose mask is known and whose verdict is not `error`, pooled, raw scores.
struct PixelNumbers {
  Measured auroc, average_precision, aupro_030, aupro_005, f1_max;
  std::map<std::string, Measured> average_precision_per_type;  ///< images of the type against all good images
  std::size_t good_images = 0, defect_images = 0;              ///< that entered
  std::size_t good_pixels = 0, defect_pixels = 0;
};
PixelNumbers pixel_numbers(const Judgement& judgement);

/// What was decided; a score that is no number is an error whatever the verdict claims.
Decision decision_of(const JudgedImage& image);

/// True when the image takes part in rankings: labelled, finite score, no decision `error`.
bool counts_in_rankings(const JudgedImage& image);

constexpr std::uint64_t kBootstrapSeed = 20;
constexpr std::size_t kBootstrapDraws = 500;
constexpr std::size_t kBootstrapDrawsPerType = 200;
constexpr double kConfidence = 0.95;

}  // namespace oddity
