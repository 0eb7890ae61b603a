#include "oddity/metrics/region_overlap.h"

#include <cmath>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "oddity/metrics/overkill_area.h"
#include "oddity/metrics/regions.h"

namespace oddity::metrics {
namespace {

using testing::HasSubstr;
using testing::ThrowsMessage;

struct Image {
  std::vector<float> map;
  std::vector<std::uint8_t> mask;
  int height = 0, width = 0;
  MapAndMask item() const { return {map, mask, height, width}; }
};

/// Rows of digits are scores, rows of '#' and '.' the mask.
Image image_of(const std::vector<std::string>& scores, const std::vector<std::string>& mask) {
  Image image{{}, {}, int(mask.size()), int(mask[0].size())};
  for (std::size_t y = 0; y < mask.size(); ++y) {
    for (std::size_t x = 0; x < mask[y].size(); ++x) {
      image.map.push_back(float(scores[y][x] - '0'));
      image.mask.push_back(mask[y][x] == '#' ? 200 : 0);
    }
  }
  return image;
}

std::vector<MapAndMask> items_of(const std::vector<Image>& images) {
  std::vector<MapAndMask> items;
  for (const Image& image : images) {
    items.push_back(image.item());
  }
  return items;
}

std::vector<Image> random_images(unsigned seed, std::size_t count) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal;
  std::vector<Image> images;
  for (std::size_t i = 0; i < count; ++i) {
    Image image{{}, {}, 5 + int(random() % 9), 5 + int(random() % 9)};
    for (int p = 0; p < image.height * image.width; ++p) {
      image.mask.push_back(i % 3 != 0 && random() % 5 == 0);
      image.map.push_back(std::round(2 * (normal(random) + float(image.mask.back()))) / 2);
    }
    images.push_back(image);
  }
  return images;
}

const std::vector<Image>& example() {
  static const std::vector<Image> images{
      image_of({"9100", "1700", "0002", "0053"}, {"##..", "##..", "...#", "...."}),  // 2/4 and 0/1 at 5; overkill 5
      image_of({"0000", "0600", "0000", "0000"}, {"....", "....", "....", "...."}),
      image_of({"5555", "5555", "0000", "0009"}, {"####", "####", "....", "...."})};
  return images;
}

TEST(RegionOverlap, by_hand) {
  const RegionOverlaps result = region_overlap(items_of(example()), 4.5, {.least_overlap = 0.6});
  ASSERT_EQ(result.regions.size(), 3U);
  EXPECT_EQ(result.regions[0].area, 4U);
  EXPECT_EQ(result.regions[0].flagged, 2U);
  EXPECT_EQ(result.regions[0].overlap, 0.5);
  EXPECT_TRUE(result.regions[0].escaped);
  EXPECT_EQ(result.regions[1].flagged, 0U);
  EXPECT_EQ(result.regions[2].image, 2U);
  EXPECT_EQ(result.regions[2].label, 1);
  EXPECT_FALSE(result.regions[2].escaped);
  EXPECT_DOUBLE_EQ(result.mean.value, 0.5);
  EXPECT_EQ(result.mean.n, 2U);  // images with defects
  EXPECT_EQ(result.escaped_regions, 2U);
  EXPECT_EQ(result.defect_images, 2U);
  EXPECT_EQ(result.images_with_escape, 1U);
  EXPECT_EQ(result.images_with_escape_rate.low, clopper_pearson(1, 2).low);
  EXPECT_EQ(result.images_with_escape_rate.high, clopper_pearson(1, 2).high);
  // Any pixel is enough without a least overlap; a region without one escapes all the same.
  EXPECT_EQ(region_overlap(items_of(example()), 4.5).escaped_regions, 1U);
  EXPECT_EQ(region_overlap(items_of(example()), -HUGE_VAL).mean.value, 1);
  EXPECT_EQ(region_overlap(items_of(example()), HUGE_VAL).mean.value, 0);
}

TEST(RegionOverlap, flags_what_is_above_the_threshold) {
  EXPECT_EQ(region_overlap(items_of(example()), 5).regions[2].overlap, 0);  // its pixels are 5
  EXPECT_EQ(overkill_area(items_of(example()), 6).images[1].area, 0U);
}

TEST(RegionOverlap, is_a_point_of_the_curve_that_aupro_integrates) {
  const std::vector<Image> images = random_images(4, 12);
  const auto items = items_of(images);
  std::vector<double> overlap, rate;
  std::vector<float> thresholds;
  for (const Image& image : images) {
    thresholds.insert(thresholds.end(), image.map.begin(), image.map.end());
  }
  std::sort(thresholds.begin(), thresholds.end(), std::greater<>());
  double area = 0, x = 0, y = 0;
  for (const float threshold : thresholds) {
    const double from_here = std::nextafter(double(threshold), -HUGE_VAL);
    const double next_y = region_overlap(items, from_here, {.resamples = 1}).mean.value;
    const double next_x = overkill_area(items, from_here, {.resamples = 1}).pixel_rate;
    area += (next_x - x) * (y + next_y) / 2;
    x = next_x, y = next_y;
  }
  EXPECT_EQ(x, 1);
  EXPECT_NEAR(area, aupro(items, 1.0), 1e-12);
}

TEST(RegionOverlap, interval_draws_images_or_groups) {
  const std::vector<Image> images = random_images(6, 40);
  const auto items = items_of(images);
  const auto plain = region_overlap(items, 0.5, {.resamples = 4000});
  EXPECT_LT(plain.mean.low, plain.mean.value);
  EXPECT_LT(plain.mean.value, plain.mean.high);
  EXPECT_NEAR(plain.mean.high - plain.mean.low, 2 * 1.96 * plain.mean.standard_error, 0.1 * plain.mean.standard_error);
  // The linearised error of a ratio: residuals of images over the number of regions.
  double squares = 0, regions = double(plain.regions.size());
  std::vector<double> residual(items.size(), 0.0);
  for (const RegionOverlap& region : plain.regions) {
    residual[region.image] += region.overlap - plain.mean.value;
  }
  for (const double r : residual) {
    squares += r * r;
  }
  EXPECT_NEAR(plain.mean.standard_error / (std::sqrt(squares) / regions), 1, 0.08);
  std::vector<std::int64_t> pairs(40);
  for (std::size_t i = 0; i < 40; ++i) {
    pairs[i] = std::int64_t(i / 4);
  }
  EXPECT_EQ(region_overlap(items, 0.5, {.groups = pairs}).mean.units, 10U);
  const auto bca = region_overlap(items, 0.5, {.method = BootstrapMethod::bca, .resamples = 4000});
  EXPECT_EQ(bca.mean.standard_error, plain.mean.standard_error);
  EXPECT_NE(bca.mean.low, plain.mean.low);
  EXPECT_EQ(region_overlap(items, 0.5, {.seed = 2}).mean.low, region_overlap(items, 0.5, {.seed = 2}).mean.low);
  // A single image with defects has no interval.
  const auto single = region_overlap(std::span(items).subspan(0, 2), 0.5, {.method = BootstrapMethod::bca});
  EXPECT_TRUE(std::isnan(single.mean.low) && std::isnan(single.mean.high));
}

TEST(OverkillArea, by_hand) {
  const OverkillArea result = overkill_area(items_of(example()), 4.5);
  ASSERT_EQ(result.images.size(), 3U);
  EXPECT_EQ(result.images[0].area, 1U);
  EXPECT_EQ(result.images[0].good_pixels, 11U);
  EXPECT_DOUBLE_EQ(result.images[0].share, 1.0 / 11);
  EXPECT_EQ(result.images[0].regions, 1U);
  EXPECT_TRUE(result.images[0].defective);
  EXPECT_EQ(result.images[1].area, 1U);
  EXPECT_FALSE(result.images[1].defective);
  EXPECT_EQ(result.images[2].area, 1U);
  EXPECT_DOUBLE_EQ(result.mean_area.value, 1);
  EXPECT_DOUBLE_EQ(result.pixel_rate, 3.0 / 35);
  EXPECT_EQ(result.good_images, 1U);
  EXPECT_EQ(result.good_images_flagged, 1U);
  EXPECT_EQ(result.good_images_flagged_rate.low, clopper_pearson(1, 1).low);
  EXPECT_EQ(overkill_area(items_of(example()), 4.5, {.allowed_area = 1}).good_images_flagged, 0U);
  // A flagged region that runs over a defect is no false alarm, its good pixels are overkill area all the same.
  const std::vector<Image> halo{image_of({"999", "000", "009"}, {"#..", "...", "..."}), example()[1]};
  const OverkillArea of_halo = overkill_area(items_of(halo), 4.5);
  EXPECT_EQ(of_halo.images[0].area, 3U);
  EXPECT_EQ(of_halo.images[0].regions, 1U);
  EXPECT_EQ(overkill_area(items_of(example()), HUGE_VAL).pixel_rate, 0);
}

TEST(OverkillArea, agrees_with_the_definition) {
  const std::vector<Image> images = random_images(8, 60);
  for (const double threshold : {-1.0, 0.25, 1.5}) {
    const OverkillArea result = overkill_area(items_of(images), threshold, {.allowed_area = 3});
    double sum = 0;
    std::size_t flagged_images = 0;
    for (std::size_t i = 0; i < images.size(); ++i) {
      std::size_t area = 0, good = 0;
      for (std::size_t p = 0; p < images[i].map.size(); ++p) {
        good += images[i].mask[p] == 0;
        area += images[i].mask[p] == 0 && double(images[i].map[p]) > threshold;
      }
      EXPECT_EQ(result.images[i].area, area);
      EXPECT_DOUBLE_EQ(result.images[i].share, double(area) / double(good));
      sum += double(area);
      flagged_images += good == images[i].map.size() && area > 3;
    }
    EXPECT_NEAR(result.mean_area.value, sum / 60, 1e-12);
    EXPECT_EQ(result.good_images_flagged, flagged_images);
    EXPECT_EQ(result.good_images, 20U);
  }
}

TEST(RegionErrors, refuse_bad_input_with_a_sentence) {
  const auto message = [](const std::string& text) { return ThrowsMessage<std::invalid_argument>(HasSubstr(text)); };
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const auto items = items_of(example());
  EXPECT_THAT([&] { region_overlap(items, nan); }, message("[metrics.region_overlap] threshold must not be NaN"));
  EXPECT_THAT([&] { overkill_area(items, nan); }, message("[metrics.overkill_area] threshold must not be NaN"));
  for (const double bad : {-0.1, 1.5, nan}) {
    EXPECT_THAT([&] { region_overlap(items, 5, {.least_overlap = bad}); }, message("least_overlap is out of range"));
  }
  for (const double bad : {0.0, 1.0, nan}) {
    EXPECT_THAT([&] { region_overlap(items, 5, {.confidence = bad}); }, message("confidence is out of range"));
    EXPECT_THAT([&] { overkill_area(items, 5, {.confidence = bad}); }, message("confidence is out of range"));
  }
  EXPECT_THAT([&] { region_overlap(items, 5, {.resamples = 0}); }, message("[metrics.region_overlap] resamples must"));
  EXPECT_THAT([&] { overkill_area(items, 5, {.resamples = 0}); }, message("[metrics.overkill_area] resamples must be"));
  const std::vector<std::int64_t> groups{1, 2};
  EXPECT_THAT([&] { region_overlap(items, 5, {.groups = groups}); },
              message("groups must be one for each image; got 2"));
  EXPECT_THAT([&] { overkill_area(items, 5, {.groups = groups}); },
              message("groups must be one for each image; got 2"));
  EXPECT_THAT([&] { region_overlap({}, 5); }, message("there are no maps"));
  EXPECT_THAT([&] { region_overlap(std::span(items).subspan(1, 1), 4.5); },
              message("there is no defect pixel in 1 masks"));
  const std::vector<Image> all_defect{image_of({"12"}, {"##"})};
  EXPECT_THAT([&] { overkill_area(items_of(all_defect), 4.5); }, message("there is no good pixel in 1 masks"));
  std::vector<Image> broken(example());
  broken[1].map[5] = std::numeric_limits<float>::infinity();
  EXPECT_THAT([&] { overkill_area(items_of(broken), 4.5); }, message("got infinity in image 1 at pixel (x 1, y 1)"));
  broken[1].map.pop_back();
  EXPECT_THAT([&] { region_overlap(items_of(broken), 4.5); }, message("map and mask of image 1 do not fit its size"));
}

}  // namespace
}  // namespace oddity::metrics
