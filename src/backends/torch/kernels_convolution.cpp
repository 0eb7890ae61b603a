#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <optional>
#include <string_view>

#include <ATen/ATen.h>
#include <ATen/core/dispatch/Dispatcher.h>
#include <fmt/core.h>

#include "backends/torch/kernels.h"
#include "backends/torch/matrix_vector.h"

/// Convolutions, pooling, resampling and matrix products: where the time goes.
namespace oddity::torch_backend {

namespace {

/// Padding of a window operator: ATen pads both sides alike, so what ONNX asks beyond that is padded before.
struct Window {
  std::vector<std::int64_t> strides, dilations, padding;
  std::vector<std::int64_t> extra;  ///< for constant_pad_nd, empty when both sides are equal

  Window(const KernelRequest& request, std::size_t spatial) {
    if (const std::string mode = request.text("auto_pad", "NOTSET"); mode != "NOTSET" && mode != "VALID") {
      request.reject(fmt::format("auto_pad '{}' is not supported; expected NOTSET with pads, or VALID", mode));
    }
    strides = request.integers("strides", std::vector<std::int64_t>(spatial, 1));
    dilations = request.integers("dilations", std::vector<std::int64_t>(spatial, 1));
    const std::vector<std::int64_t> pads = request.integers("pads", std::vector<std::int64_t>(2 * spatial, 0));
    if (strides.size() != spatial || dilations.size() != spatial || pads.size() != 2 * spatial) {
      request.reject(fmt::format("strides, dilations and pads must be given for {} spatial dimensions", spatial));
    }
    const auto bad = [](std::int64_t low) { return [low](std::int64_t x) { return x < low || x > 1 << 20; }; };
    if (std::any_of(strides.begin(), strides.end(), bad(1)) || std::any_of(pads.begin(), pads.end(), bad(0)) ||
        std::any_of(dilations.begin(), dilations.end(), bad(1))) {
      request.reject("strides and dilations must be at least 1 and pads at least 0");
    }
    padding.assign(pads.begin(), pads.begin() + static_cast<std::ptrdiff_t>(spatial));
    if (!std::equal(padding.begin(), padding.end(), pads.begin() + static_cast<std::ptrdiff_t>(spatial))) {
      for (std::size_t i = spatial; i-- > 0;) {
        extra.push_back(pads[i]);
        extra.push_back(pads[i + spatial]);
      }
      std::fill(padding.begin(), padding.end(), 0);
    }
  }

  at::Tensor padded(const at::Tensor& x, double value) const {
    return extra.empty() ? x : at::constant_pad_nd(x, extra, value);
  }
};

/// The weight of a Conv or ConvTranspose in the compute type; it must be an initialiser so that it can be packed.
at::Tensor constant_weight(const KernelRequest& request) {
  const at::Tensor* weight = request.constant(1);
  if (weight == nullptr || weight->dim() < 3 || weight->dim() > 5) {
    request.reject("the weight must be an initialiser of rank 3 to 5");
  }
  const at::Tensor cast = weight->to(request.device, request.compute_type);
  return cast.dim() == 4 ? channels_last(cast) : cast.contiguous();
}

std::optional<at::Tensor> constant_bias(const KernelRequest& request) {
  if (!request.has_input(2)) {
    return std::nullopt;
  }
  if (request.constant(2) == nullptr) {
    request.reject("the bias must be an initialiser");
  }
  return request.constant(2)->to(request.device, request.compute_type).contiguous();
}

using PointwiseConvolution = at::Tensor(const at::Tensor&, const at::Tensor&, const std::optional<at::Tensor>&,
                                        at::IntArrayRef, at::IntArrayRef, at::IntArrayRef, std::int64_t,
                                        std::string_view, c10::List<std::optional<at::Scalar>>,
                                        std::optional<std::string_view>);

/// oneDNN's convolution with prepacked weights and a fused activation, an operator that ATen registers but does not
/// declare. Null when this LibTorch has none.
const c10::TypedOperatorHandle<PointwiseConvolution>* pointwise_convolution() {
  static const std::optional<c10::TypedOperatorHandle<PointwiseConvolution>> handle =
      []() -> std::optional<c10::TypedOperatorHandle<PointwiseConvolution>> {
    const auto found = c10::Dispatcher::singleton().findSchema({"mkldnn::_convolution_pointwise", ""});
    if (!found || !at::hasMKLDNN()) {
      return std::nullopt;
    }
    return found->typed<PointwiseConvolution>();
  }();
  return handle ? &*handle : nullptr;
}

/// oneDNN refuses bf16 on processors without AVX-512; ATen's own kernels still compute it.
bool packs_bf16() {
  static const bool answer = [] {
    const auto found = c10::Dispatcher::singleton().findSchema({"mkldnn::_is_mkldnn_bf16_supported", ""});
    return found && found->typed<bool()>().call();
  }();
  return answer;
}

class Convolution final : public Kernel {
public:
  explicit Convolution(const KernelRequest& request)
      : weight_(constant_weight(request)),
        bias_(constant_bias(request)),
        window_(request, static_cast<std::size_t>(weight_.dim() - 2)),
        groups_(request.integer("group", 1)),
        type_(request.compute_type),
        activation_(request.activation),
        slope_(request.slope) {
    if (groups_ < 1 || weight_.size(0) % groups_ != 0) {
      request.reject(fmt::format("group {} does not divide {} output channels", groups_, weight_.size(0)));
    }
    can_pack_ = weight_.dim() == 4 && weight_.numel() > 0 && request.device.is_cpu() &&
                pointwise_convolution() != nullptr && (request.compute_type == at::kFloat || packs_bf16());
  }

