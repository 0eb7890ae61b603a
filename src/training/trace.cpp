#include "training/trace.h"

#include <algorithm>

#include <ATen/core/grad_mode.h>
#include <torch/csrc/jit/frontend/tracer.h>
#include <torch/csrc/jit/ir/ir.h>
#include <torch/csrc/jit/passes/constant_propagation.h>
#include <torch/csrc/jit/passes/dead_code_elimination.h>

#include "core/error.h"
#include "training/trace_call.h"

namespace oddity {

namespace {

using Forward = std::function<std::vector<at::Tensor>(const at::Tensor&)>;
using JitGraph = std::shared_ptr<torch::jit::Graph>;

/// The tracer stores constants in its graph and refuses those that require grad.
class WithoutGrad {
public:
  explicit WithoutGrad(const std::vector<NamedTensor>& parameters) {
    for (const auto& [name, tensor] : parameters) {
      if (tensor.requires_grad() && tensor.is_leaf()) {
        tensor.set_requires_grad(false);
        changed_.push_back(tensor);
      }
    }
  }
  ~WithoutGrad() {
    for (const at::Tensor& tensor : changed_) {
      tensor.set_requires_grad(true);
    }
  }
  WithoutGrad(const WithoutGrad&) = delete;
  WithoutGrad& operator=(const WithoutGrad&) = delete;

private:
  at::NoGradGuard guard_;
  std::vector<at::Tensor> changed_;
};

/// at::tensor() and at::from_blob() inside a forward pass write into memory behind the tracer's back: folding the trace
/// would read what happens to lie there. Memory that is only filled with a number is fine (`1 - x` does that).
void refuse_fresh_memory(const JitGraph& graph) {
  for (const torch::jit::Node* node : graph->nodes()) {
    const std::string_view kind = node->kind().toQualString();
    const bool fresh = kind.starts_with("aten::empty") || kind.starts_with("aten::new_empty");
    // fill_ is recorded as full_like.
    const auto fills = [](const torch::jit::Use& use) { return use.user->kind() == c10::aten::full_like; };
    if (fresh && !std::ranges::all_of(node->output()->uses(), fills)) {
      fail<InvalidArgument>(
          "[training.trace_graph] operator {} leaves memory whose values the trace does not see; expected constants to "
          "be made before the forward pass",
          kind);
    }
  }
}

thread_local bool tracing = false;

/// The tracer warns where an in-place operator changes memory that another tensor sees (a view and its base): it would
/// record the change of one of them only.
void refuse_warnings(const std::string& message) {
  if (!tracing) {
    TORCH_WARN(message);
    return;
  }
  fail<InvalidArgument>("[training.trace_graph] the trace would be wrong: {}", message);
}

class RefuseWarnings {
public:
  RefuseWarnings() {
    torch::jit::tracer::setWarn(refuse_warnings);
    tracing = true;
  }
  ~RefuseWarnings() { tracing = false; }
  RefuseWarnings(const RefuseWarnings&) = delete;
  RefuseWarnings& operator=(const RefuseWarnings&) = delete;
};

JitGraph trace_once(const Forward& forward, const at::Tensor& example, std::size_t outputs) {
  const auto traced = [&](const torch::jit::Stack& stack) {
    std::vector<at::Tensor> results = forward(stack.at(0).toTensor());
    if (results.size() != outputs) {
      fail<InvalidArgument>("[training.trace_graph] wrong number of outputs; got {} from the forward pass; expected {}",
                            results.size(), outputs);
    }
    return torch::jit::Stack(results.begin(), results.end());
  };
  const RefuseWarnings strictly;
  // In-place operators are recorded as the ones that return a new tensor.
  const auto [state, values] = torch::jit::tracer::trace(
      {example}, traced, [](const at::Tensor&) { return std::string(); }, /*strict=*/true, /*force_outplace=*/true);
  JitGraph graph = state->graph;
  torch::jit::EliminateDeadCode(graph);
  refuse_fresh_memory(graph);
  torch::jit::ConstantPropagation(graph);
  torch::jit::EliminateDeadCode(graph);
  return graph;
}

/// The nodes that compute, in order.
std::vector<torch::jit::Node*> computing_nodes(const JitGraph& graph) {
  std::vector<torch::jit::Node*> nodes;
  for (torch::jit::Node* node : graph->nodes()) {
    if (node->kind() != c10::prim::Constant && node->kind() != c10::prim::ListConstruct) {
      nodes.push_back(node);
    }
  }
  return nodes;
}

std::vector<TracedNodes> aligned(const std::vector<JitGraph>& graphs) {
  std::vector<TracedNodes> result;
  for (std::size_t trace = 0; trace < graphs.size(); ++trace) {
    const std::vector<torch::jit::Node*> nodes = computing_nodes(graphs[trace]);
    if (trace == 0) {
      result.resize(nodes.size());
    }
    const std::size_t common = std::min(nodes.size(), result.size());
    for (std::size_t i = 0; i < common; ++i) {
      if (trace > 0 && result[i][0]->kind() != nodes[i]->kind()) {
        fail<InvalidArgument>(
            "[training.trace_graph] the forward pass takes another path at another image size; got {} where the "
            "example's size gives {}",
            nodes[i]->kind().toQualString(), result[i][0]->kind().toQualString());
      }
      result[i].push_back(nodes[i]);
    }
    if (nodes.size() != result.size()) {
      fail<InvalidArgument>(
          "[training.trace_graph] the forward pass has another length at another image size; got {} operators; "
          "expected {}",
          nodes.size(), result.size());
    }
  }
  return result;
}

}  // namespace

Graph trace_graph(const Forward& forward, const at::Tensor& example, const std::vector<NamedTensor>& parameters,
                  const std::vector<std::string>& output_names, bool free_size, const std::string& name) {
  if (!example.defined() || example.dim() != 4 || example.scalar_type() != at::kFloat || example.numel() == 0 ||
      output_names.empty()) {
    fail<InvalidArgument>("[training.trace_graph] expected an example [1, C, H, W] of float32 and at least one output");
  }
  const WithoutGrad guard(parameters);
  // Where the size is free, what differs between these traces depends on it; the doubled sides tell how.
  std::vector<JitGraph> graphs;
  graphs.push_back(trace_once(forward, example, output_names.size()));
  if (free_size) {
    graphs.push_back(trace_once(forward, example.repeat({1, 1, 2, 1}), output_names.size()));
    graphs.push_back(trace_once(forward, example.repeat({1, 1, 1, 2}), output_names.size()));
  }
  GraphBuilder builder(name, example, parameters);
  ValueNames names;
  names[graphs[0]->inputs().at(0)] = "image";
  for (const TracedNodes& nodes : aligned(graphs)) {
    Call call(nodes, builder, names);
    Reducer reduce = find_computing_reducer(call.what());
    reduce = reduce == nullptr ? find_layout_reducer(call.what()) : reduce;
    if (reduce == nullptr) {
      call.reject("there is no rule for it");
    }
    reduce(call);
  }
  std::vector<std::string> values;
  std::vector<Integers> shapes;
  for (std::size_t i = 0; i < output_names.size(); ++i) {
    TracedValues output;
    for (const JitGraph& graph : graphs) {
      output.push_back(graph->outputs().at(i));
    }
    values.push_back(name_of(output, builder, names, "return"));
    Integers& shape = shapes.emplace_back();
    for (const Extent& extent : extents_of(output)) {
      shape.push_back(extent.fixed() || !free_size ? extent.seen[0] : -1);
    }
  }
  return builder.finish(values, output_names, free_size, shapes);
}

}  // namespace oddity
