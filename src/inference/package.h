#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "image/image.h"
#include "inference/graph.h"

/// The single file a run delivers (`.oddity`, architecture section 6): one safetensors file with the graph as ONNX in a
/// U8 tensor, deciding numbers as F64 tensors and canonical JSON under the metadata key `oddity`. Every byte of the
/// file is covered by a SHA-256 (computed with its own 64 hexadecimal digits replaced by zeros). Loading never runs
/// code, checks every bound, refuses a newer major version, ignores unknown minor keys.
namespace oddity {

/// What images the package accepts and how they become the graph's input. This is part of what was measured.
struct InputContract {
  int channels = 1;             ///< channels of the graph's input
  Depth depth = Depth::u8;      ///< depth of the training images (for information and for `full_scale`)
  double full_scale = 255.0;    ///< value that becomes 1.0
  std::string fit = "stretch";  ///< stretch | pad | native, as `data.fit`
  int height = 0,
      width = 0;     ///< model size for stretch and pad; for native the fixed canvas, or 0 when any size is accepted
  int multiple = 1;  ///< native: sides are padded by reflection to a multiple of this
  bool convert_channels = false;          ///< true: grey <-> colour is converted; false: refused with a sentence
  int image_height = 0, image_width = 0;  ///< median size of the training images, for information; 0 = unknown
};

/// Pixels that count, as a polygon list in fractions of the original image (x, y in [0, 1]); empty = the whole image.
struct RegionOfInterest {
  std::vector<std::vector<std::pair<double, double>>> polygons;
};

struct SelfTest {
  Image input;
  double score = 0.0;
  double tolerance = 1e-3;  ///< absolute, in units of score
};

/// How map and score become a verdict.
struct DecisionRule {
  /// Where the image score comes from. `graph`: the graph's output "score"; the graph knows neither a region of
  /// interest nor a minimum area: with one of them this is refused. `top_fraction`: mean of the largest
  /// `pooling_fraction` share of the map's values (inside the region of interest, at model size, at least one value).
  std::string pooling = "graph";
  double pooling_fraction = 0.001;  ///< (0, 1]
  double threshold = 0.0;           ///< image score; score > threshold is a reject
  double pixel_threshold = 0.0;     ///< map value above which a pixel belongs to a region
  /// In original pixels. Smaller regions are no defects: they are dropped, and a part whose score is above the
  /// threshold is accepted, with a reason, when it has only smaller ones and its score without their pixels is not
  /// above the threshold. 0 = off.
  double minimum_area_px = 0.0;
  double requested_budget = 0.01;          ///< overkill budget asked for
  double budget = 0.01;                    ///< overkill budget that the calibration parts allow; used
  std::string calibration_unit = "part";   ///< part | group
  std::vector<double> calibration_scores;  ///< image scores of held-out good parts, sorted ascending
  double millimetres_per_pixel_x = 0.0, millimetres_per_pixel_y = 0.0;  ///< of the original image; 0 = unknown
};

struct Package {
  int major = 1, minor = 0;
  std::string model;                 ///< registry name, "oddnet"
  std::string options_json = "{}";   ///< resolved config
  std::string manifest_json = "{}";  ///< run facts: seed, steps, machine, data digests, versions
  InputContract input;
  RegionOfInterest region;
  DecisionRule decision;
  std::vector<SelfTest> self_tests;  ///< at most 4
  /// Component graphs by name. The main one is "anomaly": input "image" [1, C, H, W] float32 in [0, 1]; outputs "score"
  /// [1], "map" [1, 1, H, W], and optionally "repaired" [1, C, H, W] and "level" [1]: what was taken off every value of
  /// the map because the whole image is unusual; `top_fraction` adds it to the score.
  std::map<std::string, Graph> graphs;
  std::string digest;  ///< SHA-256 of the whole file as sha256sum prints it, set by read and write
};

/// The first reason why a package cannot be written or judged with; empty when there is none. What `read_package` gives
/// has passed it.
std::string fault_of(const Package& package);

/// The bytes of the file. Deterministic. Sets `package.digest`; `options_json` and `manifest_json` must be JSON objects
/// and are stored in canonical form (sorted keys), nested at most 64 deep. Throws InvalidArgument.
std::vector<std::byte> encode_package(Package& package);
void write_package(const std::filesystem::path& file, Package& package);  ///< atomic; throws IoError

struct PackageLimits {
  std::uint64_t max_bytes = std::uint64_t{4} << 30;
  std::uint64_t max_header_bytes = 16u << 20;
  std::uint32_t max_tensors = 65'536;
};
/// `name` stands for the file in messages.
Package decode_package(std::span<const std::byte> bytes, const std::string& name, const PackageLimits& limits = {});
/// The digest is verified before anything is interpreted. Throws PathError (missing), ContentError (damaged at any
/// byte, truncated, newer major version, too large).
Package read_package(const std::filesystem::path& file, const PackageLimits& limits = {});

}  // namespace oddity
