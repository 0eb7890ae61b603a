#include <algorithm>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <string>
#include <string_view>
#include <vector>

#include <c10/util/Exception.h>
#include <fmt/core.h>
#include <unistd.h>

#include "cli/command.h"
#include "cli/support.h"
#include "core/files.h"
#include "core/nearest.h"
#include "core/version.h"

namespace oddity::cli {
namespace {

constexpr const char* kGreeting = "Visual inspection: train on good parts, judge new ones with a stated error budget.";
constexpr const char* kFooter =
    "Start here:\n"
    "  oddity train configs/anomaly/default.yaml data.root='synthetic:line?n=200' --out runs/first\n"
    "  oddity evaluate runs/first/model.oddity 'synthetic:line?n=200' --out runs/first/test\n"
    "  oddity predict runs/first/model.oddity photo.png --json\n"
    "`oddity COMMAND --help` shows options and examples of a command.\n"
    "Exit codes: 0 done; 1 failed; 2 wrong use, config or missing path; 3 bad content of a file; 75 interrupted, "
    "resumable (train).";

/// Ends the process with a code. After an error our own files are closed and removed by unwinding; the exit handlers of
/// libraries are not run then, because HDF5's crashes when a file on a full disk could not be closed.
[[noreturn]] void leave(int code) {
  std::fflush(stdout);
  std::fflush(stderr);
  std::_Exit(code);
}

/// Commands that run LibTorch on several threads start again with OMP_WAIT_POLICY=PASSIVE unless the user has chosen a
/// policy: OpenMP reads it when its library loads, before main. Waiting threads that spin cost more than they save on a
/// machine that does something else too: 60 steps of the autoencoder on 2 busy cores took 393 and 298 s spinning, 89
/// and 122 s passive (CPU time 108 and 87 s, 22 and 23 s). Starting again costs 0.3 s.
void start_again_passively(int argc, char** argv) {
  const std::string_view command = argc > 1 ? argv[1] : "";
  if ((command == "train" || command == "recalibrate") && std::getenv("OMP_WAIT_POLICY") == nullptr &&
      setenv("OMP_WAIT_POLICY", "PASSIVE", 0) == 0) {
    execv("/proc/self/exe", argv);  // returns only when it cannot; then things go on, slower
  }
}

int say(ExitCode code, const char* what, std::string message) {
  std::replace(message.begin(), message.end(), '\n', ' ');
  std::fprintf(stderr, "oddity: %s%s\n", what, message.c_str());
  return static_cast<int>(code);
}
/// Errors are one line for a person who has to act.
int report(ExitCode code, const std::string& message) { return say(code, "error: ", message); }
/// A stop was asked for and is no error.
int report_stop(ExitCode code, const std::string& message) { return say(code, "", message); }

std::vector<std::string> names_of(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::App* command : app.get_subcommands([](const CLI::App*) { return true; })) {
    names.push_back(command->get_name());
  }
  return names;
}

std::string joined(const std::vector<std::string>& words) {
  std::string out;
  for (const std::string& word : words) {
    out += out.empty() ? "" : ", ";
    out += word;
  }
  return out;
}

/// A first word that is no command, in the words of the command line.
std::string unknown_command(const CLI::App& app, const std::string& word, const std::string& prefix) {
  const std::vector<std::string> names = names_of(app);
  const std::string nearest = nearest_word(word, names);
  return fmt::format(
      "unknown command '{}{}'; {}", prefix, word,
      nearest.empty() ? "expected one of " + joined(names) : fmt::format("did you mean '{}{}'?", prefix, nearest));
}

/// The command that was being read when parsing failed.
const CLI::App& deepest(const CLI::App& app) {
  const CLI::App* at = &app;
  while (!at->get_subcommands().empty()) {
    at = at->get_subcommands().front();
  }
  return *at;
}

std::string wrong_use(const CLI::App& app, const CLI::ParseError& error, const std::vector<std::string>& arguments) {
  const CLI::App& command = deepest(app);
  std::string path;
  for (const CLI::App* at = &command; at != nullptr && at != &app; at = at->get_parent()) {
    path = at->get_name() + " " + path;
  }
  // A word where a command must stand.
  if (!names_of(command).empty()) {
    const auto depth = static_cast<std::size_t>(std::count(path.begin(), path.end(), ' '));
    if (arguments.size() > depth && !arguments[depth].starts_with("-")) {
      return unknown_command(command, arguments[depth], path);
    }
  }
  std::string hint;
  if (dynamic_cast<const CLI::ExtrasError*>(&error) != nullptr) {
    std::vector<std::string> known;
    for (const CLI::Option* option : command.get_options()) {
      for (const std::string& name : option->get_lnames()) {
        known.push_back("--" + name);
      }
    }
    for (const std::string& argument : arguments) {
      const std::string name = argument.substr(0, argument.find('='));
      if (name.starts_with("--") && std::find(known.begin(), known.end(), name) == known.end()) {
        const std::string nearest = nearest_word(name, known);
        return fmt::format(
            "unknown option '{}'; {}", name,
            nearest.empty() ? fmt::format("see `oddity {}--help`", path) : fmt::format("did you mean '{}'?", nearest));
      }
    }
  }
  return fmt::format("{}; see `oddity {}--help`", error.what(), path);
}

/// LibTorch's messages carry a stack trace and file names of its own source; the first line is what helps.
std::string first_line(const std::string& message) { return message.substr(0, message.find('\n')); }

int run(int argc, char** argv) {
  CLI::App app(kGreeting, "oddity");
  app.footer(kFooter);
  app.set_version_flag("--version", std::string("oddity ") + version);
  app.require_subcommand(1);
  Chosen chosen;
  add_train(app, chosen);
  add_evaluate(app, chosen);
  add_predict(app, chosen);
  add_describe(app, chosen);
  add_list(app, chosen);
  add_data(app, chosen);
  add_export(app, chosen);
  add_recalibrate(app, chosen);
  add_metrics(app, chosen);
  if (argc <= 1) {
    print(app.help());
    finish_output();
    return static_cast<int>(ExitCode::wrong_use);
  }
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) {  // --help, --version
      const int code = app.exit(error);
      std::fflush(stdout);
      return code;
    }
    return report(ExitCode::wrong_use, wrong_use(app, error, std::vector<std::string>(argv + 1, argv + argc)));
  }
  ExitCode code = ExitCode::done;
  try {
    code = chosen();
  } catch (const Interrupted& stop) {  // asked for, and no error; only a training goes on from there
    std::fflush(stdout);
    return report_stop(app.got_subcommand("train") ? ExitCode::interrupted : ExitCode::failed, stop.what());
  }
  finish_output();
  return static_cast<int>(code);
}

int guarded(int argc, char** argv) {
  try {
    return run(argc, argv);
  } catch (const OutputClosed&) {
    return static_cast<int>(ExitCode::failed);
  } catch (const Error& error) {
    std::fflush(stdout);  // verdicts printed so far stand before the error
    return report(error.exit_code(), error.what());
  } catch (const std::bad_alloc&) {
    return report(ExitCode::failed, "[cli.main] out of memory; use smaller images, a smaller batch or fewer threads");
  } catch (const c10::Error& error) {
    return report(ExitCode::failed, "[cli.main] LibTorch: " + first_line(error.what_without_backtrace()));
  } catch (const std::exception& error) {
    return report(ExitCode::failed, std::string("[cli.main] ") + error.what());
  }
}

}  // namespace
}  // namespace oddity::cli

int main(int argc, char** argv) {
  oddity::cli::start_again_passively(argc, argv);
  oddity::ignore_file_size_signal();
  std::signal(SIGPIPE, SIG_IGN);  // `oddity predict ... | head` ends as OutputClosed, with everything cleaned up
  const int code = oddity::cli::guarded(argc, argv);
  if (code != 0) {
    oddity::cli::leave(code);
  }
  return code;
}
