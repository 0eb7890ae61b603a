#include "core/progress.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <mutex>
#include <string>

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "core/terminal.h"

namespace oddity {
namespace {

using Clock = std::chrono::steady_clock;

struct Terminal {
  std::mutex mutex;
  std::string bar;  // what stands on the last line now; empty = none
};
Terminal& terminal() {
  static auto* const shared = new Terminal;  // never destroyed: the log may write while the process ends
  return *shared;
}

void put(const std::string& text) {
  std::fwrite(text.data(), 1, text.size(), stderr);
  std::fflush(stderr);
}

/// "0:07", "12:34", "3:00:05"
std::string clock_text(double seconds) {
  const auto s = static_cast<std::int64_t>(std::clamp(seconds, 0.0, 3.6e8) + 0.5);
  return s < 3600 ? fmt::format("{}:{:02}", s / 60, s % 60)
                  : fmt::format("{}:{:02}:{:02}", s / 3600, s / 60 % 60, s % 60);
}

std::string rate_text(double per_second) {
  if (per_second >= 100) {
    return fmt::format("{:.0f}/s", per_second);
  }
  return per_second >= 1 ? fmt::format("{:.1f}/s", per_second) : fmt::format("{:.1f}/min", 60 * per_second);
}

std::size_t terminal_width() {
  winsize size{};
  return ::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 1 ? size.ws_col : 80;
}

/// At most `width` bytes, never ending in the middle of a UTF-8 sequence.
std::string cut(const std::string& text, std::size_t width) {
  std::size_t end = std::min(text.size(), width);
  while (end > 0 && end < text.size() && (static_cast<unsigned char>(text[end]) & 0xC0u) == 0x80u) {
    --end;
  }
  return text.substr(0, end);
}

class TerminalProgress final : public ProgressSink {
public:
  TerminalProgress(bool tty, std::chrono::milliseconds interval) : tty_(tty), interval_(interval) {}
  ~TerminalProgress() override { end(); }
  TerminalProgress(const TerminalProgress&) = delete;
  TerminalProgress& operator=(const TerminalProgress&) = delete;

  void begin(std::string_view what, std::int64_t total) override {
    end();
    const std::lock_guard lock(mutex_);
    what_ = what;
    total_ = std::max<std::int64_t>(total, 0);
    done_ = 0;
    note_.clear();
    running_ = true;
    started_ = shown_ = Clock::now();
  }

  void advance(std::int64_t done, std::string_view note) override {
    const std::lock_guard lock(mutex_);
    if (!running_) {
      return;
    }
    done_ = done;
    note_ = note;
    const auto now = Clock::now();
    if (now - shown_ < interval_) {
      return;
    }
    shown_ = now;
    show();
  }

  void end() override {
    const std::lock_guard lock(mutex_);
    if (!running_) {
      return;
    }
    running_ = false;
    if (tty_) {
      const std::lock_guard terminal_lock(terminal().mutex);
      terminal().bar.clear();
      put("\r\x1b[K");
    }
    const double seconds = std::chrono::duration<double>(Clock::now() - started_).count();
    write_terminal_line(
        fmt::format("{}: {} in {}{}{}", what_, done_, clock_text(seconds), note_.empty() ? "" : ", ", note_));
  }

private:
  void show() {
    const double seconds = std::chrono::duration<double>(Clock::now() - started_).count();
    const double rate = seconds > 0 ? static_cast<double>(done_) / seconds : 0;
    std::string text = what_;
    if (tty_ && total_ > 0) {
      constexpr std::int64_t width = 24;
      const auto filled = static_cast<std::size_t>(std::clamp<std::int64_t>(done_ * width / total_, 0, width));
      text += " [" + std::string(filled, '#') + std::string(width - filled, '.') + "]";
    } else {
      text += ":";
    }
    if (total_ > 0) {
      text += fmt::format(" {}/{} {:.0f} %", done_, total_,
                          100.0 * static_cast<double>(done_) / static_cast<double>(total_));
    } else {
      text += fmt::format(" {}", done_);
    }
    text += ", " + rate_text(rate);
    if (total_ > done_ && done_ > 0) {
      text += ", " + clock_text(static_cast<double>(total_ - done_) / rate) + " left";
    }
    if (!note_.empty()) {
      text += ", " + note_;
    }
    if (!tty_) {
      write_terminal_line(text);
      return;
    }
    const std::lock_guard lock(terminal().mutex);
    terminal().bar = cut(text, terminal_width() - 1);  // a bar that wraps could not be wiped
    put("\r" + terminal().bar + "\x1b[K");
  }

  const bool tty_;
  const std::chrono::milliseconds interval_;
  std::mutex mutex_;
  std::string what_, note_;
  std::int64_t total_ = 0, done_ = 0;
  bool running_ = false;
  Clock::time_point started_, shown_;
};

class SilentProgress final : public ProgressSink {
public:
  void begin(std::string_view, std::int64_t) override {}
  void advance(std::int64_t, std::string_view) override {}
  void end() override {}
};

}  // namespace

void write_terminal_line(std::string_view line) {
  const std::lock_guard lock(terminal().mutex);
  std::string text;
  if (!terminal().bar.empty()) {
    text += "\r\x1b[K";
  }
  text += line;
  text += '\n';
  text += terminal().bar;
  put(text);
}

std::unique_ptr<ProgressSink> make_stderr_progress(bool tty, std::chrono::milliseconds interval) {
  return std::make_unique<TerminalProgress>(tty, interval);
}

std::unique_ptr<ProgressSink> make_terminal_progress() {
  const bool tty = ::isatty(STDERR_FILENO) == 1;
  return make_stderr_progress(tty, std::chrono::milliseconds(tty ? 100 : 5000));
}

ProgressSink& silent_progress() {
  static SilentProgress silent;
  return silent;
}

}  // namespace oddity
