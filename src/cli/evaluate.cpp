#include "evaluation/evaluate.h"

#include <algorithm>
#include <filesystem>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include "cli/command.h"
#include "cli/evaluate.h"
#include "cli/support.h"
#include "core/files.h"
#include "core/log.h"
#include "core/plural.h"
#include "core/progress.h"
#include "core/stop.h"
#include "data/dataset.h"
#include "report/report.h"

namespace oddity::cli {
namespace {

using Json = nlohmann::ordered_json;

using Request = EvaluateRequest;

/// Labels that the training left out "everywhere" and that this dataset has.
std::vector<std::string> labels_left_out(const Package& package, const Dataset& dataset) {
  const Json options = Json::parse(package.options_json, nullptr, false);
  std::vector<std::string> out;
  if (!options.is_object() || !options.contains("data") || !options["data"].is_object() ||
      !options["data"].contains("exclude_labels") || !options["data"]["exclude_labels"].is_array()) {
    return out;
  }
  std::set<std::string> present;
  for (const Sample& sample : dataset.samples()) {
    present.insert(sample.label);
  }
  for (const Json& label : options["data"]["exclude_labels"]) {
    if (label.is_string() && present.contains(label.get<std::string>())) {
      out.push_back(label.get<std::string>());
    }
  }
  return out;
}

std::string three(const Json& value) { return value.is_number() ? fmt::format("{:.3f}", value.get<double>()) : "-"; }

std::string span(const Json& estimate) {
  return estimate.contains("low") && estimate["low"].is_number()
             ? fmt::format("[{}, {}]", three(estimate["low"]), three(estimate["high"]))
             : "";
}

std::string percent(const Json& share) {
  return share.is_number() ? fmt::format("{:.1f} %", 100 * share.get<double>()) : "-";
}

std::string rate(const Json& rate) {
  if (!rate["rate"].is_number()) {
    return fmt::format("none ({})", rate["n"].get<std::size_t>());
  }
  return fmt::format("{} of {} = {}  [{}, {}]", rate["k"].get<std::size_t>(), rate["n"].get<std::size_t>(),
                     percent(rate["rate"]), percent(rate["low"]), percent(rate["high"]));
}

/// What a person wants to see first; everything is in metrics.json.
std::string summary(const Json& numbers) {
  std::string out;
  std::vector<std::vector<std::string>> rows = {{"metric", "value", "95 % interval"}};
  for (const char* level : {"image", "pixel"}) {
    for (const auto& [key, estimate] : numbers[level].items()) {
      rows.push_back({fmt::format("{}.{}", level, key), three(estimate["value"]),
                      estimate["value"].is_number() ? span(estimate) : estimate.value("why", "")});
    }
  }
  out += text_table(rows, {false, true, false});
  out += fmt::format("\noverkill  {}   good parts rejected\nescape    {}   defective parts accepted\n",
                     rate(numbers["confusion"]["overkill"]), rate(numbers["confusion"]["escape"]));
  if (const auto errors = numbers["counts"]["errors"].get<std::size_t>(); errors > 0) {
    out += fmt::format("errors    {} could not be judged\n", counted(errors, "image"));
  }
  out += fmt::format("threshold {:.6g} at an overkill budget of {} from {}\n",
                     numbers["threshold"]["value"].is_number() ? numbers["threshold"]["value"].get<double>() : 0.0,
                     percent(numbers["threshold"]["budget"]),
                     counted(numbers["threshold"]["n_calibration"].get<std::size_t>(), "calibration part"));
  if (numbers["threshold"].contains("expected_overkill")) {
    const Json& expected = numbers["threshold"]["expected_overkill"];
    const auto measured = expected["measured"].get<std::int64_t>();
    const auto low = expected["low"].get<std::int64_t>(), high = expected["high"].get<std::int64_t>();
    if (measured < low || measured > high) {
      out += fmt::format(
          "warning: {} to {} overkills were to be expected of {} (95 %), {} occurred: these parts, or the way they "
          "were photographed, differ from the calibration parts{}\n",
          low, high, counted(expected["n"].get<std::size_t>(), "good part"), measured,
          measured > high ? "; `oddity recalibrate` sets the threshold anew" : "");
    }
  }
  if (!numbers["per_type"].empty()) {
    rows = {{"type", "n", "rejected", "auroc", "pixel AP"}};
    for (const auto& [type, row] : numbers["per_type"].items()) {
      rows.push_back({type, std::to_string(row["n"].get<std::size_t>()), percent(row["detected"]["rate"]),
                      three(row["auroc"]["value"]), three(row["pixel_average_precision"]["value"])});
    }
    out += "\n" + text_table(rows, {false, true, true, true, true});
  }
  return out;
}

ExitCode run(const Request& request) {
  const StopOnSignal stop;
  return evaluate_package(request, stop.token());
}

}  // namespace

ExitCode evaluate_package(const EvaluateRequest& request, const std::stop_token& stop) {
  EvaluateOptions options;
  options.split = request.split;
  options.workers = workers_of(request.engine);
  const Engine engine = load_engine(request.package, request.engine);
  const auto dataset = open_dataset(request.dataset);
  options.exclude_labels = request.exclude;
  if (!request.include_all && request.exclude.empty()) {
    options.exclude_labels = labels_left_out(engine.package(), *dataset);
    for (const std::string& label : options.exclude_labels) {
      log_info("label '{}' is left out, as in the training (--include-all judges it too)", label);
    }
  }
  if (!request.out.empty()) {
    make_directories(request.out);  // before the work, so that a wrong path fails at once
  }
  const auto progress = make_terminal_progress();
  const Judgement judgement = judge_dataset(engine, *dataset, options, stop, *progress);
  const std::string numbers = metrics_json(judgement, engine.package());
  if (!request.out.empty()) {
    const std::filesystem::path out = request.out;
    write_file_atomic(out / "metrics.json", numbers);
    write_file_atomic(out / "scores.csv", scores_csv(judgement));
    write_file_atomic(out / "report.html", evaluation_report(engine, *dataset, judgement, numbers));
  }
  print(summary(Json::parse(numbers)));
  if (!request.out.empty()) {
    print(fmt::format("\nmetrics.json, scores.csv and report.html are in {}\n", request.out));
  }
  return ExitCode::done;
}

void add_evaluate(CLI::App& app, Chosen& chosen) {
  auto request = std::make_shared<Request>();
  CLI::App* command =
      add_command(app, "evaluate", "Judge a labelled dataset with a package and measure it, with intervals.",
                  "  oddity evaluate runs/housing/model.oddity parts/housing --out runs/housing/test\n"
                  "  oddity evaluate model.oddity 'synthetic:line?n=0&seed=7'\n"
                  "Writes metrics.json, scores.csv and report.html (one page, open it in a browser).\n");
  command->add_option("PACKAGE", request->package, "Package file (.oddity) or run directory")->required();
  command
      ->add_option("DATASET", request->dataset,
                   "Folder (MVTec layout or class folders), .h5 pack, idx file, or synthetic:line?...")
      ->required();
  command->add_option("--out", request->out, "Folder for metrics.json, scores.csv and report.html");
  command->add_option("--split", request->split, "train, calibration, validation, test (default) or all");
  command
      ->add_option("--exclude-label", request->exclude,
                   "Leave out images with this label; may be repeated (default: what the training left out)")
      ->allow_extra_args(false);
  command->add_flag("--include-all", request->include_all, "Judge also the labels that the training left out");
  add_engine_options(*command, request->engine);
  command->callback([request, &chosen] { chosen = [request] { return run(*request); }; });
}

}  // namespace oddity::cli
