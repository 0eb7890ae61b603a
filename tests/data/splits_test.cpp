#include "data/splits.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>

#include "test_files.h"

namespace oddity {
namespace {

using test::message_of;
using testing::HasSubstr;

void add(std::vector<Sample>& samples, std::size_t count, Split split, const std::string& label,
         const std::string& group = "") {
  for (std::size_t i = 0; i < count; ++i) {
    Sample sample;
    sample.file = std::to_string(samples.size());
    sample.split = split;
    sample.label = label;
    sample.group = group;
    samples.push_back(sample);
  }
}

std::size_t in_group(const std::vector<Sample>& samples, const std::vector<std::size_t>& list,
                     const std::string& group) {
  return static_cast<std::size_t>(
      std::count_if(list.begin(), list.end(), [&](std::size_t i) { return samples[i].group == group; }));
}

TEST(Splits, AreDisjointCompleteAndRepeatable) {
  std::vector<Sample> samples;
  add(samples, 100, Split::train, "good");
  add(samples, 7, Split::train, "dent");
  add(samples, 3, Split::train, "unknown");
  add(samples, 20, Split::test, "good");
  add(samples, 10, Split::test, "dent");
  add(samples, 5, Split::validation, "dent");
  const DataOptions options;
  const Splits a = make_splits(samples, options, 1);
  EXPECT_EQ(a.calibration.size(), 15U);  // 0.15 * 100
  EXPECT_EQ(a.validation.size(), 5U);    // 0.05 * 100
  EXPECT_EQ(a.train.size(), 80U);
  EXPECT_EQ(a.test.size(), 30U);
  EXPECT_EQ(a.validation_defects.size(), 5U);
  std::set<std::size_t> all;
  for (const auto* list : {&a.train, &a.calibration, &a.validation}) {
    for (const std::size_t i : *list) {
      EXPECT_TRUE(samples[i].good());
      EXPECT_EQ(samples[i].split, Split::train);
      EXPECT_TRUE(all.insert(i).second);
    }
    EXPECT_TRUE(std::is_sorted(list->begin(), list->end()));
  }
  EXPECT_EQ(all.size(), 100U);
  const Splits b = make_splits(samples, options, 1);
  EXPECT_EQ(a.calibration, b.calibration);
  EXPECT_EQ(a.validation, b.validation);
  EXPECT_NE(make_splits(samples, options, 2).calibration, a.calibration);
}

TEST(Splits, CountsAreClippedAsDocumented) {
  const DataOptions options;
  EXPECT_EQ(calibration_count(16, options), 6U);
  EXPECT_EQ(calibration_count(10'000, options), 400U);
  EXPECT_EQ(validation_count(16, options), 4U);
  EXPECT_EQ(validation_count(10'000, options), 60U);
  std::vector<Sample> samples;
  add(samples, 16, Split::train, "good");
  EXPECT_EQ(make_splits(samples, options, 0).train.size(), 6U);
}

TEST(Splits, EachGroupGivesItsShareUnderUnitPart) {
  std::vector<Sample> samples;
  const std::map<std::string, std::size_t> sizes = {{"a", 100}, {"b", 33}, {"c", 7}, {"d", 60}};
  for (const auto& [group, size] : sizes) {
    add(samples, size, Split::train, "good", group);
  }
  DataOptions options;
  options.calibration_fraction = 0.2;  // 40 of 200
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    const Splits splits = make_splits(samples, options, seed);
    ASSERT_EQ(splits.calibration.size(), 40U);
    for (const auto& [group, size] : sizes) {
      const double share = 0.2 * static_cast<double>(size);
      const auto got = static_cast<double>(in_group(samples, splits.calibration, group));
      EXPECT_GT(got, share - 1.0 - 1e-9) << group;
      EXPECT_LT(got, share + 1.0 + 1e-9) << group;
    }
  }
}

TEST(Splits, EveryPartHasTheSameChance) {
  // Groups of one, two and many: inclusion is 15 / 100 for each part. 4,000 seeds: standard error 0.0056.
  std::vector<Sample> samples;
  add(samples, 20, Split::train, "good");
  for (int g = 0; g < 15; ++g) {
    add(samples, 2, Split::train, "good", "pair" + std::to_string(g));
  }
  add(samples, 50, Split::train, "good", "many");
  std::vector<int> hits(samples.size()), validation_hits(samples.size());
  constexpr int seeds = 4'000;
  for (int seed = 0; seed < seeds; ++seed) {
    const Splits splits = make_splits(samples, {}, static_cast<std::uint64_t>(seed));
    for (const std::size_t i : splits.calibration) {
      ++hits[i];
    }
    for (const std::size_t i : splits.validation) {
      ++validation_hits[i];
    }
  }
  for (std::size_t i = 0; i < samples.size(); ++i) {
    // 5 standard errors: a false alarm in 100 parts has probability 6e-5, and the seeds are fixed.
    EXPECT_NEAR(static_cast<double>(hits[i]) / seeds, 0.15, 5 * 0.0057) << i;
    EXPECT_NEAR(static_cast<double>(validation_hits[i]) / seeds, 0.05, 5 * 0.0035) << i;
  }
}

TEST(Splits, WholeGroupsUnderUnitGroup) {
  std::vector<Sample> samples;
  for (int g = 0; g < 10; ++g) {
    add(samples, 10, Split::train, "good", "lot" + std::to_string(g));
  }
  add(samples, 5, Split::test, "good", "new lot");
  DataOptions options;
  options.calibration_unit = "group";
  const Splits splits = make_splits(samples, options, 3);
  EXPECT_EQ(splits.calibration.size(), 20U);  // 15 wanted, whole lots of 10
  EXPECT_EQ(splits.validation.size(), 10U);   // 5 wanted
  std::map<std::string, int> where;
  for (const auto& [list, name] : {std::pair{&splits.train, 1}, {&splits.calibration, 2}, {&splits.validation, 3}}) {
    for (const std::size_t i : *list) {
      const auto [entry, inserted] = where.emplace(samples[i].group, name);
      EXPECT_EQ(entry->second, name) << samples[i].group;
    }
  }
}

TEST(Splits, GroupsThatSpanTrainAndTestAreRefusedUnderUnitGroup) {
  std::vector<Sample> samples;
  for (int g = 0; g < 10; ++g) {
    add(samples, 3, Split::train, "good", "lot" + std::to_string(g));
  }
  add(samples, 1, Split::test, "dent", "lot4");
  DataOptions options;
  EXPECT_NO_THROW(make_splits(samples, options, 0));
  options.calibration_unit = "group";
  EXPECT_THAT(message_of<InvalidArgument>([&] { make_splits(samples, options, 0); }),
              HasSubstr("group 'lot4' spans the splits train and test"));
  options.exclude_labels = {"dent"};
  EXPECT_NO_THROW(make_splits(samples, options, 0));
}

TEST(Splits, RefuseTooLittle) {
  std::vector<Sample> samples;
  add(samples, 15, Split::train, "good", "one lot");
  add(samples, 30, Split::train, "unknown");
  EXPECT_THAT(message_of<InvalidArgument>([&] { make_splits(samples, {}, 0); }),
              testing::AllOf(HasSubstr("too few good training images; got 15; expected at least 16"),
                             HasSubstr("put photographs of good parts into FOLDER/train/good")));
  std::vector<Sample> photographs;
  add(photographs, 30, Split::test, "unknown");
  EXPECT_THAT(message_of<InvalidArgument>([&] { make_splits(photographs, {}, 0); }),
              HasSubstr("got 0 among 30 images without a label"));
  add(samples, 1, Split::train, "good", "one lot");
  DataOptions options;
  options.calibration_unit = "group";
  EXPECT_THAT(message_of<InvalidArgument>([&] { make_splits(samples, options, 0); }),
              HasSubstr("too few groups of good training images to hold out whole ones; got 1; expected at least 3"));
  options.calibration_unit = "lot";
  EXPECT_THAT(message_of<InvalidArgument>([&] { make_splits(samples, options, 0); }),
              HasSubstr("unknown calibration unit; got 'lot'"));
  options = {};
  options.calibration_fraction = 0.8;
  options.validation_fraction = 0.3;
  EXPECT_THAT(message_of<InvalidArgument>([&] { make_splits(samples, options, 0); }),
              HasSubstr("nothing left to train on"));
  options.exclude_labels = {"dnt"};
  EXPECT_THAT(message_of<InvalidArgument>([&] { make_splits(samples, options, 0); }),
              HasSubstr("exclude_labels names a label that no image has; got 'dnt'; expected some of good"));
  options.exclude_labels = {"good"};
  EXPECT_THAT(message_of<InvalidArgument>([&] { make_splits(samples, options, 0); }), HasSubstr("got 0"));
}

TEST(Splits, WhatTheSourceSaysIsKept) {
  std::vector<Sample> samples;
  add(samples, 20, Split::train, "good");
  add(samples, 3, Split::calibration, "good");
  add(samples, 2, Split::calibration, "dent");
  add(samples, 2, Split::validation, "good");
  add(samples, 4, Split::test, "dent");
  add(samples, 4, Split::test, "other");
  DataOptions options;
  options.exclude_labels = {"other"};
  const Splits splits = make_splits(samples, options, 0);
  EXPECT_EQ(splits.train.size(), 20U);
  EXPECT_THAT(splits.calibration, testing::ElementsAre(20U, 21U, 22U));
  EXPECT_THAT(splits.validation, testing::ElementsAre(25U, 26U));
  EXPECT_EQ(splits.test.size(), 4U);
}

/// Notes the fields it is shown.
class Names final : public OptionsVisitor {
public:
  std::vector<std::string> names;
  void field(bool&, const Field& f) override { note(f); }
  void field(std::int64_t&, const Field& f) override { note(f); }
  void field(double&, const Field& f) override { note(f); }
  void field(std::string&, const Field& f) override { note(f); }
  void field(std::vector<std::int64_t>&, const Field& f) override { note(f); }
  void field(std::vector<double>&, const Field& f) override { note(f); }
  void field(std::vector<std::string>&, const Field& f) override { note(f); }
  void begin_section(const char*, const char*) override {}
  void end_section() override {}

private:
  void note(const Field& f) {
    EXPECT_GT(std::string(f.help).size(), 20U) << f.name;
    names.push_back(f.name);
  }
};

TEST(DataOptions, DescribesEveryFieldOnce) {
  DataOptions options;
  Names visitor;
  describe(visitor, options);
  EXPECT_THAT(visitor.names, testing::ElementsAre("root", "image_size", "fit", "exclude_labels", "full_scale",
                                                  "channels", "convert_channels", "calibration_unit",
                                                  "calibration_fraction", "validation_fraction", "region_of_interest",
                                                  "minimum_area", "millimetres_per_pixel"));
}

TEST(DataOptions, ChecksWhatRangesCannotSay) {
  DataOptions options;
  EXPECT_NO_THROW(check_options(options));
  options.millimetres_per_pixel = {0.1, 0.2, 0.3};
  EXPECT_THROW(check_options(options), InvalidArgument);
  options.millimetres_per_pixel = {0.0};
  EXPECT_THROW(check_options(options), InvalidArgument);
  options.millimetres_per_pixel = {0.1, 0.2};
  EXPECT_NO_THROW(check_options(options));
  options.region_of_interest = "[[[0, 0]]]";
  EXPECT_THROW(check_options(options), InvalidArgument);
  options.region_of_interest = "";
  options.calibration_fraction = 0.7;
  options.validation_fraction = 0.3;
  EXPECT_THROW(check_options(options), InvalidArgument);
}

}  // namespace
}  // namespace oddity
