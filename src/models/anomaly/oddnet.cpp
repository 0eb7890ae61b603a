#include "models/anomaly/oddnet.h"

#include <array>
#include <cmath>

#include <ATen/ATen.h>
#include <torch/nn/modules/linear.h>
#include <torch/utils.h>

#include "core/error.h"
#include "models/anomaly/score.h"
#include "models/blocks.h"
#include "models/feature_gaussian.h"

namespace oddity {
namespace {

/// Positions with a Gaussian of their own; larger images share one. A position takes 9 KB in each of two memories.
constexpr std::int64_t most_positions = 4096;

/// Map values of good images, about, that fix the scale of a view.
constexpr std::int64_t most_scale_values = 4'000'000;

struct Widths {
  std::int64_t half, quarter, eighth, sixteenth;
};

Widths widths_of(const std::string& size) {
  if (size == "small") {
    return {16, 32, 64, 96};
  }
  return size == "large" ? Widths{32, 64, 128, 192} : Widths{24, 48, 96, 128};
}

struct Features {
  at::Tensor e1, e2, e3, e4, d1, d2;
};

/// The first two levels: what feature statistics are taken from.
struct StemImpl : torch::nn::Module {
  StemImpl(std::int64_t in, const Widths& w) {
    half_a = register_module("half_a", ConvBlock(in, w.half));
    half_b = register_module("half_b", ConvBlock(w.half, w.half));
    quarter_a = register_module("quarter_a", ConvBlock(w.half, w.quarter, 3, 2));
    quarter_b = register_module("quarter_b", ConvBlock(w.quarter, w.quarter));
  }
  void forward(const at::Tensor& x, Features& f) {
    f.e1 = half_b(half_a(x));
    f.e2 = quarter_b(quarter_a(f.e1));
  }
  ConvBlock half_a{nullptr}, half_b{nullptr}, quarter_a{nullptr}, quarter_b{nullptr};
};
TORCH_MODULE(Stem);

struct EncoderImpl : torch::nn::Module {
  EncoderImpl(std::int64_t in, const Widths& w) {
    stem = register_module("stem", Stem(in, w));
    eighth_a = register_module("eighth_a", ConvBlock(w.quarter, w.eighth, 3, 2));
    eighth_b = register_module("eighth_b", ConvBlock(w.eighth, w.eighth));
    sixteenth_a = register_module("sixteenth_a", ConvBlock(w.eighth, w.sixteenth, 3, 2));
    sixteenth_b = register_module("sixteenth_b", ConvBlock(w.sixteenth, w.sixteenth));
  }
  Features forward(const at::Tensor& x) {
    Features f;
    stem->forward(x, f);
    f.e3 = eighth_b(eighth_a(f.e2));
    f.e4 = sixteenth_b(sixteenth_a(f.e3));
    return f;
  }
  Stem stem{nullptr};
  ConvBlock eighth_a{nullptr}, eighth_b{nullptr}, sixteenth_a{nullptr}, sixteenth_b{nullptr};
};
TORCH_MODULE(Encoder);

struct LocalizerImpl : torch::nn::Module {
  explicit LocalizerImpl(const Widths& w) {
    up3 = register_module("up3", UpBlock(w.sixteenth, w.eighth, w.eighth));
    up2 = register_module("up2", UpBlock(w.eighth, w.quarter, w.quarter));
    up1 = register_module("up1", UpBlock(w.quarter, w.half, w.half));
    refine = register_module("refine", ConvBlock(w.half, w.half));
    logits = register_module("logits", torch::nn::Conv2d(torch::nn::Conv2dOptions(w.half, 4, 1)));
    image = register_module("image", torch::nn::Linear(2 * (w.quarter + w.sixteenth), 1));
  }
  void reset() {
    const torch::NoGradGuard no_grad;
    logits->weight.mul_(0.01 / std::sqrt(2.0 / static_cast<double>(logits->weight.size(1))));
    logits->bias.fill_(-3.0);  // defects are rare: start from "good"
    image->weight.zero_();
    image->bias.zero_();
  }
  at::Tensor forward(Features& f) {
    f.d2 = up2(up3(f.e4, f.e3), f.e2);
    f.d1 = refine(up1(f.d2, f.e1));
    return at::pixel_shuffle(logits(f.d1), 2);
  }
  at::Tensor image_logit(const Features& f) {
    const std::vector<std::int64_t> space{2, 3};
    return image(at::cat({f.d2.amax(space), f.d2.mean(space), f.e4.amax(space), f.e4.mean(space)}, 1)).squeeze(1);
  }
  UpBlock up3{nullptr}, up2{nullptr}, up1{nullptr};
  ConvBlock refine{nullptr};
  torch::nn::Conv2d logits{nullptr};
  torch::nn::Linear image{nullptr};
};
TORCH_MODULE(Localizer);

struct RepairerImpl : torch::nn::Module {
  RepairerImpl(std::int64_t channels, const Widths& w) {
    up3 = register_module("up3", UpBlock(w.sixteenth, w.eighth, w.eighth / 2));
    up2 = register_module("up2", UpBlock(w.eighth / 2, w.quarter, w.quarter / 2));
    up1 = register_module("up1", UpBlock(w.quarter / 2, w.half, 16));
    out = register_module("out", torch::nn::Conv2d(torch::nn::Conv2dOptions(16, 4 * channels, 1)));
  }
  at::Tensor forward(const Features& f) { return at::pixel_shuffle(out(up1(up2(up3(f.e4, f.e3), f.e2), f.e1)), 2); }
  UpBlock up3{nullptr}, up2{nullptr}, up1{nullptr};
  torch::nn::Conv2d out{nullptr};
};
TORCH_MODULE(Repairer);

struct NetImpl : torch::nn::Module {
  NetImpl(std::int64_t channels, std::int64_t context_planes, const Widths& w) {
    encoder = register_module("encoder", Encoder(4 * channels + 4 * context_planes, w));
    localizer = register_module("localizer", Localizer(w));
    repairer = register_module("repairer", Repairer(channels, w));
  }
  Encoder encoder{nullptr};
  Localizer localizer{nullptr};
  Repairer repairer{nullptr};
};
TORCH_MODULE(Net);

class OddNet final : public AnomalyModel {
public:
  OddNet(const AnomalyModelOptions& options, const AnomalyInput& input, std::uint64_t seed)
      : input_(input),
        widths_(widths_of(options.size)),
        net_(input.channels, input.aligned ? 2 + input.channels : 0, widths_) {
    initialize_weights(*net_, seed);
    net_->localizer->reset();
    kernel_ = gaussian_kernel(1.0);
  }

