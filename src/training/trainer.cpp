#include "training/trainer.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <ctime>
#include <fstream>
#include <limits>
#include <optional>

#include <ATen/ATen.h>
#include <torch/utils.h>
#include <nlohmann/json.hpp>

#include "core/error.h"
#include "core/log.h"
#include "training/checkpoint.h"
#include "training/event_writer.h"
#include "training/host_reads.h"
#include "training/moving_average.h"
#include "training/optimizer.h"

namespace oddity {
namespace {

constexpr int checkpoint_misses_allowed = 3;

double process_cpu_seconds() {
  timespec t{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return static_cast<double>(t.tv_sec) + 1e-9 * static_cast<double>(t.tv_nsec);
}

/// Convolution kernels in channels-last: with bf16 it cut a step to 0.35x on two cores.
void to_channels_last(const std::vector<NamedTensor>& parameters) {
  for (const auto& [name, parameter] : parameters) {
    if (parameter.dim() == 4) {
      at::Tensor(parameter).set_data(parameter.contiguous(at::MemoryFormat::ChannelsLast));
    }
  }
}

/// One optimisation step: what run() repeats and step_seconds() times.
StepResult optimize(Task& task, const Phase& phase, std::int64_t step, FusedAdamW& optimizer, double rate) {
  StepResult result = task.step(phase, step);
  result.loss.backward();
  optimizer.step(rate);
  return result;
}

/// Seconds after the start of the training at which phase p must end: 1.1 times its share of max_seconds.
double deadline_of(const std::vector<Phase>& phases, std::int64_t p, const TrainingOptions& options) {
  if (options.max_seconds <= 0) {
    return std::numeric_limits<double>::infinity();
  }
  double until = 0, all = 0;
  for (std::size_t i = 0; i < phases.size(); ++i) {
    all += static_cast<double>(phases[i].steps);
    until += static_cast<std::int64_t>(i) <= p ? static_cast<double>(phases[i].steps) : 0.0;
  }
  return 1.1 * options.max_seconds * until / all;
}

}  // namespace

std::vector<double> step_seconds(Task& task, const TrainingOptions& options, int count) {
  constexpr int warm_up = 3;  // the first steps plan kernels
  std::vector<double> medians;
  for (const Phase& phase : task.phases()) {
    to_channels_last(phase.parameters);
    task.begin(phase);
    FusedAdamW optimizer(phase.parameters, options);
    std::vector<double> times;
    for (int i = 0; i < count + warm_up; ++i) {
      const auto begun = std::chrono::steady_clock::now();
      optimize(task, phase, i, optimizer, options.learning_rate * 1e-3);
      if (i >= warm_up) {
        times.push_back(std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count());
      }
    }
    std::nth_element(times.begin(), times.begin() + count / 2, times.end());
    medians.push_back(times[static_cast<std::size_t>(count / 2)]);
  }
  return medians;
}

struct Trainer::State {
  std::filesystem::path directory;
  TrainingOptions options;
  TrainingPosition position;
  std::ofstream metrics;
  std::optional<EventWriter> events;
  std::chrono::steady_clock::time_point begun = std::chrono::steady_clock::now();
  double cpu_begun = process_cpu_seconds();
  int misses = 0;

  double seconds() const {
    return position.seconds + std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count();
  }
  double cpu_seconds() const { return position.cpu_seconds + process_cpu_seconds() - cpu_begun; }

  void open_logs(std::int64_t keep_bytes) {
    const std::filesystem::path file = directory / "metrics.jsonl";
    if (std::filesystem::exists(file)) {
      std::filesystem::resize_file(file, static_cast<std::uintmax_t>(std::min<std::int64_t>(
                                             keep_bytes, static_cast<std::int64_t>(std::filesystem::file_size(file)))));
    }
    metrics.open(file, std::ios::app);
    if (!metrics) {
      fail<IoError>("[training.run] cannot write {}", file.string());
    }
    events.emplace(directory);
  }

  void write_line(const Phase& phase, std::int64_t step, const std::vector<std::pair<std::string, double>>& values) {
    nlohmann::ordered_json line = {{"phase", phase.name}, {"step", step}};
    for (const auto& [name, value] : values) {
      line[name] = value;
      events->scalar(phase.name + "/" + name, value, step);
    }
    line["seconds"] = seconds();
    line["cpu_seconds"] = cpu_seconds();
    metrics << line.dump() << '\n' << std::flush;
    if (!metrics) {
      fail<IoError>("[training.run] cannot write {}: disk full or a limit on file sizes",
                    (directory / "metrics.jsonl").string());
    }
  }

  void save(Task& task, const std::vector<NamedTensor>& optimizer, std::int64_t phase, std::int64_t step) {
    TrainingPosition now{phase,     step,          static_cast<std::int64_t>(metrics.tellp()),
                         seconds(), cpu_seconds(), position.steps_done};
    try {
      write_checkpoint(directory, now, task.state(), optimizer);
      misses = 0;
    } catch (const IoError& error) {
      if (++misses >= checkpoint_misses_allowed) {
        throw;
      }
      log_warning("checkpoint not written, training goes on ({} of {} misses): {}", misses, checkpoint_misses_allowed,
                  error.what());
    }
  }

