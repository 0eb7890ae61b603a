#include "oddity/metrics/regions.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace oddity::metrics {
namespace {

using testing::HasSubstr;
using testing::ThrowsMessage;

std::vector<std::uint8_t> mask_of(const std::vector<std::string>& rows) {
  std::vector<std::uint8_t> mask;
  for (const std::string& row : rows) {
    for (const char c : row) {
      mask.push_back(c == '#' ? 255 : 0);
    }
  }
  return mask;
}

/// Labels by flood fill, in raster order of the first pixel.
std::vector<std::int32_t> flood_labels(const std::vector<std::uint8_t>& mask, int height, int width) {
  std::vector<std::int32_t> labels(mask.size(), 0);
  std::int32_t next = 0;
  for (int start = 0; start < height * width; ++start) {
    if (mask[std::size_t(start)] == 0 || labels[std::size_t(start)] != 0) {
      continue;
    }
    std::vector<int> stack{start};
    labels[std::size_t(start)] = ++next;
    while (!stack.empty()) {
      const int at = stack.back();
      stack.pop_back();
      for (int dy = -1; dy <= 1; ++dy) {
        for (int dx = -1; dx <= 1; ++dx) {
          const int x = at % width + dx, y = at / width + dy;
          if (x < 0 || y < 0 || x >= width || y >= height) {
            continue;
          }
          const auto to = std::size_t(y * width + x);
          if (mask[to] != 0 && labels[to] == 0) {
            labels[to] = next;
            stack.push_back(int(to));
          }
        }
      }
    }
  }
  return labels;
}

TEST(ConnectedComponents, joins_diagonals_and_numbers_in_raster_order) {
  const auto mask = mask_of({"#..#.", ".#..#", "...#.", "#...."});
  const auto result = connected_components(mask, 4, 5);
  ASSERT_EQ(result.components.size(), 3U);
  EXPECT_EQ(result.labels, (std::vector<std::int32_t>{1, 0, 0, 2, 0, 0, 1, 0, 0, 2, 0, 0, 0, 2, 0, 3, 0, 0, 0, 0}));
  const Component& second = result.components[1];
  EXPECT_EQ(second.label, 2);
  EXPECT_EQ(second.x0, 3);
  EXPECT_EQ(second.y0, 0);
  EXPECT_EQ(second.x1, 5);
  EXPECT_EQ(second.y1, 3);
  EXPECT_EQ(second.area, 3U);
  EXPECT_DOUBLE_EQ(second.centroid_x, 10.0 / 3);
  EXPECT_DOUBLE_EQ(second.centroid_y, 1);
}

TEST(ConnectedComponents, merges_arms_that_meet_late) {
  const auto result = connected_components(mask_of({"#.#.#", "#.#.#", "#.#.#", "#####"}), 4, 5);
  ASSERT_EQ(result.components.size(), 1U);
  EXPECT_EQ(result.components[0].area, 14U);
  const auto empty = connected_components(mask_of({"...", "..."}), 2, 3);
  EXPECT_TRUE(empty.components.empty());
  EXPECT_EQ(connected_components(mask_of({"###", "###"}), 2, 3).components.at(0).area, 6U);
}

TEST(ConnectedComponents, agrees_with_flood_fill_on_random_masks) {
  std::mt19937 random(1);
  for (int round = 0; round < 200; ++round) {
    const int height = 1 + int(random() % 30), width = 1 + int(random() % 30);
    const unsigned density = 10 + random() % 80;
    std::vector<std::uint8_t> mask(std::size_t(height * width));
    for (auto& value : mask) {
      value = random() % 100 < density ? std::uint8_t(1 + random() % 255) : 0;
    }
    const auto result = connected_components(mask, height, width);
    ASSERT_EQ(result.labels, flood_labels(mask, height, width));
    for (const Component& component : result.components) {
      std::size_t area = 0;
      double sum_x = 0, sum_y = 0;
      int x0 = width, y0 = height, x1 = 0, y1 = 0;
      for (int y = 0; y < height; ++y) {
        for (int x = 0; x < width; ++x) {
          if (result.labels[std::size_t(y * width + x)] == component.label) {
            ++area, sum_x += x, sum_y += y;
            x0 = std::min(x0, x), y0 = std::min(y0, y), x1 = std::max(x1, x + 1), y1 = std::max(y1, y + 1);
          }
        }
      }
      ASSERT_EQ(component.area, area);
      ASSERT_EQ(std::tie(component.x0, component.y0, component.x1, component.y1), std::tie(x0, y0, x1, y1));
      ASSERT_NEAR(component.centroid_x, sum_x / double(area), 1e-12);
      ASSERT_NEAR(component.centroid_y, sum_y / double(area), 1e-12);
    }
  }
}

TEST(OuterContour, walks_simple_shapes) {
  using Points = std::vector<std::pair<int, int>>;
  const auto contour = [](const std::vector<std::string>& rows) {
    const int height = int(rows.size()), width = int(rows[0].size());
    return outer_contour(connected_components(mask_of(rows), height, width), height, width, 1);
  };
  EXPECT_EQ(contour({"...", ".#.", "..."}), (Points{{1, 1}}));
  EXPECT_EQ(contour({"##", "##"}), (Points{{0, 0}, {1, 0}, {1, 1}, {0, 1}}));
  EXPECT_EQ(contour({"###", "#.#", "###"}), (Points{{0, 0}, {1, 0}, {2, 0}, {2, 1}, {2, 2}, {1, 2}, {0, 2}, {0, 1}}));
  EXPECT_EQ(contour({"###"}), (Points{{0, 0}, {1, 0}, {2, 0}, {1, 0}}));
  EXPECT_EQ(contour({".#.", "###", ".#."}), (Points{{1, 0}, {2, 1}, {1, 2}, {0, 1}}));
}

TEST(OuterContour, is_closed_and_visits_exactly_the_outer_border) {
  std::mt19937 random(2);
  for (int round = 0; round < 200; ++round) {
    const int height = 2 + int(random() % 14), width = 2 + int(random() % 14);
    std::vector<std::uint8_t> mask(std::size_t(height * width));
    for (auto& value : mask) {
      value = random() % 100 < 55;
    }
    const auto components = connected_components(mask, height, width);
    for (const Component& component : components.components) {
      const auto contour = outer_contour(components, height, width, component.label);
      for (std::size_t i = 0; i < contour.size() && contour.size() > 1; ++i) {
        const auto& a = contour[i];
        const auto& b = contour[(i + 1) % contour.size()];
        ASSERT_EQ(std::max(std::abs(a.first - b.first), std::abs(a.second - b.second)), 1);
      }
      // Expected: pixels of the component with a 4-neighbour in the outside that is 4-connected to beyond the frame.
      std::vector<std::uint8_t> outside(std::size_t((height + 2) * (width + 2)), 0);
      std::vector<std::pair<int, int>> stack{{-1, -1}};
      const auto at = [&](int x, int y) { return std::size_t((y + 1) * (width + 2) + x + 1); };
      const auto in_component = [&](int x, int y) {
        return x >= 0 && y >= 0 && x < width && y < height &&
               components.labels[std::size_t(y * width + x)] == component.label;
      };
      outside[at(-1, -1)] = 1;
      const int dx[4] = {1, -1, 0, 0}, dy[4] = {0, 0, 1, -1};
      while (!stack.empty()) {
        const auto [x, y] = stack.back();
        stack.pop_back();
        for (int k = 0; k < 4; ++k) {
          const int nx = x + dx[k], ny = y + dy[k];
          if (nx < -1 || ny < -1 || nx > width || ny > height || in_component(nx, ny) || outside[at(nx, ny)] != 0) {
            continue;
          }
          outside[at(nx, ny)] = 1;
          stack.emplace_back(nx, ny);
        }
      }
      std::set<std::pair<int, int>> expected;
      for (int y = 0; y < height; ++y) {
        for (int x = 0; x < width; ++x) {
          for (int k = 0; k < 4 && in_component(x, y); ++k) {
            if (outside[at(x + dx[k], y + dy[k])] != 0) {
              expected.emplace(x, y);
            }
          }
        }
      }
      ASSERT_EQ(std::set(contour.begin(), contour.end()), expected);
    }
  }
}

struct Images {
  std::vector<float> maps;
  std::vector<std::uint8_t> masks;
  std::size_t images;
  int height, width;
  double aupro(double limit) const { return metrics::aupro(maps, masks, images, height, width, limit); }
};

Images random_images(unsigned seed, std::size_t images, int height, int width, float grid, float signal) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal;
  Images result{{}, std::vector<std::uint8_t>(images * std::size_t(height * width), 0), images, height, width};
  for (std::size_t i = 0; i < images; ++i) {
    for (int blob = 0; blob < int(i % 3); ++blob) {
      const int x0 = int(random() % unsigned(width)), y0 = int(random() % unsigned(height));
      for (int y = y0; y < std::min(height, y0 + 1 + int(random() % 6)); ++y) {
        for (int x = x0; x < std::min(width, x0 + 1 + int(random() % 6)); ++x) {
          result.masks[(i * std::size_t(height) + std::size_t(y)) * std::size_t(width) + std::size_t(x)] = 255;
        }
      }
    }
  }
  for (const std::uint8_t mask : result.masks) {
    const float score = normal(random) + (mask != 0 ? signal : 0);
    result.maps.push_back(grid > 0 ? std::round(score / grid) * grid : score);
  }
  return result;
}

