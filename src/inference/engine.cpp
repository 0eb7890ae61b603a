#include "inference/engine.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>
#include <utility>

#include <fmt/format.h>

#include "core/error.h"
#include "image/region_of_interest.h"
#include "inference/regions.h"
#include "oddity/metrics/conformal.h"

namespace oddity {

namespace {

constexpr const char* component = "anomaly";
constexpr double nan = std::numeric_limits<double>::quiet_NaN();
// Self-tests are recorded in f32. bf16 keeps 8 bits of each of the values that a score is summed from.
constexpr double bf16_tolerance = 0.05;  // relative to max(1, |score|)
constexpr double most_stretch = 2.0;     // of an image against the training images, in aspect, without a word

std::optional<std::size_t> find_output(const Graph& graph, std::string_view name) {
  for (std::size_t i = 0; i < graph.outputs.size(); ++i) {
    if (graph.outputs[i].name == name) {
      return i;
    }
  }
  return std::nullopt;
}

std::string text_of(const std::vector<std::int64_t>& shape) { return fmt::format("[{}]", fmt::join(shape, ", ")); }

bool fits(std::int64_t declared, std::int64_t wanted) { return declared == -1 || wanted == 0 || declared == wanted; }

/// The graph must take what the contract makes. Throws InvalidArgument.
void check_graph(const Graph& graph, const InputContract& contract) {
  if (graph.inputs.size() != 1 || graph.inputs[0].name != "image" || graph.inputs[0].type != TensorType::f32 ||
      graph.inputs[0].shape.size() != 4) {
    fail<InvalidArgument>("[inference.Engine] the graph '{}' must have one input 'image' [1, C, H, W] float32",
                          component);
  }
  const auto& shape = graph.inputs[0].shape;
  if (!fits(shape[0], 1) || !fits(shape[1], contract.channels) || !fits(shape[2], contract.height) ||
      !fits(shape[3], contract.width)) {
    fail<InvalidArgument>(
        "[inference.Engine] graph and input contract do not fit; got input {}; expected [1, {}, {}, {}] "
        "(0 = any)",
        text_of(shape), contract.channels, contract.height, contract.width);
  }
  if (contract.height == 0 && (shape[2] != -1 || shape[3] != -1)) {
    fail<InvalidArgument>(
        "[inference.Engine] the contract accepts any size and the graph does not; got input {}; "
        "expected free height and width",
        text_of(shape));
  }
  for (const char* name : {"score", "map"}) {
    if (!find_output(graph, name)) {
      fail<InvalidArgument>("[inference.Engine] the graph '{}' has no output '{}'", component, name);
    }
  }
}

}  // namespace

struct Engine::State {
  Package package;
  EngineOptions options;
  std::shared_ptr<const Program> program;
  std::size_t score = 0, map = 0;  ///< positions among the outputs
  std::optional<std::size_t> repaired, level;
};

struct Engine::Worker::Buffers {
  explicit Buffers(const State& state) : preparer(state.package.input), session(state.program->make_session()) {}

