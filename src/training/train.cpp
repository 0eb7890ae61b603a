#include "training/train.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <optional>
#include <sstream>

#include <ATen/Parallel.h>
#include <nlohmann/json.hpp>

#include "backends/torch/torch_backend.h"
#include "core/error.h"
#include "core/files.h"
#include "core/log.h"
#include "core/plural.h"
#include "core/version.h"
#include "image/region_of_interest.h"
#include "models/anomaly/registry.h"
#include "training/anomaly_data.h"
#include "training/anomaly_task.h"
#include "training/autocast.h"
#include "training/calibrate.h"
#include "training/checkpoint.h"
#include "training/data_digest.h"
#include "training/device.h"
#include "training/run.h"
#include "training/seen_images.h"
#include "training/trainer.h"
#include "training/warm_start.h"

namespace oddity {
namespace {

constexpr double training_share = 0.9;    // of max_seconds; fit, export and calibration take the rest
constexpr std::int64_t least_steps = 50;  // a network that took fewer has learned next to nothing

/// Seconds of all phases when the main phase has `steps` steps.
double expected_seconds(Task& task, const std::vector<double>& medians) {
  double total = 0;
  const std::vector<Phase> phases = task.phases();
  for (std::size_t i = 0; i < phases.size(); ++i) {
    total += medians[i] * static_cast<double>(phases[i].steps);
  }
  return total;
}

/// Before any image is read. Where crops may be smaller than image_size (fit native) the task looks again.
void refuse_image_size(const AnomalyConfig& config) {
  const auto model = make_anomaly_model(config.model, AnomalyInput{}, 0);
  const std::int64_t multiple = model->multiple(), height = config.data.image_size[0],
                     width = config.data.image_size[1];
  if (config.data.fit != "native" && (height % multiple != 0 || width % multiple != 0)) {
    const auto near = [&](std::int64_t side) {
      return std::max<std::int64_t>(1, (side + multiple / 2) / multiple) * multiple;
    };
    fail<InvalidArgument>(
        "[training.train] data.image_size does not fit model {}; got [{}, {}]; expected multiples of {}, such as "
        "data.image_size=[{},{}]",
        config.model.name, height, width, multiple, near(height), near(width));
  }
}

struct Prepared {
  AnomalyConfig config;
  std::unique_ptr<Dataset> dataset;
  Splits splits;
};

Prepared prepare(const ConfigDocument& document) {
  const std::string family = document.peek("family", "anomaly");
  if (family != "anomaly") {
    fail<ConfigError>("[training.train] unknown family; got '{}'; expected anomaly", family);
  }
  Prepared p;
  p.config = read_options<AnomalyConfig>(document);
  check_options(p.config.data);
  if (p.config.data.root.empty()) {
    fail<ConfigError>(
        "[training.train] data.root is empty; expected a dataset folder, pack, idx file or synthetic: URI, for example "
        "data.root=parts/housing on the command line");
  }
  refuse_image_size(p.config);
  p.dataset = open_dataset(p.config.data.root);
  log_info("{} is read as {}", p.dataset->name(), description_of(*p.dataset));
  p.splits = make_splits(p.dataset->samples(), p.config.data, static_cast<std::uint64_t>(p.config.training.seed));
  return p;
}

/// A run goes on with its own config only. The number of steps that training.max_seconds fixed when the run began is
/// taken over.
void require_same_config(AnomalyConfig& config, const std::filesystem::path& file) {
  AnomalyConfig before = read_options<AnomalyConfig>(ConfigDocument::load(file));
  if (config.training.max_seconds > 0) {
    config.training.steps = before.training.steps;
  }
  const std::string ours = to_yaml(config), theirs = to_yaml(before);
  if (ours == theirs) {
    return;
  }
  std::istringstream a(theirs), b(ours);
  std::string was, is;
  while (std::getline(a, was) && std::getline(b, is) && was == is) {
  }
  fail<ConfigError>("[training.resume] the config differs from that of the run; got '{}'; expected '{}' as in {}", is,
                    was, file.string());
}

/// A run goes on with its own images only: others would be cut into splits anew, and parts that it trained on would
/// calibrate it.
void require_same_data(const Run& run, const SplitDigests& digests) {
  const std::filesystem::path file = run.directory() / "data.sha256";
  const std::string before = read_text_file(file, 4096);
  if (before != digests.all + "\n") {
    fail<InvalidArgument>(
        "[training.resume] the images differ from those that the run began with (added, removed or changed); got "
        "digest {}; expected {} as in {}: restore them, or start a new run",
        digests.all, before.substr(0, before.find('\n')), file.string());
  }
}

/// Parameters of all phases and the running statistics of norms: what a warm start takes over. Fitted statistics belong
/// to their own data.
std::vector<NamedTensor> learned_tensors(Task& task) {
  std::vector<NamedTensor> list;
  for (const Phase& phase : task.phases()) {
    list.insert(list.end(), phase.parameters.begin(), phase.parameters.end());
  }
  for (const NamedTensor& item : task.state()) {
    if (item.first.ends_with("running_mean") || item.first.ends_with("running_var")) {
      list.push_back(item);
    }
  }
  return list;
}

/// Before the training, not after it.
void refuse_empty_region(const Polygons& region, const AnomalyData& data) {
  const int height = static_cast<int>(data.train.height()), width = static_cast<int>(data.train.width());
  const Image inside = rasterise(region, height, width);
  if (std::none_of(inside.u8(), inside.u8() + inside.pixels.size(), [](std::uint8_t v) { return v != 0; })) {
    fail<InvalidArgument>(
        "[training.train] data.region_of_interest holds no pixel at the model's {}x{} px (width x height); expected a "
        "larger region or a larger data.image_size",
        width, height);
  }
}

nlohmann::ordered_json facts_of(const AnomalyData& data) {
  return {{"aligned", data.facts.aligned},      {"explained", data.facts.explained},
          {"two_level", data.facts.two_level},  {"enlargement", data.facts.enlargement},
          {"channels", data.contract.channels}, {"height", data.train.height()},
          {"width", data.train.width()}};
}

}  // namespace

std::filesystem::path train(const ConfigDocument& document, const TrainRequest& request, std::stop_token stop,
                            ProgressSink& progress) {
  if (request.dry_run && request.resume) {
    fail<InvalidArgument>("[training.train] got both --dry-run and --resume; expected one of them");
  }
  Prepared p = prepare(document);
  AnomalyConfig& config = p.config;
  const c10::Device device = resolve_device(config.training.device);
  if (config.training.threads > 0) {
    at::set_num_threads(static_cast<int>(config.training.threads));
  }
  std::optional<Run> run;
  if (!request.dry_run) {
    run.emplace(request.out, request.resume);
    if (request.resume) {
      require_same_config(config, run->directory() / "config.yaml");
      if (std::filesystem::exists(run->package_file()) && std::filesystem::exists(run->directory() / "manifest.json")) {
        log_info("the run in {} is finished: there is nothing to go on with; another training needs another --out",
                 run->directory().string());
        return run->package_file();
      }
    }
  }
  try {
    std::optional<ScopedLogSink> log;
    if (run) {
      log.emplace(make_json_lines_log(run->directory() / "log.jsonl"));
    }
    const auto begun = std::chrono::steady_clock::now();
    const SplitDigests digests = digest_splits(*p.dataset, p.splits);
    drop_copies(*p.dataset, p.splits, digests);
    if (request.resume) {
      require_same_data(*run, digests);
    }
    const AnomalyData data = load_anomaly_data(*p.dataset, p.splits, config, progress);
    log_info(
        "{} to train on, {} held out for validation and {} for calibration; judged with {} at {}x{} px (height x "
        "width); {}{}",
        counted(p.splits.train.size(), "good part"), p.splits.validation.size(), p.splits.calibration.size(),
        counted(static_cast<std::size_t>(data.contract.channels), "channel"), data.train.height(), data.train.width(),
        data.facts.aligned ? "parts are aligned" : "parts are not aligned",
        data.facts.two_level ? ", two-level images" : "");
    const Polygons region =
        config.data.region_of_interest.empty() ? Polygons{} : parse_polygons(config.data.region_of_interest);
    refuse_empty_region(region, data);
    if ((request.dry_run || config.training.max_seconds > 0) && !request.resume) {
      AnomalyTask trial(config, data);
      double seconds = expected_seconds(trial, step_seconds(trial, config.training, 15));
      if (config.training.max_seconds > 0 && seconds > 0) {
        const double scale = training_share * config.training.max_seconds / seconds;
        const std::int64_t before = config.training.steps;
        config.training.steps = std::max<std::int64_t>(
            1, static_cast<std::int64_t>(std::floor(static_cast<double>(config.training.steps) * scale)));
        const double needed = seconds * least_steps / static_cast<double>(before) / training_share;
        seconds *= scale;
        log_info("{} into training.max_seconds = {:g}",
                 config.training.steps == 1 ? "1 step fits" : fmt::format("{} steps fit", config.training.steps),
                 config.training.max_seconds);
        if (config.training.steps < std::min(before, least_steps)) {
          log_warning(
              "{} are too few: the model will not be usable; {} steps need training.max_seconds={:.0f} here, and "
              "the {} that were asked for {:.0f}",
              counted(static_cast<std::size_t>(config.training.steps), "step"), least_steps, std::ceil(needed), before,
              std::ceil(seconds / scale / training_share));
        }
      }
      if (request.dry_run) {
        log_info("dry run: about {:.0f} s for {} steps on {}; resident images {:.1f} MB; nothing was trained", seconds,
                 config.training.steps, device.str(),
                 static_cast<double>(data.train.bytes() + data.validation.bytes()) / 1e6);
        return {};
      }
    }
    if (!request.resume) {
      run->write("data.sha256", digests.all + "\n");
      run->write("config.yaml", to_yaml(config));  // last: from here on the run can be resumed
    }
    AnomalyTask task(config, data);
    if (!config.training.init_from.empty()) {
      start_from_package(config.training.init_from, learned_tensors(task));
    }
    Trainer trainer(run->directory(), config.training);
    const TrainResult result = trainer.run(task, request.resume, stop, progress);
    progress.begin("statistics", 1);
    task.fit();
    Package package = task.make_package();
    progress.advance(1);
    progress.end();

    package.region.polygons = region;
    if (!region.empty() || config.data.minimum_area > 0) {
      package.decision.pooling = "top_fraction";
    }
    const std::vector<double>& scale = config.data.millimetres_per_pixel;
    package.decision.millimetres_per_pixel_x = scale.empty() ? 0 : scale.front();
    package.decision.millimetres_per_pixel_y = scale.empty() ? 0 : scale.back();
    BackendOptions options;
    options.device = device.str();
    options.threads = at::get_num_threads();
    calibrate(package, *p.dataset, p.splits.calibration, config.calibration.overkill_budget, *make_torch_backend(),
              options, stop, progress);

    nlohmann::ordered_json manifest = {
        {"oddity", version},
        {"family", config.family},
        {"model", config.model.name},
        {"seed", config.training.seed},
        {"steps", result.steps},
        {"training_seconds", result.seconds},
        {"training_cpu_seconds", result.cpu_seconds},
        {"process_seconds", std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count()},
        {"machine", machine_description()},
        {"device", device.str()},
        {"threads", at::get_num_threads()},
        {"precision", use_bf16(config.training.precision, device.type()) ? "bf16" : "f32"},
        {"data",
         {{"name", p.dataset->name()},
          {"train", p.splits.train.size()},
          {"validation", p.splits.validation.size()},
          {"calibration", p.splits.calibration.size()},
          {"sha256", digests.all},
          {"training_images", seen_digests(p.splits, digests)}}},
        {"facts", facts_of(data)}};
    package.manifest_json = manifest.dump();
    write_package(run->package_file(), package);
    manifest["package_sha256"] = package.digest;
    run->write("manifest.json", manifest.dump(2) + "\n");
    log_info("threshold {:.6g} at an overkill budget of {:.4g}", package.decision.threshold, package.decision.budget);
    return run->package_file();
  } catch (const Interrupted&) {
    throw;  // the run stays as it is: --resume goes on
  } catch (...) {
    if (run && !request.resume && !newest_checkpoint(run->directory())) {
      // Nothing worth resuming: leave the directory as if it had never been asked for.
      const std::filesystem::path directory = run->directory();
      run.reset();
      std::error_code ignored;
      for (const auto& entry : std::filesystem::directory_iterator(directory, ignored)) {
        const std::string name = entry.path().filename().string();
        if (name == "config.yaml" || name == "data.sha256" || name == "log.jsonl" || name == "metrics.jsonl" ||
            name == "checkpoints" || name == "model.oddity" || name.starts_with("events.out.tfevents.")) {
          std::filesystem::remove_all(entry.path(), ignored);
        }
      }
      std::filesystem::remove(directory, ignored);  // only when nothing else lies in it
    }
    throw;
  }
}

}  // namespace oddity
