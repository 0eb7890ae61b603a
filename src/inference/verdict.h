#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "image/image.h"

namespace oddity {

enum class Decision : std::uint8_t { accept, reject, ask, error };
const char* name_of(Decision decision);

/// One connected area (8 neighbours) of the map above the pixel threshold, in pixels of the original image (and mm
/// where the package knows the scale). Box and area count whole pixels: pixel i covers [i, i + 1). Centroid and contour
/// are pixel centres at integer coordinates, as drawing functions expect.
struct Region {
  double x0 = 0, y0 = 0, x1 = 0, y1 = 0;  ///< box, x1 and y1 exclusive
  double area_px = 0;
  std::optional<double> width_mm, height_mm, area_mm2;
  double score = 0;  ///< largest map value inside
  double centroid_x = 0, centroid_y = 0;
  std::vector<std::pair<float, float>> contour;  ///< closed outer contour, x and y
};

/// What the engine says of one image. Scores are raw: any real number, larger is more anomalous. Decision `error` comes
/// with a reason, score and p-value NaN and no region: the part was not judged.
struct Verdict {
  Decision decision = Decision::error;
  /// Sentences for people: for a reject first why, for an accepted part why in spite of something; last where the image
  /// has another aspect (beyond 2x, with fit stretch) or depth than the training images. Empty for a plain accept.
  std::vector<std::string> reasons;
  double score = 0;
  double p_value = 1;  ///< conformal: (1 + #{calibration >= score}) / (n + 1)
  double threshold = 0;
  std::vector<Region> regions;  ///< largest score first; also on accepted parts
  Plane map;  ///< at model size without padding (native: at image size); outside the region of interest the least value
  Plane repaired;  ///< evidence: repaired image, channels stacked vertically; empty when the model has none
  int repaired_channels = 0;
  Plane input;  ///< what the graph saw, without padding, channels stacked vertically, 1.0 = full scale
  std::optional<std::string> defect_type;
  std::optional<double> probability, difficulty, ood_score;
  double milliseconds = 0;  ///< preprocess to verdict
};

}  // namespace oddity
