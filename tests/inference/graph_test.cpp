#include "inference/graph.h"

#include <algorithm>
#include <cstring>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/error.h"
#include "core/random.h"
#include "samples.h"

namespace oddity {
namespace {

using ::testing::HasSubstr;

std::vector<std::byte> bytes_of_text(std::string_view text) {
  const auto bytes = std::as_bytes(std::span(text));
  return {bytes.begin(), bytes.end()};
}

TEST(Graph, OperatorsAreSortedAndUnique) {
  const auto operators = supported_operators();
  EXPECT_TRUE(std::is_sorted(operators.begin(), operators.end()));
  EXPECT_EQ(std::adjacent_find(operators.begin(), operators.end()), operators.end());
}

TEST(Graph, WireBytesOfATinyModel) {
  // By hand after onnx.proto: the whole ModelProto of y = Relu(x), x [-1, 2] float.
  Graph graph;
  graph.name = "g";
  graph.inputs = {{"x", TensorType::f32, {-1, 2}}};
  graph.outputs = {{"y", TensorType::f32, {-1, 2}}};
  graph.nodes = {{"Relu", "n", {"x"}, {"y"}, {}}};
  const std::string value = std::string("\x0a\x0e\x08\x01\x12\x0a\x0a\x04\x12\x02") + "d0" + "\x0a\x02\x08\x02";
  const std::string expected = std::string("\x08\x08") +                                              // ir_version 8
                               std::string("\x12\x06") + "oddity" +                                   // producer_name
                               std::string("\x3a\x42") +                                              // graph, 66 bytes
                               std::string("\x0a\x0f\x0a\x01x\x12\x01y\x1a\x01n\x22\x04") + "Relu" +  // node
                               std::string("\x12\x01g") +                                             // name
                               std::string("\x5a\x15\x0a\x01x\x12\x10") + value +                     // input
                               std::string("\x62\x15\x0a\x01y\x12\x10") + value +                     // output
                               std::string("\x42\x04\x0a\x00\x10\x11", 6);                            // opset 17
  EXPECT_EQ(write_onnx(graph), bytes_of_text(expected));
}

TEST(Graph, RoundTripKeepsEverything) {
  const Graph graph = samples::every_kind_graph();
  const auto bytes = write_onnx(graph);
  const Graph again = read_onnx(bytes);
  EXPECT_EQ(again.name, graph.name);
  ASSERT_EQ(again.nodes.size(), graph.nodes.size());
  for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
    EXPECT_EQ(again.nodes[i].op, graph.nodes[i].op);
    EXPECT_EQ(again.nodes[i].name, graph.nodes[i].name);
    EXPECT_EQ(again.nodes[i].inputs, graph.nodes[i].inputs);
    EXPECT_EQ(again.nodes[i].outputs, graph.nodes[i].outputs);
    ASSERT_EQ(again.nodes[i].attributes.size(), graph.nodes[i].attributes.size());
    for (const auto& [name, attribute] : graph.nodes[i].attributes) {
      const Attribute& other = again.nodes[i].attributes.at(name);
      ASSERT_EQ(other.index(), attribute.index()) << name;
      if (const auto* tensor = std::get_if<GraphTensor>(&attribute)) {
        EXPECT_EQ(std::get<GraphTensor>(other).bytes, tensor->bytes);
        EXPECT_EQ(std::get<GraphTensor>(other).shape, tensor->shape);
      } else if (const auto* number = std::get_if<std::int64_t>(&attribute)) {
        EXPECT_EQ(std::get<std::int64_t>(other), *number);
      } else if (const auto* list = std::get_if<std::vector<std::int64_t>>(&attribute)) {
        EXPECT_EQ(std::get<std::vector<std::int64_t>>(other), *list);
      } else if (const auto* floats = std::get_if<std::vector<float>>(&attribute)) {
        EXPECT_EQ(std::get<std::vector<float>>(other), *floats);
      } else if (const auto* real = std::get_if<float>(&attribute)) {
        EXPECT_EQ(std::get<float>(other), *real);
      } else {
        EXPECT_EQ(std::get<std::string>(other), std::get<std::string>(attribute));
      }
    }
  }
  ASSERT_EQ(again.initializers.size(), graph.initializers.size());
  for (std::size_t i = 0; i < graph.initializers.size(); ++i) {
    EXPECT_EQ(again.initializers[i].name, graph.initializers[i].name);
    EXPECT_EQ(again.initializers[i].type, graph.initializers[i].type);
    EXPECT_EQ(again.initializers[i].shape, graph.initializers[i].shape);
    EXPECT_EQ(again.initializers[i].bytes, graph.initializers[i].bytes);
  }
  ASSERT_EQ(again.inputs.size(), 1u);
  EXPECT_EQ(again.inputs[0].shape, graph.inputs[0].shape);
  ASSERT_EQ(again.outputs.size(), graph.outputs.size());
  EXPECT_EQ(write_onnx(again), bytes);
}

TEST(Graph, EveryTensorTypeHasItsOnnxNumber) {
  // TensorProto.DataType: FLOAT 1, DOUBLE 11, INT64 7, INT32 6, UINT8 2, UINT16 4, BOOL 9, BFLOAT16 16.
  const std::pair<TensorType, int> expected[] = {{TensorType::f32, 1},     {TensorType::f64, 11}, {TensorType::i64, 7},
                                                 {TensorType::i32, 6},     {TensorType::u8, 2},   {TensorType::u16, 4},
                                                 {TensorType::boolean, 9}, {TensorType::bf16, 16}};
  for (const auto& [type, number] : expected) {
    Graph graph;
    graph.name = "g";
    graph.inputs = {{"x", type, {}}};
    graph.outputs = {{"x", type, {}}};
    const auto bytes = write_onnx(graph);
    // input: 5a 09 | name 0a 01 78 | type 12 04 | tensor 0a 04 08 <number> 12 00
    const std::string part =
        std::string("\x5a\x0b\x0a\x01x\x12\x06\x0a\x04\x08") + static_cast<char>(number) + std::string("\x12\x00", 2);
    const std::string text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    EXPECT_THAT(text, HasSubstr(part)) << number;
    EXPECT_EQ(read_onnx(bytes).inputs[0].type, type);
  }
}

struct BadGraph {
  const char* name;
  void (*spoil)(Graph&);
  const char* words;
};

class BadGraphs : public ::testing::TestWithParam<BadGraph> {};

TEST_P(BadGraphs, AreRefusedWithASentence) {
  Graph graph = samples::every_kind_graph();
  ASSERT_EQ(fault_of(graph), "");
  GetParam().spoil(graph);
  EXPECT_THAT(fault_of(graph), HasSubstr(GetParam().words));
  try {
    write_onnx(graph);
    FAIL() << "was written";
  } catch (const InvalidArgument& error) {
    EXPECT_THAT(error.what(), HasSubstr("[inference.write_onnx]"));
  }
}

INSTANTIATE_TEST_SUITE_P(
    Table, BadGraphs,
    ::testing::Values(
        BadGraph{"operator", [](Graph& g) { g.nodes[0].op = "Loop"; },
                 "operator that packages may not use; got 'Loop'"},
        BadGraph{"undefined", [](Graph& g) { g.nodes[0].inputs[0] = "nowhere"; },
                 "not defined before it; got 'nowhere'"},
        BadGraph{"order", [](Graph& g) { std::swap(g.nodes[0], g.nodes[1]); }, "not defined before it"},
        BadGraph{"twice", [](Graph& g) { g.nodes[1].outputs[0] = g.nodes[0].outputs[0]; }, "is defined twice"},
        BadGraph{"shadow", [](Graph& g) { g.initializers[0].name = "image"; }, "is defined twice"},
        BadGraph{"size", [](Graph& g) { g.initializers[0].bytes.pop_back(); }, "does not have the size of its shape"},
        BadGraph{"negative", [](Graph& g) { g.initializers[0].shape[0] = -1; }, "negative or overflowing shape"},
        BadGraph{"overflow",
                 [](Graph& g) {
                   g.initializers[0].shape = {1LL << 40, 1LL << 40};
                 },
                 "negative or overflowing shape"},
        BadGraph{"rank", [](Graph& g) { g.initializers[0].shape.assign(17, 1); }, "too many dimensions"},
        BadGraph{"no_name", [](Graph& g) { g.name.clear(); }, "bad name"},
        BadGraph{"control", [](Graph& g) { g.initializers[0].name = "a\nb"; }, "bad name"},
        BadGraph{"no_output", [](Graph& g) { g.outputs.clear(); }, "no output"},
        BadGraph{"unknown_output", [](Graph& g) { g.outputs[0].name = "y"; }, "graph output is not defined; got 'y'"},
        BadGraph{"output_twice", [](Graph& g) { g.outputs.push_back(g.outputs[0]); }, "is listed twice"},
        BadGraph{"dimension", [](Graph& g) { g.inputs[0].shape[0] = -2; }, "negative dimension"},
        BadGraph{"nothing", [](Graph& g) { g.nodes[1].outputs = {""}; }, "gives nothing"}),
    [](const auto& test) { return std::string(test.param.name); });

TEST(OnnxReader, EveryTruncationIsRefusedOrStillValid) {
  const auto bytes = write_onnx(samples::every_kind_graph());
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_THROW(read_onnx(std::span(bytes).first(size)), ContentError) << size;
  }
}

