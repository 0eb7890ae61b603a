#include "core/nearest.h"

#include <algorithm>
#include <cstddef>
#include <utility>

namespace oddity {

std::string nearest_word(std::string_view word, const std::vector<std::string>& known) {
  std::string best;
  std::size_t best_distance = (word.size() <= 4 ? 1 : std::max<std::size_t>(2, word.size() / 3)) + 1;
  for (const std::string& candidate : known) {
    if (candidate.size() > 256 || word.size() > 256) {
      continue;
    }
    // Three rows of the table: a swap of neighbours looks two rows back.
    const std::size_t n = candidate.size();
    std::vector<std::size_t> before(n + 1), last(n + 1), row(n + 1);
    for (std::size_t j = 0; j <= n; ++j) {
      last[j] = j;
    }
    for (std::size_t i = 1; i <= word.size(); ++i) {
      row[0] = i;
      for (std::size_t j = 1; j <= n; ++j) {
        row[j] = std::min({last[j] + 1, row[j - 1] + 1, last[j - 1] + (word[i - 1] == candidate[j - 1] ? 0u : 1u)});
        if (i > 1 && j > 1 && word[i - 1] == candidate[j - 2] && word[i - 2] == candidate[j - 1]) {
          row[j] = std::min(row[j], before[j - 2] + 1);
        }
      }
      std::swap(before, last);
      std::swap(last, row);
    }
    // Replacing every letter is no likeness.
    if (last[n] < best_distance && last[n] < std::max(n, word.size())) {
      best_distance = last[n];
      best = candidate;
    }
  }
  return best;
}

}  // namespace oddity
