#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include <ATen/core/Tensor.h>

#include "inference/graph.h"
#include "training/trace.h"

namespace oddity {

/// A number seen in the trace at the example's size, at twice its height and at twice its width. One that differs
/// depends on the image size and must be computed in the graph instead of being baked in.
struct Extent {
  std::array<std::int64_t, 3> seen{};

  Extent() = default;
  explicit Extent(std::int64_t value) : seen{value, value, value} {}
  bool fixed() const { return seen[0] == seen[1] && seen[0] == seen[2]; }
  bool operator==(const Extent&) const = default;
};

/// Writes the nodes and initialisers of a graph with input "image".
class GraphBuilder {
public:
  GraphBuilder(std::string name, const at::Tensor& example, const std::vector<NamedTensor>& parameters);

  /// Appends a node and returns its (first) output.
  std::string emit(const std::string& op, std::vector<std::string> inputs,
                   std::map<std::string, Attribute> attributes = {});
  /// Appends a node with `count` outputs.
  std::vector<std::string> emit_many(const std::string& op, std::vector<std::string> inputs, std::size_t count,
                                     std::map<std::string, Attribute> attributes = {});

  /// The initialiser of this tensor: the parameter's name when it is one (same memory, sizes and strides), a Reshape of
  /// it when only the sizes differ.
  std::string constant(const at::Tensor& tensor);
  /// A one-dimensional int64 initialiser.
  std::string integers(const std::vector<std::int64_t>& values);
  /// A float32 initialiser of one dimension.
  std::string floats(const std::vector<float>& values);

  /// A one-dimensional int64 value computed from the input's shape where the extents are not fixed. `what` names the
  /// operator for the InvalidArgument thrown when an extent is neither fixed, nor proportional to height, width or
  /// both, nor affine in one of them.
  std::string extents(const std::vector<Extent>& extents, const std::string& what);

  /// Names the outputs, drops unused initialisers, and gives the graph away.
  Graph finish(const std::vector<std::string>& values, const std::vector<std::string>& names, bool free_size,
               const std::vector<std::vector<std::int64_t>>& shapes);

private:
  std::string add_initializer(GraphTensor tensor);
  std::string extent(const Extent& extent, const std::string& what);
  /// Height (axis 2) or width (axis 3) of the input as int64 [1].
  std::string image_extent(std::int64_t axis);

  Graph graph_;
  std::int64_t height_;
  std::int64_t width_;
  std::vector<NamedTensor> parameters_;
  std::unordered_set<std::string> taken_;
  std::vector<std::pair<at::Tensor, std::string>> constants_;
  std::map<std::vector<std::int64_t>, std::string> integers_;
  std::map<std::vector<float>, std::string> floats_;
  std::map<std::array<std::int64_t, 3>, std::string> extents_;
  std::array<std::string, 2> image_extents_;
  std::string shape_;
  std::size_t next_value_ = 0;
  std::size_t next_constant_ = 0;
};

TensorType tensor_type_of(at::ScalarType type);

}  // namespace oddity
