#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <functional>
#include <string>

#include <gtest/gtest.h>
#include <unistd.h>

#include "core/error.h"
#include "core/files.h"
#include "temporary_directory.h"

/// The linker routes write, fsync, close and rename of this program through the functions below, so that a test can
/// make the N-th call fail. Each scenario is repeated with N = 1, 2, ... until it passes without a fault.
extern "C" {
ssize_t __real_write(int descriptor, const void* bytes, size_t size);
int __real_fsync(int descriptor);
int __real_close(int descriptor);
int __real_rename(const char* from, const char* to);
}

namespace {

enum class Call { none, write, write_short, write_interrupted, fsync, close, rename };

struct Fault {
  Call call = Call::none;
  int countdown = 0;  // the call that brings it to 0 fails
  int code = EIO;
  bool happened = false;
} fault;

bool due(Call call) {
  if (fault.call != call || --fault.countdown != 0) {
    return false;
  }
  fault.happened = true;
  errno = fault.code;
  return true;
}

}  // namespace

extern "C" {
ssize_t __wrap_write(int descriptor, const void* bytes, size_t size) {
  if (due(Call::write)) {
    return -1;
  }
  if (due(Call::write_interrupted)) {
    errno = EINTR;
    return -1;
  }
  return __real_write(descriptor, bytes, due(Call::write_short) ? std::min<size_t>(size, 3) : size);
}
int __wrap_fsync(int descriptor) { return due(Call::fsync) ? -1 : __real_fsync(descriptor); }
int __wrap_close(int descriptor) {
  const int result = __real_close(descriptor);  // a close that reports an error has closed all the same
  return due(Call::close) ? -1 : result;
}
int __wrap_rename(const char* from, const char* to) { return due(Call::rename) ? -1 : __real_rename(from, to); }
}

namespace oddity {
namespace {

namespace fs = std::filesystem;
using testing::TemporaryDirectory;

std::ptrdiff_t entries_of(const fs::path& directory) {
  return std::distance(fs::directory_iterator(directory), fs::directory_iterator());
}

/// Runs `work` with the N-th `call` failing, for N = 1, 2, ... until it is not reached; `check(failed)` after each.
/// Returns how many faults were tried.
int with_each_fault(Call call, int code, const std::function<void()>& work, const std::function<void(bool)>& check) {
  for (int n = 1; n < 1000; ++n) {
    fault = {call, n, code, false};
    bool failed = false;
    try {
      work();
    } catch (const IoError& error) {
      failed = true;
      const std::string reason = std::generic_category().message(code);
      EXPECT_NE(std::string(error.what()).find(reason), std::string::npos) << error.what();
    }
    const bool happened = fault.happened;
    fault = {};
    check(failed);
    if (!happened) {
      EXPECT_FALSE(failed);
      return n - 1;
    }
  }
  ADD_FAILURE() << "the faults have no end";
  return 0;
}

TEST(FilesFaults, AFileIsOldOrNewAndNothingElseStays) {
  const TemporaryDirectory directory;
  const std::string before = "the old content", after(100'000, 'n');
  const std::ptrdiff_t descriptors = entries_of("/proc/self/fd");
  const auto work = [&] {
    AtomicFile out(directory / "data");
    out.write(std::string_view(after).substr(0, 60'000));
    out.write(std::string_view(after).substr(60'000));
    out.commit();
  };
  for (const auto& [call, code, faults] :
       {std::tuple{Call::write, ENOSPC, 2}, std::tuple{Call::write, EIO, 2}, std::tuple{Call::fsync, EIO, 2},
        std::tuple{Call::rename, EIO, 1}, std::tuple{Call::close, EDQUOT, 2}}) {
    write_file_atomic(directory / "data", before);
    int failures = 0;
    const int tried = with_each_fault(call, code, work, [&](bool failed) {
      const std::string now = read_text_file(directory / "data");
      EXPECT_TRUE(now == after || (failed && now == before)) << now.size();
      EXPECT_EQ(entries_of(directory.path()), 1);
      EXPECT_EQ(entries_of("/proc/self/fd"), descriptors);
      failures += failed ? 1 : 0;
      if (now == after) {
        write_file_atomic(directory / "data", before);
      }
    });
    EXPECT_EQ(tried, faults);
    // Closing a directory that was only read from, after its fsync, has nothing to lose and is not told.
    EXPECT_EQ(failures, call == Call::close ? 1 : faults);
  }
}

TEST(FilesFaults, ShortAndInterruptedWritesAreContinued) {
  const TemporaryDirectory directory;
  const std::string text(1'000, 'x');
  for (const Call call : {Call::write_short, Call::write_interrupted}) {
    const int tried = with_each_fault(
        call, EINTR, [&] { write_file_atomic(directory / "data", text); },
        [&](bool failed) {
          EXPECT_FALSE(failed);
          EXPECT_EQ(read_text_file(directory / "data"), text);
          fs::remove(directory / "data");
        });
    EXPECT_EQ(tried, 1);  // without a fault the content is one call
  }
}

TEST(FilesFaults, ADirectoryIsThereAsAWholeOrNotAtAll) {
  const TemporaryDirectory directory;
  const std::ptrdiff_t descriptors = entries_of("/proc/self/fd");
  const auto work = [&] {
    AtomicDirectory made(directory / "step");
    fs::create_directory(made.path() / "inner");
    write_file_atomic(made.path() / "a", std::string_view("1"));
    write_file_atomic(made.path() / "inner" / "b", std::string_view("2"));
    made.commit();
  };
  // Syncs: two files with their directory each; then a, inner, inner/b, the directory itself and its parent.
  for (const auto& [call, faults] :
       {std::pair{Call::write, 2}, std::pair{Call::fsync, 9}, std::pair{Call::rename, 3}}) {
    const int tried = with_each_fault(call, EIO, work, [&](bool failed) {
      if (fs::exists(directory / "step")) {
        EXPECT_EQ(read_text_file(directory / "step" / "a"), "1");
        EXPECT_EQ(read_text_file(directory / "step" / "inner" / "b"), "2");
        EXPECT_EQ(entries_of(directory / "step"), 2);
        EXPECT_EQ(entries_of(directory / "step" / "inner"), 1);
        fs::remove_all(directory / "step");
      } else {
        EXPECT_TRUE(failed);
      }
      EXPECT_EQ(entries_of(directory.path()), 0);
      EXPECT_EQ(entries_of("/proc/self/fd"), descriptors);
    });
    EXPECT_EQ(tried, faults);
  }
}

}  // namespace
}  // namespace oddity
