#include "core/config.h"

#include <algorithm>
#include <optional>
#include <sstream>

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/mark.h>
#include <yaml-cpp/parser.h>

#include "core/config_node.h"
#include "core/error.h"
#include "core/files.h"

namespace oddity {
namespace {

using Node = ConfigDocument::Node;

constexpr std::size_t max_bytes = std::size_t{1} << 20;
constexpr std::size_t max_depth = 64;
constexpr std::size_t max_nodes = 10'000;
const std::string cut_off = "the text ends before a quote or bracket is closed";

std::string position(const Node::Source& source, int line, int column) {
  return source.is_override ? fmt::format("override '{}'", source.name)
                            : fmt::format("{}:{}:{}", source.name, line, column);
}

template <class... Args>
[[noreturn]] void fail_at(const Node::Source& source, int line, int column, fmt::format_string<Args...> format,
                          Args&&... args) {
  throw ConfigError(position(source, line, column) + ": " + fmt::format(format, std::forward<Args>(args)...));
}

/// Length of the UTF-8 sequence at `text[i]`, or 0 when it is none (overlong, surrogate, beyond U+10FFFF, cut off).
std::size_t utf8_length(std::string_view text, std::size_t i) {
  const auto byte = [&](std::size_t k) { return static_cast<unsigned char>(text[k]); };
  const unsigned first = byte(i);
  const std::size_t length = first < 0x80   ? 1
                             : first < 0xC2 ? 0
                             : first < 0xE0 ? 2
                             : first < 0xF0 ? 3
                             : first < 0xF5 ? 4
                                            : 0;
  if (length == 0 || i + length > text.size()) {
    return 0;
  }
  for (std::size_t k = 1; k < length; ++k) {
    if ((byte(i + k) & 0xC0u) != 0x80u) {
      return 0;
    }
  }
  const bool wrong = length > 1 && ((first == 0xE0 && byte(i + 1) < 0xA0) || (first == 0xED && byte(i + 1) > 0x9F) ||
                                    (first == 0xF0 && byte(i + 1) < 0x90) || (first == 0xF4 && byte(i + 1) > 0x8F));
  return wrong ? 0 : length;
}

/// Refuses before yaml-cpp sees it what is no text: it would guess an encoding, or stop in the middle without a word.
void check_text(std::string_view text, const Node::Source& source) {
  if (text.size() > max_bytes) {
    fail_at(source, 1, 1, "the config is too large; got {} bytes; expected at most {}", text.size(), max_bytes);
  }
  int line = 1, column = 1;
  bool indenting = true;
  for (std::size_t i = 0; i < text.size();) {
    const auto c = static_cast<unsigned char>(text[i]);
    const std::size_t length = utf8_length(text, i);
    if (length == 0) {
      fail_at(source, line, column, "byte 0x{:02X} is not UTF-8 text", c);
    }
    if ((c < 0x20 && c != '\t' && c != '\n' && c != '\r') || c == 0x7F) {
      fail_at(source, line, column, "control character 0x{:02X} in the config", c);
    }
    if (c == '\t' && indenting) {
      fail_at(source, line, column, "a tab in the indentation; expected spaces");
    }
    indenting = c == '\n' || (indenting && c == ' ');
    column = c == '\n' ? 1 : column + 1;
    line += c == '\n' ? 1 : 0;
    i += length;
  }
}

/// Builds our tree from yaml-cpp's events. Limits are checked at each event, so that its recursion, which emits an
/// event per level, never goes deeper than `max_depth`.
class TreeBuilder final : public YAML::EventHandler {
public:
  TreeBuilder(std::shared_ptr<const Node::Source> source, int end_line)
      : source_(std::move(source)), end_line_(end_line) {}

  Node take() { return std::move(root_); }

  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    check(mark, "", anchor);
    add(make(Node::Kind::null, mark));
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override {
    fail_at(*source_, mark.line + 1, mark.column + 1, "aliases (*name) are not allowed in a config");
  }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    check(mark, tag, anchor);
    Node node = make(Node::Kind::scalar, mark);
    node.quoted = tag == "!";
    node.text = value;
    add(std::move(node));
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    open(Node::Kind::list, mark, tag, anchor);
  }
  void OnSequenceEnd() override { close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    open(Node::Kind::map, mark, tag, anchor);
  }
  void OnMapEnd() override { close(); }

private:
  struct Level {
    Node node;
    std::optional<Node> key;  // read, its value still to come
  };

  Node make(Node::Kind kind, const YAML::Mark& mark) const {
    Node node;
    node.kind = kind;
    node.line = mark.line + 1;
    node.column = mark.column + 1;
    node.source = source_;
    return node;
  }

  void check(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor) {
    const int line = mark.line + 1, column = mark.column + 1;
    if (anchor != 0) {
      fail_at(*source_, line, column, "anchors (&name) are not allowed in a config");
    }
    if (!tag.empty() && tag != "?" && tag != "!") {
      fail_at(*source_, line, column, "tags are not allowed in a config; got '{}'", tag);
    }
    if (++nodes_ > max_nodes) {
      fail_at(*source_, line, column, "the config has too many values; expected at most {}", max_nodes);
    }
  }