/// The curve point by point, from the definition.
double naive_aupro(const Images& images, double limit) {
  std::set<float, std::greater<>> thresholds(images.maps.begin(), images.maps.end());
  const std::size_t pixels = std::size_t(images.height * images.width);
  std::vector<std::vector<std::size_t>> regions;
  std::vector<std::size_t> good;
  for (std::size_t i = 0; i < images.images; ++i) {
    const std::vector<std::uint8_t> mask(images.masks.begin() + std::ptrdiff_t(i * pixels),
                                         images.masks.begin() + std::ptrdiff_t((i + 1) * pixels));
    const auto labels = flood_labels(mask, images.height, images.width);
    const std::size_t first = regions.size();
    for (std::size_t p = 0; p < pixels; ++p) {
      if (labels[p] == 0) {
        good.push_back(i * pixels + p);
      } else {
        regions.resize(std::max(regions.size(), first + std::size_t(labels[p])));
        regions[first + std::size_t(labels[p]) - 1].push_back(i * pixels + p);
      }
    }
  }
  double area = 0, x0 = 0, y0 = 0;
  for (const float threshold : thresholds) {
    const auto share = [&](const std::vector<std::size_t>& of) {
      return double(std::count_if(of.begin(), of.end(), [&](std::size_t p) { return images.maps[p] >= threshold; })) /
             double(of.size());
    };
    const double x1 = share(good);
    double y1 = 0;
    for (const auto& region : regions) {
      y1 += share(region) / double(regions.size());
    }
    if (x1 >= limit) {
      if (x1 > x0) {
        const double y = y0 + (y1 - y0) * (limit - x0) / (x1 - x0);
        area += (limit - x0) * (y0 + y) / 2;
      }
      return area / limit;
    }
    area += (x1 - x0) * (y0 + y1) / 2;
    x0 = x1, y0 = y1;
  }
  return area / limit;
}

