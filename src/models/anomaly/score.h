#pragma once

#include <vector>

#include <ATen/core/Tensor.h>

#include "models/anomaly/model.h"

/// What the score graphs of several models share. All traceable.
namespace oddity {

/// Normalised Gaussian kernel [1, 1, k, k], k = 2 ceil(3 sd) + 1.
at::Tensor gaussian_kernel(double sd);

/// Map [1, 1, H, W] convolved with a kernel of gaussian_kernel, zero-padded.
at::Tensor blurred(const at::Tensor& map, const at::Tensor& kernel);

/// Mean of the 49 largest values of [1, 1, H, W] -> [1]: 0.3 % of a 128x128 image, never far from the best pooling on
/// tiny and large defects.
at::Tensor pooled(const at::Tensor& map);

/// Mean and standard deviation [C, H, W] float32 of the training images at every pixel.
struct PixelStatistics {
  at::Tensor mean, spread;
};
PixelStatistics pixel_statistics(const FitImages& images);

}  // namespace oddity
