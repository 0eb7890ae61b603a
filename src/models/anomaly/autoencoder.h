#pragma once

#include <cstdint>
#include <memory>

#include "models/anomaly/model.h"

namespace oddity {

/// Plain convolutional autoencoder without skips (after Bergmann et al., "Improving unsupervised defect segmentation by
/// applying structural similarity to autoencoders", VISAPP 2019): trained on good images with MSE + SSIM, scored by (1
/// - SSIM) / 2 + squared error, blurred by 1 px; image score: mean of the 49 largest pixels. 1/16 resolution bottleneck
/// of 32 (small), 64 (base) or 128 (large) channels.
std::unique_ptr<AnomalyModel> make_autoencoder(const AnomalyModelOptions& options, const AnomalyInput& input,
                                               std::uint64_t seed);

}  // namespace oddity
