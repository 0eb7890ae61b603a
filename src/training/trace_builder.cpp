#include "training/trace_builder.h"

#include <algorithm>
#include <cstring>
#include <numeric>

#include "core/error.h"

namespace oddity {

namespace {

std::vector<std::byte> bytes_of_tensor(const at::Tensor& tensor) {
  const at::Tensor host = tensor.detach().to(at::kCPU).contiguous();
  std::vector<std::byte> bytes(host.nbytes());
  if (!bytes.empty()) {
    std::memcpy(bytes.data(), host.const_data_ptr(), bytes.size());
  }
  return bytes;
}

template <class T>
std::vector<std::byte> bytes_of_values(const std::vector<T>& values) {
  std::vector<std::byte> bytes(values.size() * sizeof(T));
  if (!bytes.empty()) {
    std::memcpy(bytes.data(), values.data(), bytes.size());
  }
  return bytes;
}

bool is_same(const at::Tensor& a, const at::Tensor& b) {
  return a.scalar_type() == b.scalar_type() && a.sizes() == b.sizes() && a.strides() == b.strides() &&
         a.const_data_ptr() == b.const_data_ptr() && a.device() == b.device();
}

/// The same values in the same order under other sizes.
bool is_reshaped(const at::Tensor& parameter, const at::Tensor& tensor) {
  return parameter.scalar_type() == tensor.scalar_type() && parameter.numel() == tensor.numel() &&
         parameter.sizes() != tensor.sizes() && parameter.is_contiguous() && tensor.is_contiguous() &&
         parameter.const_data_ptr() == tensor.const_data_ptr();
}

}  // namespace

TensorType tensor_type_of(at::ScalarType type) {
  switch (type) {
    case at::kFloat:
      return TensorType::f32;
    case at::kDouble:
      return TensorType::f64;
    case at::kLong:
      return TensorType::i64;
    case at::kInt:
      return TensorType::i32;
    case at::kByte:
      return TensorType::u8;
    case at::kBool:
      return TensorType::boolean;
    case at::kBFloat16:
      return TensorType::bf16;
    default:
      fail<InvalidArgument>(
          "[training.trace_graph] a tensor has type {}; expected float, double, int32, int64, uint8, "
          "bool or bfloat16",
          at::toString(type));
  }
}

GraphBuilder::GraphBuilder(std::string name, const at::Tensor& example, const std::vector<NamedTensor>& parameters)
    : height_(example.size(2)), width_(example.size(3)), parameters_(parameters) {
  graph_.name = std::move(name);
  graph_.inputs.push_back({"image", TensorType::f32, example.sizes().vec()});
  taken_.insert("image");
  for (const NamedTensor& parameter : parameters) {
    if (!taken_.insert(parameter.first).second) {
      fail<InvalidArgument>("[training.trace_graph] two parameters share a name, or one is called 'image'; got '{}'",
                            parameter.first);
    }
  }
}

std::vector<std::string> GraphBuilder::emit_many(const std::string& op, std::vector<std::string> inputs,
                                                 std::size_t count, std::map<std::string, Attribute> attributes) {
  GraphNode node;
  node.op = op;
  node.name = fmt::format("{}_{}", op, graph_.nodes.size());
  node.inputs = std::move(inputs);
  node.attributes = std::move(attributes);
  for (std::size_t i = 0; i < count; ++i) {
    std::string value;
    do {
      value = fmt::format("v{}", next_value_++);
    } while (taken_.contains(value));
    node.outputs.push_back(value);
  }
  graph_.nodes.push_back(node);
  return node.outputs;
}

std::string GraphBuilder::emit(const std::string& op, std::vector<std::string> inputs,
                               std::map<std::string, Attribute> attributes) {
  return emit_many(op, std::move(inputs), 1, std::move(attributes)).front();
}

std::string GraphBuilder::add_initializer(GraphTensor tensor) {
  if (tensor.name.empty()) {
    do {
      tensor.name = fmt::format("constant_{}", next_constant_++);
    } while (taken_.contains(tensor.name));
  }
  graph_.initializers.push_back(std::move(tensor));
  return graph_.initializers.back().name;
}

std::string GraphBuilder::constant(const at::Tensor& tensor) {
  for (const auto& [known, name] : constants_) {
    if (is_same(known, tensor)) {
      return name;
    }
  }
  std::string name;
  for (const NamedTensor& parameter : parameters_) {
    if (is_same(parameter.second, tensor)) {
      name = parameter.first;
      break;
    }
    if (is_reshaped(parameter.second, tensor)) {
      name = emit("Reshape", {constant(parameter.second), integers(tensor.sizes().vec())});
      constants_.emplace_back(tensor, name);
      return name;
    }
  }
  name = add_initializer({name, tensor_type_of(tensor.scalar_type()), tensor.sizes().vec(), bytes_of_tensor(tensor)});
  constants_.emplace_back(tensor, name);
  return name;
}

std::string GraphBuilder::integers(const std::vector<std::int64_t>& values) {
  std::string& name = integers_[values];
  if (name.empty()) {
    name = add_initializer({"", TensorType::i64, {static_cast<std::int64_t>(values.size())}, bytes_of_values(values)});
  }
  return name;
}

std::string GraphBuilder::floats(const std::vector<float>& values) {
  std::string& name = floats_[values];
  if (name.empty()) {
    name = add_initializer({"", TensorType::f32, {static_cast<std::int64_t>(values.size())}, bytes_of_values(values)});
  }
  return name;
}

std::string GraphBuilder::image_extent(std::int64_t axis) {
  std::string& name = image_extents_[static_cast<std::size_t>(axis - 2)];
  if (name.empty()) {
    if (shape_.empty()) {
      shape_ = emit("Shape", {"image"});
    }
    name = emit("Gather", {shape_, integers({axis})}, {{"axis", std::int64_t{0}}});
  }
  return name;
}

std::string GraphBuilder::extent(const Extent& extent, const std::string& what) {
  std::string& cached = extents_[extent.seen];
  if (!cached.empty()) {
    return cached;
  }
  const auto [value, tall, wide] = extent.seen;
  // Doubling a side doubles what is proportional to it and leaves alone what does not depend on it.
  const bool by_height = value != 0 && tall == 2 * value;
  const bool by_width = value != 0 && wide == 2 * value;
  if ((by_height || tall == value) && (by_width || wide == value)) {
    std::string product;
    std::int64_t divisor = 1;
    if (by_height) {
      product = image_extent(2);
      divisor *= height_;
    }
    if (by_width) {
      product = product.empty() ? image_extent(3) : emit("Mul", {product, image_extent(3)});
      divisor *= width_;
    }
    const std::int64_t common = std::gcd(value, divisor);
    if (value / common != 1) {
      product = emit("Mul", {product, integers({value / common})});
    }
    if (divisor / common != 1) {
      product = emit("Div", {product, integers({divisor / common})});
    }
    return cached = product;
  }
  const bool affine_in_height = wide == value && (tall - value) % height_ == 0;
  const bool affine_in_width = tall == value && (wide - value) % width_ == 0;
  if (affine_in_height || affine_in_width) {
    const std::int64_t slope = affine_in_height ? (tall - value) / height_ : (wide - value) / width_;
    std::string side = image_extent(affine_in_height ? 2 : 3);
    if (slope != 1) {
      side = emit("Mul", {side, integers({slope})});
    }
    const std::int64_t offset = value - slope * (affine_in_height ? height_ : width_);
    return cached = emit("Add", {side, integers({offset})});
  }
  fail<InvalidArgument>(
      "[training.trace_graph] {} bakes the image size in: {} at {}x{}, {} at twice the height, {} at "
      "twice the width; expected a number proportional to the size",
      what, value, height_, width_, tall, wide);
}

std::string GraphBuilder::extents(const std::vector<Extent>& all, const std::string& what) {
  std::vector<std::string> parts;
  std::vector<std::int64_t> run;
  const auto flush = [&] {
    if (!run.empty()) {
      parts.push_back(integers(run));
      run.clear();
    }
  };
  for (const Extent& one : all) {
    if (one.fixed()) {
      run.push_back(one.seen[0]);
    } else {
      flush();
      parts.push_back(extent(one, what));
    }
  }
  flush();
  if (parts.empty()) {
    return integers({});
  }
  return parts.size() == 1 ? parts[0] : emit("Concat", parts, {{"axis", std::int64_t{0}}});
}

Graph GraphBuilder::finish(const std::vector<std::string>& values, const std::vector<std::string>& names,
                           bool free_size, const std::vector<std::vector<std::int64_t>>& shapes) {
  std::unordered_map<std::string, std::string> renamed;
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (!taken_.insert(names[i]).second) {
      fail<InvalidArgument>("[training.trace_graph] output name is already taken; got '{}'", names[i]);
    }
    const bool computed = std::any_of(graph_.nodes.begin(), graph_.nodes.end(), [&](const GraphNode& node) {
      return std::find(node.outputs.begin(), node.outputs.end(), values[i]) != node.outputs.end();
    });
    if (computed && !renamed.contains(values[i])) {
      renamed[values[i]] = names[i];
    } else {  // the input, a constant, or a value that is an output already
      graph_.nodes.push_back(
          {"Identity", fmt::format("Identity_{}", graph_.nodes.size()), {values[i]}, {names[i]}, {}});
    }
    graph_.outputs.push_back({names[i], TensorType::f32, shapes[i]});
  }
  std::unordered_set<std::string> used;
  for (GraphNode& node : graph_.nodes) {
    for (auto* list : {&node.inputs, &node.outputs}) {
      for (std::string& value : *list) {
        if (const auto found = renamed.find(value); found != renamed.end()) {
          value = found->second;
        }
      }
    }
    used.insert(node.inputs.begin(), node.inputs.end());
  }
  std::erase_if(graph_.initializers, [&](const GraphTensor& tensor) { return !used.contains(tensor.name); });
  if (free_size) {
    graph_.inputs[0].shape[2] = graph_.inputs[0].shape[3] = -1;
  }
  return std::move(graph_);
}

}  // namespace oddity
