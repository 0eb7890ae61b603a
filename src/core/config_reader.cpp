#include <algorithm>
#include <charconv>
#include <cmath>
#include <map>
#include <optional>
#include <utility>

#include "core/config.h"
#include "core/config_node.h"
#include "core/error.h"

namespace oddity {
namespace {

using Node = ConfigDocument::Node;

std::string joined(const std::vector<std::string>& words, std::string_view separator) {
  std::string text;
  for (const std::string& word : words) {
    text += (text.empty() ? "" : std::string(separator)) + word;
  }
  return text;
}

template <class... Args>
[[noreturn]] void fail_at(const Node& node, fmt::format_string<Args...> format, Args&&... args) {
  throw ConfigError(node.where() + ": " + fmt::format(format, std::forward<Args>(args)...));
}

std::string number_text(double value) {
  return value == std::floor(value) && std::abs(value) < 1e15 ? fmt::format("{:.0f}", value) : fmt::format("{}", value);
}

/// "1 to 100 px", "at least 0", "at most 1", or "" for no bound.
std::string range_text(const Field& field) {
  const std::string unit = *field.unit != '\0' ? std::string(" ") + field.unit : "";
  const bool low = std::isfinite(field.minimum), high = std::isfinite(field.maximum);
  if (low && high) {
    return fmt::format("{} to {}{}", number_text(field.minimum), number_text(field.maximum), unit);
  }
  if (low || high) {
    return fmt::format("at {} {}{}", low ? "least" : "most", number_text(low ? field.minimum : field.maximum), unit);
  }
  return "";
}

void check_range(double value, const Node& node, const std::string& key, const Field& field) {
  if (!(value >= field.minimum && value <= field.maximum)) {
    fail_at(node, "'{}' is out of range; got {}; expected {}", key, node.describe(), range_text(field));
  }
}

[[noreturn]] void fail_type(const Node& node, const std::string& key, std::string_view expected) {
  fail_at(node, "'{}' has the wrong type; got {}; expected {}", key, node.describe(), expected);
}

bool read_bool(const Node& node, const std::string& key, const Field&) {
  if (node.kind == Node::Kind::scalar && !node.quoted && (node.text == "true" || node.text == "false")) {
    return node.text == "true";
  }
  fail_type(node, key, "true or false");
}

/// A leading '+' is YAML, but unknown to from_chars.
std::string_view number_part(const std::string& text) {
  const bool plus = text.size() > 1 && text[0] == '+' && text[1] != '-';
  return std::string_view(text).substr(plus ? 1 : 0);
}

std::int64_t read_int(const Node& node, const std::string& key, const Field& field) {
  std::int64_t value = 0;
  const std::string_view text = number_part(node.text);
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (node.kind != Node::Kind::scalar || node.quoted || text.empty() || end != text.data() + text.size() ||
      error == std::errc::invalid_argument) {
    fail_type(node, key, "a whole number");
  }
  if (error == std::errc::result_out_of_range) {
    fail_at(node, "'{}' is out of range; got {}; expected a whole number of at most 64 bits", key, node.describe());
  }
  check_range(static_cast<double>(value), node, key, field);
  return value;
}

double read_double(const Node& node, const std::string& key, const Field& field) {
  double value = 0;
  const std::string_view text = number_part(node.text);
  const bool scalar = node.kind == Node::Kind::scalar && !node.quoted && !text.empty();
  if (scalar && (text == ".inf" || text == "-.inf")) {
    value = text[0] == '-' ? -HUGE_VAL : HUGE_VAL;
  } else {
    // from_chars also reads "nan" and "infinity", which are no YAML numbers.
    const bool digits = scalar && text.find_first_not_of("0123456789+-.eE") == std::string_view::npos;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (!digits || end != text.data() + text.size() || error == std::errc::invalid_argument) {
      fail_type(node, key, "a number");
    }
    if (error == std::errc::result_out_of_range) {
      fail_at(node, "'{}' is out of range; got {}; expected a number of 64 bits", key, node.describe());
    }
  }
  check_range(value, node, key, field);
  return value;
}

std::string resolved_path(const std::string& text, const Node& node) {
  const std::filesystem::path path(text);
  if (text.empty() || path.is_absolute() || text.starts_with("synthetic:")) {
    return text;
  }
  const std::filesystem::path whole = std::filesystem::absolute(node.source->directory / path).lexically_normal();
  return (whole.has_filename() ? whole : whole.parent_path()).string();  // "data/" is "data"
}

std::string read_string(const Node& node, const std::string& key, const Field& field) {
  if (node.kind != Node::Kind::scalar) {
    fail_type(node, key, "a text");
  }
  if (!field.choices.empty() &&
      std::find(field.choices.begin(), field.choices.end(), node.text) == field.choices.end()) {
    const std::string nearest = nearest_word(node.text, field.choices);
    fail_at(node, "'{}' is none of the choices; got {}; expected one of {}{}", key, node.describe(),
            joined(field.choices, ", "), nearest.empty() ? "" : "; did you mean '" + nearest + "'?");
  }
  return field.is_path ? resolved_path(node.text, node) : node.text;
}

template <class Value, class Read>
std::vector<Value> read_list(const Node& node, const std::string& key, const Field& field, Read read) {
  if (node.kind != Node::Kind::list) {
    fail_type(node, key,
              field.length >= 0 ? fmt::format("a list of {}, such as [a, b]", field.length) : "a list, such as [a, b]");
  }
  if (field.length >= 0 && node.items.size() != static_cast<std::size_t>(field.length)) {
    fail_at(node, "'{}' has the wrong length; got {}; expected a list of {}", key, node.describe(), field.length);
  }
  std::vector<Value> values;
  for (std::size_t i = 0; i < node.items.size(); ++i) {
    values.push_back(read(node.items[i], fmt::format("{}[{}]", key, i), field));
  }
  return values;
}

}  // namespace

struct ConfigReader::State {
  struct Section {
    const Node* node = nullptr;  // a map; nullptr when the document does not have it
    std::vector<std::string> known;
  };
  struct Missing {
    std::string where, key, section, expected;
  };

