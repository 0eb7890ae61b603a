#include "inference/graph.h"

#include <algorithm>
#include <array>
#include <optional>
#include <unordered_set>

#include <fmt/core.h>

#include "core/error.h"

namespace oddity {

namespace {

constexpr std::array<std::string_view, 52> operators = {"Abs",
                                                        "Add",
                                                        "AveragePool",
                                                        "BatchNormalization",
                                                        "Cast",
                                                        "Clip",
                                                        "Concat",
                                                        "Conv",
                                                        "ConvTranspose",
                                                        "DepthToSpace",
                                                        "Div",
                                                        "Exp",
                                                        "Expand",
                                                        "Flatten",
                                                        "Gather",
                                                        "Gemm",
                                                        "GlobalAveragePool",
                                                        "GlobalMaxPool",
                                                        "Greater",
                                                        "Identity",
                                                        "LeakyRelu",
                                                        "Less",
                                                        "Log",
                                                        "MatMul",
                                                        "Max",
                                                        "MaxPool",
                                                        "Min",
                                                        "Mul",
                                                        "Neg",
                                                        "Pad",
                                                        "Pow",
                                                        "Reciprocal",
                                                        "ReduceMax",
                                                        "ReduceMean",
                                                        "ReduceMin",
                                                        "ReduceSum",
                                                        "Relu",
                                                        "Reshape",
                                                        "Resize",
                                                        "Shape",
                                                        "Sigmoid",
                                                        "Slice",
                                                        "Softmax",
                                                        "SpaceToDepth",
                                                        "Sqrt",
                                                        "Squeeze",
                                                        "Sub",
                                                        "Tanh",
                                                        "TopK",
                                                        "Transpose",
                                                        "Unsqueeze",
                                                        "Where"};
static_assert(std::is_sorted(operators.begin(), operators.end()));

bool is_supported(std::string_view op) { return std::binary_search(operators.begin(), operators.end(), op); }

/// Empty, too long, or with control characters: such a name would break messages and other readers.
bool is_bad_name(std::string_view name) {
  return name.empty() || name.size() > GraphLimits::name_bytes || std::any_of(name.begin(), name.end(), [](char c) {
           return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
         });
}

std::string printable(std::string_view name) {
  std::string text;
  for (const char c : name.substr(0, 80)) {
    text += static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? '?' : c;
  }
  return name.size() > 80 ? text + "..." : text;
}

std::optional<std::size_t> checked_bytes(const std::vector<std::int64_t>& shape, TensorType type) {
  std::size_t total = bytes_of(type);
  for (const std::int64_t extent : shape) {
    if (extent < 0 || __builtin_mul_overflow(total, static_cast<std::size_t>(extent), &total)) {
      return std::nullopt;
    }
  }
  return total;
}

std::string fault_of_tensor(const GraphTensor& tensor, const std::string& what) {
  if (tensor.shape.size() > GraphLimits::rank) {
    return fmt::format("{} has too many dimensions; got {}; expected at most {}", what, tensor.shape.size(),
                       GraphLimits::rank);
  }
  const auto expected = checked_bytes(tensor.shape, tensor.type);
  if (!expected) {
    return fmt::format("{} has a negative or overflowing shape; expected a shape whose size fits the data", what);
  }
  if (*expected != tensor.bytes.size()) {
    return fmt::format("{} does not have the size of its shape; got {} bytes; expected {}", what, tensor.bytes.size(),
                       *expected);
  }
  return {};
}

std::string fault_of_value(const GraphValue& value, const std::string& what) {
  if (value.shape.size() > GraphLimits::rank) {
    return fmt::format("{} has too many dimensions; got {}; expected at most {}", what, value.shape.size(),
                       GraphLimits::rank);
  }
  if (std::any_of(value.shape.begin(), value.shape.end(), [](std::int64_t extent) { return extent < -1; })) {
    return fmt::format("{} has a negative dimension; expected -1 (free) or a size", what);
  }
  return {};
}

std::string fault_of_node(const GraphNode& node, std::size_t index) {
  const std::string what = fmt::format("node {} ('{}', {})", index, printable(node.name), printable(node.op));
  if (!is_supported(node.op)) {
    return fmt::format("{} uses an operator that packages may not use; got '{}'; expected one of supported_operators()",
                       what, printable(node.op));
  }
  if (node.name.size() > GraphLimits::name_bytes) {
    return fmt::format("{} has too long a name; got {} bytes; expected at most {}", what, node.name.size(),
                       GraphLimits::name_bytes);
  }
  if (node.inputs.size() > GraphLimits::values_per_node || node.outputs.size() > GraphLimits::values_per_node) {
    return fmt::format("{} has too many inputs or outputs; got {} and {}; expected at most {}", what,
                       node.inputs.size(), node.outputs.size(), GraphLimits::values_per_node);
  }
  if (node.attributes.size() > GraphLimits::attributes_per_node) {
    return fmt::format("{} has too many attributes; got {}; expected at most {}", what, node.attributes.size(),
                       GraphLimits::attributes_per_node);
  }
  for (const auto& [name, attribute] : node.attributes) {
    if (is_bad_name(name)) {
      return fmt::format("{} has an attribute with a bad name; got '{}'", what, printable(name));
    }
    if (const auto* tensor = std::get_if<GraphTensor>(&attribute)) {
      if (auto fault = fault_of_tensor(*tensor, fmt::format("{}: attribute '{}'", what, name)); !fault.empty()) {
        return fault;
      }
    }
  }
  if (std::all_of(node.outputs.begin(), node.outputs.end(), [](const auto& output) { return output.empty(); })) {
    return fmt::format("{} gives nothing; expected at least one named output", what);
  }
  return {};
}

}  // namespace

std::size_t bytes_of(TensorType type) {
  switch (type) {
    case TensorType::f64:
    case TensorType::i64:
      return 8;
    case TensorType::f32:
    case TensorType::i32:
      return 4;
    case TensorType::u16:
    case TensorType::bf16:
      return 2;
    case TensorType::u8:
    case TensorType::boolean:
      return 1;
  }
  fail<InvalidArgument>("[inference.bytes_of] unknown tensor type; got {}; expected one of TensorType",
                        static_cast<int>(type));
}

std::span<const std::string_view> supported_operators() { return operators; }

std::string fault_of(const Graph& graph) {
  if (graph.nodes.size() > GraphLimits::nodes) {
    return fmt::format("too many nodes; got {}; expected at most {}", graph.nodes.size(), GraphLimits::nodes);
  }
  if (graph.initializers.size() > GraphLimits::initializers) {
    return fmt::format("too many initialisers; got {}; expected at most {}", graph.initializers.size(),
                       GraphLimits::initializers);
  }
  if (graph.inputs.size() > GraphLimits::values_per_node || graph.outputs.size() > GraphLimits::values_per_node) {
    return fmt::format("too many inputs or outputs; got {} and {}; expected at most {}", graph.inputs.size(),
                       graph.outputs.size(), GraphLimits::values_per_node);
  }
  if (is_bad_name(graph.name)) {
    return fmt::format("the graph has a bad name; got '{}'; expected 1..{} bytes of text", printable(graph.name),
                       GraphLimits::name_bytes);
  }
  std::unordered_set<std::string_view> defined;
  const auto define = [&](const std::string& name, const char* what) -> std::string {
    if (is_bad_name(name)) {
      return fmt::format("{} has a bad name; got '{}'; expected 1..{} bytes of text", what, printable(name),
                         GraphLimits::name_bytes);
    }
    if (!defined.insert(name).second) {
      return fmt::format("{} '{}' is defined twice; expected every name once", what, printable(name));
    }
    return {};
  };

  for (const GraphValue& input : graph.inputs) {
    if (auto fault = define(input.name, "graph input"); !fault.empty()) {
      return fault;
    }
    if (auto fault = fault_of_value(input, fmt::format("graph input '{}'", input.name)); !fault.empty()) {
      return fault;
    }
  }
  for (const GraphTensor& tensor : graph.initializers) {
    if (auto fault = define(tensor.name, "initialiser"); !fault.empty()) {
      return fault;
    }
    if (auto fault = fault_of_tensor(tensor, fmt::format("initialiser '{}'", tensor.name)); !fault.empty()) {
      return fault;
    }
  }
  for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
    const GraphNode& node = graph.nodes[i];
    if (auto fault = fault_of_node(node, i); !fault.empty()) {
      return fault;
    }
    for (const std::string& input : node.inputs) {
      if (!input.empty() && !defined.contains(input)) {
        return fmt::format("node {} ('{}', {}) uses a value that is not defined before it; got '{}'", i,
                           printable(node.name), node.op, printable(input));
      }
    }
    for (const std::string& output : node.outputs) {
      if (output.empty()) {
        continue;
      }
      if (auto fault = define(output, "node output"); !fault.empty()) {
        return fault;
      }
    }
  }
  if (graph.outputs.empty()) {
    return "the graph has no output; expected at least one";
  }
  std::unordered_set<std::string_view> outputs;
  for (const GraphValue& output : graph.outputs) {
    if (!defined.contains(output.name)) {
      return fmt::format("graph output is not defined; got '{}'; expected a value of the graph",
                         printable(output.name));
    }
    if (!outputs.insert(output.name).second) {
      return fmt::format("graph output '{}' is listed twice", printable(output.name));
    }
    if (auto fault = fault_of_value(output, fmt::format("graph output '{}'", output.name)); !fault.empty()) {
      return fault;
    }
  }
  return {};
}

}  // namespace oddity