TEST(Aupro, agrees_with_the_definition_with_and_without_ties) {
  for (unsigned seed = 0; seed < 24; ++seed) {
    const float grid = seed % 3 == 0 ? 0.0F : seed % 3 == 1 ? 0.5F : 2.0F;
    const Images images = random_images(seed, 3 + seed % 4, 9, 13, grid, seed % 2 == 0 ? 1.5F : 0.0F);
    for (const double limit : {0.01, 0.05, 0.3, 0.7, 1.0}) {
      EXPECT_NEAR(images.aupro(limit), naive_aupro(images, limit), 1e-12) << "seed " << seed << " limit " << limit;
    }
  }
}

TEST(Aupro, closed_forms) {
  Images images = random_images(3, 6, 24, 24, 0, 0);
  for (const double limit : {0.05, 0.3, 1.0}) {
    std::transform(images.masks.begin(), images.masks.end(), images.maps.begin(),
                   [](std::uint8_t m) { return m != 0 ? 1.0F : 0.0F; });
    EXPECT_NEAR(images.aupro(limit), 1, 1e-12);
    std::fill(images.maps.begin(), images.maps.end(), -3.0F);
    EXPECT_NEAR(images.aupro(limit), limit / 2, 1e-12);
    std::transform(images.masks.begin(), images.masks.end(), images.maps.begin(),
                   [](std::uint8_t m) { return m != 0 ? 0.0F : 1.0F; });
    EXPECT_NEAR(images.aupro(limit), 0, 1e-12);
  }
  // Scores without information: the expected curve is the diagonal, its mean height up to the limit is limit / 2.
  // 200 regions of 4 pixels: the standard deviation of the estimate is below 0.5 / sqrt(800) = 0.018.
  Images random = random_images(4, 1, 200, 200, 0, 0);
  for (int y = 0; y < 200; y += 10) {
    for (int x = 0; x < 100; x += 10) {
      for (const int offset : {0, 1, 200, 201}) {
        random.masks[std::size_t(y * 200 + x + offset)] = 1;
      }
    }
  }
  EXPECT_NEAR(random.aupro(1.0), 0.5, 5 * 0.018);
}