  const Node* root = nullptr;
  std::map<std::string, Section> sections;  // by full name; "" is the root
  std::vector<std::string> open{""};        // full names of the sections that are open
  std::vector<Missing> missing;             // told at the end: an unknown key nearby says more

  Section& section() { return sections[open.back()]; }
  std::string full_name(std::string_view key) const {
    return open.back().empty() ? std::string(key) : open.back() + "." + std::string(key);
  }

  void know(const char* key) {
    std::vector<std::string>& known = section().known;
    if (std::find(known.begin(), known.end(), key) == known.end()) {
      known.emplace_back(key);
    }
  }

  const Node* find(const Field& field) {
    know(field.name);
    const Node* const map = section().node;
    const Node* const node = map != nullptr ? map->find(field.name) : nullptr;
    if (node == nullptr && field.required) {
      missing.push_back({(map != nullptr ? map : root)->where(), full_name(field.name), open.back(), field.help});
    }
    return node;
  }

  template <class Value, class Read>
  void read(Value& value, const Field& field, Read read_value) {
    if (const Node* const node = find(field)) {
      if (node->kind == Node::Kind::null) {
        fail_at(*node, "'{}' has no value", full_name(field.name));
      }
      value = read_value(*node, full_name(field.name), field);
    }
  }

  /// What to say after "unknown key": the nearest known key here, else the same word elsewhere, else what there is.
  std::string hint(const std::string& key, const std::vector<std::string>& known) const {
    if (const std::string nearest = nearest_word(key, known); !nearest.empty()) {
      return fmt::format("did you mean '{}'?", nearest);
    }
    for (const auto& [name, section] : sections) {
      for (const std::string& word : section.known) {
        const std::string full = name.empty() ? word : name + "." + word;
        if (!name.empty() && (word == key || full == key)) {
          return fmt::format("did you mean '{}' inside the section '{}'?", word, name);
        }
      }
    }
    return known.empty() ? "no key is known here" : "known keys are " + joined(known, ", ");
  }

  void fail_on_unknown() const {
    for (const auto& [name, section] : sections) {
      if (section.node == nullptr) {
        continue;
      }
      for (const Node::Entry& entry : section.node->entries) {
        const bool known = std::find(section.known.begin(), section.known.end(), entry.key) != section.known.end();
        if (!known) {
          throw ConfigError(fmt::format("{}: unknown key '{}'{}; {}", entry.where(), entry.key,
                                        name.empty() ? "" : " in '" + name + "'", hint(entry.key, section.known)));
        }
      }
    }
  }
};

ConfigReader::ConfigReader(const ConfigDocument& document) : state_(std::make_unique<State>()) {
  state_->root = &document.root();
  state_->section().node = state_->root;
  state_->know("format");
}
ConfigReader::~ConfigReader() = default;

void ConfigReader::field(bool& value, const Field& field) { state_->read(value, field, read_bool); }
void ConfigReader::field(std::int64_t& value, const Field& field) { state_->read(value, field, read_int); }
void ConfigReader::field(double& value, const Field& field) { state_->read(value, field, read_double); }
void ConfigReader::field(std::string& value, const Field& field) { state_->read(value, field, read_string); }
void ConfigReader::field(std::vector<std::int64_t>& value, const Field& field) {
  state_->read(value, field, [](const Node& node, const std::string& key, const Field& about) {
    return read_list<std::int64_t>(node, key, about, read_int);
  });
}
void ConfigReader::field(std::vector<double>& value, const Field& field) {
  state_->read(value, field, [](const Node& node, const std::string& key, const Field& about) {
    return read_list<double>(node, key, about, read_double);
  });
}
void ConfigReader::field(std::vector<std::string>& value, const Field& field) {
  state_->read(value, field, [](const Node& node, const std::string& key, const Field& about) {
    return read_list<std::string>(node, key, about, read_string);
  });
}

void ConfigReader::begin_section(const char* name, const char*) {
  state_->know(name);
  const Node* const map = state_->section().node;
  const Node* node = map != nullptr ? map->find(name) : nullptr;
  const std::string full = state_->full_name(name);
  if (node != nullptr && node->kind == Node::Kind::null) {
    node = nullptr;  // "training:" with every key commented out
  }
  if (node != nullptr && node->kind != Node::Kind::map) {
    fail_at(*node, "'{}' has the wrong type; got {}; expected a section of keys and values", full, node->describe());
  }
  state_->sections[full].node = node;
  state_->open.push_back(full);
}

void ConfigReader::end_section() {
  ODDITY_ASSERT(state_->open.size() > 1);
  state_->open.pop_back();
}

void ConfigReader::finish() {
  ODDITY_ASSERT(state_->open.size() == 1);
  state_->fail_on_unknown();
  if (!state_->missing.empty()) {
    const State::Missing& first = state_->missing.front();
    throw ConfigError(fmt::format("{}: required key '{}' is missing; {}", first.where, first.key, first.expected));
  }
}

}  // namespace oddity
