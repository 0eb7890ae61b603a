#pragma once

#include <cstdint>
#include <memory>

#include "models/anomaly/model.h"

namespace oddity {

/// Mean and standard deviation of good images at every pixel; the map is the largest |x - mean| / (sd + 0.02) over
/// channels, blurred by 2 px; image score: the mean of the 49 largest pixels. No training. For images of one size.
std::unique_ptr<AnomalyModel> make_pixel_template(const AnomalyModelOptions& options, const AnomalyInput& input,
                                                  std::uint64_t seed);

}  // namespace oddity
