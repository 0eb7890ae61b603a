#include "data/synthetic_line.h"

#include <charconv>
#include <span>
#include <vector>

#include <fmt/ranges.h>

#include "core/error.h"
#include "core/nearest.h"
#include "data/synthetic_render.h"

namespace oddity {
namespace {

using namespace synthetic;

constexpr std::string_view scheme = "synthetic:";

constexpr std::array<std::string_view, variant_count> variant_names = {
    "standard", "aligned", "jittered", "rotated", "texture", "two_level", "colored", "tiny", "large", "few", "drift"};
constexpr std::array<std::string_view, 5> family_names = {"plate", "disc", "bracket", "gear", "mixed"};
struct Key {
  std::string_view name, help;
};
constexpr std::array<Key, 12> described_keys = {{
    {"n", "good parts to train on; 200 (24 for variant few)"},
    {"calibration", "further good parts, split calibration; 0"},
    {"test_good", "good parts, split test; 100"},
    {"test_defects", "defective parts of each type, split test; 15"},
    {"validation_defects", "the same, split validation; 0"},
    {"seed", "0"},
    {"size", "128, or HEIGHTxWIDTH in pixels of 64 to 1024; 128"},
    {"variant", ""},
    {"family", ""},
    {"lots", "how many; 8"},
    {"stations", "how many; 3"},
    {"new_lots", "1: the test split comes from lots and stations of its own; 0"},
}};

std::vector<std::string_view> key_names() {
  std::vector<std::string_view> names;
  for (const Key& key : described_keys) {
    names.push_back(key.name);
  }
  return names;
}

std::uint64_t number(std::string_view key, std::string_view text, std::uint64_t low, std::uint64_t high) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || value < low || value > high) {
    fail<InvalidArgument>("[data.open_synthetic] value of '{}' is wrong; got '{}'; expected an integer in {}..{}", key,
                          text, low, high);
  }
  return value;
}

std::int64_t count(std::string_view key, std::string_view text, std::uint64_t low, std::uint64_t high) {
  return static_cast<std::int64_t>(number(key, text, low, high));
}

/// "expected 'seed' perhaps (of ...)", or the whole list when nothing is near.
std::string expected(std::string_view word, std::span<const std::string_view> known) {
  const std::vector<std::string> words(known.begin(), known.end());
  const std::string near = nearest_word(word, words), list = fmt::format("{}", fmt::join(words, ", "));
  return near.empty() ? fmt::format("expected one of {}", list)
                      : fmt::format("expected '{}' perhaps (of {})", near, list);
}

std::size_t choice(std::string_view key, std::string_view text, std::span<const std::string_view> known) {
  const auto found = std::find(known.begin(), known.end(), text);
  if (found == known.end()) {
    fail<InvalidArgument>("[data.open_synthetic] value of '{}' is unknown; got '{}'; {}", key, text,
                          expected(text, known));
  }
  return static_cast<std::size_t>(found - known.begin());
}

void set(Line& line, std::string_view key, std::string_view value) {
  if (key == "n") {
    line.good = count(key, value, 0, 1000000);
  } else if (key == "calibration") {
    line.calibration = count(key, value, 0, 1000000);
  } else if (key == "test_good") {
    line.test_good = count(key, value, 0, 1000000);
  } else if (key == "test_defects") {
    line.test_defects = count(key, value, 0, 100000);
  } else if (key == "validation_defects") {
    line.validation_defects = count(key, value, 0, 100000);
  } else if (key == "seed") {
    line.seed = number(key, value, 0, ~std::uint64_t{0});
  } else if (key == "size") {
    const std::size_t cross = value.find('x');
    line.height = static_cast<int>(number(key, value.substr(0, cross), 64, 1024));
    line.width = cross == std::string_view::npos ? line.height
                                                 : static_cast<int>(number(key, value.substr(cross + 1), 64, 1024));
  } else if (key == "variant") {
    line.variant = static_cast<Variant>(choice(key, value, variant_names));
  } else if (key == "family") {
    line.family = family_names[choice(key, value, family_names)];
  } else if (key == "lots") {
    line.lots = count(key, value, 1, 10000);
  } else if (key == "stations") {
    line.stations = count(key, value, 1, 10000);
  } else if (key == "new_lots") {
    line.new_lots = number(key, value, 0, 1) == 1;
  } else {
    fail<InvalidArgument>("[data.open_synthetic] unknown key; got '{}'; {}", key, expected(key, key_names()));
  }
}

Line parse(std::string_view uri) {
  std::string_view rest = uri;
  rest.remove_prefix(is_synthetic(uri) ? scheme.size() : 0);
  const std::size_t mark = rest.find('?');
  if (!is_synthetic(uri) || rest.substr(0, mark) != "line") {
    fail<InvalidArgument>("[data.open_synthetic] unknown source; got '{}'; expected 'synthetic:line?key=value&...'",
                          uri);
  }
  rest = mark == std::string_view::npos ? std::string_view{} : rest.substr(mark + 1);
  Line line;
  std::vector<std::string_view> seen;
  while (!rest.empty()) {
    const std::size_t end = rest.find('&');
    const std::string_view pair = rest.substr(0, end);
    rest = end == std::string_view::npos ? std::string_view{} : rest.substr(end + 1);
    const std::size_t equals = pair.find('=');
    if (equals == std::string_view::npos) {
      fail<InvalidArgument>("[data.open_synthetic] part of '{}' has no value; got '{}'; expected key=value", uri, pair);
    }
    const std::string_view key = pair.substr(0, equals);
    if (std::find(seen.begin(), seen.end(), key) != seen.end()) {
      fail<InvalidArgument>("[data.open_synthetic] key given twice; got '{}' in '{}'; expected each key once", key,
                            uri);
    }
    seen.push_back(key);
    set(line, key, pair.substr(equals + 1));
  }
  if (line.variant == Variant::few && std::find(seen.begin(), seen.end(), "n") == seen.end()) {
    line.good = 24;
  }
  return line;
}

