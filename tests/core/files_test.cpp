#include "core/files.h"

#include <csignal>
#include <functional>
#include <set>
#include <thread>

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/error.h"
#include "temporary_directory.h"

namespace oddity {
namespace {

namespace fs = std::filesystem;
using testing::TemporaryDirectory;

std::set<std::string> names_in(const fs::path& directory) {
  std::set<std::string> names;
  for (const auto& entry : fs::directory_iterator(directory)) {
    names.insert(entry.path().filename().string());
  }
  return names;
}

template <class E>
std::string message_of(const std::function<void()>& work) {
  try {
    work();
  } catch (const E& error) {
    return error.what();
  } catch (const std::exception& error) {
    ADD_FAILURE() << "another kind of error: " << error.what();
    return "";
  }
  ADD_FAILURE() << "no error";
  return "";
}

void expect_part(const std::string& text, const std::string& part) {
  EXPECT_NE(text.find(part), std::string::npos) << text;
}

/// A process id of no process: a child that has ended and was waited for.
pid_t dead_process() {
  const pid_t child = ::fork();
  if (child == 0) {
    ::_exit(0);
  }
  ::waitpid(child, nullptr, 0);
  return child;
}

TEST(Files, WritesAndReadsBack) {
  const TemporaryDirectory directory;
  const std::string text = std::string("a\0b\r\n", 5) + std::string(3'000'000, 'x');
  write_file_atomic(directory / "data", text);
  EXPECT_EQ(read_text_file(directory / "data"), text);
  EXPECT_EQ(read_file(directory / "data").size(), text.size());
  write_file_atomic(directory / "data", std::string_view("short"));
  EXPECT_EQ(read_text_file(directory / "data"), "short");
  write_file_atomic(directory / "data", std::string_view());
  EXPECT_EQ(read_text_file(directory / "data"), "");
  EXPECT_EQ(names_in(directory.path()), (std::set<std::string>{"data"}));
}

TEST(Files, ReadingIsBounded) {
  const TemporaryDirectory directory;
  write_file_atomic(directory / "data", std::string(100, 'x'));
  EXPECT_EQ(read_file(directory / "data", 100).size(), 100u);
  expect_part(message_of<ContentError>([&] { read_file(directory / "data", 99); }), "too large; expected at most 99");
  EXPECT_THROW(read_file("/dev/zero", 100'000), ContentError);  // has no size and no end
  EXPECT_EQ(read_file("/dev/null").size(), 0u);
  EXPECT_GT(read_text_file("/proc/self/status").size(), 100u);  // states a size of 0
}

TEST(Files, WhatCannotBeReadIsTold) {
  const TemporaryDirectory directory;
  write_file_atomic(directory / "file", std::string_view("x"));
  expect_part(message_of<PathError>([&] { read_file(directory / "absent"); }), "No such file or directory");
  expect_part(message_of<PathError>([&] { read_file(directory.path()); }), "is a directory");
  expect_part(message_of<PathError>([&] { read_file(directory / "file" / "x"); }), "Not a directory");
}

TEST(Files, WhatCannotBeWrittenIsToldAndLeavesNothing) {
  const TemporaryDirectory directory;
  write_file_atomic(directory / "file", std::string_view("x"));
  fs::create_directory(directory / "folder");
  expect_part(message_of<PathError>([&] { write_file_atomic(directory / "file" / "x", std::string_view("y")); }),
              "Not a directory");
  expect_part(message_of<PathError>([&] { write_file_atomic(directory / "absent" / "x", std::string_view("y")); }),
              "No such file");
  expect_part(message_of<PathError>([&] { write_file_atomic(directory / "folder", std::string_view("y")); }),
              "is a directory");
  expect_part(message_of<PathError>([&] { write_file_atomic("", std::string_view("y")); }), "names no file");
  EXPECT_EQ(names_in(directory.path()), (std::set<std::string>{"file", "folder"}));
  EXPECT_EQ(read_text_file(directory / "file"), "x");
}

TEST(Files, AFullDeviceIsAnIoErrorAndStaysADevice) {
  expect_part(message_of<IoError>([] { write_file_atomic("/dev/full", std::string_view("x")); }),
              "No space left on device");
  struct stat status {};
  ASSERT_EQ(::stat("/dev/full", &status), 0);
  EXPECT_TRUE(S_ISCHR(status.st_mode));
  write_file_atomic("/dev/null", std::string_view("x"));
  ASSERT_EQ(::stat("/dev/null", &status), 0);
  EXPECT_TRUE(S_ISCHR(status.st_mode));
}

TEST(Files, AFileSizeLimitIsAnIoErrorAndLeavesTheOldFile) {
  const TemporaryDirectory directory;
  write_file_atomic(directory / "data", std::string_view("old"));
  const pid_t child = ::fork();
  if (child == 0) {
    ignore_file_size_signal();
    const rlimit limit{100'000, 100'000};
    ::setrlimit(RLIMIT_FSIZE, &limit);
    try {
      write_file_atomic(directory / "data", std::string(200'000, 'x'));
      ::_exit(1);
    } catch (const IoError& error) {
      ::_exit(std::string(error.what()).find("File too large") != std::string::npos ? 42 : 2);
    } catch (...) {
      ::_exit(3);
    }
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  ASSERT_TRUE(WIFEXITED(status)) << "ended by signal " << WTERMSIG(status);
  EXPECT_EQ(WEXITSTATUS(status), 42);
  EXPECT_EQ(read_text_file(directory / "data"), "old");
  EXPECT_EQ(names_in(directory.path()), (std::set<std::string>{"data"}));
}

TEST(Files, ReadersSeeTheOldOrTheNewFileNeverAPart) {
  const TemporaryDirectory directory;
  const std::string a(100'000, 'a'), b(50'000, 'b');
  write_file_atomic(directory / "data", a);
  std::atomic<bool> done{false};
  std::thread writer([&] {
    for (int i = 0; i < 50; ++i) {
      write_file_atomic(directory / "data", i % 2 == 0 ? b : a);
    }
    done = true;
  });
  int reads = 0;
  while (!done || reads == 0) {
    const std::string text = read_text_file(directory / "data");
    ASSERT_TRUE(text == a || text == b) << text.size();
    ++reads;
  }
  writer.join();
}

TEST(Files, KilledWritersLeaveTheOldFileAndTheirTemporariesAreSwept) {
  const TemporaryDirectory directory;
  write_file_atomic(directory / "data", std::string_view("old"));
  const pid_t child = ::fork();
  if (child == 0) {
    AtomicFile out(directory / "data");
    out.write(std::string_view("half of the new"));
    AtomicDirectory folder(directory / "folder");
    write_file_atomic(folder.path() / "inside", std::string_view("x"));
    ::raise(SIGKILL);
  }
  ::waitpid(child, nullptr, 0);
  EXPECT_EQ(read_text_file(directory / "data"), "old");
  EXPECT_EQ(names_in(directory.path()).size(), 3u);
  EXPECT_EQ(remove_stale_temporaries(directory.path()), 2);
  EXPECT_EQ(names_in(directory.path()), (std::set<std::string>{"data"}));
}

TEST(Files, OnlyTemporariesOfDeadProcessesAreSwept) {
  const TemporaryDirectory directory;
  const std::string dead = std::to_string(dead_process()), own = std::to_string(::getpid());
  for (const std::string& name :
       {".a.tmp-" + dead + "-0", "." + std::string("b.tmp-") + own + "-900000", std::string(".c.tmp-1-0"),
        std::string(".d.tmp-x-0"), ".e.tmp-" + dead, "f.tmp-" + dead + "-0", ".tmp-" + dead + "-0",
        ".g.tmp-" + dead + "-0x", std::string(".h.tmp--5-0")}) {
    write_file_atomic(directory / name, std::string_view("x"));
  }
  AtomicFile in_use(directory / "k");
  EXPECT_EQ(remove_stale_temporaries(directory.path()), 2);  // a; b: our process id, but not ours now
  const std::set<std::string> left = names_in(directory.path());
  EXPECT_EQ(left.size(), 8u);
  EXPECT_FALSE(left.contains(".a.tmp-" + dead + "-0"));
  EXPECT_FALSE(left.contains(".b.tmp-" + own + "-900000"));
  in_use.write(std::string_view("still works"));
  in_use.commit();
  EXPECT_EQ(read_text_file(directory / "k"), "still works");
  EXPECT_EQ(remove_stale_temporaries(directory / "absent"), 0);
}

TEST(Files, AFileThatIsNotCommittedIsRemoved) {
  const TemporaryDirectory directory;
  {
    AtomicFile out(directory / "data");
    out.write(std::string_view("x"));
    EXPECT_EQ(names_in(directory.path()).size(), 1u);
  }
  EXPECT_TRUE(names_in(directory.path()).empty());
  AtomicFile out(directory / "data");
  out.commit();
  EXPECT_THROW(out.commit(), std::logic_error);
  EXPECT_THROW(out.write(std::string_view("x")), std::logic_error);
}

TEST(Files, AFailedRenameLeavesNothing) {
  const TemporaryDirectory directory;
  AtomicFile out(directory / "data");
  out.write(std::string_view("x"));
  fs::create_directory(directory / "data");  // comes between
  expect_part(message_of<IoError>([&] { out.commit(); }), "cannot finish");
  EXPECT_EQ(names_in(directory.path()), (std::set<std::string>{"data"}));
}

TEST(Files, KeepsTheModeAndTheLink) {
  const TemporaryDirectory directory;
  write_file_atomic(directory / "data", std::string_view("1"));
  ::chmod((directory / "data").c_str(), 0640);
  fs::create_symlink("data", directory / "link");
  write_file_atomic(directory / "link", std::string_view("2"));
  EXPECT_TRUE(fs::is_symlink(directory / "link"));
  EXPECT_EQ(read_text_file(directory / "data"), "2");
  struct stat status {};
  ::stat((directory / "data").c_str(), &status);
  EXPECT_EQ(status.st_mode & 0777, 0640u);
}

TEST(Files, LongNamesWork) {
  const TemporaryDirectory directory;
  const std::string name(255, 'n');
  write_file_atomic(directory / name, std::string_view("x"));
  EXPECT_EQ(names_in(directory.path()), (std::set<std::string>{name}));
  expect_part(message_of<IoError>([&] { write_file_atomic(directory / (name + "n"), std::string_view("x")); }),
              "name too long");
  EXPECT_EQ(names_in(directory.path()), (std::set<std::string>{name}));
}

TEST(Files, ADirectoryAppearsAsAWhole) {
  const TemporaryDirectory directory;
  {
    AtomicDirectory made(directory / "step-10/");
    EXPECT_FALSE(fs::exists(directory / "step-10"));
    fs::create_directory(made.path() / "inner");
    write_file_atomic(made.path() / "inner" / "state", std::string_view("x"));
    made.commit();
    EXPECT_THROW(made.commit(), std::logic_error);
  }
  EXPECT_EQ(read_text_file(directory / "step-10" / "inner" / "state"), "x");
  { AtomicDirectory dropped(directory / "step-20"); }
  EXPECT_EQ(names_in(directory.path()), (std::set<std::string>{"step-10"}));
}

TEST(Files, ADirectoryDoesNotReplaceAnother) {
  const TemporaryDirectory directory;
  fs::create_directory(directory / "run");
  write_file_atomic(directory / "run" / "model", std::string_view("x"));
  expect_part(message_of<PathError>([&] { AtomicDirectory made(directory / "run"); }),
              "/run' exists; got a directory that is not empty; expected a new name");
  expect_part(message_of<PathError>([&] { AtomicDirectory made(directory / "run" / "model"); }), "got a file");
  {
    AtomicDirectory made(directory / "late");
    fs::create_directory(directory / "late");
    write_file_atomic(directory / "late" / "model", std::string_view("y"));
    expect_part(message_of<IoError>([&] { made.commit(); }), "cannot create");
  }
  EXPECT_EQ(read_text_file(directory / "late" / "model"), "y");
  EXPECT_EQ(names_in(directory.path()), (std::set<std::string>{"run", "late"}));
  EXPECT_EQ(read_text_file(directory / "run" / "model"), "x");
  EXPECT_THROW(AtomicDirectory(directory / "run" / "model" / "x"), PathError);
  AtomicDirectory(directory / "absent" / "x").commit();  // parents are made
  EXPECT_TRUE(fs::is_directory(directory / "absent" / "x"));
}

TEST(Files, DirectoriesAreMadeAndAFileInTheWayIsNamed) {
  const TemporaryDirectory directory;
  make_directories(directory / "a" / "b" / "c/");
  make_directories(directory / "a" / "b" / "c");
  EXPECT_TRUE(fs::is_directory(directory / "a" / "b" / "c"));
  write_file_atomic(directory / "a" / "file", std::string_view("x"));
  expect_part(message_of<PathError>([&] { make_directories(directory / "a" / "file" / "c"); }),
              "/a/file' is a file; expected a directory");
  expect_part(message_of<PathError>([&] { make_directories(directory / "a" / "file"); }), "is a file");
  expect_part(message_of<IoError>([] { make_directories("/proc/oddity"); }), "cannot create");
  make_directories("");
}

TEST(Files, SyncOfAMissingDirectoryIsTold) {
  const TemporaryDirectory directory;
  fsync_directory(directory.path());
  EXPECT_THROW(fsync_directory(directory / "absent"), IoError);
}

}  // namespace
}  // namespace oddity
