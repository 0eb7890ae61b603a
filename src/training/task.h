#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <ATen/core/Tensor.h>

#include "inference/package.h"

namespace oddity {

using NamedTensor = std::pair<std::string, at::Tensor>;

/// One stretch of optimisation: its steps and the parameters it moves (names are the checkpoint's and the package's
/// names).
struct Phase {
  std::string name;
  std::int64_t steps = 0;
  std::vector<NamedTensor> parameters;
};

/// What a step gives. All tensors live on the training device; reading them is the trainer's business, at log time
/// only.
struct StepResult {
  at::Tensor loss;                 ///< scalar with graph; the trainer calls backward
  std::vector<NamedTensor> terms;  ///< detached scalars for the log
};

/// What is trained. The trainer knows no model; a task knows no file. A task is a pure function of (options, data,
/// seed, step): every random choice of step k comes from a RandomStream indexed by k, so resuming needs the tensors of
/// `state()` only.
class Task {
public:
  virtual ~Task() = default;

  virtual std::vector<Phase> phases() = 0;  ///< may be empty (models that are only fitted)
  virtual void begin(const Phase& phase) = 0;
  /// Computes the loss of one step; does not read the device. `step` counts from 0 within the phase.
  virtual StepResult step(const Phase& phase, std::int64_t step) = 0;
  /// Called every `checkpoint_every` steps and at the end of a phase: validation scalars for the log (may read the
  /// device).
  virtual std::vector<std::pair<std::string, double>> validate(const Phase& phase, std::int64_t step) = 0;
  /// Everything that a checkpoint must hold besides optimiser and counters: parameters, buffers, snapshots taken.
  /// Restored in place.
  virtual std::vector<NamedTensor> state() = 0;
  /// Statistics after the last phase (templates, memories, score combination). Deterministic.
  virtual void fit() = 0;
  /// The package without calibration: graphs, contract, region, options.
  virtual Package make_package() = 0;
};

}  // namespace oddity
