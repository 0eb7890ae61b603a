#include <algorithm>
#include <array>
#include <numeric>

#include <ATen/ops/empty.h>
#include <ATen/ops/result_type.h>

#include "training/trace_call.h"

/// Operators that compute: element-wise, reductions, convolutions, pooling, resampling, matrix products.
namespace oddity {

namespace {

constexpr char op_abs[] = "Abs";
constexpr char op_exp[] = "Exp";
constexpr char op_log[] = "Log";
constexpr char op_neg[] = "Neg";
constexpr char op_reciprocal[] = "Reciprocal";
constexpr char op_relu[] = "Relu";
constexpr char op_sigmoid[] = "Sigmoid";
constexpr char op_sqrt[] = "Sqrt";
constexpr char op_tanh[] = "Tanh";
constexpr char op_mul[] = "Mul";
constexpr char op_max[] = "Max";
constexpr char op_min[] = "Min";
constexpr char op_greater[] = "Greater";
constexpr char op_less[] = "Less";
constexpr char op_reducemax[] = "ReduceMax";
constexpr char op_reducemin[] = "ReduceMin";
constexpr char op_reducemean[] = "ReduceMean";
constexpr char op_reducesum[] = "ReduceSum";

// --- Element-wise ---------------------------------------------------------------------------------------------------

template <char const* op>
void unary(Call& call) {
  call.give(call.graph().emit(op, {call.operand("self", call.output_type())}));
}

void square(Call& call) {
  const std::string x = call.tensor("self");
  call.give(call.graph().emit("Mul", {x, x}));
}

void inverse_root(Call& call) {
  call.give(call.graph().emit("Reciprocal", {call.graph().emit("Sqrt", {call.operand("self", call.output_type())})}));
}

void silu(Call& call) {
  const std::string x = call.tensor("self");
  call.give(call.graph().emit("Mul", {x, call.graph().emit("Sigmoid", {x})}));
}

void leaky_relu(Call& call) {
  call.give(call.graph().emit("LeakyRelu", {call.tensor("self")},
                              {{"alpha", static_cast<float>(call.number("negative_slope"))}}));
}

void add_or_sub(Call& call, const std::string& op, const std::string& left, const std::string& right) {
  const at::ScalarType type = call.output_type();
  std::string scaled = call.operand(right, type);
  if (const double alpha = call.takes("alpha") ? call.number("alpha") : 1; alpha != 1) {
    scaled = call.graph().emit("Mul", {scaled, call.scalar(alpha, type)});
  }
  call.give(call.graph().emit(op, {call.operand(left, type), scaled}));
}

void add(Call& call) { add_or_sub(call, "Add", "self", "other"); }
void subtract(Call& call) { add_or_sub(call, "Sub", "self", "other"); }

/// other - alpha * self
void subtract_reversed(Call& call) { add_or_sub(call, "Sub", "other", "self"); }

template <char const* op>
void binary(Call& call) {
  const at::ScalarType type = call.output_type();
  call.give(call.graph().emit(op, {call.operand("self", type), call.operand("other", type)}));
}

void divide(Call& call) {
  if (call.takes("rounding_mode") && !call.is_none("rounding_mode")) {
    call.reject("a rounding mode is given");
  }
  const at::ScalarType type = call.output_type();
  call.give(call.graph().emit("Div", {call.operand("self", type), call.operand("other", type)}));
}

void power(Call& call) {
  const at::ScalarType type = call.output_type();
  const std::string base = call.operand("self", type);
  if (call.is_number("exponent") && call.number("exponent") == 2) {
    call.give(call.graph().emit("Mul", {base, base}));
  } else {
    call.give(call.graph().emit("Pow", {base, call.operand("exponent", type)}));
  }
}

/// The type in which two operands are compared, by ATen's promotion rules.
at::ScalarType common_type(const Call& call, const std::string& left, const std::string& right) {
  const auto sample = [&](const std::string& name) {
    const Integers shape(static_cast<std::size_t>(call.rank(name)), 1);
    return at::empty(shape, at::TensorOptions().dtype(call.type_of(name)));
  };
  return call.is_number(right) ? at::result_type(sample(left), at::Scalar(call.number(right)))
                               : at::result_type(sample(left), sample(right));
}

template <char const* op>
void compare(Call& call) {
  const at::ScalarType type = common_type(call, "self", "other");
  call.give(call.graph().emit(op, {call.operand("self", type), call.operand("other", type)}));
}

void where(Call& call) {
  const at::ScalarType type = call.output_type();
  call.give(call.graph().emit(
      "Where", {call.operand("condition", at::kBool), call.operand("self", type), call.operand("other", type)}));
}

void clamp(Call& call) {
  const at::ScalarType type = call.output_type();
  const auto bound = [&](const std::string& name) {
    return call.takes(name) && !call.is_none(name) ? call.operand(name, type) : std::string();
  };
  const std::string low = bound("min");
  const std::string high = bound("max");
  const std::string x = call.operand("self", type);
  call.give(high.empty() ? call.graph().emit("Clip", {x, low}) : call.graph().emit("Clip", {x, low, high}));
}

void hardtanh(Call& call) {
  const bool six = call.what() == "aten::relu6";
  const double low = six ? 0 : call.number("min_val");
  const double high = six ? 6 : call.number("max_val");
  const at::ScalarType type = call.output_type();
  call.give(call.graph().emit("Clip", {call.tensor("self"), call.scalar(low, type), call.scalar(high, type)}));
}

// --- Reductions -----------------------------------------------------------------------------------------------------

template <char const* op>
void reduce(Call& call) {
  const std::int64_t rank = call.rank("self");
  Integers axes;
  if (call.takes("dim") && !call.is_none("dim")) {
    axes = call.integers("dim");
  }
  if (axes.empty()) {
    axes.resize(static_cast<std::size_t>(rank));
    std::iota(axes.begin(), axes.end(), 0);
  }
  for (std::int64_t& axis : axes) {
    axis = axis < 0 ? axis + rank : axis;
  }
  if (call.outputs() > 1 && call.wants(1)) {
    call.reject("its indices are used");
  }
  const std::int64_t keep = call.takes("keepdim") && call.flag("keepdim") ? 1 : 0;
  const std::string x = call.operand("self", call.output_type());
  const std::string name = op;
  call.give(name == "ReduceSum" ? call.graph().emit(name, {x, call.graph().integers(axes)}, {{"keepdims", keep}})
                                : call.graph().emit(name, {x}, {{"axes", axes}, {"keepdims", keep}}));
}

/// aten::max and min are reductions, with or without a dimension, and the larger of two tensors.
template <char const* reduction, char const* pairwise>
void extreme(Call& call) {
  call.takes("other") ? binary<pairwise>(call) : reduce<reduction>(call);
}

void top_k(Call& call) {
  const std::vector<std::string> results =
      call.graph().emit_many("TopK", {call.tensor("self"), call.graph().extents(call.sizes("k"), call.what())}, 2,
                             {{"axis", call.axis("dim", call.rank("self"))},
                              {"largest", std::int64_t{call.flag("largest")}},
                              {"sorted", std::int64_t{call.flag("sorted")}}});
  call.give(results[0], 0);
  call.give(results[1], 1);
}

void softmax(Call& call) {
  call.give(call.graph().emit("Softmax", {call.operand("self", call.output_type())},
                              {{"axis", call.axis("dim", call.rank("self"))}}));
}

// --- Convolutions, pooling, resampling, matrices --------------------------------------------------------------------

Integers both_sides(const Integers& padding) {
  Integers pads = padding;
  pads.insert(pads.end(), padding.begin(), padding.end());
  return pads;
}

void convolution(Call& call) {
  const bool transposed =
      call.what() == "aten::conv_transpose2d" || (call.takes("transposed") && call.flag("transposed"));
  if (call.rank("weight") != 4 || call.rank("input") != 4) {
    call.reject("only two-dimensional convolutions of [N, C, H, W] are supported");
  }
  const std::vector<Extent> weight = call.shape("weight");
  const Integers kernel = {weight[2].seen[0], weight[3].seen[0]};
  const Integers dilation = call.pair("dilation");
  Attributes attributes = {{"strides", call.pair("stride")},
                           {"dilations", dilation},
                           {"group", call.integer("groups")},
                           {"kernel_shape", kernel}};
  if (!call.is_text("padding")) {
    attributes["pads"] = both_sides(call.pair("padding"));
  } else if (call.text("padding") == "same") {
    Integers pads(4);
    for (std::size_t i = 0; i < 2; ++i) {
      const std::int64_t total = dilation[i] * (kernel[i] - 1);
      pads[i] = total / 2;
      pads[i + 2] = total - total / 2;
    }
    attributes["pads"] = pads;
  }
  if (transposed) {
    attributes["output_padding"] = call.pair("output_padding");
  }
  std::vector<std::string> inputs = {call.tensor("input"), call.tensor("weight")};
  if (!call.is_none("bias")) {
    inputs.push_back(call.tensor("bias"));
  }
  call.give(call.graph().emit(transposed ? "ConvTranspose" : "Conv", inputs, attributes));
}

void batch_norm(Call& call) {
  if (call.flag("training")) {
    call.reject("the model is in training mode");
  }
  const auto channels = call.shape("running_mean")[0].seen[0];
  const auto affine = [&](const std::string& name, float value) {
    return call.is_none(name) ? call.graph().floats(std::vector<float>(static_cast<std::size_t>(channels), value))
                              : call.tensor(name);
  };
  call.give(call.graph().emit("BatchNormalization",
                              {call.tensor("input"), affine("weight", 1), affine("bias", 0),
                               call.tensor("running_mean"), call.tensor("running_var")},
                              {{"epsilon", static_cast<float>(call.number("eps"))}}));
}

void max_pool(Call& call) {
  const Integers kernel = call.pair("kernel_size");
  const Integers stride = call.integers("stride").empty() ? kernel : call.pair("stride");
  call.give(call.graph().emit("MaxPool", {call.tensor("self")},
                              {{"kernel_shape", kernel},
                               {"strides", stride},
                               {"pads", both_sides(call.pair("padding"))},
                               {"dilations", call.pair("dilation")},
                               {"ceil_mode", std::int64_t{call.flag("ceil_mode")}}}));
}

void average_pool(Call& call) {
  if (!call.is_none("divisor_override") || call.flag("ceil_mode")) {
    call.reject("divisor_override and ceil_mode are not supported");
  }
  const std::vector<Extent> shape = call.shape("self");
  const std::vector<Extent> window = call.sizes("kernel_size");
  const Integers padding = call.pair("padding");
  if (shape.size() == 4 && window.size() == 2 && window[0] == shape[2] && window[1] == shape[3] &&
      padding == Integers{0, 0}) {
    call.give(call.graph().emit("GlobalAveragePool", {call.tensor("self")}));
    return;
  }
  const Integers kernel = call.pair("kernel_size");
  call.give(call.graph().emit("AveragePool", {call.tensor("self")},
                              {{"kernel_shape", kernel},
                               {"strides", call.integers("stride").empty() ? kernel : call.pair("stride")},
                               {"pads", both_sides(padding)},
                               {"count_include_pad", std::int64_t{call.flag("count_include_pad")}}}));
}

void adaptive_average_pool(Call& call) {
  const std::vector<Extent> in = call.shape("self");
  const std::vector<Extent> out = call.output_shape();
  if (in.size() != 4) {
    call.reject("expected [N, C, H, W]");
  }
  if (out[2] == Extent(1) && out[3] == Extent(1)) {
    call.give(call.graph().emit("GlobalAveragePool", {call.tensor("self")}));
    return;
  }
  Integers kernel;
  for (std::size_t i = 2; i < 4; ++i) {
    const Extent ratio(in[i].seen[0] / out[i].seen[0]);
    for (std::size_t trace = 0; trace < 3; ++trace) {
      if (out[i].seen[trace] * ratio.seen[0] != in[i].seen[trace]) {
        call.reject("the windows differ in size; expected an output of 1x1 or one that divides the input");
      }
    }
    kernel.push_back(ratio.seen[0]);
  }
  call.give(call.graph().emit("AveragePool", {call.tensor("self")}, {{"kernel_shape", kernel}, {"strides", kernel}}));
}

/// One scale of a resize when it holds at every traced size: as given to ATen, or the exact ratio of the sizes.
std::optional<float> scale_of(const Extent& in, const Extent& out) {
  const auto scale = static_cast<float>(static_cast<double>(out.seen[0]) / static_cast<double>(in.seen[0]));
  for (std::size_t trace = 0; trace < 3; ++trace) {
    const auto given = static_cast<double>(in.seen[trace]) * static_cast<double>(scale);
    if (static_cast<std::int64_t>(given) != out.seen[trace] ||
        out.seen[trace] * in.seen[0] != out.seen[0] * in.seen[trace]) {
      return std::nullopt;
    }
  }
  return scale;
}

/// interpolate() traces its own overload, whose first argument has another name.
void upsample(Call& call) {
  const bool overload = call.takes("scale_factors");
  const std::string x = overload ? "input" : "self";
  const std::vector<Extent> in = call.shape(x);
  const std::vector<Extent> out = call.output_shape();
  // A scale that is not the ratio of the sizes moves the sampling positions, which ONNX could not say with sizes.
  std::vector<double> given;
  if (overload && !call.is_none("scale_factors")) {
    given = call.numbers("scale_factors");
  } else if (!overload && !call.is_none("scales_h") && !call.is_none("scales_w")) {
    given = {call.number("scales_h"), call.number("scales_w")};
  }
  for (std::size_t i = 0; i < given.size(); ++i) {
    if (given[i] * static_cast<double>(in[i + 2].seen[0]) != static_cast<double>(out[i + 2].seen[0])) {
      call.reject("the scale factor does not give whole pixels");
    }
  }
  Attributes attributes;
  if (call.what() == "aten::upsample_nearest2d") {
    attributes = {{"mode", std::string("nearest")},
                  {"coordinate_transformation_mode", std::string("asymmetric")},
                  {"nearest_mode", std::string("floor")}};
  } else {
    attributes = {
        {"mode", std::string("linear")},
        {"coordinate_transformation_mode", std::string(call.flag("align_corners") ? "align_corners" : "half_pixel")}};
  }
  const std::optional<float> tall = scale_of(in[2], out[2]);
  const std::optional<float> wide = scale_of(in[3], out[3]);
  GraphBuilder& graph = call.graph();
  if (tall && wide) {
    call.give(graph.emit("Resize", {call.tensor(x), "", graph.floats({1, 1, *tall, *wide})}, attributes));
  } else {
    call.give(graph.emit("Resize", {call.tensor(x), "", "", graph.extents(out, call.what())}, attributes));
  }
}

void matrix_product(Call& call) {
  const std::string other = call.takes("mat2") ? "mat2" : "other";
  call.give(call.graph().emit("MatMul", {call.tensor("self"), call.tensor(other)}));
}

void linear(Call& call) {
  const std::int64_t rank = call.rank("input");
  const bool has_bias = !call.is_none("bias");
  const std::string x = call.tensor("input");
  const std::string weight = call.tensor("weight");
  GraphBuilder& graph = call.graph();
  if (rank == 2) {
    std::vector<std::string> inputs = {x, weight};
    if (has_bias) {
      inputs.push_back(call.tensor("bias"));
    }
    call.give(graph.emit("Gemm", inputs, {{"transB", std::int64_t{1}}}));
    return;
  }
  const std::string product = graph.emit("MatMul", {x, graph.emit("Transpose", {weight}, {{"perm", Integers{1, 0}}})});
  call.give(has_bias ? graph.emit("Add", {product, call.tensor("bias")}) : product);
}

/// beta * self + alpha * mat1 mat2
void add_product(Call& call) {
  call.give(call.graph().emit(
      "Gemm", {call.tensor("mat1"), call.tensor("mat2"), call.tensor("self")},
      {{"alpha", static_cast<float>(call.number("alpha"))}, {"beta", static_cast<float>(call.number("beta"))}}));
}

struct Entry {
  std::string_view name;
  Reducer reduce;
};

constexpr std::array table = {
    Entry{"aten::_adaptive_avg_pool2d", adaptive_average_pool},
    Entry{"aten::_convolution", convolution},
    Entry{"aten::_convolution_mode", convolution},
    Entry{"aten::_softmax", softmax},
    Entry{"aten::abs", unary<op_abs>},
    Entry{"aten::adaptive_avg_pool2d", adaptive_average_pool},
    Entry{"aten::add", add},
    Entry{"aten::addmm", add_product},
    Entry{"aten::amax", reduce<op_reducemax>},
    Entry{"aten::amin", reduce<op_reducemin>},
    Entry{"aten::avg_pool2d", average_pool},
    Entry{"aten::batch_norm", batch_norm},
    Entry{"aten::bmm", matrix_product},
    Entry{"aten::clamp", clamp},
    Entry{"aten::clamp_max", clamp},
    Entry{"aten::clamp_min", clamp},
    Entry{"aten::clip", clamp},
    Entry{"aten::conv2d", convolution},
    Entry{"aten::conv_transpose2d", convolution},
    Entry{"aten::convolution", convolution},
    Entry{"aten::div", divide},
    Entry{"aten::divide", divide},
    Entry{"aten::exp", unary<op_exp>},
    Entry{"aten::greater", compare<op_greater>},
    Entry{"aten::gt", compare<op_greater>},
    Entry{"aten::hardtanh", hardtanh},
    Entry{"aten::leaky_relu", leaky_relu},
    Entry{"aten::less", compare<op_less>},
    Entry{"aten::linear", linear},
    Entry{"aten::log", unary<op_log>},
    Entry{"aten::lt", compare<op_less>},
    Entry{"aten::matmul", matrix_product},
    Entry{"aten::max", extreme<op_reducemax, op_max>},
    Entry{"aten::max_pool2d", max_pool},
    Entry{"aten::maximum", binary<op_max>},
    Entry{"aten::mean", reduce<op_reducemean>},
    Entry{"aten::min", extreme<op_reducemin, op_min>},
    Entry{"aten::minimum", binary<op_min>},
    Entry{"aten::mm", matrix_product},
    Entry{"aten::mul", binary<op_mul>},
    Entry{"aten::multiply", binary<op_mul>},
    Entry{"aten::neg", unary<op_neg>},
    Entry{"aten::pow", power},
    Entry{"aten::reciprocal", unary<op_reciprocal>},
    Entry{"aten::relu", unary<op_relu>},
    Entry{"aten::relu6", hardtanh},
    Entry{"aten::rsqrt", inverse_root},
    Entry{"aten::rsub", subtract_reversed},
    Entry{"aten::sigmoid", unary<op_sigmoid>},
    Entry{"aten::silu", silu},
    Entry{"aten::softmax", softmax},
    Entry{"aten::sqrt", unary<op_sqrt>},
    Entry{"aten::square", square},
    Entry{"aten::sub", subtract},
    Entry{"aten::subtract", subtract},
    Entry{"aten::sum", reduce<op_reducesum>},
    Entry{"aten::tanh", unary<op_tanh>},
    Entry{"aten::topk", top_k},
    Entry{"aten::true_divide", divide},
    Entry{"aten::upsample_bilinear2d", upsample},
    Entry{"aten::upsample_nearest2d", upsample},
    Entry{"aten::where", where},
};
static_assert(std::is_sorted(table.begin(), table.end(),
                             [](const Entry& a, const Entry& b) { return a.name < b.name; }));

}  // namespace

Reducer find_computing_reducer(std::string_view name) {
  const auto found = std::lower_bound(table.begin(), table.end(), name,
                                      [](const Entry& entry, std::string_view wanted) { return entry.name < wanted; });
  return found != table.end() && found->name == name ? found->reduce : nullptr;
}

}  // namespace oddity
