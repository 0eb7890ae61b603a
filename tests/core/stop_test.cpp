#include "core/stop.h"

#include <chrono>
#include <csignal>
#include <thread>

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/error.h"

namespace oddity {
namespace {

bool stops_within_seconds(const std::stop_token& token) {
  for (int i = 0; i < 500 && !token.stop_requested(); ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return token.stop_requested();
}

TEST(StopOnSignal, TheFirstSignalAsksToStop) {
  for (const int number : {SIGINT, SIGTERM}) {
    const StopOnSignal stop;
    EXPECT_FALSE(stop.token().stop_requested());
    ::raise(number);
    EXPECT_TRUE(stops_within_seconds(stop.token()));
  }
}

TEST(StopOnSignal, WithoutASignalNothingStops) {
  std::stop_token token;
  {
    const StopOnSignal stop;
    token = stop.token();
  }
  EXPECT_FALSE(token.stop_requested());
}

TEST(StopOnSignal, OneAtATime) {
  const StopOnSignal first;
  EXPECT_THROW(StopOnSignal(), InvalidArgument);
  ::raise(SIGINT);  // the first one still works
  EXPECT_TRUE(stops_within_seconds(first.token()));
}

TEST(StopOnSignal, TheFormerHandlersComeBack) {
  struct sigaction before {};
  ::sigaction(SIGTERM, nullptr, &before);
  { const StopOnSignal stop; }
  struct sigaction after {};
  ::sigaction(SIGTERM, nullptr, &after);
  EXPECT_EQ(before.sa_handler, after.sa_handler);
}

TEST(StopOnSignal, TheSecondSignalEndsTheProcess) {
  const pid_t child = ::fork();
  if (child == 0) {
    const StopOnSignal stop;
    ::raise(SIGINT);
    if (!stops_within_seconds(stop.token())) {
      ::_exit(1);
    }
    ::raise(SIGTERM);
    ::_exit(2);  // not reached
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFSIGNALED(status)) << WEXITSTATUS(status);
  EXPECT_EQ(WTERMSIG(status), SIGTERM);
}

}  // namespace
}  // namespace oddity
