#pragma once

#include <ATen/core/Tensor.h>

namespace oddity {

/// SSIM map (Wang, Bovik, Sheikh, Simoncelli, IEEE TIP 2004): Gaussian window of 11 taps and 1.5 px, constants 0.01 and
/// 0.03, range 1. Both [N, C, H, W] float32 in [0, 1]; returns the mean over channels [N, 1, H, W], at most 1. Borders
/// are zero-padded. Traceable.
at::Tensor structural_similarity(const at::Tensor& a, const at::Tensor& b);

}  // namespace oddity
