#pragma once

#include <filesystem>
#include <vector>

#include "training/task.h"

namespace oddity {

/// Copies the weights of a package (`training.init_from`) into the tensors of the same name. Kernels must all be there,
/// and whatever is there must have the same shape, else ContentError lists what differs (another model, size or number
/// of channels); small heads that the judged graph does not hold keep their random start.
void start_from_package(const std::filesystem::path& package, const std::vector<NamedTensor>& tensors);

}  // namespace oddity
