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
  std::int64_t steps = 0;       ///< optimisation steps done in all phases
  double seconds = 0;           ///< wall time of the phases in this process
  double cpu_seconds = 0;       ///< process CPU time of the phases in this process
  std::int64_t host_reads = 0;  ///< device-to-host reads inside steps, counted while HostReadCounter is on; 0 by design
};

/// Runs phases, writes checkpoints, metrics.jsonl and TensorBoard events into `run_directory`, resumes from the newest
/// checkpoint that verifies. On a stop request it writes a checkpoint and throws Interrupted. Does not fit, export or
/// calibrate: src/training/train.cpp does.
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
