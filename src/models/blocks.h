#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include <torch/nn/module.h>
#include <torch/nn/modules/batchnorm.h>
#include <torch/nn/modules/conv.h>
#include <torch/nn/pimpl.h>

/// Layers that the models share. Included by .cpp files of src/models only.
namespace oddity {

/// Convolution without bias, batch norm, ReLU; "same" padding. [N, in, H, W] -> [N, out, H / stride, W / stride].
struct ConvBlockImpl : torch::nn::Module {
  ConvBlockImpl(std::int64_t in, std::int64_t out, std::int64_t kernel = 3, std::int64_t stride = 1);
  at::Tensor forward(const at::Tensor& x);

  torch::nn::Conv2d conv{nullptr};
  torch::nn::BatchNorm2d norm{nullptr};
};
TORCH_MODULE(ConvBlock);

/// Upsampling decoder stage: 1x1 block to `out` channels, nearest x2, concatenated with the skip, 3x3 block.
struct UpBlockImpl : torch::nn::Module {
  UpBlockImpl(std::int64_t in, std::int64_t skip, std::int64_t out);
  at::Tensor forward(const at::Tensor& x, const at::Tensor& skip);

  ConvBlock reduce{nullptr}, mix{nullptr};
};
TORCH_MODULE(UpBlock);

/// The items of a module's dictionary as a plain list.
std::vector<std::pair<std::string, at::Tensor>> named_tensors(const torch::OrderedDict<std::string, at::Tensor>& items);

/// Nearest-neighbour x2.
at::Tensor double_size(const at::Tensor& x);

/// Every kernel ~ N(0, 2 / fan_in) (He et al., ICCV 2015), biases 0, norms 1 and 0, from one generator: independent of
/// global state.
void initialize_weights(torch::nn::Module& module, std::uint64_t seed);

}  // namespace oddity
