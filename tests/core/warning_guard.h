#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "core/log.h"

/// A test program that includes this header fails each test that logs a warning or an error which it did not announce
/// with `expect_warning("part of it")`, and each test whose announced warning did not come. Include it in one file per
/// program (more do no harm); it needs no call.
namespace oddity::testing {

/// What a test announced and what came. Apart from the listener so that it can be tested itself.
class WarningLedger {
public:
  void announce(std::string part) { announced_.push_back(std::move(part)); }

  /// One sentence for each warning without announcement and each announcement without warning.
  std::vector<std::string> faults(const std::vector<std::string>& warnings) const {
    std::vector<std::string> found;
    std::vector<bool> came(announced_.size(), false);
    for (const std::string& warning : warnings) {
      bool expected = false;
      for (std::size_t i = 0; i < announced_.size(); ++i) {
        if (warning.find(announced_[i]) != std::string::npos) {
          came[i] = true;
          expected = true;
        }
      }
      if (!expected) {
        found.push_back("unexpected warning: " + warning);
      }
    }
    for (std::size_t i = 0; i < announced_.size(); ++i) {
      if (!came[i]) {
        found.push_back("expected a warning with: " + announced_[i]);
      }
    }
    return found;
  }

private:
  std::vector<std::string> announced_;
};

class WarningGuard final : public ::testing::EmptyTestEventListener {
public:
  static WarningLedger& ledger() {
    static WarningLedger ledger;
    return ledger;
  }

private:
  void OnTestStart(const ::testing::TestInfo&) override {
    ledger() = {};
    recording_ = std::make_shared<RecordingLog>();
    add_log_sink(recording_);
  }
  void OnTestEnd(const ::testing::TestInfo&) override {
    remove_log_sink(recording_);
    for (const std::string& fault : ledger().faults(recording_->messages(LogLevel::warning))) {
      ADD_FAILURE() << fault;
    }
  }
  std::shared_ptr<RecordingLog> recording_;
};

/// Announces a warning (or error) of the running test whose text contains `part`.
inline void expect_warning(std::string part) { WarningGuard::ledger().announce(std::move(part)); }

inline const bool warning_guard_installed = [] {
  ::testing::UnitTest::GetInstance()->listeners().Append(new WarningGuard);  // gtest owns it
  return true;
}();

}  // namespace oddity::testing
