#pragma once

#include <algorithm>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "data/dataset.h"
#include "inference/engine.h"

/// A backend, a package and a dataset in memory, for tests of what stands above the engine.
namespace oddity::fakes {

/// Map = the image's first channel, score = its largest value, repaired = 0.5 everywhere.
class BrightestPixel final : public Backend {
public:
  std::string name() const override { return "fake"; }
  std::shared_ptr<const Program> load(const Graph&, const BackendOptions&) const override {
    return std::make_shared<FakeProgram>();
  }

private:
  class FakeSession final : public Session {
  public:
    std::span<const TensorView> run(const TensorView& input) override {
      const auto height = input.shape[2];
      const auto width = input.shape[3];
      const auto plane = static_cast<std::size_t>(height * width);
      map_.assign(input.data, input.data + plane);
      score_ = *std::max_element(map_.begin(), map_.end());
      repaired_.assign(plane * static_cast<std::size_t>(input.shape[1]), 0.5F);
      outputs_ = {{&score_, {1}}, {map_.data(), {1, 1, height, width}}, {repaired_.data(), input.shape}};
      return outputs_;
    }

  private:
    float score_ = 0;
    std::vector<float> map_, repaired_;
    std::vector<TensorView> outputs_;
  };
  class FakeProgram final : public Program {
  public:
    std::unique_ptr<Session> make_session() const override { return std::make_unique<FakeSession>(); }
  };
};

/// A package of size height x width whose graph is valid; what runs is the backend above.
inline Package package(int height, int width, double threshold, std::vector<double> calibration) {
  Package out;
  out.model = "fake";
  out.input.channels = 1;
  out.input.height = height;
  out.input.width = width;
  out.decision.threshold = threshold;
  out.decision.pixel_threshold = threshold;
  out.decision.calibration_scores = std::move(calibration);
  Graph graph;
  graph.name = "anomaly";
  graph.inputs = {{"image", TensorType::f32, {1, 1, height, width}}};
  graph.outputs = {{"score", TensorType::f32, {1}},
                   {"map", TensorType::f32, {1, 1, height, width}},
                   {"repaired", TensorType::f32, {1, 1, height, width}}};
  graph.nodes = {{"ReduceMax", "score", {"image"}, {"score"}, {{"keepdims", std::int64_t{0}}}},
                 {"Identity", "map", {"image"}, {"map"}, {}},
                 {"Identity", "repaired", {"image"}, {"repaired"}, {}}};
  out.graphs["anomaly"] = graph;
  return out;
}

/// Images and masks given as bytes.
class MemoryDataset final : public Dataset {
public:
  std::string name() const override { return "memory <&> \"test\""; }
  const std::vector<Sample>& samples() const override { return samples_; }
  Image image(std::size_t index) const override { return images_.at(index); }
  Image mask(std::size_t index) const override { return masks_.at(index); }
  bool has_mask(std::size_t index) const override { return samples_.at(index).good() || !masks_.at(index).empty(); }

  /// A `value`d image, black elsewhere, with `value` in the pixels of `mask` (all pixels when it has none).
  void add(const std::string& file, const std::string& label, int height, int width,
           const std::vector<std::uint8_t>& pixels, const std::vector<std::uint8_t>& mask = {},
           const std::string& group = "", Split split = Split::test) {
    Sample sample;
    sample.file = file;
    sample.label = label;
    sample.split = split;
    sample.group = group;
    Image image(height, width, 1, Depth::u8);
    std::copy(pixels.begin(), pixels.end(), image.u8());
    Image marked;
    if (!mask.empty()) {
      sample.mask = "mask/" + file;
      marked = Image(height, width, 1, Depth::u8);
      std::copy(mask.begin(), mask.end(), marked.u8());
    } else if (label == "good") {
      marked = Image(height, width, 1, Depth::u8);
    }
    samples_.push_back(sample);
    images_.push_back(std::move(image));
    masks_.push_back(std::move(marked));
  }
  std::vector<Sample>& edit() { return samples_; }

private:
  std::vector<Sample> samples_;
  std::vector<Image> images_, masks_;
};

}  // namespace oddity::fakes