TEST(OnnxReader, RandomDamageNeverCrashes) {
  const auto bytes = write_onnx(samples::every_kind_graph());
  RandomStream random(1, "tests.onnx.damage");
  int refused = 0;
  for (int round = 0; round < 20'000; ++round) {
    auto damaged = bytes;
    const auto count = random.integer(1, 4);
    for (std::int64_t i = 0; i < count; ++i) {
      const auto at = static_cast<std::size_t>(random.integer(0, static_cast<std::int64_t>(bytes.size()) - 1));
      damaged[at] = static_cast<std::byte>(random.integer(0, 255));
    }
    try {
      EXPECT_EQ(fault_of(read_onnx(damaged)), "");
    } catch (const ContentError&) {
      ++refused;
    }
  }
  EXPECT_GT(refused, 1000);
}

TEST(OnnxReader, SkipsFieldsItDoesNotKnow) {
  auto bytes = write_onnx(samples::every_kind_graph());
  const auto written = bytes;
  // Fields 99..102: a varint, 8 bytes, a length of 3, 4 bytes.
  const auto unknown = bytes_of_text(std::string("\x98\x06\xff\x01") + "\xa1\x06" + "12345678" + "\xaa\x06\x03" +
                                     "abc" + "\xb5\x06" + "1234");
  bytes.insert(bytes.end(), unknown.begin(), unknown.end());
  EXPECT_EQ(write_onnx(read_onnx(bytes)), written);
}

