#include <algorithm>
#include <cmath>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include <fmt/core.h>

#include "cli/command.h"
#include "cli/support.h"
#include "core/log.h"
#include "core/progress.h"
#include "core/stop.h"
#include "data/dataset.h"
#include "evaluation/evaluate.h"
#include "oddity/metrics/conformal.h"

namespace oddity::cli {
namespace {

struct Request {
  std::string package, folder, out, split = "all";
  double budget = 0.01;
  EngineChoice engine;
};

/// Image scores of good parts, sorted. Labelled defects in the folder are left out; what has no label counts as good,
/// because the caller says that the folder holds good parts.
std::vector<double> good_scores(const Judgement& judgement) {
  std::vector<double> scores;
  std::size_t defects = 0;
  for (const JudgedImage& image : judgement.images) {
    if (image.sample.labelled() && !image.sample.good()) {
      ++defects;
      continue;
    }
    if (!std::isfinite(image.verdict.score)) {
      fail<ContentError>("[cli.recalibrate] an image has no finite score; got '{}'; expected parts that can be judged",
                         image.sample.file);
    }
    scores.push_back(image.verdict.score);
  }
  if (defects > 0) {
    log_info("{} images labelled as defects are left out", defects);
  }
  if (scores.empty()) {
    fail<InvalidArgument>("[cli.recalibrate] no good part; got {} images, all defects; expected good parts", defects);
  }
  std::sort(scores.begin(), scores.end());
  return scores;
}

ExitCode run(const Request& request) {
  if (!(request.budget > 0 && request.budget < 1)) {
    fail<InvalidArgument>("[cli.recalibrate] --budget out of range; got {}; expected above 0 and below 1, such as 0.01",
                          request.budget);
  }
  const Engine engine = load_engine(request.package, request.engine);
  const auto dataset = open_dataset(request.folder);
  EvaluateOptions options;
  options.split = request.split;
  options.workers = workers_of(request.engine);
  const StopOnSignal stop;
  const auto progress = make_terminal_progress();
  const std::vector<double> scores = good_scores(judge_dataset(engine, *dataset, options, stop.token(), *progress));

  Package package = engine.package();
  const auto conformal = metrics::conformal_threshold(scores, request.budget);
  const double before = package.decision.threshold;
  package.decision.calibration_scores = scores;
  package.decision.threshold = conformal.threshold;
  package.decision.requested_budget = request.budget;
  package.decision.budget = conformal.budget;
  package.decision.calibration_unit = "part";
  std::filesystem::path out = request.out;
  if (out.empty()) {
    out = std::filesystem::path(request.package).replace_extension();
    out += "-recalibrated.oddity";
  }
  write_package(out, package);
  if (scores.size() < conformal.n_needed) {
    log_warning("a budget of {:g} needs {} good parts; {} allow {:g}, which is used", request.budget,
                conformal.n_needed, scores.size(), conformal.budget);
  }
  print(fmt::format("threshold {:.6g} (before {:.6g}) from {} good parts at an overkill budget of {:g}\n{}\n",
                    conformal.threshold, before, scores.size(), conformal.budget, out.string()));
  return ExitCode::done;
}

}  // namespace

void add_recalibrate(CLI::App& app, Chosen& chosen) {
  auto request = std::make_shared<Request>();
  CLI::App* command = add_command(
      app, "recalibrate", "Set a package's threshold anew from good parts of the present conditions. No training.",
      "  oddity recalibrate model.oddity good_parts/ --budget 0.01 --out model-b.oddity\n"
      "The parts must not have been used in training. A budget of 1 % needs at least 99 of them.\n");
  command->add_option("PACKAGE", request->package, "Package file (.oddity)")->required();
  command->add_option("GOOD_FOLDER", request->folder, "Good parts: a folder of images or any dataset")->required();
  command->add_option("--budget", request->budget, "Share of good parts that may be rejected (default 0.01)");
  command->add_option("--split", request->split, "train, calibration, validation, test or all (default)");
  command->add_option("--out", request->out, "New package (default: <PACKAGE>-recalibrated.oddity)");
  add_engine_options(*command, request->engine);
  command->callback([request, &chosen] { chosen = [request] { return run(*request); }; });
}

}  // namespace oddity::cli
