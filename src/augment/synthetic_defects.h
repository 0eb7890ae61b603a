#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <ATen/core/Tensor.h>

#include "core/options.h"

/// Synthetic defects for training a localisation head on good images only: structured, spatially coherent corruptions
/// with their exact masks (after DRAEM, arXiv 2108.07610, CutPaste 2104.04015, NSA 2109.15222 and FAE 2511.07233;
/// families and ranges are our own).
namespace oddity {

struct DefectFamily {
  std::string_view name;
  std::string_view help;
};

/// The explicit registry: patch, texture, stroke, blob, warp, degrade, edge.
std::span<const DefectFamily> defect_families();

/// The `defects` section of a config.
struct SyntheticDefectOptions {
  std::vector<std::string> families = {"patch", "texture", "stroke", "blob", "warp", "degrade", "edge"};
  std::int64_t max_per_image = 6;  ///< their number is uniform in 1..max
  double clean_fraction = 0.15;    ///< images left as they are
  double max_area = 0.3;           ///< no further defect once this share of the image is covered
};
void describe(OptionsVisitor& visitor, SyntheticDefectOptions& options);

/// What is known of the good images and steers the corruption.
struct DefectSetting {
  bool two_level = false;  ///< images hold only 0 and 1: corrupted images are thresholded
  double enlargement =
      1.0;  ///< > 1.3: images were enlarged by this factor; defects are limited to what the native resolution can show
};

/// A corrupted batch. All tensors float32 on the device of the input.
struct Corruption {
  at::Tensor image;  ///< [N, C, H, W] in [0, 1]
  at::Tensor mask;   ///< [N, 1, H, W], 1 where the image was visibly changed
  at::Tensor
      weight;  ///< [N, 1, H, W], 0 in the band where a change is neither clearly visible nor clearly absent, else 1
};

/// Corrupts `clean` [N, C, H, W] float32 in [0, 1], N >= 1, H, W >= 16. `donors` has the same shape and gives foreign
/// content. Image i of the batch depends on its pixels, its donor and RandomStream(seed, "defects", first_index + i)
/// only. Runs on the CPU, one image a task; a batch on another device is brought over and back. Throws InvalidArgument
/// for unknown families or shapes that differ.
Corruption corrupt(const at::Tensor& clean, const at::Tensor& donors, const SyntheticDefectOptions& options,
                   const DefectSetting& setting, std::uint64_t seed, std::uint64_t first_index);

}  // namespace oddity