  InputPreparer preparer;
  std::unique_ptr<Session> session;
  TensorView input;
  std::vector<float> map, scratch;
  std::vector<std::uint8_t> mask;
  Image inside;  ///< the region of interest at the size of the last map; empty without one
};

Engine::Engine(Package package, const Backend& backend, const EngineOptions& options) {
  if (options.backend.threads < 1 || options.backend.threads > 1024) {
    fail<InvalidArgument>("[inference.Engine] threads out of range; got {}; expected 1..1024", options.backend.threads);
  }
  if (options.backend.precision != "f32" && options.backend.precision != "bf16") {
    fail<InvalidArgument>("[inference.Engine] precision unknown; got '{}'; expected f32 or bf16",
                          options.backend.precision);
  }
  if (const std::string fault = fault_of(package); !fault.empty()) {
    fail<InvalidArgument>("[inference.Engine] {}", fault);
  }
  const auto found = package.graphs.find(component);
  if (found == package.graphs.end()) {
    fail<InvalidArgument>(
        "[inference.Engine] the package has no component '{}'; expected a package of an anomaly model", component);
  }
  const Graph& graph = found->second;
  check_graph(graph, package.input);
  auto state = std::make_shared<State>();
  state->program = backend.load(graph, options.backend);
  state->score = *find_output(graph, "score");
  state->map = *find_output(graph, "map");
  state->repaired = find_output(graph, "repaired");
  state->level = find_output(graph, "level");
  state->options = options;
  state->package = std::move(package);
  state_ = std::move(state);

  if (!options.run_self_tests) {
    return;
  }
  const auto worker = make_worker();
  const auto& tests = state_->package.self_tests;
  for (std::size_t i = 0; i < tests.size(); ++i) {
    const double score = worker->judge(tests[i].input.view()).score;
    const double tolerance =
        options.backend.precision == "bf16"
            ? std::max(tests[i].tolerance, bf16_tolerance * std::max(1.0, std::abs(tests[i].score)))
            : tests[i].tolerance;
    if (!(std::abs(score - tests[i].score) <= tolerance)) {
      fail<ContentError>(
          "[inference.Engine] self-test {} gives another score on backend '{}' ({}); got {}; expected {} "
          "+- {}",
          i, backend.name(), options.backend.precision, score, tests[i].score, tolerance);
    }
  }
}

Engine::~Engine() = default;
const Package& Engine::package() const { return state_->package; }
const EngineOptions& Engine::options() const { return state_->options; }
std::unique_ptr<Engine::Worker> Engine::make_worker() const { return std::make_unique<Worker>(state_); }

Engine::Worker::Worker(std::shared_ptr<const State> state)
    : state_(std::move(state)), buffers_(std::make_unique<Buffers>(*state_)) {
  // Where the size is known, backends plan and allocate now instead of at the first part.
  const InputContract& input = state_->package.input;
  if (input.height > 0) {
    std::vector<float> zeros(static_cast<std::size_t>(input.channels) * static_cast<std::size_t>(input.height) *
                             static_cast<std::size_t>(input.width));
    buffers_->session->run({zeros.data(), {1, input.channels, input.height, input.width}});
  }
}
Engine::Worker::~Worker() = default;

namespace {

std::size_t count_of(const std::vector<std::int64_t>& shape) {
  std::size_t count = 1;
  for (const std::int64_t extent : shape) {
    count *= static_cast<std::size_t>(extent);
  }
  return count;
}

void check_output(const TensorView& output, const char* name, const std::vector<std::int64_t>& shape) {
  if (output.data == nullptr || output.shape != shape) {
    fail<ContentError>("[inference.judge] the graph's output '{}' has the wrong shape; got {}; expected {}", name,
                       text_of(output.shape), text_of(shape));
  }
}

/// Copies the upper left part of each channel [height, width] to [valid_height, valid_width].
void copy_valid(const float* from, const Prepared& prepared, int channels, std::vector<float>& to) {
  const auto width = static_cast<std::size_t>(prepared.width), height = static_cast<std::size_t>(prepared.height);
  const auto valid_width = static_cast<std::size_t>(prepared.valid_width);
  const auto valid_height = static_cast<std::size_t>(prepared.valid_height);
  to.resize(static_cast<std::size_t>(channels) * valid_height * valid_width);
  float* out = to.data();
  for (std::size_t c = 0; c < static_cast<std::size_t>(channels); ++c) {
    for (std::size_t y = 0; y < valid_height; ++y, out += valid_width) {
      std::copy_n(from + (c * height + y) * width, valid_width, out);
    }
  }
}

Plane evidence_of(const float* from, const Prepared& prepared) {
  Plane plane;
  plane.height = prepared.channels * prepared.valid_height;
  plane.width = prepared.valid_width;
  copy_valid(from, prepared, prepared.channels, plane.values);
  return plane;
}

void refuse_to_judge(Verdict& verdict, std::string reason) {
  verdict.decision = Decision::error;
  verdict.score = nan;
  verdict.p_value = nan;
  verdict.reasons.push_back(std::move(reason));
}

/// `remaining`: the score without the areas that are smaller than the minimum.
void decide(Verdict& verdict, const DecisionRule& rule, FoundRegions found, double remaining) {
  verdict.p_value = metrics::conformal_p_value(verdict.score, rule.calibration_scores);
  verdict.regions = std::move(found.kept);
  if (!(verdict.score > rule.threshold)) {
    verdict.decision = Decision::accept;
    return;
  }
  if (verdict.regions.empty() && found.below_minimum > 0 && remaining <= rule.threshold) {
    verdict.decision = Decision::accept;
    verdict.reasons.push_back(
        fmt::format("The score {:.4g} is above the threshold {:.4g}, but every suspicious area ({}) is smaller than "
                    "the minimum area "
                    "of {:.4g} px.",
                    verdict.score, rule.threshold, found.below_minimum, rule.minimum_area_px));
    return;
  }
  verdict.decision = Decision::reject;
  verdict.reasons.push_back(
      fmt::format("The score {:.4g} is above the threshold {:.4g} (p-value {:.3g}, overkill budget {:.3g}).",
                  verdict.score, rule.threshold, verdict.p_value, rule.budget));
  if (verdict.regions.empty()) {
    verdict.reasons.push_back(fmt::format(
        "No pixel of the map is above the pixel threshold {:.4g}: the whole image is unusual, no area stands out.",
        rule.pixel_threshold));
  }
}

/// An image of another form than the training images is judged all the same; the verdict says so.
void note_form(Verdict& verdict, const ImageView& image, const InputContract& input) {
  if (input.fit == "stretch" && input.image_height > 0 && input.image_width > 0) {
    const double ratio =
        static_cast<double>(image.width) * input.image_height / (static_cast<double>(image.height) * input.image_width);
    if (ratio > most_stretch || ratio * most_stretch < 1) {
      verdict.reasons.push_back(
          fmt::format("The image is {}x{} px and was stretched to the shape of the training images, about {}x{} px "
                      "(width x height): parts of this shape were not seen in training.",
                      image.width, image.height, input.image_width, input.image_height));
    }
  }
  if (image.depth != input.depth) {
    verdict.reasons.push_back(
        fmt::format("The image has {} bit and the training images had {}: its values were taken as shares of {:g}.",
                    8 * bytes_of(image.depth), 8 * bytes_of(input.depth), divisor_of(image.depth, input)));
  }
}

}  // namespace

Verdict Engine::Worker::judge(const ImageView& image) {
  const auto start = std::chrono::steady_clock::now();
  Buffers& buffers = *buffers_;
  const Package& package = state_->package;
  const DecisionRule& rule = package.decision;
  const Prepared& prepared = buffers.preparer.run(image);

  // Backends take a mutable view; they do not write to their input.
  buffers.input.data = const_cast<float*>(prepared.values.data());
  buffers.input.shape.assign({1, prepared.channels, prepared.height, prepared.width});
  const std::span<const TensorView> outputs = buffers.session->run(buffers.input);
  if (outputs.size() != package.graphs.at(component).outputs.size()) {
    fail<ContentError>("[inference.judge] the backend gave {} outputs; expected {}", outputs.size(),
                       package.graphs.at(component).outputs.size());
  }
  const TensorView& score = outputs[state_->score];
  if (score.data == nullptr || count_of(score.shape) != 1) {
    fail<ContentError>("[inference.judge] the graph's output 'score' has the wrong shape; got {}; expected one value",
                       text_of(score.shape));
  }
  check_output(outputs[state_->map], "map", {1, 1, prepared.height, prepared.width});
  copy_valid(outputs[state_->map].data, prepared, 1, buffers.map);

  Verdict verdict;
  verdict.threshold = rule.threshold;
  const bool keep = state_->options.keep_evidence;
  if (keep) {
    verdict.input = evidence_of(prepared.values.data(), prepared);
    if (state_->repaired) {
      check_output(outputs[*state_->repaired], "repaired", buffers.input.shape);
      verdict.repaired = evidence_of(outputs[*state_->repaired].data, prepared);
      verdict.repaired_channels = prepared.channels;
    }
  }

  const auto finish = [&]() -> Verdict&& {
    const std::chrono::duration<double, std::milli> elapsed = std::chrono::steady_clock::now() - start;
    verdict.milliseconds = elapsed.count();
    return std::move(verdict);
  };
  const auto is_finite = [](float value) { return std::isfinite(value); };
  if (!is_finite(*score.data) || !std::all_of(buffers.map.begin(), buffers.map.end(), is_finite)) {
    refuse_to_judge(verdict, "The model gave a value that is not a number; the part was not judged.");
    return finish();
  }

  MapView map{buffers.map, {}, prepared.valid_height, prepared.valid_width, prepared.scale_x, prepared.scale_y};
  if (!package.region.polygons.empty()) {
    if (buffers.inside.height != map.height || buffers.inside.width != map.width) {
      buffers.inside = rasterise(package.region.polygons, map.height, map.width);
    }
    map.inside = std::span(buffers.inside.u8(), buffers.inside.pixels.size());
    if (std::all_of(map.inside.begin(), map.inside.end(), [](std::uint8_t value) { return value == 0; })) {
      refuse_to_judge(verdict, "The region of interest holds no pixel at this size; the part was not judged.");
      return finish();
    }
    const float least = *std::min_element(buffers.map.begin(), buffers.map.end());
    for (std::size_t i = 0; i < buffers.map.size(); ++i) {
      if (map.inside[i] == 0) {
        buffers.map[i] = least;
      }
    }
  }
  double offset = 0;  // from pooled map values to the score
  if (rule.pooling == "graph") {
    verdict.score = *score.data;
  } else {
    if (state_->level) {
      const TensorView& level = outputs[*state_->level];
      if (level.data == nullptr || count_of(level.shape) != 1) {
        fail<ContentError>(
            "[inference.judge] the graph's output 'level' has the wrong shape; got {}; expected one value",
            text_of(level.shape));
      }
      offset = *level.data;
    }
    verdict.score = offset + pool_top_fraction(map, rule.pooling_fraction, buffers.scratch);
  }
  FoundRegions found = find_regions(map, rule, buffers.mask);
  double remaining = verdict.score;
  if (found.kept.empty() && found.below_minimum > 0 && rule.pooling != "graph") {
    MapView rest = map;
    for (std::size_t i = 0; i < buffers.mask.size(); ++i) {
      buffers.mask[i] = buffers.mask[i] == 0 && (map.inside.empty() || map.inside[i] != 0) ? 1 : 0;
    }
    rest.inside = buffers.mask;
    const bool any = std::find(buffers.mask.begin(), buffers.mask.end(), 1) != buffers.mask.end();
    remaining = any ? offset + pool_top_fraction(rest, rule.pooling_fraction, buffers.scratch)
                    : -std::numeric_limits<double>::infinity();
  }
  decide(verdict, rule, std::move(found), remaining);
  note_form(verdict, image, package.input);
  if (keep) {
    verdict.map = {map.height, map.width, buffers.map};
  }
  return finish();
}

}  // namespace oddity