struct BadWire {
  const char* name;
  std::string bytes;
  const char* words;
};

class BadWires : public ::testing::TestWithParam<BadWire> {};

TEST_P(BadWires, AreRefusedWithASentence) {
  try {
    read_onnx(bytes_of_text(GetParam().bytes));
    FAIL() << "was read";
  } catch (const ContentError& error) {
    EXPECT_THAT(error.what(), HasSubstr("[inference.read_onnx]"));
    EXPECT_THAT(error.what(), HasSubstr(GetParam().words));
  }
}

const std::string head = std::string("\x08\x08\x42\x04\x0a\x00\x10\x11", 8);  // IR version 8, opset 17

INSTANTIATE_TEST_SUITE_P(
    Table, BadWires,
    ::testing::Values(
        BadWire{"empty", "", "IR version; got 0"}, BadWire{"text", "not a model at all", "wire type"},
        BadWire{"no_graph", head, "holds no graph"},
        BadWire{"long_varint", std::string("\x08") + std::string(11, '\xff'), "longer than 64 bits"},
        BadWire{"cut_varint", std::string("\x08\xff"), "ends within a number"},
        BadWire{"cut_fixed64", std::string("\x49\x01\x02"), "ends within a number"},
        BadWire{"length", head + "\x3a\x7f" + "abc", "past the end of its message; got 127"},
        BadWire{"huge_length", head + "\x3a\xff\xff\xff\xff\xff\xff\xff\xff\x7f", "past the end of its message"},
        BadWire{"field_zero", std::string("\x00\x01", 2), "field number is out of range; got 0"},
        BadWire{"group", std::string("\x0b\x0c"), "wire type that ONNX does not use; got 3"},
        BadWire{"wrong_wire", std::string("\x0a\x01x"), "field 1 has the wrong wire type"},
        BadWire{"two_graphs", head + std::string("\x3a\x02\x12\x00\x3a\x02\x12\x00", 8), "holds two graphs"},
        BadWire{"functions", head + "\xca\x01\x01x", "defines functions"},
        BadWire{"sparse", head + "\x3a\x03\x7a\x01x", "sparse initialisers"},
        BadWire{"graph_attribute", head + "\x3a\x07\x0a\x05\x2a\x03\xa0\x01\x05", "got ONNX attribute type 5"},
        BadWire{"domain", head + "\x3a\x05\x0a\x03\x3a\x01z", "operator of another domain; got 'z."},
        BadWire{"external", head + "\x3a\x04\x2a\x02\x70\x01", "in another file"},
        BadWire{"string_tensor", head + "\x3a\x04\x2a\x02\x10\x08",
                "data type that packages do not use; got ONNX type 8"}),
    [](const auto& test) { return std::string(test.param.name); });

}  // namespace
}  // namespace oddity
