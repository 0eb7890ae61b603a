#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "data/csv.h"

namespace oddity::cli {

/// A CSV file whose columns are named on the command line.
class CsvFile {
public:
  explicit CsvFile(const std::filesystem::path& path);

  const std::string& name() const { return name_; }
  const std::vector<CsvRow>& rows() const { return table_.rows; }
  bool has(const std::string& column) const { return table_.column(column) >= 0; }
  /// Position of a column; throws ContentError when the file has none of that name.
  std::size_t column(const std::string& column) const;
  /// None for an empty cell; throws ContentError with file, line and column for a cell that is no finite number.
  std::optional<double> number(const CsvRow& row, std::size_t column) const;

private:
  std::string name_;
  CsvTable table_;
};

/// Whether a label is a defect: none for `unknown` and an empty one, false for `good` and 0.
std::optional<bool> is_defect(const std::string& label, const std::string& good);

/// Which columns of a CSV file `oddity metrics` reads.
struct ScoreColumns {
  std::string score = "score", label = "label";
  std::string good = "good";      ///< label of a good part; 0 too; every other label is a defect
  std::string group;              ///< column of groups; empty: none
  std::string other;              ///< a second column of scores; empty: none
  bool groups_are_units = false;  ///< a row without a group is refused: such rows would be taken for one group
};

/// Scores and labels of a CSV file such as scores.csv. Rows without a score (an image that could not be judged) and
/// with label `unknown` or an empty one are left out and counted.
struct ScoreTable {
  std::vector<double> scores;
  std::vector<double> others;        ///< of the column `other`; empty without one
  std::vector<std::uint8_t> labels;  ///< 1 for a defect
  std::vector<std::int64_t> groups;  ///< numbers of `group_names`; empty without a group column
  std::vector<std::string> group_names;
  std::vector<int> lines;          ///< of the file, from 1
  std::vector<std::string> files;  ///< cells of a column `file`; empty without one
  std::size_t without_score = 0, without_label = 0;
};

/// Throws ContentError with file, line and column for a cell that is no number or a missing column. With an empty
/// `columns.label` no labels are read and none is needed.
ScoreTable read_score_table(const std::filesystem::path& file, const ScoreColumns& columns);

}  // namespace oddity::cli