TEST(Aupro, weights_regions_equally_and_counts_good_pixels_of_all_images) {
  // One region of 1 pixel found at once, one of 4 pixels found never before all good pixels of both images.
  const std::vector<float> a{9, 0, 0, 0, 0, 0}, b{1, 1, 1, 1, 1, 1};
  const std::vector<std::uint8_t> mask_a{1, 0, 0, 0, 0, 0}, mask_b{0, 0, 0, 0, 0, 0};
  const std::vector<float> c{-1, -1, -1, -1, 5};
  const std::vector<std::uint8_t> mask_c{1, 1, 1, 1, 0};
  const std::vector<MapAndMask> items{{a, mask_a, 2, 3}, {b, mask_b, 3, 2}, {c, mask_c, 1, 5}};
  EXPECT_NEAR(aupro(items, 1.0), 0.5, 1e-14);
  const std::vector<double> limits{0.05, 0.5, 1.0};
  EXPECT_THAT(aupro(items, limits), testing::Each(testing::DoubleNear(0.5, 1e-14)));
}

TEST(Aupro, several_limits_from_one_sort_equal_one_at_a_time) {
  const Images images = random_images(9, 8, 64, 64, 0.0F, 1.0F);  // large enough for the radix path
  std::vector<MapAndMask> items;
  for (std::size_t i = 0; i < images.images; ++i) {
    items.push_back(
        {std::span(images.maps).subspan(i * 4096, 4096), std::span(images.masks).subspan(i * 4096, 4096), 64, 64});
  }
  const std::vector<double> limits{0.3, 0.05, 0.001};
  const auto together = aupro(items, limits);
  for (std::size_t i = 0; i < limits.size(); ++i) {
    EXPECT_NEAR(together[i], images.aupro(limits[i]), 1e-14);
    EXPECT_NEAR(together[i], aupro(items, limits[i]), 1e-14);
  }
  EXPECT_NEAR(together[0], naive_aupro(random_images(9, 8, 64, 64, 0.0F, 1.0F), 0.3), 1e-12);
}

