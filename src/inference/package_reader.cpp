#include <algorithm>
#include <cstring>
#include <limits>

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

std::string one_line(std::string text) {
  std::replace_if(
      text.begin(), text.end(), [](unsigned char c) { return c < 0x20 || c > 0x7E; }, ' ');
  return text;
}

/// One file being read: its name stands in every message.
class Reader {
public:
  Reader(std::span<const std::byte> bytes, const std::string& name, const PackageLimits& limits)
      : name_(name), bytes_(bytes), limits_(limits) {}

  Package read() {
    verify();
    SafetensorsLimits limits;
    limits.max_bytes = limits_.max_bytes;
    limits.max_header_bytes = limits_.max_header_bytes;
    limits.max_tensors = limits_.max_tensors;
    view_ = decode_safetensors(bytes_, name_, limits);
    const json metadata = read_metadata();

    Package package;
    read_version(metadata, package);
    package.model = text(metadata, "model");
    package.options_json = object(metadata, "options").dump();
    package.manifest_json = object(metadata, "manifest").dump();
    package.input = read_input(object(metadata, "input"));
    package.decision = read_decision(object(metadata, "decision"));
    package.region = read_region();
    read_self_tests(metadata, package);
    read_graphs(metadata, package);
    if (const std::string fault = fault_of(package); !fault.empty()) {
      refuse("{}", fault);
    }
    package.digest = sha256_hex(bytes_);
    return package;
  }

private:
  template <class... Args>
  [[noreturn]] void refuse(fmt::format_string<Args...> message, Args&&... args) const {
    fail<ContentError>("[inference.read_package] {}: {}", name_, fmt::format(message, std::forward<Args>(args)...));
  }

  /// Sizes and the digest, before anything is interpreted.
  void verify() const {
    std::uint64_t header_bytes = 0;
    if (bytes_.size() > limits_.max_bytes) {
      refuse("the file is too large; got {} bytes; expected at most {}", bytes_.size(), limits_.max_bytes);
    }
    if (bytes_.size() < sizeof header_bytes) {
      refuse("not a package, or truncated; got {} bytes; expected a safetensors header", bytes_.size());
    }
    std::memcpy(&header_bytes, bytes_.data(), sizeof header_bytes);
    const auto* first = reinterpret_cast<const unsigned char*>(bytes_.data());
    if (std::all_of(first, first + sizeof header_bytes,
                    [](unsigned char c) { return (c >= 0x20 && c < 0x7F) || c == '\n' || c == '\r' || c == '\t'; })) {
      refuse(
          "not a package but text; got \"{}...\"; expected a file that `oddity train` has written (a config is what "
          "`oddity train` reads)",
          one_line(std::string(first, first + std::min<std::size_t>(bytes_.size(), 24))));
    }
    if (header_bytes > limits_.max_header_bytes || header_bytes > bytes_.size() - sizeof header_bytes) {
      refuse("not a package, or truncated; got a header of {} bytes; expected at most {}", header_bytes,
             std::min<std::uint64_t>(limits_.max_header_bytes, bytes_.size() - sizeof header_bytes));
    }
    const auto position = format::find_digest(bytes_.first(sizeof header_bytes + header_bytes));
    if (!position) {
      refuse("not a package, or damaged; expected the digest '{}' once in the header", format::digest_key);
    }
    const std::string_view stored(reinterpret_cast<const char*>(bytes_.data()) + *position, format::digest_digits);
    if (const std::string digest = format::digest_of(bytes_, *position); stored != digest) {
      refuse("the file is damaged; got SHA-256 {}; expected the one it was written with", digest);
    }
  }

  json read_metadata() const {
    const auto found = view_.metadata.find(std::string(format::metadata_key));
    if (found == view_.metadata.end()) {
      refuse("metadata key '{}' is missing", format::metadata_key);
    }
    if (format::json_depth(found->second) > format::max_json_depth) {
      refuse("metadata nests too deep; expected at most {} levels", format::max_json_depth);
    }
    json metadata = json::parse(found->second, nullptr, false);
    if (!metadata.is_object()) {
      refuse("metadata '{}' is not a JSON object", format::metadata_key);
    }
    return metadata;
  }

  void read_version(const json& metadata, Package& package) const {
    const json& version = object(metadata, "format");
    package.major = integer(version, "major");
    package.minor = integer(version, "minor");
    if (package.major > format::major_version) {
      refuse("the package has format {}.{}, and this program reads {}.x; use a newer oddity", package.major,
             package.minor, format::major_version);
    }
    if (package.major < 1 || package.minor < 0) {
      refuse("format version out of range; got {}.{}; expected 1.0 or later", package.major, package.minor);
    }
  }

