#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/options.h"

/// Strict YAML configs (architecture section 5). `format: 1` is demanded; an unknown key is an error with file, line,
/// column and the nearest known key. Limits against hostile files: 1 MiB, depth 64, 10,000 nodes, no anchors, aliases
/// or merge keys.
namespace oddity {

/// A parsed document with positions and the overrides applied to it. Knows no option struct.
class ConfigDocument {
public:
  /// Reads a file; `overrides` are `key.sub=value` strings, the value being YAML flow syntax.
  /// Throws PathError (no such file) or ConfigError (`file:line:column: ...`).
  static ConfigDocument load(const std::filesystem::path& file, const std::vector<std::string>& overrides = {});
  /// Parses text; `name` stands where the file would in messages; relative paths resolve against `directory`.
  static ConfigDocument parse(std::string_view text, std::string name, std::filesystem::path directory = ".",
                              const std::vector<std::string>& overrides = {});
  ConfigDocument(ConfigDocument&&) noexcept;
  ConfigDocument& operator=(ConfigDocument&&) noexcept;
  ~ConfigDocument();

  /// The value of a top-level scalar key as text, or `fallback` when absent: used to pick the family before the rest is
  /// read.
  std::string peek(std::string_view key, std::string_view fallback) const;

  struct Node;
  const Node& root() const;

private:
  explicit ConfigDocument(std::unique_ptr<Node> root);
  std::unique_ptr<Node> root_;
};

/// Fills options from a document. Starts from the values already in `options` (the defaults). Throws ConfigError on
/// unknown keys, wrong types, values out of range, missing required keys. The key `format` is consumed here.
class ConfigReader final : public OptionsVisitor {
public:
  explicit ConfigReader(const ConfigDocument& document);
  ~ConfigReader() override;
  void field(bool& value, const Field& field) override;
  void field(std::int64_t& value, const Field& field) override;
  void field(double& value, const Field& field) override;
  void field(std::string& value, const Field& field) override;
  void field(std::vector<std::int64_t>& value, const Field& field) override;
  void field(std::vector<double>& value, const Field& field) override;
  void field(std::vector<std::string>& value, const Field& field) override;
  void begin_section(const char* name, const char* help) override;
  void end_section() override;
  void finish();  ///< fails on keys that no field asked for

private:
  struct State;
  std::unique_ptr<State> state_;
};

template <class Options>
Options read_options(const ConfigDocument& document, Options options = {}) {
  ConfigReader reader(document);
  describe(reader, options);
  reader.finish();
  return options;
}

/// The options as a YAML document that reads back to the same values (`format: 1` first). Doubles round-trip exactly.
std::string to_yaml(void (*describe_with)(OptionsVisitor&, void*), void* options);
template <class Options>
std::string to_yaml(Options& options) {
  return to_yaml([](OptionsVisitor& v, void* o) { describe(v, *static_cast<Options*>(o)); }, &options);
}

/// The same as compact JSON text with the document order of keys (for the package and the manifest).
std::string to_json(void (*describe_with)(OptionsVisitor&, void*), void* options);
template <class Options>
std::string to_json(Options& options) {
  return to_json([](OptionsVisitor& v, void* o) { describe(v, *static_cast<Options*>(o)); }, &options);
}

/// A table for people: key, value (that of the given options), unit, range or choices, sentence. For `oddity describe`.
std::string to_help(void (*describe_with)(OptionsVisitor&, void*), void* options);
template <class Options>
std::string to_help(Options& options) {
  return to_help([](OptionsVisitor& v, void* o) { describe(v, *static_cast<Options*>(o)); }, &options);
}

}  // namespace oddity
