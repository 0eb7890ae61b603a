#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

/// A computation graph in the form that packages store (ONNX, opset 17) and backends run. Only the operators of
/// `supported_operators()` are accepted, so that every backend can state that it runs every package.
namespace oddity {

enum class TensorType : std::uint8_t { f32, f64, i64, i32, u8, u16, boolean, bf16 };
std::size_t bytes_of(TensorType type);

/// A constant: little-endian, row-major. `bytes.size() == product(shape) * bytes_of(type)`.
struct GraphTensor {
  std::string name;
  TensorType type = TensorType::f32;
  std::vector<std::int64_t> shape;
  std::vector<std::byte> bytes;
};

using Attribute =
    std::variant<std::int64_t, float, std::string, std::vector<std::int64_t>, std::vector<float>, GraphTensor>;

struct GraphNode {
  std::string op;  ///< ONNX operator of the default domain, "Conv"
  std::string name;
  std::vector<std::string> inputs;  ///< value names; "" = optional input left out
  std::vector<std::string> outputs;
  std::map<std::string, Attribute> attributes;
};

/// A graph input or output. A dimension of -1 is free (its name goes to ONNX as dim_param `d<index>`).
struct GraphValue {
  std::string name;
  TensorType type = TensorType::f32;
  std::vector<std::int64_t> shape;
};

struct Graph {
  std::string name;
  std::vector<GraphValue> inputs;
  std::vector<GraphValue> outputs;
  std::vector<GraphNode> nodes;           ///< topologically sorted
  std::vector<GraphTensor> initializers;  ///< names of registered parameters where they are parameters
};

/// Sorted list of the ONNX operators a package may use.
std::span<const std::string_view> supported_operators();

/// What a graph may hold; the writer refuses more, the reader too, so that what is written can be read.
struct GraphLimits {
  static constexpr std::size_t nodes = 100'000;
  static constexpr std::size_t initializers = 65'536;
  static constexpr std::size_t values_per_node = 4'096;  ///< inputs, and outputs
  static constexpr std::size_t attributes_per_node = 64;
  static constexpr std::size_t rank = 16;
  static constexpr std::size_t name_bytes = 1'024;
};

/// The first reason why a graph is not valid, as `what; got X; expected Y`; empty when it is valid. Checked: operators
/// are supported, every name is defined once and before its use, initialisers have the bytes that their shape needs,
/// outputs exist, limits hold. Attribute values are the business of the backend that runs the node.
std::string fault_of(const Graph& graph);

/// Serialises to an ONNX ModelProto (IR version 8, opset 17), deterministic bytes. Throws InvalidArgument when the
/// graph is not valid (operator not in the list, name defined twice, input undefined, not topologically sorted,
/// initialiser size mismatch).
std::vector<std::byte> write_onnx(const Graph& graph);

/// Reads a ModelProto. Hostile-file safe: every length is checked, limits on counts and nesting, no external data.
/// Throws ContentError.
Graph read_onnx(std::span<const std::byte> bytes);

}  // namespace oddity
