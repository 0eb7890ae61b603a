#include "samples.h"

#include <algorithm>
#include <cstring>

namespace oddity::samples {

GraphTensor tensor_of(std::string name, std::vector<std::int64_t> shape, const std::vector<float>& values) {
  GraphTensor tensor{std::move(name), TensorType::f32, std::move(shape), {}};
  const auto bytes = std::as_bytes(std::span(values));
  tensor.bytes.assign(bytes.begin(), bytes.end());
  return tensor;
}

Graph every_kind_graph() {
  Graph graph;
  graph.name = "every kind";
  graph.inputs = {{"image", TensorType::f32, {1, 2, -1, -1}}};
  graph.outputs = {{"small", TensorType::f32, {1, 2, -1, -1}}, {"code", TensorType::i32, {1, 4, -1, -1}}};
  graph.initializers = {tensor_of("encoder.0.weight", {4, 2, 1, 1}, {1, -2, 3, -4, 0.5f, 0.25f, -1e-30f, 1e30f}),
                        tensor_of("scales", {4}, {1, 1, 2, 2}),
                        {"empty", TensorType::i64, {0}, {}}};
  GraphNode conv{"Conv", "first", {"image", "encoder.0.weight"}, {"features"}, {}};
  conv.attributes["kernel_shape"] = std::vector<std::int64_t>{1, 1};
  conv.attributes["group"] = std::int64_t{1};
  GraphNode cast{"Cast", "second", {"features"}, {"code"}, {{"to", std::int64_t{6}}, {"negative", std::int64_t{-3}}}};
  GraphNode resize{"Resize", "third", {"image", "", "scales"}, {"small"}, {}};
  resize.attributes["mode"] = std::string("linear");
  resize.attributes["cubic_coeff_a"] = -0.75f;
  resize.attributes["list"] = std::vector<float>{1.5f, -0.0f};
  resize.attributes["tensor"] = tensor_of("inner", {2}, {7, 8});
  graph.nodes = {conv, cast, resize};
  return graph;
}

Graph mean_graph(int channels, std::int64_t height, std::int64_t width, bool repaired) {
  Graph graph;
  graph.name = "mean";
  graph.inputs = {{"image", TensorType::f32, {1, channels, height, width}}};
  graph.outputs = {{"score", TensorType::f32, {1}}, {"map", TensorType::f32, {1, 1, height, width}}};
  GraphNode mean{"ReduceMean", "mean", {"image"}, {"map"}, {}};
  mean.attributes["axes"] = std::vector<std::int64_t>{1};
  mean.attributes["keepdims"] = std::int64_t{1};
  GraphNode peak{"ReduceMax", "peak", {"map"}, {"score"}, {}};
  peak.attributes["axes"] = std::vector<std::int64_t>{1, 2, 3};
  peak.attributes["keepdims"] = std::int64_t{0};
  graph.nodes = {mean, peak};
  if (repaired) {
    graph.outputs.push_back({"repaired", TensorType::f32, {1, channels, height, width}});
    graph.nodes.push_back({"Identity", "copy", {"image"}, {"repaired"}, {}});
  }
  return graph;
}

void add_level(Graph& graph) {
  GraphNode level = graph.nodes[1];
  level.name = "level", level.outputs = {"level"};
  graph.nodes.push_back(level);
  graph.outputs.push_back({"level", TensorType::f32, {1}});
}

Package small_package(int channels, int height, int width) {
  Package package;
  package.model = "template";
  package.options_json = R"({"training":{"seed":3,"steps":100},"data":{"root":"parts"}})";
  package.manifest_json = R"({"machine":"m","data_sha256":"ab"})";
  package.input.channels = channels;
  package.input.height = height;
  package.input.width = width;
  package.decision.threshold = 0.5;
  package.decision.pixel_threshold = 0.5;
  package.decision.budget = 0.1;
  package.decision.calibration_scores = {0.1, 0.12, 0.2, 0.21, 0.3, 0.33, 0.4, 0.41, 0.5};
  package.graphs.emplace("anomaly", mean_graph(channels, height, width));
  return package;
}

void fill_box(Image& image, int x0, int y0, int x1, int y1, int value) {
  for (int y = y0; y < y1; ++y) {
    for (int x = x0; x < x1; ++x) {
      for (int c = 0; c < image.channels; ++c) {
        const auto index =
            (static_cast<std::size_t>(y) * static_cast<std::size_t>(image.width) + static_cast<std::size_t>(x)) *
                static_cast<std::size_t>(image.channels) +
            static_cast<std::size_t>(c);
        if (image.depth == Depth::u8) {
          image.u8()[index] = static_cast<std::uint8_t>(value);
        } else {
          image.u16()[index] = static_cast<std::uint16_t>(value);
        }
      }
    }
  }
}

Image image_of(int height, int width, int channels, Depth depth, const std::vector<Spot>& spots) {
  Image image(height, width, channels, depth);
  for (const Spot& spot : spots) {
    fill_box(image, spot.x, spot.y, spot.x + 1, spot.y + 1, spot.value);
  }
  return image;
}

namespace {

class MeanSession final : public Session {
public:
  MeanSession(std::function<void(Outputs&)> change, std::size_t outputs)
      : change_(std::move(change)), count_(outputs) {}

  std::span<const TensorView> run(const TensorView& input) override {
    const auto channels = static_cast<std::size_t>(input.shape[1]);
    const auto pixels = static_cast<std::size_t>(input.shape[2] * input.shape[3]);
    outputs_.map.assign(pixels, 0);
    for (std::size_t c = 0; c < channels; ++c) {
      for (std::size_t i = 0; i < pixels; ++i) {
        outputs_.map[i] += input.data[c * pixels + i] / static_cast<float>(channels);
      }
    }
    outputs_.score = {*std::max_element(outputs_.map.begin(), outputs_.map.end())};
    outputs_.map_shape = {1, 1, input.shape[2], input.shape[3]};
    outputs_.repaired.assign(input.data, input.data + channels * pixels);
    outputs_.level = {0.25f};
    if (change_) {
      change_(outputs_);
    }
    views_ = {{outputs_.score.data(), {static_cast<std::int64_t>(outputs_.score.size())}},
              {outputs_.map.data(), outputs_.map_shape},
              {outputs_.repaired.data(), input.shape},
              {outputs_.level.data(), {static_cast<std::int64_t>(outputs_.level.size())}}};
    return std::span(views_).first(count_);
  }

private:
  std::function<void(Outputs&)> change_;
  std::size_t count_;
  Outputs outputs_;
  std::vector<TensorView> views_;
};

class MeanProgram final : public Program {
public:
  MeanProgram(std::function<void(Outputs&)> change, std::size_t outputs)
      : change_(std::move(change)), outputs_(outputs) {}
  std::unique_ptr<Session> make_session() const override { return std::make_unique<MeanSession>(change_, outputs_); }

private:
  std::function<void(Outputs&)> change_;
  std::size_t outputs_;
};

}  // namespace

std::shared_ptr<const Program> MeanBackend::load(const Graph& graph, const BackendOptions&) const {
  return std::make_shared<MeanProgram>(change_, graph.outputs.size());
}

}  // namespace oddity::samples
