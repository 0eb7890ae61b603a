#pragma once

#include <chrono>
#include <memory>
#include <string_view>

#include "core/progress.h"

/// stderr as shared by the log and the progress bar (internal to core).
namespace oddity {

/// Prints a whole line on stderr; a progress bar on the terminal is wiped before and drawn again after it.
void write_terminal_line(std::string_view line);

/// The sink behind `make_terminal_progress`: a bar (`tty`) or lines, at most one per `interval`.
std::unique_ptr<ProgressSink> make_stderr_progress(bool tty, std::chrono::milliseconds interval);

}  // namespace oddity
