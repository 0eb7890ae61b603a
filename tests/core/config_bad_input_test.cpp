#include <gtest/gtest.h>

#include "core/config.h"
#include "core/error.h"
#include "core/files.h"
#include "core/random.h"
#include "sample_options.h"
#include "temporary_directory.h"

/// Broken configs, each with the whole message (or its telling part) and the exit code 2 of wrong use.
namespace oddity {
namespace {

struct Broken {
  const char* name;
  std::string text;
  std::vector<std::string> overrides;
  std::string message;  // the message is this, or begins with it where it ends in "..."
};

std::string repeated(const std::string& part, std::size_t bytes) {
  std::string text;
  while (text.size() < bytes) {
    text += part;
  }
  return text;
}

std::string garbage(std::size_t bytes) {
  RandomStream random(3, "garbage");
  std::string text;
  while (text.size() < bytes) {
    text += static_cast<char>(random.integer(0, 255));
  }
  return text;
}

std::string nested_blocks(int depth) {
  std::string text = "format: 1\n";
  for (int i = 0; i < depth; ++i) {
    text.append(static_cast<std::size_t>(i), ' ');
    text += "a:\n";
  }
  return text;
}

std::string many_keys(int n) {
  std::string text = "format: 1\n";
  for (int i = 0; i < n; ++i) {
    text += "k";
    text += std::to_string(i);
    text += ": 1\n";
  }
  return text;
}

const std::string start = "format: 1\ndata: {root: /a}\n";

std::vector<Broken> table() {
  return {
      // Keys
      {"unknown key at the top", start + "modle: x\n", {}, "c.yaml:3:1: unknown key 'modle'; did you mean 'model'?"},
      {"unknown key in a section",
       start + "training:\n  stepz: 5\n",
       {},
       "c.yaml:4:3: unknown key 'stepz' in 'training'; did you mean 'steps'?"},
      {"unknown key two levels down",
       start + "training: {schedule: {rat: 1}}\n",
       {},
       "c.yaml:3:23: unknown key 'rat' in 'training.schedule'; did you mean 'rate'?"},
      {"key of another section",
       start + "steps: 5\n",
       {},
       "c.yaml:3:1: unknown key 'steps'; did you mean 'steps' inside the section 'training'?"},
      {"key written with a dot",
       start + "training.steps: 5\n",
       {},
       "c.yaml:3:1: unknown key 'training.steps'; did you mean 'steps' inside the section 'training'?"},
      {"key like no other",
       start + "training: {augmentation: 1}\n",
       {},
       "c.yaml:3:12: unknown key 'augmentation' in 'training'; known keys are steps, seed, resume, device, schedule"},
      {"key twice",
       start + "model: a\nmodel: b\n",
       {},
       "c.yaml:4:1: key 'model' is there twice; the first is at line 3"},
      {"key twice in a section",
       start + "training: {seed: 1, seed: 2}\n",
       {},
       "c.yaml:3:21: key 'seed' is there twice; the first is at line 3"},
      {"key that is a list", start + "? [a, b]\n: 1\n", {}, "c.yaml:3:3: a key must be a word; got a list of 2"},
      {"empty key", start + "\"\": 1\n", {}, "c.yaml:3:1: a key must be a word; got text ''"},
      {"required key missing",
       "format: 1\n",
       {},
       "c.yaml:1:1: required key 'data.root' is missing; Folder with the images."},
      {"required key misspelt",
       "format: 1\ndata: {rot: /a}\n",
       {},
       "c.yaml:2:8: unknown key 'rot' in 'data'; did you mean 'root'?"},
      // Format
      {"no format", "data: {root: /a}\n", {}, "c.yaml:1:1: key 'format' is missing; expected a first line 'format: 1'"},
      {"newer format", "format: 2\n", {}, "c.yaml:1:9: this version reads configs of format 1; got '2'"},
      {"format as text", "format: \"1\"\n", {}, "c.yaml:1:9: this version reads configs of format 1; got text '1'"},
      {"nothing", "", {}, "c.yaml:1:1: key 'format' is missing; expected a first line 'format: 1'"},
      {"a list", "- format\n- 1\n", {}, "c.yaml:1:1: a config is a map of keys and values; got a list of 2"},
      {"a sentence",
       "this is no config\n",
       {},
       "c.yaml:1:1: a config is a map of keys and values; got 'this is no config'"},
      {"two documents", start + "---\n" + start, {}, "c.yaml:4:1: a second document in the config; expected one"},
      // Types
      {"text for a number",
       start + "training: {steps: many}\n",
       {},
       "c.yaml:3:19: 'training.steps' has the wrong type; got 'many'; expected a whole number"},
      {"fraction for a whole number",
       start + "training: {steps: 1.5}\n",
       {},
       "c.yaml:3:19: 'training.steps' has the wrong type; got '1.5'; expected a whole number"},
      {"quoted number",
       start + "training: {steps: \"5\"}\n",
       {},
       "c.yaml:3:19: 'training.steps' has the wrong type; got text '5'; expected a whole number"},
      {"number with a unit",
       start + "training: {schedule: {rate: 1ms}}\n",
       {},
       "c.yaml:3:29: 'training.schedule.rate' has the wrong type; got '1ms'; expected a number"},
      {"not a number",
       start + "training: {schedule: {rate: nan}}\n",
       {},
       "c.yaml:3:29: 'training.schedule.rate' has the wrong type; got 'nan'; expected a number"},
      {"yaml not-a-number",
       start + "training: {schedule: {rate: .nan}}\n",
       {},
       "c.yaml:3:29: 'training.schedule.rate' has the wrong type; got '.nan'; expected a number"},
      {"yes for true",
       start + "training: {resume: yes}\n",
       {},
       "c.yaml:3:20: 'training.resume' has the wrong type; got 'yes'; expected true or false"},
      {"list for a text",
       start + "model: [a]\n",
       {},
       "c.yaml:3:8: 'model' has the wrong type; got a list of 1; expected a text"},
      {"section for a text",
       start + "model: {a: 1}\n",
       {},
       "c.yaml:3:8: 'model' has the wrong type; got a section; expected a text"},
      {"number for a section",
       start + "training: 5\n",
       {},
       "c.yaml:3:11: 'training' has the wrong type; got '5'; expected a section of keys and values"},
      {"list for a section",
       start + "training:\n  - steps\n",
       {},
       "c.yaml:4:3: 'training' has the wrong type; got a list of 1; expected a section of keys and values"},
      {"number for a list",
       "format: 1\ndata: {root: /a, image_size: 128}\n",
       {},
       "c.yaml:2:30: 'data.image_size' has the wrong type; got '128'; expected a list of 2, such as [a, b]"},
      {"text in a list of numbers",
       "format: 1\ndata: {root: /a, image_size: [128, x]}\n",
       {},
       "c.yaml:2:36: 'data.image_size[1]' has the wrong type; got 'x'; expected a whole number"},
      {"no value", start + "model:\n", {}, "c.yaml:3:1: 'model' has no value"},
      // Ranges
      {"below the range",
       start + "training: {steps: 0}\n",
       {},
       "c.yaml:3:19: 'training.steps' is out of range; got '0'; expected 1 to 1000000000 steps"},
      {"above the range",
       start + "training: {schedule: {rate: 1.0001}}\n",
       {},
       "c.yaml:3:29: 'training.schedule.rate' is out of range; got '1.0001'; expected 0 to 1"},
      {"infinite",
       start + "training: {schedule: {rate: .inf}}\n",
       {},
       "c.yaml:3:29: 'training.schedule.rate' is out of range; got '.inf'; expected 0 to 1"},
      {"open range",
       start + "training: {seed: -1}\n",
       {},
       "c.yaml:3:18: 'training.seed' is out of range; got '-1'; expected at least 0"},
      {"whole number beyond 64 bits",
       start + "training: {seed: 9223372036854775808}\n",
       {},
       "c.yaml:3:18: 'training.seed' is out of range; got '9223372036854775808'; expected a whole number of at most 64 "
       "bits"},
      {"number beyond a double",
       start + "training: {schedule: {rate: 1e999}}\n",
       {},
       "c.yaml:3:29: 'training.schedule.rate' is out of range; got '1e999'; expected a number of 64 bits"},
      {"element out of range",
       "format: 1\ndata: {root: /a, image_size: [128, 7]}\n",
       {},
       "c.yaml:2:36: 'data.image_size[1]' is out of range; got '7'; expected 8 to 4096 px"},
      {"list too long",
       "format: 1\ndata: {root: /a, image_size: [1, 2, 3]}\n",
       {},
       "c.yaml:2:30: 'data.image_size' has the wrong length; got a list of 3; expected a list of 2"},
      {"none of the choices",
       start + "training: {device: gpu}\n",
       {},
       "c.yaml:3:20: 'training.device' is none of the choices; got 'gpu'; expected one of auto, cpu, cuda; did you "
       "mean 'cpu'?"},
      // Overrides
      {"override of an unknown key",
       start,
       {"training.stepz=5"},
       "override 'training.stepz=5': unknown key 'stepz' in 'training'; did you mean 'steps'?"},
      {"override of an unknown section",
       start,
       {"trainng.steps=5"},
       "override 'trainng.steps=5': unknown key 'trainng'; did you mean 'training'?"},
      {"override of the wrong type",
       start,
       {"training.steps=many"},
       "override 'training.steps=many': 'training.steps' has the wrong type; got 'many'; expected a whole number"},
      {"override out of range",
       start,
       {"training.steps=0"},
       "override 'training.steps=0': 'training.steps' is out of range; got '0'; expected 1 to 1000000000 steps"},
      {"override without a value",
       start,
       {"training.steps"},
       "override 'training.steps': not an override; expected key.sub=value"},
      {"override without a key", start, {"=5"}, "override '=5': not an override; expected key.sub=value"},
      {"override with an empty part",
       start,
       {"training..steps=5"},
       "override 'training..steps=5': 'training..steps' is not a key; expected key.sub=value"},
      {"override inside a number",
       start + "training: {steps: 5}\n",
       {"training.steps.x=1"},
       "override 'training.steps.x=1': 'steps' is no section that could hold 'x'; it is '5'"},
      {"override with an open bracket",
       start,
       {"data.image_size=[1, 2"},
       "override 'data.image_size=[1, 2': not valid YAML: ..."},
      {"override with an alias", start, {"model=*x"}, "override 'model=*x': not valid YAML: ..."},
      {"override of a text with nothing to a number",
       start,
       {"training.steps="},
       "override 'training.steps=': 'training.steps' has the wrong type; got text ''; expected a whole number"},
      {"override that is too deep",
       start,
       {repeated("a.", 200) + "b=1"},
       "override 'a.a.a...': the key is nested too deeply; expected at most 64 levels"},
      {"override of the format",
       start,
       {"format=3"},
       "override 'format=3': this version reads configs of format 1; got '3'"},
      // Syntax and attacks
      {"open bracket",
       start + "model: [a\n",
       {},
       "c.yaml:4:1: not valid YAML: the text ends before a quote or bracket is closed"},
      {"open quote",
       start + "model: \"a\n",
       {},
       "c.yaml:4:1: not valid YAML: the text ends before a quote or bracket is closed"},
      {"open single quote",
       start + "model: 'a",
       {},
       "c.yaml:4:1: not valid YAML: the text ends before a quote or bracket is closed"},
      {"open brace",
       start + "training: {steps: 5,\n",
       {},
       "c.yaml:4:1: not valid YAML: the text ends before a quote or bracket is closed"},
      {"closing bracket too much", start + "model: a]\n]", {}, "c.yaml:..."},
      {"colon in a value", start + "model: a: b\n", {}, "c.yaml:3:9: not valid YAML: illegal map value"},
      {"wrong indentation", start + "training:\n  steps: 5\n seed: 1\n", {}, "c.yaml:5:2: not valid YAML: ..."},
      {"tab in the indentation",
       start + "training:\n\tsteps: 5\n",
       {},
       "c.yaml:4:1: a tab in the indentation; expected spaces"},
      {"alias without anchor",
       start + "model: *x\n",
       {},
       "c.yaml:3:8: not valid YAML: the referenced anchor is not defined"},
      {"anchor", start + "model: &x a\n", {}, "c.yaml:3:8: anchors (&name) are not allowed in a config"},
      {"anchor of a section",
       start + "training: &x {steps: 5}\n",
       {},
       "c.yaml:3:11: anchors (&name) are not allowed in a config"},
      {"merge key",
       start + "training: {<<: {steps: 5}}\n",
       {},
       "c.yaml:3:12: merge keys (<<) are not allowed in a config"},
      {"tag",
       start + "model: !!python/object x\n",
       {},
       "c.yaml:3:8: tags are not allowed in a config; got 'tag:yaml.org,2002:python/object'"},
      {"local tag", start + "training: !x {steps: 5}\n", {}, "c.yaml:3:11: tags are not allowed in a config; got '!x'"},
      {"NUL byte", start + std::string("model: a\0b\n", 11), {}, "c.yaml:3:9: control character 0x00 in the config"},
      {"escape character", start + "model: \x1b[2J\n", {}, "c.yaml:3:8: control character 0x1B in the config"},
      {"not UTF-8", start + "model: \xe9t\xe9\n", {}, "c.yaml:3:8: byte 0xE9 is not UTF-8 text"},
      {"UTF-8 written too long", start + "model: \xc0\xaf\n", {}, "c.yaml:3:8: byte 0xC0 is not UTF-8 text"},
      {"UTF-16",
       std::string("\xff\xfe"
                   "f\0o\0",
                   6),
       {},
       "c.yaml:1:1: byte 0xFF is not UTF-8 text"},
      {"2 MB of garbage",
       garbage(2'000'000),
       {},
       "c.yaml:1:1: the config is too large; got 2000000 bytes; expected at most 1048576"},
      {"1 MB of garbage", garbage(1'000'000), {}, "c.yaml:..."},
      {"3,000 brackets", start + "model: " + std::string(3000, '['), {}, "c.yaml:3:..."},
      {"3,000 pairs of brackets",
       start + "model: " + std::string(3000, '[') + std::string(3000, ']') + "\n",
       {},
       "c.yaml:3:71: the config is nested too deeply; expected at most 64 levels"},
      {"3,000 braces", start + "model: " + repeated("{a: ", 12'000) + "\n", {}, "c.yaml:3:..."},
      {"500 sections inside each other",
       nested_blocks(500),
       {},
       "c.yaml:66:65: the config is nested too deeply; expected at most 64 levels"},
      {"3,000 dashes",
       "format: 1\nmodel:\n" + repeated("- ", 6000),
       {},
       "c.yaml:3:127: the config is nested too deeply; expected at most 64 levels"},
      {"20,000 keys", many_keys(20'000), {}, "c.yaml:...: the config has too many values; expected at most 10000"},
      {"a value of 900,000 letters",
       start + "modle: " + std::string(900'000, 'x') + "\n",
       {},
       "c.yaml:3:1: unknown key 'modle'; did you mean 'model'?"},
      {"a number of 900,000 digits",
       start + "training: {steps: " + std::string(900'000, '9') + "}\n",
       {},
       "c.yaml:3:19: 'training.steps' is out of range; got '" + std::string(60, '9') +
           "...'; expected a whole number of at most 64 bits"},
  };
}

/// "..." stands for any text.
bool matches(const std::string& text, const std::string& pattern) {
  std::size_t at = 0, begin = 0;
  for (std::size_t dots = pattern.find("..."); dots != std::string::npos; dots = pattern.find("...", begin)) {
    const std::size_t found = text.find(pattern.substr(begin, dots - begin), at);
    if (found == std::string::npos || (begin == 0 && found != 0)) {
      return false;
    }
    at = found + dots - begin;
    begin = dots + 3;
  }
  const std::string rest = pattern.substr(begin);
  if (begin == 0) {
    return text == pattern;
  }
  return text.size() >= at + rest.size() && text.ends_with(rest);
}

TEST(ConfigBadInput, EveryBrokenConfigHasItsMessageAndExitCode) {
  const std::vector<Broken> all = table();
  EXPECT_GE(all.size(), 30u);
  for (const Broken& broken : all) {
    try {
      read_options<SampleOptions>(ConfigDocument::parse(broken.text, "c.yaml", "/configs", broken.overrides));
      ADD_FAILURE() << broken.name << " was accepted";
    } catch (const ConfigError& error) {
      EXPECT_TRUE(matches(error.what(), broken.message)) << broken.name << "\n  got " << error.what();
      EXPECT_EQ(error.exit_code(), ExitCode::wrong_use) << broken.name;
      EXPECT_LT(std::string(error.what()).size(), 600u) << broken.name;
    } catch (const std::exception& error) {
      ADD_FAILURE() << broken.name << ": another kind of error: " << error.what();
    }
  }
}

TEST(ConfigBadInput, TheTableItselfCanFail) {
  EXPECT_TRUE(matches("abc", "abc"));
  EXPECT_FALSE(matches("abcd", "abc"));
  EXPECT_TRUE(matches("abcd", "abc..."));
  EXPECT_TRUE(matches("abcxd", "ab...d"));
  EXPECT_FALSE(matches("xabc", "abc..."));
  EXPECT_FALSE(matches("abx", "ab...d"));
}

TEST(ConfigBadInput, AFileThatIsTooLargeIsNotReadAsAWhole) {
  const testing::TemporaryDirectory directory;
  write_file_atomic(directory / "big.yaml", std::string(2'000'000, '#'));
  try {
    ConfigDocument::load(directory / "big.yaml");
    FAIL();
  } catch (const ConfigError& error) {
    EXPECT_NE(std::string(error.what()).find("big.yaml:1:1: the config is too large"), std::string::npos);
  }
  EXPECT_THROW(ConfigDocument::load("/dev/zero"), ConfigError);
}

}  // namespace
}  // namespace oddity
