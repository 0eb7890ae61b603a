#pragma once

#include <filesystem>
#include <string>

#include "inference/package.h"

/// What other runtimes read: the graphs as plain ONNX files.
namespace oddity {

/// `onnx`: writes the graph of the component "anomaly" (or of the only component) to the file `out`. `folder`: writes
/// the folder `out`, which must not exist or be empty, with `model.onnx` (that graph), `<component>.onnx` for the
/// others, and `package.json`: input contract, region of interest, decision rule, options and facts of the run. Numbers
/// in it are the shortest decimals that read back to the same double (at most 17 significant digits). Atomic: a crash
/// leaves nothing half-written. Throws InvalidArgument (format, no graph), PathError, IoError.
void export_package(const Package& package, const std::string& format, const std::filesystem::path& out);

}  // namespace oddity
