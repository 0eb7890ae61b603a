#include "data/csv.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "test_files.h"

namespace oddity {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

TEST(Csv, ReadsQuotesCommasAndLineBreaks) {
  const CsvTable table = parse_csv(
      "\xEF\xBB\xBF"
      "file,label,note\r\n"
      "a.png,good,\"a, \"\"b\"\" and\r\na line\"\r\n"
      "\n"
      "b.png,,\"\"\n"
      "\"c.png\",x,last",
      "index.csv");
  EXPECT_THAT(table.header, ElementsAre("file", "label", "note"));
  ASSERT_EQ(table.rows.size(), 3U);
  EXPECT_THAT(table.rows[0].cells, ElementsAre("a.png", "good", "a, \"b\" and\r\na line"));
  EXPECT_EQ(table.rows[0].line, 2);
  EXPECT_THAT(table.rows[1].cells, ElementsAre("b.png", "", ""));
  EXPECT_EQ(table.rows[1].line, 5);
  EXPECT_THAT(table.rows[2].cells, ElementsAre("c.png", "x", "last"));
  EXPECT_EQ(table.column("note"), 2);
  EXPECT_EQ(table.column("mask"), -1);
}

TEST(Csv, AnEmptyLastCellCounts) {
  const CsvTable table = parse_csv("a,b\n1,\n,\n", "x");
  ASSERT_EQ(table.rows.size(), 2U);
  EXPECT_THAT(table.rows[0].cells, ElementsAre("1", ""));
  EXPECT_THAT(table.rows[1].cells, ElementsAre("", ""));
}

TEST(Csv, ComplainsWithTheLine) {
  const auto message = [](const std::string& text) {
    return test::message_of<ContentError>([&] { parse_csv(text, "index.csv"); });
  };
  EXPECT_THAT(message(""), HasSubstr("[data.csv] index.csv:1: empty"));
  EXPECT_THAT(message("a,b\n1,2\n1,2,3\n"), HasSubstr("index.csv:3: row has 3 cells; expected 2"));
  EXPECT_THAT(message("a,b\n1\n"), HasSubstr("index.csv:2: row has 1 cells"));
  EXPECT_THAT(message("a,b\n1,\"2\n\n\n"), HasSubstr("index.csv:2: quote is never closed"));
  EXPECT_THAT(message("a,b\n1,\"2\"x\n"), HasSubstr("index.csv:2: text after a closing quote"));
  EXPECT_THAT(message("a,b\n1,2\"3\n"), HasSubstr("index.csv:2: quote inside a cell"));
  EXPECT_THAT(message("a,b,a\n"), HasSubstr("index.csv:1: column 'a' appears twice"));
  EXPECT_THAT(message(std::string("a,b\n1,\0\n", 8)), HasSubstr("index.csv:2: zero byte"));
  EXPECT_THAT(message(std::string("a,b\n1,\"\0\"\n", 10)), HasSubstr("index.csv:2: zero byte"));
  EXPECT_THAT(message(std::string(2'000, ',')), HasSubstr("too many columns"));
}

TEST(Csv, CellsRoundTrip) {
  const std::vector<std::string> cells = {"plain", "a,b", "say \"x\"", "two\nlines", "", " spaced "};
  std::string text = "c0,c1,c2,c3,c4,c5\n";
  for (std::size_t i = 0; i < cells.size(); ++i) {
    text += csv_cell(cells[i]);
    text += i + 1 < cells.size() ? ',' : '\n';
  }
  EXPECT_EQ(parse_csv(text, "x").rows.at(0).cells, cells);
  EXPECT_EQ(csv_cell("plain"), "plain");
  EXPECT_EQ(csv_cell("a,\"b\""), "\"a,\"\"b\"\"\"");
}

}  // namespace
}  // namespace oddity
