#pragma once

#include <cstdint>
#include <initializer_list>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "cli/command.h"
#include "cli/metrics/score_table.h"

/// What the subcommands of `oddity metrics` share: their options, the checks of these, and how numbers are printed.
namespace oddity::cli {

using Json = nlohmann::ordered_json;

struct Request {
  static constexpr bool kHasConfidence = true;
  double confidence = 0.95;
  bool json = false;
};

/// A subcommand that reads scores and labels from a file.
struct FileRequest : Request {
  std::string file;
  ScoreColumns columns;
};

/// The option `name` must lie in (0, 1); throws InvalidArgument that names it, also for NaN.
void require_between_0_and_1(const char* name, double value);
/// The same for an option that may be left out.
void require_between_0_and_1(const char* name, const std::optional<double>& value);
/// The option must lie in [low, high].
void require_range(const char* name, double value, double low, double high);
void require_range(const char* name, std::int64_t value, std::int64_t low, std::int64_t high);
/// The option must be given and no NaN; `expected` says what. Returns it.
double require_given(const char* name, const std::optional<double>& value, const char* expected);
/// Position of `value` among `words`.
std::size_t require_word(const char* name, const std::string& value, std::initializer_list<const char*> words);

/// One number of a result. What is not finite becomes null in JSON; `why` says in words what that means, and stands in
/// the table in place of an interval.
Json plain(double value, const char* why = nullptr);
Json estimate(double value, double low, double high, const char* why = nullptr);
/// A share of n with its interval.
Json share(double value, double low, double high, std::uint64_t k, std::uint64_t n);
/// A share of n without an interval.
Json counted(std::uint64_t k, std::uint64_t n);

/// Prints JSON, or a table of metric, value, interval and n with `note` below it. Entries of `numbers` are objects as
/// above, or values. Lists are in JSON only. Thresholds are printed with all digits: a rounded one decides otherwise
/// about the part that it lies at.
void show(const Request& request, const Json& numbers, const std::string& note);

void add_confidence_option(CLI::App& command, Request& request);
void add_json_flag(CLI::App& command, Request& request);
void add_file_options(CLI::App& command, FileRequest& request);
/// Metrics throw std::invalid_argument; on the command line that is wrong content of the file or a wrong option.
[[noreturn]] void fail_as_wrong_use(const std::invalid_argument& error);

/// A subcommand with the options that all have; `work` runs when it was chosen.
template <class Options>
std::pair<CLI::App*, std::shared_ptr<Options>> add_subcommand(CLI::App& metrics, Chosen& chosen, const char* name,
                                                              const char* sentence, const std::string& examples,
                                                              ExitCode (*work)(const Options&)) {
  auto request = std::make_shared<Options>();
  CLI::App* command = add_command(metrics, name, sentence, examples);
  if constexpr (std::is_base_of_v<FileRequest, Options>) {
    add_file_options(*command, *request);
  }
  if constexpr (Options::kHasConfidence) {
    add_confidence_option(*command, *request);
  }
  add_json_flag(*command, *request);
  command->callback([request, &chosen, work] {
    chosen = [request, work] {
      require_between_0_and_1("--confidence", request->confidence);
      try {
        return work(*request);
      } catch (const std::invalid_argument& error) {
        fail_as_wrong_use(error);
      }
    };
  });
  return {command, request};
}

}  // namespace oddity::cli
