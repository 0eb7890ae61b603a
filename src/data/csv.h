#pragma once

#include <string>
#include <string_view>
#include <vector>

/// Comma separated values after RFC 4180: cells in double quotes may hold commas, line breaks and doubled quotes; lines
/// end with LF or CRLF; a UTF-8 byte order mark is skipped; empty lines are skipped.
namespace oddity {

struct CsvRow {
  int line = 0;  ///< where the row starts, from 1
  std::vector<std::string> cells;
};

struct CsvTable {
  std::vector<std::string> header;
  std::vector<CsvRow> rows;
  /// Position of a column, or -1.
  int column(std::string_view name) const;
};

/// Every row has as many cells as the header, whose names are unique. Throws ContentError `[data.csv] name:line: ...`
/// for anything else, for a quote left open or out of place, for no header, for more than 1,024 columns.
CsvTable parse_csv(std::string_view text, const std::string& name);

/// The cell as it goes into a file: quoted when it must be.
std::string csv_cell(std::string_view text);

}  // namespace oddity
