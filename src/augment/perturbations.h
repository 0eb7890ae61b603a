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
  double at_zero, at_one;     ///< ladder ends in that quantity; intensity maps linearly unless help says otherwise
};

/// The explicit registry. `color_cast` leaves images of one channel as they are; every other family changes any image
/// that is not constant.
std::span<const PerturbationFamily> perturbation_families();

/// Applies a family to images [N, C, H, W] float32 in [0, 1] with one intensity per image [N] float32 on the same
/// device, clipped to [0, 1]. Output [N, C, H, W] float32, clipped to [0, 1]; an intensity of 0 (or NaN) returns the
/// image bit for bit. Randomness of image i (signs, directions, fields) comes from RandomStream(seed, family,
/// first_index + i) alone and does not depend on the intensity: along its ladder an image gets more of the same change.
/// Nothing is read back from the device and no gradient is recorded.
/// Throws InvalidArgument for an unknown family (with the nearest name) and for other shapes, types or devices.
at::Tensor perturb(const at::Tensor& images, std::string_view family, const at::Tensor& intensity, std::uint64_t seed,
                   std::uint64_t first_index = 0);

}  // namespace oddity
