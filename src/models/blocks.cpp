#include "models/blocks.h"

#include <cmath>

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/upsample_nearest2d.h>
#include <torch/nn/modules/linear.h>
#include <torch/utils.h>

#include "core/random.h"

namespace oddity {

ConvBlockImpl::ConvBlockImpl(std::int64_t in, std::int64_t out, std::int64_t kernel, std::int64_t stride) {
  conv = register_module(
      "conv",
      torch::nn::Conv2d(torch::nn::Conv2dOptions(in, out, kernel).stride(stride).padding(kernel / 2).bias(false)));
  norm = register_module("norm", torch::nn::BatchNorm2d(out));
}

at::Tensor ConvBlockImpl::forward(const at::Tensor& x) { return norm(conv(x)).relu_(); }

UpBlockImpl::UpBlockImpl(std::int64_t in, std::int64_t skip, std::int64_t out) {
  reduce = register_module("reduce", ConvBlock(in, out, 1));
  mix = register_module("mix", ConvBlock(out + skip, out));
}

at::Tensor UpBlockImpl::forward(const at::Tensor& x, const at::Tensor& skip) {
  return mix(at::cat({double_size(reduce(x)), skip}, 1));
}

std::vector<std::pair<std::string, at::Tensor>> named_tensors(
    const torch::OrderedDict<std::string, at::Tensor>& items) {
  std::vector<std::pair<std::string, at::Tensor>> list;
  for (const auto& item : items) {
    list.emplace_back(item.key(), item.value());
  }
  return list;
}

at::Tensor double_size(const at::Tensor& x) {
  return at::upsample_nearest2d(x, at::OptionalIntArrayRef(), std::vector<double>{2.0, 2.0});
}

void initialize_weights(torch::nn::Module& module, std::uint64_t seed) {
  RandomStream random(seed, "weights");
  at::Generator generator = at::detail::createCPUGenerator((std::uint64_t{random.bits()} << 32) | random.bits());
  const torch::NoGradGuard no_grad;
  for (auto& item : module.named_parameters()) {
    at::Tensor& parameter = item.value();
    if (parameter.dim() >= 2) {
      const double fan_in = static_cast<double>(parameter.numel() / parameter.size(0));
      parameter.normal_(0, std::sqrt(2.0 / fan_in), generator);
    } else if (item.key().ends_with("bias")) {
      parameter.zero_();
    }
  }
}

}  // namespace oddity
