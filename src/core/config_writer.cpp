#include <cmath>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "core/config.h"
#include "core/error.h"

namespace oddity {
namespace {

enum class Form { yaml, json };

/// Shortest text that reads back to the same double; always recognisable as a real number.
std::string text_of(double value, Form form) {
  if (std::isnan(value)) {
    fail<InvalidArgument>("[core.to_yaml] an option is not a number; got nan; expected a number");
  }
  if (std::isinf(value)) {
    const std::string text = value > 0 ? ".inf" : "-.inf";
    return form == Form::json ? '"' + text + '"' : text;
  }
  const std::string text = fmt::format("{}", value);
  return text.find_first_of(".e") == std::string::npos ? text + ".0" : text;
}
std::string text_of(std::int64_t value, Form) { return fmt::format("{}", value); }
std::string text_of(bool value, Form) { return value ? "true" : "false"; }

/// JSON strings are YAML double-quoted strings too; plain words stay readable without quotes.
std::string text_of(const std::string& value, Form form) {
  const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '/'; };
  bool plain = form == Form::yaml && !value.empty() && value.size() > 1 && letter(value[0]);
  for (const char c : value) {
    plain = plain && (letter(c) || (c >= '0' && c <= '9') || c == '.' || c == '-');
  }
  for (const char* const word : {"true", "false", "null", "yes", "no", "on", "off"}) {
    std::string lower = value;
    for (char& c : lower) {
      c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    }
    plain = plain && lower != word;
  }
  if (plain) {
    return value;
  }
  try {
    return nlohmann::json(value).dump();
  } catch (const nlohmann::json::exception&) {
    fail<InvalidArgument>("[core.to_yaml] an option is not UTF-8 text; it cannot be written");
  }
}

template <class Value>
std::string text_of(const std::vector<Value>& values, Form form) {
  std::string text;
  for (const Value& value : values) {
    text += (text.empty() ? "" : form == Form::yaml ? ", " : ",") + text_of(value, form);
  }
  return "[" + text + "]";
}

/// The described options as a tree, so that a section described in two places is still written once.
struct Part {
  std::string name, value;
  const char* help = "";
  Field field;
  bool is_section = false;
  std::vector<Part> parts;
};

class Collector final : public OptionsVisitor {
public:
  explicit Collector(Form form) : form_(form) { root_.is_section = true; }

  void field(bool& value, const Field& field) override { add(text_of(value, form_), field); }
  void field(std::int64_t& value, const Field& field) override { add(text_of(value, form_), field); }
  void field(double& value, const Field& field) override { add(text_of(value, form_), field); }
  void field(std::string& value, const Field& field) override { add(text_of(value, form_), field); }
  void field(std::vector<std::int64_t>& value, const Field& field) override { add(text_of(value, form_), field); }
  void field(std::vector<double>& value, const Field& field) override { add(text_of(value, form_), field); }
  void field(std::vector<std::string>& value, const Field& field) override { add(text_of(value, form_), field); }

  void begin_section(const char* name, const char* help) override {
    Part& part = child(name);
    part.is_section = true;
    part.help = help;
    open_.emplace_back(name);
  }
  void end_section() override {
    ODDITY_ASSERT(!open_.empty());
    open_.pop_back();
  }

  const Part& root() const { return root_; }

private:
  /// By name from the root each time: a pointer to a part would move when its siblings grow.
  Part& child(const char* name) {
    Part* part = &root_;
    for (const std::string& section : open_) {
      part = &named(*part, section);
    }
    return named(*part, name);
  }
  static Part& named(Part& part, const std::string& name) {
    for (Part& known : part.parts) {
      if (known.name == name) {
        return known;
      }
    }
    part.parts.emplace_back();
    part.parts.back().name = name;
    return part.parts.back();
  }
  void add(std::string value, const Field& field) {
    Part& part = child(field.name);
    part.value = std::move(value);
    part.help = field.help;
    part.field = field;
  }

