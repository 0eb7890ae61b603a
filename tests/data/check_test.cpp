#include "data/check.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "data/stats.h"
#include "test_files.h"

namespace oddity {
namespace {

using test::MemoryDataset;
using test::numbered_image;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

Image one_pixel_mask() {
  Image mask(8, 8, 1, Depth::u8);
  mask.u8()[5] = 255;
  return mask;
}

MemoryDataset sound() {
  MemoryDataset dataset;
  for (unsigned i = 0; i < 16; ++i) {
    dataset.add("train/" + std::to_string(i), Split::train, "good", numbered_image(8, 8, 1, Depth::u8, i));
  }
  dataset.add("test/good", Split::test, "good", numbered_image(8, 8, 1, Depth::u8, 100));
  dataset.add("test/dent", Split::test, "dent", numbered_image(8, 8, 1, Depth::u8, 101), one_pixel_mask());
  return dataset;
}

TEST(DatasetCheck, PassesASoundSet) {
  const DatasetCheck check = check_dataset(sound());
  EXPECT_TRUE(check.ok());
  EXPECT_TRUE(check.problems.empty());
  EXPECT_EQ(check.images, 18U);
  EXPECT_EQ(check.masked, 1U);
  EXPECT_EQ(check.labels.at({Split::train, "good"}), 16U);
  EXPECT_EQ(check.labels.at({Split::test, "dent"}), 1U);
  EXPECT_EQ(check.kinds.at({8, 8, 1, Depth::u8}), 18U);
  EXPECT_THAT(to_text(check), AllOf(HasSubstr("memory: 18 images"), HasSubstr("8x8 px, 1 channel, 8 bit: 18"),
                                    HasSubstr("usable\n"), Not(HasSubstr("not usable"))));
}

TEST(DatasetCheck, FindsEachProblem) {
  MemoryDataset dataset = sound();
  dataset.add("test/unreadable", Split::test, "good", Image());
  dataset.add("test/no mask", Split::test, "dent", numbered_image(8, 8, 1, Depth::u8, 102));
  dataset.add("test/empty mask", Split::test, "dent", numbered_image(8, 8, 1, Depth::u8, 103),
              Image(8, 8, 1, Depth::u8));
  dataset.add("test/copy", Split::test, "good", numbered_image(8, 8, 1, Depth::u8, 3));
  dataset.add("test/twice", Split::test, "good", numbered_image(8, 8, 1, Depth::u8, 101));
  dataset.add("train/again", Split::train, "good", numbered_image(8, 8, 1, Depth::u8, 5));
  dataset.add("test/deep", Split::test, "good", numbered_image(8, 8, 3, Depth::u16, 104));
  dataset.list[0].group = "lot 7";
  dataset.list[16].group = "lot 7";
  const DatasetCheck check = check_dataset(dataset);
  EXPECT_FALSE(check.ok());
  const std::string text = to_text(check);
  EXPECT_THAT(text, HasSubstr("error: images that cannot be read (1): [test] test/unreadable: damaged"));
  EXPECT_THAT(text, HasSubstr("error: defective images whose mask has no pixel (1): test/empty mask"));
  EXPECT_THAT(text, HasSubstr("error: equal images in several splits (1): train/3 = test/copy"));
  EXPECT_THAT(text, HasSubstr("error: equal images under several labels (1): test/dent = test/twice"));
  EXPECT_THAT(text, HasSubstr("warning: defective images without a mask (1): test/no mask"));
  EXPECT_THAT(text, HasSubstr("warning: equal images within a split (1): train/5 = train/again"));
  EXPECT_THAT(text, HasSubstr("warning: groups both in train and test"));
  EXPECT_THAT(text, HasSubstr("lot 7"));
  EXPECT_THAT(text, HasSubstr("warning: images of several channel counts: 1, 3"));
  EXPECT_THAT(text, HasSubstr("warning: images of 8 and of 16 bit"));
  EXPECT_THAT(text, HasSubstr("not usable: 4 errors"));
  EXPECT_TRUE(check.problems.front().error);
  EXPECT_FALSE(check.problems.back().error);
}

TEST(DatasetCheck, SaysWhenThereIsTooLittle) {
  MemoryDataset dataset;
  for (unsigned i = 0; i < 30; ++i) {
    dataset.add("test/" + std::to_string(i), Split::test, "good", Image());
  }
  const std::string text = to_text(check_dataset(dataset));
  EXPECT_THAT(
      text, HasSubstr("too few good training images: got 0, expected at least 16: put photographs of good parts into"));
  EXPECT_THAT(text, HasSubstr("no defective image in test"));
  EXPECT_THAT(text, HasSubstr("images that cannot be read (30)"));
  EXPECT_THAT(text, HasSubstr("and 20 more"));
}

TEST(DatasetStats, AgreeWithTheDefinition) {
  MemoryDataset dataset;
  Image a(1, 2, 2, Depth::u8);
  Image b(2, 2, 2, Depth::u8);
  const int first[] = {10, 255, 20, 0};
  const int second[] = {30, 255, 40, 255, 50, 1, 60, 2};
  std::copy(first, first + 4, a.u8());
  std::copy(second, second + 8, b.u8());
  dataset.add("a", Split::train, "good", a);
  dataset.add("b", Split::train, "good", b);
  Image small(2, 5, 1, Depth::u8), large(2, 5, 1, Depth::u8);
  small.u8()[0] = 255;
  std::fill(large.pixels.begin(), large.pixels.begin() + 4, std::byte{255});
  dataset.add("c", Split::test, "dent", Image(2, 5, 1, Depth::u8), small);
  dataset.add("d", Split::test, "dent", Image(2, 5, 1, Depth::u8), large);
  const DatasetStats stats = dataset_stats(dataset);
  const auto& channels = stats.channels.at({Split::train, Depth::u8});
  ASSERT_EQ(channels.size(), 2U);
  EXPECT_EQ(channels[0].values, 6U);
  EXPECT_DOUBLE_EQ(channels[0].minimum, 10);
  EXPECT_DOUBLE_EQ(channels[0].maximum, 60);
  EXPECT_DOUBLE_EQ(channels[0].mean, 35);  // 10, 20, ..., 60
  EXPECT_NEAR(channels[0].deviation, std::sqrt(1750.0 / 6.0), 1e-12);
  EXPECT_DOUBLE_EQ(channels[0].saturated, 0);
  EXPECT_DOUBLE_EQ(channels[1].saturated, 0.5);
  const AreaStats& areas = stats.areas.at("dent");
  EXPECT_EQ(areas.images, 2U);
  EXPECT_DOUBLE_EQ(areas.smallest, 1);
  EXPECT_DOUBLE_EQ(areas.median, 2.5);
  EXPECT_DOUBLE_EQ(areas.largest, 4);
  EXPECT_DOUBLE_EQ(areas.largest_share, 0.4);
  EXPECT_EQ(stats.labels.at({Split::train, "good"}), 2U);
  EXPECT_THAT(to_text(stats), testing::ContainsRegex("test +dent +2\n"));
  EXPECT_THAT(to_text(stats), AllOf(HasSubstr("channel 0: 10 to 60, mean 35.00"), HasSubstr("dent"),
                                    HasSubstr("2 images: 1 to 4 px, median 2 px")));
}

}  // namespace
}  // namespace oddity
