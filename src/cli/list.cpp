#include <algorithm>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include <fmt/core.h>

#include "augment/perturbations.h"
#include "cli/command.h"
#include "cli/support.h"
#include "core/files.h"
#include "models/anomaly/registry.h"

namespace oddity::cli {
namespace {

struct Metric {
  const char* key;
  const char* meaning;
};

/// The keys of metrics.json that are promised (architecture section 6) and what they say.
constexpr Metric kMetrics[] = {
    {"image.auroc", "chance that a defective image scores above a good one; DeLong interval"},
    {"image.average_precision", "area under precision-recall of images (step form); bootstrap interval"},
    {"image.f1_max", "best F1 over thresholds on the test images; for comparison only"},
    {"pixel.auroc", "the same over pixels of images with a known mask; bootstrap over images"},
    {"pixel.average_precision", "area under precision-recall of pixels (step form); bootstrap over images"},
    {"pixel.aupro_030", "per-region overlap, area up to 30 % false positive pixels, divided by 0.30"},
    {"pixel.aupro_005", "the same up to 5 %"},
    {"pixel.f1_max", "best F1 over thresholds of pixels; for comparison only"},
    {"per_type.<type>", "n, auroc, detected, pixel_average_precision of one defect type against all good images"},
    {"confusion", "true_accept, overkill, escape, true_reject at the threshold; Clopper-Pearson intervals"},
    {"groups.<group>", "overkill of one group (lot, station)"},
    {"contexts.<column>", "overkill for each value of a context column"},
    {"threshold", "value, budget, calibration parts, what is guaranteed"},
    {"timing", "milliseconds from decoded image to verdict: mean, p50, p99, first"},
};

/// First sentence of a help text.
std::string first_line(const std::string& text) { return text.substr(0, text.find('\n')); }

/// Where configs lie: the working directory, beside the build, or where they are installed.
std::filesystem::path config_folder() {
  std::error_code ignored;
  const std::filesystem::path self = std::filesystem::read_symlink("/proc/self/exe", ignored).parent_path();
  for (const std::filesystem::path& candidate :
       {std::filesystem::path("configs"), self / "../../configs", self / "../share/oddity/configs"}) {
    if (std::filesystem::is_directory(candidate, ignored)) {
      return candidate.lexically_normal();
    }
  }
  fail<PathError>(
      "[cli.list] no folder with configs; got none beside the program ({}); expected ./configs or "
      "share/oddity/configs",
      self.string());
}

/// The first comment line of a config says what it is for.
std::string purpose_of(const std::filesystem::path& config) {
  const std::string text = read_text_file(config, 1 << 20);
  return text.starts_with("#") ? first_line(text.substr(text.find_first_not_of("# "))) : "";
}

std::string models() {
  std::vector<std::vector<std::string>> rows = {{"model", "family", "what it is"}};
  for (const std::string& name : anomaly_model_names()) {
    rows.push_back({name, "anomaly", first_line(anomaly_model_help(name))});
  }
  return text_table(rows, {false, false, false});
}

std::string configs() {
  const std::filesystem::path folder = config_folder();
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
    if (entry.is_regular_file() && entry.path().extension() == ".yaml") {
      files.push_back(entry.path());
    }
  }
  std::sort(files.begin(), files.end());
  std::vector<std::vector<std::string>> rows = {{"config", "what it is for"}};
  for (const auto& file : files) {
    rows.push_back({file.string(), purpose_of(file)});
  }
  return text_table(rows, {false, false});
}

std::string perturbations() {
  std::vector<std::vector<std::string>> rows = {{"family", "at 0", "at 1", "ladder in", "what it does"}};
  for (const PerturbationFamily& family : perturbation_families()) {
    rows.push_back({std::string(family.name), fmt::format("{:g}", family.at_zero), fmt::format("{:g}", family.at_one),
                    std::string(family.quantity), std::string(family.help)});
  }
  return text_table(rows, {false, true, true, false, false});
}

std::string metric_keys() {
  std::vector<std::vector<std::string>> rows = {{"key of metrics.json", "meaning"}};
  for (const Metric& metric : kMetrics) {
    rows.push_back({metric.key, metric.meaning});
  }
  return text_table(rows, {false, false});
}

}  // namespace

void add_list(CLI::App& app, Chosen& chosen) {
  CLI::App* command = add_command(app, "list", "List what there is: models, configs, perturbations or metrics.",
                                  "  oddity list models\n  oddity list metrics\n");
  command->require_subcommand(1);
  const auto add = [&](const char* name, const char* sentence, std::string (*text)()) {
    command->add_subcommand(name, sentence)->callback([&chosen, text] {
      chosen = [text] {
        print(text());
        return ExitCode::done;
      };
    });
  };
  add("models", "Models that `model.name` of a config may name", models);
  add("configs", "Config files that come with oddity", configs);
  add("perturbations", "Image changes with an intensity ladder", perturbations);
  add("metrics", "Keys of metrics.json and what they mean", metric_keys);
}

}  // namespace oddity::cli
