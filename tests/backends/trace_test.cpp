#include <functional>

#include <ATen/TracerMode.h>
#include <torch/torch.h>

#include "core/error.h"
#include "graph_running.h"
#include "training/trace.h"

/// Trace, write, read, interpret: the result must be what the forward pass gives, at the traced size and, where the
/// size is free, at others.
namespace oddity {
namespace {

using at::Tensor;
using Integers = std::vector<std::int64_t>;
using testing::expect_close;
using Forward = std::function<std::vector<Tensor>(const Tensor&)>;
namespace nn = torch::nn;

// Both make constants also while a trace is running, unseen by it.
Tensor random(const Integers& shape, std::uint64_t seed = 3) {
  const at::tracer::impl::NoTracerDispatchMode unseen;
  return at::randn(shape, at::detail::createCPUGenerator(seed));
}

template <class T>
Tensor fixed(const std::vector<T>& values) {
  const at::tracer::impl::NoTracerDispatchMode unseen;
  return at::tensor(values);
}

std::vector<std::string> names_for(std::size_t count) {
  std::vector<std::string> names;
  for (std::size_t i = 0; i < count; ++i) {
    names.push_back("out" + std::to_string(i));
  }
  return names;
}

Graph round_trip(const Graph& graph) { return read_onnx(write_onnx(graph)); }

void check(const Forward& forward, const Tensor& x, bool free_size, const std::vector<NamedTensor>& parameters = {},
           double tolerance = 1e-5) {
  const at::NoGradGuard guard;
  const Graph graph =
      round_trip(trace_graph(forward, x, parameters, names_for(forward(x).size()), free_size, "traced"));
  std::vector<Tensor> inputs = {x, random(x.sizes().vec(), 11)};
  if (free_size) {
    inputs.push_back(random({1, x.size(1), x.size(2) * 3, x.size(3) + 8}, 12));
    inputs.push_back(random({1, x.size(1), x.size(2) + 16, x.size(3)}, 13));
  }
  for (const Tensor& input : inputs) {
    SCOPED_TRACE(c10::str(input.sizes()));
    const std::vector<Tensor> expected = forward(input);
    const std::vector<Tensor> got = testing::run_graph(graph, input);
    ASSERT_EQ(got.size(), expected.size());
    for (std::size_t i = 0; i < got.size(); ++i) {
      SCOPED_TRACE("output " + std::to_string(i));
      expect_close(got[i], expected[i], tolerance);
    }
  }
}

/// Checks a function of [1, 3, 8, 16] with fixed and with free size.
void check_both(const char* label, const std::function<Tensor(const Tensor&)>& f) {
  SCOPED_TRACE(label);
  const Forward forward = [&](const Tensor& x) { return std::vector<Tensor>{f(x)}; };
  check(forward, random({1, 3, 8, 16}), false);
  check(forward, random({1, 3, 8, 16}), true);
}

std::string message_of(const std::function<Tensor(const Tensor&)>& f, bool free_size) {
  try {
    const at::NoGradGuard guard;
    trace_graph([&](const Tensor& x) { return std::vector<Tensor>{f(x)}; }, random({1, 3, 8, 16}), {}, {"y"}, free_size,
                "t");
  } catch (const InvalidArgument& error) {
    return error.what();
  }
  return "accepted";
}

TEST(TraceOperators, ElementWise) {
  check_both("unary", [](const Tensor& x) { return x.abs().add(0.5).log().exp().sqrt().rsqrt().neg().tanh(); });
  check_both("relu in place", [](const Tensor& x) { return (x * 2).relu_() + x; });
  check_both("activations", [](const Tensor& x) {
    return at::leaky_relu(x, 0.2) + at::silu(x) + at::sigmoid(x) + at::hardtanh(x, -0.5, 0.5) + at::relu6(4 * x);
  });
  // A number on the left fills a tensor behind the scenes.
  check_both("scalars", [](const Tensor& x) { return 3 - (x * 0.5 + 1) / 4 + 1 / (x.abs() + 1); });
  check_both("filled", [](const Tensor& x) {
    return at::cat({at::ones_like(x), at::zeros_like(x), at::full_like(x, 0.5), x}, 1) * 2;
  });
  check_both("alpha", [](const Tensor& x) { return at::add(x, x.abs(), 3) + at::sub(x, x.square(), 0.5); });
  check_both("powers", [](const Tensor& x) { return x.pow(2) + x.square() + x.abs().pow(1.5) + x.abs().reciprocal(); });
  check_both("constant operand", [](const Tensor& x) { return x * random({3, 1, 1}) - random({}); });
  check_both("double constant", [](const Tensor& x) { return x * at::scalar_tensor(0.1, at::kDouble); });
  check_both("compare", [](const Tensor& x) { return at::where(x.gt(0.3), x, at::where(x.lt(-1), x * 3, x.neg())); });
  check_both("compare tensors", [](const Tensor& x) { return at::where(x.gt(x.mean()), x, at::scalar_tensor(0.F)); });
  check_both("clamp", [](const Tensor& x) { return x.clamp(-0.5, 0.25) + x.clamp_min(0.1) + x.clamp_max(0.2); });
  check_both("extremes",
             [](const Tensor& x) { return at::maximum(x, x.neg()) + at::minimum(x, x * 2) + at::max(x, x); });
  check_both("cast of a mask", [](const Tensor& x) { return x.gt(0).to(at::kFloat) * 2; });
  check_both("no change", [](const Tensor& x) { return at::dropout(x, 0.5, false).contiguous().detach().clone(); });
}

TEST(TraceOperators, Reductions) {
  check_both("dims", [](const Tensor& x) {
    return x.mean(Integers{2, 3}, true) + x.sum(Integers{1}, true).mean() + x.amax(Integers{2, 3}, true) +
           x.amin(Integers{-1, -2}, true);
  });
  check_both("whole", [](const Tensor& x) { return x.mean() + x.sum() + x.max() + x.min(); });
  check_both("one dim", [](const Tensor& x) { return std::get<0>(x.max(1, true)) - std::get<0>(x.min(1)); });
  check_both("top k", [](const Tensor& x) { return std::get<0>(x.flatten(1).topk(5, 1)); });
  check_both("top share", [](const Tensor& x) {
    const Tensor flat = x.flatten(1);
    return std::get<0>(flat.topk(flat.size(1) / 4, 1)).mean(1);
  });
  check_both("softmax", [](const Tensor& x) { return x.softmax(1) + x.softmax(-1); });
}

TEST(TraceOperators, Convolutions) {
  check_both("strided", [](const Tensor& x) { return at::conv2d(x, random({5, 3, 3, 3}), random({5}), 2, 1); });
  check_both("dilated, grouped", [](const Tensor& x) { return at::conv2d(x, random({6, 1, 3, 3}), {}, 1, 2, 2, 3); });
  check_both("same", [](const Tensor& x) { return at::conv2d(x, random({2, 3, 4, 3}), {}, 1, "same"); });
  check_both("valid", [](const Tensor& x) { return at::conv2d(x, random({2, 3, 3, 3}), {}, 1, "valid"); });
  check_both("transposed", [](const Tensor& x) {
    return at::conv_transpose2d(x, random({3, 4, 3, 3}), random({4}), 2, 1, 1);
  });
  check_both("norm", [](const Tensor& x) {
    return at::batch_norm(x, random({3}), random({3}), random({3}), random({3}).abs() + 0.1, false, 0.1, 1e-3, false);
  });
  check_both("norm without affine", [](const Tensor& x) {
    return at::batch_norm(x, {}, {}, random({3}), random({3}).abs() + 0.1, false, 0.1, 1e-5, false);
  });
}

TEST(TraceOperators, PoolingAndResizing) {
  check_both("max pool", [](const Tensor& x) { return at::max_pool2d(x, 3, 2, 1); });
  check_both("max pool, default stride", [](const Tensor& x) { return at::max_pool2d(x, 2); });
  check_both("average pool",
             [](const Tensor& x) { return at::avg_pool2d(x, 3, 2, 1) + at::avg_pool2d(x, 3, 2, 1, false, false); });
  check_both("adaptive", [](const Tensor& x) { return at::adaptive_avg_pool2d(x, {1, 1}); });
  check_both("nearest", [](const Tensor& x) { return at::upsample_nearest2d(x, {x.size(2) * 2, x.size(3) * 2}); });
  check_both("interpolate", [](const Tensor& x) {
    namespace F = nn::functional;
    return F::interpolate(x, F::InterpolateFuncOptions().scale_factor(std::vector<double>{2, 2}).mode(torch::kNearest));
  });
  check_both("bilinear", [](const Tensor& x) {
    return at::upsample_bilinear2d(x, {x.size(2) * 4, x.size(3) * 4}, false);
  });
  check_both("bilinear to the input's size", [](const Tensor& x) {
    return at::upsample_bilinear2d(at::avg_pool2d(x, 4), {x.size(2), x.size(3)}, false);
  });
  check_both("bilinear, aligned corners", [](const Tensor& x) {
    return at::upsample_bilinear2d(x, {x.size(2) * 2, x.size(3) * 2}, true);
  });
}

TEST(TraceOperators, Matrices) {
  check_both("pixels as vectors", [](const Tensor& x) {
    return at::matmul(random({1, 4, 3}), x.reshape({1, 3, -1})).reshape({1, 4, x.size(2), x.size(3)});
  });
  check_both("linear", [](const Tensor& x) { return at::linear(x.mean(Integers{2, 3}), random({4, 3}), random({4})); });
  check_both("linear of rank 3", [](const Tensor& x) {
    return at::linear(x.flatten(2).transpose(1, 2), random({4, 3}), random({4}));
  });
  check_both("addmm", [](const Tensor& x) {
    return at::addmm(random({4}), x.mean(Integers{2, 3}), random({3, 4}), 0.5, 2) +
           at::mm(x.mean(Integers{2, 3}), random({3, 4}));
  });
  check_both("bmm", [](const Tensor& x) { return at::bmm(x[0], x[0].transpose(1, 2)).sum(Integers{1, 2}); });
}

TEST(TraceOperators, Layout) {
  for (const std::int64_t channels : {1, 3}) {
    SCOPED_TRACE(channels);
    check(
        [](const Tensor& x) {
          return std::vector<Tensor>{at::pixel_unshuffle(x, 2), at::pixel_shuffle(at::pixel_unshuffle(x, 4), 2)};
        },
        random({1, channels, 8, 16}), true);
  }
  check_both("permute", [](const Tensor& x) { return x.permute({0, 2, 3, 1}).reshape({-1, 3}).t(); });
  check_both("squeeze", [](const Tensor& x) { return x.unsqueeze(1).transpose(2, 3).squeeze(0); });
  check_both("cat and stack", [](const Tensor& x) {
    return at::stack({at::cat({x, x.neg()}, 1), at::cat({x, x}, -3)}, -1);
  });
  check_both("slices", [](const Tensor& x) {
    return at::cat({x.slice(1, 0, 1), x.narrow(1, 1, 2), x.slice(1, 0, 3, 2), x.slice(1, -1)}, 1);
  });
  check_both("crop", [](const Tensor& x) { return x.slice(2, 1, x.size(2) - 1).slice(3, 0, x.size(3) / 2); });
  check_both("select", [](const Tensor& x) { return x.select(1, -1) + x[0][1]; });
  check_both("index", [](const Tensor& x) { return x.index_select(1, fixed<std::int64_t>({2, 0, 0})); });
  check_both("chunk", [](const Tensor& x) {
    const std::vector<Tensor> parts = x.chunk(2, 3);
    const std::vector<Tensor> planes = x.unbind(1);
    return at::cat({parts[1], parts[0]}, 1) * planes[2].mean() + x.split(2, 1)[1].mean();
  });
  check_both("expand", [](const Tensor& x) {
    return x.mean(Integers{2, 3}, true).expand_as(x) + x.mean(Integers{3}, true).expand({1, 3, x.size(2), x.size(3)});
  });
  check_both("pads", [](const Tensor& x) {
    return at::reflection_pad2d(x, {1, 2, 3, 0}) + at::replication_pad2d(x, {1, 2, 3, 0}) +
           at::constant_pad_nd(x, {1, 2, 3, 0}, 0.5) + at::pad(x, {1, 2, 3, 0}, "reflect");
  });
}

TEST(TraceErrors, NameTheOperator) {
  EXPECT_NE(message_of([](const Tensor& x) { return at::erf(x); }, false).find("aten::erf"), std::string::npos);
  EXPECT_NE(message_of([](const Tensor& x) { return at::div(x, x, "floor"); }, false).find("aten::div"),
            std::string::npos);
  EXPECT_NE(message_of([](const Tensor& x) { return at::dropout(x, 0.5, true); }, false).find("training mode"),
            std::string::npos);
  EXPECT_NE(message_of([](const Tensor& x) { return at::max_pool2d(x, x.size(2) / 4); }, true).find("aten::max_pool2d"),
            std::string::npos);
  EXPECT_NE(message_of([](const Tensor& x) { return x + at::arange(x.size(3), at::kFloat); }, true).find("aten::add"),
            std::string::npos);
  EXPECT_NE(message_of([](const Tensor& x) { return x * static_cast<double>(x.size(3)); }, true).find("aten::mul"),
            std::string::npos);
  EXPECT_NE(message_of([](const Tensor& x) { return x.size(2) > 8 ? x.neg() : x.abs(); }, true).find("another path"),
            std::string::npos);
}

TEST(TraceErrors, ChangesThroughAViewAreRefused) {
  const auto changed = [](const Tensor& x) {
    const Tensor y = x.clone();
    y.slice(1, 0, 1).mul_(2);
    return y;
  };
  EXPECT_NE(message_of(changed, false).find("in-place operator"), std::string::npos) << message_of(changed, false);
}

TEST(TraceErrors, ConstantsMadeInsideAreRefused) {
  EXPECT_NE(message_of([](const Tensor& x) { return x * at::tensor({2.0F}); }, false).find("aten::empty"),
            std::string::npos);
  EXPECT_NE(message_of([](const Tensor& x) { return x + at::rand_like(x); }, false).find("aten::rand_like"),
            std::string::npos);
}

TEST(TraceErrors, Arguments) {
  const Forward forward = [](const Tensor& x) { return std::vector<Tensor>{x.neg()}; };
  EXPECT_THROW(trace_graph(forward, random({3, 8, 8}), {}, {"y"}, false, "t"), InvalidArgument);
  EXPECT_THROW(trace_graph(forward, random({1, 3, 8, 8}), {}, {"y", "z"}, false, "t"), InvalidArgument);
  EXPECT_THROW(trace_graph(forward, random({1, 3, 8, 8}), {}, {}, false, "t"), InvalidArgument);
  EXPECT_THROW(trace_graph(forward, random({1, 3, 8, 8}), {}, {"image"}, false, "t"), InvalidArgument);
  // A failed trace leaves no tracer behind.
  EXPECT_THROW(trace_graph([](const Tensor&) -> std::vector<Tensor> { fail<ContentError>("no"); }, random({1, 3, 8, 8}),
                           {}, {"y"}, false, "t"),
               ContentError);
  EXPECT_EQ(trace_graph(forward, random({1, 3, 8, 8}), {}, {"y"}, false, "t").nodes.size(), 1U);
}

TEST(TraceOutputs, InputConstantAndRepeats) {
  check(
      [](const Tensor& x) {
        const Tensor y = x * 2;
        return std::vector<Tensor>{x, y, y, at::full({1, 2}, 3.0F)};
      },
      random({1, 1, 4, 4}), false);
}

// --- The network of the anomaly recipe ------------------------------------------------------------------------------

struct BlockImpl : nn::Module {
  BlockImpl(std::int64_t in, std::int64_t out, std::int64_t kernel = 3, std::int64_t stride = 1)
      : conv(register_module(
            "conv", nn::Conv2d(nn::Conv2dOptions(in, out, kernel).stride(stride).padding(kernel / 2).bias(false)))),
        norm(register_module("norm", nn::BatchNorm2d(out))) {}
  Tensor forward(const Tensor& x) { return torch::relu(norm(conv(x))); }
  nn::Conv2d conv;
  nn::BatchNorm2d norm;
};
TORCH_MODULE(Block);

struct UNetImpl : nn::Module {
  explicit UNetImpl(std::int64_t channels) {
    const auto block = [this](const char* name, Block made) { return register_module(name, std::move(made)); };
    e1a = block("e1a", Block(4 * channels, 24));
    e1b = block("e1b", Block(24, 24));
    e2a = block("e2a", Block(24, 48, 3, 2));
    e2b = block("e2b", Block(48, 48));
    e3a = block("e3a", Block(48, 96, 3, 2));
    e3b = block("e3b", Block(96, 96));
    e4a = block("e4a", Block(96, 128, 3, 2));
    e4b = block("e4b", Block(128, 128));
    u3 = block("u3", Block(128, 96, 1));
    d3 = block("d3", Block(192, 96));
    u2 = block("u2", Block(96, 48, 1));
    d2 = block("d2", Block(96, 48));
    u1 = block("u1", Block(48, 24, 1));
    d1a = block("d1a", Block(48, 24));
    d1b = block("d1b", Block(24, 24));
    out = register_module("out", nn::Conv2d(nn::Conv2dOptions(24, 4, 1)));
  }
  /// Logits [1, 1, H, W] and features [1, 48, H/4, W/4].
  std::vector<Tensor> forward(const Tensor& x) {
    const auto up = [](const Tensor& t) { return at::upsample_nearest2d(t, {t.size(2) * 2, t.size(3) * 2}); };
    const Tensor s1 = e1b(e1a(at::pixel_unshuffle(x, 2)));
    const Tensor s2 = e2b(e2a(s1));
    const Tensor s3 = e3b(e3a(s2));
    const Tensor s4 = e4b(e4a(s3));
    const Tensor t3 = d3(at::cat({up(u3(s4)), s3}, 1));
    const Tensor t2 = d2(at::cat({up(u2(t3)), s2}, 1));
    const Tensor t1 = d1b(d1a(at::cat({up(u1(t2)), s1}, 1)));
    return {at::pixel_shuffle(out(t1), 2), s2};
  }
  Block e1a{nullptr}, e1b{nullptr}, e2a{nullptr}, e2b{nullptr}, e3a{nullptr}, e3b{nullptr}, e4a{nullptr}, e4b{nullptr};
  Block u3{nullptr}, d3{nullptr}, u2{nullptr}, d2{nullptr}, u1{nullptr}, d1a{nullptr}, d1b{nullptr};
  nn::Conv2d out{nullptr};
};
TORCH_MODULE(UNet);

/// In eval mode with norms that differ from the identity, and its tensors by registered name.
std::pair<UNet, std::vector<NamedTensor>> make_unet(std::int64_t channels) {
  torch::manual_seed(5);
  UNet net(channels);
  const at::NoGradGuard guard;
  std::vector<NamedTensor> tensors;
  std::uint64_t seed = 100;
  for (const auto& item : net->named_parameters()) {
    if (item.key().find("norm") != std::string::npos) {
      item.value().copy_(1 + 0.2 * random(item.value().sizes().vec(), seed++));
    }
    tensors.emplace_back(item.key(), item.value());
  }
  for (const auto& item : net->named_buffers()) {
    if (item.key().find("running_") != std::string::npos) {
      const Tensor noise = 0.2 * random(item.value().sizes().vec(), seed++);
      item.value().copy_(item.key().find("var") != std::string::npos ? 0.2 + noise.abs() : noise);
      tensors.emplace_back(item.key(), item.value());
    }
  }
  net->eval();
  return {net, tensors};
}

TEST(TraceNetwork, UNetWithFreeSize) {
  for (const std::int64_t channels : {1, 3}) {
    SCOPED_TRACE(channels);
    auto [net, tensors] = make_unet(channels);
    const Forward forward = [&net = net](const Tensor& x) { return net->forward(x); };
    const at::NoGradGuard guard;
    const Tensor x = at::rand({1, channels, 32, 64}, at::detail::createCPUGenerator(1));
    const Graph graph = round_trip(trace_graph(forward, x, tensors, {"logits", "features"}, true, "unet"));
    EXPECT_EQ(graph.inputs[0].shape, (Integers{1, channels, -1, -1}));
    EXPECT_EQ(graph.outputs[0].shape, (Integers{1, 1, -1, -1}));
    EXPECT_EQ(graph.outputs[1].shape, (Integers{1, 48, -1, -1}));
    for (const auto& [height, width] : {std::pair{32, 64}, std::pair{128, 128}, std::pair{48, 80}}) {
      const Tensor input = at::rand({1, channels, height, width}, at::detail::createCPUGenerator(2));
      const std::vector<Tensor> expected = forward(input);
      const std::vector<Tensor> got = testing::run_graph(graph, input);
      expect_close(got.at(0), expected[0], 1e-5);
      expect_close(got.at(1), expected[1], 1e-5);
      BackendOptions half;
      half.precision = "bf16";
      // Sixteen layers each round to 8 bits: about 2^-9 * sqrt(16) = 0.8 % expected, 4 % bounds the largest pixel.
      expect_close(testing::run_graph(graph, input, half).at(0), expected[0], 0.04);
    }
  }
}

TEST(TraceNetwork, ParametersKeepTheirNamesAndTheirGrad) {
  auto [net, tensors] = make_unet(1);
  for (const auto& [name, tensor] : tensors) {
    if (name == "e2b.conv.weight") {  // as training in channels-last leaves them
      const at::NoGradGuard guard;
      tensor.set_data(tensor.contiguous(at::MemoryFormat::ChannelsLast));
    }
  }
  ASSERT_TRUE(tensors[0].second.requires_grad());
  const Graph graph = trace_graph([&net = net](const Tensor& x) { return net->forward(x); }, random({1, 1, 32, 32}),
                                  tensors, {"logits", "features"}, false, "unet");
  EXPECT_TRUE(tensors[0].second.requires_grad());
  std::size_t named = 0;
  for (const GraphTensor& initializer : graph.initializers) {
    for (const auto& [name, tensor] : tensors) {
      if (initializer.name == name) {
        ++named;
        EXPECT_EQ(initializer.bytes, testing::constant(name, tensor.detach()).bytes) << name;
      }
    }
  }
  EXPECT_EQ(named, tensors.size());  // 15 blocks of 5 tensors, and the last convolution
  EXPECT_EQ(named, 77U);
}

TEST(TraceNetwork, ReshapedParametersKeepTheirNames) {
  const Tensor matrix = random({1, 4, 3});
  const Forward forward = [&](const Tensor& x) {
    return std::vector<Tensor>{at::conv2d(x, matrix.reshape({4, 3, 1, 1}))};
  };
  const Graph graph = trace_graph(forward, random({1, 3, 8, 8}), {{"matrix", matrix}}, {"y"}, false, "t");
  ASSERT_FALSE(graph.initializers.empty());
  EXPECT_EQ(graph.initializers[0].name, "matrix");
  check(forward, random({1, 3, 8, 8}), true, {{"matrix", matrix}});
}

TEST(TraceNetwork, DistanceToPerPositionGaussians) {
  const std::int64_t positions = 8 * 8, dimensions = 12;
  const Tensor mean = random({positions, dimensions, 1}, 20);
  const Tensor whitening = random({positions, dimensions, dimensions}, 21);
  const Tensor weight = random({dimensions, 3, 3, 3}, 22);
  const Forward forward = [&](const Tensor& x) {
    const Tensor features = at::conv2d(x, weight, {}, 2, 1);
    const Tensor vectors = features.permute({0, 2, 3, 1}).reshape({-1, dimensions, 1}) - mean;
    const Tensor distance = at::matmul(whitening, vectors).square().mean(1).clamp_min(1e-2).log();
    const Tensor map = distance.reshape({1, 1, features.size(2), features.size(3)});
    return std::vector<Tensor>{at::upsample_bilinear2d(map, {x.size(2), x.size(3)}, false),
                               std::get<0>(map.flatten(1).topk(3, 1)).mean(1)};
  };
  check(forward, random({1, 3, 16, 16}), false, {{"gaussian.mean", mean}, {"gaussian.whitening", whitening}});
}

TEST(TraceNetwork, OnnxBytesAreDeterministic) {
  auto [net, tensors] = make_unet(3);
  const auto bytes = [&, &module = net, &named = tensors] {
    return write_onnx(trace_graph([&](const Tensor& x) { return module->forward(x); }, random({1, 3, 32, 32}), named,
                                  {"logits", "features"}, true, "unet"));
  };
  EXPECT_EQ(bytes(), bytes());
}

}  // namespace
}  // namespace oddity
