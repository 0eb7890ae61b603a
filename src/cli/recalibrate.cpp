#include <algorithm>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <fmt/core.h>

#include "backends/torch/torch_backend.h"
#include "cli/command.h"
#include "cli/support.h"
#include "core/log.h"
#include "core/plural.h"
#include "core/progress.h"
#include "core/stop.h"
#include "data/dataset.h"
#include "evaluation/evaluate.h"
#include "inference/package.h"
#include "training/calibrate.h"
#include "training/seen_images.h"

namespace oddity::cli {
namespace {

struct Request {
  std::string package, folder, out, split = "all";
  std::optional<double> budget;
  EngineChoice engine;
};

/// Labelled defects in the folder are left out; what has no label counts as good, because the caller says that the
/// folder holds good parts.
std::vector<std::size_t> good_parts(const Dataset& dataset, const std::string& split, const Package& package) {
  EvaluateOptions options;
  options.split = split;
  std::vector<std::size_t> good = select_samples(dataset, options);
  const std::size_t all = good.size();
  std::erase_if(good, [&](std::size_t i) {
    const Sample& sample = dataset.samples()[i];
    return sample.labelled() && !sample.good();
  });
  if (good.size() < all) {
    log_info("left out: {} labelled as a defect", counted(all - good.size(), "image"));
  }
  const std::size_t before = good.size();
  const SeenImages seen = find_seen(package, dataset, good);
  std::erase_if(good, [&](std::size_t i) { return std::binary_search(seen.indices.begin(), seen.indices.end(), i); });
  if (!seen.known) {
    log_warning(
        "the package does not say which images it was trained on, and {} is not the whole set of its training: make "
        "sure that it holds none of them, or the threshold comes out too low",
        dataset.name());
  }
  if (good.size() < before) {
    log_info("{} of {} are images that the package was trained on and are left out", before - good.size(),
             counted(before, "good part"));
    if (good.empty()) {
      fail<InvalidArgument>(
          "[cli.recalibrate] the package was trained on every good part of {}; got {}; expected photographs that it "
          "has not seen",
          dataset.name(), counted(before, "good part"));
    }
  }
  if (good.empty()) {
    fail<InvalidArgument>("[cli.recalibrate] no good part; got {} in {}; expected good parts", counted(all, "image"),
                          dataset.name());
  }
  return good;
}

ExitCode run(const Request& request) {
  Package package = read_package(package_file(request.package));
  const double budget = request.budget.value_or(package.decision.requested_budget);
  if (!(budget > 0 && budget < 1)) {
    fail<InvalidArgument>("[cli.recalibrate] --budget out of range; got {}; expected above 0 and below 1, such as 0.01",
                          budget);
  }
  const auto dataset = open_dataset(request.folder);
  const std::vector<std::size_t> good = good_parts(*dataset, request.split, package);
  const double before = package.decision.threshold;
  BackendOptions backend;
  backend.device = request.engine.device;
  backend.precision = request.engine.precision;
  backend.threads = workers_of(request.engine);
  const StopOnSignal stop;
  const auto progress = make_terminal_progress();
  calibrate(package, *dataset, good, budget, *make_torch_backend(), backend, stop.token(), *progress);
  package.decision.calibration_unit = "part";
  std::filesystem::path out = request.out;
  if (out.empty()) {
    out = package_file(request.package).replace_extension();
    out += "-recalibrated.oddity";
  }
  write_package(out, package);
  const DecisionRule& rule = package.decision;
  print(fmt::format(
      "threshold {:.6g} (before {:.6g}) from {} at an overkill budget of {:g}{}\n{}\n", rule.threshold, before,
      counted(rule.calibration_scores.size(), "good part"), rule.budget,
      rule.budget > rule.requested_budget ? fmt::format(" ({:g} needs more parts)", rule.requested_budget) : "",
      out.string()));
  return ExitCode::done;
}

}  // namespace

void add_recalibrate(CLI::App& app, Chosen& chosen) {
  auto request = std::make_shared<Request>();
  CLI::App* command = add_command(
      app, "recalibrate", "Set a package's threshold anew from good parts of the present conditions. No training.",
      "  oddity recalibrate model.oddity good_parts/ --budget 0.01 --out model-b.oddity\n"
      "Images that the package was trained on are left out, wherever they come from. A budget of 1 % needs 99 good "
      "parts.\n");
  command->add_option("PACKAGE", request->package, "Package file (.oddity) or run directory")->required();
  command->add_option("GOOD_FOLDER", request->folder, "Good parts: a folder of images or any dataset")->required();
  command->add_option("--budget", request->budget,
                      "Share of good parts that may be rejected (default: as in training)");
  command->add_option("--split", request->split, "train, calibration, validation, test or all (default)");
  command->add_option("--out", request->out, "New package (default: <PACKAGE>-recalibrated.oddity)");
  add_engine_options(*command, request->engine);
  command->callback([request, &chosen] { chosen = [request] { return run(*request); }; });
}

}  // namespace oddity::cli
