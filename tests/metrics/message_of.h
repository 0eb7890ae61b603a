#pragma once

#include <stdexcept>
#include <string>

namespace oddity::metrics::testing {

/// The message with which a call refuses its arguments; "accepted" when it does not.
template <class Call>
std::string message_of(Call call) {
  try {
    call();
  } catch (const std::invalid_argument& error) {
    return error.what();
  }
  return "accepted";
}

}  // namespace oddity::metrics::testing
