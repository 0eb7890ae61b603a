#include <cstring>

#include <fmt/core.h>

#include "core/error.h"
#include "inference/graph.h"
#include "inference/onnx_format.h"

/// Protobuf wire format by hand: fields in ascending order, attributes by name, so that equal graphs give equal bytes.
namespace oddity {

namespace {

using onnx::Wire;

class Message {
public:
  void varint(std::uint32_t field, std::int64_t value) {
    key(field, Wire::varint);
    raw_varint(static_cast<std::uint64_t>(value));
  }
  void fixed32(std::uint32_t field, float value) {
    key(field, Wire::fixed32);
    append(&value, sizeof value);
  }
  void text(std::uint32_t field, std::string_view value) { bytes(field, std::as_bytes(std::span(value))); }
  void message(std::uint32_t field, const Message& value) { bytes(field, value.bytes_); }
  void bytes(std::uint32_t field, std::span<const std::byte> value) {
    key(field, Wire::bytes);
    raw_varint(value.size());
    append(value.data(), value.size());
  }
  void reserve(std::size_t size) { bytes_.reserve(size); }
  std::size_t size() const { return bytes_.size(); }
  std::vector<std::byte> take() { return std::move(bytes_); }

private:
  void key(std::uint32_t field, Wire wire) { raw_varint((field << 3) | static_cast<std::uint32_t>(wire)); }
  void raw_varint(std::uint64_t value) {
    while (value >= 0x80) {
      bytes_.push_back(static_cast<std::byte>((value & 0x7f) | 0x80));
      value >>= 7;
    }
    bytes_.push_back(static_cast<std::byte>(value));
  }
  void append(const void* data, std::size_t size) {
    const auto* first = static_cast<const std::byte*>(data);
    bytes_.insert(bytes_.end(), first, first + size);
  }

  std::vector<std::byte> bytes_;
};

Message write_tensor(const GraphTensor& tensor) {
  Message message;
  message.reserve(tensor.bytes.size() + tensor.name.size() + 16 * tensor.shape.size() + 32);
  for (const std::int64_t extent : tensor.shape) {
    message.varint(onnx::tensor::dims, extent);
  }
  message.varint(onnx::tensor::data_type, onnx::data_type_of(tensor.type));
  message.text(onnx::tensor::name, tensor.name);
  message.bytes(onnx::tensor::raw_data, tensor.bytes);
  return message;
}

struct AttributeWriter {
  Message& message;

  void type(onnx::attribute::Type type) const { message.varint(onnx::attribute::type, type); }
  void operator()(std::int64_t value) const {
    message.varint(onnx::attribute::i, value);
    type(onnx::attribute::type_int);
  }
  void operator()(float value) const {
    message.fixed32(onnx::attribute::f, value);
    type(onnx::attribute::type_float);
  }
  void operator()(const std::string& value) const {
    message.text(onnx::attribute::s, value);
    type(onnx::attribute::type_string);
  }
  void operator()(const std::vector<std::int64_t>& values) const {
    for (const std::int64_t value : values) {
      message.varint(onnx::attribute::ints, value);
    }
    type(onnx::attribute::type_ints);
  }
  void operator()(const std::vector<float>& values) const {
    for (const float value : values) {
      message.fixed32(onnx::attribute::floats, value);
    }
    type(onnx::attribute::type_floats);
  }
  void operator()(const GraphTensor& tensor) const {
    message.message(onnx::attribute::t, write_tensor(tensor));
    type(onnx::attribute::type_tensor);
  }
};

Message write_node(const GraphNode& node) {
  Message message;
  for (const std::string& input : node.inputs) {
    message.text(onnx::node::input, input);
  }
  for (const std::string& output : node.outputs) {
    message.text(onnx::node::output, output);
  }
  message.text(onnx::node::name, node.name);
  message.text(onnx::node::op, node.op);
  for (const auto& [name, attribute] : node.attributes) {
    Message part;
    part.text(onnx::attribute::name, name);
    std::visit(AttributeWriter{part}, attribute);
    message.message(onnx::node::attribute, part);
  }
  return message;
}

Message write_value(const GraphValue& value) {
  Message shape;
  for (std::size_t i = 0; i < value.shape.size(); ++i) {
    Message dimension;
    if (value.shape[i] >= 0) {
      dimension.varint(onnx::dimension::value, value.shape[i]);
    } else {
      dimension.text(onnx::dimension::param, fmt::format("d{}", i));
    }
    shape.message(onnx::shape::dim, dimension);
  }
  Message tensor;
  tensor.varint(onnx::tensor_type::elem_type, onnx::data_type_of(value.type));
  tensor.message(onnx::tensor_type::shape, shape);
  Message type;
  type.message(onnx::type::tensor, tensor);
  Message message;
  message.text(onnx::value::name, value.name);
  message.message(onnx::value::type, type);
  return message;
}

Message write_graph(const Graph& graph) {
  std::size_t estimate = 1024;
  for (const GraphTensor& tensor : graph.initializers) {
    estimate += tensor.bytes.size() + 256;
  }
  Message message;
  message.reserve(estimate);
  for (const GraphNode& node : graph.nodes) {
    message.message(onnx::graph::node, write_node(node));
  }
  message.text(onnx::graph::name, graph.name);
  for (const GraphTensor& tensor : graph.initializers) {
    message.message(onnx::graph::initializer, write_tensor(tensor));
  }
  for (const GraphValue& input : graph.inputs) {
    message.message(onnx::graph::input, write_value(input));
  }
  for (const GraphValue& output : graph.outputs) {
    message.message(onnx::graph::output, write_value(output));
  }
  return message;
}

}  // namespace

std::vector<std::byte> write_onnx(const Graph& graph) {
  if (const std::string fault = fault_of(graph); !fault.empty()) {
    fail<InvalidArgument>("[inference.write_onnx] {}", fault);
  }
  const Message body = write_graph(graph);
  Message opset;
  opset.text(onnx::opset_id::domain, "");
  opset.varint(onnx::opset_id::version, onnx::opset);
  Message model;
  model.reserve(body.size() + 64);
  model.varint(onnx::model::ir_version, onnx::ir_version);
  model.text(onnx::model::producer, "oddity");
  model.message(onnx::model::graph, body);
  model.message(onnx::model::opset_import, opset);
  return model.take();
}

}  // namespace oddity
