#include <bit>
#include <cstring>
#include <deque>

#include <nlohmann/json.hpp>

#include "core/digest.h"
#include "core/error.h"
#include "core/files.h"
#include "core/safetensors.h"
#include "inference/package.h"
#include "inference/package_format.h"

namespace oddity {

namespace {

namespace format = package_format;
using nlohmann::json;

json parsed_object(const std::string& text, const char* what) {
  if (format::json_depth(text) > format::max_json_depth) {
    fail<InvalidArgument>("[inference.encode_package] {} nest too deep; expected at most {} levels", what,
                          format::max_json_depth);
  }
  json value = json::parse(text, nullptr, false);
  if (!value.is_object()) {
    fail<InvalidArgument>("[inference.encode_package] {} are not a JSON object", what);
  }
  return value;
}

/// Tensors whose bytes live as long as the collector; deques keep addresses.
class Tensors {
public:
  void borrow(std::string name, Dtype dtype, std::vector<std::int64_t> shape, std::span<const std::byte> bytes) {
    blobs_.push_back({std::move(name), dtype, std::move(shape), bytes});
  }
  void own(std::string name, std::vector<std::byte> bytes) {
    const auto size = static_cast<std::int64_t>(bytes.size());
    borrow(std::move(name), Dtype::u8, {size}, bytes_.emplace_back(std::move(bytes)));
  }
  void doubles(std::string name, std::vector<std::int64_t> shape, std::vector<double> values) {
    borrow(std::move(name), Dtype::f64, std::move(shape),
           std::as_bytes(std::span(doubles_.emplace_back(std::move(values)))));
  }
  void number(std::string name, double value) { doubles(std::move(name), {}, {value}); }
  void integers(std::string name, std::vector<std::int64_t> values) {
    const auto size = static_cast<std::int64_t>(values.size());
    borrow(std::move(name), Dtype::i64, {size}, std::as_bytes(std::span(integers_.emplace_back(std::move(values)))));
  }
  std::span<const TensorBlob> blobs() const { return blobs_; }

private:
  std::vector<TensorBlob> blobs_;
  std::deque<std::vector<std::byte>> bytes_;
  std::deque<std::vector<double>> doubles_;
  std::deque<std::vector<std::int64_t>> integers_;
};

void add_decision(Tensors& tensors, const DecisionRule& rule) {
  tensors.number("decision/threshold", rule.threshold);
  tensors.number("decision/pixel_threshold", rule.pixel_threshold);
  tensors.number("decision/minimum_area_px", rule.minimum_area_px);
  tensors.number("decision/pooling_fraction", rule.pooling_fraction);
  tensors.number("decision/requested_budget", rule.requested_budget);
  tensors.number("decision/budget", rule.budget);
  tensors.doubles("decision/calibration_scores", {static_cast<std::int64_t>(rule.calibration_scores.size())},
                  rule.calibration_scores);
  tensors.doubles("decision/millimetres_per_pixel", {2}, {rule.millimetres_per_pixel_x, rule.millimetres_per_pixel_y});
}

void add_region(Tensors& tensors, const RegionOfInterest& region) {
  std::vector<double> points;
  std::vector<std::int64_t> counts;
  for (const auto& polygon : region.polygons) {
    counts.push_back(static_cast<std::int64_t>(polygon.size()));
    for (const auto& [x, y] : polygon) {
      points.insert(points.end(), {x, y});
    }
  }
  const auto rows = static_cast<std::int64_t>(points.size() / 2);
  tensors.doubles("region/points", {rows, 2}, std::move(points));
  tensors.integers("region/counts", std::move(counts));
}

json metadata_of(const Package& package) {
  json components = json::array();
  for (const auto& [name, graph] : package.graphs) {
    components.push_back({{"name", name}, {"kind", "onnx"}, {"graph", "graph/" + name}});
  }
  const InputContract& input = package.input;
  return {
      {"format", {{"major", format::major_version}, {"minor", format::minor_version}}},
      {"components", std::move(components)},
      {"model", package.model},
      {"options", parsed_object(package.options_json, "the options")},
      {"manifest", parsed_object(package.manifest_json, "the facts of the run")},
      {"input",
       {{"channels", input.channels},
        {"depth", input.depth == Depth::u8 ? "u8" : "u16"},
        {"fit", input.fit},
        {"height", input.height},
        {"width", input.width},
        {"multiple", input.multiple},
        {"convert_channels", input.convert_channels},
        {"image_height", input.image_height},
        {"image_width", input.image_width}}},
      {"decision", {{"pooling", package.decision.pooling}, {"calibration_unit", package.decision.calibration_unit}}},
      {"self_tests", package.self_tests.size()},
      {"integrity", {{format::digest_key, std::string(format::digest_digits, '0')}}}};
}

}  // namespace

std::vector<std::byte> encode_package(Package& package) {
  if (const std::string fault = fault_of(package); !fault.empty()) {
    fail<InvalidArgument>("[inference.encode_package] {}", fault);
  }
  Tensors tensors;
  for (const auto& [name, graph] : package.graphs) {
    tensors.own("graph/" + name, write_onnx(graph));
  }
  tensors.number("input/full_scale", package.input.full_scale);
  add_decision(tensors, package.decision);
  add_region(tensors, package.region);
  for (std::size_t i = 0; i < package.self_tests.size(); ++i) {
    const SelfTest& test = package.self_tests[i];
    const std::string prefix = fmt::format("self_test/{}/", i);
    tensors.borrow(prefix + "input", test.input.depth == Depth::u8 ? Dtype::u8 : Dtype::u16,
                   {test.input.height, test.input.width, test.input.channels}, test.input.pixels);
    tensors.number(prefix + "score", test.score);
    tensors.number(prefix + "tolerance", test.tolerance);
  }

  std::string metadata;
  try {
    metadata = metadata_of(package).dump();
  } catch (const json::exception& error) {
    fail<InvalidArgument>("[inference.encode_package] a text is not UTF-8: {}", error.what());
  }
  std::vector<std::byte> file = encode_safetensors(tensors.blobs(), {{std::string(format::metadata_key), metadata}});

  std::uint64_t header_bytes = 0;
  std::memcpy(&header_bytes, file.data(), sizeof header_bytes);
  const auto position = format::find_digest(std::span(file).first(sizeof header_bytes + header_bytes));
  if (!position) {
    fail<InvalidArgument>("[inference.encode_package] options or manifest use the key '{}', which is reserved",
                          format::digest_key);
  }
  const std::string digest = format::digest_of(file, *position);
  std::memcpy(file.data() + *position, digest.data(), digest.size());
  package.major = format::major_version;
  package.minor = format::minor_version;
  package.digest = sha256_hex(file);
  return file;
}

void write_package(const std::filesystem::path& file, Package& package) {
  const std::vector<std::byte> bytes = encode_package(package);
  write_file_atomic(file, bytes);
}

}  // namespace oddity
