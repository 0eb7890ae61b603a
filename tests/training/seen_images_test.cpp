#include "training/seen_images.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "core/config.h"
#include "training/anomaly_config.h"

namespace oddity {
namespace {

using ::testing::ElementsAre;

/// Images of 8x8 px that hold a number; the same number means the same pixels.
class Numbers final : public Dataset {
public:
  explicit Numbers(std::vector<int> numbers) : numbers_(std::move(numbers)) {
    for (std::size_t i = 0; i < numbers_.size(); ++i) {
      samples_.push_back({"train/good/" + std::to_string(i) + ".png", Split::train});
    }
  }
  std::string name() const override { return "numbers"; }
  const std::vector<Sample>& samples() const override { return samples_; }
  Image image(std::size_t i) const override {
    Image image(8, 8, 1, Depth::u8);
    std::fill(image.pixels.begin(), image.pixels.end(), static_cast<std::byte>(numbers_[i]));
    return image;
  }
  Image mask(std::size_t) const override { return Image(8, 8, 1, Depth::u8); }
  bool has_mask(std::size_t) const override { return true; }

private:
  std::vector<int> numbers_;
  std::vector<Sample> samples_;
};

std::vector<std::size_t> all_of(const Dataset& dataset) {
  std::vector<std::size_t> list(dataset.samples().size());
  for (std::size_t i = 0; i < list.size(); ++i) {
    list[i] = i;
  }
  return list;
}

TEST(SeenImages, TrainingAndValidationPartsAreKnownByContent) {
  const Numbers trained({0, 1, 2, 3, 4, 5});
  Splits splits;
  splits.train = {0, 1, 2}, splits.validation = {3}, splits.calibration = {4, 5};
  const std::vector<std::string> digests = seen_digests(splits, digest_splits(trained, splits));
  ASSERT_EQ(digests.size(), 4u);
  EXPECT_TRUE(std::is_sorted(digests.begin(), digests.end()));
  EXPECT_EQ(digests[0].size(), 16u);

  Package package;
  package.manifest_json = nlohmann::json{{"data", {{"training_images", digests}}}}.dump();
  // Another order, other names, a copy: content decides. 4 and 5 were held out, 9 is new.
  const Numbers folder({9, 3, 5, 0, 4, 0, 2});
  const SeenImages seen = find_seen(package, folder, all_of(folder));
  EXPECT_TRUE(seen.known);
  EXPECT_THAT(seen.indices, ElementsAre(1, 3, 5, 6));
  EXPECT_THAT(find_seen(package, folder, {0, 2, 3}).indices, ElementsAre(3));
}

TEST(SeenImages, PackagesWithoutAListKnowTheirOwnSet) {
  std::vector<int> numbers(30);
  for (int i = 0; i < 30; ++i) {
    numbers[static_cast<std::size_t>(i)] = i;
  }
  const Numbers trained(numbers);
  AnomalyConfig config;
  config.data.root = "parts";
  config.training.seed = 4;
  const Splits splits = make_splits(trained.samples(), config.data, 4);
  Package package;
  package.options_json = to_json(config);
  package.manifest_json = nlohmann::json{{"data", {{"sha256", digest_splits(trained, splits).all}}}}.dump();
  const SeenImages seen = find_seen(package, trained, all_of(trained));
  EXPECT_TRUE(seen.known);
  std::vector<std::size_t> expected = splits.train;
  expected.insert(expected.end(), splits.validation.begin(), splits.validation.end());
  std::sort(expected.begin(), expected.end());
  EXPECT_EQ(seen.indices, expected);

  numbers.back() = 99;  // one image more, less or other: the set is not the one of the training
  const Numbers other(numbers);
  EXPECT_FALSE(find_seen(package, other, all_of(other)).known);
  package.options_json = R"({"format": 1, "a key of tomorrow": 1})";
  EXPECT_FALSE(find_seen(package, trained, all_of(trained)).known);
  package.manifest_json = "{}";
  EXPECT_FALSE(find_seen(package, trained, all_of(trained)).known);
}

}  // namespace
}  // namespace oddity
