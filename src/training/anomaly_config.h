#pragma once

#include <string>

#include "augment/synthetic_defects.h"
#include "data/options.h"
#include "models/anomaly/model.h"
#include "training/options.h"

namespace oddity {

/// How scores of held-out good parts become a threshold.
struct CalibrationOptions {
  double overkill_budget = 0.01;  ///< share of good parts that may be rejected
};
void describe(OptionsVisitor& visitor, CalibrationOptions& options);

/// How good images vary legitimately: applied to every training image before defects are drawn.
struct AugmentOptions {
  std::string alignment = "auto";  ///< auto (decided from the good images) | aligned | free
  double contrast = 0.1;           ///< gain about the mean in 1 +- this
  double brightness = 0.05;        ///< offset in +- this, of full scale
};
void describe(OptionsVisitor& visitor, AugmentOptions& options);

/// A whole config of family `anomaly`.
struct AnomalyConfig {
  std::string family = "anomaly";
  DataOptions data;
  AnomalyModelOptions model;
  AugmentOptions augment;
  SyntheticDefectOptions defects;
  TrainingOptions training;
  CalibrationOptions calibration;
};
void describe(OptionsVisitor& visitor, AnomalyConfig& config);

}  // namespace oddity
