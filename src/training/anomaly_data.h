#pragma once

#include "core/progress.h"
#include "data/dataset.h"
#include "data/splits.h"
#include "training/anomaly_config.h"
#include "training/anomaly_task.h"

namespace oddity {

/// What the good images of all splits ask of the input.
struct ImageSurvey {
  InputContract contract;  ///< channels, depth, full scale; model size, or with fit native the canvas all images fit in
  double enlargement = 1;  ///< median over images of how much they are enlarged to reach the model size
  bool one_size = true;    ///< fit native: every image fills the canvas closely enough to be judged on it
};

/// Looks at every image that `good` lists. Throws InvalidArgument that names a file when they cannot be judged alike.
ImageSurvey survey_images(const Dataset& dataset, const std::vector<std::size_t>& good, const DataOptions& options);

/// Reads, fits and stacks the good images of the splits in memory, and reads the facts. Throws InvalidArgument
/// with sentences for sets that cannot be trained on.
AnomalyData load_anomaly_data(const Dataset& dataset, const Splits& splits, const AnomalyConfig& config,
                              ProgressSink& progress);

}  // namespace oddity