  std::vector<NamedParameter> parameters() override { return with_prefix("repairer.", false); }
  std::vector<NamedParameter> buffers() override {
    std::vector<NamedParameter> all = named_tensors(net_->named_buffers());
    const std::vector<NamedParameter> own = {{"context.planes", context_},   {"score.blur", kernel_},
                                             {"score.center", center_},      {"score.scale", scale_},
                                             {"gaussian_e2.mean", e2_.mean}, {"gaussian_e2.whitening", e2_.whitening},
                                             {"gaussian_d2.mean", d2_.mean}, {"gaussian_d2.whitening", d2_.whitening}};
    for (const NamedParameter& item : own) {
      if (item.second.defined()) {
        all.push_back(item);
      }
    }
    return all;
  }
  bool learns_from_defects() const override { return true; }
  void set_training(bool training) override { net_->train(training); }
  void to(const at::Device& device) override {
    net_->to(device);
    for (at::Tensor* t :
         {&context_, &kernel_, &center_, &scale_, &e2_.mean, &e2_.whitening, &d2_.mean, &d2_.whitening}) {
      if (t->defined()) {
        *t = t->to(device);
      }
    }
  }
  at::Tensor context() const override { return context_; }

  AnomalyOutputs forward(const at::Tensor& images, const at::Tensor& context) override {
    Features f = encode(images, context);
    AnomalyOutputs out;
    out.logits = net_->localizer->forward(f);
    out.image_logit = net_->localizer->image_logit(f);
    return out;
  }

