#include <cmath>
#include <functional>
#include <limits>
#include <map>

#include "core/error.h"
#include "graph_running.h"

/// Every operator of packages against ATen called directly (or a closed form where ATen has no such operator).
namespace oddity {
namespace {

using at::Tensor;
using Integers = std::vector<std::int64_t>;
using testing::expect_close;
using Attributes = std::map<std::string, Attribute>;

constexpr std::int64_t end_of_axis = std::numeric_limits<std::int64_t>::max();

Tensor numbers(const Integers& values) { return at::tensor(values, at::kLong); }

Tensor random(const Integers& shape) {
  static const at::Generator generator = at::detail::createCPUGenerator(7);
  return at::randn(shape, generator);
}

/// One node on "image" and constants; inputs named "x" stand for the image, "" for left out.
struct OneNode {
  std::string op;
  std::vector<std::string> inputs;
  Attributes attributes;
  std::map<std::string, Tensor> constants;
  std::size_t outputs = 1;
};

Graph graph_of(const OneNode& spec, const Integers& shape) {
  Graph graph;
  graph.name = "one";
  graph.inputs = {{"x", TensorType::f32, shape}};
  GraphNode node{spec.op, "node", spec.inputs, {}, spec.attributes};
  for (std::size_t i = 0; i < spec.outputs; ++i) {
    node.outputs.push_back("y" + std::to_string(i));
    graph.outputs.push_back({node.outputs.back(), TensorType::f32, {}});
  }
  graph.nodes = {node};
  for (const auto& [name, tensor] : spec.constants) {
    graph.initializers.push_back(testing::constant(name, tensor));
  }
  return graph;
}

std::vector<Tensor> run(const OneNode& spec, const Tensor& x) {
  return testing::run_graph(graph_of(spec, x.sizes().vec()), x);
}

void check(const OneNode& spec, const Tensor& x, const Tensor& expected, double tolerance = 1e-6) {
  SCOPED_TRACE(spec.op + " on " + c10::str(x.sizes()));
  expect_close(run(spec, x)[0], expected, tolerance);
}

const std::vector<Integers> shapes = {{1, 1, 8, 8}, {2, 3, 6, 10}, {1, 16, 5, 7}};

TEST(TorchBackendOperators, Unary) {
  const std::map<std::string, std::function<Tensor(const Tensor&)>> signed_ops = {
      {"Abs", [](const Tensor& x) { return x.abs(); }},
      {"Exp", [](const Tensor& x) { return x.exp(); }},
      {"Neg", [](const Tensor& x) { return -x; }},
      {"Relu", [](const Tensor& x) { return x.relu(); }},
      {"Sigmoid", [](const Tensor& x) { return x.sigmoid(); }},
      {"Tanh", [](const Tensor& x) { return x.tanh(); }},
      {"Identity", [](const Tensor& x) { return x; }}};
  const std::map<std::string, std::function<Tensor(const Tensor&)>> positive_ops = {
      {"Log", [](const Tensor& x) { return x.log(); }},
      {"Sqrt", [](const Tensor& x) { return x.sqrt(); }},
      {"Reciprocal", [](const Tensor& x) { return 1 / x; }}};
  for (const Integers& shape : shapes) {
    const Tensor x = random(shape);
    for (const auto& [op, f] : signed_ops) {
      check({op, {"x"}, {}, {}}, x, f(x));
    }
    for (const auto& [op, f] : positive_ops) {
      check({op, {"x"}, {}, {}}, x.abs() + 0.1, f(x.abs() + 0.1));
    }
    check({"LeakyRelu", {"x"}, {{"alpha", 0.2F}}, {}}, x, at::leaky_relu(x, 0.2));
    check({"LeakyRelu", {"x"}, {}, {}}, x, at::leaky_relu(x, 0.01));
    check({"Softmax", {"x"}, {{"axis", std::int64_t{1}}}, {}}, x, x.softmax(1));
    check({"Softmax", {"x"}, {}, {}}, x, x.softmax(-1));
  }
}

TEST(TorchBackendOperators, BinaryBroadcasts) {
  for (const Integers& shape : shapes) {
    const Tensor x = random(shape);
    const std::vector<Tensor> others = {random({}), random({shape[1], 1, 1}),
                                        random({1, shape[1], shape[2], shape[3]})};
    for (const Tensor& c : others) {
      check({"Add", {"x", "c"}, {}, {{"c", c}}}, x, x + c);
      check({"Sub", {"x", "c"}, {}, {{"c", c}}}, x, x - c);
      check({"Sub", {"c", "x"}, {}, {{"c", c}}}, x, c - x);
      check({"Mul", {"x", "c"}, {}, {{"c", c}}}, x, x * c);
      check({"Div", {"x", "c"}, {}, {{"c", c.abs() + 0.5}}}, x, x / (c.abs() + 0.5));
      check({"Pow", {"x", "c"}, {}, {{"c", c}}}, x.abs() + 0.1, at::pow(x.abs() + 0.1, c), 1e-5);
      check({"Max", {"x", "c", "x"}, {}, {{"c", c}}}, x, at::maximum(x, c));
      check({"Min", {"x", "c"}, {}, {{"c", c}}}, x, at::minimum(x, c));
      check({"Greater", {"x", "c"}, {}, {{"c", c}}}, x, x.gt(c));
      check({"Less", {"x", "c"}, {}, {{"c", c}}}, x, x.lt(c));
      check({"Where", {"m", "x", "c"}, {}, {{"m", c.gt(0)}, {"c", c}}}, x, at::where(c.gt(0), x, c));
    }
  }
}

TEST(TorchBackendOperators, IntegerDivisionTruncates) {
  // -7 / 2 = -3 towards zero (floor would give -4); the integers come from a Cast of the image.
  Graph graph = graph_of({"Cast", {"x"}, {{"to", std::int64_t{7}}}, {{"two", numbers({2})}}}, {1, 4});
  graph.nodes.push_back({"Div", "divide", {"y0", "two"}, {"quotient"}, {}});
  graph.outputs = {{"quotient", TensorType::f32, {}}};
  const Tensor x = at::tensor({-7.0F, 7.0F, 5.9F, -0.9F}).view({1, 4});
  expect_close(testing::run_graph(graph, x)[0], at::tensor({-3.0F, 3.0F, 2.0F, 0.0F}).view({1, 4}), 0);
}

TEST(TorchBackendOperators, Clip) {
  const Tensor x = random({1, 3, 6, 6});
  const std::map<std::string, Tensor> bounds = {{"low", at::tensor(-0.3F)}, {"high", at::tensor(0.4F)}};
  check({"Clip", {"x", "low", "high"}, {}, bounds}, x, x.clamp(-0.3, 0.4));
  check({"Clip", {"x", "", "high"}, {}, {{"high", at::tensor(0.4F)}}}, x, x.clamp_max(0.4));
  check({"Clip", {"x", "low"}, {}, {{"low", at::tensor(-0.3F)}}}, x, x.clamp_min(-0.3));
  check({"Clip", {"x"}, {}, {}}, x, x);
}

TEST(TorchBackendOperators, Reductions) {
  for (const Integers& shape : shapes) {
    const Tensor x = random(shape);
    for (const Integers& axes : {Integers{1}, Integers{2, 3}, Integers{-1}}) {
      for (const std::int64_t keep : {0, 1}) {
        const Attributes attributes = {{"axes", axes}, {"keepdims", keep}};
        check({"ReduceMean", {"x"}, attributes, {}}, x, x.mean(axes, keep != 0), 1e-5);
        check({"ReduceMax", {"x"}, attributes, {}}, x, x.amax(axes, keep != 0));
        check({"ReduceMin", {"x"}, attributes, {}}, x, x.amin(axes, keep != 0));
        check({"ReduceSum", {"x", "axes"}, {{"keepdims", keep}}, {{"axes", numbers(axes)}}}, x, x.sum(axes, keep != 0),
              1e-5);
      }
    }
    check({"ReduceMean", {"x"}, {}, {}}, x, x.mean().view({1, 1, 1, 1}), 1e-5);
    check({"ReduceMax", {"x"}, {{"keepdims", std::int64_t{0}}}, {}}, x, x.max());
    check({"ReduceSum", {"x"}, {{"keepdims", std::int64_t{0}}}, {}}, x, x.sum(), 1e-5);
    check({"ReduceSum", {"x"}, {{"noop_with_empty_axes", std::int64_t{1}}}, {}}, x, x);
    check({"GlobalAveragePool", {"x"}, {}, {}}, x, x.mean(Integers{2, 3}, true), 1e-5);
    check({"GlobalMaxPool", {"x"}, {}, {}}, x, x.amax(Integers{2, 3}, true));
  }
}

TEST(TorchBackendOperators, TopK) {
  const Tensor x = random({2, 3, 4, 9});
  const auto [values, indices] = x.topk(4, 3, true, true);
  const std::vector<Tensor> got = run({"TopK", {"x", "k"}, {}, {{"k", numbers({4})}}, 2}, x);
  expect_close(got[0], values, 0);
  expect_close(got[1], indices, 0);
  const OneNode smallest = {
      "TopK", {"x", "k"}, {{"axis", std::int64_t{1}}, {"largest", std::int64_t{0}}}, {{"k", numbers({2})}}};
  check(smallest, x, std::get<0>(x.topk(2, 1, false, true)), 0);
}

TEST(TorchBackendOperators, Convolution) {
  struct Case {
    Integers input, weight, stride, pads, dilation;
    std::int64_t groups;
  };
  const std::vector<Case> cases = {{{1, 1, 8, 8}, {4, 1, 3, 3}, {1, 1}, {1, 1, 1, 1}, {1, 1}, 1},
                                   {{2, 3, 9, 7}, {24, 3, 3, 3}, {2, 2}, {1, 1, 1, 1}, {1, 1}, 1},
                                   {{1, 24, 8, 8}, {7, 24, 1, 1}, {1, 1}, {0, 0, 0, 0}, {1, 1}, 1},
                                   {{1, 8, 11, 11}, {8, 1, 3, 3}, {1, 1}, {2, 2, 2, 2}, {2, 2}, 8},
                                   {{1, 4, 9, 9}, {6, 2, 5, 3}, {1, 2}, {2, 1, 2, 1}, {1, 1}, 2},
                                   {{1, 2, 6, 6}, {3, 2, 2, 2}, {1, 1}, {0, 0, 1, 1}, {1, 1}, 1}};
  for (const Case& c : cases) {
    const Tensor x = random(c.input);
    const Tensor w = random(c.weight);
    const Tensor b = random({c.weight[0]});
    // ONNX gives begins then ends per dimension; ATen's constant pad counts from the last dimension.
    const Tensor padded = at::constant_pad_nd(x, {c.pads[1], c.pads[3], c.pads[0], c.pads[2]}, 0);
    const Tensor expected = at::conv2d(padded, w, b, c.stride, Integers{0, 0}, c.dilation, c.groups);
    const Attributes attributes = {
        {"strides", c.stride}, {"pads", c.pads}, {"dilations", c.dilation}, {"group", c.groups}};
    // Sums run in another order: a few units in the last place of sums of up to 216 products.
    check({"Conv", {"x", "w", "b"}, attributes, {{"w", w}, {"b", b}}}, x, expected, 1e-5);
    check({"Conv", {"x", "w"}, attributes, {{"w", w}}}, x,
          at::conv2d(padded, w, {}, c.stride, Integers{0, 0}, c.dilation, c.groups), 1e-5);
  }
}

TEST(TorchBackendOperators, ConvolutionOfOneAndThreeDimensions) {
  const Tensor line = random({2, 3, 20});
  const Tensor w1 = random({5, 3, 3});
  check({"Conv", {"x", "w"}, {{"pads", Integers{1, 1}}}, {{"w", w1}}}, line, at::conv1d(line, w1, {}, 1, 1), 1e-5);
  const Tensor cube = random({1, 2, 5, 6, 7});
  const Tensor w3 = random({3, 2, 2, 2, 2});
  check({"Conv", {"x", "w"}, {}, {{"w", w3}}}, cube, at::conv3d(cube, w3), 1e-5);
}

TEST(TorchBackendOperators, ConvTranspose) {
  const Tensor x = random({2, 6, 5, 7});
  const Tensor w = random({6, 4, 4, 4});
  const Tensor b = random({4});
  check({"ConvTranspose",
         {"x", "w", "b"},
         {{"strides", Integers{2, 2}}, {"pads", Integers{1, 1, 1, 1}}},
         {{"w", w}, {"b", b}}},
        x, at::conv_transpose2d(x, w, b, 2, 1), 1e-5);
  const Tensor grouped = random({6, 2, 3, 3});
  check({"ConvTranspose",
         {"x", "w"},
         {{"strides", Integers{2, 2}}, {"output_padding", Integers{1, 1}}, {"group", std::int64_t{2}}},
         {{"w", grouped}}},
        x, at::conv_transpose2d(x, grouped, {}, 2, 0, 1, 2), 1e-5);
}

TEST(TorchBackendOperators, BatchNormalizationAloneAndFolded) {
  const Tensor x = random({2, 3, 6, 6});
  const Tensor gamma = random({8}), beta = random({8}), mean = random({8}), variance = random({8}).abs() + 0.1;
  const Tensor weight = random({8, 3, 3, 3}), bias = random({8});
  const Tensor convolved = at::conv2d(x, weight, bias, 1, 1);
  const Tensor normed = at::batch_norm(convolved, gamma, beta, mean, variance, false, 0, 1e-3, false);
  Graph graph;
  graph.name = "norm";
  graph.inputs = {{"x", TensorType::f32, {2, 3, 6, 6}}};
  graph.nodes = {
      {"Conv", "conv", {"x", "w", "b"}, {"c"}, {{"pads", Integers{1, 1, 1, 1}}}},
      {"BatchNormalization", "norm", {"c", "gamma", "beta", "mean", "variance"}, {"n"}, {{"epsilon", 1e-3F}}},
      {"LeakyRelu", "relu", {"n"}, {"y"}, {{"alpha", 0.3F}}}};
  graph.outputs = {{"y", TensorType::f32, {}}};
  const std::map<std::string, Tensor> constants = {{"w", weight},  {"b", bias},    {"gamma", gamma},
                                                   {"beta", beta}, {"mean", mean}, {"variance", variance}};
  for (const auto& [name, tensor] : constants) {
    graph.initializers.push_back(testing::constant(name, tensor));
  }
  expect_close(testing::run_graph(graph, x)[0], at::leaky_relu(normed, 0.3), 1e-5);
  // A second reader of the convolution forbids folding; both must be right.
  graph.outputs.push_back({"c", TensorType::f32, {}});
  const std::vector<Tensor> both = testing::run_graph(graph, x);
  expect_close(both[0], at::leaky_relu(normed, 0.3), 1e-5);
  expect_close(both[1], convolved, 1e-5);
}

TEST(TorchBackendOperators, Pooling) {
  const Tensor x = random({2, 3, 9, 11});
  const Attributes window = {
      {"kernel_shape", Integers{3, 3}}, {"strides", Integers{2, 2}}, {"pads", Integers{1, 1, 1, 1}}};
  check({"MaxPool", {"x"}, window, {}}, x, at::max_pool2d(x, 3, 2, 1));
  Attributes with_pads = window;
  with_pads["count_include_pad"] = std::int64_t{1};
  check({"AveragePool", {"x"}, with_pads, {}}, x, at::avg_pool2d(x, 3, 2, 1, false, true));
  check({"AveragePool", {"x"}, window, {}}, x, at::avg_pool2d(x, 3, 2, 1, false, false));
  Attributes ceil = window;
  ceil["ceil_mode"] = std::int64_t{1};
  check({"MaxPool", {"x"}, ceil, {}}, x, at::max_pool2d(x, 3, 2, 1, 1, true));
  // Padding of one side only: all values are negative, so zero padding would show.
  const Tensor negative = -x.abs() - 1;
  check({"MaxPool", {"x"}, {{"kernel_shape", Integers{2, 2}}, {"pads", Integers{0, 0, 1, 1}}}, {}}, negative,
        at::max_pool2d(at::constant_pad_nd(negative, {0, 1, 0, 1}, -1e30), 2, 1));
}

TEST(TorchBackendOperators, Resize) {
  const Tensor x = random({1, 3, 6, 10});
  const Tensor scales = at::tensor({1.0F, 1.0F, 2.0F, 2.0F});
  const auto resize = [&](const std::string& mode, const std::string& position, const std::string& rounding,
                          const Integers& sizes) {
    Attributes attributes = {{"mode", mode}, {"coordinate_transformation_mode", position}};
    if (!rounding.empty()) {
      attributes["nearest_mode"] = rounding;
    }
    return sizes.empty() ? OneNode{"Resize", {"x", "", "s"}, attributes, {{"s", scales}}}
                         : OneNode{"Resize", {"x", "", "", "s"}, attributes, {{"s", numbers(sizes)}}};
  };
  check(resize("nearest", "asymmetric", "floor", {}), x, at::upsample_nearest2d(x, {12, 20}));
  check(resize("nearest", "asymmetric", "floor", {1, 3, 5, 13}), x, at::upsample_nearest2d(x, {5, 13}));
  check(resize("nearest", "half_pixel", "round_prefer_ceil", {1, 3, 9, 4}), x,
        at::_upsample_nearest_exact2d(x, {9, 4}));
  check(resize("linear", "half_pixel", "", {}), x, at::upsample_bilinear2d(x, {12, 20}, false));
  check(resize("linear", "half_pixel", "", {1, 3, 17, 11}), x, at::upsample_bilinear2d(x, {17, 11}, false));
  check(resize("linear", "align_corners", "", {1, 3, 17, 11}), x, at::upsample_bilinear2d(x, {17, 11}, true));
  check(resize("cubic", "half_pixel", "", {1, 3, 17, 11}), x, at::upsample_bicubic2d(x, {17, 11}, false));
  EXPECT_THROW(run(resize("nearest", "tf_crop_and_resize", "floor", {}), x), ContentError);
}

TEST(TorchBackendOperators, MatricesAndVectors) {
  const Tensor x = random({4, 6});
  const Tensor b = random({6, 5}), c = random({5}), bt = random({5, 6});
  check({"MatMul", {"x", "b"}, {}, {{"b", b}}}, x, at::matmul(x, b), 1e-5);
  check({"Gemm", {"x", "b", "c"}, {{"alpha", 0.5F}, {"beta", 2.0F}}, {{"b", b}, {"c", c}}}, x,
        0.5 * at::matmul(x, b) + 2 * c, 1e-5);
  check({"Gemm", {"x", "b"}, {{"transB", std::int64_t{1}}, {"alpha", 3.0F}}, {{"b", bt}}}, x, 3 * at::matmul(x, bt.t()),
        1e-5);
  check({"Gemm", {"x", "b"}, {{"transA", std::int64_t{1}}}, {{"b", random({4, 3}).fill_(0.25)}}}, x,
        at::matmul(x.t(), at::full({4, 3}, 0.25)), 1e-5);
  // Stacks of matrices times vectors have a kernel of their own; 48 fills its vector lanes, 19 and 5 leave a rest.
  for (const std::int64_t width : {48, 19, 5}) {
    const Tensor vectors = random({70, width, 1});
    const Tensor stack = random({70, 13, width});
    check({"MatMul", {"a", "x"}, {}, {{"a", stack}}}, vectors,
          at::matmul(stack.to(at::kDouble), vectors.to(at::kDouble)), 1e-5);
    const Tensor one = random({1, 13, width});
    check({"MatMul", {"a", "x"}, {}, {{"a", one}}}, vectors, at::matmul(one, vectors), 1e-5);
  }
}

TEST(TorchBackendOperators, Reshaping) {
  const Tensor x = random({2, 3, 4, 5});
  check({"Reshape", {"x", "s"}, {}, {{"s", numbers({0, -1, 10})}}}, x, x.reshape({2, 6, 10}), 0);
  check({"Flatten", {"x"}, {}, {}}, x, x.reshape({2, 60}), 0);
  check({"Flatten", {"x"}, {{"axis", std::int64_t{0}}}, {}}, x, x.reshape({1, 120}), 0);
  check({"Flatten", {"x"}, {{"axis", std::int64_t{-1}}}, {}}, x, x.reshape({24, 5}), 0);
  check({"Transpose", {"x"}, {{"perm", Integers{0, 2, 3, 1}}}, {}}, x, x.permute({0, 2, 3, 1}), 0);
  check({"Transpose", {"x"}, {}, {}}, x, x.permute({3, 2, 1, 0}), 0);
  check({"Unsqueeze", {"x", "a"}, {}, {{"a", numbers({0, -1})}}}, x, x.unsqueeze(0).unsqueeze(-1), 0);
  const Tensor thin = random({1, 3, 1, 5});
  check({"Squeeze", {"x", "a"}, {}, {{"a", numbers({2})}}}, thin, thin.squeeze(2), 0);
  check({"Squeeze", {"x"}, {}, {}}, thin, thin.squeeze(), 0);
  check({"Expand", {"x", "s"}, {}, {{"s", numbers({4, 1, 6, 1})}}}, thin, thin.expand({4, 3, 6, 5}), 0);
  check({"Shape", {"x"}, {}, {}}, x, numbers({2, 3, 4, 5}), 0);
  check({"Shape", {"x"}, {{"start", std::int64_t{-2}}}, {}}, x, numbers({4, 5}), 0);
}

TEST(TorchBackendOperators, PickingAndJoining) {
  const Tensor x = random({2, 5, 6, 7});
  check({"Gather", {"x", "i"}, {{"axis", std::int64_t{1}}}, {{"i", numbers({4, 0, -1})}}}, x,
        x.index_select(1, numbers({4, 0, 4})), 0);
  check({"Gather", {"x", "i"}, {{"axis", std::int64_t{2}}}, {{"i", at::scalar_tensor(3, at::kLong)}}}, x,
        x.select(2, 3), 0);
  check({"Gather", {"x", "i"}, {{"axis", std::int64_t{3}}}, {{"i", numbers({0, 1, 2, 3}).view({2, 2})}}}, x,
        x.slice(3, 0, 4).reshape({2, 5, 6, 2, 2}), 0);
  const auto slice = [](const Integers& starts, const Integers& ends, const Integers& axes, const Integers& steps) {
    return OneNode{"Slice",
                   {"x", "s", "e", "a", "t"},
                   {},
                   {{"s", numbers(starts)}, {"e", numbers(ends)}, {"a", numbers(axes)}, {"t", numbers(steps)}}};
  };
  check(slice({1, -5}, {end_of_axis, -1}, {1, 3}, {2, 1}), x, x.slice(1, 1, 5, 2).slice(3, 2, 6), 0);
  check(slice({-1}, {std::numeric_limits<std::int64_t>::min()}, {3}, {-1}), x, x.flip(3), 0);
  check(slice({4}, {0}, {2}, {-2}), x, x.index_select(2, numbers({4, 2})), 0);
  check({"Slice", {"x", "s", "e"}, {}, {{"s", numbers({0, 2})}, {"e", numbers({1, 4})}}}, x,
        x.slice(0, 0, 1).slice(1, 2, 4), 0);
  const Tensor other = random({2, 2, 6, 7});
  check({"Concat", {"x", "c"}, {{"axis", std::int64_t{1}}}, {{"c", other}}}, x, at::cat({x, other}, 1), 0);
  check({"Concat", {"x", "x"}, {{"axis", std::int64_t{-1}}}, {}}, x, at::cat({x, x}, 3), 0);
}

TEST(TorchBackendOperators, Padding) {
  const Tensor x = random({2, 3, 5, 6});
  const Tensor pads = numbers({0, 0, 1, 2, 0, 0, 3, 4});
  const Integers reversed = {2, 4, 1, 3};
  const auto pad = [&](const std::string& mode) { return OneNode{"Pad", {"x", "p"}, {{"mode", mode}}, {{"p", pads}}}; };
  check(pad("constant"), x, at::constant_pad_nd(x, reversed, 0), 0);
  check(pad("reflect"), x, at::reflection_pad2d(x, reversed), 0);
  check(pad("edge"), x, at::replication_pad2d(x, reversed), 0);
  check({"Pad", {"x", "p", "v"}, {}, {{"p", pads}, {"v", at::tensor(1.5F)}}}, x, at::constant_pad_nd(x, reversed, 1.5),
        0);
}

TEST(TorchBackendOperators, SpaceAndDepth) {
  for (const std::int64_t channels : {1, 3}) {
    const Tensor x = random({2, channels, 6, 8});
    // ONNX: output channel = (row * block + column) * C + c.
    const Tensor torch_order = at::pixel_unshuffle(x, 2);
    Integers order;
    for (std::int64_t place = 0; place < 4; ++place) {
      for (std::int64_t c = 0; c < channels; ++c) {
        order.push_back(c * 4 + place);
      }
    }
    const Tensor expected = torch_order.index_select(1, numbers(order));
    check({"SpaceToDepth", {"x"}, {{"blocksize", std::int64_t{2}}}, {}}, x, expected, 0);
    check({"DepthToSpace", {"x"}, {{"blocksize", std::int64_t{2}}, {"mode", std::string("CRD")}}, {}}, torch_order, x,
          0);
    check({"DepthToSpace", {"x"}, {{"blocksize", std::int64_t{2}}}, {}}, expected, x, 0);
  }
}

TEST(TorchBackendOperators, EveryListedOperatorHasAKernel) {
  for (const std::string_view op : supported_operators()) {
    // Too many inputs for any operator but the variadic ones: with a kernel the complaint is about them.
    OneNode node{std::string(op), std::vector<std::string>(9, "x"), {}, {}};
    try {
      run(node, random({1, 1, 4, 4}));
    } catch (const ContentError& error) {
      EXPECT_EQ(std::string(error.what()).find("no kernel for the operator"), std::string::npos) << error.what();
    }
  }
}

}  // namespace
}  // namespace oddity