  InputContract read_input(const json& node) const {
    InputContract input;
    input.channels = integer(node, "channels");
    input.fit = text(node, "fit");
    input.height = integer(node, "height");
    input.width = integer(node, "width");
    input.multiple = integer(node, "multiple");
    input.convert_channels = boolean(node, "convert_channels");
    input.full_scale = number("input/full_scale");
    if (node.contains("image_height") && node.contains("image_width")) {  // not in the first packages
      input.image_height = integer(node, "image_height");
      input.image_width = integer(node, "image_width");
    }
    const std::string depth = text(node, "depth");
    if (depth != "u8" && depth != "u16") {
      refuse("input depth unknown; got '{}'; expected u8 or u16", depth);
    }
    input.depth = depth == "u8" ? Depth::u8 : Depth::u16;
    return input;
  }

  DecisionRule read_decision(const json& node) const {
    DecisionRule rule;
    rule.pooling = text(node, "pooling");
    rule.calibration_unit = text(node, "calibration_unit");
    rule.threshold = number("decision/threshold");
    rule.pixel_threshold = number("decision/pixel_threshold");
    rule.minimum_area_px = number("decision/minimum_area_px");
    rule.pooling_fraction = number("decision/pooling_fraction");
    rule.requested_budget = number("decision/requested_budget");
    rule.budget = number("decision/budget");
    rule.calibration_scores = values<double>("decision/calibration_scores", Dtype::f64, {-1});
    const auto scale = values<double>("decision/millimetres_per_pixel", Dtype::f64, {2});
    rule.millimetres_per_pixel_x = scale[0];
    rule.millimetres_per_pixel_y = scale[1];
    return rule;
  }

  RegionOfInterest read_region() const {
    const auto points = values<double>("region/points", Dtype::f64, {-1, 2});
    RegionOfInterest region;
    std::size_t next = 0;
    for (const std::int64_t count : values<std::int64_t>("region/counts", Dtype::i64, {-1})) {
      if (count < 0 || static_cast<std::uint64_t>(count) > points.size() / 2 - next) {
        refuse("region/counts does not fit region/points; got a polygon of {} points", count);
      }
      auto& polygon = region.polygons.emplace_back();
      for (std::int64_t i = 0; i < count; ++i, ++next) {
        polygon.emplace_back(points[2 * next], points[2 * next + 1]);
      }
    }
    if (next != points.size() / 2) {
      refuse("region/counts does not fit region/points; got {} points in polygons; expected {}", next,
             points.size() / 2);
    }
    return region;
  }

  void read_self_tests(const json& metadata, Package& package) const {
    const int count = integer(metadata, "self_tests");
    if (count < 0 || count > static_cast<int>(format::max_self_tests)) {
      refuse("number of self-tests out of range; got {}; expected 0..{}", count, format::max_self_tests);
    }
    for (int i = 0; i < count; ++i) {
      const std::string prefix = fmt::format("self_test/{}/", i);
      const TensorBlob& blob = tensor(prefix + "input");
      const bool wide = blob.dtype == Dtype::u16;
      if (!wide && blob.dtype != Dtype::u8) {
        refuse("tensor '{}' has the wrong type; got {}; expected U8 or U16", blob.name, name_of(blob.dtype));
      }
      check_shape(blob, {-1, -1, -1});
      SelfTest test;
      test.score = number(prefix + "score");
      test.tolerance = number(prefix + "tolerance");
      constexpr std::int64_t max_side = 65'536;
      if (*std::max_element(blob.shape.begin(), blob.shape.end()) > max_side || blob.shape[2] > 64 ||
          *std::min_element(blob.shape.begin(), blob.shape.end()) < 1) {
        refuse("self-test image {} has no usable size", i);
      }
      test.input.height = static_cast<int>(blob.shape[0]);
      test.input.width = static_cast<int>(blob.shape[1]);
      test.input.channels = static_cast<int>(blob.shape[2]);
      test.input.depth = wide ? Depth::u16 : Depth::u8;
      test.input.pixels.assign(blob.bytes.begin(), blob.bytes.end());
      package.self_tests.push_back(std::move(test));
    }
  }

