#pragma once

#include <cstdint>
#include <vector>

#include <ATen/core/Tensor.h>

#include "core/random.h"
#include "models/anomaly/model.h"

namespace oddity {

/// Facts read from the good training images by rule; they decide augmentation, context and read-out.
struct ImageFacts {
  bool two_level = false;  ///< > 99 % of pixels within 3 % of 0 or 1
  double explained =
      0;  ///< leave-one-out share of variance explained by the mean image (each image's own mean removed)
  bool aligned = false;    ///< explained > 0.35, unless the config says otherwise
  double enlargement = 1;  ///< how much images were enlarged to reach the model size
};

/// Good images resident in host memory in their source depth, [N, C, H, W] uint8 or int16 (the bits of
/// uint16).
class ResidentImages {
public:
  ResidentImages() = default;
  ResidentImages(at::Tensor stored, double full_scale);
  std::int64_t count() const { return stored_.defined() ? stored_.size(0) : 0; }
  std::int64_t channels() const { return stored_.size(1); }
  std::int64_t height() const { return stored_.size(2); }
  std::int64_t width() const { return stored_.size(3); }
  std::int64_t bytes() const { return stored_.defined() ? static_cast<std::int64_t>(stored_.nbytes()) : 0; }
  /// Whole images [n, C, H, W] float32 in [0, 1].
  at::Tensor whole(std::int64_t first, std::int64_t count) const;
  /// Crops given by pixel index maps: image `picks[i]` at rows[i] x columns[i]. picks [n], rows [n, h], columns [n, w]
  /// int64 -> [n, C, h, w] float32.
  at::Tensor gather(const at::Tensor& picks, const at::Tensor& rows, const at::Tensor& columns) const;

private:
  at::Tensor stored_;
  double full_scale_ = 255;
};

ImageFacts read_facts(const ResidentImages& images, const std::string& alignment, double enlargement);

/// Where training crops come from: a pure function of (seed, step).
struct CropPlan {
  at::Tensor picks, donor_picks;  ///< [n] int64
  at::Tensor rows, columns;       ///< [n, h], [n, w] int64 after shift, flip and reflection
  at::Tensor donor_rows, donor_columns;
  at::Tensor context_rows, context_columns;  ///< without shift and flip
  at::Tensor transpose;                      ///< [n, 1, 1, 1] bool
  bool any_transpose = false;
};
CropPlan plan_crops(std::int64_t images, std::int64_t height, std::int64_t width, std::int64_t crop_height,
                    std::int64_t crop_width, std::int64_t batch, const ImageFacts& facts, std::uint64_t seed,
                    std::uint64_t step);

}  // namespace oddity
