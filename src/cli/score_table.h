#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace oddity::cli {

/// Which columns of a CSV file `oddity metrics` reads.
struct ScoreColumns {
  std::string score = "score", label = "label";
  std::string good = "good";  ///< label of a good part; 0 too; every other label is a defect
  std::string group;          ///< column of groups; empty: none
};

/// Scores and labels of a CSV file such as scores.csv. Rows without a score (an image that could not be judged) and
/// with label `unknown` or an empty one are left out and counted.
struct ScoreTable {
  std::vector<double> scores;
  std::vector<std::uint8_t> labels;  ///< 1 for a defect
  std::vector<std::int64_t> groups;  ///< numbers of `group_names`; empty without a group column
  std::vector<std::string> group_names;
  std::size_t without_score = 0, without_label = 0;
};

/// Throws ContentError with file, line and column for a cell that is no number or a missing column. With an empty
/// `columns.label` no labels are read and none is needed.
ScoreTable read_score_table(const std::filesystem::path& file, const ScoreColumns& columns);

}  // namespace oddity::cli
