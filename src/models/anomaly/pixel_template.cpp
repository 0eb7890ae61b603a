#include "models/anomaly/pixel_template.h"

#include <ATen/ATen.h>

#include "models/anomaly/score.h"

namespace oddity {
namespace {

class PixelTemplate final : public AnomalyModel {
public:
  explicit PixelTemplate(const AnomalyInput& input)
      : mean_(at::zeros({1, input.channels, input.height, input.width})),
        inverse_spread_(at::ones_like(mean_)),
        kernel_(gaussian_kernel(2.0)) {}

  std::vector<NamedParameter> parameters() override { return {}; }
  std::vector<NamedParameter> buffers() override {
    return {{"template.mean", mean_}, {"template.inverse_spread", inverse_spread_}, {"score.blur", kernel_}};
  }
  bool learns_from_defects() const override { return false; }
  void set_training(bool) override {}
  void to(const at::Device& device) override {
    mean_ = mean_.to(device), inverse_spread_ = inverse_spread_.to(device), kernel_ = kernel_.to(device);
  }
  at::Tensor context() const override { return {}; }
  AnomalyOutputs forward(const at::Tensor&, const at::Tensor&) override { return {}; }
  AnomalyOutputs repair(const at::Tensor&, const at::Tensor&) override { return {}; }
  std::vector<NamedParameter> repair_parameters() override { return {}; }
  void prepare(const FitImages&) override {}
  void fit(const FitImages& images) override {
    const PixelStatistics statistics = pixel_statistics(images);
    mean_.copy_(statistics.mean.unsqueeze(0));
    inverse_spread_.copy_((statistics.spread + 0.02).reciprocal().unsqueeze(0));
  }
  std::vector<std::pair<std::string, at::Tensor>> components(const at::Tensor& image) override {
    return {{"deviation", deviation(image)}};
  }
  std::vector<at::Tensor> judge(const at::Tensor& image) override {
    const at::Tensor map = deviation(image);
    return {pooled(map), map};
  }
  std::vector<std::string> judge_names() const override { return {"score", "map"}; }
  bool any_size() const override { return false; }
  std::int64_t multiple() const override { return 1; }

private:
  at::Tensor deviation(const at::Tensor& image) const {
    return blurred(((image - mean_).abs() * inverse_spread_).amax(1, true), kernel_);
  }

  at::Tensor mean_, inverse_spread_, kernel_;
};

}  // namespace

std::unique_ptr<AnomalyModel> make_pixel_template(const AnomalyModelOptions&, const AnomalyInput& input,
                                                  std::uint64_t) {
  return std::make_unique<PixelTemplate>(input);
}

}  // namespace oddity
