#include "core/log.h"

#include <array>
#include <cerrno>
#include <map>
#include <system_error>

#include <fcntl.h>
#include <fmt/chrono.h>
#include <spdlog/logger.h>
#include <spdlog/sinks/base_sink.h>
#include <spdlog/sinks/dist_sink.h>
#include <unistd.h>
#include <nlohmann/json.hpp>

#include "core/error.h"
#include "core/terminal.h"

namespace oddity {
namespace {

constexpr std::array spdlog_levels = {spdlog::level::debug, spdlog::level::info, spdlog::level::warn,
                                      spdlog::level::err};

LogLevel level_from(spdlog::level::level_enum level) {
  switch (level) {
    case spdlog::level::trace:
    case spdlog::level::debug:
      return LogLevel::debug;
    case spdlog::level::info:
      return LogLevel::info;
    case spdlog::level::warn:
      return LogLevel::warning;
    default:
      return LogLevel::error;
  }
}

/// Our sink behind spdlog's interface; base_sink serialises the calls.
class Adapter final : public spdlog::sinks::base_sink<std::mutex> {
public:
  explicit Adapter(std::shared_ptr<LogSink> target) : sink_(std::move(target)) {}

protected:
  void sink_it_(const spdlog::details::log_msg& message) override {
    LogRecord record;
    record.level = level_from(message.level);
    record.message.assign(message.payload.data(), message.payload.size());
    record.time = message.time;
    sink_->write(record);
  }
  void flush_() override {}

private:
  std::shared_ptr<LogSink> sink_;
};

class StderrLog final : public LogSink {
public:
  void write(const LogRecord& record) override {
    write_terminal_line(record.level == LogLevel::info ? record.message
                                                       : std::string(name_of(record.level)) + ": " + record.message);
  }
};

class JsonLinesLog final : public LogSink {
public:
  explicit JsonLinesLog(const std::filesystem::path& file)
      : file_(file), descriptor_(::open(file.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666)) {
    if (descriptor_ < 0) {
      const int code = errno;
      const std::string why = std::generic_category().message(code);
      if (code == ENOENT || code == ENOTDIR || code == EISDIR) {
        fail<PathError>("[core.make_json_lines_log] cannot open '{}': {}", file.string(), why);
      }
      fail<IoError>("[core.make_json_lines_log] cannot open '{}': {}", file.string(), why);
    }
  }
  ~JsonLinesLog() override { ::close(descriptor_); }
  JsonLinesLog(const JsonLinesLog&) = delete;
  JsonLinesLog& operator=(const JsonLinesLog&) = delete;

  void write(const LogRecord& record) override {
    const auto since_epoch = std::chrono::duration_cast<std::chrono::milliseconds>(record.time.time_since_epoch());
    nlohmann::ordered_json line;
    line["schema"] = 1;
    line["time"] = fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:03}Z", fmt::gmtime(record.time), since_epoch.count() % 1000);
    line["level"] = name_of(record.level);
    line["message"] = record.message;
    // Bytes that are not UTF-8 (file names) become replacement characters: a log line is never lost to them.
    const std::string text = line.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
    // One write per line, so that lines of several processes do not mix.
    const ssize_t n = ::write(descriptor_, text.data(), text.size());
    if (n != static_cast<ssize_t>(text.size()) && !failed_) {
      failed_ = true;
      write_terminal_line(fmt::format("warning: cannot write '{}': {}; later log lines may be missing", file_.string(),
                                      std::generic_category().message(n < 0 ? errno : ENOSPC)));
    }
  }

private:
  const std::filesystem::path file_;
  const int descriptor_;
  bool failed_ = false;
};

struct Logger {
  std::shared_ptr<spdlog::sinks::dist_sink_mt> sinks = std::make_shared<spdlog::sinks::dist_sink_mt>();
  spdlog::logger logger{"oddity", sinks};
  std::mutex mutex;
  std::map<std::shared_ptr<LogSink>, spdlog::sink_ptr> adapters;

  Logger() {
    logger.set_level(spdlog::level::info);
    logger.set_error_handler(
        [](const std::string& what) { write_terminal_line("warning: a log sink failed: " + what); });
    add(stderr_log());
  }
  void add(const std::shared_ptr<LogSink>& sink) {
    const std::lock_guard lock(mutex);
    if (sink && !adapters.contains(sink)) {
      adapters[sink] = std::make_shared<Adapter>(sink);
      sinks->add_sink(adapters[sink]);
    }
  }
  void remove(const std::shared_ptr<LogSink>& sink) {
    const std::lock_guard lock(mutex);
    if (const auto found = adapters.find(sink); found != adapters.end()) {
      sinks->remove_sink(found->second);
      adapters.erase(found);
    }
  }
  void clear() {
    const std::lock_guard lock(mutex);
    sinks->set_sinks({});
    adapters.clear();
  }
};

Logger& logger() {
  static auto* const shared = new Logger;  // never destroyed: destructors of other statics may log
  return *shared;
}

}  // namespace

const char* name_of(LogLevel level) noexcept {
  static constexpr std::array names = {"debug", "info", "warning", "error"};
  return names[static_cast<std::size_t>(level)];
}

void add_log_sink(std::shared_ptr<LogSink> sink) { logger().add(sink); }
void remove_log_sink(const std::shared_ptr<LogSink>& sink) { logger().remove(sink); }
void clear_log_sinks() { logger().clear(); }

std::shared_ptr<LogSink> stderr_log() {
  static auto* const shared = new std::shared_ptr<LogSink>(std::make_shared<StderrLog>());
  return *shared;
}

std::shared_ptr<LogSink> make_json_lines_log(const std::filesystem::path& file) {
  return std::make_shared<JsonLinesLog>(file);
}

void RecordingLog::write(const LogRecord& record) {
  const std::lock_guard lock(mutex_);
  records_.push_back(record);
}

std::vector<LogRecord> RecordingLog::records() const {
  const std::lock_guard lock(mutex_);
  return records_;
}

std::vector<std::string> RecordingLog::messages(LogLevel at_least) const {
  std::vector<std::string> found;
  for (const LogRecord& record : records()) {
    if (record.level >= at_least) {
      found.push_back(record.message);
    }
  }
  return found;
}

void RecordingLog::clear() {
  const std::lock_guard lock(mutex_);
  records_.clear();
}

void set_log_level(LogLevel level) { logger().logger.set_level(spdlog_levels[static_cast<std::size_t>(level)]); }

bool log_enabled(LogLevel level) noexcept {
  return logger().logger.should_log(spdlog_levels[static_cast<std::size_t>(level)]);
}

void log_message(LogLevel level, std::string_view message) {
  logger().logger.log(spdlog_levels[static_cast<std::size_t>(level)],
                      spdlog::string_view_t(message.data(), message.size()));
}

}  // namespace oddity
