#pragma once

#include <stdexcept>
#include <string>
#include <utility>

#include <fmt/core.h>

/// Errors that a user can cause and act on. Every message reads `[area.function] what is wrong; got X; expected Y`.
/// Our own bugs are caught by ODDITY_ASSERT, which throws std::logic_error: the library never aborts or exits.
namespace oddity {

/// The process exit code that belongs to an error (architecture section 7).
enum class ExitCode : int { done = 0, failed = 1, wrong_use = 2, bad_content = 3, interrupted = 75 };

class Error : public std::runtime_error {
public:
  Error(ExitCode code, const std::string& message) : std::runtime_error(message), code_(code) {}
  ExitCode exit_code() const noexcept { return code_; }

private:
  ExitCode code_;
};

/// A call or command-line argument out of its stated range. Exit code 2.
struct InvalidArgument : Error {
  explicit InvalidArgument(const std::string& message) : Error(ExitCode::wrong_use, message) {}
};

/// A config that is wrong: the message starts with `file:line:column`. Exit code 2.
struct ConfigError : Error {
  explicit ConfigError(const std::string& message) : Error(ExitCode::wrong_use, message) {}
};

/// A path that does not exist or is of the wrong kind. Exit code 2.
struct PathError : Error {
  explicit PathError(const std::string& message) : Error(ExitCode::wrong_use, message) {}
};

/// A file that exists but whose content is damaged, hostile or of another format. Exit code 3.
struct ContentError : Error {
  explicit ContentError(const std::string& message) : Error(ExitCode::bad_content, message) {}
};

/// The operating system refused to read or write (disk full, permission, size limit). Exit code 1.
struct IoError : Error {
  explicit IoError(const std::string& message) : Error(ExitCode::failed, message) {}
};

/// A compute device that is missing or failed. Exit code 1.
struct DeviceError : Error {
  explicit DeviceError(const std::string& message) : Error(ExitCode::failed, message) {}
};

/// Stopped on request (Ctrl-C, SIGTERM, stop token). Exit code 75 where the work can be resumed: `oddity train`. The
/// command turns it into 1 elsewhere.
struct Interrupted : Error {
  explicit Interrupted(const std::string& message) : Error(ExitCode::interrupted, message) {}
};

/// Throws `E` with a formatted message: `fail<InvalidArgument>("[image.resize] height must be >= 1; got {}", h)`.
template <class E, class... Args>
[[noreturn]] void fail(fmt::format_string<Args...> format, Args&&... args) {
  throw E(fmt::format(format, std::forward<Args>(args)...));
}

}  // namespace oddity

#define ODDITY_ASSERT(condition)                                                                              \
  do {                                                                                                        \
    if (!(condition)) {                                                                                       \
      throw std::logic_error(std::string("oddity bug: ") + __FILE__ + ":" + std::to_string(__LINE__) + ": " + \
                             #condition);                                                                     \
    }                                                                                                         \
  } while (false)