  /// The blocked layout that oneDNN likes best depends on the input size; other sizes still run, reordering per call.
  void prepare(const at::Tensor* const* in) override {
    if (!can_pack_ || packed_ || in[0]->dim() != 4) {
      return;
    }
    const at::Tensor x = window_.padded(*in[0], 0);
    TORCH_CHECK(x.size(1) == weight_.size(1) * groups_, "expected ", weight_.size(1) * groups_, " channels, got ",
                x.size(1));
    weight_ = at::mkldnn_reorder_conv2d_weight(weight_.to_mkldnn(), window_.padding, window_.strides, window_.dilations,
                                               groups_, x.sizes());
    packed_ = true;
  }

  void run(const at::Tensor* const* in, at::Tensor* const* out) const override {
    const at::Tensor padded = window_.padded(in[0]->to(type_), 0);
    if (packed_) {
      *out[0] = pointwise_convolution()->call(channels_last(padded), weight_, bias_, window_.padding, window_.strides,
                                              window_.dilations, groups_, attribute(), scalars(), "");
      return;
    }
    const at::Tensor x = padded.dim() == 4 ? channels_last(padded) : padded;
    at::Tensor y = at::convolution(x, weight_, bias_, window_.strides, window_.padding, window_.dilations,
                                   /*transposed=*/false, std::vector<std::int64_t>(window_.padding.size(), 0), groups_);
    if (activation_ == "Relu") {
      at::relu_(y);
    } else if (activation_ == "LeakyRelu") {
      at::leaky_relu_(y, slope_);
    }
    *out[0] = y;
  }

private:
  std::string_view attribute() const {
    return activation_.empty() ? "none" : activation_ == "Relu" ? "relu" : "leaky_relu";
  }
  c10::List<std::optional<at::Scalar>> scalars() const {
    c10::List<std::optional<at::Scalar>> list;
    if (activation_ == "LeakyRelu") {
      list.push_back(at::Scalar(slope_));
    }
    return list;
  }

