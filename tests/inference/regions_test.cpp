#include "inference/regions.h"

#include <gtest/gtest.h>

#include "core/error.h"

namespace oddity {
namespace {

// 6 wide, 4 high.
const std::vector<float> two_areas = {
    0.9f, 0.7f, 0, 0, 0, 0,     //
    0,    0.8f, 0, 0, 0, 0,     //
    0,    0,    0, 0, 2, 0,     //
    0,    0,    0, 0, 0, 0.6f,  //
};

MapView view_of(const std::vector<float>& values, double scale_x = 1, double scale_y = 1) {
  return {values, {}, 4, 6, scale_x, scale_y};
}

DecisionRule rule_of(double pixel_threshold) {
  DecisionRule rule;
  rule.pixel_threshold = pixel_threshold;
  return rule;
}

TEST(Regions, AreComponentsWithEightNeighboursLargestScoreFirst) {
  std::vector<std::uint8_t> mask;
  const FoundRegions found = find_regions(view_of(two_areas), rule_of(0.5), mask);
  ASSERT_EQ(found.kept.size(), 2u);
  EXPECT_EQ(found.below_minimum, 0u);
  const Region& first = found.kept[0];
  EXPECT_EQ(first.score, 2.0);
  EXPECT_EQ(first.area_px, 2.0);
  EXPECT_EQ(first.x0, 4.0);
  EXPECT_EQ(first.y0, 2.0);
  EXPECT_EQ(first.x1, 6.0);
  EXPECT_EQ(first.y1, 4.0);
  EXPECT_EQ(first.centroid_x, 4.5);
  EXPECT_EQ(first.centroid_y, 2.5);
  EXPECT_FALSE(first.area_mm2.has_value());
  const Region& second = found.kept[1];
  EXPECT_FLOAT_EQ(static_cast<float>(second.score), 0.9f);
  EXPECT_EQ(second.area_px, 3.0);
  EXPECT_DOUBLE_EQ(second.centroid_x, 2.0 / 3);
}

TEST(Regions, AreMappedToOriginalPixelsAndMillimetres) {
  std::vector<std::uint8_t> mask;
  DecisionRule rule = rule_of(1.0);
  rule.millimetres_per_pixel_x = 0.1;
  rule.millimetres_per_pixel_y = 0.2;
  const FoundRegions found = find_regions(view_of(two_areas, 3, 2), rule, mask);
  ASSERT_EQ(found.kept.size(), 1u);
  const Region& region = found.kept[0];  // map pixel (4, 2) covers x 12..15, y 4..6 of the image
  EXPECT_EQ(region.x0, 12.0);
  EXPECT_EQ(region.x1, 15.0);
  EXPECT_EQ(region.y0, 4.0);
  EXPECT_EQ(region.y1, 6.0);
  EXPECT_EQ(region.area_px, 6.0);
  EXPECT_EQ(region.centroid_x, 13.0);  // centre of pixels 12, 13, 14
  EXPECT_EQ(region.centroid_y, 4.5);   // between pixels 4 and 5
  ASSERT_FALSE(region.contour.empty());
  EXPECT_EQ(region.contour[0], (std::pair<float, float>{13.0f, 4.5f}));
  EXPECT_DOUBLE_EQ(*region.width_mm, 0.3);
  EXPECT_DOUBLE_EQ(*region.height_mm, 0.4);
  EXPECT_DOUBLE_EQ(*region.area_mm2, 6 * 0.02);
}

TEST(Regions, BelowTheMinimumAreaAreCountedNotKept) {
  std::vector<std::uint8_t> mask;
  DecisionRule rule = rule_of(0.5);
  rule.minimum_area_px = 3;
  const FoundRegions found = find_regions(view_of(two_areas), rule, mask);
  EXPECT_EQ(found.below_minimum, 1u);
  ASSERT_EQ(found.kept.size(), 1u);
  EXPECT_EQ(found.kept[0].area_px, 3.0);
  // The area counts in pixels of the original image.
  EXPECT_EQ(find_regions(view_of(two_areas, 2, 1), rule, mask).below_minimum, 0u);
  EXPECT_EQ(find_regions(view_of(two_areas, 0.5, 1), rule, mask).below_minimum, 2u);
}

TEST(Regions, LieInsideTheRegionOfInterest) {
  std::vector<std::uint8_t> mask, inside(24, 255);
  inside[0] = 0;
  inside[1 * 6 + 1] = 0;
  MapView map = view_of(two_areas);
  map.inside = inside;
  const FoundRegions found = find_regions(map, rule_of(0.5), mask);
  ASSERT_EQ(found.kept.size(), 2u);
  EXPECT_EQ(found.kept[1].area_px, 1.0);
  EXPECT_FLOAT_EQ(static_cast<float>(found.kept[1].score), 0.7f);
}

TEST(Regions, ThresholdIsExclusive) {
  std::vector<std::uint8_t> mask;
  EXPECT_TRUE(find_regions(view_of(two_areas), rule_of(2.0), mask).kept.empty());
  EXPECT_EQ(find_regions(view_of(two_areas), rule_of(1.9999), mask).kept.size(), 1u);
}

TEST(Pooling, IsTheMeanOfTheLargestShare) {
  std::vector<float> scratch;
  const MapView map = view_of(two_areas);
  EXPECT_DOUBLE_EQ(pool_top_fraction(map, 1e-9, scratch), 2.0);  // at least one value
  EXPECT_DOUBLE_EQ(pool_top_fraction(map, 2.0 / 24, scratch), (2.0 + 0.9f) / 2);
  EXPECT_DOUBLE_EQ(pool_top_fraction(map, 1.0, scratch), (2.0 + 0.9f + 0.8f + 0.7f + 0.6f) / 24);
  std::vector<std::uint8_t> inside(24, 0);
  inside[1] = inside[7] = 1;
  MapView part = map;
  part.inside = inside;
  EXPECT_DOUBLE_EQ(pool_top_fraction(part, 0.5, scratch), 0.8f);
  EXPECT_DOUBLE_EQ(pool_top_fraction(part, 1.0, scratch), (static_cast<double>(0.8f) + 0.7f) / 2);
  std::fill(inside.begin(), inside.end(), std::uint8_t{0});
  EXPECT_THROW(pool_top_fraction(part, 0.5, scratch), InvalidArgument);
  EXPECT_THROW(pool_top_fraction(map, 0.0, scratch), InvalidArgument);
  EXPECT_THROW(pool_top_fraction(map, 1.5, scratch), InvalidArgument);
}

}  // namespace
}  // namespace oddity
