#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "data/dataset.h"
#include "data/splits.h"
#include "inference/package.h"
#include "training/data_digest.h"

/// Which images a package has seen in training, by content: they must never calibrate it, because its scores of them
/// are lower than those of new parts. Seen are the training parts and the validation parts, from which the model reads
/// its scale.
namespace oddity {

/// What a package keeps of them: the first 16 digits of each image's SHA-256 (`pixel_digest`), sorted, each once.
std::vector<std::string> seen_digests(const Splits& splits, const SplitDigests& digests);

struct SeenImages {
  std::vector<std::size_t> indices;  ///< those of the candidates that were seen, in their order
  bool known = true;                 ///< false: the package cannot say; `indices` is empty
};

/// Looks for the candidates among the manifest's `data.training_images`. A package without that list is asked whether
/// its training set was this one: then its splits are drawn again from its options; otherwise the answer is unknown.
/// Reads every candidate once.
SeenImages find_seen(const Package& package, const Dataset& dataset, const std::vector<std::size_t>& candidates);

}  // namespace oddity