  at::Tensor weight_;
  std::optional<at::Tensor> bias_;
  Window window_;
  std::int64_t groups_;
  at::ScalarType type_;
  std::string activation_;
  float slope_;
  bool can_pack_ = false;
  bool packed_ = false;
};

}  // namespace

std::unique_ptr<Kernel> make_conv(const KernelRequest& request) { return std::make_unique<Convolution>(request); }

std::unique_ptr<Kernel> make_conv_transpose(const KernelRequest& request) {
  const at::Tensor weight = constant_weight(request);
  const auto spatial = static_cast<std::size_t>(weight.dim() - 2);
  const Window window(request, spatial);
  if (!window.extra.empty() || request.node->attributes.contains("output_shape")) {
    request.reject("pads must be equal on both sides and output_shape absent");
  }
  return make_simple(
      [weight, bias = constant_bias(request), window, groups = request.integer("group", 1), type = request.compute_type,
       output_padding =
           request.integers("output_padding", std::vector<std::int64_t>(spatial, 0))](const at::Tensor* const* in) {
        const at::Tensor x = in[0]->dim() == 4 ? channels_last(in[0]->to(type)) : in[0]->to(type);
        return at::convolution(x, weight, bias, window.strides, window.padding, window.dilations, /*transposed=*/true,
                               output_padding, groups);
      });
}

/// y = x * scale + shift per channel, when no convolution in front takes it up.
std::unique_ptr<Kernel> make_batch_normalization(const KernelRequest& request) {
  if (request.integer("training_mode", 0) != 0) {
    request.reject("training_mode must be 0");
  }
  return make_simple([epsilon = request.number("epsilon", 1e-5F)](const at::Tensor* const* in) {
    return at::batch_norm(*in[0], *in[1], *in[2], *in[3], *in[4], /*training=*/false, 0, epsilon, false);
  });
}

std::unique_ptr<Kernel> make_max_pool(const KernelRequest& request) {
  const std::vector<std::int64_t> kernel = request.integers("kernel_shape", {});
  if (kernel.size() != 2 || request.node->outputs.size() != 1) {
    request.reject("expected a two-dimensional kernel_shape and one output");
  }
  return make_simple(
      [kernel, window = Window(request, 2), ceil = request.integer("ceil_mode", 0) != 0](const at::Tensor* const* in) {
        const at::Tensor x = window.padded(*in[0], -std::numeric_limits<double>::infinity());
        return at::max_pool2d(x, kernel, window.strides, window.padding, window.dilations, ceil);
      });
}

std::unique_ptr<Kernel> make_average_pool(const KernelRequest& request) {
  const std::vector<std::int64_t> kernel = request.integers("kernel_shape", {});
  const Window window(request, 2);
  const bool include = request.integer("count_include_pad", 0) != 0;
  const bool ceil = request.integer("ceil_mode", 0) != 0;
  if (kernel.size() != 2 || (!window.extra.empty() && (!include || ceil))) {
    request.reject("expected a two-dimensional kernel_shape, and pads equal on both sides or counted");
  }
  return make_simple([kernel, window, ceil, include](const at::Tensor* const* in) {
    return at::avg_pool2d(window.padded(*in[0], 0), kernel, window.strides, window.padding, ceil, include);
  });
}

std::unique_ptr<Kernel> make_global_average_pool(const KernelRequest&) {
  return make_simple([](const at::Tensor* const* in) { return at::mean(*in[0], at::IntArrayRef({2, 3}), true); });
}

std::unique_ptr<Kernel> make_global_max_pool(const KernelRequest&) {
  return make_simple([](const at::Tensor* const* in) { return at::amax(*in[0], at::IntArrayRef({2, 3}), true); });
}

/// The forms that ATen has, named as ONNX names them: nearest (asymmetric with floor; half_pixel with
/// round_prefer_ceil), linear (half_pixel, pytorch_half_pixel, align_corners) and cubic (half_pixel, align_corners, a =
/// -0.75) on the last two of four dimensions.
std::unique_ptr<Kernel> make_resize(const KernelRequest& request) {
  enum class Form : std::uint8_t { nearest, nearest_exact, linear, linear_corners, cubic, cubic_corners };
  const std::string mode = request.text("mode", "nearest");
  const std::string position = request.text("coordinate_transformation_mode", "half_pixel");
  const std::string rounding = request.text("nearest_mode", "round_prefer_floor");
  const bool half = position == "half_pixel";
  const bool corners = position == "align_corners";
  std::optional<Form> form;
  if (mode == "nearest" && position == "asymmetric" && rounding == "floor") {
    form = Form::nearest;
  } else if (mode == "nearest" && half && rounding == "round_prefer_ceil") {
    form = Form::nearest_exact;
  } else if (mode == "linear" && (half || corners || position == "pytorch_half_pixel")) {
    form = corners ? Form::linear_corners : Form::linear;
  } else if (mode == "cubic" && (half || corners) && request.number("cubic_coeff_a", -0.75F) == -0.75F) {
    form = corners ? Form::cubic_corners : Form::cubic;
  }
  if (!form || request.integer("exclude_outside", 0) != 0) {
    request.reject(fmt::format("no kernel for mode '{}', coordinate_transformation_mode '{}', nearest_mode '{}'", mode,
                               position, rounding));
  }
  const bool has_sizes = request.has_input(3);
  if (!has_sizes && !request.has_input(2)) {
    request.reject("expected scales or sizes");
  }
  return make_simple([form, has_sizes](const at::Tensor* const* in) {
    const bool moves = *form == Form::nearest || *form == Form::nearest_exact;
    const at::Tensor x = !moves && in[0]->scalar_type() == at::kBFloat16 ? in[0]->to(at::kFloat) : *in[0];
    TORCH_CHECK(x.dim() == 4, "expected [N, C, H, W], got ", x.sizes());
    std::array<std::int64_t, 2> size{};
    std::optional<double> scale_h, scale_w;
    if (has_sizes) {
      const std::vector<std::int64_t> sizes = integers_of(*in[3]);
      TORCH_CHECK(sizes.size() == 4 && sizes[0] == x.size(0) && sizes[1] == x.size(1), "sizes must keep N and C of ",
                  x.sizes());
      size = {sizes[2], sizes[3]};
    } else {
      const at::Tensor scales = in[2]->to(at::kCPU, at::kFloat).contiguous();
      const float* s = scales.const_data_ptr<float>();
      TORCH_CHECK(scales.numel() == 4 && s[0] == 1 && s[1] == 1 && s[2] > 0 && s[3] > 0,
                  "scales must hold 1, 1 and two positive numbers");
      scale_h = s[2];
      scale_w = s[3];
      size = {static_cast<std::int64_t>(std::floor(static_cast<double>(x.size(2)) * *scale_h)),
              static_cast<std::int64_t>(std::floor(static_cast<double>(x.size(3)) * *scale_w))};
    }
    switch (*form) {
      case Form::nearest:
        return at::upsample_nearest2d(x, size, scale_h, scale_w);
      case Form::nearest_exact:
        return at::_upsample_nearest_exact2d(x, size, scale_h, scale_w);
      case Form::linear:
      case Form::linear_corners:
        return at::upsample_bilinear2d(x, size, *form == Form::linear_corners, scale_h, scale_w);
      default:
        return at::upsample_bicubic2d(x, size, *form == Form::cubic_corners, scale_h, scale_w);
    }
  });
}

std::unique_ptr<Kernel> make_gemm(const KernelRequest& request) {
  const auto converted = [&request](std::size_t i) {
    return request.constant(i) == nullptr ? at::Tensor()
                                          : request.constant(i)->to(request.device, request.compute_type);
  };
  return make_simple([trans_a = request.integer("transA", 0) != 0, trans_b = request.integer("transB", 0) != 0,
                      alpha = request.number("alpha", 1), beta = request.number("beta", 1), type = request.compute_type,
                      has_c = request.has_input(2), weight = converted(1),
                      bias = converted(2)](const at::Tensor* const* in) {
    const at::Tensor left = in[0]->to(type);
    const at::Tensor right = weight.defined() ? weight : in[1]->to(type);
    const at::Tensor a = trans_a ? left.t() : left;
    const at::Tensor b = trans_b ? right.t() : right;
    if (has_c) {
      return at::addmm(bias.defined() ? bias : in[2]->to(type), a, b, beta, alpha);
    }
    const at::Tensor product = at::mm(a, b);
    return alpha == 1 ? product : at::mul(product, alpha);
  });
}

/// A stack of matrices times one vector each (distances to per-position Gaussians) is bound by reading the matrices;
/// MKL's batched product took 1.95 ms for 1024 x 48 x 48 where one pass over the memory takes 0.5.
std::unique_ptr<Kernel> make_matmul(const KernelRequest& request) {
  const at::Tensor* left = request.constant(0);
  const bool stack =
      left != nullptr && left->dim() == 3 && left->scalar_type() == at::kFloat && request.device.is_cpu();
  return make_simple([stack](const at::Tensor* const* in) {
    const at::Tensor& a = *in[0];
    const at::Tensor& b = *in[1];
    if (!stack || b.dim() != 3 || b.size(2) != 1 || b.size(0) != a.size(0) || b.size(1) != a.size(2) ||
        b.scalar_type() != at::kFloat) {
      return at::matmul(a, b);
    }
    at::Tensor result = at::empty({a.size(0), a.size(1), 1}, a.options());
    multiply_stack(a.contiguous().const_data_ptr<float>(), b.contiguous().const_data_ptr<float>(),
                   result.mutable_data_ptr<float>(), a.size(0), a.size(1), a.size(2));
    return result;
  });
}

}  // namespace oddity::torch_backend
