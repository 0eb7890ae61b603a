#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include <CLI/CLI.hpp>

#include "core/error.h"
#include "inference/engine.h"

/// What several commands need.
namespace oddity::cli {

/// Where and how the engine runs.
struct EngineChoice {
  std::string device = "cpu";
  std::string precision = "f32";
  std::int64_t threads = 0;  ///< 0 = all cores
};
void add_engine_options(CLI::App& command, EngineChoice& choice);

/// A PACKAGE argument as a file: a run directory means its model.oddity. Throws InvalidArgument for a directory without
/// one.
std::filesystem::path package_file(const std::filesystem::path& argument);
/// The engine of a package file or run directory, each worker on one thread. Throws what reading and verifying throw.
Engine load_engine(const std::filesystem::path& file, const EngineChoice& choice);
/// How many workers judge at once: the chosen threads, or all cores; one on a GPU.
int workers_of(const EngineChoice& choice);

/// Whoever read standard output has gone (`oddity ... | head`): the program ends with exit code 1 and says nothing.
struct OutputClosed : IoError {
  using IoError::IoError;
};
/// Writes to standard output; a full disk is an IoError, a closed pipe OutputClosed.
void print(std::string_view text);
/// Flushes standard output and fails likewise when anything printed so far was lost.
void finish_output();

/// Columns aligned, two spaces between; the first row is the head. Numbers (per column) to the right.
std::string text_table(const std::vector<std::vector<std::string>>& rows, const std::vector<bool>& right);

}  // namespace oddity::cli
