#include "inference/export.h"

#include <filesystem>
#include <memory>
#include <string>

#include <fmt/core.h>

#include "cli/command.h"
#include "cli/support.h"
#include "core/files.h"
#include "inference/package.h"

namespace oddity::cli {
namespace {

struct Request {
  std::string package, format = "onnx", out;
};

ExitCode run(const Request& request) {
  std::filesystem::path out = request.out;
  if (out.empty()) {
    out = package_file(request.package).stem();
    out += request.format == "onnx" ? ".onnx" : "-export";
  }
  const Package package = read_package(package_file(request.package));
  if (out.has_parent_path()) {
    make_directories(out.parent_path());
  }
  export_package(package, request.format, out);
  print(fmt::format("{}\n", out.string()));
  return ExitCode::done;
}

}  // namespace

void add_export(CLI::App& app, Chosen& chosen) {
  auto request = std::make_shared<Request>();
  CLI::App* command =
      add_command(app, "export", "Write a package's graphs as ONNX for other runtimes.",
                  "  oddity export model.oddity --format onnx --out model.onnx\n"
                  "  oddity export model.oddity --format folder --out model-files\n"
                  "`folder` adds package.json: what images go in, and how score and map become a verdict.\n");
  command->add_option("PACKAGE", request->package, "Package file (.oddity) or run directory")->required();
  command->add_option("--format", request->format, "onnx (default) or folder");
  command->add_option("--out", request->out,
                      "File, or new folder, to write; parents are made (default: named after PACKAGE, here)");
  command->callback([request, &chosen] { chosen = [request] { return run(*request); }; });
}

}  // namespace oddity::cli
