#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "training/task.h"

namespace oddity {

/// Where a training stands.
struct TrainingPosition {
  std::int64_t phase = 0;          ///< index into Task::phases()
  std::int64_t step = 0;           ///< steps done in that phase
  std::int64_t metrics_bytes = 0;  ///< length of metrics.jsonl at this moment
  double seconds = 0, cpu_seconds = 0;
  std::int64_t steps_done = 0;  ///< in all phases
};

/// Writes `checkpoints/<phase>-<step>`: model.safetensors, optimizer.safetensors, state.json, and MANIFEST.json with
/// size and SHA-256 of each; made under a temporary name, fsynced and renamed, so that a checkpoint is whole or absent.
/// The newest two are kept. Throws IoError.
void write_checkpoint(const std::filesystem::path& run_directory, const TrainingPosition& position,
                      const std::vector<NamedTensor>& model, const std::vector<NamedTensor>& optimizer);

/// A checkpoint whose manifest verified.
struct Checkpoint {
  std::filesystem::path directory;
  TrainingPosition position;
};

/// The newest checkpoint that verifies; a damaged one is named in a warning and the one before is taken. Empty when
/// there is none. Removes temporaries of dead processes.
std::optional<Checkpoint> newest_checkpoint(const std::filesystem::path& run_directory);

/// Copies the tensors of a checkpoint file (`model.safetensors`, `optimizer.safetensors`) into `tensors` in place.
/// Names, types and shapes must agree exactly; throws ContentError that lists all differences.
void restore_tensors(const std::filesystem::path& file, const std::vector<NamedTensor>& tensors);

}  // namespace oddity
