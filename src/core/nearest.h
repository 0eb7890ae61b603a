#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace oddity {

/// The known word that was most likely meant by `word`, for "did you mean": the nearest by optimal string alignment
/// (insert, delete, replace, swap of neighbours, each 1; Damerau 1964), within 1 for words of up to 4 letters, else
/// within max(2, a third of its length). "" when none is near enough. On a tie the first of `known` wins.
std::string nearest_word(std::string_view word, const std::vector<std::string>& known);

}  // namespace oddity