  void open(Node::Kind kind, const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor) {
    check(mark, tag, anchor);
    if (levels_.size() >= max_depth) {
      fail_at(*source_, mark.line + 1, mark.column + 1, "the config is nested too deeply; expected at most {} levels",
              max_depth);
    }
    levels_.push_back({make(kind, mark), std::nullopt});
  }

  void close() {
    Node node = std::move(levels_.back().node);
    levels_.pop_back();
    add(std::move(node));
  }

  void add(Node node) {
    if (levels_.empty()) {
      root_ = std::move(node);
      return;
    }
    Level& level = levels_.back();
    if (level.node.kind == Node::Kind::list) {
      level.node.items.push_back(std::move(node));
      return;
    }
    if (!level.key) {
      check_key(level.node, node);
      level.key = std::move(node);
      return;
    }
    if (node.kind == Node::Kind::null) {  // the position of nothing is that of what comes next
      node.line = level.key->line;
      node.column = level.key->column;
    }
    level.node.entries.push_back(
        {std::move(level.key->text), level.key->line, level.key->column, source_, std::move(node)});
    level.key.reset();
  }

  void check_key(const Node& map, const Node& key) const {
    if (key.line >= end_line_) {
      fail_at(*source_, key.line, key.column, "not valid YAML: {}", cut_off);
    }
    if (key.kind != Node::Kind::scalar || key.text.empty()) {
      fail_at(*source_, key.line, key.column, "a key must be a word; got {}", key.describe());
    }
    if (key.text == "<<") {
      fail_at(*source_, key.line, key.column, "merge keys (<<) are not allowed in a config");
    }
    for (const Node::Entry& entry : map.entries) {
      if (entry.key == key.text) {
        fail_at(*source_, key.line, key.column, "key '{}' is there twice; the first is at line {}", key.text,
                entry.line);
      }
    }
  }

  std::shared_ptr<const Node::Source> source_;
  const int end_line_;  // where the text has ended
  std::vector<Level> levels_;
  Node root_;
  std::size_t nodes_ = 0;
};

Node parse_yaml(std::string_view text, std::shared_ptr<const Node::Source> source) {
  check_text(text, *source);
  // yaml-cpp takes the end of the text for the end of an open quote; an explicit end of the document is not allowed
  // inside one, so a config that was cut off is noticed.
  std::string ended(text);
  ended += text.empty() || text.back() == '\n' ? "...\n" : "\n...\n";
  const auto end_line = static_cast<int>(std::count(ended.begin(), ended.end(), '\n'));
  TreeBuilder builder(source, end_line);
  try {
    std::istringstream stream(ended);
    YAML::Parser parser(stream);
    if (!parser.HandleNextDocument(builder)) {
      Node empty;
      empty.source = source;
      return empty;
    }
    Node root = builder.take();
    TreeBuilder second(source, end_line);
    if (parser.HandleNextDocument(second)) {
      fail_at(*source, second.take().line, 1, "a second document in the config; expected one");
    }
    return root;
  } catch (const YAML::Exception& error) {
    const int line = error.mark.is_null() ? 1 : error.mark.line + 1;
    const int column = error.mark.is_null() ? 1 : error.mark.column + 1;
    fail_at(*source, line, column, "not valid YAML: {}", line >= end_line ? cut_off : error.msg);
  }
}

std::size_t count_nodes(const Node& node) {
  std::size_t n = 1;
  for (const Node& item : node.items) {
    n += count_nodes(item);
  }
  for (const Node::Entry& entry : node.entries) {
    n += count_nodes(entry.value);
  }
  return n;
}

/// `training.steps=5` replaces or adds the value at that path; sections on the way are made.
void apply_override(Node& root, const std::string& text) {
  auto source = std::make_shared<Node::Source>();
  source->name = text.size() <= 200 ? text : text.substr(0, 200) + "...";
  source->is_override = true;
  source->directory = ".";
  const std::size_t equals = text.find('=');
  if (equals == std::string::npos || equals == 0) {
    fail_at(*source, 1, 1, "not an override; expected key.sub=value");
  }
  std::vector<std::string> path;
  for (std::size_t begin = 0; begin <= equals;) {
    const std::size_t end = std::min(text.find('.', begin), equals);
    path.push_back(text.substr(begin, end - begin));
    if (path.back().empty() || path.back().find_first_of(" \t\n\"'") != std::string::npos) {
      fail_at(*source, 1, 1, "'{}' is not a key; expected key.sub=value",
              text.substr(0, std::min(equals, std::size_t{200})));
    }
    begin = end + 1;
  }
  Node value = parse_yaml(std::string_view(text).substr(equals + 1), source);
  if (value.kind == Node::Kind::null) {  // `key=` is the empty text: a shell has eaten the quotes
    value.kind = Node::Kind::scalar;
    value.quoted = true;
    value.source = source;
  }
  if (path.size() >= max_depth) {
    fail_at(*source, 1, 1, "the key is nested too deeply; expected at most {} levels", max_depth);
  }
  Node* section = &root;
  for (std::size_t i = 0; i < path.size(); ++i) {
    if (section->kind == Node::Kind::null) {
      section->kind = Node::Kind::map;
      section->source = section->source ? section->source : source;
    }
    if (section->kind != Node::Kind::map) {
      fail_at(*source, 1, 1, "'{}' is no section that could hold '{}'; it is {}", path[i - 1], path[i],
              section->describe());
    }
    const bool last = i + 1 == path.size();
    auto entry = std::find_if(section->entries.begin(), section->entries.end(),
                              [&](const Node::Entry& e) { return e.key == path[i]; });
    if (entry == section->entries.end()) {
      Node none;
      none.source = source;
      section->entries.push_back({path[i], 1, 1, source, std::move(none)});
      entry = std::prev(section->entries.end());
    }
    if (last) {
      entry->source = source;
      entry->value = std::move(value);
      return;
    }
    section = &entry->value;
  }
}

void check_format(const Node& root) {
  if (root.kind != Node::Kind::map && root.kind != Node::Kind::null) {
    fail_at(*root.source, root.line, root.column, "a config is a map of keys and values; got {}", root.describe());
  }
  const Node* const format = root.find("format");
  if (format == nullptr) {
    fail_at(*root.source, 1, 1, "key 'format' is missing; expected a first line 'format: 1'");
  }
  if (format->kind != Node::Kind::scalar || format->quoted || format->text != "1") {
    fail_at(*format->source, format->line, format->column, "this version reads configs of format 1; got {}",
            format->describe());
  }
}

std::string shortened(const std::string& text) {
  constexpr std::size_t longest = 60;
  std::size_t end = std::min(text.size(), longest);
  while (end < text.size() && end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0u) == 0x80u) {
    --end;  // never in the middle of a UTF-8 sequence
  }
  std::string shown;
  for (const char c : text.substr(0, end)) {
    shown += c == '\n' ? ' ' : c;
  }
  return end < text.size() ? shown + "..." : shown;
}

}  // namespace