  void read_graphs(const json& metadata, Package& package) const {
    const json& components = member(metadata, "components");
    if (!components.is_array() || components.size() > format::max_components) {
      refuse("'components' must be a list of at most {}", format::max_components);
    }
    for (const json& component : components) {
      if (!component.is_object()) {
        refuse("'components' holds something that is not an object");
      }
      const std::string name = text(component, "name");
      if (const std::string kind = text(component, "kind"); kind != "onnx") {
        refuse("component '{}' is of an unknown kind; got '{}'; expected onnx", name, kind);
      }
      const TensorBlob& blob = tensor(text(component, "graph"));
      check_type(blob, Dtype::u8);
      check_shape(blob, {-1});
      Graph graph;
      try {
        graph = read_onnx(blob.bytes);
      } catch (const ContentError& error) {
        refuse("component '{}': {}", name, error.what());
      }
      if (!package.graphs.emplace(name, std::move(graph)).second) {
        refuse("component '{}' is listed twice", name);
      }
    }
  }

  const json& member(const json& node, const char* key) const {
    const auto found = node.find(key);
    if (found == node.end()) {
      refuse("metadata key '{}' is missing", key);
    }
    return *found;
  }
  const json& object(const json& node, const char* key) const {
    const json& value = member(node, key);
    if (!value.is_object()) {
      refuse("metadata key '{}' must be an object", key);
    }
    return value;
  }
  std::string text(const json& node, const char* key) const {
    const json& value = member(node, key);
    if (!value.is_string()) {
      refuse("metadata key '{}' must be a text", key);
    }
    return value.get<std::string>();
  }
  bool boolean(const json& node, const char* key) const {
    const json& value = member(node, key);
    if (!value.is_boolean()) {
      refuse("metadata key '{}' must be true or false", key);
    }
    return value.get<bool>();
  }
  int integer(const json& node, const char* key) const {
    const json& value = member(node, key);
    constexpr std::int64_t most = std::numeric_limits<int>::max();
    // A number beyond int64 is stored as unsigned and wraps to a negative one here, which is refused as well.
    const std::int64_t number = value.is_number_integer() ? value.get<std::int64_t>() : -1;
    if (!value.is_number_integer() || number < 0 || number > most) {
      refuse("metadata key '{}' must be a whole number from 0 to {}", key, most);
    }
    return static_cast<int>(number);
  }

  const TensorBlob& tensor(const std::string& key) const {
    const TensorBlob* blob = view_.find(key);
    if (blob == nullptr) {
      refuse("tensor '{}' is missing", key);
    }
    return *blob;
  }
  void check_type(const TensorBlob& blob, Dtype dtype) const {
    if (blob.dtype != dtype) {
      refuse("tensor '{}' has the wrong type; got {}; expected {}", blob.name, name_of(blob.dtype), name_of(dtype));
    }
  }
  /// -1 stands for any size.
  void check_shape(const TensorBlob& blob, const std::vector<std::int64_t>& shape) const {
    const bool fits = blob.shape.size() == shape.size() &&
                      std::equal(shape.begin(), shape.end(), blob.shape.begin(),
                                 [](std::int64_t wanted, std::int64_t got) { return wanted == -1 || wanted == got; });
    if (!fits) {
      refuse("tensor '{}' has the wrong shape; got {} dimensions; expected {}{}", blob.name, blob.shape.size(),
             shape.size(), shape.empty() ? "" : " of the sizes of the format");
    }
  }
  template <class T>
  std::vector<T> values(const std::string& key, Dtype dtype, const std::vector<std::int64_t>& shape) const {
    const TensorBlob& blob = tensor(key);
    check_type(blob, dtype);
    check_shape(blob, shape);
    std::vector<T> copy(blob.bytes.size() / sizeof(T));
    if (!copy.empty()) {
      std::memcpy(copy.data(), blob.bytes.data(), blob.bytes.size());
    }
    return copy;
  }
  double number(const std::string& key) const { return values<double>(key, Dtype::f64, {})[0]; }

  const std::string& name_;
  std::span<const std::byte> bytes_;
  const PackageLimits& limits_;
  SafetensorsView view_;
};

}  // namespace

Package decode_package(std::span<const std::byte> bytes, const std::string& name, const PackageLimits& limits) {
  return Reader(bytes, name, limits).read();
}

Package read_package(const std::filesystem::path& file, const PackageLimits& limits) {
  return decode_package(read_file(file, limits.max_bytes), file.string(), limits);
}

}  // namespace oddity
