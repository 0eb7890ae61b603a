#pragma once

#include <c10/core/Device.h>

#include "core/progress.h"
#include "data/dataset.h"
#include "data/splits.h"
#include "training/anomaly_config.h"
#include "training/anomaly_task.h"

namespace oddity {

/// The input contract that a dataset and its options ask for: channels, depth, full scale, size. Looks at every
/// training image that `good` lists.
InputContract read_contract(const Dataset& dataset, const std::vector<std::size_t>& good, const DataOptions& options);

/// Reads, fits and stacks the good images of the splits onto the device, and reads the facts. Throws InvalidArgument
/// with sentences for sets that cannot be trained on.
AnomalyData load_anomaly_data(const Dataset& dataset, const Splits& splits, const AnomalyConfig& config,
                              c10::Device device, ProgressSink& progress);

}  // namespace oddity
