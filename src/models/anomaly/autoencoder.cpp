#include "models/anomaly/autoencoder.h"

#include <ATen/ATen.h>

#include "models/anomaly/score.h"
#include "models/blocks.h"
#include "models/structural_similarity.h"

namespace oddity {
namespace {

struct AutoencoderNetImpl : torch::nn::Module {
  AutoencoderNetImpl(std::int64_t channels, std::int64_t bottleneck) {
    const std::int64_t widths[] = {channels, 32, 48, 64, 96};
    for (int i = 0; i < 4; ++i) {
      down[i] = register_module("down" + std::to_string(i + 1), ConvBlock(widths[i], widths[i + 1], 3, 2));
      up[i] = register_module("up" + std::to_string(i + 1),
                              ConvBlock(i == 0 ? bottleneck : widths[4 - i], widths[std::max(1, 3 - i)]));
    }
    code = register_module("code", torch::nn::Conv2d(torch::nn::Conv2dOptions(96, bottleneck, 1)));
    out = register_module("out", torch::nn::Conv2d(torch::nn::Conv2dOptions(32, channels, 3).padding(1)));
  }
  at::Tensor forward(at::Tensor x) {
    for (ConvBlock& block : down) {
      x = block(x);
    }
    x = code(x);
    for (ConvBlock& block : up) {
      x = block(double_size(x));
    }
    return out(x).sigmoid();
  }
  ConvBlock down[4] = {nullptr, nullptr, nullptr, nullptr}, up[4] = {nullptr, nullptr, nullptr, nullptr};
  torch::nn::Conv2d code{nullptr}, out{nullptr};
};
TORCH_MODULE(AutoencoderNet);

class Autoencoder final : public AnomalyModel {
public:
  Autoencoder(const AnomalyModelOptions& options, const AnomalyInput& input, std::uint64_t seed)
      : net_(input.channels, options.size == "small"   ? 32
                             : options.size == "large" ? 128
                                                       : 64),
        kernel_(gaussian_kernel(1.0)) {
    initialize_weights(*net_, seed);
  }

  std::vector<NamedParameter> parameters() override { return named_tensors(net_->named_parameters()); }
  std::vector<NamedParameter> buffers() override {
    std::vector<NamedParameter> all = named_tensors(net_->named_buffers());
    all.emplace_back("score.blur", kernel_);
    return all;
  }
  bool learns_from_defects() const override { return false; }
  void set_training(bool training) override { net_->train(training); }
  void to(const at::Device& device) override {
    net_->to(device);
    kernel_ = kernel_.to(device);
  }
  at::Tensor context() const override { return {}; }
  AnomalyOutputs forward(const at::Tensor& images, const at::Tensor&) override {
    AnomalyOutputs out;
    out.repaired = net_(images);
    return out;
  }
  AnomalyOutputs repair(const at::Tensor&, const at::Tensor&) override { return {}; }
  std::vector<NamedParameter> repair_parameters() override { return {}; }
  void prepare(const FitImages&) override {}
  void fit(const FitImages&) override {}
  std::vector<std::pair<std::string, at::Tensor>> components(const at::Tensor& image) override {
    return {{"reconstruction", error_map(image, net_(image))}};
  }
  std::vector<at::Tensor> judge(const at::Tensor& image) override {
    const at::Tensor reconstruction = net_(image);
    const at::Tensor map = error_map(image, reconstruction);
    return {pooled(map), map, reconstruction};
  }
  std::vector<std::string> judge_names() const override { return {"score", "map", "repaired"}; }
  bool any_size() const override { return true; }
  std::int64_t multiple() const override { return 16; }

private:
  at::Tensor error_map(const at::Tensor& image, const at::Tensor& reconstruction) const {
    const at::Tensor structure = structural_similarity(image, reconstruction).neg().add(1) * 0.5;
    return blurred(structure + (image - reconstruction).pow(2).mean(1, true), kernel_);
  }

  AutoencoderNet net_;
  at::Tensor kernel_;
};

}  // namespace

std::unique_ptr<AnomalyModel> make_autoencoder(const AnomalyModelOptions& options, const AnomalyInput& input,
                                               std::uint64_t seed) {
  return std::make_unique<Autoencoder>(options, input, seed);
}

}  // namespace oddity
