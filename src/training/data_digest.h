#pragma once

#include <string>
#include <unordered_map>

#include "data/dataset.h"
#include "data/splits.h"

namespace oddity {

/// What the images of a run are, by content.
struct SplitDigests {
  std::unordered_map<std::size_t, std::string> pixels;  ///< by sample: SHA-256 of size and pixels
  std::string
      all;  ///< SHA-256 over split, name and pixels of every image that training, validation or calibration uses
};

/// SHA-256 of size and pixels, as hex.
std::string pixel_digest(const Image& image);
/// What packages keep of the pixel digest of an image that training has seen: its first 16 digits (64 bits: a match by
/// chance is rare, and costs one calibration part).
inline std::string kept_digest(const std::string& pixel_digest) { return pixel_digest.substr(0, 16); }

/// Reads every image of the training, validation and calibration splits once.
SplitDigests digest_splits(const Dataset& dataset, const Splits& splits);

/// Takes images out of calibration and validation whose pixels equal those of a training image: they would make the
/// threshold too low. Says how many. Throws InvalidArgument when nothing is left to calibrate on.
void drop_copies(const Dataset& dataset, Splits& splits, const SplitDigests& digests);

}  // namespace oddity
