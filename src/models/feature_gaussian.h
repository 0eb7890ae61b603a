#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include <ATen/core/Tensor.h>

namespace oddity {

/// Gaussian model of feature vectors, one per grid position (parts that lie at the same place; after PaDiM, arXiv
/// 2011.08785) or one for all positions. The distance is the Mahalanobis distance per dimension on a log scale.
class FeatureGaussian {
public:
  /// Gives chunk k of features [n, D, h, w] float32, undefined after the last one. Called in two passes from k = 0.
  using Chunks = std::function<at::Tensor(std::int64_t)>;

  /// Per position: covariances are averaged over 3x3 neighbours, then 0.9 own + 0.1 mean of all + 1 % of the mean
  /// variance on the diagonal. Shared: 5 % of the mean variance on the diagonal. Throws InvalidArgument without
  /// features.
  static FeatureGaussian fit(const Chunks& chunks, bool per_position);

  /// Features [1, D, h, w] -> [1, 1, h, w]: log(max(mean over dimensions of squared whitened deviations, 1e-2)).
  /// Traceable.
  at::Tensor distance(const at::Tensor& features) const;

  at::Tensor mean;       ///< [P, D, 1] or [1, D, 1]
  at::Tensor whitening;  ///< [P, D, D] or [1, D, D], inverse of the lower Cholesky factor
};

}  // namespace oddity
