#pragma once

#include "cli/command.h"

/// The subcommands of `oddity metrics`; each file adds its own, metrics.cpp calls them all.
namespace oddity::cli {

void add_ranking(CLI::App& metrics, Chosen& chosen);      // ranking, compare
void add_rates(CLI::App& metrics, Chosen& chosen);        // rates, threshold
void add_certify(CLI::App& metrics, Chosen& chosen);      // certify, plan
void add_calibration(CLI::App& metrics, Chosen& chosen);  // calibration

}  // namespace oddity::cli
