#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <vector>

/// Options are plain aggregates with defaults. For each struct one function `void describe(OptionsVisitor&, Struct&)`
/// names every field once, with unit, range and one sentence. Reading YAML, range checks, `oddity describe`, the
/// resolved config and the Python keyword arguments are visitors over that one description.
namespace oddity {

/// What is said of one field.
struct Field {
  const char* name = "";
  const char* help = "";                                      ///< one sentence, for people
  const char* unit = "";                                      ///< "px", "steps", "s", ...; empty when it has none
  double minimum = -std::numeric_limits<double>::infinity();  ///< for numbers and each element of lists
  double maximum = std::numeric_limits<double>::infinity();
  std::vector<std::string> choices = {};  ///< for strings and each element of string lists; empty = free
  bool required = false;                  ///< a reader fails when the key is absent
  bool is_path = false;                   ///< relative values resolve against the config file
  int length = -1;                        ///< exact length of a list; -1 = any
};

class OptionsVisitor {
public:
  virtual ~OptionsVisitor() = default;
  virtual void field(bool& value, const Field& field) = 0;
  virtual void field(std::int64_t& value, const Field& field) = 0;
  virtual void field(double& value, const Field& field) = 0;
  virtual void field(std::string& value, const Field& field) = 0;
  virtual void field(std::vector<std::int64_t>& value, const Field& field) = 0;
  virtual void field(std::vector<double>& value, const Field& field) = 0;
  virtual void field(std::vector<std::string>& value, const Field& field) = 0;
  virtual void begin_section(const char* name, const char* help) = 0;
  virtual void end_section() = 0;
};

/// A nested struct: `section(visitor, "training", "How long and how to train.", options.training)`.
template <class Options>
void section(OptionsVisitor& visitor, const char* name, const char* help, Options& options) {
  visitor.begin_section(name, help);
  describe(visitor, options);
  visitor.end_section();
}

}  // namespace oddity
