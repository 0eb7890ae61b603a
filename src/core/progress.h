#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace oddity {

/// Where long work says how far it is. The terminal sink draws one bar with rate and time left on a TTY and prints a
/// line every few seconds elsewhere; the silent sink does nothing; notebooks bring their own.
class ProgressSink {
public:
  virtual ~ProgressSink() = default;
  virtual void begin(std::string_view what, std::int64_t total) = 0;
  /// `note` is a short text after the bar: "loss 0.412".
  virtual void advance(std::int64_t done, std::string_view note = {}) = 0;
  virtual void end() = 0;
};

std::unique_ptr<ProgressSink> make_terminal_progress();  ///< on stderr
ProgressSink& silent_progress();

}  // namespace oddity
