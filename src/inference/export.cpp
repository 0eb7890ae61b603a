#include "inference/export.h"

#include <nlohmann/json.hpp>

#include "core/error.h"
#include "core/files.h"

namespace oddity {

namespace {

using nlohmann::json;

std::string main_component(const Package& package) {
  if (package.graphs.contains("anomaly")) {
    return "anomaly";
  }
  if (package.graphs.size() != 1) {
    fail<InvalidArgument>(
        "[inference.export_package] the package has no main graph; got {} components; expected "
        "'anomaly' or a single one",
        package.graphs.size());
  }
  return package.graphs.begin()->first;
}

json description_of(const Package& package, const std::string& main) {
  const InputContract& input = package.input;
  const DecisionRule& rule = package.decision;
  json components = json::array();
  for (const auto& [name, graph] : package.graphs) {
    components.push_back({{"name", name}, {"file", name == main ? "model.onnx" : name + ".onnx"}});
  }
  return {{"format", {{"major", package.major}, {"minor", package.minor}}},
          {"model", package.model},
          {"package_sha256", package.digest},
          {"components", std::move(components)},
          {"input",
           {{"channels", input.channels},
            {"depth", input.depth == Depth::u8 ? "u8" : "u16"},
            {"full_scale", input.full_scale},
            {"fit", input.fit},
            {"height", input.height},
            {"width", input.width},
            {"multiple", input.multiple},
            {"convert_channels", input.convert_channels},
            {"image_height", input.image_height},
            {"image_width", input.image_width}}},
          {"region_of_interest", package.region.polygons},
          {"decision",
           {{"pooling", rule.pooling},
            {"pooling_fraction", rule.pooling_fraction},
            {"threshold", rule.threshold},
            {"pixel_threshold", rule.pixel_threshold},
            {"minimum_area_px", rule.minimum_area_px},
            {"requested_budget", rule.requested_budget},
            {"budget", rule.budget},
            {"calibration_unit", rule.calibration_unit},
            {"calibration_scores", rule.calibration_scores},
            {"millimetres_per_pixel", {rule.millimetres_per_pixel_x, rule.millimetres_per_pixel_y}}}},
          {"options", json::parse(package.options_json)},
          {"manifest", json::parse(package.manifest_json)}};
}

}  // namespace

void export_package(const Package& package, const std::string& format, const std::filesystem::path& out) {
  if (format != "onnx" && format != "folder") {
    fail<InvalidArgument>("[inference.export_package] format unknown; got '{}'; expected onnx or folder", format);
  }
  const std::string main = main_component(package);
  if (format == "onnx") {
    write_file_atomic(out, write_onnx(package.graphs.at(main)));
    return;
  }
  std::string description;
  try {
    description = description_of(package, main).dump(2) + "\n";
  } catch (const json::exception& error) {
    fail<InvalidArgument>("[inference.export_package] options or manifest are not JSON: {}", error.what());
  }
  AtomicDirectory folder(out);
  for (const auto& [name, graph] : package.graphs) {
    write_file_atomic(folder.path() / (name == main ? "model.onnx" : name + ".onnx"), write_onnx(graph));
  }
  write_file_atomic(folder.path() / "package.json", std::string_view(description));
  folder.commit();
}

}  // namespace oddity
