#pragma once

#include <string_view>

/// stderr as shared by the log and the progress bar (internal to core).
namespace oddity {

/// Prints a whole line on stderr; a progress bar on the terminal is wiped before and drawn again after it.
void write_terminal_line(std::string_view line);

}  // namespace oddity