  AnomalyOutputs repair(const at::Tensor& images, const at::Tensor& context) override {
    AnomalyOutputs out;
    Features f;
    net_->encoder->eval();  // frozen: neither weights nor running statistics move in this phase
    {
      const torch::NoGradGuard no_grad;
      f = encode(images, context);
    }
    out.repaired = net_->repairer->forward(f);
    return out;
  }
  std::vector<NamedParameter> repair_parameters() override { return with_prefix("repairer.", true); }

  void prepare(const FitImages& images) override;
  void fit(const FitImages& images) override;
  std::vector<at::Tensor> judge(const at::Tensor& image) override;
  std::vector<std::string> judge_names() const override { return {"score", "map", "repaired", "level"}; }
  std::vector<std::pair<std::string, at::Tensor>> components(const at::Tensor& image) override;
  bool any_size() const override { return !input_.aligned; }
  std::int64_t multiple() const override { return 16; }

private:
  std::vector<NamedParameter> with_prefix(const std::string& prefix, bool wanted) const {
    std::vector<NamedParameter> list;
    for (const NamedParameter& item : named_tensors(net_->named_parameters())) {
      if (item.first.starts_with(prefix) == wanted) {
        list.push_back(item);
      }
    }
    return list;
  }
  Features encode(const at::Tensor& images, const at::Tensor& context) {
    at::Tensor x = images;
    if (input_.aligned) {
      // Where the part is and how far each pixel is from the mean good part, in its own spread.
      const at::Tensor position = context.slice(1, 0, 2), mean = context.slice(1, 2, 2 + input_.channels);
      const at::Tensor inverse_spread = context.slice(1, 2 + input_.channels, 2 + 2 * input_.channels);
      x = at::cat({images, position, ((images - mean) * inverse_spread).clamp(-1, 1)}, 1);
    }
    return net_->encoder->forward(at::pixel_unshuffle(x, 2));
  }
  at::Tensor localization_map(Features& f) { return blurred(net_->localizer->forward(f).to(at::kFloat), kernel_); }
  at::Tensor enlarged(const at::Tensor& map, std::int64_t factor) const {
    return at::upsample_bilinear2d(map, at::OptionalIntArrayRef(), false,
                                   std::vector<double>{static_cast<double>(factor), static_cast<double>(factor)});
  }

