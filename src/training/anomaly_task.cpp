#include "training/anomaly_task.h"

#include <algorithm>

#include <ATen/ATen.h>
#include <torch/utils.h>

#include "core/config.h"
#include "core/error.h"
#include "models/anomaly/registry.h"
#include "oddity/metrics/ranking.h"
#include "training/anomaly_losses.h"
#include "training/autocast.h"
#include "training/device.h"
#include "training/trace.h"

namespace oddity {
namespace {

constexpr double noise_sd = 0.012;  // sensor noise added to every training image, uniform up to this
constexpr double blur_chance = 0.2;
constexpr std::int64_t validation_defects = 48;  // synthetic defects that the log is measured on

class TaskImages final : public FitImages {
public:
  TaskImages(const AnomalyData& data, c10::Device device) : data_(data), device_(device) {}
  std::int64_t train_count() const override { return data_.train.count(); }
  at::Tensor train(std::int64_t first, std::int64_t count) const override {
    return data_.train.whole(first, count).to(device_);
  }
  std::int64_t validation_count() const override { return data_.validation.count(); }
  at::Tensor validation(std::int64_t first, std::int64_t count) const override {
    return data_.validation.whole(first, count).to(device_);
  }

private:
  const AnomalyData& data_;
  c10::Device device_;
};

at::Generator generator_for(std::uint64_t seed, const std::string& purpose, std::uint64_t step) {
  RandomStream random(seed, purpose, step);
  return at::detail::createCPUGenerator((std::uint64_t{random.bits()} << 32) | random.bits());
}

/// Logits and truth of many pixels on the host.
struct LabelledPixels {
  std::vector<float> scores;
  std::vector<std::uint8_t> labels;

