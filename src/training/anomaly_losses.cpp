#include "training/anomaly_losses.h"

#include <ATen/ATen.h>

#include "models/structural_similarity.h"

namespace oddity {

at::Tensor localization_loss(const at::Tensor& logits, const at::Tensor& mask, const at::Tensor& weight) {
  constexpr double positive_weight = 4.0;
  const at::Tensor importance = weight * (1.0 + (positive_weight - 1.0) * mask);
  // log(1 + exp(-|x|)) + max(x, 0) - x y, the stable form
  const at::Tensor entropy =
      at::binary_cross_entropy_with_logits(logits, mask, importance, {}, at::Reduction::Sum) / weight.sum();
  const at::Tensor probability = logits.sigmoid() * weight;
  const at::Tensor overlap = 2 * (probability * mask).sum() + 1;
  const at::Tensor dice = 1 - overlap / (probability.sum() + mask.sum() + 1);
  return 5.0 * entropy + 0.5 * dice;
}

at::Tensor image_loss(const at::Tensor& logits, const at::Tensor& mask) {
  return at::binary_cross_entropy_with_logits(logits, mask.amax({1, 2, 3}), {}, {}, at::Reduction::Mean);
}

at::Tensor repair_loss(const at::Tensor& repaired, const at::Tensor& clean, const at::Tensor& mask) {
  return ((repaired - clean).abs() * (1.0 + 4.0 * mask)).mean();
}

at::Tensor reconstruction_loss(const at::Tensor& reconstruction, const at::Tensor& image) {
  return (reconstruction - image).pow(2).mean() + (1.0 - structural_similarity(reconstruction, image).mean());
}

}  // namespace oddity
