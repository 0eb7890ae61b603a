#include "cli/support.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <thread>

#include "backends/torch/torch_backend.h"
#include "cli/command.h"
#include "core/error.h"

namespace oddity::cli {
namespace {

bool on_gpu(const EngineChoice& choice) { return choice.device.starts_with("cuda"); }

bool output_closed = false;  // the stream forgets why it failed

[[noreturn]] void fail_output() {
  output_closed = output_closed || errno == EPIPE;
  if (output_closed) {
    fail<OutputClosed>("[cli.print] the reader of standard output has gone");
  }
  fail<IoError>("[cli.print] standard output cannot be written; got '{}'; expected an open pipe or a disk with room",
                std::strerror(errno));
}

/// Characters as a terminal counts them, near enough: UTF-8 sequences are one.
std::size_t width_of(const std::string& text) {
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

}  // namespace

CLI::App* add_command(CLI::App& parent, const std::string& name, const std::string& sentence,
                      const std::string& examples) {
  CLI::App* command = parent.add_subcommand(name, sentence);
  if (!examples.empty()) {
    command->footer("Examples:\n" + examples);
  }
  return command;
}

void add_engine_options(CLI::App& command, EngineChoice& choice) {
  command.add_option("--device", choice.device, "cpu (default), cuda, or cuda:<i>");
  command.add_option("--precision", choice.precision, "f32 (default, as calibrated) or bf16");
  command.add_option("--threads", choice.threads, "Threads that judge images at once; 0 = all cores (default)");
}

int workers_of(const EngineChoice& choice) {
  if (choice.threads < 0 || choice.threads > 1024) {
    fail<InvalidArgument>("[cli.workers_of] --threads out of range; got {}; expected 0 (all cores) to 1024",
                          choice.threads);
  }
  if (choice.threads > 0) {
    return static_cast<int>(choice.threads);
  }
  return on_gpu(choice) ? 1 : static_cast<int>(std::max(1U, std::thread::hardware_concurrency()));
}

std::filesystem::path package_file(const std::filesystem::path& argument) {
  std::error_code error;
  if (!std::filesystem::is_directory(argument, error)) {
    return argument;
  }
  const auto inside = argument / "model.oddity";
  if (!std::filesystem::is_regular_file(inside, error)) {
    fail<InvalidArgument>(
        "[cli.package] the folder holds no package; got '{}'; expected a package file or a run directory with "
        "model.oddity",
        argument.string());
  }
  return inside;
}

Engine load_engine(const std::filesystem::path& file, const EngineChoice& choice) {
  EngineOptions options;
  options.backend.device = choice.device;
  options.backend.precision = choice.precision;
  options.backend.threads = 1;
  return Engine(read_package(package_file(file)), *make_torch_backend(), options);
}

void print(std::string_view text) {
  errno = 0;
  if (std::fwrite(text.data(), 1, text.size(), stdout) != text.size()) {
    fail_output();
  }
}

void finish_output() {
  errno = 0;
  if (std::fflush(stdout) != 0 || std::ferror(stdout) != 0) {
    fail_output();
  }
}

std::string text_table(const std::vector<std::vector<std::string>>& rows, const std::vector<bool>& right) {
  std::vector<std::size_t> widths(right.size(), 0);
  for (const auto& row : rows) {
    for (std::size_t c = 0; c < row.size(); ++c) {
      widths.at(c) = std::max(widths[c], width_of(row[c]));
    }
  }
  std::string out;
  for (const auto& row : rows) {
    std::string line;
    for (std::size_t c = 0; c < row.size(); ++c) {
      const std::string pad(widths[c] - width_of(row[c]), ' ');
      line += c > 0 ? "  " : "";
      line += right[c] ? pad + row[c] : row[c] + pad;
    }
    line.erase(line.find_last_not_of(' ') + 1);
    out += line + "\n";
  }
  return out;
}

}  // namespace oddity::cli
