#include <cstring>

#include "core/error.h"
#include "inference/graph.h"
#include "inference/onnx_fields.h"
#include "inference/onnx_format.h"

/// A reader of the protobuf wire format for the messages that packages use. It trusts nothing: every varint and length
/// is checked against the enclosing message, nesting is bounded by the schema (graph attributes are refused), data in
/// other files is refused, fields it does not know are skipped.
namespace oddity {

namespace {

using onnx::Fields;
using onnx::refuse;

template <class T>
void push_limited(std::vector<T>& list, T value, std::size_t limit, const char* what) {
  if (list.size() >= limit) {
    refuse("too many {}; expected at most {}", what, limit);
  }
  list.push_back(std::move(value));
}

TensorType read_type(std::int64_t number, const std::string& name) {
  const auto type = onnx::tensor_type_of(number);
  if (!type) {
    refuse(
        "'{}' has a data type that packages do not use; got ONNX type {}; expected float, double, int64, int32, "
        "uint8, uint16, bool or bfloat16",
        name, number);
  }
  return *type;
}

template <class T>
void append_bytes(std::vector<std::byte>& bytes, T value) {
  const auto part = std::as_bytes(std::span<const T, 1>(&value, 1));
  bytes.insert(bytes.end(), part.begin(), part.end());
}

GraphTensor read_tensor(std::span<const std::byte> message) {
  GraphTensor tensor;
  std::int64_t data_type = 0;
  bool has_raw = false;
  std::vector<std::byte> typed;     // from float_data, int64_data or double_data
  std::vector<std::int64_t> small;  // from int32_data, which also carries the narrower types
  std::uint32_t typed_field = 0;
  const auto note = [&](std::uint32_t field) {
    if (typed_field != 0 && typed_field != field) {
      refuse("a tensor holds its data in two forms; got fields {} and {}", typed_field, field);
    }
    typed_field = field;
  };
  Fields fields(message);
  while (fields.next()) {
    switch (fields.field()) {
      case onnx::tensor::dims:
        fields.varints([&](std::int64_t extent) {
          push_limited(tensor.shape, extent, GraphLimits::rank, "dimensions of a tensor");
        });
        break;
      case onnx::tensor::data_type:
        data_type = fields.varint();
        break;
      case onnx::tensor::name:
        tensor.name = fields.text();
        break;
      case onnx::tensor::raw_data: {
        const auto raw = fields.bytes();
        tensor.bytes.assign(raw.begin(), raw.end());
        has_raw = true;
        break;
      }
      case onnx::tensor::float_data:
        note(onnx::tensor::float_data);
        fields.numbers<float>([&](float value) { append_bytes(typed, value); });
        break;
      case onnx::tensor::double_data:
        note(onnx::tensor::double_data);
        fields.numbers<double>([&](double value) { append_bytes(typed, value); });
        break;
      case onnx::tensor::int64_data:
        note(onnx::tensor::int64_data);
        fields.varints([&](std::int64_t value) { append_bytes(typed, value); });
        break;
      case onnx::tensor::int32_data:
        note(onnx::tensor::int32_data);
        fields.varints([&](std::int64_t value) { small.push_back(value); });
        break;
      case onnx::tensor::external_data:
        refuse("tensor '{}' keeps its data in another file; expected all data inside", tensor.name);
      case onnx::tensor::data_location:
        if (fields.varint() != 0) {
          refuse("tensor '{}' keeps its data in another file; expected all data inside", tensor.name);
        }
        break;
      case onnx::tensor::segment:
        refuse("tensor '{}' is stored in segments; expected whole tensors", tensor.name);
      default:
        break;
    }
  }
  tensor.type = read_type(data_type, tensor.name);
  if (typed_field == 0) {
    return tensor;
  }
  if (has_raw) {
    refuse("tensor '{}' holds its data in two forms", tensor.name);
  }
  const bool is_float = typed_field == onnx::tensor::float_data && tensor.type == TensorType::f32;
  const bool is_double = typed_field == onnx::tensor::double_data && tensor.type == TensorType::f64;
  const bool is_long = typed_field == onnx::tensor::int64_data && tensor.type == TensorType::i64;
  const bool is_small = typed_field == onnx::tensor::int32_data && tensor.type != TensorType::f32 &&
                        tensor.type != TensorType::f64 && tensor.type != TensorType::i64;
  if (!is_float && !is_double && !is_long && !is_small) {
    refuse("tensor '{}' holds data in field {}, which does not fit its type", tensor.name, typed_field);
  }
  if (!is_small) {
    tensor.bytes = std::move(typed);
    return tensor;
  }
  for (const std::int64_t value : small) {
    switch (bytes_of(tensor.type)) {
      case 1:
        append_bytes(tensor.bytes, static_cast<std::uint8_t>(value));
        break;
      case 2:
        append_bytes(tensor.bytes, static_cast<std::uint16_t>(value));
        break;
      default:
        append_bytes(tensor.bytes, static_cast<std::int32_t>(value));
        break;
    }
  }
  return tensor;
}

std::pair<std::string, Attribute> read_attribute(std::span<const std::byte> message) {
  std::string name;
  std::int64_t type = 0, integer = 0;
  float number = 0;
  std::string text;
  std::vector<std::int64_t> integers;
  std::vector<float> numbers;
  GraphTensor tensor;
  Fields fields(message);
  while (fields.next()) {
    switch (fields.field()) {
      case onnx::attribute::name:
        name = fields.text();
        break;
      case onnx::attribute::f:
        number = fields.fixed32();
        break;
      case onnx::attribute::i:
        integer = fields.varint();
        break;
      case onnx::attribute::s:
        text = fields.text();
        break;
      case onnx::attribute::t:
        tensor = read_tensor(fields.bytes());
        break;
      case onnx::attribute::floats:
        fields.numbers<float>([&](float value) { numbers.push_back(value); });
        break;
      case onnx::attribute::ints:
        fields.varints([&](std::int64_t value) { integers.push_back(value); });
        break;
      case onnx::attribute::type:
        type = fields.varint();
        break;
      case onnx::attribute::ref_name:
        if (!fields.text().empty()) {
          refuse("attribute '{}' refers to a function's attribute; expected a value", name);
        }
        break;
      default:
        break;
    }
  }
  switch (type) {
    case onnx::attribute::type_float:
      return {std::move(name), number};
    case onnx::attribute::type_int:
      return {std::move(name), integer};
    case onnx::attribute::type_string:
      return {std::move(name), std::move(text)};
    case onnx::attribute::type_tensor:
      return {std::move(name), std::move(tensor)};
    case onnx::attribute::type_floats:
      return {std::move(name), std::move(numbers)};
    case onnx::attribute::type_ints:
      return {std::move(name), std::move(integers)};
    default:
      refuse(
          "attribute '{}' has a type that packages do not use; got ONNX attribute type {}; expected a number, text, "
          "a tensor or a list of numbers",
          name, type);
  }
}

GraphNode read_node(std::span<const std::byte> message) {
  GraphNode node;
  std::string domain;
  Fields fields(message);
  while (fields.next()) {
    switch (fields.field()) {
      case onnx::node::input:
        push_limited(node.inputs, fields.text(), GraphLimits::values_per_node, "inputs of a node");
        break;
      case onnx::node::output:
        push_limited(node.outputs, fields.text(), GraphLimits::values_per_node, "outputs of a node");
        break;
      case onnx::node::name:
        node.name = fields.text();
        break;
      case onnx::node::op:
        node.op = fields.text();
        break;
      case onnx::node::domain:
        domain = fields.text();
        break;
      case onnx::node::attribute: {
        auto [name, value] = read_attribute(fields.bytes());
        if (node.attributes.size() >= GraphLimits::attributes_per_node) {
          refuse("too many attributes of a node; expected at most {}", GraphLimits::attributes_per_node);
        }
        if (!node.attributes.emplace(std::move(name), std::move(value)).second) {
          refuse("node '{}' gives an attribute twice", node.name);
        }
        break;
      }
      default:
        break;
    }
  }
  if (!domain.empty() && domain != "ai.onnx") {
    refuse("node '{}' uses an operator of another domain; got '{}.{}'; expected the default domain", node.name, domain,
           node.op);
  }
  return node;
}

std::vector<std::int64_t> read_shape(std::span<const std::byte> message) {
  std::vector<std::int64_t> shape;
  Fields fields(message);
  while (fields.next()) {
    if (fields.field() != onnx::shape::dim) {
      continue;
    }
    std::int64_t extent = -1;
    Fields dimension(fields.bytes());
    while (dimension.next()) {
      if (dimension.field() == onnx::dimension::value) {
        extent = dimension.varint();
        if (extent < 0) {
          refuse("a dimension is negative; got {}", extent);
        }
      }
    }
    push_limited(shape, extent, GraphLimits::rank, "dimensions of a value");
  }
  return shape;
}

GraphValue read_value(std::span<const std::byte> message) {
  GraphValue value;
  std::int64_t data_type = 0;
  bool has_shape = false;
  Fields fields(message);
  while (fields.next()) {
    if (fields.field() == onnx::value::name) {
      value.name = fields.text();
    } else if (fields.field() == onnx::value::type) {
      Fields type(fields.bytes());
      while (type.next()) {
        if (type.field() != onnx::type::tensor) {
          refuse("'{}' is not a tensor; expected tensors only", value.name);
        }
        Fields tensor(type.bytes());
        while (tensor.next()) {
          if (tensor.field() == onnx::tensor_type::elem_type) {
            data_type = tensor.varint();
          } else if (tensor.field() == onnx::tensor_type::shape) {
            value.shape = read_shape(tensor.bytes());
            has_shape = true;
          }
        }
      }
    }
  }
  value.type = read_type(data_type, value.name);
  if (!has_shape) {
    refuse("'{}' has no shape; expected one for every graph input and output", value.name);
  }
  return value;
}

Graph read_graph(std::span<const std::byte> message) {
  Graph graph;
  Fields fields(message);
  while (fields.next()) {
    switch (fields.field()) {
      case onnx::graph::node:
        push_limited(graph.nodes, read_node(fields.bytes()), GraphLimits::nodes, "nodes");
        break;
      case onnx::graph::name:
        graph.name = fields.text();
        break;
      case onnx::graph::initializer:
        push_limited(graph.initializers, read_tensor(fields.bytes()), GraphLimits::initializers, "initialisers");
        break;
      case onnx::graph::input:
        push_limited(graph.inputs, read_value(fields.bytes()), GraphLimits::values_per_node, "graph inputs");
        break;
      case onnx::graph::output:
        push_limited(graph.outputs, read_value(fields.bytes()), GraphLimits::values_per_node, "graph outputs");
        break;
      case onnx::graph::sparse_initializer:
        refuse("the graph has sparse initialisers; expected dense ones");
      default:
        break;
    }
  }
  return graph;
}

}  // namespace

Graph read_onnx(std::span<const std::byte> bytes) {
  std::int64_t ir_version = 0, opset = 0;
  bool has_graph = false;
  Graph graph;
  Fields fields(bytes);
  while (fields.next()) {
    switch (fields.field()) {
      case onnx::model::ir_version:
        ir_version = fields.varint();
        break;
      case onnx::model::graph:
        if (has_graph) {
          refuse("the model holds two graphs; expected one");
        }
        graph = read_graph(fields.bytes());
        has_graph = true;
        break;
      case onnx::model::opset_import: {
        std::string domain;
        std::int64_t version = 0;
        Fields import(fields.bytes());
        while (import.next()) {
          if (import.field() == onnx::opset_id::domain) {
            domain = import.text();
          } else if (import.field() == onnx::opset_id::version) {
            version = import.varint();
          }
        }
        if (domain.empty() || domain == "ai.onnx") {
          opset = version;
        }
        break;
      }
      case onnx::model::functions:
        refuse("the model defines functions; expected plain operators");
      default:
        break;
    }
  }
  if (ir_version < 4 || ir_version > onnx::ir_version) {
    refuse("the model has another IR version; got {}; expected 4..{}", ir_version, onnx::ir_version);
  }
  if (opset != onnx::opset) {
    refuse("the model uses another operator set; got {}; expected {}", opset, onnx::opset);
  }
  if (!has_graph) {
    refuse("the model holds no graph");
  }
  if (const std::string fault = fault_of(graph); !fault.empty()) {
    refuse("{}", fault);
  }
  return graph;
}

}  // namespace oddity
