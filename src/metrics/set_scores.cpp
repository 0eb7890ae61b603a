#include "oddity/metrics/set_scores.h"

#include <algorithm>

#include "core/threads.h"
#include "metrics/row_scorer.h"

namespace oddity::metrics {
namespace {

/// Calls work(scorer, row, u) for each row, in parallel.
template <class T, class Work>
void for_each_row(const char* function, const Matrix& probabilities, std::span<const T> values, const SetScore& score,
                  std::span<const std::int64_t> ids, SampleRole role, Work work) {
  const std::size_t columns = probabilities.columns;
  thread_pool().parallel_for(0, std::int64_t(probabilities.rows), detail::rows_per_piece(columns),
                             [&](std::int64_t first, std::int64_t last) {
                               detail::RowScorer<T> scorer(score, columns);
                               for (auto row = std::size_t(first); row < std::size_t(last); ++row) {
                                 if (!scorer.load(values.data() + row * columns)) {
                                   detail::refuse_row(function, "probabilities", probabilities, row);
                                 }
                                 work(scorer, row, detail::uniform_of(score, role, detail::id_of(ids, row)));
                               }
                             });
}

}  // namespace

std::vector<double> detail::scores_of_classes(const char* function, const Matrix& probabilities,
                                              std::span<const std::int64_t> classes, const SetScore& score,
                                              std::span<const std::int64_t> ids, SampleRole role) {
  detail::require_score(function, score);
  detail::require_class_table(function, "probabilities", probabilities, ids);
  detail::require_class_indices(function, classes, probabilities.rows, probabilities.columns);
  std::vector<double> result(probabilities.rows);
  probabilities.values.visit([&](auto values) {
    for_each_row(function, probabilities, values, score, ids, role, [&](auto& scorer, std::size_t row, double u) {
      result[row] = scorer.score(std::size_t(classes[row]), u);
    });
  });
  return result;
}

std::vector<double> set_scores(const Matrix& probabilities, std::span<const std::int64_t> classes,
                               const SetScore& score, std::span<const std::int64_t> ids, SampleRole role) {
  return detail::scores_of_classes("set_scores", probabilities, classes, score, ids, role);
}

std::vector<double> set_scores_of_all_classes(const Matrix& probabilities, const SetScore& score,
                                              std::span<const std::int64_t> ids, SampleRole role) {
  constexpr const char* function = "set_scores_of_all_classes";
  detail::require_score(function, score);
  detail::require_class_table(function, "probabilities", probabilities, ids);
  std::vector<double> result(probabilities.rows * probabilities.columns);
  probabilities.values.visit([&](auto values) {
    for_each_row(function, probabilities, values, score, ids, role, [&](auto& scorer, std::size_t row, double u) {
      const auto scores = scorer.scores(u);
      std::copy(scores.begin(), scores.end(), result.begin() + std::ptrdiff_t(row * probabilities.columns));
    });
  });
  return result;
}

}  // namespace oddity::metrics
