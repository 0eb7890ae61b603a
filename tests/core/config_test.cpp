#include "core/config.h"

#include <cmath>
#include <limits>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "core/error.h"
#include "core/files.h"
#include "core/random.h"
#include "sample_options.h"
#include "temporary_directory.h"

namespace oddity {
namespace {

SampleOptions read(const std::string& text, const std::vector<std::string>& overrides = {}) {
  return read_options<SampleOptions>(ConfigDocument::parse(text, "c.yaml", "/configs", overrides));
}

TEST(Config, ReadsEveryKindOfField) {
  const SampleOptions options = read(R"(# a comment
format: 1
model: template
data:
  root: /parts
  image_size: [64, 96]
  exclude_labels:
    - scratch
    - "7"
    - 8
  full_scale: 4095
training:
  steps: +250
  seed: 9007199254740993
  resume: true
  device: cpu
  schedule: {rate: 1e-4, decay: [0.5, 1]}
)");
  EXPECT_EQ(options.model, "template");
  EXPECT_EQ(options.data.root, "/parts");
  EXPECT_EQ(options.data.image_size, (std::vector<std::int64_t>{64, 96}));
  EXPECT_EQ(options.data.exclude_labels, (std::vector<std::string>{"scratch", "7", "8"}));
  EXPECT_EQ(options.data.full_scale, 4095.0);
  EXPECT_EQ(options.training.steps, 250);
  EXPECT_EQ(options.training.seed, 9007199254740993);  // not a double on the way
  EXPECT_TRUE(options.training.resume);
  EXPECT_EQ(options.training.device, "cpu");
  EXPECT_EQ(options.training.schedule.rate, 1e-4);
  EXPECT_EQ(options.training.schedule.decay, (std::vector<double>{0.5, 1.0}));
}

TEST(Config, WhatIsAbsentKeepsItsDefault) {
  SampleOptions defaults;
  defaults.training.steps = 17;
  const auto document = ConfigDocument::parse("format: 1\ndata: {root: /parts}\ntraining:\n", "c.yaml");
  const SampleOptions options = read_options(document, defaults);
  EXPECT_EQ(options.training.steps, 17);
  EXPECT_EQ(options.training.schedule.rate, 3e-3);
}

TEST(Config, OverridesReplaceAddAndMakeSections) {
  const SampleOptions options = read("format: 1\ndata: {root: /parts}\ntraining: {steps: 5}\n",
                                     {"training.steps=7", "training.schedule.rate=0.25", "data.image_size=[32, 48]",
                                      "model=template", "data.exclude_labels=[a, b]", "training.steps=8"});
  EXPECT_EQ(options.training.steps, 8);  // the last one counts
  EXPECT_EQ(options.training.schedule.rate, 0.25);
  EXPECT_EQ(options.data.image_size, (std::vector<std::int64_t>{32, 48}));
  EXPECT_EQ(options.model, "template");
  EXPECT_EQ(options.data.exclude_labels, (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(read("", {"format=1", "data.root=/a", "training={steps: 3}"}).training.steps, 3);
  EXPECT_EQ(read("format: 1\nmodel: x\n", {"model=", "data.root=a=b"}).model, "");
}

TEST(Config, RelativePathsResolveAgainstTheirSource) {
  const std::filesystem::path here = std::filesystem::current_path();
  EXPECT_EQ(read("format: 1\ndata: {root: parts/a/, folders: [x, ../y, /z]}").data.root, "/configs/parts/a");
  EXPECT_EQ(read("format: 1\ndata: {root: a, folders: [x, ../y, /z]}").data.folders,
            (std::vector<std::string>{"/configs/x", "/y", "/z"}));
  EXPECT_EQ(read("format: 1\ndata: {root: a}", {"data.root=../b"}).data.root, (here.parent_path() / "b").string());
  EXPECT_EQ(read("format: 1\ndata: {root: a}", {"data.folders=[b]"}).data.root, "/configs/a");
  EXPECT_EQ(read("format: 1\ndata: {root: \"synthetic:line?n=20\"}").data.root, "synthetic:line?n=20");
  EXPECT_EQ(read("format: 1\ndata: {root: a}", {"data.root=synthetic:line?n=200&seed=1"}).data.root,
            "synthetic:line?n=200&seed=1");
  EXPECT_EQ(read("format: 1\ndata: {root: \"\"}").data.root, "");
  EXPECT_EQ(read("format: 1\nmodel: a/../b\ndata: {root: a}").model, "a/../b");  // no path
}

TEST(Config, LoadsAFileAndResolvesBesideIt) {
  const testing::TemporaryDirectory directory;
  write_file_atomic(directory / "c.yaml", std::string_view("\xEF\xBB\xBF"
                                                           "format: 1\r\ndata:\r\n  root: parts\r\n"));
  const auto document = ConfigDocument::load(directory / "c.yaml", {"training.steps=3"});
  const auto options = read_options<SampleOptions>(document);
  EXPECT_EQ(options.data.root, (directory / "parts").string());
  EXPECT_EQ(options.training.steps, 3);
  EXPECT_THROW(ConfigDocument::load(directory / "absent.yaml"), PathError);
  EXPECT_THROW(ConfigDocument::load(directory.path()), PathError);
}

TEST(Config, PeekTellsATopLevelWord) {
  const auto document = ConfigDocument::parse("format: 1\nmodel: flow\ndata: {root: a}", "c.yaml", ".", {"model=gan"});
  EXPECT_EQ(document.peek("model", "oddnet"), "gan");
  EXPECT_EQ(document.peek("family", "anomaly"), "anomaly");
  EXPECT_THROW(document.peek("data", "x"), ConfigError);
}

TEST(Config, YamlReadsBackToTheSameBits) {
  SampleOptions options;
  options.model = "true";
  options.data.root = "/a b/\"q\": #x\n\\\xC3\xA9";
  options.data.exclude_labels = {"",   "null",  "~",   "-1",   "1e3", "yes", "a: b",
                                 "[x", "plain", "Off", "x #y", " a ", "\t"};
  options.data.full_scale = 0.1 + 0.2;
  options.training.seed = std::numeric_limits<std::int64_t>::max();
  options.training.resume = true;
  options.training.schedule.rate = std::nextafter(1.0, 0.0);
  options.training.schedule.decay = {5e-324, 1.0};
  const auto back = read_options<SampleOptions>(ConfigDocument::parse(to_yaml(options), "written.yaml"));
  EXPECT_EQ(back.model, options.model);
  EXPECT_EQ(back.data.root, options.data.root);
  EXPECT_EQ(back.data.exclude_labels, options.data.exclude_labels);
  EXPECT_EQ(back.data.full_scale, options.data.full_scale);
  EXPECT_EQ(back.training.seed, options.training.seed);
  EXPECT_EQ(back.training.resume, options.training.resume);
  EXPECT_EQ(back.training.schedule.rate, options.training.schedule.rate);
  EXPECT_EQ(back.training.schedule.decay, options.training.schedule.decay);
  auto copy = back;
  EXPECT_EQ(to_yaml(copy), to_yaml(options));
  // JSON is YAML too, so that the options of a package can be read as a config.
  const auto from_json = read_options<SampleOptions>(ConfigDocument::parse(to_json(options), "options.json"));
  auto other = from_json;
  EXPECT_EQ(to_yaml(other), to_yaml(options));
}

struct Numbers {
  double value = 0;
};
void describe(OptionsVisitor& v, Numbers& o) { v.field(o.value, {.name = "value", .help = "Any number."}); }

TEST(Config, RandomDoublesRoundTrip) {
  RandomStream random(1, "doubles");
  for (int i = 0; i < 2'000; ++i) {
    const std::uint64_t bits = (std::uint64_t{random.bits()} << 32) | random.bits();
    Numbers numbers;
    std::memcpy(&numbers.value, &bits, sizeof bits);
    if (!std::isfinite(numbers.value)) {
      continue;
    }
    const double back = read_options<Numbers>(ConfigDocument::parse(to_yaml(numbers), "n.yaml")).value;
    ASSERT_EQ(back, numbers.value);
    ASSERT_EQ(std::signbit(back), std::signbit(numbers.value));
  }
  for (const double infinite : {HUGE_VAL, -HUGE_VAL}) {
    Numbers numbers{infinite};
    EXPECT_EQ(read_options<Numbers>(ConfigDocument::parse(to_yaml(numbers), "n.yaml")).value, infinite);
    EXPECT_TRUE(nlohmann::json::accept(to_json(numbers)));
  }
  Numbers none{std::nan("")};
  EXPECT_THROW(to_yaml(none), InvalidArgument);
}

TEST(Config, TextThatIsNotUtf8CannotBeWritten) {
  SampleOptions options;
  options.data.root = "\xff";
  EXPECT_THROW(to_yaml(options), InvalidArgument);
  EXPECT_THROW(to_json(options), InvalidArgument);
}

TEST(Config, JsonKeepsTheOrderOfTheDescription) {
  SampleOptions options;
  EXPECT_EQ(to_json(options),
            R"({"format":1,"model":"oddnet","data":{"root":"","image_size":[128,128],"exclude_labels":[],"folders":[],)"
            R"("full_scale":0.0},"training":{"steps":4000,"seed":0,"resume":false,"device":"auto",)"
            R"("schedule":{"rate":0.003,"decay":[0.9,0.999]}}})");
  EXPECT_TRUE(nlohmann::json::accept(to_json(options)));
}

struct Split {
  SampleSchedule schedule;
  std::int64_t late = 1;
};
void describe(OptionsVisitor& v, Split& o) {  // one section, described in two places
  section(v, "schedule", "First part.", o.schedule);
  v.begin_section("schedule", "Second part.");
  v.field(o.late, {.name = "late", .help = "A key of another module."});
  v.end_section();
}

TEST(Config, ASectionMayBeDescribedInTwoPlaces) {
  const Split split = read_options<Split>(ConfigDocument::parse("format: 1\nschedule: {rate: 0.5, late: 9}", "c.yaml"));
  EXPECT_EQ(split.schedule.rate, 0.5);
  EXPECT_EQ(split.late, 9);
  Split copy = split;
  EXPECT_EQ(to_yaml(copy), "format: 1\nschedule:\n  rate: 0.5\n  decay: [0.9, 0.999]\n  late: 9\n");
}

TEST(Config, HelpNamesKeyDefaultRangeAndMeaning) {
  SampleOptions options;
  const std::string help = to_help(options);
  const auto line_of = [&](const std::string& key) {
    const std::size_t at = help.find("\n" + key);
    EXPECT_NE(at, std::string::npos) << key;
    return help.substr(at + 1, help.find('\n', at + 1) - at - 1);
  };
  EXPECT_EQ(line_of("training  "), "training  How to learn.");
  const std::string steps = line_of("training.steps ");
  for (const char* part : {"4000 steps", "1 to 1000000000", "Steps of the optimiser."}) {
    EXPECT_NE(steps.find(part), std::string::npos) << steps;
  }
  EXPECT_NE(line_of("data.root ").find("required; path"), std::string::npos);
  EXPECT_NE(line_of("data.image_size ").find("[128, 128] px"), std::string::npos);
  EXPECT_NE(line_of("training.device ").find("auto | cpu | cuda"), std::string::npos);
  EXPECT_NE(line_of("training.schedule.rate ").find("0.003"), std::string::npos);
}

// Random damage of a valid config: it is read or refused as a ConfigError, nothing else.
TEST(Config, DamagedTextNeverCrashes) {
  const std::string good =
      "format: 1\nmodel: oddnet\ndata:\n  root: \"/parts\"\n  image_size: [64, 96]\n"
      "training: {steps: 5, schedule: {rate: 1e-3, decay: [0.5, 0.9]}}\n";
  RandomStream random(2, "config fuzz");
  int refused = 0;
  for (int round = 0; round < 5'000; ++round) {
    std::string text = good;
    for (std::int64_t n = random.integer(1, 8); n > 0; --n) {
      const auto at = static_cast<std::size_t>(random.integer(0, static_cast<std::int64_t>(text.size()) - 1));
      const auto length = static_cast<std::size_t>(random.integer(1, 12));
      switch (random.integer(0, 3)) {
        case 0:
          text[at] = static_cast<char>(random.integer(0, 255));
          break;
        case 1:
          text[at] = "[]{}:,&*!|>?-\"'#%@`\n \t<=."[random.integer(0, 24)];
          break;
        case 2:
          text.erase(at, length);
          break;
        default:
          text.insert(at, text.substr(text.size() / 3, length));
      }
      text += text.empty() ? "x" : "";
    }
    try {
      read(text);
    } catch (const ConfigError& error) {
      ++refused;
      const std::string what = error.what();
      ASSERT_EQ(what.find("c.yaml:"), 0u) << what;
    }
  }
  EXPECT_GT(refused, 2'500);
}

}  // namespace
}  // namespace oddity
