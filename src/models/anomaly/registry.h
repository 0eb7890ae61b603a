#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "models/anomaly/model.h"

namespace oddity {

/// Names of all anomaly models, in the order of `oddity list models`.
std::vector<std::string> anomaly_model_names();

/// What a model is, for people: method, source, cost.
std::string anomaly_model_help(const std::string& name);

/// Builds a model with weights drawn from RandomStream(seed, "weights"). Throws InvalidArgument naming the known
/// models.
std::unique_ptr<AnomalyModel> make_anomaly_model(const AnomalyModelOptions& options, const AnomalyInput& input,
                                                 std::uint64_t seed);

}  // namespace oddity
