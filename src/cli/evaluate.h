#pragma once

#include <stop_token>
#include <string>
#include <vector>

#include "cli/support.h"
#include "core/error.h"

namespace oddity::cli {

/// What `oddity evaluate` was asked for; `oddity train --report` asks the same of its own package.
struct EvaluateRequest {
  std::string package, dataset, out, split = "test";
  std::vector<std::string> exclude;
  bool include_all = false;
  EngineChoice engine;
};

/// Judges, prints the table and, with `out`, writes metrics.json, scores.csv and report.html there.
ExitCode evaluate_package(const EvaluateRequest& request, const std::stop_token& stop);

}  // namespace oddity::cli
