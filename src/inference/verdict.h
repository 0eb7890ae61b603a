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

/// One connected defective area, in pixels of the original image (and mm where the package knows the scale).
struct Region {
  double x0 = 0, y0 = 0, x1 = 0, y1 = 0;  ///< box, x1 and y1 exclusive
  double area_px = 0;
  std::optional<double> width_mm, height_mm, area_mm2;
  double score = 0;  ///< largest map value inside
  double centroid_x = 0, centroid_y = 0;
  std::vector<std::pair<float, float>> contour;  ///< closed outer contour, x and y
};

/// What the engine says of one image. Scores are raw: any real number, larger is more anomalous.
struct Verdict {
  Decision decision = Decision::error;
  std::vector<std::string> reasons;  ///< sentences for people
  double score = 0;
  double p_value = 1;  ///< conformal: (1 + #{calibration >= score}) / (n + 1)
  double threshold = 0;
  std::vector<Region> regions;  ///< largest score first
  Plane map;                    ///< at model size (native: at image size)
  Plane repaired;  ///< evidence: repaired image, channels stacked vertically; empty when the model has none
  int repaired_channels = 0;
  Plane input;  ///< what the graph saw, channels stacked vertically, [0, 1]
  std::optional<std::string> defect_type;
  std::optional<double> probability, difficulty, ood_score;
  double milliseconds = 0;  ///< preprocess to verdict
};

}  // namespace oddity
