#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "inference/backend.h"
#include "inference/package.h"

/// What the tests of inference share: small graphs, packages and images, and a backend that is a plain function.
namespace oddity::samples {

GraphTensor tensor_of(std::string name, std::vector<std::int64_t> shape, const std::vector<float>& values);

/// A valid graph with every kind of attribute, a left-out input and a free size.
Graph every_kind_graph();

/// image [1, C, height, width] -> score [1], map [1, 1, height, width] (and repaired, equal to the image when asked
/// for): map = mean over channels, score = its maximum. -1 leaves a side free.
Graph mean_graph(int channels, std::int64_t height, std::int64_t width, bool repaired = false);
/// One more output "level" [1]; MeanBackend gives 0.25 for it.
void add_level(Graph& graph);

/// A package around `mean_graph` for 16x16 grey images, threshold 0.5, pixel threshold 0.5, nine calibration scores.
Package small_package(int channels = 1, int height = 16, int width = 16);

/// Zeros with the given values at (x, y), all channels.
struct Spot {
  int x = 0, y = 0;
  int value = 0;
};
Image image_of(int height, int width, int channels, Depth depth, const std::vector<Spot>& spots = {});
void fill_box(Image& image, int x0, int y0, int x1, int y1, int value);

/// Runs the function of `mean_graph` (after `change`, which may alter the outputs) without reading the graph.
struct Outputs {
  std::vector<float> score, map, repaired, level;
  std::vector<std::int64_t> map_shape;
};
class MeanBackend final : public Backend {
public:
  explicit MeanBackend(std::function<void(Outputs&)> change = {}) : change_(std::move(change)) {}
  std::string name() const override { return "mean"; }
  std::shared_ptr<const Program> load(const Graph& graph, const BackendOptions& options) const override;

private:
  std::function<void(Outputs&)> change_;
};

}  // namespace oddity::samples
