#include "backends/torch/graph_rewrite.h"

#include <cmath>
#include <cstring>
#include <span>
#include <unordered_set>

namespace oddity::torch_backend {

namespace {

std::vector<float> floats_of(const GraphTensor& tensor) {
  std::vector<float> values(tensor.bytes.size() / sizeof(float));
  std::memcpy(values.data(), tensor.bytes.data(), values.size() * sizeof(float));
  return values;
}

GraphTensor tensor_of(std::string name, std::vector<std::int64_t> shape, const std::vector<float>& values) {
  GraphTensor tensor{std::move(name), TensorType::f32, std::move(shape), {}};
  tensor.bytes.resize(values.size() * sizeof(float));
  std::memcpy(tensor.bytes.data(), values.data(), tensor.bytes.size());
  return tensor;
}

bool is_zero(const Attribute& attribute) {
  const auto* value = std::get_if<std::int64_t>(&attribute);
  return value != nullptr && *value == 0;
}

class Rewriter {
public:
  explicit Rewriter(const Graph& graph) {
    std::unordered_set<std::string> needed;
    for (const GraphValue& output : graph.outputs) {
      needed.insert(output.name);
      ++uses_[output.name];
    }
    std::vector<const GraphNode*> kept;
    for (auto node = graph.nodes.rbegin(); node != graph.nodes.rend(); ++node) {
      bool live = false;
      for (const std::string& output : node->outputs) {
        live = live || needed.contains(output);
      }
      if (!live) {
        continue;
      }
      kept.push_back(&*node);
      for (const std::string& input : node->inputs) {
        needed.insert(input);
        ++uses_[input];
      }
    }
    for (auto node = kept.rbegin(); node != kept.rend(); ++node) {
      result_.nodes.push_back({**node, "", 0});
    }
    for (const GraphTensor& tensor : graph.initializers) {
      if (needed.contains(tensor.name)) {
        result_.initializers.emplace(tensor.name, tensor);
      }
    }
  }

  RewrittenGraph run() {
    std::vector<RewrittenNode> nodes;
    std::unordered_map<std::string, std::size_t> producer;  // of a node's only output
    for (RewrittenNode& current : result_.nodes) {
      GraphNode& node = current.node;
      RewrittenNode* before = nullptr;
      if (!node.inputs.empty() && uses_[node.inputs[0]] == 1) {
        const auto found = producer.find(node.inputs[0]);
        before = found == producer.end() ? nullptr : &nodes[found->second];
      }
      if (before != nullptr && merges(*before, node)) {
        before->node.outputs = node.outputs;
        producer[node.outputs[0]] = producer.at(node.inputs[0]);
        continue;
      }
      if (node.outputs.size() == 1) {
        producer[node.outputs[0]] = nodes.size();
      }
      nodes.push_back(std::move(current));
    }
    result_.nodes = std::move(nodes);
    return std::move(result_);
  }

private:
  bool merges(RewrittenNode& before, const GraphNode& node) {
    if (before.node.op != "Conv" || !before.activation.empty()) {
      return false;
    }
    if (node.op == "BatchNormalization") {
      return folds_norm(before.node, node);
    }
    if (node.op != "Relu" && node.op != "LeakyRelu") {
      return false;
    }
    const auto alpha = node.attributes.find("alpha");
    const float* slope = alpha == node.attributes.end() ? nullptr : std::get_if<float>(&alpha->second);
    before.activation = node.op;
    before.slope = slope == nullptr ? 0.01F : *slope;
    return true;
  }

  const GraphTensor* initializer(const std::string& name, TensorType type) const {
    const auto found = result_.initializers.find(name);
    return found != result_.initializers.end() && found->second.type == type ? &found->second : nullptr;
  }

  /// W' = W * s, b' = (b - mean) * s + beta with s = gamma / sqrt(var + epsilon), per output channel.
  bool folds_norm(GraphNode& conv, const GraphNode& norm) {
    const GraphTensor* weight = conv.inputs.size() > 1 ? initializer(conv.inputs[1], TensorType::f32) : nullptr;
    const bool has_bias = conv.inputs.size() > 2 && !conv.inputs[2].empty();
    const GraphTensor* bias = has_bias ? initializer(conv.inputs[2], TensorType::f32) : nullptr;
    const auto training = norm.attributes.find("training_mode");
    if (weight == nullptr || weight->shape.empty() || (has_bias && bias == nullptr) || norm.inputs.size() != 5 ||
        (training != norm.attributes.end() && !is_zero(training->second))) {
      return false;
    }
    const auto channels = static_cast<std::size_t>(weight->shape[0]);
    std::vector<std::vector<float>> statistics;  // gamma, beta, mean, variance
    for (std::size_t i = 1; i < 5; ++i) {
      const GraphTensor* tensor = initializer(norm.inputs[i], TensorType::f32);
      if (tensor == nullptr || tensor->bytes.size() != channels * sizeof(float)) {
        return false;
      }
      statistics.push_back(floats_of(*tensor));
    }
    double epsilon = 1e-5F;
    if (const auto found = norm.attributes.find("epsilon"); found != norm.attributes.end()) {
      const float* given = std::get_if<float>(&found->second);
      if (given == nullptr) {
        return false;
      }
      epsilon = *given;
    }
    std::vector<float> weights = floats_of(*weight);
    std::vector<float> shifts = has_bias ? floats_of(*bias) : std::vector<float>(channels, 0.0F);
    if (channels == 0 || shifts.size() != channels) {
      return false;
    }
    const std::size_t per_channel = weights.size() / channels;
    for (std::size_t c = 0; c < channels; ++c) {
      const double scale = statistics[0][c] / std::sqrt(static_cast<double>(statistics[3][c]) + epsilon);
      for (float& w : std::span(weights).subspan(c * per_channel, per_channel)) {
        w = static_cast<float>(w * scale);
      }
      shifts[c] = static_cast<float>((static_cast<double>(shifts[c]) - statistics[2][c]) * scale + statistics[1][c]);
    }
    const std::vector<std::int64_t> shape = weight->shape;
    conv.inputs = {conv.inputs[0], add(conv.outputs[0] + "/folded_weight", shape, weights),
                   add(conv.outputs[0] + "/folded_bias", {static_cast<std::int64_t>(channels)}, shifts)};
    return true;
  }

  std::string add(std::string name, std::vector<std::int64_t> shape, const std::vector<float>& values) {
    while (result_.initializers.contains(name) || uses_.contains(name)) {
      name += '_';
    }
    result_.initializers.emplace(name, tensor_of(name, std::move(shape), values));
    return name;
  }

  RewrittenGraph result_;
  std::unordered_map<std::string, std::size_t> uses_;
};

}  // namespace

RewrittenGraph rewrite(const Graph& graph) { return Rewriter(graph).run(); }

}  // namespace oddity::torch_backend
