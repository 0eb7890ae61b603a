// The contract that every anomaly model keeps, generated over the registry.
#include "models/anomaly/registry.h"

#include <cmath>
#include <map>
#include <memory>
#include <set>

#include <ATen/ATen.h>
#include <gtest/gtest.h>
#include <torch/utils.h>

#include "backends/torch/torch_backend.h"
#include "core/error.h"
#include "models/anomaly/score.h"
#include "training/trace.h"

namespace oddity {
namespace {

class FewImages final : public FitImages {
public:
  FewImages(std::int64_t channels, std::int64_t height, std::int64_t width) {
    at::Generator generator = at::detail::createCPUGenerator(7);
    const at::Tensor base = at::rand({1, channels, height, width}, generator, at::kFloat);
    images_ = (base + 0.05 * at::randn({12, channels, height, width}, generator, at::kFloat)).clamp(0, 1);
  }
  std::int64_t train_count() const override { return 9; }
  at::Tensor train(std::int64_t first, std::int64_t count) const override { return images_.narrow(0, first, count); }
  std::int64_t validation_count() const override { return 3; }
  at::Tensor validation(std::int64_t first, std::int64_t count) const override {
    return images_.narrow(0, 9 + first, count);
  }

private:
  at::Tensor images_;
};

struct ModelCase {
  std::string model;
  std::int64_t channels;
  bool aligned;
};

class EveryModel : public testing::TestWithParam<ModelCase> {
protected:
  static constexpr std::int64_t height = 48, width = 64;
  void SetUp() override { at::set_num_threads(1); }
  static AnomalyInput input() {
    AnomalyInput i;
    i.channels = GetParam().channels, i.aligned = GetParam().aligned;
    i.height = height, i.width = width;
    return i;
  }
  static std::unique_ptr<AnomalyModel> make(std::uint64_t seed = 3) {
    AnomalyModelOptions options;
    options.name = GetParam().model, options.size = "small";
    auto model = make_anomaly_model(options, input(), seed);
    model->prepare(FewImages(GetParam().channels, height, width));
    return model;
  }
  static at::Tensor context_of(AnomalyModel& model, std::int64_t n) {
    const at::Tensor context = model.context();
    return context.defined() ? context.unsqueeze(0).expand({n, -1, -1, -1}) : at::Tensor();
  }
  static void freeze(AnomalyModel& model) {
    for (auto list : {model.parameters(), model.repair_parameters()}) {
      for (auto& item : list) {
        item.second.set_requires_grad(false);
      }
    }
    model.set_training(false);
  }
  static std::vector<NamedParameter> all(AnomalyModel& model) {
    std::vector<NamedParameter> list = model.parameters();
    for (auto more : {model.repair_parameters(), model.buffers()}) {
      list.insert(list.end(), more.begin(), more.end());
    }
    return list;
  }
};

TEST_P(EveryModel, NamesAreUniqueAndGradientsReachEveryParameter) {
  auto model = make();
  std::set<std::string> names;
  for (const auto& [name, tensor] : all(*model)) {
    EXPECT_TRUE(names.insert(name).second) << name;
  }
  if (model->parameters().empty()) {
    EXPECT_TRUE(model->repair_parameters().empty());
    return;  // a model that is only fitted has no gradients
  }
  model->set_training(true);
  const at::Tensor images = FewImages(GetParam().channels, height, width).train(0, 4);
  AnomalyOutputs out = model->forward(images, context_of(*model, 4));
  at::Tensor loss = at::zeros({});
  for (const at::Tensor& t : {out.logits, out.image_logit, out.repaired}) {
    if (t.defined()) {
      loss = loss + (t - 1).pow(2).mean();  // heads that start at 0 get a gradient too
    }
  }
  if (!model->repair_parameters().empty()) {
    const at::Tensor repaired = model->repair(images, context_of(*model, 4)).repaired;
    EXPECT_EQ(repaired.sizes(), images.sizes());
    loss = loss + repaired.pow(2).mean();
  }
  loss.backward();
  for (auto list : {model->parameters(), model->repair_parameters()}) {
    for (const auto& [name, tensor] : list) {
      ASSERT_TRUE(tensor.grad().defined()) << name;
      EXPECT_GT(tensor.grad().abs().sum().item<double>(), 0.0) << name;
    }
  }
}

TEST_P(EveryModel, RepairMovesNothingButItsOwnDecoder) {
  auto model = make();
  if (model->repair_parameters().empty()) {
    GTEST_SKIP() << "this model has no repair phase";
  }
  model->set_training(true);
  std::map<std::string, at::Tensor> before;
  for (const auto& [name, tensor] : model->buffers()) {
    before[name] = tensor.clone();
  }
  const at::Tensor images = FewImages(GetParam().channels, height, width).train(0, 4);
  model->repair(images, context_of(*model, 4));
  for (const auto& [name, tensor] : model->buffers()) {
    EXPECT_TRUE(name.starts_with("repairer.") || at::equal(tensor, before[name])) << name;
  }
}

TEST_P(EveryModel, JudgeHasTheStatedShapesAndSeedsDecide) {
  auto a = make(3), b = make(3);
  const FewImages images(GetParam().channels, height, width);
  for (AnomalyModel* model : {a.get(), b.get()}) {
    freeze(*model);
    const torch::NoGradGuard no_grad;
    model->fit(images);
  }
  const torch::NoGradGuard no_grad;
  const at::Tensor image = images.validation(0, 1);
  const std::vector<at::Tensor> first = a->judge(image), second = b->judge(image);
  ASSERT_EQ(first.size(), a->judge_names().size());
  EXPECT_EQ(a->judge_names()[0], "score");
  EXPECT_EQ(first[0].sizes(), (at::IntArrayRef{1}));
  EXPECT_EQ(first[1].sizes(), (at::IntArrayRef{1, 1, height, width}));
  if (first.size() > 2) {
    EXPECT_EQ(first[2].sizes(), image.sizes());
  }
  if (first.size() > 3) {  // the score is that of the map before its level was taken off
    EXPECT_EQ(first[3].sizes(), (at::IntArrayRef{1}));
    EXPECT_NEAR(pooled(first[1] + first[3]).item<double>(), first[0].item<double>(), 1e-4);
  }
  for (std::size_t i = 0; i < first.size(); ++i) {
    EXPECT_TRUE(at::equal(first[i], second[i])) << a->judge_names()[i];
    EXPECT_TRUE(first[i].isfinite().all().item<bool>());
  }
  // A bright square where good images have none must raise the score of a fitted model that was never trained only for
  // the template; all must react.
  at::Tensor marked = image.clone();
  marked.slice(2, 10, 30).slice(3, 20, 40).fill_(1.0);
  EXPECT_NE(a->judge(marked)[0].item<double>(), first[0].item<double>());
}

TEST_P(EveryModel, TensorsCarryTheWholeModel) {
  auto a = make(3), b = make(4);
  const FewImages images(GetParam().channels, height, width);
  freeze(*a), freeze(*b);
  const torch::NoGradGuard no_grad;
  a->fit(images), b->fit(images);
  std::map<std::string, at::Tensor> saved;
  for (const auto& [name, tensor] : all(*a)) {
    saved[name] = tensor.clone();
  }
  for (auto& [name, tensor] : all(*b)) {
    ASSERT_TRUE(saved.contains(name)) << name;
    at::Tensor(tensor).copy_(saved[name]);
  }
  const at::Tensor image = images.validation(1, 1);
  EXPECT_TRUE(at::equal(a->judge(image)[1], b->judge(image)[1]));
}

TEST_P(EveryModel, ExportAgreesAndNanIsNeverASmallScore) {
  auto model = make();
  const FewImages images(GetParam().channels, height, width);
  freeze(*model);
  const torch::NoGradGuard no_grad;
  model->fit(images);
  const Graph graph = trace_graph([&](const at::Tensor& x) { return model->judge(x); }, images.train(0, 1), all(*model),
                                  model->judge_names(), model->any_size(), GetParam().model);
  const auto session = make_torch_backend()->load(graph, {})->make_session();
  at::Tensor image = images.validation(2, 1).contiguous();
  const std::vector<at::Tensor> expected = model->judge(image);
  const auto outputs = session->run({image.data_ptr<float>(), image.sizes().vec()});
  ASSERT_EQ(outputs.size(), expected.size());
  for (std::size_t i = 0; i < expected.size(); ++i) {
    const at::Tensor got = at::from_blob(outputs[i].data, outputs[i].shape, at::kFloat);
    // f32 sums in another order over at most 1,152 products: 1e-4 of the largest value.
    const double scale = std::max(1.0, expected[i].abs().max().item<double>());
    EXPECT_LT((got - expected[i]).abs().max().item<double>(), 1e-4 * scale) << model->judge_names()[i];
  }
  image.fill_(std::nanf(""));
  const double score = session->run({image.data_ptr<float>(), image.sizes().vec()})[0].data[0];
  EXPECT_FALSE(std::isfinite(score)) << "a broken image must not look good";
}

std::vector<ModelCase> cases() {
  std::vector<ModelCase> list;
  for (const std::string& name : anomaly_model_names()) {
    for (const std::int64_t channels : {1, 3}) {
      for (const bool aligned : {false, true}) {
        list.push_back({name, channels, aligned});
      }
    }
  }
  return list;
}
INSTANTIATE_TEST_SUITE_P(Registry, EveryModel, testing::ValuesIn(cases()), [](const auto& test) {
  return test.param.model + "_" + std::to_string(test.param.channels) + (test.param.aligned ? "_aligned" : "_free");
});

TEST(Registry, KnowsItsModels) {
  EXPECT_GE(anomaly_model_names().size(), 3u);
  for (const std::string& name : anomaly_model_names()) {
    EXPECT_FALSE(anomaly_model_help(name).empty());
  }
  AnomalyModelOptions options;
  options.name = "padim";
  EXPECT_THROW(make_anomaly_model(options, {}, 0), InvalidArgument);
}

TEST(Registry, OddnetHasTheStatedSize) {
  AnomalyInput input;
  const auto model = make_anomaly_model({}, input, 0);
  std::int64_t count = 0;
  for (const auto& [name, tensor] : model->parameters()) {
    count += tensor.numel();
  }
  // The recipe's network without its repair decoder: 665 thousand with coordinates; this one is not aligned.
  EXPECT_NEAR(static_cast<double>(count), 665e3, 10e3);
}

}  // namespace
}  // namespace oddity
