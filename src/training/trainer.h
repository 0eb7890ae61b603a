#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "core/progress.h"
#include "training/options.h"
#include "training/task.h"

namespace oddity {

struct TrainResult {
  std::int64_t steps = 0;       ///< optimisation steps done in all phases, those before a resume included
  double seconds = 0;           ///< wall time of the phases, the time before a resume included
  double cpu_seconds = 0;       ///< likewise process CPU time
  std::int64_t host_reads = 0;  ///< device-to-host reads inside steps, counted while HostReadCounter is on; 0 by design
};

/// Median wall seconds of one whole step of each phase, optimiser included. Moves the task: give it one to throw away.
std::vector<double> step_seconds(Task& task, const TrainingOptions& options, int count);

/// Runs phases, writes checkpoints, metrics.jsonl and TensorBoard events into `run_directory`, resumes from the newest
/// checkpoint that verifies. With training.max_seconds every phase ends at 1.1 times its share of them at the latest,
/// so that none after it is left untrained. On a stop request it writes a checkpoint and throws Interrupted. Does not
/// fit, export or calibrate: src/training/train.cpp does.
class Trainer {
public:
  Trainer(std::filesystem::path run_directory, const TrainingOptions& options);
  ~Trainer();
  TrainResult run(Task& task, bool resume, std::stop_token stop, ProgressSink& progress);

private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace oddity
