#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <map>
#include <set>

#include "core/digest.h"
#include "data/check.h"
#include "data/dataset.h"
#include "data/splits.h"

namespace oddity {
namespace {

/// The sets that ODDITY_DATA names, with the counts that their README states.
class RealSets : public testing::Test {
protected:
  std::filesystem::path root_;
  void SetUp() override {
    const char* where = std::getenv("ODDITY_DATA");
    if (where == nullptr || !std::filesystem::is_directory(where)) {
      GTEST_SKIP() << "ODDITY_DATA names no folder with the real sets";
    }
    root_ = where;
  }

  std::map<std::pair<Split, std::string>, std::size_t> counts(const Dataset& dataset) const {
    std::map<std::pair<Split, std::string>, std::size_t> found;
    for (const Sample& sample : dataset.samples()) {
      ++found[{sample.split, sample.label}];
    }
    return found;
  }

  using Counts = std::map<std::pair<Split, std::string>, std::size_t>;
};

TEST_F(RealSets, BallScrew) {
  const auto dataset = open_dataset((root_ / "ball_screw").string());
  EXPECT_EQ(counts(*dataset), (Counts{{{Split::train, "good"}, 288},
                                      {{Split::test, "good"}, 142},
                                      {{Split::test, "pitting"}, 325},
                                      {{Split::test, "pitting_other_type"}, 69}}));
  const DatasetCheck check = check_dataset(*dataset);
  EXPECT_TRUE(check.ok()) << to_text(check);
  EXPECT_EQ(check.masked, 325U + 69U);
  for (const auto& [kind, count] : check.kinds) {
    EXPECT_EQ(std::min(kind.height, kind.width), 128);
    EXPECT_EQ(kind.channels, 3);
    EXPECT_EQ(kind.depth, Depth::u8);
  }
  DataOptions options;
  options.exclude_labels = {"pitting_other_type"};
  const Splits splits = make_splits(dataset->samples(), options, 0);
  EXPECT_EQ(splits.test.size(), 142U + 325U);
  EXPECT_EQ(splits.calibration.size(), 43U);  // 0.15 * 288 = 43.2
  EXPECT_EQ(splits.validation.size(), 14U);   // 0.05 * 288 = 14.4
  EXPECT_EQ(splits.train.size(), 288U - 43U - 14U);
}

TEST_F(RealSets, BatteryWeld) {
  const auto dataset = open_dataset((root_ / "battery_weld").string());
  EXPECT_EQ(counts(*dataset),
            (Counts{{{Split::train, "good"}, 51}, {{Split::test, "good"}, 13}, {{Split::test, "defective"}, 93}}));
  const DatasetCheck check = check_dataset(*dataset);
  EXPECT_TRUE(check.ok()) << to_text(check);
  EXPECT_EQ(check.masked, 93U);
  for (const auto& [kind, count] : check.kinds) {
    EXPECT_EQ(std::min(kind.height, kind.width), 128);
    EXPECT_EQ(kind.channels, 1);
  }
}

TEST_F(RealSets, DeepPcbPatch) {
  const auto dataset = open_dataset((root_ / "deeppcb_patch").string());
  Counts expected{{{Split::train, "good"}, 787}, {{Split::test, "good"}, 200}};
  for (const char* label : {"open", "short", "mousebite", "spur", "copper", "pinhole"}) {
    expected[{Split::test, label}] = 100;
  }
  EXPECT_EQ(counts(*dataset), expected);
  std::set<std::string> groups;
  for (const Sample& sample : dataset->samples()) {
    groups.insert(sample.group);
    EXPECT_EQ(sample.columns.count("extra"), 1U);
  }
  EXPECT_EQ(groups.size(), 8U);
  for (std::size_t i = 0; i < dataset->samples().size(); i += 50) {
    const Image image = dataset->image(i);
    ASSERT_EQ(image.height, 128);
    ASSERT_EQ(image.width, 128);
    ASSERT_EQ(image.channels, 1);
    for (const std::byte value : image.pixels) {
      ASSERT_TRUE(value == std::byte{0} || value == std::byte{255});
    }
    ASSERT_EQ(dataset->mask(i).pixels.size(), image.pixels.size());
  }
}

TEST_F(RealSets, Idx) {
  const auto mnist = open_dataset((root_ / "mnist/t10k-images-idx3-ubyte.gz").string());
  const auto fashion = open_dataset((root_ / "fashion_mnist/train12k-images-idx3-ubyte.gz").string());
  const auto fashion_test = open_dataset((root_ / "fashion_mnist/t10k-images-idx3-ubyte.gz").string());
  EXPECT_EQ(mnist->samples().size(), 10'000U);
  EXPECT_EQ(fashion->samples().size(), 12'000U);
  EXPECT_EQ(fashion_test->samples().size(), 10'000U);
  EXPECT_EQ(fashion->samples()[0].split, Split::train);
  EXPECT_EQ(fashion_test->samples()[0].split, Split::test);
  const Counts mnist_counts = counts(*mnist);
  EXPECT_EQ(mnist_counts.size(), 10U);
  EXPECT_EQ(mnist_counts.at({Split::test, "1"}), 1'135U);  // as published: 1,135 ones in the test set
  for (const auto& [key, count] : counts(*fashion_test)) {
    EXPECT_EQ(count, 1'000U) << key.second;  // balanced, as published
  }
  EXPECT_EQ(mnist->image(9'999).width, 28);
}

}  // namespace
}  // namespace oddity
