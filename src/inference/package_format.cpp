#include "inference/package_format.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "core/digest.h"
#include "core/error.h"
#include "image/region_of_interest.h"
#include "inference/prepare.h"

namespace oddity {

namespace package_format {

std::optional<std::size_t> find_digest(std::span<const std::byte> header) {
  // The metadata value is a JSON text inside a JSON string, so its quotes are escaped.
  const std::string marker = std::string(digest_key) + R"(\":\")";
  const std::string_view text(reinterpret_cast<const char*>(header.data()), header.size());
  const std::size_t found = text.find(marker);
  if (found == std::string_view::npos || text.find(digest_key, found + 1) != std::string_view::npos ||
      text.size() - found - marker.size() < digest_digits) {
    return std::nullopt;
  }
  return found + marker.size();
}

std::string digest_of(std::span<const std::byte> file, std::size_t position) {
  std::array<std::byte, digest_digits> zeros;
  zeros.fill(static_cast<std::byte>('0'));
  Sha256 sha;
  sha.update(file.first(position));
  sha.update(zeros);
  sha.update(file.subspan(position + digest_digits));
  return sha.finish_hex();
}

std::size_t json_depth(std::string_view json) {
  std::size_t depth = 0, deepest = 0;
  bool in_string = false;
  for (std::size_t i = 0; i < json.size(); ++i) {
    const char c = json[i];
    if (in_string) {
      if (c == '\\') {
        ++i;
      } else if (c == '"') {
        in_string = false;
      }
    } else if (c == '"') {
      in_string = true;
    } else if (c == '{' || c == '[') {
      deepest = std::max(deepest, ++depth);
    } else if ((c == '}' || c == ']') && depth > 0) {
      --depth;
    }
  }
  return deepest;
}

}  // namespace package_format

namespace {

/// `model` is the file name of the main graph in exports.
bool is_component_name(std::string_view name) {
  return !name.empty() && name.size() <= 64 && name != "model" && std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
  });
}

std::string fault_of(const DecisionRule& rule) {
  if (rule.pooling != "graph" && rule.pooling != "top_fraction") {
    return fmt::format("decision pooling unknown; got '{}'; expected graph or top_fraction", rule.pooling);
  }
  if (!(rule.pooling_fraction > 0 && rule.pooling_fraction <= 1)) {
    return fmt::format("decision pooling fraction out of range; got {}; expected (0, 1]", rule.pooling_fraction);
  }
  if (!std::isfinite(rule.threshold) || !std::isfinite(rule.pixel_threshold)) {
    return fmt::format("decision thresholds must be finite; got {} and {}", rule.threshold, rule.pixel_threshold);
  }
  if (!(rule.minimum_area_px >= 0 && std::isfinite(rule.minimum_area_px))) {
    return fmt::format("minimum area out of range; got {}; expected a number of pixels >= 0", rule.minimum_area_px);
  }
  for (const double budget : {rule.requested_budget, rule.budget}) {
    if (!(budget > 0 && budget < 1)) {
      return fmt::format("overkill budget out of range; got {}; expected (0, 1)", budget);
    }
  }
  if (rule.calibration_unit != "part" && rule.calibration_unit != "group") {
    return fmt::format("calibration unit unknown; got '{}'; expected part or group", rule.calibration_unit);
  }
  const auto& scores = rule.calibration_scores;
  if (!std::all_of(scores.begin(), scores.end(), [](double score) { return std::isfinite(score); }) ||
      !std::is_sorted(scores.begin(), scores.end())) {
    return "calibration scores must be finite and sorted ascending";
  }
  const double x = rule.millimetres_per_pixel_x, y = rule.millimetres_per_pixel_y;
  if (!(std::isfinite(x) && std::isfinite(y) && x >= 0 && y >= 0 && (x > 0) == (y > 0))) {
    return fmt::format("millimetres per pixel out of range; got {} and {}; expected two positive numbers, or 0 and 0",
                       x, y);
  }
  return {};
}

std::string fault_of(const SelfTest& test, const InputContract& contract) {
  const Image& image = test.input;
  if (image.empty() || image.pixels.size() != static_cast<std::size_t>(image.height) *
                                                  static_cast<std::size_t>(image.width) *
                                                  static_cast<std::size_t>(image.channels) * bytes_of(image.depth)) {
    return "a self-test has no image, or its pixels do not fit its size";
  }
  if (!std::isfinite(test.score) || !(test.tolerance > 0 && std::isfinite(test.tolerance))) {
    return fmt::format("a self-test needs a finite score and a positive tolerance; got {} and {}", test.score,
                       test.tolerance);
  }
  try {
    plan_fit(image.height, image.width, contract);
  } catch (const InvalidArgument& error) {
    return fmt::format("a self-test image does not fit the input contract: {}", error.what());
  }
  return {};
}

}  // namespace

std::string fault_of(const Package& package) {
  namespace format = package_format;
  if (package.model.empty() || package.model.size() > 256) {
    return "the model needs a name of 1..256 bytes";
  }
  if (auto fault = fault_of(package.input); !fault.empty()) {
    return fault;
  }
  if (auto fault = fault_of(package.decision); !fault.empty()) {
    return fault;
  }
  try {
    check_polygons(package.region.polygons);
  } catch (const InvalidArgument& error) {
    return fmt::format("the region of interest is not usable: {}", error.what());
  }
  if (!package.region.polygons.empty() && package.decision.pooling == "graph") {
    return "a region of interest needs decision pooling 'top_fraction'; got 'graph', which scores the whole image";
  }
  if (package.decision.minimum_area_px > 0 && package.decision.pooling == "graph") {
    return "a minimum area needs decision pooling 'top_fraction'; got 'graph', which cannot score a part without its "
           "small areas";
  }
  if (package.self_tests.size() > format::max_self_tests) {
    return fmt::format("too many self-tests; got {}; expected at most {}", package.self_tests.size(),
                       format::max_self_tests);
  }
  for (const SelfTest& test : package.self_tests) {
    if (auto fault = fault_of(test, package.input); !fault.empty()) {
      return fault;
    }
  }
  if (package.graphs.size() > format::max_components) {
    return fmt::format("too many components; got {}; expected at most {}", package.graphs.size(),
                       format::max_components);
  }
  for (const auto& [name, graph] : package.graphs) {
    if (!is_component_name(name)) {
      return fmt::format(
          "bad name of a component; got '{}'; expected 1..64 characters of a-z, 0-9 and _, not "
          "'model'",
          name);
    }
    if (auto fault = fault_of(graph); !fault.empty()) {
      return fmt::format("component '{}': {}", name, fault);
    }
  }
  return {};
}

}  // namespace oddity