  void add(const at::Tensor& logits, const at::Tensor& mask) {
    const at::Tensor values = logits.flatten().cpu(), truth = mask.flatten().cpu();
    scores.insert(scores.end(), values.data_ptr<float>(), values.data_ptr<float>() + values.numel());
    std::transform(truth.data_ptr<float>(), truth.data_ptr<float>() + truth.numel(), std::back_inserter(labels),
                   [](float v) { return v > 0.5f; });
  }
  double average_precision() const { return metrics::Ranking(scores, labels).average_precision(); }
};

}  // namespace

struct AnomalyTask::Batch {
  at::Tensor image, clean, mask, weight, context;
};

AnomalyTask::AnomalyTask(const AnomalyConfig& config, AnomalyData data)
    : config_(config),
      data_(std::move(data)),
      device_(resolve_device(config.training.device)),
      bf16_(use_bf16(config.training.precision, device_.type())) {
  AnomalyInput input;
  input.channels = data_.train.channels();
  input.height = data_.train.height();
  input.width = data_.train.width();
  input.aligned = data_.facts.aligned;
  model_ = make_anomaly_model(config.model, input, static_cast<std::uint64_t>(config.training.seed));
  const std::int64_t multiple = model_->multiple();
  const auto [crop_height, crop_width] = crop_size();
  if (crop_height % multiple != 0 || crop_width % multiple != 0 ||
      (model_->learns_from_defects() && std::min(crop_height, crop_width) < 16)) {
    fail<InvalidArgument>(
        "[training.anomaly_task] data.image_size does not fit model {}; got {}x{}; expected multiples of {}, at least "
        "16",
        config.model.name, crop_height, crop_width, multiple);
  }
  if (!data_.one_size && !model_->any_size()) {
    fail<InvalidArgument>(
        "[training.anomaly_task] model {} needs images of one size; got sizes of which some are less than 75 % of "
        "{}x{} px (width x height) with data.fit: native; expected data.fit: stretch or pad",
        config.model.name, input.width, input.height);
  }
  model_->to(device_);
  model_->prepare(TaskImages(data_, device_));
}

AnomalyTask::~AnomalyTask() = default;

AnomalyModel& AnomalyTask::model() { return *model_; }

std::vector<Phase> AnomalyTask::phases() {
  std::vector<Phase> list;
  if (!model_->parameters().empty()) {
    list.push_back({"main", config_.training.steps, model_->parameters()});
  }
  if (!model_->repair_parameters().empty()) {
    list.push_back({"repair", std::max<std::int64_t>(1, config_.training.steps / 6), model_->repair_parameters()});
  }
  return list;
}

void AnomalyTask::begin(const Phase& phase) {
  for (const NamedParameter& p : model_->parameters()) {
    p.second.set_requires_grad(phase.name == "main");
  }
  for (const NamedParameter& p : model_->repair_parameters()) {
    p.second.set_requires_grad(phase.name == "repair");
  }
}

std::pair<std::int64_t, std::int64_t> AnomalyTask::crop_size() const {
  return {std::min(config_.data.image_size[0], data_.train.height()),
          std::min(config_.data.image_size[1], data_.train.width())};
}

AnomalyTask::Batch AnomalyTask::make_batch(const std::string& purpose, std::int64_t step) const {
  const torch::NoGradGuard no_grad;
  const std::uint64_t seed = static_cast<std::uint64_t>(config_.training.seed) * 2 + (purpose == "train" ? 0 : 1);
  const std::int64_t batch = config_.training.batch;
  const ResidentImages& source = purpose == "train" ? data_.train : data_.validation;
  const auto [crop_height, crop_width] = crop_size();
  const CropPlan plan = plan_crops(source.count(), source.height(), source.width(), crop_height, crop_width, batch,
                                   data_.facts, seed, static_cast<std::uint64_t>(step));
  Batch out;
  at::Tensor clean = source.gather(plan.picks, plan.rows, plan.columns).contiguous();
  const at::Tensor donors = source.gather(plan.donor_picks, plan.donor_rows, plan.donor_columns).contiguous();
  if (plan.any_transpose) {
    clean = at::where(plan.transpose, clean.transpose(2, 3), clean);
  }
  RandomStream random(seed, "photometric", static_cast<std::uint64_t>(step));
  const auto draw = [&](auto value) {
    std::vector<float> values(static_cast<std::size_t>(batch));
    std::generate(values.begin(), values.end(), [&] { return static_cast<float>(value()); });
    return at::tensor(values).reshape({-1, 1, 1, 1});
  };
  if (!data_.facts.two_level) {
    const at::Tensor gain =
        draw([&] { return 1 + random.uniform(-config_.augment.contrast, config_.augment.contrast); });
    const at::Tensor offset =
        draw([&] { return random.uniform(-config_.augment.brightness, config_.augment.brightness); });
    const at::Tensor mean = clean.mean({1, 2, 3}, true);
    clean = ((clean - mean) * gain + mean + offset).clamp_(0, 1);
  }
  if (model_->learns_from_defects()) {
    const DefectSetting setting{data_.facts.two_level, data_.facts.enlargement};
    const Corruption corruption =
        corrupt(clean, donors, config_.defects, setting, seed, static_cast<std::uint64_t>(step * batch));
    out.image = corruption.image;
    out.mask = corruption.mask;
    out.weight = corruption.weight;
  } else {
    out.image = clean;
  }
  if (!data_.facts.two_level) {
    const at::Tensor sd = draw([&] { return random.uniform(0, noise_sd); });
    at::Generator generator = generator_for(seed, "noise", static_cast<std::uint64_t>(step));
    const at::Tensor noise = at::empty(clean.sizes(), clean.options()).normal_(0, 1, generator) * sd;
    // A fifth of the images is slightly out of focus; the kernel of the rest is the identity.
    const at::Tensor blur = draw([&] { return random.chance(blur_chance) ? random.uniform(0.3, 0.7) : 0.0; });
    const at::Tensor side = (-0.5 / blur.pow(2).clamp_min(1e-4)).exp(), centre = 1.0 / (1.0 + 2.0 * side);
    const auto soften = [&](const at::Tensor& x) {
      const at::Tensor p = at::replication_pad2d(x, {1, 1, 1, 1});
      const at::Tensor rows = (p.slice(2, 0, -2) + p.slice(2, 2)) * (side * centre) + p.slice(2, 1, -1) * centre;
      return (rows.slice(3, 0, -2) + rows.slice(3, 2)) * (side * centre) + rows.slice(3, 1, -1) * centre;
    };
    out.image = (soften(out.image) + noise).clamp_(0, 1);
    clean = soften(clean).clamp_(0, 1);
  }
  out.clean = clean;
  out.image = out.image.contiguous(at::MemoryFormat::ChannelsLast);
  const auto on_device = [&](const at::Tensor& t) { return t.to(device_, /*non_blocking=*/true); };
  for (at::Tensor* t : {&out.image, &out.clean, &out.mask, &out.weight}) {
    if (t->defined()) {
      *t = on_device(*t);
    }
  }
  const at::Tensor context = model_->context();
  if (context.defined()) {
    using at::indexing::Slice;
    out.context =
        context
            .index({Slice(), on_device(plan.context_rows).unsqueeze(2), on_device(plan.context_columns).unsqueeze(1)})
            .permute({1, 0, 2, 3});
  }
  return out;
}

StepResult AnomalyTask::step(const Phase& phase, std::int64_t step) {
  const Batch batch = make_batch("train", step + (phase.name == "repair" ? std::int64_t{1} << 32 : 0));
  StepResult result;
  if (phase.name == "repair") {
    model_->set_training(true);
    AnomalyOutputs out;
    {
      const Autocast autocast(device_.type(), bf16_);
      out = model_->repair(batch.image, batch.context);
    }
    result.loss = repair_loss(out.repaired.to(at::kFloat), batch.clean, batch.mask);
    result.terms = {{"repair", result.loss.detach()}};
    return result;
  }
  model_->set_training(true);
  AnomalyOutputs out;
  {
    const Autocast autocast(device_.type(), bf16_);
    out = model_->forward(batch.image, batch.context);
  }
  if (out.logits.defined()) {
    const at::Tensor local = localization_loss(out.logits.to(at::kFloat), batch.mask, batch.weight);
    const at::Tensor image = image_loss(out.image_logit.to(at::kFloat), batch.mask);
    result.loss = local + 0.2 * image;
    result.terms = {{"localization", local.detach()}, {"image", image.detach()}};
  } else {
    result.loss = reconstruction_loss(out.repaired.to(at::kFloat), batch.clean);
    result.terms = {{"reconstruction", result.loss.detach()}};
  }
  return result;
}

std::vector<NamedTensor> AnomalyTask::state() {
  std::vector<NamedTensor> all = model_->parameters();
  for (auto list : {model_->repair_parameters(), model_->buffers()}) {
    all.insert(all.end(), list.begin(), list.end());
  }
  return all;
}

void AnomalyTask::fit() {
  const torch::NoGradGuard no_grad;
  model_->set_training(false);
  for (const NamedTensor& item : state()) {
    item.second.set_requires_grad(false);
  }
  model_->fit(TaskImages(data_, device_));
}

std::vector<std::pair<std::string, double>> AnomalyTask::validate(const Phase& phase, std::int64_t) {
  if (phase.name != "main" || !model_->learns_from_defects() || data_.validation.count() == 0) {
    return {};
  }
  const torch::NoGradGuard no_grad;
  model_->set_training(false);
  const auto logits_of = [&](const at::Tensor& image, const at::Tensor& context) {
    const Autocast autocast(device_.type(), bf16_);
    return model_->forward(image, context).logits.to(at::kFloat);
  };
  LabelledPixels synthetic;
  double loss = 0;
  std::int64_t batches = 0;
  for (; batches * config_.training.batch < validation_defects; ++batches) {
    const Batch batch = make_batch("validation", batches);
    const at::Tensor logits = logits_of(batch.image, batch.context);
    loss += localization_loss(logits, batch.mask, batch.weight).item<double>();
    const at::Tensor keep = batch.weight.flatten().gt(0);
    synthetic.add(logits.flatten().index({keep}), batch.mask.flatten().index({keep}));
  }
  std::vector<std::pair<std::string, double>> values = {
      {"validation/loss", loss / static_cast<double>(batches)},
      {"validation/pixel_average_precision", synthetic.average_precision()}};
  if (data_.defects.images.defined()) {
    const at::Tensor context = model_->context();
    LabelledPixels labelled;
    for (std::int64_t i = 0; i < data_.defects.images.size(0); ++i) {
      const at::Tensor image = data_.defects.images.narrow(0, i, 1).to(device_);
      labelled.add(logits_of(image, context.defined() ? context.unsqueeze(0) : at::Tensor()),
                   data_.defects.masks.narrow(0, i, 1));
    }
    values.emplace_back("validation/labelled_pixel_average_precision", labelled.average_precision());
  }
  return values;
}

Package AnomalyTask::make_package() {
  const torch::NoGradGuard no_grad;
  model_->set_training(false);
  Package package;
  package.model = config_.model.name;
  package.options_json = to_json(config_);
  package.input = data_.contract;
  package.input.multiple = static_cast<int>(model_->multiple());
  if (data_.contract.fit == "native" && model_->any_size()) {
    package.input.height = package.input.width = 0;  // no canvas: every image is judged at its own size
  }
  package.decision.requested_budget = config_.calibration.overkill_budget;
  package.decision.minimum_area_px = config_.data.minimum_area;
  package.decision.calibration_unit = config_.data.calibration_unit;
  const at::Tensor example = data_.train.whole(0, 1).to(device_);
  package.graphs["anomaly"] =
      trace_graph([this](const at::Tensor& image) { return model_->judge(image); }, example, state(),
                  model_->judge_names(), package.input.height == 0, config_.model.name);
  return package;
}

}  // namespace oddity
