#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "oddity/metrics/set_scores.h"

/// Scores of one row of class probabilities at a time: the single place where prediction sets get their numbers from.
namespace oddity::metrics::detail {

/// Options of a score make sense.
void require_score(const char* function, const SetScore& score);
/// The table is not empty, its size fits, it has at least 2 columns; ids are none or one for each row. Values are
/// checked by RowScorer::load.
void require_class_table(const char* function, const char* name, const Matrix& probabilities,
                         std::span<const std::int64_t> ids);
/// classes[i] is in [0, columns) for each row.
void require_class_indices(const char* function, std::span<const std::int64_t> classes, std::size_t rows,
                           std::size_t columns);
/// Says what is wrong with a row that RowScorer::load found to be no probabilities.
[[noreturn]] void refuse_row(const char* function, const char* name, const Matrix& probabilities, std::size_t row);

/// U of a sample: in [0, 1), or 1 for a score that is not randomised.
double uniform_of(const SetScore& score, SampleRole role, std::uint64_t id);
inline std::uint64_t id_of(std::span<const std::int64_t> ids, std::size_t row) {
  return ids.empty() ? row : std::uint64_t(ids[row]);
}

/// How many rows a piece of parallel work has: depends on the number of columns alone.
inline std::int64_t rows_per_piece(std::size_t columns) { return 1 + std::int64_t(32768 / columns); }

/// set_scores with the name of the function that is refused.
std::vector<double> scores_of_classes(const char* function, const Matrix& probabilities,
                                      std::span<const std::int64_t> classes, const SetScore& score,
                                      std::span<const std::int64_t> ids, SampleRole role);

/// Scratch of one thread, 21 bytes a class.
template <class T>
class RowScorer {
public:
  RowScorer(const SetScore& score, std::size_t columns);

  /// False when the row is no probabilities. The row must outlive its use.
  bool load(const T* row);
  /// Score of class y of the loaded row.
  double score(std::size_t y, double u) const;
  /// Scores of all classes; the span is valid until the next load.
  std::span<const double> scores(double u);
  /// Marks the classes whose score is at most `limit` and returns their number; as scores() <= limit, but faster.
  std::size_t mark(double u, double limit, std::uint64_t* words);
  /// The same with a limit for each class.
  std::size_t mark(double u, std::span<const double> limits, std::uint64_t* words);

private:
  double ranked_score(std::int64_t mass_above, std::size_t rank, std::int64_t own, double u) const;
  double penalty(std::size_t rank) const;
  bool ranks_before(std::uint32_t a, std::uint32_t b) const;
  void sort_classes();
  void sort_range(std::size_t first, std::size_t last);
  std::size_t mark_ranked(double u, double limit, std::uint64_t* words);

  SetScore score_;
  std::size_t columns_;
  const T* row_ = nullptr;
  std::int64_t mass_ = 0;            ///< of the row
  std::vector<std::int64_t> fixed_;  ///< probabilities in fixed point
  std::vector<double> scores_;
  std::vector<std::uint8_t> bucket_;
  std::vector<std::uint32_t> order_;  ///< classes being sorted
  std::vector<std::uint64_t> candidates_;
};

}  // namespace oddity::metrics::detail
