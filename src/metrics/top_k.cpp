#include "oddity/metrics/top_k.h"

#include <algorithm>

#include "core/threads.h"
#include "metrics/class_labels.h"

namespace oddity::metrics {

TopK top_k_accuracy(const Matrix& scores, std::span<const std::int64_t> truth, std::size_t k, Values weights,
                    std::optional<std::int64_t> ignored_label, double confidence) {
  constexpr const char* function = "top_k_accuracy";
  detail::require_matrix(function, "scores", scores);
  detail::require_same_length(function, "scores", scores.rows, "truth", truth.size());
  const std::size_t classes = scores.columns;
  detail::require_classes(function, classes);
  if (k < 1 || k > classes) {
    detail::refuse(function, "k is out of range; got ", k, "; expected 1 to ", classes);
  }
  detail::require_open_unit(function, "confidence", confidence);
  detail::require_weights(function, weights, truth.size());
  const Values used = detail::table_weights(function, weights, truth.size());
  if (std::size_t(std::count(truth.begin(), truth.end(), ignored_label)) == truth.size()) {
    detail::refuse(function, "every sample is ignored; got ", truth.size(), " with label ", *ignored_label);
  }
  detail::require_labels(function, "truth", truth, classes, truth, ignored_label);

  enum Outcome : std::uint8_t { miss, hit, undecided };
  std::vector<Outcome> outcomes(truth.size(), miss);
  scores.values.visit([&](auto values) {
    thread_pool().parallel_for(0, std::int64_t(truth.size()), 1024, [&](std::int64_t first, std::int64_t last) {
      for (auto i = std::size_t(first); i < std::size_t(last); ++i) {
        if (truth[i] == ignored_label) {
          continue;
        }
        const auto row = values.subspan(i * classes, classes);
        const auto own = row[std::size_t(truth[i])];
        std::size_t above = 0, equal = 0;
        for (const auto score : row) {
          above += score > own;
          equal += score == own;
        }
        outcomes[i] = above + equal - 1 < k ? hit : above < k ? undecided : miss;
      }
    });
  });

  std::vector<Confusion::Tally> hits(classes), trials(classes);
  Confusion::Tally all_hits, all;
  TopK result;
  for (std::size_t i = 0; i < truth.size(); ++i) {
    if (truth[i] == ignored_label) {
      ++result.ignored;
      continue;
    }
    const double weight = used.empty() ? 1 : used[i];
    const Confusion::Tally one{1, weight, weight * weight, !used.empty()};
    const Confusion::Tally counted = outcomes[i] == hit ? one : Confusion::Tally{0, 0, 0, one.weighted};
    hits[std::size_t(truth[i])] += counted;
    trials[std::size_t(truth[i])] += one;
    all_hits += counted;
    all += one;
    result.undecided += outcomes[i] == undecided;
  }
  result.accuracy = Confusion::rate(all_hits, all, confidence);
  for (std::size_t c = 0; c < classes; ++c) {
    result.classes.push_back(Confusion::rate(hits[c], trials[c], confidence));
  }
  return result;
}

}  // namespace oddity::metrics
