#include "training/trace_call.h"

#include <algorithm>

#include <ATen/ops/equal.h>
#include <ATen/ops/full.h>
#include <torch/csrc/jit/ir/constants.h>
#include <torch/csrc/jit/ir/ir.h>

#include "core/error.h"

namespace oddity {

namespace {

/// ONNX codes of the types that a Cast may name.
std::int64_t onnx_code(at::ScalarType type) {
  switch (tensor_type_of(type)) {
    case TensorType::f32:
      return 1;
    case TensorType::u8:
      return 2;
    case TensorType::i32:
      return 6;
    case TensorType::i64:
      return 7;
    case TensorType::boolean:
      return 9;
    case TensorType::f64:
      return 11;
    default:
      fail<InvalidArgument>("[training.trace_graph] the forward pass converts to {}; expected it to run in float32",
                            at::toString(type));
  }
}

std::optional<at::Tensor> constant_of(const torch::jit::Value* value) {
  const std::optional<c10::IValue> constant = torch::jit::toIValue(value);
  return constant && constant->isTensor() ? std::optional(constant->toTensor()) : std::nullopt;
}

std::vector<Extent> fixed_extents(const Integers& values) {
  std::vector<Extent> result;
  for (const std::int64_t value : values) {
    result.emplace_back(value);
  }
  return result;
}

}  // namespace

std::vector<Extent> extents_of(const TracedValues& value) {
  std::vector<Extent> result;
  for (std::size_t trace = 0; trace < value.size(); ++trace) {
    Integers sizes;
    if (const std::optional<at::Tensor> constant = constant_of(value[trace])) {
      sizes = constant->sizes().vec();
    } else if (const auto type = value[trace]->type()->cast<c10::TensorType>()) {
      const auto known = type->sizes().concrete_sizes();
      ODDITY_ASSERT(known.has_value());  // the tracer records complete types
      sizes = *known;
    }
    if (trace == 0) {
      result = fixed_extents(sizes);
    }
    ODDITY_ASSERT(sizes.size() == result.size());
    for (std::size_t i = 0; i < sizes.size(); ++i) {
      result[i].seen[trace] = sizes[i];
    }
  }
  return result;
}

std::string name_of(const TracedValues& value, GraphBuilder& graph, ValueNames& names, const std::string& what) {
  if (const auto found = names.find(value[0]); found != names.end()) {
    return found->second;
  }
  const std::optional<at::Tensor> constant = constant_of(value[0]);
  if (!constant) {
    fail<InvalidArgument>("[training.trace_graph] operator {} reads a value that is no tensor; got '%{}'", what,
                          value[0]->debugName());
  }
  for (std::size_t trace = 1; trace < value.size(); ++trace) {
    const std::optional<at::Tensor> other = constant_of(value[trace]);
    if (!other || other->sizes() != constant->sizes() || other->scalar_type() != constant->scalar_type() ||
        (other->const_data_ptr() != constant->const_data_ptr() && !at::equal(*other, *constant))) {
      fail<InvalidArgument>(
          "[training.trace_graph] operator {} reads a constant that depends on the image size; got one of {} elements "
          "at the example's size; expected a forward pass that computes it from the image",
          what, constant->numel());
    }
  }
  return graph.constant(*constant);
}

Call::Call(const TracedNodes& nodes, GraphBuilder& graph, ValueNames& names)
    : nodes_(nodes), graph_(graph), names_(names), what_(nodes[0]->kind().toQualString()) {}

void Call::reject(const std::string& why) const {
  fail<InvalidArgument>("[training.trace_graph] operator {} cannot be reduced to the package's operators: {}", what_,
                        why);
}

bool Call::takes(const std::string& name) const { return nodes_[0]->schema().argumentIndexWithName(name).has_value(); }

TracedValues Call::value(const std::string& name) const {
  TracedValues result;
  for (const torch::jit::Node* node : nodes_) {
    result.push_back(node->namedInput(name));
  }
  return result;
}

std::vector<c10::IValue> Call::constants(const std::string& name) const {
  std::vector<c10::IValue> result;
  for (const torch::jit::Value* each : value(name)) {
    std::optional<c10::IValue> constant = torch::jit::toIValue(each);
    if (!constant) {
      reject("argument '" + name + "' is computed; expected a constant");
    }
    result.push_back(*constant);
  }
  return result;
}

bool Call::is_none(const std::string& name) const {
  const auto constant = torch::jit::toIValue(value(name)[0]);
  return constant && constant->isNone();
}

bool Call::is_number(const std::string& name) const {
  const auto constant = torch::jit::toIValue(value(name)[0]);
  return constant && constant->isScalar();
}

bool Call::is_text(const std::string& name) const {
  const auto constant = torch::jit::toIValue(value(name)[0]);
  return constant && constant->isString();
}

std::vector<Extent> Call::sizes(const std::string& name) const {
  const std::vector<c10::IValue> given = constants(name);
  std::vector<Extent> result;
  for (std::size_t trace = 0; trace < given.size(); ++trace) {
    if (!given[trace].isInt() && !given[trace].isIntList()) {
      reject("argument '" + name + "' holds no integers");
    }
    const Integers list = given[trace].isInt() ? Integers{given[trace].toInt()} : given[trace].toIntVector();
    if (trace == 0) {
      result = fixed_extents(list);
    }
    if (list.size() != result.size()) {
      reject("the length of '" + name + "' depends on the image size");
    }
    for (std::size_t i = 0; i < list.size(); ++i) {
      result[i].seen[trace] = list[i];
    }
  }
  return result;
}

Integers Call::integers(const std::string& name) const {
  Integers result;
  for (const Extent& extent : sizes(name)) {
    if (!extent.fixed()) {
      reject("argument '" + name + "' would bake the image size in");
    }
    result.push_back(extent.seen[0]);
  }
  return result;
}

Integers Call::pair(const std::string& name) const {
  Integers list = integers(name);
  return list.size() == 1 ? Integers{list[0], list[0]} : list;
}

std::int64_t Call::axis(const std::string& name, std::int64_t rank) const {
  const std::int64_t given = integer(name);
  return given < 0 ? given + rank : given;
}

bool Call::flag(const std::string& name) const { return constants(name)[0].toBool(); }

double Call::number(const std::string& name) const {
  const std::vector<c10::IValue> all = constants(name);
  for (const c10::IValue& each : all) {
    if (!each.isScalar()) {
      reject("argument '" + name + "' is no number");
    }
    if (each.toScalar().toDouble() != all[0].toScalar().toDouble()) {
      reject("argument '" + name + "' would bake the image size in");
    }
  }
  return all[0].toScalar().toDouble();
}

std::vector<double> Call::numbers(const std::string& name) const { return constants(name)[0].toDoubleVector(); }

std::string Call::text(const std::string& name) const { return constants(name)[0].toStringRef(); }

at::ScalarType Call::type_of(const std::string& name) const {
  const torch::jit::Value* first = value(name)[0];
  if (const std::optional<at::Tensor> constant = constant_of(first)) {
    return constant->scalar_type();
  }
  const auto type = first->type()->cast<c10::TensorType>();
  ODDITY_ASSERT(type && type->scalarType());
  return *type->scalarType();
}

std::optional<at::Tensor> Call::constant_tensor(const std::string& name) const { return constant_of(value(name)[0]); }

std::string Call::operand(const std::string& name, at::ScalarType type) {
  if (is_number(name)) {
    return scalar(number(name), type);
  }
  const std::string result = tensor(name);
  if (type_of(name) == type) {
    return result;
  }
  if (const std::optional<at::Tensor> constant = constant_tensor(name)) {
    return graph_.constant(constant->to(type));
  }
  return graph_.emit("Cast", {result}, {{"to", onnx_code(type)}});
}

std::string Call::scalar(double number, at::ScalarType type) {
  return graph_.constant(at::full({}, number, at::TensorOptions().dtype(type)));
}

std::vector<TracedValues> Call::list(const std::string& name) const {
  std::vector<TracedValues> elements;
  for (const torch::jit::Value* each : value(name)) {
    const torch::jit::Node* made = each->node();
    if (made->kind() != c10::prim::ListConstruct || (!elements.empty() && elements.size() != made->inputs().size())) {
      reject("argument '" + name + "' is no list of tensors of fixed length");
    }
    elements.resize(made->inputs().size());
    for (std::size_t i = 0; i < elements.size(); ++i) {
      elements[i].push_back(made->input(i));
    }
  }
  return elements;
}

std::size_t Call::outputs() const { return nodes_[0]->outputs().size(); }

bool Call::wants(std::size_t index) const { return nodes_[0]->output(index)->hasUses(); }

bool Call::is_only_broadcast() const {
  const torch::jit::Value* output = nodes_[0]->output(0);
  const std::vector<Extent> sizes = extents_of({output});
  const auto broadcasts = [&](const torch::jit::Use& use) {
    const torch::jit::Node* user = use.user;
    const c10::Symbol kind = user->kind();
    if (kind != c10::aten::add && kind != c10::aten::sub && kind != c10::aten::mul && kind != c10::aten::div) {
      return false;
    }
    const torch::jit::Value* other = user->input(use.offset == 0 ? 1 : 0);
    return other != output && other->type()->cast<c10::TensorType>() != nullptr && extents_of({other}) == sizes;
  };
  const auto& uses = output->uses();
  return std::all_of(uses.begin(), uses.end(), broadcasts);
}

at::ScalarType Call::output_type() const {
  const auto type = nodes_[0]->output(0)->type()->cast<c10::TensorType>();
  ODDITY_ASSERT(type && type->scalarType());
  return *type->scalarType();
}

std::vector<Extent> Call::output_shape(std::size_t index) const {
  TracedValues result;
  for (const torch::jit::Node* node : nodes_) {
    result.push_back(node->output(index));
  }
  return extents_of(result);
}

void Call::give(const std::string& result, std::size_t index) { names_[nodes_[0]->output(index)] = result; }

std::vector<TracedValues> Call::unpacked() const {
  std::vector<TracedValues> elements;
  for (const torch::jit::Node* node : nodes_) {
    if (node->output()->uses().size() != 1 || node->output()->uses()[0].user->kind() != c10::prim::ListUnpack) {
      reject("its list of tensors is used as a whole");
    }
    const torch::jit::Node* unpack = node->output()->uses()[0].user;
    if (!elements.empty() && elements.size() != unpack->outputs().size()) {
      reject("the number of parts depends on the image size");
    }
    elements.resize(unpack->outputs().size());
    for (std::size_t i = 0; i < elements.size(); ++i) {
      elements[i].push_back(unpack->output(i));
    }
  }
  return elements;
}

std::string Call::reshape(const std::string& input, const std::vector<Extent>& from, std::vector<Extent> to) {
  if (from == to) {
    return input;
  }
  std::size_t free = 0;
  std::size_t last_free = 0;
  for (std::size_t i = 0; i < to.size(); ++i) {
    if (!to[i].fixed() && i < from.size() && from[i] == to[i]) {
      to[i] = Extent(0);
    } else if (!to[i].fixed()) {
      ++free;
      last_free = i;
    }
  }
  if (free == 1) {
    to[last_free] = Extent(-1);
  }
  return graph_.emit("Reshape", {input, graph_.extents(to, what_)});
}

std::string Call::slice(const std::string& input, std::int64_t axis, const Extent& start, const Extent& end,
                        std::int64_t step) {
  return graph_.emit("Slice", {input, graph_.extents({start}, what_), graph_.extents({end}, what_),
                               graph_.integers({axis}), graph_.integers({step})});
}

}  // namespace oddity
