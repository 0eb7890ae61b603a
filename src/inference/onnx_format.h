#pragma once

#include <bit>
#include <cstdint>
#include <optional>

#include "inference/graph.h"

/// Numbers of the ONNX protobuf schema (onnx.proto, IR version 8) that the writer and the reader share.
namespace oddity::onnx {

static_assert(std::endian::native == std::endian::little,
              "packages are little-endian and so are the machines we ship to");

constexpr std::int64_t ir_version = 8;
constexpr std::int64_t opset = 17;

enum class Wire : std::uint32_t { varint = 0, fixed64 = 1, bytes = 2, fixed32 = 5 };

namespace model {
enum : std::uint32_t { ir_version = 1, producer = 2, graph = 7, opset_import = 8, functions = 25 };
}
namespace opset_id {
enum : std::uint32_t { domain = 1, version = 2 };
}
namespace graph {
enum : std::uint32_t { node = 1, name = 2, initializer = 5, input = 11, output = 12, sparse_initializer = 15 };
}
namespace node {
enum : std::uint32_t { input = 1, output = 2, name = 3, op = 4, attribute = 5, domain = 7 };
}
namespace attribute {
enum : std::uint32_t { name = 1, f = 2, i = 3, s = 4, t = 5, floats = 7, ints = 8, type = 20, ref_name = 21 };
enum Type : std::int64_t {
  type_float = 1,
  type_int = 2,
  type_string = 3,
  type_tensor = 4,
  type_floats = 6,
  type_ints = 7
};
}  // namespace attribute
namespace tensor {
enum : std::uint32_t {
  dims = 1,
  data_type = 2,
  segment = 3,
  float_data = 4,
  int32_data = 5,
  int64_data = 7,
  name = 8,
  raw_data = 9,
  double_data = 10,
  external_data = 13,
  data_location = 14
};
}
namespace value {
enum : std::uint32_t { name = 1, type = 2 };
}
namespace type {
enum : std::uint32_t { tensor = 1 };
}
namespace tensor_type {
enum : std::uint32_t { elem_type = 1, shape = 2 };
}
namespace shape {
enum : std::uint32_t { dim = 1 };
}
namespace dimension {
enum : std::uint32_t { value = 1, param = 2 };
}

/// TensorProto.DataType of a type, and back; nothing for types that packages do not use.
constexpr std::int64_t data_type_of(TensorType type) {
  constexpr std::int64_t numbers[] = {1, 11, 7, 6, 2, 4, 9, 16};  // in the order of TensorType
  return numbers[static_cast<std::size_t>(type)];
}
constexpr std::optional<TensorType> tensor_type_of(std::int64_t number) {
  for (int i = 0; i <= static_cast<int>(TensorType::bf16); ++i) {
    if (data_type_of(static_cast<TensorType>(i)) == number) {
      return static_cast<TensorType>(i);
    }
  }
  return std::nullopt;
}

}  // namespace oddity::onnx
