#include "core/stop.h"

#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <system_error>
#include <thread>

#include <fcntl.h>
#include <unistd.h>

#include "core/error.h"

namespace oddity {
namespace {

constexpr std::array signals = {SIGINT, SIGTERM};
std::atomic<int> signal_pipe{-1};  // the end that the handler writes to; -1 = no object lives
std::atomic<int> signals_seen{0};
static_assert(std::atomic<int>::is_always_lock_free);

/// Only calls that are safe in a handler: requesting a stop takes locks, so a thread does it.
void on_signal(int number) {
  const int saved = errno;
  if (signals_seen.fetch_add(1) == 0) {
    const char byte = 1;
    [[maybe_unused]] const ssize_t written = ::write(signal_pipe.load(), &byte, 1);
  } else {
    std::signal(number, SIG_DFL);
    ::raise(number);  // blocked until the handler returns, then it ends the process
  }
  errno = saved;
}

}  // namespace

struct StopOnSignal::State {
  std::stop_source source;
  std::array<int, 2> pipe{-1, -1};
  std::array<struct sigaction, signals.size()> former{};
  std::thread watcher;
};

StopOnSignal::StopOnSignal() : state_(std::make_unique<State>()) {
  if (::pipe2(state_->pipe.data(), O_CLOEXEC) != 0) {
    fail<IoError>("[core.StopOnSignal] cannot make a pipe: {}", std::generic_category().message(errno));
  }
  int none = -1;
  if (!signal_pipe.compare_exchange_strong(none, state_->pipe[1])) {
    ::close(state_->pipe[0]);
    ::close(state_->pipe[1]);
    fail<InvalidArgument>("[core.StopOnSignal] signals are watched already; got a second object; expected one");
  }
  signals_seen = 0;
  state_->watcher = std::thread([source = state_->source, end = state_->pipe[0]]() mutable {
    char byte = 0;
    ssize_t n = 0;
    do {
      n = ::read(end, &byte, 1);
    } while (n < 0 && errno == EINTR);
    if (n == 1 && byte == 1) {
      source.request_stop();
    }
  });
  for (std::size_t i = 0; i < signals.size(); ++i) {
    struct sigaction action {};
    action.sa_handler = on_signal;
    action.sa_flags = SA_RESTART;  // a read that waits goes on; the stop token is what tells the work
    ::sigaction(signals[i], &action, &state_->former[i]);
  }
}

StopOnSignal::~StopOnSignal() {
  for (std::size_t i = 0; i < signals.size(); ++i) {
    ::sigaction(signals[i], &state_->former[i], nullptr);
  }
  const char byte = 0;  // wakes a watcher that still waits; ignored by one that has ended
  [[maybe_unused]] const ssize_t written = ::write(state_->pipe[1], &byte, 1);
  state_->watcher.join();
  signal_pipe = -1;
  ::close(state_->pipe[0]);
  ::close(state_->pipe[1]);
}

std::stop_token StopOnSignal::token() const { return state_->source.get_token(); }

}  // namespace oddity
