#include <limits>
#include <thread>

#include <ATen/Parallel.h>

#include "core/error.h"
#include "graph_running.h"

/// Loading, sessions, sizes, precision, threads and errors of the torch backend.
namespace oddity {
namespace {

using at::Tensor;
using Integers = std::vector<std::int64_t>;
using testing::constant;
using testing::expect_close;
using testing::run_graph;
using testing::run_session;

Tensor random(const Integers& shape, std::uint64_t seed) {
  return at::randn(shape, at::detail::createCPUGenerator(seed));
}

/// Two convolutions with ReLU, a nearest resize to the input's own size (computed by Shape), a mean per image.
Graph small_net(bool free_size) {
  const std::int64_t side = free_size ? -1 : 16;
  Graph graph;
  graph.name = "small";
  graph.inputs = {{"image", TensorType::f32, {1, 3, side, side}}};
  graph.outputs = {{"map", TensorType::f32, {1, 4, side, side}}, {"mean", TensorType::f32, {1, 4, 1, 1}}};
  const Integers same = {1, 1, 1, 1};
  graph.nodes = {{"Conv", "first", {"image", "w1", "b1"}, {"a"}, {{"pads", same}, {"strides", Integers{2, 2}}}},
                 {"Relu", "relu", {"a"}, {"r"}, {}},
                 {"Conv", "second", {"r", "w2"}, {"c"}, {{"pads", same}}},
                 {"Shape", "shape", {"image"}, {"s"}, {}},
                 {"Slice", "plane", {"s", "two", "four"}, {"hw"}, {}},
                 {"Concat", "sizes", {"nc", "hw"}, {"sizes_value"}, {{"axis", std::int64_t{0}}}},
                 {"Resize",
                  "up",
                  {"c", "", "", "sizes_value"},
                  {"map"},
                  {{"mode", std::string("nearest")},
                   {"coordinate_transformation_mode", std::string("asymmetric")},
                   {"nearest_mode", std::string("floor")}}},
                 {"GlobalAveragePool", "pool", {"c"}, {"mean"}, {}}};
  graph.initializers = {constant("w1", random({8, 3, 3, 3}, 1)),      constant("b1", random({8}, 2)),
                        constant("w2", random({4, 8, 3, 3}, 3)),      constant("two", at::tensor({2}, at::kLong)),
                        constant("four", at::tensor({4}, at::kLong)), constant("nc", at::tensor({1, 4}, at::kLong))};
  return graph;
}

std::vector<Tensor> expected_of(const Tensor& x) {
  const Tensor c = at::conv2d(at::relu(at::conv2d(x, random({8, 3, 3, 3}, 1), random({8}, 2), 2, 1)),
                              random({4, 8, 3, 3}, 3), {}, 1, 1);
  return {at::upsample_nearest2d(c, {x.size(2), x.size(3)}), c.mean(Integers{2, 3}, true)};
}

TEST(TorchBackend, RunsAtItsFixedSizeOnly) {
  const auto session = make_torch_backend()->load(small_net(false), {})->make_session();
  for (std::uint64_t seed = 10; seed < 13; ++seed) {
    const Tensor x = random({1, 3, 16, 16}, seed);
    const std::vector<Tensor> got = run_session(*session, x);
    expect_close(got.at(0), expected_of(x)[0], 1e-5);
    expect_close(got.at(1), expected_of(x)[1], 1e-5);
  }
  EXPECT_THROW(run_session(*session, random({1, 3, 16, 18}, 1)), InvalidArgument);
  EXPECT_THROW(run_session(*session, random({1, 1, 16, 16}, 1)), InvalidArgument);
  EXPECT_THROW(run_session(*session, random({3, 16, 16}, 1)), InvalidArgument);
  EXPECT_THROW(session->run({nullptr, {1, 3, 16, 16}}), InvalidArgument);
}

TEST(TorchBackend, FreeSizesAlternateInOneSession) {
  const auto session = make_torch_backend()->load(small_net(true), {})->make_session();
  for (const Integers& shape : {Integers{1, 3, 16, 16}, Integers{1, 3, 40, 22}, Integers{1, 3, 16, 16}}) {
    const Tensor x = random(shape, 4);
    const std::vector<Tensor> got = run_session(*session, x);
    expect_close(got.at(0), expected_of(x)[0], 1e-5);
    expect_close(got.at(1), expected_of(x)[1], 1e-5);
  }
}

TEST(TorchBackend, RecoversAfterAFailedRun) {
  Graph graph = small_net(true);
  // Multiples of 4 only: the reshape fails elsewhere.
  graph.nodes.push_back({"Reshape", "fold", {"image", "fold_shape"}, {"folded"}, {}});
  graph.initializers.push_back(constant("fold_shape", at::tensor({-1, 3, 4, 16}, at::kLong)));
  graph.outputs.push_back({"folded", TensorType::f32, {-1, 3, 4, 16}});
  const auto session = make_torch_backend()->load(graph, {})->make_session();
  const Tensor x = random({1, 3, 16, 16}, 5);
  expect_close(run_session(*session, x).at(0), expected_of(x)[0], 1e-5);
  try {
    run_session(*session, random({1, 3, 18, 18}, 5));
    FAIL() << "expected an error";
  } catch (const InvalidArgument& error) {
    EXPECT_NE(std::string(error.what()).find("node 'fold' (Reshape)"), std::string::npos) << error.what();
    EXPECT_NE(std::string(error.what()).find("[1, 3, 18, 18]"), std::string::npos) << error.what();
  }
  expect_close(run_session(*session, x).at(0), expected_of(x)[0], 1e-5);
}

TEST(TorchBackend, HalfPrecisionStaysNear) {
  const Tensor x = random({1, 3, 16, 16}, 6);
  BackendOptions options;
  options.precision = "bf16";
  const std::vector<Tensor> got = run_graph(small_net(false), x, options);
  // bf16 keeps 8 bits: products of two roundings of 2^-9 summed over 72 terms stay within 2 % of the largest output.
  expect_close(got.at(0), expected_of(x)[0], 0.02);
  expect_close(got.at(1), expected_of(x)[1], 0.02);
  EXPECT_GT((got.at(0) - expected_of(x)[0]).abs().max().item().toDouble(), 0) << "bf16 was not used";
}

TEST(TorchBackend, ABrokenInputGivesNoPlausibleOutput) {
  const auto session = make_torch_backend()->load(small_net(false), {})->make_session();
  for (const float broken : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
    Tensor x = random({1, 3, 16, 16}, 6);
    x.view(-1)[100] = broken;
    for (const Tensor& output : run_session(*session, x)) {
      EXPECT_TRUE(at::isnan(output).all().item().toBool());
    }
  }
  const Tensor huge = random({1, 3, 16, 16}, 6) * 1e30;  // finite, though its sum is not
  expect_close(run_session(*session, huge).at(1), expected_of(huge)[1], 1e-5);
}

TEST(TorchBackend, ThreadsAgreeBitwiseWithSerial) {
  const auto program = make_torch_backend()->load(small_net(true), {});
  const Integers shape = {1, 3, 32, 32};
  std::vector<Tensor> serial;
  const auto reference = program->make_session();
  for (std::uint64_t i = 0; i < 16; ++i) {
    serial.push_back(run_session(*reference, random(shape, i))[0]);
  }
  std::vector<Tensor> parallel(serial.size());
  const auto work = [&](std::size_t first) {
    const auto session = program->make_session();
    for (std::size_t i = first; i < parallel.size(); i += 2) {
      parallel[i] = run_session(*session, random(shape, i))[0];
    }
  };
  std::thread other(work, 1);
  work(0);
  other.join();
  for (std::size_t i = 0; i < serial.size(); ++i) {
    EXPECT_TRUE(at::equal(serial[i], parallel[i]));
  }
}

TEST(TorchBackend, LeavesTheCallersThreadCountAlone) {
  const int before = at::get_num_threads();
  BackendOptions options;
  options.threads = before + 1;
  const Tensor x = random({1, 3, 16, 16}, 7);
  expect_close(run_graph(small_net(false), x, options).at(0), expected_of(x)[0], 1e-5);
  EXPECT_EQ(at::get_num_threads(), before);
}

TEST(TorchBackend, OutputsAreTheSessionsOwnMemory) {
  Graph graph;
  graph.name = "pass";
  graph.inputs = {{"image", TensorType::f32, {1, 1, 2, 2}}};
  graph.nodes = {{"Identity", "same", {"image"}, {"y"}, {}}, {"Identity", "fixed", {"c"}, {"z"}, {}}};
  graph.outputs = {{"y", TensorType::f32, {1, 1, 2, 2}}, {"z", TensorType::f32, {2}}};
  graph.initializers = {constant("c", at::tensor({1.0F, 2.0F}))};
  const auto session = make_torch_backend()->load(graph, {})->make_session();
  std::vector<float> pixels = {1, 2, 3, 4};
  const auto first = session->run({pixels.data(), {1, 1, 2, 2}});
  EXPECT_NE(first[0].data, pixels.data());
  pixels[0] = 9;
  EXPECT_EQ(first[0].data[0], 1);
  first[1].data[0] = 7;  // must not reach the program's constant
  EXPECT_EQ(session->run({pixels.data(), {1, 1, 2, 2}})[1].data[0], 1);
}

TEST(TorchBackend, ValuesThatDependOnTheShapeOnlyMayBeOutputs) {
  Graph graph = small_net(true);
  graph.outputs.push_back({"s", TensorType::f32, {4}});
  const Tensor x = random({1, 3, 20, 12}, 8);
  expect_close(run_graph(graph, x).at(2), at::tensor({1.0F, 3.0F, 20.0F, 12.0F}), 0);
}

TEST(TorchBackend, RefusesBadOptions) {
  const auto backend = make_torch_backend();
  const auto with = [](auto change) {
    BackendOptions options;
    change(options);
    return options;
  };
  EXPECT_THROW(backend->load(small_net(false), with([](auto& o) { o.precision = "f16"; })), InvalidArgument);
  EXPECT_THROW(backend->load(small_net(false), with([](auto& o) { o.threads = 0; })), InvalidArgument);
  for (const char* device : {"gpu", "cuda:", "cuda:x", "cuda:-1", "cuda:1x", ""}) {
    EXPECT_THROW(backend->load(small_net(false), with([&](auto& o) { o.device = device; })), InvalidArgument) << device;
  }
  EXPECT_THROW(backend->load(small_net(false), with([](auto& o) { o.device = "cuda:99"; })), DeviceError);
}

TEST(TorchBackend, RefusesBadGraphs) {
  const auto backend = make_torch_backend();
  const auto message_of = [&](const Graph& graph) -> std::string {
    try {
      backend->load(graph, {});
    } catch (const ContentError& error) {
      return error.what();
    }
    return "accepted";
  };
  Graph unknown = small_net(false);
  unknown.nodes[1].op = "Erf";
  EXPECT_NE(message_of(unknown).find("Erf"), std::string::npos) << message_of(unknown);

  Graph two_inputs = small_net(false);
  two_inputs.inputs.push_back({"more", TensorType::f32, {1}});
  EXPECT_NE(message_of(two_inputs).find("2 inputs"), std::string::npos) << message_of(two_inputs);

  Graph channels = small_net(false);
  channels.initializers[2] = constant("w2", random({4, 9, 3, 3}, 3));
  EXPECT_NE(message_of(channels).find("node 'second' (Conv)"), std::string::npos) << message_of(channels);

  Graph attribute = small_net(false);
  attribute.nodes[0].attributes["strides"] = std::string("two");
  EXPECT_NE(message_of(attribute).find("'strides'"), std::string::npos) << message_of(attribute);

  Graph stride = small_net(false);
  stride.nodes[0].attributes["strides"] = Integers{0, 1};
  EXPECT_NE(message_of(stride).find("at least 1"), std::string::npos) << message_of(stride);

  Graph computed_weight = small_net(false);
  computed_weight.nodes[2].inputs[1] = "r";
  EXPECT_NE(message_of(computed_weight).find("initialiser"), std::string::npos) << message_of(computed_weight);

  Graph folded = small_net(false);  // a constant expression that cannot be evaluated
  folded.nodes.insert(folded.nodes.begin(), {"Reshape", "bad", {"w1", "two"}, {"unused_shape"}, {}});
  folded.nodes.push_back({"Add", "reader", {"unused_shape", "image"}, {"sum"}, {}});
  folded.outputs.push_back({"sum", TensorType::f32, {}});
  EXPECT_NE(message_of(folded).find("node 'bad' (Reshape)"), std::string::npos) << message_of(folded);
}

}  // namespace
}  // namespace oddity
