#include "backends/torch/kernels.h"

#include <algorithm>
#include <array>

#include <ATen/ATen.h>

#include "core/error.h"

namespace oddity::torch_backend {

namespace {

const Attribute* find_attribute(const GraphNode& node, const std::string& name) {
  const auto found = node.attributes.find(name);
  return found == node.attributes.end() ? nullptr : &found->second;
}

template <class T>
T attribute_or(const KernelRequest& request, const std::string& name, T fallback) {
  const Attribute* attribute = find_attribute(*request.node, name);
  if (attribute == nullptr) {
    return fallback;
  }
  const T* value = std::get_if<T>(attribute);
  if (value == nullptr) {
    request.reject(fmt::format("attribute '{}' has the wrong type", name));
  }
  return *value;
}

template <at::Tensor (*f)(const at::Tensor&)>
std::unique_ptr<Kernel> make_unary(const KernelRequest&) {
  return make_simple([](const at::Tensor* const* in) { return f(*in[0]); });
}

template <at::Tensor (*f)(const at::Tensor&, const at::Tensor&)>
std::unique_ptr<Kernel> make_binary(const KernelRequest&) {
  return make_simple([](const at::Tensor* const* in) { return f(*in[0], *in[1]); });
}

template <at::Tensor (*f)(const at::Tensor&, const at::Tensor&)>
std::unique_ptr<Kernel> make_variadic(const KernelRequest& request) {
  const std::size_t count = request.node->inputs.size();
  return make_simple([count](const at::Tensor* const* in) {
    at::Tensor result = *in[0];
    for (std::size_t i = 1; i < count; ++i) {
      result = f(result, *in[i]);
    }
    return result;
  });
}

at::Tensor add(const at::Tensor& a, const at::Tensor& b) { return at::add(a, b); }
at::Tensor subtract(const at::Tensor& a, const at::Tensor& b) { return at::sub(a, b); }
at::Tensor identity(const at::Tensor& x) { return x; }

/// ONNX divides integers towards zero.
at::Tensor divide(const at::Tensor& a, const at::Tensor& b) {
  return at::isIntegralType(a.scalar_type(), /*includeBool=*/false) ? at::div(a, b, "trunc") : at::div(a, b);
}

/// The result has the type of the base.
at::Tensor power(const at::Tensor& a, const at::Tensor& b) { return at::pow(a, b).to(a.scalar_type()); }

std::unique_ptr<Kernel> make_leaky_relu(const KernelRequest& request) {
  return make_simple(
      [slope = request.number("alpha", 0.01F)](const at::Tensor* const* in) { return at::leaky_relu(*in[0], slope); });
}

std::unique_ptr<Kernel> make_clip(const KernelRequest& request) {
  const bool low = request.has_input(1);
  const bool high = request.has_input(2);
  return make_simple([low, high](const at::Tensor* const* in) {
    const std::optional<at::Tensor> bottom = low ? std::optional(*in[1]) : std::nullopt;
    const std::optional<at::Tensor> top = high ? std::optional(*in[2]) : std::nullopt;
    return low || high ? at::clamp(*in[0], bottom, top) : *in[0];
  });
}

std::unique_ptr<Kernel> make_where(const KernelRequest&) {
  return make_simple([](const at::Tensor* const* in) { return at::where(*in[0], *in[1], *in[2]); });
}

std::unique_ptr<Kernel> make_softmax(const KernelRequest& request) {
  return make_simple(
      [axis = request.integer("axis", -1)](const at::Tensor* const* in) { return at::softmax(*in[0], axis); });
}

/// Codes of onnx.TensorProto.DataType.
at::ScalarType scalar_type_of_onnx(const KernelRequest& request, std::int64_t code) {
  switch (code) {
    case 1:
      return at::kFloat;
    case 2:
      return at::kByte;
    case 6:
      return at::kInt;
    case 7:
      return at::kLong;
    case 9:
      return at::kBool;
    case 11:
      return at::kDouble;
    default:
      request.reject(
          fmt::format("cannot cast to ONNX type {}; expected FLOAT, DOUBLE, UINT8, INT32, INT64 or BOOL", code));
  }
}

std::unique_ptr<Kernel> make_cast(const KernelRequest& request) {
  const at::ScalarType type = scalar_type_of_onnx(request, request.integer("to", 0));
  return make_simple([type](const at::Tensor* const* in) { return in[0]->to(type); });
}

template <class Reduce>
std::unique_ptr<Kernel> make_reduction(const KernelRequest& request, Reduce reduce) {
  return make_simple([axes = request.integers("axes", {}), keep = request.integer("keepdims", 1) != 0,
                      reduce](const at::Tensor* const* in) {
    if (!axes.empty()) {
      return reduce(*in[0], at::IntArrayRef(axes), keep);
    }
    std::vector<std::int64_t> all(static_cast<std::size_t>(in[0]->dim()));
    for (std::size_t i = 0; i < all.size(); ++i) {
      all[i] = static_cast<std::int64_t>(i);
    }
    return reduce(*in[0], at::IntArrayRef(all), keep);
  });
}

std::unique_ptr<Kernel> make_reduce_mean(const KernelRequest& request) {
  return make_reduction(request,
                        [](const at::Tensor& x, at::IntArrayRef axes, bool keep) { return at::mean(x, axes, keep); });
}

std::unique_ptr<Kernel> make_reduce_max(const KernelRequest& request) {
  return make_reduction(request,
                        [](const at::Tensor& x, at::IntArrayRef axes, bool keep) { return at::amax(x, axes, keep); });
}

std::unique_ptr<Kernel> make_reduce_min(const KernelRequest& request) {
  return make_reduction(request,
                        [](const at::Tensor& x, at::IntArrayRef axes, bool keep) { return at::amin(x, axes, keep); });
}

/// Axes are an input here (opset 13), an attribute of the other reductions (until opset 18).
std::unique_ptr<Kernel> make_reduce_sum(const KernelRequest& request) {
  const bool keep = request.integer("keepdims", 1) != 0;
  const bool empty_is_all = request.integer("noop_with_empty_axes", 0) == 0;
  const bool has_axes = request.has_input(1);
  return make_simple([keep, empty_is_all, has_axes](const at::Tensor* const* in) {
    const std::vector<std::int64_t> axes = has_axes ? integers_of(*in[1]) : std::vector<std::int64_t>();
    if (axes.empty() && !empty_is_all) {
      return *in[0];
    }
    // The result keeps the input's type also for integers.
    return at::sum(*in[0], axes.empty() ? at::OptionalIntArrayRef() : at::OptionalIntArrayRef(axes), keep,
                   in[0]->scalar_type());
  });
}

std::unique_ptr<Kernel> make_top_k(const KernelRequest& request) {
  struct TopK final : Kernel {
    std::int64_t axis = -1;
    bool largest = true;
    bool sorted = true;
    bool with_indices = false;
    void run(const at::Tensor* const* in, at::Tensor* const* out) const override {
      const std::vector<std::int64_t> k = integers_of(*in[1]);
      TORCH_CHECK(k.size() == 1, "k must be one number");
      auto [values, indices] = at::topk(*in[0], k[0], axis, largest, sorted);
      if (out[0] != nullptr) {
        *out[0] = values;
      }
      if (with_indices) {
        *out[1] = indices;
      }
    }
  };
  auto kernel = std::make_unique<TopK>();
  kernel->axis = request.integer("axis", -1);
  kernel->largest = request.integer("largest", 1) != 0;
  kernel->sorted = request.integer("sorted", 1) != 0;
  kernel->with_indices = request.node->outputs.size() > 1 && !request.node->outputs[1].empty();
  return kernel;
}

constexpr std::size_t many = 1U << 20;

constexpr std::array table = {
    KernelEntry{"Abs", make_unary<at::abs>, 1, 1, Rounding::widen, 0},
    KernelEntry{"Add", make_binary<add>, 2, 2, Rounding::promote, 0},
    KernelEntry{"AveragePool", make_average_pool, 1, 1, Rounding::widen, 0},
    KernelEntry{"BatchNormalization", make_batch_normalization, 5, 5, Rounding::widen, 0},
    KernelEntry{"Cast", make_cast, 1, 1, Rounding::widen, 0},
    KernelEntry{"Clip", make_clip, 1, 3, Rounding::widen, 0},
    KernelEntry{"Concat", make_concat, 1, many, Rounding::promote, 0},
    KernelEntry{"Conv", make_conv, 2, 3, Rounding::own, 0, 0b110},
    KernelEntry{"ConvTranspose", make_conv_transpose, 2, 3, Rounding::own, 0, 0b110},
    KernelEntry{"DepthToSpace", make_depth_to_space, 1, 1, Rounding::keep, 0},
    KernelEntry{"Div", make_binary<divide>, 2, 2, Rounding::widen, 0},
    KernelEntry{"Exp", make_unary<at::exp>, 1, 1, Rounding::widen, 0},
    KernelEntry{"Expand", make_expand, 2, 2, Rounding::keep, 0b10},
    KernelEntry{"Flatten", make_flatten, 1, 1, Rounding::keep, 0},
    KernelEntry{"Gather", make_gather, 2, 2, Rounding::keep, 0},
    KernelEntry{"Gemm", make_gemm, 2, 3, Rounding::own, 0},
    KernelEntry{"GlobalAveragePool", make_global_average_pool, 1, 1, Rounding::widen, 0},
    KernelEntry{"GlobalMaxPool", make_global_max_pool, 1, 1, Rounding::keep, 0},
    KernelEntry{"Greater", make_binary<at::gt>, 2, 2, Rounding::widen, 0},
    KernelEntry{"Identity", make_unary<identity>, 1, 1, Rounding::keep, 0},
    KernelEntry{"LeakyRelu", make_leaky_relu, 1, 1, Rounding::keep, 0},
    KernelEntry{"Less", make_binary<at::lt>, 2, 2, Rounding::widen, 0},
    KernelEntry{"Log", make_unary<at::log>, 1, 1, Rounding::widen, 0},
    KernelEntry{"MatMul", make_matmul, 2, 2, Rounding::widen, 0},
    KernelEntry{"Max", make_variadic<at::maximum>, 1, many, Rounding::widen, 0},
    KernelEntry{"MaxPool", make_max_pool, 1, 1, Rounding::keep, 0},
    KernelEntry{"Min", make_variadic<at::minimum>, 1, many, Rounding::widen, 0},
    KernelEntry{"Mul", make_binary<at::mul>, 2, 2, Rounding::widen, 0},
    KernelEntry{"Neg", make_unary<at::neg>, 1, 1, Rounding::widen, 0},
    KernelEntry{"Pad", make_pad, 2, 3, Rounding::widen, 0b10},
    KernelEntry{"Pow", make_binary<power>, 2, 2, Rounding::widen, 0},
    KernelEntry{"Reciprocal", make_unary<at::reciprocal>, 1, 1, Rounding::widen, 0},
    KernelEntry{"ReduceMax", make_reduce_max, 1, 1, Rounding::keep, 0},
    KernelEntry{"ReduceMean", make_reduce_mean, 1, 1, Rounding::widen, 0},
    KernelEntry{"ReduceMin", make_reduce_min, 1, 1, Rounding::keep, 0},
    KernelEntry{"ReduceSum", make_reduce_sum, 1, 2, Rounding::widen, 0b10},
    KernelEntry{"Relu", make_unary<at::relu>, 1, 1, Rounding::keep, 0},
    KernelEntry{"Reshape", make_reshape, 2, 2, Rounding::keep, 0b10},
    KernelEntry{"Resize", make_resize, 3, 4, Rounding::keep, 0b1110},
    KernelEntry{"Shape", make_shape, 1, 1, Rounding::keep, 0},
    KernelEntry{"Sigmoid", make_unary<at::sigmoid>, 1, 1, Rounding::widen, 0},
    KernelEntry{"Slice", make_slice, 3, 5, Rounding::keep, 0b11110},
    KernelEntry{"Softmax", make_softmax, 1, 1, Rounding::widen, 0},
    KernelEntry{"SpaceToDepth", make_space_to_depth, 1, 1, Rounding::keep, 0},
    KernelEntry{"Sqrt", make_unary<at::sqrt>, 1, 1, Rounding::widen, 0},
    KernelEntry{"Squeeze", make_squeeze, 1, 2, Rounding::keep, 0b10},
    KernelEntry{"Sub", make_binary<subtract>, 2, 2, Rounding::widen, 0},
    KernelEntry{"Tanh", make_unary<at::tanh>, 1, 1, Rounding::widen, 0},
    KernelEntry{"TopK", make_top_k, 2, 2, Rounding::widen, 0b10},
    KernelEntry{"Transpose", make_transpose, 1, 1, Rounding::keep, 0},
    KernelEntry{"Unsqueeze", make_unsqueeze, 2, 2, Rounding::keep, 0b10},
    KernelEntry{"Where", make_where, 3, 3, Rounding::widen, 0},
};
static_assert(std::is_sorted(table.begin(), table.end(),
                             [](const KernelEntry& a, const KernelEntry& b) { return a.op < b.op; }));

/// Converts bf16 inputs to f32, all of them or (promote) only when they meet f32.
class RoundedKernel final : public Kernel {
public:
  RoundedKernel(std::unique_ptr<Kernel> inner, std::size_t inputs, bool promote)
      : inner_(std::move(inner)), inputs_(inputs), promote_(promote) {}