  const Form form_;
  Part root_;
  std::vector<std::string> open_;
};

void write_yaml(const Part& part, const std::string& indent, std::string& out) {
  for (const Part& child : part.parts) {
    if (!child.is_section) {
      out += indent + child.name + ": " + child.value + "\n";
    } else if (child.parts.empty()) {
      out += indent + child.name + ": {}\n";
    } else {
      out += indent + child.name + ":\n";
      write_yaml(child, indent + "  ", out);
    }
  }
}

void write_json(const Part& part, std::string& out) {
  for (const Part& child : part.parts) {
    out += out.back() == '{' ? "" : ",";
    out += nlohmann::json(child.name).dump() + ":";
    if (child.is_section) {
      out += "{";
      write_json(child, out);
      out += "}";
    } else {
      out += child.value;
    }
  }
}

std::string bound_text(double value) { return fmt::format("{}", value); }

/// "1 to 100 px", "one of a, b", "required": what a reader must know besides the sentence.
std::string rule_of(const Field& field) {
  std::string text;
  const auto add = [&](const std::string& part) { text += (text.empty() ? "" : "; ") + part; };
  if (field.required) {
    add("required");
  }
  if (!field.choices.empty()) {
    std::string choices;
    for (const std::string& choice : field.choices) {
      choices += (choices.empty() ? "" : " | ") + choice;
    }
    add(choices);
  }
  const bool low = std::isfinite(field.minimum), high = std::isfinite(field.maximum);
  if (low && high) {
    add(bound_text(field.minimum) + " to " + bound_text(field.maximum));
  } else if (low) {
    add("at least " + bound_text(field.minimum));
  } else if (high) {
    add("at most " + bound_text(field.maximum));
  }
  if (field.length >= 0) {
    add(fmt::format("list of {}", field.length));
  }
  if (field.is_path) {
    add("path");
  }
  return text;
}

struct Row {
  std::string key, value, rule, help;
};

void collect_rows(const Part& part, const std::string& prefix, std::vector<Row>& rows) {
  for (const Part& child : part.parts) {
    const std::string key = prefix + child.name;
    if (child.is_section) {
      rows.push_back({key, "", "", child.help});
      collect_rows(child, key + ".", rows);
    } else {
      const std::string unit = *child.field.unit != '\0' ? std::string(" ") + child.field.unit : "";
      rows.push_back({key, child.value + unit, rule_of(child.field), child.help});
    }
  }
}

Part collect(Form form, void (*describe_with)(OptionsVisitor&, void*), void* options) {
  Collector collector(form);
  describe_with(collector, options);
  return collector.root();
}

}  // namespace

std::string to_yaml(void (*describe_with)(OptionsVisitor&, void*), void* options) {
  std::string out = "format: 1\n";
  write_yaml(collect(Form::yaml, describe_with, options), "", out);
  return out;
}

std::string to_json(void (*describe_with)(OptionsVisitor&, void*), void* options) {
  std::string out = "{";
  Part root = collect(Form::json, describe_with, options);
  Part format;
  format.name = "format";
  format.value = "1";
  root.parts.insert(root.parts.begin(), format);
  write_json(root, out);
  return out + "}";
}

std::string to_help(void (*describe_with)(OptionsVisitor&, void*), void* options) {
  std::vector<Row> rows = {{"KEY", "VALUE", "RANGE", "MEANING"}};
  collect_rows(collect(Form::yaml, describe_with, options), "", rows);
  std::size_t key = 0, value = 0, rule = 0;
  for (const Row& row : rows) {
    key = std::max(key, row.key.size());
    value = std::max(value, std::min<std::size_t>(row.value.size(), 24));
    rule = std::max(rule, std::min<std::size_t>(row.rule.size(), 36));
  }
  std::string out;
  for (const Row& row : rows) {
    if (row.value.empty()) {  // a section: its sentence stands beside its name
      out += fmt::format("\n{}  {}\n", row.key, row.help);
    } else {
      out += fmt::format("{:<{}}  {:<{}}  {:<{}}  {}\n", row.key, key, row.value, value, row.rule, rule, row.help);
    }
  }
  return out;
}

}  // namespace oddity
