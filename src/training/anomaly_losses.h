#pragma once

#include <ATen/core/Tensor.h>

namespace oddity {

/// 5 * weighted BCE (positives x4) + 0.5 * soft Dice over the batch. logits, mask, weight [N, 1, H, W] float32; pixels
/// of weight 0 are ignored. Scalar. BCE with logits as in DRAEM's discriminative branch; Dice after Milletari et al.,
/// 3DV 2016.
at::Tensor localization_loss(const at::Tensor& logits, const at::Tensor& mask, const at::Tensor& weight);

/// BCE of "this image holds a defect". logits [N]; an image holds one when its mask has any pixel.
at::Tensor image_loss(const at::Tensor& logits, const at::Tensor& mask);

/// Mean absolute error, changed pixels counting 5 times. repaired, clean [N, C, H, W]; mask [N, 1, H, W].
at::Tensor repair_loss(const at::Tensor& repaired, const at::Tensor& clean, const at::Tensor& mask);

/// Mean squared error + (1 - SSIM) with an 11-tap Gaussian window of 1.5 px (Wang et al. 2004). Both [N, C, H, W] in
/// [0, 1].
at::Tensor reconstruction_loss(const at::Tensor& reconstruction, const at::Tensor& image);

}  // namespace oddity
