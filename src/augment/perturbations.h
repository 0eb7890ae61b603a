#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <ATen/core/Tensor.h>

namespace oddity {

/// A named image change on a fixed physical ladder: intensity 0 changes nothing, 1 is the strongest step.
struct PerturbationFamily {
  std::string_view name;      ///< "gaussian_noise"
  std::string_view help;      ///< one sentence
  std::string_view quantity;  ///< what the ladder is in: "sd of noise, fraction of full scale"
  double at_zero, at_one;  ///< ladder ends in that quantity (intensity maps linearly or geometrically, stated in help)
};

/// The explicit registry: at least twelve families.
std::span<const PerturbationFamily> perturbation_families();

/// Applies a family to images [N, C, H, W] float32 in [0, 1] with one intensity per image [N] float32 on the same
/// device. Output clipped to [0, 1]. Randomness of image i comes from RandomStream(seed, family, first_index + i).
/// Throws InvalidArgument for an unknown family.
at::Tensor perturb(const at::Tensor& images, std::string_view family, const at::Tensor& intensity, std::uint64_t seed,
                   std::uint64_t first_index = 0);

}  // namespace oddity