/// The curve from one sort of all pixels: what naive_aupro says, for many pixels.
double sorted_aupro(const Images& images, double limit) {
  struct Pixel {
    float score;
    double good, weight;
  };
  std::vector<Pixel> pixels;
  const std::size_t area = std::size_t(images.height * images.width);
  double regions = 0, good = 0;
  for (std::size_t i = 0; i < images.images; ++i) {
    const std::vector<std::uint8_t> mask(images.masks.begin() + std::ptrdiff_t(i * area),
                                         images.masks.begin() + std::ptrdiff_t((i + 1) * area));
    const auto labels = flood_labels(mask, images.height, images.width);
    std::vector<double> sizes(area + 1, 0.0);
    std::int32_t largest = 0;
    for (const std::int32_t label : labels) {
      ++sizes[std::size_t(label)];
      largest = std::max(largest, label);
    }
    regions += largest;
    good += sizes[0];
    for (std::size_t p = 0; p < area; ++p) {
      const std::int32_t label = labels[p];
      pixels.push_back(
          {images.maps[i * area + p], label == 0 ? 1.0 : 0.0, label == 0 ? 0 : 1 / sizes[std::size_t(label)]});
    }
  }
  std::sort(pixels.begin(), pixels.end(), [](const Pixel& a, const Pixel& b) { return a.score > b.score; });
  double result = 0, x0 = 0, y0 = 0, count = 0, overlap = 0;
  for (std::size_t i = 0; i < pixels.size() && x0 < limit;) {
    const float score = pixels[i].score;
    for (; i < pixels.size() && pixels[i].score == score; ++i) {
      count += pixels[i].good;
      overlap += pixels[i].weight;
    }
    const double x1 = count / good, y1 = overlap / regions, x = std::min(x1, limit);
    const double y = x1 > x0 ? y0 + (y1 - y0) * (x - x0) / (x1 - x0) : y1;
    result += (x - x0) * (y0 + y) / 2;
    x0 = x1, y0 = y1;
  }
  return result / limit;
}

TEST(Aupro, agrees_with_one_plain_sort_of_half_a_million_pixels) {
  // Enough pixels for the histogram that leaves out what lies below the limit.
  for (const float grid : {0.0F, 0.125F}) {
    const Images images = random_images(21, 30, 130, 140, grid, 1.5F);
    for (const double limit : {0.001, 0.05, 0.3, 1.0}) {
      EXPECT_NEAR(images.aupro(limit), sorted_aupro(images, limit), 1e-10);  // sums of 5e5 terms
    }
  }
}

TEST(Regions, refuse_bad_input_with_a_sentence) {
  const std::vector<std::uint8_t> mask(6, 0);
  EXPECT_THAT([&] { connected_components(mask, 2, 2); },
              ThrowsMessage<std::invalid_argument>(
                  "[metrics.connected_components] map does not fit its size; got 6 values; expected 2 x 2"));
  EXPECT_THAT([&] { connected_components({}, 0, 3); },
              ThrowsMessage<std::invalid_argument>("[metrics.connected_components] map has no size; got 0 x 3"));
  EXPECT_THROW(connected_components(mask, -2, -3), std::invalid_argument);
  const auto components = connected_components(mask, 2, 3);
  EXPECT_THAT([&] { outer_contour(components, 2, 3, 1); },
              ThrowsMessage<std::invalid_argument>(HasSubstr("label does not exist; got 1; expected 1 to 0")));

  Images images = random_images(1, 4, 8, 8, 0, 1);
  for (const double bad : {0.0, -0.1, 1.1, std::numeric_limits<double>::quiet_NaN()}) {
    EXPECT_THAT([&] { images.aupro(bad); }, ThrowsMessage<std::invalid_argument>(HasSubstr("limit is out of range")));
  }
  EXPECT_THROW(aupro(images.maps, images.masks, 3, 8, 8, 0.3), std::invalid_argument);
  EXPECT_THROW(aupro(images.maps, std::span(images.masks).first(9), 4, 8, 8, 0.3), std::invalid_argument);
  EXPECT_THROW(aupro({}, {}, 0, 8, 8, 0.3), std::invalid_argument);
  EXPECT_THROW(aupro(std::span<const MapAndMask>{}, 0.3), std::invalid_argument);
  for (const float bad : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
    Images broken = images;
    broken.maps[70] = bad;
    EXPECT_THAT([&] { broken.aupro(0.3); },
                ThrowsMessage<std::invalid_argument>(HasSubstr("in image 1 at pixel (x 6, y 0)")));
  }
  Images all_good = images, all_defect = images;
  std::fill(all_good.masks.begin(), all_good.masks.end(), std::uint8_t(0));
  std::fill(all_defect.masks.begin(), all_defect.masks.end(), std::uint8_t(1));
  EXPECT_THAT([&] { all_good.aupro(0.3); },
              ThrowsMessage<std::invalid_argument>(
                  "[metrics.aupro] good and defect pixels are needed; got 256 good and 0 defect pixels"));
  EXPECT_THROW(all_defect.aupro(0.3), std::invalid_argument);
}

}  // namespace
}  // namespace oddity::metrics
