#include "training/options.h"

namespace oddity {

void describe(OptionsVisitor& visitor, TrainingOptions& options) {
  visitor.field(options.steps,
                {.name = "steps",
                 .help = "Optimisation steps of the main phase; schedule and result depend on them alone.",
                 .unit = "steps",
                 .minimum = 1,
                 .maximum = 1e8});
  visitor.field(options.batch,
                {.name = "batch", .help = "Images in a step.", .unit = "images", .minimum = 1, .maximum = 4096});
  visitor.field(options.learning_rate,
                {.name = "learning_rate", .help = "Peak learning rate of AdamW.", .minimum = 1e-8, .maximum = 1});
  visitor.field(options.weight_decay, {.name = "weight_decay",
                                       .help = "Decoupled decay of kernels and matrices; never of biases and norms.",
                                       .minimum = 0,
                                       .maximum = 1});
  visitor.field(options.warmup_fraction, {.name = "warmup_fraction",
                                          .help = "Share of the steps with a linear warm-up; then cosine to 0.",
                                          .minimum = 0,
                                          .maximum = 0.9});
  visitor.field(
      options.gradient_clip,
      {.name = "gradient_clip", .help = "Largest global norm of the gradient; 0 = off.", .minimum = 0, .maximum = 1e6});
  visitor.field(options.ema_decay, {.name = "ema_decay",
                                    .help = "Decay of the moving average of weights that is judged with; 0 = off.",
                                    .minimum = 0,
                                    .maximum = 0.99999});
  visitor.field(
      options.max_seconds,
      {.name = "max_seconds",
       .help = "Time budget of the steps: the first ones are timed and fix their number; hard stop at 1.1x; loading, "
               "statistics, calibration and evaluation come on top; 0 = off.",
       .unit = "s",
       .minimum = 0,
       .maximum = 1e8});
  visitor.field(options.seed,
                {.name = "seed", .help = "Seed of splits, weights, crops and defects.", .minimum = 0, .maximum = 9e15});
  visitor.field(options.device,
                {.name = "device", .help = "auto (CUDA when a GPU is present), cpu, cuda or cuda:<i>."});
  visitor.field(options.precision, {.name = "precision",
                                    .help = "Of convolutions in training; auto = bf16 where the processor has it.",
                                    .choices = {"auto", "f32", "bf16"}});
  visitor.field(options.threads,
                {.name = "threads", .help = "CPU threads; 0 = all cores.", .minimum = 0, .maximum = 1024});
  visitor.field(options.checkpoint_every, {.name = "checkpoint_every",
                                           .help = "Steps between checkpoints; 0 = only at the end of a phase.",
                                           .unit = "steps",
                                           .minimum = 0,
                                           .maximum = 1e8});
  visitor.field(options.log_every, {.name = "log_every",
                                    .help = "Steps between reads of the losses.",
                                    .unit = "steps",
                                    .minimum = 1,
                                    .maximum = 1e8});
  visitor.field(
      options.init_from,
      {.name = "init_from", .help = "Package whose weights training starts from; empty = random.", .is_path = true});
}

}  // namespace oddity
