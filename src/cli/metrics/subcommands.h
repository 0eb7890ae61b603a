#pragma once

#include "cli/command.h"

/// The subcommands of `oddity metrics`; each file adds its own, metrics.cpp calls them all.
namespace oddity::cli {

void add_ranking(CLI::App& metrics, Chosen& chosen);      // ranking, compare
void add_rates(CLI::App& metrics, Chosen& chosen);        // rates, threshold
void add_certify(CLI::App& metrics, Chosen& chosen);      // certify, plan
void add_calibration(CLI::App& metrics, Chosen& chosen);  // calibration
void add_cost(CLI::App& metrics, Chosen& chosen);         // cost
void add_selective(CLI::App& metrics, Chosen& chosen);    // risk-coverage
void add_production(CLI::App& metrics, Chosen& chosen);   // project, detectability
void add_drift(CLI::App& metrics, Chosen& chosen);        // drift
void add_outliers(CLI::App& metrics, Chosen& chosen);     // outliers
void add_sets(CLI::App& metrics, Chosen& chosen);         // sets

}  // namespace oddity::cli
