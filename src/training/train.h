#pragma once

#include <filesystem>
#include <stop_token>
#include <string>

#include "core/config.h"
#include "core/progress.h"

namespace oddity {

struct TrainRequest {
  std::filesystem::path out;  ///< run directory; created; must not hold another run unless `resume`
  bool resume = false;
  bool dry_run = false;  ///< check data and config, print sizes, memory and expected time, train nothing
};

/// The whole walk of `oddity train`: config -> run directory -> data and splits -> task -> Trainer -> fit -> export ->
/// calibrate through the engine -> `model.oddity`, `config.yaml`, `manifest.json`. Returns the path of the package.
/// Throws Error of the right kind; on failure nothing half-written stays.
std::filesystem::path train(const ConfigDocument& config, const TrainRequest& request, std::stop_token stop,
                            ProgressSink& progress);

}  // namespace oddity
