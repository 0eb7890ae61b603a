#include "cli/score_table.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <map>

#include <fmt/ranges.h>

#include "core/error.h"
#include "core/files.h"
#include "core/log.h"
#include "data/csv.h"

namespace oddity::cli {
namespace {

constexpr std::size_t kMostBytes = std::size_t(4) << 30;

std::size_t column_of(const CsvTable& table, const std::string& file, const std::string& name) {
  const int at = table.column(name);
  if (at < 0) {
    fail<ContentError>("[cli.metrics] {}:1: column '{}' is missing; got [{}]", file, name,
                       fmt::join(table.header, ", "));
  }
  return static_cast<std::size_t>(at);
}

double number_of(const std::string& cell, const std::string& file, int line, const std::string& column) {
  double value = 0;
  const char* end = cell.data() + cell.size();
  const auto [stop, error] = std::from_chars(cell.data(), end, value);
  if (error != std::errc() || stop != end || !std::isfinite(value)) {
    fail<ContentError>("[cli.metrics] {}:{}: column {} must be a finite number; got '{}'", file, line, column, cell);
  }
  return value;
}

}  // namespace

ScoreTable read_score_table(const std::filesystem::path& path, const ScoreColumns& columns) {
  const std::string file = path.string();
  const CsvTable csv = parse_csv(read_text_file(path, kMostBytes), file);
  const std::size_t score = column_of(csv, file, columns.score);
  const std::size_t label = columns.label.empty() ? 0 : column_of(csv, file, columns.label);
  const std::size_t group = columns.group.empty() ? 0 : column_of(csv, file, columns.group);
  ScoreTable table;
  std::map<std::string, std::int64_t> groups;
  for (const CsvRow& row : csv.rows) {
    if (row.cells[score].empty()) {
      ++table.without_score;
      continue;
    }
    const double value = number_of(row.cells[score], file, row.line, columns.score);
    if (!columns.label.empty()) {
      const std::string& name = row.cells[label];
      if (name.empty() || name == "unknown") {
        ++table.without_label;
        continue;
      }
      table.labels.push_back(name != columns.good && name != "0");
    }
    table.scores.push_back(value);
    if (!columns.group.empty()) {
      const auto [at, added] = groups.emplace(row.cells[group], static_cast<std::int64_t>(groups.size()));
      if (added) {
        table.group_names.push_back(row.cells[group]);
      }
      table.groups.push_back(at->second);
    }
  }
  if (table.without_score + table.without_label > 0) {
    log_info("{} rows without a score and {} without a label are left out", table.without_score, table.without_label);
  }
  if (table.scores.empty()) {
    fail<ContentError>("[cli.metrics] {} has no row with a score{}; got {} rows", file,
                       columns.label.empty() ? "" : " and a label", csv.rows.size());
  }
  return table;
}

}  // namespace oddity::cli
