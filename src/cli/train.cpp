#include "training/train.h"

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include <fmt/core.h>

#include "cli/command.h"
#include "cli/evaluate.h"
#include "cli/support.h"
#include "core/config.h"
#include "core/progress.h"
#include "core/stop.h"
#include "training/anomaly_config.h"

namespace oddity::cli {
namespace {

struct Request {
  std::string config;
  std::vector<std::string> overrides;
  std::string out;
  bool resume = false, dry_run = false, report = false;
};

ExitCode run(const Request& request) {
  for (const std::string& text : request.overrides) {
    if (text.find('=') == std::string::npos) {
      fail<InvalidArgument>(
          "[cli.train] an argument after CONFIG must be key=value; got '{}'; expected for example training.steps=500",
          text);
    }
  }
  const ConfigDocument config = ConfigDocument::load(request.config, request.overrides);
  TrainRequest to_do;
  to_do.out = request.out.empty() ? std::filesystem::path("runs") / std::filesystem::path(request.config).stem()
                                  : std::filesystem::path(request.out);
  to_do.resume = request.resume;
  to_do.dry_run = request.dry_run;
  const StopOnSignal stop;
  const auto progress = make_terminal_progress();
  const std::filesystem::path package = train(config, to_do, stop.token(), *progress);
  if (request.dry_run) {
    return ExitCode::done;
  }
  print(fmt::format("{}\n", package.string()));
  if (request.report) {
    EvaluateRequest to_judge;
    to_judge.package = package.string();
    to_judge.dataset = read_options<AnomalyConfig>(config).data.root;
    to_judge.out = to_do.out.string();
    return evaluate_package(to_judge, stop.token());
  }
  return ExitCode::done;
}

}  // namespace

void add_train(CLI::App& app, Chosen& chosen) {
  auto request = std::make_shared<Request>();
  CLI::App* command = add_command(
      app, "train",
      "Train a model from a config file. Leaves a run directory whose model.oddity is the whole result.\n"
      "Ctrl-C stops at the next step with a checkpoint (exit code 75); --resume goes on from there.",
      "  oddity train configs/anomaly/default.yaml data.root=parts/housing --out runs/housing\n"
      "  oddity train configs/anomaly/default.yaml data.root='synthetic:line?n=200' training.steps=500 --out runs/try\n"
      "  oddity train configs/anomaly/default.yaml data.root=parts/housing --out runs/housing --resume\n"
      "  oddity describe configs/anomaly/default.yaml        every key with its meaning\n");
  command->add_option("CONFIG", request->config, "YAML file, such as configs/anomaly/default.yaml")->required();
  command->add_option("OVERRIDES", request->overrides,
                      "key=value pairs that replace values of the config: data.root=..., training.steps=...");
  command->add_option("--out", request->out, "Run directory (default: runs/<name of CONFIG>)");
  command->add_flag("--resume", request->resume,
                    "Go on from the newest checkpoint that verifies; a finished run is left as it is");
  command->add_flag("--report", request->report,
                    "Then judge the test split and leave report.html, metrics.json and scores.csv in the run");
  command->add_flag("--dry-run", request->dry_run,
                    "Check config and data, print sizes, memory and expected time; train nothing");
  command->callback([request, &chosen] { chosen = [request] { return run(*request); }; });
}

}  // namespace oddity::cli