  void run(const at::Tensor* const* in, at::Tensor* const* out) const override {
    bool any_wide = false;
    bool any_narrow = false;
    for (std::size_t i = 0; i < inputs_; ++i) {
      any_wide = any_wide || (in[i] != nullptr && in[i]->scalar_type() == at::kFloat);
      any_narrow = any_narrow || (in[i] != nullptr && in[i]->scalar_type() == at::kBFloat16);
    }
    if (!any_narrow || (promote_ && !any_wide)) {
      inner_->run(in, out);
      return;
    }
    std::vector<at::Tensor> held(inputs_);
    std::vector<const at::Tensor*> wide(in, in + inputs_);
    for (std::size_t i = 0; i < inputs_; ++i) {
      if (in[i] != nullptr && in[i]->scalar_type() == at::kBFloat16) {
        held[i] = in[i]->to(at::kFloat);
        wide[i] = &held[i];
      }
    }
    inner_->run(wide.data(), out);
  }

private:
  std::unique_ptr<Kernel> inner_;
  std::size_t inputs_;
  bool promote_;
};

}  // namespace

std::int64_t KernelRequest::integer(const std::string& name, std::int64_t fallback) const {
  return attribute_or<std::int64_t>(*this, name, fallback);
}

float KernelRequest::number(const std::string& name, float fallback) const {
  return attribute_or<float>(*this, name, fallback);
}

std::string KernelRequest::text(const std::string& name, const std::string& fallback) const {
  return attribute_or<std::string>(*this, name, fallback);
}

std::vector<std::int64_t> KernelRequest::integers(const std::string& name, std::vector<std::int64_t> fallback) const {
  return attribute_or<std::vector<std::int64_t>>(*this, name, std::move(fallback));
}

void KernelRequest::reject(const std::string& what) const {
  fail<ContentError>("[torch_backend.load] node '{}' ({}): {}", node->name, node->op, what);
}

const KernelEntry* find_kernel(std::string_view op) {
  const auto found = std::lower_bound(table.begin(), table.end(), op,
                                      [](const KernelEntry& entry, std::string_view name) { return entry.op < name; });
  return found != table.end() && found->op == op ? &*found : nullptr;
}

std::unique_ptr<Kernel> make_kernel(const KernelEntry& entry, const KernelRequest& request) {
  const std::size_t inputs = request.node->inputs.size();
  if (inputs < entry.fewest_inputs || inputs > entry.most_inputs) {
    request.reject(fmt::format("expected {} to {} inputs, got {}", entry.fewest_inputs, entry.most_inputs, inputs));
  }
  std::unique_ptr<Kernel> kernel = entry.make(request);
  const bool converts = entry.rounding == Rounding::widen || entry.rounding == Rounding::promote;
  if (request.compute_type == at::kFloat || !converts) {
    return kernel;
  }
  return std::make_unique<RoundedKernel>(std::move(kernel), inputs, entry.rounding == Rounding::promote);
}

std::vector<std::int64_t> integers_of(const at::Tensor& tensor) {
  const at::Tensor wide = tensor.to(at::kCPU, at::kLong).contiguous();
  const auto* data = wide.const_data_ptr<std::int64_t>();
  return {data, data + wide.numel()};
}

at::Tensor channels_last(const at::Tensor& x) {
  at::Tensor result = x.contiguous(at::MemoryFormat::ChannelsLast);
  const std::int64_t c = result.size(1);
  const std::int64_t h = result.size(2);
  const std::int64_t w = result.size(3);
  const std::array<std::int64_t, 4> strides = {h * w * c, 1, w * c, c};
  return result.strides() == at::IntArrayRef(strides) ? result : result.as_strided(result.sizes(), strides);
}

}  // namespace oddity::torch_backend
