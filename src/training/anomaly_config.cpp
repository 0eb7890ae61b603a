#include "training/anomaly_config.h"

namespace oddity {

void describe(OptionsVisitor& visitor, CalibrationOptions& options) {
  visitor.field(options.overkill_budget, {.name = "overkill_budget",
                                          .help = "Share of good parts that may be rejected; sets the threshold.",
                                          .minimum = 1e-6,
                                          .maximum = 0.5});
}

void describe(OptionsVisitor& visitor, AugmentOptions& options) {
  visitor.field(options.alignment,
                {.name = "alignment",
                 .help = "Whether parts lie at the same place in every image; auto decides from the good images.",
                 .choices = {"auto", "aligned", "free"}});
  visitor.field(options.contrast, {.name = "contrast",
                                   .help = "Training images get a gain about their mean in 1 +- this.",
                                   .minimum = 0,
                                   .maximum = 0.9});
  visitor.field(options.brightness, {.name = "brightness",
                                     .help = "Training images get an offset in +- this.",
                                     .unit = "of full scale",
                                     .minimum = 0,
                                     .maximum = 0.5});
}

void describe(OptionsVisitor& visitor, AnomalyConfig& config) {
  visitor.field(config.family, {.name = "family", .help = "Kind of model this config trains.", .choices = {"anomaly"}});
  section(visitor, "data", "Which images, and how they are cut into splits.", config.data);
  section(visitor, "model", "Which model.", config.model);
  section(visitor, "augment", "How good images may vary.", config.augment);
  section(visitor, "defects", "Synthetic defects that training draws into good images.", config.defects);
  section(visitor, "training", "How long and how to train.", config.training);
  section(visitor, "calibration", "How the threshold is set.", config.calibration);
}

}  // namespace oddity
