#include <algorithm>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include <fmt/core.h>

#include "cli/command.h"
#include "cli/support.h"
#include "core/files.h"
#include "core/plural.h"
#include "core/progress.h"
#include "core/stop.h"
#include "data/check.h"
#include "data/csv.h"
#include "data/dataset.h"
#include "data/decode.h"
#include "data/pack.h"
#include "data/stats.h"
#include "data/synthetic_line.h"

namespace oddity::cli {
namespace {

namespace fs = std::filesystem;

struct Request {
  std::string dataset, out;
  std::vector<std::string> keys;
};

void stop_when_asked(const std::stop_token& stop, const char* where, std::size_t done, std::size_t of) {
  if (stop.stop_requested()) {
    fail<Interrupted>("[cli.{}] stopped on request; got {} of {} images", where, done, of);
  }
}

/// Writes a dataset as a folder in MVTec layout with index.csv, complete or not at all.
void write_folder(const Dataset& dataset, const fs::path& out, const std::stop_token& stop, ProgressSink& progress) {
  AtomicDirectory folder(out);
  std::vector<std::string> columns;
  for (const Sample& sample : dataset.samples()) {
    for (const auto& [column, value] : sample.columns) {
      if (std::find(columns.begin(), columns.end(), column) == columns.end()) {
        columns.push_back(column);
      }
    }
  }
  std::string index = "file,split,label,mask,group";
  for (const std::string& column : columns) {
    index += "," + csv_cell(column);
  }
  index += "\n";
  const auto& samples = dataset.samples();
  progress.begin("rendering", static_cast<std::int64_t>(samples.size()));
  for (std::size_t i = 0; i < samples.size(); ++i) {
    stop_when_asked(stop, "data.synthesize", i, samples.size());
    const Sample& sample = samples[i];
    fs::create_directories((folder.path() / sample.file).parent_path());
    write_png(folder.path() / sample.file, dataset.image(i).view());
    if (!sample.mask.empty()) {
      fs::create_directories((folder.path() / sample.mask).parent_path());
      write_png(folder.path() / sample.mask, dataset.mask(i).view());
    }
    index += fmt::format("{},{},{},{},{}", csv_cell(sample.file), name_of(sample.split), csv_cell(sample.label),
                         csv_cell(sample.mask), csv_cell(sample.group));
    for (const std::string& column : columns) {
      const auto found = sample.columns.find(column);
      index += "," + (found == sample.columns.end() ? std::string() : csv_cell(found->second));
    }
    index += "\n";
    progress.advance(static_cast<std::int64_t>(i + 1));
  }
  write_file_atomic(folder.path() / "index.csv", index);
  folder.commit();
  progress.end();
}

ExitCode synthesize(const Request& request) {
  std::string uri = request.dataset.starts_with("synthetic:") ? request.dataset : "synthetic:" + request.dataset;
  for (const std::string& key : request.keys) {
    uri += (uri.find('?') == std::string::npos ? "?" : "&") + key;
  }
  const auto dataset = open_dataset(uri);
  const StopOnSignal stop;
  const auto progress = make_terminal_progress();
  write_folder(*dataset, request.out, stop.token(), *progress);
  print(fmt::format("{} in {}\n", counted(dataset->samples().size(), "image"), request.out));
  return ExitCode::done;
}

ExitCode import(const Request& request) {
  const auto dataset = open_dataset(request.dataset);
  make_directories(request.out);
  const auto progress = make_terminal_progress();
  print(write_pack(*dataset, request.out, *progress).string() + "\n");
  return ExitCode::done;
}

ExitCode check(const Request& request) {
  const auto dataset = open_dataset(request.dataset);
  const auto progress = make_terminal_progress();
  const DatasetCheck found = check_dataset(*dataset, *progress);
  print(to_text(found));
  if (!found.ok()) {
    const auto errors = std::count_if(found.problems.begin(), found.problems.end(),
                                      [](const DatasetProblem& problem) { return problem.error; });
    fail<ContentError>("[cli.data.check] the dataset cannot be used as it is; got {} in {}; expected none: see above",
                       counted(static_cast<std::size_t>(errors), "error"), dataset->name());
  }
  return ExitCode::done;
}

ExitCode stats(const Request& request) {
  const auto dataset = open_dataset(request.dataset);
  const auto progress = make_terminal_progress();
  print(to_text(dataset_stats(*dataset, *progress)));
  return ExitCode::done;
}

}  // namespace

void add_data(CLI::App& app, Chosen& chosen) {
  CLI::App* data = add_command(app, "data", "Make, check and measure datasets.",
                               "  oddity data synthesize line n=200 seed=1 --out parts/line\n"
                               "  oddity data check parts/housing\n"
                               "  oddity data import parts/housing --out packs\n");
  data->require_subcommand(1);
  const auto add = [&](const char* name, const char* sentence, const std::string& examples,
                       ExitCode (*what)(const Request&)) {
    auto request = std::make_shared<Request>();
    CLI::App* command = add_command(*data, name, sentence, examples);
    command->callback([request, &chosen, what] { chosen = [request, what] { return what(*request); }; });
    return std::pair(command, request);
  };
  {
    auto [command, request] =
        add("synthesize", "Render the synthetic line into a folder: images, masks and index.csv with every factor.",
            "  oddity data synthesize line n=200 seed=1 variant=rotated --out parts/line\n"
            "Keys, each with its default last:\n" +
                synthetic_line_help(),
            synthesize);
    command->add_option("SOURCE", request->dataset, "line, or synthetic:line?n=200&seed=1")->required();
    command->add_option("KEYS", request->keys, "key=value pairs, see below");
    command->add_option("--out", request->out, "Folder to make, with its parents; must be new or empty")->required();
  }
  {
    auto [command, request] = add("check",
                                  "Decode every image and mask and look for what spoils results: damaged files, masks "
                                  "of another size, the same image in train and test, mixed channels.",
                                  "  oddity data check parts/housing\n", check);
    command->add_option("DATASET", request->dataset, "Folder, .h5 pack, idx file or synthetic:line?...")->required();
  }
  {
    auto [command, request] =
        add("stats", "Count images by split and label; measure the values of good images and the areas of defects.",
            "  oddity data stats parts/housing\n", stats);
    command->add_option("DATASET", request->dataset, "Folder, .h5 pack, idx file or synthetic:line?...")->required();
  }
  {
    auto [command, request] =
        add("import", "Decode a dataset once into an HDF5 pack named after its digest: fast, read-only, one file.",
            "  oddity data import parts/housing --out packs\n", import);
    command->add_option("DATASET", request->dataset, "Folder, idx file or synthetic:line?...")->required();
    command->add_option("--out", request->out, "Folder for the pack")->required();
  }
}

}  // namespace oddity::cli