const Node* Node::find(std::string_view key) const {
  for (const Entry& entry : entries) {
    if (entry.key == key) {
      return &entry.value;
    }
  }
  return nullptr;
}

Node* Node::find(std::string_view key) { return const_cast<Node*>(std::as_const(*this).find(key)); }

std::string Node::where() const { return position(*source, line, column); }
std::string Node::Entry::where() const { return position(*source, line, column); }

std::string Node::describe() const {
  switch (kind) {
    case Kind::null:
      return "nothing";
    case Kind::scalar:
      return fmt::format("{}'{}'", quoted ? "text " : "", shortened(text));
    case Kind::list:
      return fmt::format("a list of {}", items.size());
    default:
      return "a section";
  }
}

ConfigDocument::ConfigDocument(std::unique_ptr<Node> root) : root_(std::move(root)) {}
ConfigDocument::ConfigDocument(ConfigDocument&&) noexcept = default;
ConfigDocument& ConfigDocument::operator=(ConfigDocument&&) noexcept = default;
ConfigDocument::~ConfigDocument() = default;

ConfigDocument ConfigDocument::load(const std::filesystem::path& file, const std::vector<std::string>& overrides) {
  std::string text;
  try {
    text = read_text_file(file, max_bytes);
  } catch (const ContentError&) {
    fail<ConfigError>("{}:1:1: the config is too large; expected at most {} bytes", file.string(), max_bytes);
  }
  const std::filesystem::path directory = file.has_parent_path() ? file.parent_path() : ".";
  return parse(text, file.string(), directory, overrides);
}

ConfigDocument ConfigDocument::parse(std::string_view text, std::string name, std::filesystem::path directory,
                                     const std::vector<std::string>& overrides) {
  auto source = std::make_shared<Node::Source>();
  source->name = std::move(name);
  source->directory = std::move(directory);
  auto root = std::make_unique<Node>(parse_yaml(text, source));
  if (root->kind == Node::Kind::null) {
    root->kind = Node::Kind::map;  // an empty file still takes overrides before `format` is found missing
  }
  if (root->kind == Node::Kind::map) {
    for (const std::string& text_of_override : overrides) {
      apply_override(*root, text_of_override);
      if (count_nodes(*root) > max_nodes) {
        fail_at(*source, 1, 1, "the config has too many values; expected at most {}", max_nodes);
      }
    }
  }
  check_format(*root);
  return ConfigDocument(std::move(root));
}

std::string ConfigDocument::peek(std::string_view key, std::string_view fallback) const {
  const Node* const node = root_->find(key);
  if (node == nullptr) {
    return std::string(fallback);
  }
  if (node->kind != Node::Kind::scalar) {
    fail_at(*node->source, node->line, node->column, "'{}' must be a word; got {}", key, node->describe());
  }
  return node->text;
}

const Node& ConfigDocument::root() const { return *root_; }

}  // namespace oddity
