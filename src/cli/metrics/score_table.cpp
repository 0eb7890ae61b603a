#include "cli/metrics/score_table.h"

#include <charconv>
#include <cmath>
#include <map>

#include <fmt/ranges.h>

#include "core/error.h"
#include "core/files.h"
#include "core/log.h"

namespace oddity::cli {
namespace {

constexpr std::size_t kMostBytes = std::size_t(4) << 30;

}  // namespace

CsvFile::CsvFile(const std::filesystem::path& path)
    : name_(path.string()), table_(parse_csv(read_text_file(path, kMostBytes), path.string())) {}

std::size_t CsvFile::column(const std::string& column) const {
  const int at = table_.column(column);
  if (at < 0) {
    fail<ContentError>("[cli.metrics] {}:1: column '{}' is missing; got [{}]", name_, column,
                       fmt::join(table_.header, ", "));
  }
  return static_cast<std::size_t>(at);
}

std::optional<double> CsvFile::number(const CsvRow& row, std::size_t column) const {
  const std::string& cell = row.cells[column];
  if (cell.empty()) {
    return {};
  }
  double value = 0;
  const char* end = cell.data() + cell.size();
  const auto [stop, error] = std::from_chars(cell.data(), end, value);
  if (error != std::errc() || stop != end || !std::isfinite(value)) {
    fail<ContentError>("[cli.metrics] {}:{}: column {} must be a finite number; got '{}'", name_, row.line,
                       table_.header[column], cell);
  }
  return value;
}

std::optional<bool> is_defect(const std::string& label, const std::string& good) {
  if (label.empty() || label == "unknown") {
    return {};
  }
  return label != good && label != "0";
}

ScoreTable read_score_table(const std::filesystem::path& path, const ScoreColumns& columns) {
  const CsvFile csv(path);
  const std::size_t score = csv.column(columns.score);
  const std::size_t other = columns.other.empty() ? score : csv.column(columns.other);
  const std::size_t label = columns.label.empty() ? 0 : csv.column(columns.label);
  const std::size_t group = columns.group.empty() ? 0 : csv.column(columns.group);
  const bool files = csv.has("file");
  const std::size_t file = files ? csv.column("file") : 0;
  ScoreTable table;
  std::map<std::string, std::int64_t> groups;
  for (const CsvRow& row : csv.rows()) {
    const std::optional<double> value = csv.number(row, score), second = csv.number(row, other);
    if (!value || !second) {
      ++table.without_score;
      continue;
    }
    if (!columns.label.empty()) {
      const std::optional<bool> defect = is_defect(row.cells[label], columns.good);
      if (!defect) {
        ++table.without_label;
        continue;
      }
      table.labels.push_back(*defect);
    }
    table.scores.push_back(*value);
    if (!columns.other.empty()) {
      table.others.push_back(*second);
    }
    if (!columns.group.empty()) {
      if (columns.groups_are_units && row.cells[group].empty()) {
        fail<ContentError>("[cli.metrics] {}:{}: column {} must name a group; got ''", csv.name(), row.line,
                           columns.group);
      }
      const auto [at, added] = groups.emplace(row.cells[group], static_cast<std::int64_t>(groups.size()));
      if (added) {
        table.group_names.push_back(row.cells[group]);
      }
      table.groups.push_back(at->second);
    }
    table.lines.push_back(row.line);
    if (files) {
      table.files.push_back(row.cells[file]);
    }
  }
  if (table.without_score + table.without_label > 0) {
    log_info("{} rows without a score and {} without a label are left out", table.without_score, table.without_label);
  }
  if (table.scores.empty()) {
    fail<ContentError>("[cli.metrics] {} has no row with a score{}; got {} rows", csv.name(),
                       columns.label.empty() ? "" : " and a label", csv.rows().size());
  }
  return table;
}

}  // namespace oddity::cli
