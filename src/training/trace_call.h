#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include <ATen/core/Tensor.h>
#include <ATen/core/ivalue.h>

#include "training/trace_builder.h"

namespace torch::jit {
struct Node;
struct Value;
}  // namespace torch::jit

namespace oddity {

using TracedNodes = std::vector<torch::jit::Node*>;          ///< the same node of every trace
using TracedValues = std::vector<const torch::jit::Value*>;  ///< the same value of every trace
using ValueNames = std::unordered_map<const torch::jit::Value*, std::string>;
using Integers = std::vector<std::int64_t>;
using Attributes = std::map<std::string, Attribute>;

constexpr std::int64_t to_the_end = std::numeric_limits<std::int64_t>::max();

/// Sizes of a traced value. Tensors only.
std::vector<Extent> extents_of(const TracedValues& value);

/// The graph's name of a value of the first trace; constants become initialisers and must agree among the traces.
std::string name_of(const TracedValues& value, GraphBuilder& graph, ValueNames& names, const std::string& what);

/// One traced ATen operator: its arguments by schema name, and what it gives.
class Call {
public:
  Call(const TracedNodes& nodes, GraphBuilder& graph, ValueNames& names);

  const std::string& what() const { return what_; }  ///< "aten::conv2d"
  GraphBuilder& graph() { return graph_; }
  /// Throws InvalidArgument naming the operator.
  [[noreturn]] void reject(const std::string& why) const;

  bool takes(const std::string& name) const;
  bool is_none(const std::string& name) const;
  bool is_number(const std::string& name) const;
  bool is_text(const std::string& name) const;

  /// Constant integers (one or a list) that may differ among the traces.
  std::vector<Extent> sizes(const std::string& name) const;
  /// The same, refused when they differ: they would bake the image size in.
  Integers integers(const std::string& name) const;
  std::int64_t integer(const std::string& name) const { return integers(name).at(0); }
  /// Two integers where ATen takes one for both.
  Integers pair(const std::string& name) const;
  std::int64_t axis(const std::string& name, std::int64_t rank) const;
  bool flag(const std::string& name) const;
  double number(const std::string& name) const;
  std::vector<double> numbers(const std::string& name) const;
  std::string text(const std::string& name) const;

  std::vector<Extent> shape(const std::string& name) const { return extents_of(value(name)); }
  std::int64_t rank(const std::string& name) const { return static_cast<std::int64_t>(shape(name).size()); }
  at::ScalarType type_of(const std::string& name) const;
  /// The constant tensor of an argument, if it is one.
  std::optional<at::Tensor> constant_tensor(const std::string& name) const;

  std::string tensor(const std::string& name) { return name_of(value(name), graph_, names_, what_); }
  /// An operand as a value of `type`: numbers and constants are written in it, computed values are cast.
  std::string operand(const std::string& name, at::ScalarType type);
  std::string scalar(double number, at::ScalarType type);
  /// The elements of an argument that is a list of tensors.
  std::vector<TracedValues> list(const std::string& name) const;
  std::string name(const TracedValues& element) { return name_of(element, graph_, names_, what_); }

  std::size_t outputs() const;
  bool wants(std::size_t index) const;
  /// True when every reader of the output is element-wise with another operand of the same sizes.
  bool is_only_broadcast() const;
  at::ScalarType output_type() const;
  std::vector<Extent> output_shape(std::size_t index = 0) const;
  void give(const std::string& result, std::size_t index = 0);
  /// The tensors that a list output is unpacked into.
  std::vector<TracedValues> unpacked() const;
  void give(const std::string& result, const TracedValues& value) { names_[value[0]] = result; }

  /// Reshapes to `to`, with 0 (as the input) and one -1 where that saves computing the size.
  std::string reshape(const std::string& input, const std::vector<Extent>& from, std::vector<Extent> to);
  /// input[start:end:step] along an axis.
  std::string slice(const std::string& input, std::int64_t axis, const Extent& start, const Extent& end,
                    std::int64_t step = 1);

private:
  TracedValues value(const std::string& name) const;
  std::vector<c10::IValue> constants(const std::string& name) const;

  const TracedNodes& nodes_;
  GraphBuilder& graph_;
  ValueNames& names_;
  std::string what_;
};

using Reducer = void (*)(Call&);

/// How to write an operator, by ATen's name with namespace ("aten::cat"); null when unknown. Layout operators move
/// values, the others compute.
Reducer find_layout_reducer(std::string_view name);
Reducer find_computing_reducer(std::string_view name);

}  // namespace oddity
