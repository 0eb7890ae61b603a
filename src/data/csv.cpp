#include "data/csv.h"

#include <algorithm>

#include "core/error.h"

namespace oddity {
namespace {

constexpr std::size_t max_columns = 1'024;

/// Reads one row after another and counts lines.
class Reader {
public:
  Reader(std::string_view text, const std::string& name) : text_(text), name_(name) {
    constexpr std::string_view byte_order_mark = "\xEF\xBB\xBF";
    if (text_.starts_with(byte_order_mark)) {
      text_.remove_prefix(byte_order_mark.size());
    }
  }

  bool next(CsvRow& row) {
    while (skip_line_end()) {
    }
    if (at_ == text_.size()) {
      return false;
    }
    row = CsvRow{line_, {}};
    while (true) {
      row.cells.push_back(cell());
      if (row.cells.size() > max_columns) {
        complain("too many columns; expected at most " + std::to_string(max_columns));
      }
      if (at_ == text_.size() || skip_line_end()) {
        return true;
      }
      ++at_;  // cell() stops at a comma, a line end or the end
    }
  }

  [[noreturn]] void complain(const std::string& what) const { complain(what, line_); }
  [[noreturn]] void complain(const std::string& what, int line) const {
    fail<ContentError>("[data.csv] {}:{}: {}", name_, line, what);
  }

private:
  bool skip_line_end() {
    if (text_.substr(at_).starts_with("\r\n")) {
      at_ += 2;
    } else if (at_ < text_.size() && text_[at_] == '\n') {
      ++at_;
    } else {
      return false;
    }
    ++line_;
    return true;
  }

  std::string cell() {
    if (at_ < text_.size() && text_[at_] == '"') {
      return quoted();
    }
    const std::size_t end = std::min(text_.find_first_of(",\n", at_), text_.size());
    std::string_view found = text_.substr(at_, end - at_);
    if (end < text_.size() && text_[end] == '\n' && found.ends_with('\r')) {
      found.remove_suffix(1);
    }
    if (found.find('"') != std::string_view::npos) {
      complain("quote inside a cell that does not start with one");
    }
    if (found.find('\0') != std::string_view::npos) {
      complain("zero byte; expected text");
    }
    at_ += found.size();
    return std::string(found);
  }

  std::string quoted() {
    const int start = line_;
    std::string value;
    for (++at_; at_ < text_.size(); ++at_) {
      const char character = text_[at_];
      if (character == '"') {
        if (at_ + 1 < text_.size() && text_[at_ + 1] == '"') {
          ++at_;
        } else {
          ++at_;
          const bool ends =
              at_ == text_.size() || text_[at_] == ',' || text_[at_] == '\n' || text_.substr(at_).starts_with("\r\n");
          if (!ends) {
            complain("text after a closing quote; expected a comma or the end of the line");
          }
          return value;
        }
      } else if (character == '\n') {
        ++line_;
      } else if (character == '\0') {
        complain("zero byte; expected text");
      }
      value += character;
    }
    complain("quote is never closed", start);
  }

  std::string_view text_;
  const std::string& name_;
  std::size_t at_ = 0;
  int line_ = 1;
};

}  // namespace

int CsvTable::column(std::string_view name) const {
  const auto found = std::find(header.begin(), header.end(), name);
  return found == header.end() ? -1 : static_cast<int>(found - header.begin());
}

CsvTable parse_csv(std::string_view text, const std::string& name) {
  Reader reader(text, name);
  CsvRow row;
  if (!reader.next(row)) {
    reader.complain("empty; expected a line of column names");
  }
  CsvTable table;
  table.header = std::move(row.cells);
  std::vector<std::string> names = table.header;
  std::sort(names.begin(), names.end());
  const auto twice = std::adjacent_find(names.begin(), names.end());
  if (twice != names.end()) {
    reader.complain("column '" + *twice + "' appears twice", row.line);
  }
  while (reader.next(row)) {
    if (row.cells.size() != table.header.size()) {
      reader.complain("row has " + std::to_string(row.cells.size()) + " cells; expected " +
                          std::to_string(table.header.size()) + " as in the header",
                      row.line);
    }
    table.rows.push_back(std::move(row));
  }
  return table;
}

std::string csv_cell(std::string_view text) {
  if (text.find_first_of(",\"\r\n") == std::string_view::npos) {
    return std::string(text);
  }
  std::string cell = "\"";
  for (const char character : text) {
    cell += character;
    if (character == '"') {
      cell += '"';
    }
  }
  return cell + '"';
}

}  // namespace oddity
