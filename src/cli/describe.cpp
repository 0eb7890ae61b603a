#include <algorithm>
#include <cmath>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include "cli/command.h"
#include "cli/support.h"
#include "core/config.h"
#include "core/files.h"
#include "core/plural.h"
#include "image/image.h"
#include "inference/package.h"
#include "models/anomaly/registry.h"
#include "oddity/metrics/conformal.h"
#include "oddity/metrics/intervals.h"
#include "training/anomaly_config.h"

namespace oddity::cli {
namespace {

using Json = nlohmann::ordered_json;

struct Request {
  std::vector<std::string> what;
  CLI::App* app = nullptr;
};

std::string shape_text(const std::vector<std::int64_t>& shape) {
  std::string out = "[";
  for (std::size_t i = 0; i < shape.size(); ++i) {
    out += i > 0 ? ", " : "";
    out += shape[i] < 0 ? std::string("any") : std::to_string(shape[i]);
  }
  return out + "]";
}

/// Nested JSON as lines "a.b.c: value", indented; long lists are cut.
void flatten(const Json& value, const std::string& path, std::string& out) {
  if (value.is_object()) {
    for (const auto& [key, inner] : value.items()) {
      flatten(inner, path.empty() ? key : path + "." + key, out);
    }
    return;
  }
  std::string text = value.is_string() ? value.get<std::string>() : value.dump();
  if (text.size() > 200) {
    text = text.substr(0, 200) + " ...";
  }
  out += fmt::format("  {:<34} {}\n", path, text);
}

std::string json_section(const char* title, const std::string& json) {
  const Json parsed = Json::parse(json, nullptr, false);
  if (parsed.is_discarded() || parsed.empty()) {
    return "";
  }
  std::string out = fmt::format("\n{}\n", title);
  flatten(parsed, "", out);
  return out;
}

std::string describe_package(const std::filesystem::path& file) {
  const Package package = read_package(file);
  const InputContract& input = package.input;
  const DecisionRule& rule = package.decision;
  std::string out = fmt::format("{}\n", file.string());
  const auto row = [&out](const char* name, const std::string& value) {
    out += fmt::format("  {:<34} {}\n", name, value);
  };
  row("model", package.model);
  row("format", fmt::format("{}.{}", package.major, package.minor));
  row("size", fmt::format("{:.2f} MB", static_cast<double>(std::filesystem::file_size(file)) / 1e6));
  row("SHA-256", package.digest);

  const Depth other_depth = input.depth == Depth::u8 ? Depth::u16 : Depth::u8;
  out += "\nWhat it judges\n";
  row("channels", fmt::format("{}{}", input.channels,
                              input.convert_channels ? " (grey and colour are converted)" : " (others are refused)"));
  row("depth",
      fmt::format("{} bit, {:g} becomes 1.0 ({} bit: {:g}, with a word in the verdict)", 8 * bytes_of(input.depth),
                  input.full_scale, 8 * bytes_of(other_depth), full_scale_of(other_depth)));
  row("fit", input.fit);
  row("model size", input.height > 0 ? fmt::format("{} x {} px (height x width)", input.height, input.width)
                                     : fmt::format("that of the image, in multiples of {} px", input.multiple));
  if (input.image_height > 0) {
    row("training images", fmt::format("{} x {} px (height x width, median)", input.image_height, input.image_width));
  }
  row("region of interest",
      package.region.polygons.empty() ? "the whole image" : counted(package.region.polygons.size(), "polygon"));

  out += "\nHow it decides\n";
  row("rejects when", fmt::format("score > {:.17g}", rule.threshold));
  row("score", rule.pooling == "graph" ? "as the model gives it"
                                       : fmt::format("mean of the largest {:g} of the map", rule.pooling_fraction));
  row("overkill budget", fmt::format("{:g} asked for, {:g} used", rule.requested_budget, rule.budget));
  row("calibration parts", fmt::format("{} (unit: {})", rule.calibration_scores.size(), rule.calibration_unit));
  if (!rule.calibration_scores.empty()) {
    const auto conformal = metrics::conformal_threshold(rule.calibration_scores, rule.requested_budget);
    row("true overkill rate", fmt::format("{:.3g} to {:.3g} with 95 % probability: Beta({:g}, {:g})",
                                          metrics::beta_quantile(0.025, conformal.beta_a, conformal.beta_b),
                                          metrics::beta_quantile(0.975, conformal.beta_a, conformal.beta_b),
                                          conformal.beta_a, conformal.beta_b));
    row("calibration scores",
        fmt::format("{:.6g} to {:.6g}, median {:.6g}", rule.calibration_scores.front(), rule.calibration_scores.back(),
                    rule.calibration_scores[rule.calibration_scores.size() / 2]));
  }
  row("region where map", fmt::format("> {:.6g}", rule.pixel_threshold));
  row("minimum area", fmt::format("{:g} px of the original image", rule.minimum_area_px));
  row("scale", rule.millimetres_per_pixel_x > 0
                   ? fmt::format("{:g} x {:g} mm per pixel", rule.millimetres_per_pixel_x, rule.millimetres_per_pixel_y)
                   : "unknown: areas in pixels only");
  row("self-tests", std::to_string(package.self_tests.size()));

  out += "\nGraphs\n";
  for (const auto& [name, graph] : package.graphs) {
    std::size_t values = 0;
    for (const GraphTensor& tensor : graph.initializers) {
      values += tensor.bytes.size() / bytes_of(tensor.type);
    }
    std::string ports;
    for (const GraphValue& value : graph.inputs) {
      ports += value.name + " " + shape_text(value.shape) + " ";
    }
    ports += "->";
    for (const GraphValue& value : graph.outputs) {
      ports += " " + value.name + " " + shape_text(value.shape);
    }
    row(name.c_str(), fmt::format("{} nodes, {} stored values, {}", graph.nodes.size(), values, ports));
  }
  out += json_section("Run", package.manifest_json);
  out += json_section("Options", package.options_json);
  return out;
}

std::string describe_config(const std::string& file) {
  const ConfigDocument document = ConfigDocument::load(file);
  const std::string family = document.peek("family", "anomaly");
  if (family != "anomaly") {
    fail<ConfigError>("{}: [cli.describe] unknown family; got '{}'; expected anomaly", file, family);
  }
  AnomalyConfig config = read_options<AnomalyConfig>(document);
  return fmt::format("{}: the values it resolves to\n\n{}", file, to_help(config));
}

std::string describe_model(const std::string& name) {
  const auto names = anomaly_model_names();
  if (std::find(names.begin(), names.end(), name) == names.end()) {
    std::string list;
    for (const std::string& known : names) {
      list += list.empty() ? "" : ", ";
      list += known;
    }
    fail<InvalidArgument>("[cli.describe] unknown model; got '{}'; expected one of {}", name, list);
  }
  AnomalyConfig defaults;
  return fmt::format("{}: {}\n\nKeys of a config of family anomaly, with their defaults:\n\n{}", name,
                     anomaly_model_help(name), to_help(defaults));
}

/// Told apart by name, so that a damaged file of either kind gets the message of its kind.
bool looks_like_config(const std::filesystem::path& file) {
  const std::string extension = file.extension().string();
  return extension == ".yaml" || extension == ".yml";
}

ExitCode run(const Request& request) {
  const std::string& first = request.what.front();
  if (first == "model") {
    if (request.what.size() != 2) {
      fail<InvalidArgument>("[cli.describe] model needs one name; got {}; expected `oddity describe model NAME`",
                            request.what.size() - 1);
    }
    print(describe_model(request.what[1]));
    return ExitCode::done;
  }
  const bool asks_for_command = first == "command" && request.what.size() <= 2;
  const std::string name = asks_for_command && request.what.size() == 2 ? request.what[1] : first;
  const auto commands = request.app->get_subcommands([&name](CLI::App* app) { return app->get_name() == name; });
  if (asks_for_command || (!commands.empty() && !std::filesystem::exists(first))) {
    if (commands.empty() && request.what.size() == 2) {
      fail<InvalidArgument>("[cli.describe] unknown command; got '{}'; expected one that `oddity --help` lists", name);
    }
    print(commands.empty() ? request.app->help() : commands.front()->help("oddity"));
    return ExitCode::done;
  }
  if (request.what.size() != 1) {
    fail<InvalidArgument>(
        "[cli.describe] too many arguments; got {}; expected PACKAGE, CONFIG, `model NAME` or the name "
        "of a command",
        request.what.size());
  }
  if (std::filesystem::is_directory(first)) {
    print(describe_package(package_file(first)));
  } else if (looks_like_config(first)) {
    print(describe_config(first));
  } else {
    print(describe_package(first));
  }
  return ExitCode::done;
}

}  // namespace

void add_describe(CLI::App& app, Chosen& chosen) {
  auto request = std::make_shared<Request>();
  request->app = &app;
  CLI::App* command = add_command(app, "describe", "Say what a package, a config, a model or a command is.",
                                  "  oddity describe model.oddity\n"
                                  "  oddity describe configs/anomaly/default.yaml\n"
                                  "  oddity describe model oddnet\n"
                                  "  oddity describe predict\n");
  command
      ->add_option("WHAT", request->what, "Package, run directory, config (.yaml), `model NAME`, or a command's name")
      ->required();
  command->callback([request, &chosen] { chosen = [request] { return run(*request); }; });
}

}  // namespace oddity::cli
