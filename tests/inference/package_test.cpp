#include "inference/package.h"

#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "core/digest.h"
#include "core/error.h"
#include "core/files.h"
#include "core/random.h"
#include "core/safetensors.h"
#include "inference/package_format.h"
#include "samples.h"

namespace oddity {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;

Package full_package() {
  Package package = samples::small_package();
  package.input.depth = Depth::u16;
  package.input.full_scale = 4095.0 + 1.0 / 3;
  package.input.convert_channels = true;
  package.input.image_height = 480, package.input.image_width = 640;
  package.region.polygons = {{{0, 0}, {1, 0}, {0.5, 1.0 / 3}}, {{0.1, 0.5}, {0.9, 0.5}, {0.9, 1}, {0.1, 1}}};
  package.decision.pooling = "top_fraction";
  package.decision.pooling_fraction = 1.0 / 7;
  package.decision.threshold = 0.1 + 0.2;
  package.decision.pixel_threshold = -1e-300;
  package.decision.minimum_area_px = 12.5;
  package.decision.requested_budget = 0.01;
  package.decision.budget = 0.1;
  package.decision.calibration_unit = "group";
  package.decision.millimetres_per_pixel_x = 0.05;
  package.decision.millimetres_per_pixel_y = 0.07;
  package.self_tests.push_back({samples::image_of(16, 20, 1, Depth::u8, {{3, 4, 200}}), 0.78, 1e-4});
  package.self_tests.push_back({samples::image_of(18, 16, 3, Depth::u16, {{3, 4, 60'000}}), 0.5, 1e-3});
  package.graphs.emplace("repair_2", samples::every_kind_graph());
  return package;
}

TEST(Package, RoundTripKeepsEveryNumberExactly) {
  Package package = full_package();
  const auto bytes = encode_package(package);
  EXPECT_EQ(package.digest, sha256_hex(bytes));
  const Package again = decode_package(bytes, "p");
  EXPECT_EQ(again.digest, package.digest);
  EXPECT_EQ(again.major, 1);
  EXPECT_EQ(again.minor, 0);
  EXPECT_EQ(again.model, package.model);
  EXPECT_EQ(json::parse(again.options_json), json::parse(package.options_json));
  EXPECT_EQ(json::parse(again.manifest_json), json::parse(package.manifest_json));
  EXPECT_EQ(again.input.depth, Depth::u16);
  EXPECT_EQ(again.input.full_scale, package.input.full_scale);
  EXPECT_EQ(again.input.image_height, 480);
  EXPECT_EQ(again.input.image_width, 640);
  EXPECT_EQ(again.input.fit, "stretch");
  EXPECT_EQ(again.input.height, 16);
  EXPECT_TRUE(again.input.convert_channels);
  EXPECT_EQ(again.region.polygons, package.region.polygons);
  EXPECT_EQ(again.decision.pooling, "top_fraction");
  EXPECT_EQ(again.decision.pooling_fraction, package.decision.pooling_fraction);
  EXPECT_EQ(again.decision.threshold, package.decision.threshold);
  EXPECT_EQ(again.decision.pixel_threshold, package.decision.pixel_threshold);
  EXPECT_EQ(again.decision.minimum_area_px, 12.5);
  EXPECT_EQ(again.decision.requested_budget, 0.01);
  EXPECT_EQ(again.decision.budget, 0.1);
  EXPECT_EQ(again.decision.calibration_unit, "group");
  EXPECT_EQ(again.decision.calibration_scores, package.decision.calibration_scores);
  EXPECT_EQ(again.decision.millimetres_per_pixel_x, 0.05);
  EXPECT_EQ(again.decision.millimetres_per_pixel_y, 0.07);
  ASSERT_EQ(again.self_tests.size(), 2u);
  for (std::size_t i = 0; i < 2; ++i) {
    EXPECT_EQ(again.self_tests[i].input.pixels, package.self_tests[i].input.pixels);
    EXPECT_EQ(again.self_tests[i].input.width, package.self_tests[i].input.width);
    EXPECT_EQ(again.self_tests[i].input.channels, package.self_tests[i].input.channels);
    EXPECT_EQ(again.self_tests[i].input.depth, package.self_tests[i].input.depth);
    EXPECT_EQ(again.self_tests[i].score, package.self_tests[i].score);
    EXPECT_EQ(again.self_tests[i].tolerance, package.self_tests[i].tolerance);
  }
  ASSERT_EQ(again.graphs.size(), 2u);
  EXPECT_EQ(write_onnx(again.graphs.at("repair_2")), write_onnx(package.graphs.at("repair_2")));
  Package copy = again;
  EXPECT_EQ(encode_package(copy), bytes);
}

TEST(Package, IsASafetensorsFileWithGraphsAsOnnx) {
  Package package = full_package();
  const auto bytes = encode_package(package);
  const auto view = decode_safetensors(bytes, "p");
  const auto& graph = view.at("graph/anomaly");
  EXPECT_EQ(graph.dtype, Dtype::u8);
  EXPECT_EQ(read_onnx(graph.bytes).name, "mean");
  EXPECT_EQ(view.at("decision/calibration_scores").dtype, Dtype::f64);
  EXPECT_EQ(view.at("self_test/1/input").dtype, Dtype::u16);
  EXPECT_EQ(view.at("self_test/1/input").shape, (std::vector<std::int64_t>{18, 16, 3}));
  const json metadata = json::parse(view.metadata.at("oddity"));
  EXPECT_EQ(metadata["format"]["major"], 1);
  EXPECT_EQ(metadata["components"][0]["name"], "anomaly");
  EXPECT_EQ(metadata["options"]["training"]["steps"], 100);
  // Canonical: sorted keys, no spaces.
  EXPECT_EQ(metadata.dump(), view.metadata.at("oddity"));
}

TEST(Package, DigestIsThatOfTheFileWithZeros) {
  Package package = full_package();
  auto bytes = encode_package(package);
  const auto view = decode_safetensors(bytes, "p");
  const std::string digest =
      json::parse(view.metadata.at("oddity"))["integrity"]["sha256_of_this_file_with_zeros_here"];
  ASSERT_EQ(digest.size(), 64u);
  std::string text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  text.replace(text.find(digest), 64, std::string(64, '0'));
  EXPECT_EQ(sha256_hex(text), digest);
}

TEST(Package, EveryHeaderBitIsCovered) {
  Package package = samples::small_package();
  auto bytes = encode_package(package);
  std::uint64_t header = 0;
  std::memcpy(&header, bytes.data(), 8);
  for (std::size_t bit = 0; bit < 8 * (8 + header); ++bit) {
    const auto flip = static_cast<std::byte>(1u << (bit % 8));
    bytes[bit / 8] ^= flip;
    EXPECT_THROW(decode_package(bytes, "p"), ContentError) << bit;
    bytes[bit / 8] ^= flip;
  }
  EXPECT_NO_THROW(decode_package(bytes, "p"));
}

TEST(Package, DataBitsAreCovered) {
  Package package = full_package();
  auto bytes = encode_package(package);
  std::uint64_t header = 0;
  std::memcpy(&header, bytes.data(), 8);
  RandomStream random(1, "tests.package.bits");
  for (int round = 0; round < 5'000; ++round) {
    const auto bit = static_cast<std::size_t>(
        random.integer(static_cast<std::int64_t>(8 * (8 + header)), static_cast<std::int64_t>(8 * bytes.size()) - 1));
    const auto flip = static_cast<std::byte>(1u << (bit % 8));
    bytes[bit / 8] ^= flip;
    EXPECT_THROW(decode_package(bytes, "p"), ContentError) << bit;
    bytes[bit / 8] ^= flip;
  }
}

TEST(Package, EveryTruncationAndAnyAppendedByteIsRefused) {
  Package package = samples::small_package();
  auto bytes = encode_package(package);
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_THROW(decode_package(std::span(bytes).first(size), "p"), ContentError) << size;
  }
  bytes.push_back(std::byte{0});
  EXPECT_THROW(decode_package(bytes, "p"), ContentError);
}

TEST(Package, WritesAtomicallyAndReadsBack) {
  const auto folder = std::filesystem::path(::testing::TempDir()) / "oddity_package_test";
  std::filesystem::create_directories(folder);
  Package package = full_package();
  write_package(folder / "model.oddity", package);
  EXPECT_EQ(read_package(folder / "model.oddity").digest, sha256_file(folder / "model.oddity"));
  EXPECT_EQ(package.digest, sha256_file(folder / "model.oddity"));
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder), {}), 1);
  EXPECT_THROW(read_package(folder / "missing.oddity"), PathError);
  EXPECT_THROW(read_package(folder), PathError);
  PackageLimits limits;
  limits.max_bytes = 100;
  EXPECT_THROW(read_package(folder / "model.oddity", limits), ContentError);
  std::filesystem::remove_all(folder);
}

// --- Bad packages whose digest is right: what an attacker or another program would write ----------------------------

/// The parts of a good package, to be changed and sealed again.
struct Parts {
  std::map<std::string, TensorBlob> tensors;
  json metadata;
  std::vector<std::byte> source;
  std::vector<std::vector<std::byte>> owned;

  void put(const std::string& name, Dtype dtype, std::vector<std::int64_t> shape, std::vector<std::byte> bytes) {
    owned.push_back(std::move(bytes));
    tensors[name] = {name, dtype, std::move(shape), owned.back()};
  }
  void put_doubles(const std::string& name, std::vector<std::int64_t> shape, const std::vector<double>& values) {
    const auto bytes = std::as_bytes(std::span(values));
    put(name, Dtype::f64, std::move(shape), {bytes.begin(), bytes.end()});
  }
};

Parts parts_of_package() {
  Package package = full_package();
  Parts parts;
  parts.source = encode_package(package);
  parts.owned.reserve(16);
  const auto view = decode_safetensors(parts.source, "p");
  for (const auto& blob : view.tensors) {
    parts.tensors[blob.name] = blob;
  }
  parts.metadata = json::parse(view.metadata.at("oddity"));
  return parts;
}

std::vector<std::byte> seal_text(const Parts& parts, const std::string& metadata, const char* key = "oddity") {
  std::vector<TensorBlob> blobs;
  for (const auto& [name, blob] : parts.tensors) {
    blobs.push_back(blob);
  }
  auto bytes = encode_safetensors(blobs, {{key, metadata}});
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  const std::string marker = R"(sha256_of_this_file_with_zeros_here\":\")";
  if (const auto at = text.find(marker); at != std::string_view::npos) {
    const std::string digest = sha256_hex(bytes);
    std::memcpy(bytes.data() + at + marker.size(), digest.data(), digest.size());
  }
  return bytes;
}

std::vector<std::byte> seal(Parts& parts) {
  parts.metadata["integrity"]["sha256_of_this_file_with_zeros_here"] = std::string(64, '0');
  return seal_text(parts, parts.metadata.dump());
}

TEST(SealedPackages, TheUnchangedOneIsRead) {
  Parts parts = parts_of_package();
  EXPECT_EQ(seal(parts), parts.source);
}

/// Out of line, and so are the bodies of the table: inlined, they take a compiler minutes.
void set(Parts& parts, const char* pointer, const json& value) { parts.metadata[json::json_pointer(pointer)] = value; }

struct BadPackage {
  const char* name;
  void (*spoil)(Parts&);
  const char* words;
};

class BadPackages : public ::testing::TestWithParam<BadPackage> {};

TEST_P(BadPackages, AreRefusedWithASentence) {
  Parts parts = parts_of_package();
  GetParam().spoil(parts);
  try {
    decode_package(seal(parts), "file.oddity");
    FAIL() << "was read";
  } catch (const ContentError& error) {
    EXPECT_THAT(error.what(), HasSubstr(GetParam().words));
    EXPECT_THAT(error.what(), HasSubstr("file.oddity"));
  }
}

json deep(int levels) {
  json value = 1;
  for (int i = 0; i < levels; ++i) {
    value = json::array({value});
  }
  return value;
}

INSTANTIATE_TEST_SUITE_P(
    Table, BadPackages,
    ::testing::Values(
        BadPackage{"newer_major", [](Parts& p) { set(p, "/format/major", 2); },
                   "format 2.0, and this program reads 1.x; use a newer oddity"},
        BadPackage{"major_zero", [](Parts& p) { set(p, "/format/major", 0); }, "version out of range"},
        BadPackage{"no_format", [](Parts& p) { p.metadata.erase("format"); }, "metadata key 'format' is missing"},
        BadPackage{"format_text", [](Parts& p) { set(p, "/format", "1.0"); }, "'format' must be an object"},
        BadPackage{"major_real", [](Parts& p) { set(p, "/format/major", 1.5); }, "must be a whole number"},
        BadPackage{"huge_number", [](Parts& p) { set(p, "/input/height", 18446744073709551615ull); },
                   "must be a whole number"},
        BadPackage{"negative", [](Parts& p) { set(p, "/input/width", -4); }, "must be a whole number"},
        BadPackage{"no_model", [](Parts& p) { p.metadata.erase("model"); }, "'model' is missing"},
        BadPackage{"model_empty", [](Parts& p) { set(p, "/model", ""); }, "the model needs a name"},
        BadPackage{"options_list", [](Parts& p) { set(p, "/options", json::array()); }, "'options' must be an object"},
        BadPackage{"depth", [](Parts& p) { set(p, "/input/depth", "f32"); }, "input depth unknown; got 'f32'"},
        BadPackage{"fit", [](Parts& p) { set(p, "/input/fit", "tile"); }, "input fit unknown; got 'tile'"},
        BadPackage{"convert", [](Parts& p) { set(p, "/input/convert_channels", 1); }, "must be true or false"},
        BadPackage{"pooling", [](Parts& p) { set(p, "/decision/pooling", "max"); }, "pooling unknown; got 'max'"},
        BadPackage{"pooling_with_region", [](Parts& p) { set(p, "/decision/pooling", "graph"); },
                   "a region of interest needs decision pooling"},
        BadPackage{"unit", [](Parts& p) { set(p, "/decision/calibration_unit", "day"); }, "calibration unit unknown"},
        BadPackage{"no_threshold", [](Parts& p) { p.tensors.erase("decision/threshold"); },
                   "tensor 'decision/threshold' is missing"},
        BadPackage{"threshold_f32",
                   [](Parts& p) { p.put("decision/threshold", Dtype::f32, {}, std::vector<std::byte>(4)); },
                   "'decision/threshold' has the wrong type; got F32; expected F64"},
        BadPackage{"threshold_list",
                   [](Parts& p) {
                     p.put_doubles("decision/threshold", {2}, {1, 2});
                   },
                   "'decision/threshold' has the wrong shape"},
        BadPackage{"threshold_nan", [](Parts& p) { p.put_doubles("decision/threshold", {}, {std::nan("")}); },
                   "thresholds must be finite"},
        BadPackage{"unsorted",
                   [](Parts& p) {
                     p.put_doubles("decision/calibration_scores", {2}, {2, 1});
                   },
                   "sorted ascending"},
        BadPackage{"scores_nan", [](Parts& p) { p.put_doubles("decision/calibration_scores", {1}, {std::nan("")}); },
                   "must be finite"},
        BadPackage{"budget", [](Parts& p) { p.put_doubles("decision/budget", {}, {1.0}); },
                   "overkill budget out of range"},
        BadPackage{"fraction", [](Parts& p) { p.put_doubles("decision/pooling_fraction", {}, {0.0}); },
                   "pooling fraction out of range"},
        BadPackage{"area", [](Parts& p) { p.put_doubles("decision/minimum_area_px", {}, {-1.0}); },
                   "minimum area out of range"},
        BadPackage{"millimetres",
                   [](Parts& p) {
                     p.put_doubles("decision/millimetres_per_pixel", {2}, {0.1, 0.0});
                   },
                   "millimetres per pixel out of range"},
        BadPackage{"millimetres_shape", [](Parts& p) { p.put_doubles("decision/millimetres_per_pixel", {1}, {0.1}); },
                   "'decision/millimetres_per_pixel' has the wrong shape"},
        BadPackage{"full_scale", [](Parts& p) { p.put_doubles("input/full_scale", {}, {0.0}); },
                   "full scale out of range"},
        BadPackage{"points",
                   [](Parts& p) {
                     p.put_doubles("region/points", {3, 2}, {0, 0, 1, 0, 1, 1});
                   },
                   "region/counts does not fit region/points"},
        BadPackage{"points_outside",
                   [](Parts& p) {
                     p.put_doubles("region/points", {7, 2}, {0, 0, 1, 0, 1, 2, 0, 0, 1, 0, 1, 1, 0, 1});
                   },
                   "region of interest is not usable"},
        BadPackage{"self_tests", [](Parts& p) { set(p, "/self_tests", 5); }, "number of self-tests out of range"},
        BadPackage{"self_test_missing", [](Parts& p) { set(p, "/self_tests", 3); }, "'self_test/2/input' is missing"},
        BadPackage{"self_test_type",
                   [](Parts& p) {
                     p.put("self_test/0/input", Dtype::i16, {16, 16, 1}, std::vector<std::byte>(512));
                   },
                   "got I16; expected U8 or U16"},
        BadPackage{"self_test_shape",
                   [](Parts& p) { p.put("self_test/0/input", Dtype::u8, {16, 16}, std::vector<std::byte>(256)); },
                   "'self_test/0/input' has the wrong shape"},
        BadPackage{"self_test_empty", [](Parts& p) { p.put("self_test/0/input", Dtype::u8, {0, 16, 1}, {}); },
                   "has no usable size"},
        BadPackage{"self_test_channels",
                   [](Parts& p) { p.put("self_test/0/input", Dtype::u8, {1, 1, 65}, std::vector<std::byte>(65)); },
                   "has no usable size"},
        BadPackage{"self_test_small",
                   [](Parts& p) { p.put("self_test/0/input", Dtype::u8, {1, 1, 1}, std::vector<std::byte>(1)); },
                   "does not fit the input contract"},
        BadPackage{"tolerance", [](Parts& p) { p.put_doubles("self_test/0/tolerance", {}, {-1.0}); },
                   "positive tolerance"},
        BadPackage{"components", [](Parts& p) { set(p, "/components", json::object()); },
                   "'components' must be a list"},
        BadPackage{"component_number", [](Parts& p) { set(p, "/components", {1}); }, "not an object"},
        BadPackage{"component_twice", [](Parts& p) { set(p, "/components/2", p.metadata["components"][0]); },
                   "listed twice"},
        BadPackage{"component_kind", [](Parts& p) { set(p, "/components/0/kind", "python"); },
                   "unknown kind; got 'python'"},
        BadPackage{"component_name", [](Parts& p) { set(p, "/components/0/name", "../evil"); },
                   "bad name of a component; got '../evil'"},
        BadPackage{"component_file", [](Parts& p) { set(p, "/components/0/graph", "other"); },
                   "tensor 'other' is missing"},
        BadPackage{"graph_garbage", [](Parts& p) { p.put("graph/anomaly", Dtype::u8, {3}, std::vector<std::byte>(3)); },
                   "component 'anomaly': [inference.read_onnx]"},
        BadPackage{"graph_type", [](Parts& p) { p.put("graph/anomaly", Dtype::i8, {3}, std::vector<std::byte>(3)); },
                   "got I8; expected U8"},
        BadPackage{"nested", [](Parts& p) { set(p, "/manifest/deep", deep(70)); }, "nests too deep"},
        BadPackage{"digest_twice", [](Parts& p) { set(p, "/manifest/sha256_of_this_file_with_zeros_here", "x"); },
                   "expected the digest"}),
    [](const auto& test) { return std::string(test.param.name); });

TEST(SealedPackages, MetadataThatIsNoJsonOrElsewhereIsRefused) {
  Parts parts = parts_of_package();
  const std::string good = [&] {
    parts.metadata["integrity"]["sha256_of_this_file_with_zeros_here"] = std::string(64, '0');
    return parts.metadata.dump();
  }();
  EXPECT_NO_THROW(decode_package(seal_text(parts, good), "p"));
  EXPECT_THROW(decode_package(seal_text(parts, good.substr(1)), "p"), ContentError);
  EXPECT_THROW(decode_package(seal_text(parts, json::array({parts.metadata}).dump()), "p"), ContentError);
  EXPECT_THROW(decode_package(seal_text(parts, good, "other"), "p"), ContentError);
  EXPECT_THROW(decode_package(seal_text(parts, "{}"), "p"), ContentError);
  EXPECT_THROW(decode_package(seal_text(parts, good + std::string(3000, '[')), "p"), ContentError);
}

TEST(SealedPackages, UnknownKeysAndTensorsOfANewerMinorAreIgnored) {
  Parts parts = parts_of_package();
  parts.metadata["format"]["minor"] = 7;
  parts.metadata["news"] = {{"a", 1}};
  parts.metadata["input"]["colour_space"] = "srgb";
  parts.put("extra/tensor", Dtype::u8, {2}, std::vector<std::byte>(2));
  const Package package = decode_package(seal(parts), "p");
  EXPECT_EQ(package.minor, 7);
  EXPECT_EQ(package.model, "template");
}

TEST(SealedPackages, RandomDamageUnderARightDigestNeverCrashes) {
  // What an attacker can do who computes the digest: the reader behind it must stand on its own.
  Parts parts = parts_of_package();
  const auto good = parts.source;
  std::uint64_t header = 0;
  std::memcpy(&header, good.data(), 8);
  const std::size_t position = *package_format::find_digest(std::span(good).first(8 + header));
  RandomStream random(2, "tests.package.sealed_damage");
  int refused = 0;
  for (int round = 0; round < 5'000; ++round) {
    auto bytes = good;
    const auto last = static_cast<std::int64_t>(round % 2 == 0 ? 8 + header : bytes.size()) - 1;
    for (std::int64_t i = random.integer(1, 3); i > 0; --i) {
      bytes[static_cast<std::size_t>(random.integer(8, last))] = static_cast<std::byte>(random.integer(0, 255));
    }
    const std::string digest = package_format::digest_of(bytes, position);
    std::memcpy(bytes.data() + position, digest.data(), digest.size());
    try {
      EXPECT_EQ(fault_of(decode_package(bytes, "p")), "");
    } catch (const ContentError&) {
      ++refused;
    }
  }
  EXPECT_GT(refused, 2'000);
}

TEST(SealedPackages, OtherFilesAreRefused) {
  const auto refuse = [](std::vector<std::byte> bytes, const char* words) {
    try {
      decode_package(bytes, "p");
      FAIL() << "was read";
    } catch (const ContentError& error) {
      EXPECT_THAT(error.what(), HasSubstr(words));
    }
  };
  refuse({}, "not a package, or truncated; got 0 bytes");
  refuse(std::vector<std::byte>(1000), "not a package, or damaged");
  refuse(std::vector<std::byte>(1000, std::byte{0xff}), "not a package, or truncated; got a header of");
  std::vector<std::byte> png(100, std::byte{0});
  std::memcpy(png.data(), "\x89PNG\r\n\x1a\n", 8);
  refuse(png, "not a package, or truncated");
  refuse(encode_safetensors({}, {{"oddity", "{}"}}), "not a package, or damaged");
  std::vector<std::byte> huge(24u << 20, std::byte{' '});
  const std::uint64_t header = 20u << 20;
  std::memcpy(huge.data(), &header, 8);
  refuse(huge, "got a header of 20971520 bytes; expected at most 16777216");
}

TEST(PackageWriter, RefusesWhatTheReaderWouldRefuse) {
  const auto refuse = [](const std::function<void(Package&)>& spoil, const char* words) {
    Package package = full_package();
    spoil(package);
    try {
      encode_package(package);
      FAIL() << words;
    } catch (const InvalidArgument& error) {
      EXPECT_THAT(error.what(), HasSubstr(words));
    }
  };
  refuse([](Package& p) { p.options_json = std::string("[1]"); }, "the options are not a JSON object");
  refuse([](Package& p) { p.manifest_json = std::string("{"); }, "the facts of the run are not a JSON object");
  refuse([](Package& p) { p.manifest_json = json{{"a", deep(70)}}.dump(); }, "nest too deep");
  refuse([](Package& p) { p.manifest_json = R"({"sha256_of_this_file_with_zeros_here":1})"; }, "is reserved");
  refuse([](Package& p) { p.model = std::string("\xff\xfe"); }, "not UTF-8");
  refuse([](Package& p) { p.graphs.at("anomaly").nodes[0].op = "Loop"; }, "component 'anomaly': node 0");
  refuse([](Package& p) { p.graphs.emplace("model", samples::mean_graph(1, 4, 4)); }, "bad name of a component");
  refuse([](Package& p) { p.decision.threshold = std::nan(""); }, "thresholds must be finite");
  refuse([](Package& p) { p.self_tests.resize(5, p.self_tests[0]); }, "too many self-tests");
  refuse([](Package& p) { p.self_tests[0].input.pixels.pop_back(); }, "pixels do not fit its size");
  refuse([](Package& p) { p.decision.pooling = std::string("graph"); }, "a region of interest needs");
}

}  // namespace
}  // namespace oddity
