#pragma once

#include <filesystem>
#include <string>

#include "data/dataset.h"
#include "evaluation/evaluate.h"
#include "inference/engine.h"

namespace oddity {

/// One self-contained HTML file (no network, under 5 MB): verdict at a glance, histogram with threshold, ROC, per-type
/// bars, worst escapes and overkills with input, repaired image, map and mask side by side, data and run facts. Judges
/// the shown images again for their evidence.
std::string evaluation_report(const Engine& engine, const Dataset& dataset, const Judgement& judgement,
                              const std::string& metrics_json);

}  // namespace oddity