class SyntheticLine final : public Dataset {
public:
  SyntheticLine(std::string uri, const Line& line) : uri_(std::move(uri)), line_(line) {
    add_good(Role::train, line.good, Split::train, 0);
    add_good(Role::calibration, line.calibration, Split::calibration, line.good);
    add_good(Role::test_good, line.test_good, Split::test, 0);
    for (const DefectType type : types_of(line.variant)) {
      add_defects(Role::test_defect, type, line.test_defects, Split::test);
      add_defects(Role::validation_defect, type, line.validation_defects, Split::validation);
    }
  }

  std::string name() const override { return uri_; }
  const std::vector<Sample>& samples() const override { return samples_; }
  bool has_mask(std::size_t) const override { return true; }

  Image image(std::size_t index) const override {
    const Scene scene = draw_scene(line_, identities_.at(index));
    return photograph(scene, defect_of(index, scene));
  }

  Image mask(std::size_t index) const override {
    const Scene scene = draw_scene(line_, identities_.at(index));
    return mask_of(scene, defect_of(index, scene));
  }

private:
  static constexpr int most_attempts = 80;

  Defect defect_of(std::size_t index, const Scene& scene) const {
    return identities_.at(index).type == 0 ? Defect{} : draw_defect(line_, identities_[index], scene, attempts_[index]);
  }

  void add(const Identity& identity, const Scene& scene, Split split, int attempt, Sample sample) {
    sample.split = split;
    sample.group = fmt::format("lot{}/station{}", scene.lot, scene.station);
    sample.columns.merge(columns_of(scene));
    samples_.push_back(std::move(sample));
    identities_.push_back(identity);
    attempts_.push_back(attempt);
  }

  void add_good(Role role, std::int64_t number_of, Split split, std::int64_t first) {
    for (std::int64_t i = 0; i < number_of; ++i) {
      const Identity identity{role, 0, i, number_of};
      Sample sample;
      sample.file = fmt::format("{}/good/{:04}.png", split == Split::test ? "test" : "train", first + i);
      add(identity, draw_scene(line_, identity), split, 0, std::move(sample));
    }
  }

  void add_defects(Role role, DefectType type, std::int64_t number_of, Split split) {
    for (std::int64_t i = 0; i < number_of; ++i) {
      const Identity identity{role, static_cast<int>(type), i, number_of};
      const Scene scene = draw_scene(line_, identity);
      // Draw until a person could see it: at least 20 pixels (at 128 x 128) that change by 0.08 or more.
      const double pixels = std::min(line_.height, line_.width) / 128.0;
      const double least_area = 20 * std::max(pixels * pixels, 0.25);
      int attempt = 0;
      Visibility seen;
      for (int trial = 0; trial < most_attempts && seen.strong_area < least_area; ++trial) {
        const Visibility now = visibility_of(scene, draw_defect(line_, identity, scene, trial));
        if (now.strong_area > seen.strong_area) {
          seen = now;
          attempt = trial;
        }
      }
      const Defect defect = draw_defect(line_, identity, scene, attempt);
      Sample sample;
      sample.label = synthetic::name_of(type);
      const char* folder = split == Split::test ? "test" : "validation";
      const std::string stem = fmt::format("{}/{:04}", sample.label, i);
      sample.file = fmt::format("{}/{}.png", folder, stem);
      sample.mask = split == Split::test ? fmt::format("ground_truth/{}_mask.png", stem)
                                         : fmt::format("ground_truth/validation/{}_mask.png", stem);
      const double image_pixel = scene.millimetres_per_pixel * scene.scale;
      const Vec at = scene.to_image(defect.center);
      sample.columns = {{"defect.intensity", fmt::format("{:.4g}", defect.intensity)},
                        {"defect.size_mm", fmt::format("{:.4g}", defect.size)},
                        {"defect.x_px", fmt::format("{:.5g}", at.x / image_pixel + 0.5 * scene.width)},
                        {"defect.y_px", fmt::format("{:.5g}", at.y / image_pixel + 0.5 * scene.height)},
                        {"defect.area_px", fmt::format("{}", seen.area)},
                        {"defect.contrast", fmt::format("{:.4g}", seen.contrast)}};
      add(identity, scene, split, attempt, std::move(sample));
    }
  }

  std::string uri_;
  Line line_;
  std::vector<Sample> samples_;
  std::vector<Identity> identities_;
  std::vector<int> attempts_;  ///< of draw_defect, the first that can be seen
};

}  // namespace

bool is_synthetic(std::string_view where) { return where.substr(0, scheme.size()) == scheme; }

std::unique_ptr<Dataset> open_synthetic(const std::string& uri) {
  return std::make_unique<SyntheticLine>(uri, parse(uri));
}

std::string synthetic_line_help() {
  std::string text;
  for (const Key& key : described_keys) {
    const std::string help = key.name == "variant"  ? fmt::format("{}; standard", fmt::join(variant_names, ", "))
                             : key.name == "family" ? fmt::format("{}; plate", fmt::join(family_names, ", "))
                                                    : std::string(key.help);
    text += fmt::format("  {:<20} {}\n", key.name, help);
  }
  return text;
}

}  // namespace oddity
