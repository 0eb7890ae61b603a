#include "core/progress.h"

#include <chrono>
#include <cstdlib>
#include <string>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "core/log.h"
#include "core/terminal.h"

namespace oddity {
namespace {

using std::chrono::milliseconds;

/// What `work` writes on a pseudo terminal of `columns` that stands in for stderr.
template <class Work>
std::string on_terminal(unsigned short columns, Work work) {
  const int master = ::posix_openpt(O_RDWR | O_NOCTTY);
  if (master < 0 || ::grantpt(master) != 0 || ::unlockpt(master) != 0) {
    ADD_FAILURE() << "no pseudo terminal";
    return "";
  }
  const int slave = ::open(::ptsname(master), O_RDWR | O_NOCTTY);
  winsize size{};
  size.ws_col = columns;
  size.ws_row = 24;
  ::ioctl(slave, TIOCSWINSZ, &size);
  const int former = ::dup(STDERR_FILENO);
  ::dup2(slave, STDERR_FILENO);
  work();
  ::dup2(former, STDERR_FILENO);
  ::close(former);
  std::string text(1 << 16, '\0');
  ::fcntl(master, F_SETFL, O_NONBLOCK);
  std::size_t size_read = 0;
  for (ssize_t n = 0; (n = ::read(master, text.data() + size_read, text.size() - size_read)) > 0;) {
    size_read += static_cast<std::size_t>(n);
  }
  ::close(slave);
  ::close(master);
  text.resize(size_read);
  return text;
}

TEST(Progress, LinesWhenThereIsNoTerminal) {
  ::testing::internal::CaptureStderr();
  const auto progress = make_stderr_progress(false, milliseconds(0));
  progress->begin("train", 4);
  progress->advance(1, "loss 0.5");
  progress->advance(4);
  progress->end();
  const std::string text = ::testing::internal::GetCapturedStderr();
  EXPECT_NE(text.find("train: 1/4 25 %, "), std::string::npos) << text;
  EXPECT_NE(text.find(" left, loss 0.5\n"), std::string::npos) << text;
  EXPECT_NE(text.find("train: 4/4 100 %, "), std::string::npos) << text;
  EXPECT_NE(text.find("train: 4 in 0:00\n"), std::string::npos) << text;
  EXPECT_EQ(text.find('\x1b'), std::string::npos) << text;
}

TEST(Progress, IsQuietBetweenTwoIntervals) {
  ::testing::internal::CaptureStderr();
  const auto progress = make_terminal_progress();  // stderr is a file here: a line every few seconds
  progress->begin("read", 1000);
  for (int i = 0; i <= 1000; ++i) {
    progress->advance(i);
  }
  progress->end();
  progress->end();
  EXPECT_EQ(::testing::internal::GetCapturedStderr(), "read: 1000 in 0:00\n");
}

TEST(Progress, UnknownTotalAndOddValuesAreNoProblem) {
  ::testing::internal::CaptureStderr();
  const auto progress = make_stderr_progress(false, milliseconds(0));
  progress->advance(3);  // before begin: nothing to show
  progress->begin("scan", 0);
  progress->advance(7);
  progress->begin("next", -5);  // ends the one before
  progress->advance(-1);
  progress->end();
  const std::string text = ::testing::internal::GetCapturedStderr();
  EXPECT_EQ(text.find("scan: 7, "), 0u) << text;
  EXPECT_NE(text.find("scan: 7 in 0:00\n"), std::string::npos) << text;
  EXPECT_NE(text.find("next: -1 in 0:00\n"), std::string::npos) << text;
}

TEST(Progress, ABarOnATerminal) {
  const std::string text = on_terminal(120, [] {
    const auto progress = make_stderr_progress(true, milliseconds(0));
    progress->begin("train", 4);
    progress->advance(2, "loss 0.5");
    log_info("a line in between");
    progress->end();
  });
  EXPECT_NE(text.find("\rtrain [############............] 2/4 50 %, "), std::string::npos) << text;
  // The line wipes the bar, and the bar comes back after it.
  const std::size_t line = text.find("\r\x1b[Ka line in between\r\n");
  ASSERT_NE(line, std::string::npos) << text;
  EXPECT_NE(text.find("train [", line), std::string::npos) << text;
  EXPECT_NE(text.find("\r\x1b[Ktrain: 2 in 0:00, loss 0.5\r\n"), std::string::npos) << text;
}

TEST(Progress, ABarNeverWraps) {
  const std::string text = on_terminal(20, [] {
    const auto progress = make_stderr_progress(true, milliseconds(0));
    progress->begin("a long name for a phase \xC3\xA9\xC3\xA9\xC3\xA9", 4);
    progress->advance(2);
    progress->end();
  });
  const std::size_t first = text.find('\r'), end = text.find("\x1b[K");
  ASSERT_NE(end, std::string::npos) << text;
  EXPECT_EQ(end - first - 1, 19u) << text;
}

TEST(Progress, SilentIsSilent) {
  ::testing::internal::CaptureStderr();
  silent_progress().begin("x", 1);
  silent_progress().advance(1);
  silent_progress().end();
  EXPECT_EQ(::testing::internal::GetCapturedStderr(), "");
}

}  // namespace
}  // namespace oddity
