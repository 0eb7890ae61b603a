#include "oddity/metrics/bootstrap.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <random>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "oddity/metrics/delong.h"
#include "oddity/metrics/ranking.h"
#include "oddity/metrics/regions.h"

namespace oddity::metrics {
namespace {

using testing::HasSubstr;
using testing::ThrowsMessage;

/// Random maps that own their pixels; every third image is good.
struct Maps {
  std::vector<std::vector<float>> maps;
  std::vector<std::vector<std::uint8_t>> masks;
  std::vector<MapAndMask> items;

  Maps(unsigned seed, std::size_t images, int side, float grid, float signal) {
    std::mt19937 random(seed);
    std::normal_distribution<float> normal;
    for (std::size_t i = 0; i < images; ++i) {
      std::vector<float> map(std::size_t(side * side));
      std::vector<std::uint8_t> mask(map.size(), 0);
      for (std::size_t blob = 0; blob < i % 3; ++blob) {
        const int x0 = int(random() % unsigned(side)), y0 = int(random() % unsigned(side));
        for (int y = y0; y < std::min(side, y0 + 3); ++y) {
          for (int x = x0; x < std::min(side, x0 + 4); ++x) {
            mask[std::size_t(y * side + x)] = 1;
          }
        }
      }
      for (std::size_t p = 0; p < map.size(); ++p) {
        const float score = normal(random) + (mask[p] != 0 ? signal : 0);
        map[p] = grid > 0 ? std::round(score / grid) * grid : score;
      }
      maps.push_back(std::move(map));
      masks.push_back(std::move(mask));
    }
    for (std::size_t i = 0; i < images; ++i) {
      items.push_back({maps[i], masks[i], side, side});
    }
  }
};

const std::vector<double> kLimits{0.05, 0.3, 1.0};

void expect_metrics_of(std::span<const MapAndMask> items, const PixelEstimates& estimates, double tolerance) {
  const Ranking ranking(items);
  EXPECT_NEAR(estimates.auroc.value, ranking.auroc(), tolerance);
  EXPECT_NEAR(estimates.average_precision.value, ranking.average_precision(), tolerance);
  EXPECT_NEAR(estimates.best_f1.value, ranking.best_f1().f1, tolerance);
  const auto expected = aupro(items, kLimits);
  for (std::size_t k = 0; k < kLimits.size(); ++k) {
    EXPECT_NEAR(estimates.aupro[k].value, expected[k], tolerance);
  }
}

TEST(Bootstrap, its_values_are_the_metrics_themselves) {
  for (const float grid : {0.0F, 0.5F, 2.0F}) {
    const Maps maps(3, 7, 12, grid, 1.0F);
    const auto estimates = bootstrap_pixel_metrics(maps.items, kLimits, {.resamples = 20});
    expect_metrics_of(maps.items, estimates, 1e-13);
    EXPECT_EQ(estimates.auroc.n_good, 3U);
    EXPECT_EQ(estimates.auroc.n_defect, 4U);
  }
}

TEST(Bootstrap, every_resample_is_the_metric_of_the_drawn_images) {
  // Two images, one good and one defective, drawn freely: a resample is all-good or all-defective (redrawn or possible)
  // or the pair itself, so that each value is one of a few that can be computed plainly.
  const Maps all(5, 3, 12, 0.5F, 1.0F);
  const std::vector<MapAndMask> items{all.items[0], all.items[1], all.items[2]};  // good, defective, defective
  // With two resamples the ends of a very wide interval are their values; over many seeds every multiset of three
  // images that holds a defect shows up and nothing else.
  std::map<double, double> possible;  // AP -> AUPRO 0.3 of each multiset
  for (int i = 0; i < 3; ++i) {
    for (int j = i; j < 3; ++j) {
      for (int k = j; k < 3; ++k) {
        if (k == 0) {
          continue;  // three times the good image: redrawn
        }
        const std::vector<MapAndMask> drawn{items[std::size_t(i)], items[std::size_t(j)], items[std::size_t(k)]};
        possible[Ranking(drawn).average_precision()] = aupro(drawn, 0.3);
      }
    }
  }
  ASSERT_EQ(possible.size(), 9U);
  std::map<double, int> seen;
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    const auto e = bootstrap_pixel_metrics(
        items, kLimits, {.resamples = 2, .confidence = 1 - 1e-12, .seed = seed, .stratified = false});
    if (std::isnan(e.average_precision.low)) {
      continue;  // the same images twice: no spread, no interval
    }
    const auto nearest = [&](double value) {
      return *std::min_element(possible.begin(), possible.end(), [&](const auto& x, const auto& y) {
        return std::abs(x.first - value) < std::abs(y.first - value);
      });
    };
    const auto low = nearest(e.average_precision.low), high = nearest(e.average_precision.high);
    ASSERT_NEAR(low.first, e.average_precision.low, 1e-11);
    ASSERT_NEAR(high.first, e.average_precision.high, 1e-11);
    const auto [least, most] = std::minmax(low.second, high.second);
    if (least < most) {
      ASSERT_NEAR(least, e.aupro[1].low, 1e-11);
      ASSERT_NEAR(most, e.aupro[1].high, 1e-11);
    }
    ++seen[low.first];
    ++seen[high.first];
  }
  EXPECT_EQ(seen.size(), 9U);
}

TEST(Bootstrap, stratified_draws_keep_the_numbers_of_good_and_defective_images) {
  // One good and one defective image: the only stratified resample is the pair itself.
  const Maps all(6, 3, 16, 0, 1.0F);
  const std::vector<MapAndMask> items{all.items[0], all.items[2]};
  const auto estimates = bootstrap_pixel_metrics(items, kLimits, {.resamples = 50});
  EXPECT_TRUE(std::isnan(estimates.average_precision.low) && std::isnan(estimates.average_precision.high));
  const auto free = bootstrap_pixel_metrics(items, kLimits, {.resamples = 50, .stratified = false});
  EXPECT_LT(free.average_precision.low, free.average_precision.high);
}

TEST(Bootstrap, image_scores_are_maps_of_one_pixel) {
  // The bootstrap distribution of AUROC has about DeLong's standard error.
  std::mt19937 random(4);
  std::normal_distribution<float> normal;
  std::vector<float> scores(300);
  std::vector<std::uint8_t> labels(300);
  std::vector<MapAndMask> items;
  for (std::size_t i = 0; i < scores.size(); ++i) {
    labels[i] = i % 3 == 0;
    scores[i] = normal(random) + float(labels[i]);
    items.push_back({std::span(scores).subspan(i, 1), std::span(labels).subspan(i, 1), 1, 1});
  }
  const auto estimates = bootstrap_pixel_metrics(items, {}, {.resamples = 4000});
  const auto delong = delong_auroc(std::vector<double>(scores.begin(), scores.end()), labels);
  EXPECT_NEAR(estimates.auroc.value, delong.value, 1e-13);
  EXPECT_NEAR(estimates.auroc.low, delong.low, 0.1 * (delong.high - delong.low));
  EXPECT_NEAR(estimates.auroc.high, delong.high, 0.1 * (delong.high - delong.low));
  EXPECT_EQ(estimates.auroc.n_good, 200U);
  EXPECT_EQ(estimates.auroc.n_defect, 100U);
}

TEST(Bootstrap, differences_draw_good_and_defect_pixels_of_both) {
  // Without the second image b has no good pixel: such a resample is drawn again, whichever set comes first.
  std::mt19937 random(5);
  std::normal_distribution<float> normal;
  std::vector<float> maps(4 * 16);
  std::generate(maps.begin(), maps.end(), [&] { return normal(random); });
  std::vector<std::uint8_t> masks_a(maps.size(), 0), masks_b(maps.size(), 0);
  std::fill_n(masks_a.begin(), 8, std::uint8_t(1));
  std::fill_n(masks_b.begin(), 48, std::uint8_t(1));
  masks_a[16] = masks_a[40] = masks_a[50] = masks_b[50] = 1;
  std::vector<MapAndMask> a, b;
  for (std::size_t i = 0; i < 4; ++i) {
    const auto map = std::span(maps).subspan(16 * i, 16);
    a.push_back({map, std::span(masks_a).subspan(16 * i, 16), 4, 4});
    b.push_back({map, std::span(masks_b).subspan(16 * i, 16), 4, 4});
  }
  for (std::uint64_t seed = 0; seed < 5; ++seed) {
    const BootstrapOptions options{.resamples = 300, .seed = seed, .stratified = false};
    const auto there = bootstrap_pixel_difference(a, b, kLimits, options);
    const auto back = bootstrap_pixel_difference(b, a, kLimits, options);
    EXPECT_TRUE(std::isfinite(there.auroc.low) && std::isfinite(there.auroc.high));
    EXPECT_NEAR(there.auroc.low, -back.auroc.high, 1e-12);
  }
}

TEST(Bootstrap, differences_are_paired) {
  const Maps a(8, 12, 16, 0, 1.0F), b(8, 12, 16, 0, 1.0F);
  const auto same = bootstrap_pixel_difference(a.items, b.items, kLimits, {.resamples = 100});
  for (const Estimate& e : {same.auroc, same.average_precision, same.best_f1, same.aupro[0], same.aupro[2]}) {
    EXPECT_EQ(e.value, 0);
    EXPECT_TRUE(std::isnan(e.low) && std::isnan(e.high));  // unpaired draws would spread
  }
  // The same masks, noise of its own and more signal: better beyond doubt, and the value is the plain difference.
  Maps better(8, 12, 16, 0, 3.0F);
  const auto gain = bootstrap_pixel_difference(better.items, a.items, kLimits, {.resamples = 100});
  EXPECT_GT(gain.average_precision.low, 0);
  EXPECT_GT(gain.aupro[1].low, 0);
  EXPECT_NEAR(gain.average_precision.value,
              Ranking(better.items).average_precision() - Ranking(a.items).average_precision(), 1e-13);
  const auto loss = bootstrap_pixel_difference(a.items, better.items, kLimits, {.resamples = 100});
  EXPECT_EQ(loss.average_precision.low, -gain.average_precision.high);
}

TEST(Bootstrap, groups_of_images_are_drawn_together) {
  // Every image twice, as a group of two: the resamples are those of the single images.
  const Maps once(14, 9, 12, 0, 1.0F);
  std::vector<MapAndMask> twice;
  std::vector<std::int64_t> groups;
  for (std::size_t i = 0; i < 9; ++i) {
    twice.insert(twice.end(), 2, once.items[i]);
    groups.insert(groups.end(), 2, std::int64_t(i));
  }
  for (const auto method : {BootstrapMethod::percentile, BootstrapMethod::bca}) {
    for (const bool stratified : {true, false}) {
      BootstrapOptions options{.resamples = 300, .stratified = stratified, .method = method};
      const auto single = bootstrap_pixel_metrics(once.items, kLimits, options);
      options.groups = groups;
      const auto grouped = bootstrap_pixel_metrics(twice, kLimits, options);
      EXPECT_NEAR(grouped.auroc.low, single.auroc.low, 1e-12);
      EXPECT_NEAR(grouped.average_precision.high, single.average_precision.high, 1e-12);
      EXPECT_NEAR(grouped.aupro[1].low, single.aupro[1].low, 1e-12);
      options.groups = {};
      const auto ungrouped = bootstrap_pixel_metrics(twice, kLimits, options);
      EXPECT_LT(ungrouped.aupro[1].high - ungrouped.aupro[1].low, single.aupro[1].high - single.aupro[1].low);
    }
  }
}

TEST(Bootstrap, bca_agrees_with_the_generic_bootstrap) {
  // Acceleration and bias correction come from leave-one-out values and resamples; with many of the latter the interval
  // is that of the generic bootstrap, whose statistic computes AUPRO anew for the drawn images.
  const Maps maps(15, 14, 10, 0.25F, 1.0F);
  std::vector<std::int64_t> strata;
  for (std::size_t i = 0; i < 14; ++i) {
    strata.push_back(i % 3 != 0);
  }
  const auto statistic = [&](std::span<const std::int64_t> drawn) {
    std::vector<MapAndMask> items;
    for (const std::int64_t i : drawn) {
      items.push_back(maps.items[std::size_t(i)]);
    }
    return aupro(items, 0.3);
  };
  const auto generic = bootstrap(14, statistic, {.method = BootstrapMethod::bca, .resamples = 8000, .strata = strata});
  const auto ours = bootstrap_pixel_metrics(maps.items, kLimits, {.resamples = 8000, .method = BootstrapMethod::bca});
  EXPECT_NEAR(ours.aupro[1].value, generic.value, 1e-13);
  // Quantiles of 8000 draws: a standard error of sqrt(0.025 * 0.975 / 8000) / density(-1.96) = 0.03 errors each.
  EXPECT_NEAR(ours.aupro[1].low, generic.low, 0.2 * generic.standard_error);
  EXPECT_NEAR(ours.aupro[1].high, generic.high, 0.2 * generic.standard_error);
  const auto percentile = bootstrap_pixel_metrics(maps.items, kLimits, {.resamples = 8000});
  EXPECT_NE(percentile.aupro[1].low, ours.aupro[1].low);
}

TEST(Bootstrap, depends_on_the_seed_alone) {
  const Maps maps(9, 12, 16, 0, 1.0F);
  const auto first = bootstrap_pixel_metrics(maps.items, kLimits, {.resamples = 100, .seed = 1});
  const auto again = bootstrap_pixel_metrics(maps.items, kLimits, {.resamples = 100, .seed = 1});
  const auto other = bootstrap_pixel_metrics(maps.items, kLimits, {.resamples = 100, .seed = 2});
  EXPECT_EQ(first.average_precision.low, again.average_precision.low);
  EXPECT_EQ(first.aupro[0].high, again.aupro[0].high);
  EXPECT_NE(first.average_precision.low, other.average_precision.low);
  EXPECT_EQ(first.average_precision.value, other.average_precision.value);
}

TEST(Bootstrap, refuses_bad_input_with_a_sentence) {
  const Maps maps(1, 6, 8, 0, 1.0F);
  const auto message = [](const std::string& text) { return ThrowsMessage<std::invalid_argument>(HasSubstr(text)); };
  const double nan = std::numeric_limits<double>::quiet_NaN();
  for (const double bad : {0.0, -1.0, 1.5, nan}) {
    EXPECT_THAT([&] { bootstrap_pixel_metrics(maps.items, std::vector<double>{bad}); },
                message("limit is out of range"));
  }
  for (const double bad : {0.0, 1.0, nan}) {
    EXPECT_THAT([&] { bootstrap_pixel_metrics(maps.items, kLimits, {.confidence = bad}); },
                message("confidence is out of range"));
  }
  EXPECT_THAT([&] { bootstrap_pixel_metrics(maps.items, kLimits, {.resamples = 0}); },
              message("resamples must be at least 1"));
  EXPECT_THAT([&] { bootstrap_pixel_metrics({}, kLimits); }, message("there are no maps"));
  EXPECT_THAT([&] { bootstrap_pixel_metrics(std::span(maps.items).first(1), kLimits); },
              message("[metrics.bootstrap_pixel_metrics] good and defect pixels are needed; got 64 good and 0 defect"));
  EXPECT_THAT([&] { bootstrap_pixel_difference(maps.items, std::span(maps.items).first(2), kLimits); },
              message("a and b differ in their number of images; got 6 and 2"));
  const std::vector<std::int64_t> groups{1, 2};
  EXPECT_THAT([&] { bootstrap_pixel_metrics(maps.items, kLimits, {.groups = groups}); },
              message("[metrics.bootstrap_pixel_metrics] groups must be one for each sample; got 2 for 6 samples"));
  EXPECT_THAT(
      [&] {
        bootstrap_pixel_metrics(std::span(maps.items).first(2), kLimits,
                                {.stratified = false, .method = BootstrapMethod::bca});
      },
      message("method bca needs good and defect pixels also without any one image"));
  std::vector<MapAndMask> swapped(maps.items);
  std::swap(swapped[0], swapped[1]);
  EXPECT_THAT([&] { bootstrap_pixel_difference(maps.items, swapped, kLimits); },
              message("masks of image 0 disagree; got a defect in b only"));
  Maps broken(1, 6, 8, 0, 1.0F);
  broken.maps[2][9] = std::numeric_limits<float>::infinity();
  EXPECT_THAT([&] { bootstrap_pixel_metrics(broken.items, kLimits); },
              message("maps must be finite; got infinity in image 2 at pixel (x 1, y 1)"));
}

}  // namespace
}  // namespace oddity::metrics
