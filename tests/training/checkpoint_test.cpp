#include "training/checkpoint.h"

#include <filesystem>
#include <fstream>

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "core/error.h"
#include "tests/core/warning_guard.h"

namespace oddity {
namespace {

class CheckpointTest : public ::testing::Test {
protected:
  void SetUp() override {
    folder_ = std::filesystem::path(::testing::TempDir()) /
              ("checkpoints-" + std::string(::testing::UnitTest::GetInstance()->current_test_info()->name()));
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directories(folder_);
  }
  void write(std::int64_t step, double value) {
    write_checkpoint(folder_, {0, step, 10 * step, 1.5, 2.5},
                     {{"a", at::full({2, 3}, value)}, {"n", at::tensor({step})}}, {{"a/step", at::full({}, value)}});
  }
  std::filesystem::path folder_;
};

TEST_F(CheckpointTest, RoundTripKeepsBitsAndTheNewestTwo) {
  EXPECT_FALSE(newest_checkpoint(folder_).has_value());
  for (const std::int64_t step : {1, 2, 30}) {
    write(step, 0.1 * static_cast<double>(step));
  }
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder_ / "checkpoints"), {}), 2);
  const auto newest = newest_checkpoint(folder_);
  ASSERT_TRUE(newest.has_value());
  EXPECT_EQ(newest->position.step, 30);
  EXPECT_EQ(newest->position.metrics_bytes, 300);
  at::Tensor a = at::zeros({2, 3}), n = at::zeros({1}, at::kLong);
  restore_tensors(newest->directory / "model.safetensors", {{"a", a}, {"n", n}});
  EXPECT_TRUE(at::equal(a, at::full({2, 3}, 0.1 * 30)));
  EXPECT_EQ(n.item<std::int64_t>(), 30);
}

TEST_F(CheckpointTest, EveryDamageIsNamedAndTheOneBeforeIsTaken) {
  for (const char* file : {"model.safetensors", "optimizer.safetensors", "state.json", "MANIFEST.json"}) {
    for (const bool truncate : {true, false}) {
      std::filesystem::remove_all(folder_ / "checkpoints");
      write(1, 1), write(2, 2);
      const std::filesystem::path victim = newest_checkpoint(folder_)->directory / file;
      if (truncate) {
        std::filesystem::resize_file(victim, std::filesystem::file_size(victim) / 2);
      } else {
        std::fstream f(victim, std::ios::in | std::ios::out | std::ios::binary);
        f.seekg(static_cast<std::streamoff>(std::filesystem::file_size(victim) / 2));
        const char c = static_cast<char>(f.peek() ^ 1);
        f.seekp(static_cast<std::streamoff>(std::filesystem::file_size(victim) / 2));
        f.put(c);
      }
      testing::expect_warning("damaged checkpoint skipped");
      const auto found = newest_checkpoint(folder_);
      ASSERT_TRUE(found.has_value()) << file;
      EXPECT_EQ(found->position.step, 1) << file;
    }
  }
}

TEST_F(CheckpointTest, RestoreListsAllDifferences) {
  write(1, 1);
  const auto file = newest_checkpoint(folder_)->directory / "model.safetensors";
  try {
    restore_tensors(file, {{"a", at::zeros({3, 2})}, {"b", at::zeros({1})}});
    FAIL();
  } catch (const ContentError& error) {
    const std::string text = error.what();
    for (const char* part : {"a has another", "missing b", "unknown n"}) {
      EXPECT_NE(text.find(part), std::string::npos) << text;
    }
  }
}

}  // namespace
}  // namespace oddity
