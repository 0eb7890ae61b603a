#pragma once

#include <functional>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "core/error.h"

/// The frame of the `oddity` command: one file per command, each adds its options to the parser and, when chosen,
/// leaves what to do in `Chosen`. Nothing runs while the command line is read.
namespace oddity::cli {

/// What the command line asked for; returns the exit code or throws.
using Chosen = std::function<ExitCode()>;

void add_train(CLI::App& app, Chosen& chosen);
void add_evaluate(CLI::App& app, Chosen& chosen);
void add_predict(CLI::App& app, Chosen& chosen);
void add_describe(CLI::App& app, Chosen& chosen);
void add_list(CLI::App& app, Chosen& chosen);
void add_data(CLI::App& app, Chosen& chosen);
void add_export(CLI::App& app, Chosen& chosen);
void add_recalibrate(CLI::App& app, Chosen& chosen);
void add_metrics(CLI::App& app, Chosen& chosen);

/// A command with its sentence and its examples. Examples are whole command lines, one each line.
CLI::App* add_command(CLI::App& parent, const std::string& name, const std::string& sentence,
                      const std::string& examples);

}  // namespace oddity::cli
