#include "image/region_of_interest.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/error.h"

namespace oddity {
namespace {

std::string drawn(const Image& mask) {
  std::string text;
  for (int y = 0; y < mask.height; ++y) {
    for (int x = 0; x < mask.width; ++x) {
      const int value = mask.u8()[y * mask.width + x];
      text += value == 255 ? '#' : value == 0 ? '.' : '?';
    }
    text += '\n';
  }
  return text;
}

TEST(RegionOfInterest, NothingGivenMeansEverything) { EXPECT_EQ(drawn(rasterise({}, 2, 3)), "###\n###\n"); }

TEST(RegionOfInterest, FillsARectangleOfPixelCentres) {
  const Polygons half = {{{0.5, 0.0}, {1.0, 0.0}, {1.0, 0.5}, {0.5, 0.5}}};
  EXPECT_EQ(drawn(rasterise(half, 4, 4)), "..##\n..##\n....\n....\n");
  // The same fractions at another size: centres of 6 columns at 1/12, 3/12, ... lie right of 0.5 from column 3.
  EXPECT_EQ(drawn(rasterise(half, 2, 6)), "...###\n......\n");
}

TEST(RegionOfInterest, FillsATriangle) {
  // Below the diagonal: centre (x + 0.5, y + 0.5) with x < y is inside; on the diagonal it lies on the edge: x = y is
  // not left of the right end.
  const Polygons triangle = {{{0.0, 0.0}, {1.0, 1.0}, {0.0, 1.0}}};
  EXPECT_EQ(drawn(rasterise(triangle, 4, 4)), "....\n#...\n##..\n###.\n");
}

TEST(RegionOfInterest, UnitesPolygonsAndHonoursEvenOdd) {
  const Polygons two = {{{0.0, 0.0}, {0.5, 0.0}, {0.5, 1.0}, {0.0, 1.0}},
                        {{0.25, 0.0}, {0.75, 0.0}, {0.75, 1.0}, {0.25, 1.0}}};
  EXPECT_EQ(drawn(rasterise(two, 1, 4)), "###.\n");
  // One line that goes round twice: the inner square is outside by the even-odd rule.
  const Polygons ring = {{{0.0, 0.0},
                          {1.0, 0.0},
                          {1.0, 1.0},
                          {0.0, 1.0},
                          {0.0, 0.0},
                          {0.2, 0.2},
                          {0.8, 0.2},
                          {0.8, 0.8},
                          {0.2, 0.8},
                          {0.2, 0.2}}};
  EXPECT_EQ(drawn(rasterise(ring, 5, 5)), "#####\n#...#\n#...#\n#...#\n#####\n");
}

TEST(RegionOfInterest, NeighboursShareNoPixelAndLeaveNoGap) {
  const Polygons left = {{{0.0, 0.0}, {0.37, 0.0}, {0.61, 1.0}, {0.0, 1.0}}};
  const Polygons right = {{{0.37, 0.0}, {1.0, 0.0}, {1.0, 1.0}, {0.61, 1.0}}};
  const Image a = rasterise(left, 57, 83);
  const Image b = rasterise(right, 57, 83);
  for (std::size_t i = 0; i < a.pixels.size(); ++i) {
    ASSERT_EQ(a.u8()[i] + b.u8()[i], 255) << i;
  }
}

TEST(RegionOfInterest, ReadsJson) {
  EXPECT_TRUE(parse_polygons("").empty());
  EXPECT_TRUE(parse_polygons(" \n").empty());
  EXPECT_TRUE(parse_polygons("[]").empty());
  const Polygons read = parse_polygons("[[[0, 0], [1, 0], [0.5, 1]]]");
  EXPECT_EQ(read, (Polygons{{{0.0, 0.0}, {1.0, 0.0}, {0.5, 1.0}}}));
}

TEST(RegionOfInterest, RefusesBadTextWithASentence) {
  const auto message = [](const std::string& text) -> std::string {
    try {
      parse_polygons(text);
    } catch (const InvalidArgument& error) {
      return error.what();
    }
    return "accepted";
  };
  using testing::HasSubstr;
  EXPECT_THAT(message("[[[0, 0], [1, 0]]]"), HasSubstr("polygon 1 has 2 points"));
  EXPECT_THAT(message("[[[0, 0], [1, 0], [0, 1.5]]]"), HasSubstr("polygon 1, point 3 outside the image"));
  EXPECT_THAT(message("[[[0, 0], [1, 0], [0, 1]"), HasSubstr("not a list of polygons"));
  EXPECT_THAT(message("{\"a\": 1}"), HasSubstr("not a list of polygons"));
  EXPECT_THAT(message("[[[0, 0], [1, 0], [0, \"x\"]]]"), HasSubstr("not a list of polygons"));
  EXPECT_THAT(message("[[[0, 0], [1, 0], [0]]]"), HasSubstr("not a list of polygons"));
  EXPECT_THAT(message(std::string(3'000, '[')), HasSubstr("not a list of polygons"));
  EXPECT_THAT(message(std::string(2'000, '[') + std::string(2'000, ']')), HasSubstr("nested too deeply"));
  EXPECT_THAT(message(std::string(2 << 20, ' ') + "[]"), HasSubstr("text too long"));
  EXPECT_THROW(rasterise({{{0.0, 0.0}, {1.0, 0.0}, {std::nan(""), 1.0}}}, 4, 4), InvalidArgument);
}

}  // namespace
}  // namespace oddity
