#pragma once

#include <chrono>
#include <filesystem>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/core.h>

/// Messages to the people who run the program. `log_warning` means that the result may not be what was asked for: a
/// test fails on one that it did not expect (tests/core/warning_guard.h). Thread-safe. A sink that fails never stops
/// the work.
namespace oddity {

enum class LogLevel : int { debug, info, warning, error };
const char* name_of(LogLevel level) noexcept;

struct LogRecord {
  LogLevel level = LogLevel::info;
  std::string message;
  std::chrono::system_clock::time_point time;
};

class LogSink {
public:
  virtual ~LogSink() = default;
  virtual void write(const LogRecord& record) = 0;  ///< calls are serialised; must not log
};

/// Sinks of the process. At the start there is one: stderr.
void add_log_sink(std::shared_ptr<LogSink> sink);
void remove_log_sink(const std::shared_ptr<LogSink>& sink);
void clear_log_sinks();
std::shared_ptr<LogSink> stderr_log();  ///< the one that is there at the start; plain text for info, "warning: ..."

/// Appends one JSON object per line: {"schema":1,"time":"2026-01-31T12:00:00.123Z","level":"info","message":"..."}.
/// Throws PathError or IoError when the file cannot be opened; a later write that fails is reported once on stderr.
std::shared_ptr<LogSink> make_json_lines_log(const std::filesystem::path& file);

/// Keeps what was logged; for tests and notebooks.
class RecordingLog final : public LogSink {
public:
  void write(const LogRecord& record) override;
  std::vector<LogRecord> records() const;
  std::vector<std::string> messages(LogLevel at_least) const;
  void clear();

private:
  mutable std::mutex mutex_;
  std::vector<LogRecord> records_;
};

/// Adds a sink for the life of the object.
class ScopedLogSink {
public:
  explicit ScopedLogSink(std::shared_ptr<LogSink> sink) : sink_(std::move(sink)) { add_log_sink(sink_); }
  ~ScopedLogSink() { remove_log_sink(sink_); }
  ScopedLogSink(const ScopedLogSink&) = delete;
  ScopedLogSink& operator=(const ScopedLogSink&) = delete;

private:
  std::shared_ptr<LogSink> sink_;
};

void set_log_level(LogLevel level);  ///< records below are dropped before they are formatted; info at the start
bool log_enabled(LogLevel level) noexcept;
void log_message(LogLevel level, std::string_view message);

template <class... Args>
void log_debug(fmt::format_string<Args...> format, Args&&... args) {
  if (log_enabled(LogLevel::debug)) {
    log_message(LogLevel::debug, fmt::format(format, std::forward<Args>(args)...));
  }
}
template <class... Args>
void log_info(fmt::format_string<Args...> format, Args&&... args) {
  if (log_enabled(LogLevel::info)) {
    log_message(LogLevel::info, fmt::format(format, std::forward<Args>(args)...));
  }
}
template <class... Args>
void log_warning(fmt::format_string<Args...> format, Args&&... args) {
  if (log_enabled(LogLevel::warning)) {
    log_message(LogLevel::warning, fmt::format(format, std::forward<Args>(args)...));
  }
}
template <class... Args>
void log_error(fmt::format_string<Args...> format, Args&&... args) {
  log_message(LogLevel::error, fmt::format(format, std::forward<Args>(args)...));
}

}  // namespace oddity
