#pragma once

#include <stdexcept>
#include <string>

#include <gmock/gmock.h>

namespace oddity::metrics::testing {

/// EXPECT_THAT([&] { call(...); }, message(text)): the call refuses its arguments, and its message holds the text.
inline auto message(const std::string& text) {
  return ::testing::ThrowsMessage<std::invalid_argument>(::testing::HasSubstr(text));
}

}  // namespace oddity::metrics::testing