  AnomalyInput input_;
  Widths widths_;
  Net net_;
  at::Tensor context_;  ///< [2 + 2 C, H, W]: coordinates, template mean, inverse spread; aligned only
  at::Tensor kernel_;
  at::Tensor center_, scale_;  ///< of S, P(e2), P(d2) on held-out good pixels
  FeatureGaussian e2_, d2_;
};

void OddNet::prepare(const FitImages& images) {
  if (!input_.aligned) {
    return;
  }
  const auto [mean, spread] = pixel_statistics(images);
  const at::Tensor inverse = (4.0 * (spread + 0.02)).reciprocal();  // clamped at four spreads
  const std::int64_t height = mean.size(1), width = mean.size(2);
  const at::Tensor rows =
      at::linspace(-1, 1, height, mean.options()).reshape({1, height, 1}).expand({1, height, width});
  const at::Tensor columns =
      at::linspace(-1, 1, width, mean.options()).reshape({1, 1, width}).expand({1, height, width});
  context_ = at::cat({rows, columns, mean, inverse}, 0).to(at::kFloat).contiguous();
}

std::vector<std::pair<std::string, at::Tensor>> OddNet::components(const at::Tensor& image) {
  Features f = encode(image, context_.defined() ? context_.unsqueeze(0) : at::Tensor());
  std::vector<std::pair<std::string, at::Tensor>> maps = {{"localization", localization_map(f)}};
  if (e2_.mean.defined()) {
    maps.emplace_back("gaussian_e2", enlarged(e2_.distance(f.e2), 4));
    maps.emplace_back("gaussian_d2", enlarged(d2_.distance(f.d2), 4));
  }
  return maps;
}

void OddNet::fit(const FitImages& images) {
  net_->eval();
  // Chunks of 16 images of 128x128, fewer of larger ones: statistics take the memory of training, not more.
  const std::int64_t pixels = std::max<std::int64_t>(1, input_.height * input_.width);
  const std::int64_t chunk = std::clamp<std::int64_t>(16 * 128 * 128 / pixels, 1, 16);
  const auto features = [&](bool encoder) {
    return [this, &images, encoder, chunk](std::int64_t k) -> at::Tensor {
      const std::int64_t first = chunk * k;
      if (first >= images.train_count()) {
        return {};
      }
      const at::Tensor x = images.train(first, std::min(chunk, images.train_count() - first));
      Features f = encode(x, context_.defined() ? context_.unsqueeze(0).expand({x.size(0), -1, -1, -1}) : at::Tensor());
      if (!encoder) {
        net_->localizer->forward(f);
      }
      return encoder ? f.e2 : f.d2;
    };
  };
  const bool per_position = input_.aligned && pixels / 16 <= most_positions;
  e2_ = FeatureGaussian::fit(features(true), per_position);
  d2_ = FeatureGaussian::fit(features(false), per_position);

  // Put the maps on one scale: 0 at the median, 1 at the 99.5 % point of pixels of good images that training never saw.
  std::vector<std::vector<at::Tensor>> values(3);
  for (std::int64_t i = 0; i < images.validation_count(); ++i) {
    const auto maps = components(images.validation(i, 1));
    // Every value of small sets; of large ones evenly spread ones, an odd step apart so that no column is favoured.
    const std::int64_t step = (maps[0].second.numel() * images.validation_count() / most_scale_values) | 1;
    for (std::size_t m = 0; m < values.size(); ++m) {
      values[m].push_back(maps[m].second.flatten().slice(0, 0, std::nullopt, step).clone());
    }
  }
  std::vector<at::Tensor> center, scale;
  for (const auto& list : values) {
    const at::Tensor sorted = std::get<0>(at::cat(list).sort());
    const std::int64_t n = sorted.size(0);
    const at::Tensor median = sorted[n / 2];
    center.push_back(median);
    scale.push_back((sorted[std::min(n - 1, n * 995 / 1000)] - median).clamp_min(1e-3).reciprocal());
  }
  center_ = at::stack(center);
  scale_ = at::stack(scale);
}

std::vector<at::Tensor> OddNet::judge(const at::Tensor& image) {
  Features f = encode(image, context_.defined() ? context_.unsqueeze(0) : at::Tensor());
  const at::Tensor local = localization_map(f);
  // Three views of one image, each in units of what good images show, weigh the same: no weight is fitted to any set.
  const at::Tensor evidence =
      ((local - center_[0]) * scale_[0] + (enlarged(e2_.distance(f.e2), 4) - center_[1]) * scale_[1] +
       (enlarged(d2_.distance(f.d2), 4) - center_[2]) * scale_[2]) *
      (1.0 / 3.0);
  // Dust, light and a new lot raise the whole map. That counts for the score; the map shows what stands out within the
  // image. Only half of the mean is taken away, since a large defect raises it too.
  const at::Tensor level = 0.5 * evidence.mean({1, 2, 3}, true);
  const at::Tensor doubt = local.sigmoid();
  const at::Tensor repaired =
      (image * doubt.neg().add(1) + net_->repairer->forward(f).to(at::kFloat) * doubt).clamp(0, 1);
  return {pooled(evidence), evidence - level, repaired, level.flatten()};
}

}  // namespace

std::unique_ptr<AnomalyModel> make_oddnet(const AnomalyModelOptions& options, const AnomalyInput& input,
                                          std::uint64_t seed) {
  return std::make_unique<OddNet>(options, input, seed);
}

}  // namespace oddity
