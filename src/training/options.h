#pragma once

#include <cstdint>
#include <string>

#include "core/options.h"

namespace oddity {

/// The `training` section of a config: how long and how, for every family.
struct TrainingOptions {
  std::int64_t steps = 4000;
  std::int64_t batch = 8;
  double learning_rate = 3e-3;
  double weight_decay = 1e-2;     ///< on matrices and kernels only, never on biases or norms
  double warmup_fraction = 0.05;  ///< linear warm-up, then cosine to 0
  double gradient_clip = 2.0;     ///< global norm; 0 = off
  double ema_decay = 0;           ///< exponential moving average of weights; 0 = off
  double max_seconds =
      0;  ///< > 0: the first steps are timed, the number of steps is fixed from them; hard stop at 1.1x
  std::int64_t seed = 0;
  std::string device = "auto";          ///< auto (cuda when present) | cpu | cuda | cuda:<i>
  std::string precision = "auto";       ///< auto (bf16 where the processor has it) | f32 | bf16
  std::int64_t threads = 0;             ///< 0 = all cores
  std::int64_t checkpoint_every = 500;  ///< steps; 0 = only at the end
  std::int64_t log_every = 50;          ///< steps between host reads of the losses
  std::string init_from;                ///< a package whose weights to start from; empty = random
};
void describe(OptionsVisitor& visitor, TrainingOptions& options);

}  // namespace oddity
