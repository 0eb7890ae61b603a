#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/config.h"
#include "core/nearest.h"

/// The tree behind a ConfigDocument (internal to core): what yaml-cpp read, with positions, and without yaml-cpp.
namespace oddity {

struct ConfigDocument::Node {
  enum class Kind { null, scalar, list, map };
  struct Entry;

  /// What all nodes of one file, or of one override, share.
  struct Source {
    std::string name;  ///< the file; for an override its text
    bool is_override = false;
    std::filesystem::path directory;  ///< relative paths resolve against it
  };

  Kind kind = Kind::null;
  bool quoted = false;  ///< a scalar in quotes: text, never a number
  std::string text;     ///< of a scalar
  std::vector<Node> items;
  std::vector<Entry> entries;  ///< of a map, in the order of the document
  int line = 1, column = 1;
  std::shared_ptr<const Source> source;

  const Node* find(std::string_view key) const;
  Node* find(std::string_view key);
  std::string where() const;     ///< "file:3:5" or "override 'a.b=1'"
  std::string describe() const;  ///< "text 'abc'", "a list", ...: for messages
};

struct ConfigDocument::Node::Entry {
  std::string key;
  int line = 1, column = 1;
  std::shared_ptr<const Source> source;
  Node value;
  std::string where() const;
};

}  // namespace oddity
