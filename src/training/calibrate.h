#pragma once

#include <cstddef>
#include <stop_token>
#include <vector>

#include "core/progress.h"
#include "data/dataset.h"
#include "inference/backend.h"
#include "inference/package.h"

namespace oddity {

/// Sets the decision rule of a package from held-out good parts, judged through the engine: what is calibrated is what
/// ships. Image threshold: the conformal rank of the budget (metrics/conformal.h); with too few parts the smallest
/// budget they allow is used, recorded and logged. Pixel threshold: the 99.9 % point of the map values of these parts
/// inside the region of interest, so that regions of a rejected part stand out from what good parts show. Adds
/// self-tests: two calibration parts, each as it is and with a drawn square. An image that the package refuses is named
/// in the error.
void calibrate(Package& package, const Dataset& dataset, const std::vector<std::size_t>& good, double budget,
               const Backend& backend, const BackendOptions& options, std::stop_token stop, ProgressSink& progress);

}  // namespace oddity
