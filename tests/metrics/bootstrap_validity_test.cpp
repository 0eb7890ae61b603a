// Coverage of bootstrap intervals. They are asymptotic: each bound on misses states the slack for the sample size at
// hand. Drawing single photographs where parts were sampled must fail.
#include <cmath>
#include <random>
#include <vector>

#include <gtest/gtest.h>

#include "oddity/metrics/ranking_bootstrap.h"
#include "oddity/metrics/region_overlap.h"
#include "oddity/metrics/resampling.h"
#include "tests/metrics/validity.h"

namespace oddity::metrics {
namespace {

using testing::exceeds;
using testing::normal;
using testing::uniform;

bool missed(const BootstrapResult& result, double truth, double scale = 1) {
  return truth < result.value + scale * (result.low - result.value) ||
         truth > result.value + scale * (result.high - result.value);
}

TEST(BootstrapValidity, auroc_intervals_cover_the_true_value) {
  // Two normal populations one apart, 60 good and 40 defects: 7.5 % of misses are allowed at a nominal 5 %.
  const auto misses = [](BootstrapMethod method, double scale) {
    const double truth = 0.5 * std::erfc(-0.5);
    std::mt19937_64 random(1);
    std::size_t count = 0;
    std::vector<double> scores(100);
    std::vector<std::uint8_t> labels(100);
    for (std::uint64_t i = 0; i < 3000; ++i) {
      for (std::size_t j = 0; j < 100; ++j) {
        labels[j] = j < 40;
        scores[j] = normal(random) + labels[j];
      }
      count += missed(bootstrap_ranking(scores, labels, {.method = method, .resamples = 400, .seed = i}), truth, scale);
    }
    return count;
  };
  EXPECT_FALSE(exceeds("AUROC, percentile, misses", misses(BootstrapMethod::percentile, 1), 3000, 0.075));
  EXPECT_FALSE(exceeds("AUROC, BCa, misses", misses(BootstrapMethod::bca, 1), 3000, 0.075));
  EXPECT_TRUE(exceeds("AUROC, percentile at 0.7 of its width (wrong), misses", misses(BootstrapMethod::percentile, 0.7),
                      3000, 0.075));
  EXPECT_TRUE(
      exceeds("AUROC, BCa at 0.7 of its width (wrong), misses", misses(BootstrapMethod::bca, 0.7), 3000, 0.075));
}

TEST(BootstrapValidity, groups_make_the_difference_on_photographs_of_parts) {
  // 60 parts, five photographs each, whose scores have most of their variance between parts. 8.5 % of misses are
  // allowed at a nominal 5 % (percentile, 24 defective parts).
  const auto misses = [](bool grouped) {
    const double truth = 0.5 * std::erfc(-0.5);
    std::mt19937_64 random(2);
    std::size_t count = 0;
    std::vector<float> scores(300);
    std::vector<std::uint8_t> labels(300);
    std::vector<std::int64_t> parts(300);
    for (std::uint64_t i = 0; i < 2000; ++i) {
      for (std::size_t part = 0; part < 60; ++part) {
        const double of_part = std::sqrt(0.8) * normal(random) + (part < 24 ? 1 : 0);
        for (std::size_t j = 5 * part; j < 5 * part + 5; ++j) {
          parts[j] = std::int64_t(part);
          labels[j] = part < 24;
          scores[j] = float(of_part + std::sqrt(0.2) * normal(random));
        }
      }
      RankingBootstrapOptions options{.resamples = 300, .seed = i};
      options.groups = grouped ? std::span<const std::int64_t>(parts) : std::span<const std::int64_t>();
      count += missed(bootstrap_ranking(scores, labels, options), truth);
    }
    return count;
  };
  EXPECT_FALSE(exceeds("AUROC of photographs, drawn by part, misses", misses(true), 2000, 0.085));
  EXPECT_TRUE(exceeds("AUROC of photographs, drawn singly (wrong), misses", misses(false), 2000, 0.085));
}

TEST(BootstrapValidity, differences_of_models_are_covered) {
  const auto misses = [](double scale) {
    const auto auroc = [](double shift, double variance) {
      return 0.5 * std::erfc(-shift / std::sqrt(2 * variance) / std::sqrt(2.0));
    };
    const double truth = auroc(1.5, 1.25) - auroc(1.5, 1.64);
    std::mt19937_64 random(3);
    std::size_t count = 0;
    std::vector<double> a(120), b(120);
    std::vector<std::uint8_t> labels(120);
    for (std::uint64_t i = 0; i < 2000; ++i) {
      for (std::size_t j = 0; j < 120; ++j) {
        labels[j] = j < 50;
        const double common = normal(random) + 1.5 * labels[j];
        a[j] = common + 0.5 * normal(random);
        b[j] = common + 0.8 * normal(random);
      }
      count += missed(bootstrap_ranking_difference(a, b, labels, {.resamples = 300, .seed = i}), truth, scale);
    }
    return count;
  };
  EXPECT_FALSE(exceeds("difference of AUROCs, misses", misses(1), 2000, 0.08));
  EXPECT_TRUE(exceeds("difference of AUROCs at 0.6 of its width (wrong), misses", misses(0.6), 2000, 0.08));
}

TEST(BootstrapValidity, bca_mends_the_tails_of_a_skewed_statistic) {
  // Mean of 30 exponential losses: the percentile interval misses on the right far more often than on the left. BCa: at
  // most 6.2 % in the worse tail (nominal 2.5 %) and 9.5 % together; the percentile interval fails the former.
  struct Misses {
    std::size_t above = 0, below = 0;
  };
  const auto misses = [](BootstrapMethod method) {
    std::mt19937_64 random(4);
    Misses result;
    std::vector<double> losses(30);
    for (std::uint64_t i = 0; i < 6000; ++i) {
      for (double& loss : losses) {
        loss = -std::log(1 - uniform(random));
      }
      const auto mean = [&](std::span<const double> weights) {
        double sum = 0;
        for (std::size_t j = 0; j < 30; ++j) {
          sum += weights[j] * losses[j];
        }
        return sum / 30;
      };
      const auto interval = bootstrap_weighted(30, mean, {.method = method, .resamples = 400, .seed = i});
      result.above += interval.high < 1;
      result.below += interval.low > 1;
    }
    return result;
  };
  const Misses bca = misses(BootstrapMethod::bca), percentile = misses(BootstrapMethod::percentile);
  EXPECT_FALSE(exceeds("mean, BCa, truth above", bca.above, 6000, 0.062));
  EXPECT_FALSE(exceeds("mean, BCa, misses", bca.above + bca.below, 6000, 0.095));
  EXPECT_TRUE(exceeds("mean, percentile (not for skewed statistics), truth above", percentile.above, 6000, 0.062));
}

TEST(BootstrapValidity, mean_overlap_of_regions_is_covered_by_drawing_images) {
  // 40 images with one to four regions of four pixels each; images differ in how well their pixels are found. The mean
  // over regions weighs images by their number of regions. 8.5 % of misses are allowed at a nominal 5 %.
  const auto misses = [](bool by_region) {
    std::mt19937_64 random(5);
    std::size_t count = 0;
    for (std::uint64_t i = 0; i < 1500; ++i) {
      std::vector<std::vector<float>> maps(40, std::vector<float>(80, 0.0F));
      std::vector<std::vector<std::uint8_t>> masks(40, std::vector<std::uint8_t>(80, 0));
      std::vector<MapAndMask> items;
      for (std::size_t image = 0; image < 40; ++image) {
        const double found = uniform(random);  // mean 1/2, independent of the number of regions
        const std::size_t regions = 1 + random() % 4;
        for (std::size_t region = 0; region < regions; ++region) {
          for (std::size_t x = 0; x < 4; ++x) {
            const std::size_t p = 20 * region + x;
            masks[image][p] = 1;
            maps[image][p] = uniform(random) < found ? 1.0F : 0.0F;
          }
        }
        items.push_back({maps[image], masks[image], 8, 10});
      }
      RegionOverlaps result = region_overlap(items, 0.5, {.resamples = 300, .seed = i});
      if (by_region) {
        std::vector<double> overlaps;
        for (const RegionOverlap& region : result.regions) {
          overlaps.push_back(region.overlap);
        }
        result.mean = bootstrap_weighted(overlaps.size(),
                                         [&](std::span<const double> weights) {
                                           double sum = 0;
                                           for (std::size_t k = 0; k < weights.size(); ++k) {
                                             sum += weights[k] * overlaps[k];
                                           }
                                           return sum / double(overlaps.size());
                                         },
                                         {.resamples = 300, .seed = i});
      }
      count += missed(result.mean, 0.5);
    }
    return count;
  };
  EXPECT_FALSE(exceeds("mean region overlap, drawn by image, misses", misses(false), 1500, 0.085));
  EXPECT_TRUE(exceeds("mean region overlap, drawn by region (wrong), misses", misses(true), 1500, 0.085));
}

}  // namespace
}  // namespace oddity::metrics
