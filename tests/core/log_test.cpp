#include "core/log.h"

#include <sstream>
#include <stdexcept>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "core/error.h"
#include "core/files.h"
#include "temporary_directory.h"
#include "warning_guard.h"

namespace oddity {
namespace {

TEST(Log, SinksReceiveLevelAndText) {
  const auto recording = std::make_shared<RecordingLog>();
  {
    const ScopedLogSink scope(recording);
    log_debug("not shown at level info");
    log_info("{} images", 12);
    testing::expect_warning("only 3");
    log_warning("only {} good parts", 3);
    testing::expect_warning("gone");
    log_error("the camera is gone");
  }
  log_info("after the scope");
  const std::vector<LogRecord> records = recording->records();
  ASSERT_EQ(records.size(), 3u);
  EXPECT_EQ(records[0].level, LogLevel::info);
  EXPECT_EQ(records[0].message, "12 images");
  EXPECT_EQ(records[1].level, LogLevel::warning);
  EXPECT_EQ(records[2].level, LogLevel::error);
  EXPECT_EQ(recording->messages(LogLevel::warning),
            (std::vector<std::string>{"only 3 good parts", "the camera is gone"}));
  recording->clear();
  EXPECT_TRUE(recording->records().empty());
}

TEST(Log, LevelDropsBeforeFormatting) {
  const auto recording = std::make_shared<RecordingLog>();
  const ScopedLogSink scope(recording);
  set_log_level(LogLevel::error);
  EXPECT_FALSE(log_enabled(LogLevel::warning));
  log_warning("dropped");
  set_log_level(LogLevel::debug);
  log_debug("kept");
  set_log_level(LogLevel::info);
  EXPECT_EQ(recording->messages(LogLevel::debug), (std::vector<std::string>{"kept"}));
}

TEST(Log, StderrIsPlainForInfoAndNamesTheLevelOtherwise) {
  testing::expect_warning("odd light");
  ::testing::internal::CaptureStderr();
  log_info("done");
  log_warning("odd light");
  EXPECT_EQ(::testing::internal::GetCapturedStderr(), "done\nwarning: odd light\n");
}

TEST(Log, BracesInAMessageAreText) {
  const auto recording = std::make_shared<RecordingLog>();
  const ScopedLogSink scope(recording);
  log_message(LogLevel::info, "{} {0} %s");
  log_info("{}", "{}");
  EXPECT_EQ(recording->messages(LogLevel::info), (std::vector<std::string>{"{} {0} %s", "{}"}));
}

TEST(Log, JsonLinesAreValidWhateverTheMessage) {
  const testing::TemporaryDirectory directory;
  const auto sink = make_json_lines_log(directory / "log.jsonl");
  const std::string wild = "quote \" backslash \\ newline \n tab \t not UTF-8 \xff end";
  {
    const ScopedLogSink scope(sink);
    log_info("{}", wild);
    testing::expect_warning("second");
    log_warning("second");
  }
  std::istringstream lines(read_text_file(directory / "log.jsonl"));
  std::string line;
  ASSERT_TRUE(std::getline(lines, line));
  nlohmann::json record = nlohmann::json::parse(line);
  EXPECT_EQ(record["schema"], 1);
  EXPECT_EQ(record["level"], "info");
  EXPECT_EQ(record["message"], "quote \" backslash \\ newline \n tab \t not UTF-8 \xEF\xBF\xBD end");
  const std::string time = record["time"];
  EXPECT_EQ(time.size(), 24u) << time;
  EXPECT_EQ(time.back(), 'Z');
  ASSERT_TRUE(std::getline(lines, line));
  record = nlohmann::json::parse(line);
  EXPECT_EQ(record["level"], "warning");
  EXPECT_FALSE(std::getline(lines, line));
}

TEST(Log, JsonLinesAppend) {
  const testing::TemporaryDirectory directory;
  for (int i = 0; i < 2; ++i) {
    const ScopedLogSink scope(make_json_lines_log(directory / "log.jsonl"));
    log_info("run {}", i);
  }
  const std::string text = read_text_file(directory / "log.jsonl");
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 2);
}

TEST(Log, JsonLinesThatCannotBeOpenedAreTold) {
  const testing::TemporaryDirectory directory;
  EXPECT_THROW(make_json_lines_log(directory / "absent" / "log.jsonl"), PathError);
  EXPECT_THROW(make_json_lines_log(directory.path()), PathError);
}

TEST(Log, AFullDiskIsToldOnceAndStopsNothing) {
  ::testing::internal::CaptureStderr();
  {
    const ScopedLogSink scope(make_json_lines_log("/dev/full"));
    log_info("one");
    log_info("two");
  }
  const std::string text = ::testing::internal::GetCapturedStderr();
  EXPECT_NE(text.find("cannot write '/dev/full': No space left on device"), std::string::npos) << text;
  EXPECT_EQ(text.find("cannot write"), text.rfind("cannot write"));
  EXPECT_NE(text.find("two"), std::string::npos);
}

TEST(Log, ASinkThatThrowsStopsNothing) {
  struct Throwing final : LogSink {
    void write(const LogRecord&) override { throw std::runtime_error("sink is broken"); }
  };
  ::testing::internal::CaptureStderr();
  {
    const ScopedLogSink scope(std::make_shared<Throwing>());
    log_info("goes on");
  }
  EXPECT_NE(::testing::internal::GetCapturedStderr().find("sink is broken"), std::string::npos);
}

TEST(WarningLedger, FindsWhatWasNotAnnouncedAndWhatDidNotCome) {
  testing::WarningLedger ledger;
  EXPECT_TRUE(ledger.faults({}).empty());
  EXPECT_EQ(ledger.faults({"too dark"}), (std::vector<std::string>{"unexpected warning: too dark"}));
  ledger.announce("dark");
  EXPECT_TRUE(ledger.faults({"too dark", "very dark"}).empty());
  EXPECT_EQ(ledger.faults({}), (std::vector<std::string>{"expected a warning with: dark"}));
  EXPECT_EQ(ledger.faults({"too dark", "too bright"}), (std::vector<std::string>{"unexpected warning: too bright"}));
}

}  // namespace
}  // namespace oddity
