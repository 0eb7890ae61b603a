#include "training/device.h"

#include "backends/torch/cuda_runtime.h"
#include "core/error.h"

namespace oddity {

c10::Device resolve_device(const std::string& name) {
  if (name == "cpu" || (name == "auto" && !torch_backend::cuda_available())) {
    return c10::Device(c10::kCPU);
  }
  if (name != "auto" && name != "cuda" && !name.starts_with("cuda:")) {
    fail<InvalidArgument>("[training.device] unknown device; got '{}'; expected auto, cpu, cuda or cuda:<i>", name);
  }
  const c10::Device device(name == "auto" ? "cuda:0" : name == "cuda" ? "cuda:0" : name);
  torch_backend::load_cuda(device.index());
  return device;
}

}  // namespace oddity
