#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace oddity {

/// "1 image", "2 images": for sentences with a count. The plural must be regular.
inline std::string counted(std::size_t n, std::string_view noun) {
  return std::to_string(n) + " " + std::string(noun) + (n == 1 ? "" : "s");
}

}  // namespace oddity