  void require_finite(double loss, const Phase& phase, std::int64_t step) const {
    if (!std::isfinite(loss)) {
      fail<ContentError>(
          "[training.step] the loss is not finite; got {} at step {} of phase {}; expected a number: lower "
          "training.learning_rate, or set training.precision: f32",
          loss, step, phase.name);
    }
  }

  std::vector<std::pair<std::string, double>> read(const StepResult& result, const Phase& phase, std::int64_t step,
                                                   double rate) const {
    std::vector<std::pair<std::string, double>> values = {{"loss", result.loss.item<double>()}};
    for (const auto& [name, value] : result.terms) {
      values.emplace_back(name, value.item<double>());
    }
    values.emplace_back("learning_rate", rate);
    require_finite(values.front().second, phase, step);
    return values;
  }
};

Trainer::Trainer(std::filesystem::path run_directory, const TrainingOptions& options)
    : state_(std::make_unique<State>()) {
  state_->directory = std::move(run_directory);
  state_->options = options;
}

Trainer::~Trainer() = default;

TrainResult Trainer::run(Task& task, bool resume, std::stop_token stop, ProgressSink& progress) {
  State& state = *state_;
  const std::optional<Checkpoint> checkpoint = resume ? newest_checkpoint(state.directory) : std::nullopt;
  const std::vector<Phase> phases = task.phases();
  TrainResult result;
  for (const Phase& phase : phases) {
    to_channels_last(phase.parameters);
  }
  if (checkpoint) {
    state.position = checkpoint->position;
    restore_tensors(checkpoint->directory / "model.safetensors", task.state());
    log_info("resuming from {}", checkpoint->directory.string());
  }
  state.open_logs(state.position.metrics_bytes);
  const std::int64_t first_phase = state.position.phase;
  for (std::int64_t p = first_phase; p < static_cast<std::int64_t>(phases.size()); ++p) {
    const Phase& phase = phases[static_cast<std::size_t>(p)];
    task.begin(phase);
    FusedAdamW optimizer(phase.parameters, state.options);
    MovingAverage average(phase.parameters, state.options.ema_decay);
    std::vector<NamedTensor> optimizer_state = optimizer.state();
    for (NamedTensor& item : average.state()) {
      optimizer_state.push_back(std::move(item));
    }
    std::int64_t step = 0;
    if (checkpoint && p == first_phase) {
      restore_tensors(checkpoint->directory / "optimizer.safetensors", optimizer_state);
      step = state.position.step;
    }
    progress.begin(phase.name, phase.steps);
    std::string note;
    const double deadline = deadline_of(phases, p, state.options);
    for (; step < phase.steps; ++step) {
      if (stop.stop_requested()) {
        state.misses = checkpoint_misses_allowed;  // whoever asked for the stop counts on this one
        state.save(task, optimizer_state, p, step);
        progress.end();
        fail<Interrupted>("[training.run] stopped on request at step {} of phase {}; go on with --resume", step,
                          phase.name);
      }
      const std::int64_t reads = host_reads();
      const double rate = learning_rate_at(step, phase.steps, state.options);
      const StepResult outcome = optimize(task, phase, step, optimizer, rate);
      average.update(step);
      result.host_reads += host_reads() - reads;
      ++state.position.steps_done;
      if (step % state.options.log_every == 0 || step + 1 == phase.steps) {
        const auto values = state.read(outcome, phase, step, rate);
        state.write_line(phase, step, values);
        note = fmt::format("loss {:.4f}", values.front().second);
      }
      progress.advance(step + 1, note);
      const bool spent = step + 1 < phase.steps && state.seconds() > deadline;
      const bool last = step + 1 == phase.steps || spent;
      if (last || (state.options.checkpoint_every > 0 && (step + 1) % state.options.checkpoint_every == 0)) {
        state.require_finite(outcome.loss.item<double>(), phase, step);  // a diverged model is never a checkpoint
        average.swap();                                                  // what is judged later is what is validated
        const auto values = task.validate(phase, step + 1);
        average.swap();
        if (!values.empty()) {
          state.write_line(phase, step + 1, values);
        }
        state.save(task, optimizer_state, p, step + 1);
      }
      if (spent) {
        log_warning("the share of phase {} in training.max_seconds is spent at step {} of {}: it stops here",
                    phase.name, step + 1, phase.steps);
        break;
      }
    }
    average.swap();  // for good: the checkpoints of this phase hold both, those of the next hold the averages
    progress.end();
  }
  result.steps = state.position.steps_done;
  result.seconds = state.seconds();
  result.cpu_seconds = state.cpu_seconds();
  return result;
}

}  // namespace oddity
