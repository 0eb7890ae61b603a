#include "training/warm_start.h"

#include <cstring>
#include <map>

#include <ATen/ATen.h>
#include <torch/utils.h>

#include "core/error.h"
#include "inference/package.h"

namespace oddity {

void start_from_package(const std::filesystem::path& file, const std::vector<NamedTensor>& tensors) {
  const Package package = read_package(file);
  std::map<std::string, const GraphTensor*> known;
  for (const auto& [name, graph] : package.graphs) {
    for (const GraphTensor& tensor : graph.initializers) {
      known[tensor.name] = &tensor;
    }
  }
  std::string differences;
  for (const auto& [name, tensor] : tensors) {
    const auto found = known.find(name);
    if (found == known.end()) {
      if (tensor.dim() < 4) {
        continue;
      }
      differences += " missing " + name + ";";
    } else if (found->second->type != TensorType::f32 || found->second->shape != tensor.sizes().vec()) {
      differences += " " + name + " has another type or shape;";
    }
  }
  if (!differences.empty()) {
    fail<ContentError>(
        "[training.init_from] {} (model {}) does not fit this config:{} expected a package of the same model, size and "
        "channels",
        file.string(), package.model, differences);
  }
  const torch::NoGradGuard no_grad;
  for (const auto& [name, tensor] : tensors) {
    const auto found = known.find(name);
    if (found == known.end()) {
      continue;
    }
    const at::Tensor host = at::empty(tensor.sizes(), at::kFloat);
    std::memcpy(host.data_ptr(), found->second->bytes.data(), found->second->bytes.size());
    at::Tensor(tensor).copy_(host);
  }
}

}  // namespace oddity
