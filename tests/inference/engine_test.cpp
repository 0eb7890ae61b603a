#include "inference/engine.h"

#include <cmath>
#include <limits>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/error.h"
#include "core/random.h"
#include "samples.h"

namespace oddity {
namespace {

using samples::fill_box;
using samples::image_of;
using samples::MeanBackend;
using samples::small_package;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

Verdict judge(const Package& package, const Image& image, const MeanBackend& backend = MeanBackend{},
              const EngineOptions& options = {}) {
  return Engine(package, backend, options).make_worker()->judge(image.view());
}

TEST(Engine, AcceptsAndRejectsAtTheThreshold) {
  const Package package = small_package();
  const Verdict good = judge(package, image_of(16, 16, 1, Depth::u8, {{3, 3, 102}}));
  EXPECT_EQ(good.decision, Decision::accept);
  EXPECT_FLOAT_EQ(static_cast<float>(good.score), 0.4f);
  EXPECT_DOUBLE_EQ(good.p_value, 3.0 / 10);  // 0.41 and 0.5 are larger; 0.4 as float lies above 0.4 as double
  EXPECT_TRUE(good.reasons.empty());
  EXPECT_TRUE(good.regions.empty());
  EXPECT_EQ(good.threshold, 0.5);

  const Verdict bad = judge(package, image_of(16, 16, 1, Depth::u8, {{3, 5, 255}}));
  EXPECT_EQ(bad.decision, Decision::reject);
  EXPECT_EQ(bad.score, 1.0);
  EXPECT_DOUBLE_EQ(bad.p_value, 1.0 / 10);
  ASSERT_EQ(bad.regions.size(), 1u);
  EXPECT_EQ(bad.regions[0].x0, 3.0);
  EXPECT_EQ(bad.regions[0].y0, 5.0);
  EXPECT_THAT(bad.reasons, ElementsAre(HasSubstr("The score 1 is above the threshold 0.5")));
  EXPECT_GT(bad.milliseconds, 0.0);
}

TEST(Engine, ScoreEqualToTheThresholdIsAccepted) {
  Package package = small_package();
  package.decision.threshold = 1.0;
  EXPECT_EQ(judge(package, image_of(16, 16, 1, Depth::u8, {{3, 5, 255}})).decision, Decision::accept);
}

TEST(Engine, KeepsEvidenceWhenAsked) {
  Package package = small_package(3);
  package.graphs.at("anomaly") = samples::mean_graph(3, 16, 16, true);
  const Image image = image_of(16, 16, 3, Depth::u8, {{3, 5, 255}});
  const Verdict verdict = judge(package, image);
  EXPECT_EQ(verdict.map.height, 16);
  EXPECT_EQ(verdict.map.width, 16);
  EXPECT_EQ(verdict.map.values[5 * 16 + 3], 1.0f);
  EXPECT_EQ(verdict.input.height, 48);
  EXPECT_EQ(verdict.repaired.height, 48);
  EXPECT_EQ(verdict.repaired_channels, 3);
  EXPECT_EQ(verdict.repaired.values, verdict.input.values);
  EngineOptions options;
  options.keep_evidence = false;
  const Verdict bare = judge(package, image, MeanBackend{}, options);
  EXPECT_TRUE(bare.map.values.empty());
  EXPECT_TRUE(bare.input.values.empty());
  EXPECT_TRUE(bare.repaired.values.empty());
  EXPECT_EQ(bare.score, verdict.score);
  EXPECT_EQ(bare.regions.size(), 1u);
}

TEST(Engine, MapsRegionsBackToTheOriginalImage) {
  Package package = small_package();
  package.decision.millimetres_per_pixel_x = 0.5;
  package.decision.millimetres_per_pixel_y = 0.25;
  Image image(64, 32, 1, Depth::u8);  // scales: x 2, y 4
  fill_box(image, 10, 20, 14, 28, 255);
  const Verdict verdict = judge(package, image);
  ASSERT_EQ(verdict.regions.size(), 1u);
  const Region& region = verdict.regions[0];
  EXPECT_EQ(region.x0, 10.0);
  EXPECT_EQ(region.x1, 14.0);
  EXPECT_EQ(region.y0, 20.0);
  EXPECT_EQ(region.y1, 28.0);
  EXPECT_EQ(region.area_px, 32.0);
  EXPECT_EQ(region.centroid_x, 11.5);
  EXPECT_EQ(region.centroid_y, 23.5);
  EXPECT_DOUBLE_EQ(*region.width_mm, 2.0);
  EXPECT_DOUBLE_EQ(*region.height_mm, 2.0);
  EXPECT_DOUBLE_EQ(*region.area_mm2, 4.0);
}

TEST(Engine, PaddingIsNoPartOfTheVerdict) {
  Package package = small_package(1, 16, 16);
  package.input.fit = "native";
  // The backend marks the last column, which is padding for a 12 wide image and image for a 16 wide one.
  const MeanBackend backend([](samples::Outputs& outputs) {
    for (std::size_t y = 0; y < 16; ++y) {
      outputs.map[y * 16 + 15] = 9.0f;
    }
  });
  const Verdict narrow = judge(package, image_of(16, 12, 1, Depth::u8), backend);
  EXPECT_EQ(narrow.map.width, 12);
  EXPECT_EQ(narrow.input.width, 12);
  EXPECT_TRUE(narrow.regions.empty());
  const Verdict wide = judge(package, image_of(16, 16, 1, Depth::u8), backend);
  ASSERT_EQ(wide.regions.size(), 1u);
  EXPECT_EQ(wide.regions[0].x0, 15.0);
}

TEST(Engine, NativeWithoutCanvasJudgesAnySize) {
  Package package = small_package(1, 0, 0);
  package.input.fit = "native";
  package.input.multiple = 8;
  package.graphs.at("anomaly") = samples::mean_graph(1, -1, -1);
  const Engine engine(package, MeanBackend{});
  const auto worker = engine.make_worker();
  for (const auto& [height, width] : {std::pair{16, 16}, {21, 35}, {64, 17}, {16, 16}}) {
    const Verdict verdict = worker->judge(image_of(height, width, 1, Depth::u8, {{9, 11, 255}}).view());
    EXPECT_EQ(verdict.map.height, height);
    EXPECT_EQ(verdict.map.width, width);
    ASSERT_EQ(verdict.regions.size(), 1u);
    EXPECT_EQ(verdict.regions[0].x0, 9.0);
    EXPECT_EQ(verdict.regions[0].y0, 11.0);
  }
}

TEST(Engine, RegionOfInterestHidesWhatLiesOutside) {
  Package package = small_package();
  package.region.polygons = {{{0, 0}, {0.5, 0}, {0.5, 1}, {0, 1}}};  // left half
  package.decision.pooling = "top_fraction";
  package.decision.pooling_fraction = 1e-6;  // the largest value
  Image image = image_of(16, 16, 1, Depth::u8, {{12, 3, 255}, {2, 2, 102}});
  fill_box(image, 0, 15, 16, 16, 51);
  const Verdict outside = judge(package, image);
  EXPECT_EQ(outside.decision, Decision::accept);
  EXPECT_FLOAT_EQ(static_cast<float>(outside.score), 0.4f);
  EXPECT_TRUE(outside.regions.empty());
  EXPECT_EQ(outside.map.values[3 * 16 + 12], 0.0f);  // the least value of the map
  EXPECT_EQ(outside.map.values[15 * 16 + 12], 0.0f);
  EXPECT_FLOAT_EQ(outside.map.values[15 * 16 + 3], 0.2f);
  EXPECT_EQ(outside.input.values[3 * 16 + 12], 1.0f);  // the input is left as it is

  const Verdict inside = judge(package, image_of(16, 16, 1, Depth::u8, {{7, 3, 255}}));
  EXPECT_EQ(inside.decision, Decision::reject);
  ASSERT_EQ(inside.regions.size(), 1u);
  EXPECT_EQ(inside.regions[0].x0, 7.0);
}

TEST(Engine, TopFractionIsTheScoreAlsoWithoutARegionOfInterest) {
  Package package = small_package();
  package.decision.pooling = "top_fraction";
  package.decision.pooling_fraction = 2.0 / 256;
  const Verdict verdict = judge(package, image_of(16, 16, 1, Depth::u8, {{7, 3, 255}, {1, 1, 102}}));
  EXPECT_NEAR(verdict.score, 0.7, 1e-7);  // float32 map
}

TEST(Engine, LevelOfTheImageCountsForThePooledScore) {
  Package package = small_package();
  package.graphs.at("anomaly") = samples::mean_graph(1, 16, 16, true);
  samples::add_level(package.graphs.at("anomaly"));
  package.decision.pooling = "top_fraction";
  package.decision.pooling_fraction = 1e-6;
  const Image image = image_of(16, 16, 1, Depth::u8, {{7, 3, 51}});
  EXPECT_NEAR(judge(package, image).score, 0.2 + 0.25, 1e-7);
  const MeanBackend wrong([](samples::Outputs& o) { o.level.clear(); });
  EXPECT_THROW(judge(package, image, wrong), ContentError);
  package.decision.pooling = "graph";
  EXPECT_NEAR(judge(package, image).score, 0.2, 1e-7) << "the graph's score holds it already";
}

TEST(Engine, RegionOfInterestWithoutAPixelGivesNoVerdict) {
  Package package = small_package();
  package.decision.pooling = "top_fraction";
  package.region.polygons = {{{0.5, 0.5}, {0.51, 0.5}, {0.51, 0.51}}};  // between pixel centres
  const Verdict verdict = judge(package, image_of(16, 16, 1, Depth::u8));
  EXPECT_EQ(verdict.decision, Decision::error);
  EXPECT_TRUE(std::isnan(verdict.score));
  EXPECT_THAT(verdict.reasons, ElementsAre(HasSubstr("region of interest holds no pixel")));
}

TEST(Engine, DefectsBelowTheMinimumAreaAreAccepted) {
  Package package = small_package();
  package.decision.minimum_area_px = 4;
  package.decision.pooling = "top_fraction";
  package.decision.pooling_fraction = 1e-6;  // the largest value
  const Image speck = image_of(16, 16, 1, Depth::u8, {{3, 5, 255}, {9, 9, 200}});
  const Verdict small = judge(package, speck);
  EXPECT_EQ(small.decision, Decision::accept);
  EXPECT_EQ(small.score, 1.0);
  EXPECT_TRUE(small.regions.empty());
  EXPECT_THAT(small.reasons,
              ElementsAre(HasSubstr("every suspicious area (2) is smaller than the minimum area of 4 px")));

  Image scratch = speck;
  fill_box(scratch, 2, 12, 6, 13, 180);
  const Verdict large = judge(package, scratch);
  EXPECT_EQ(large.decision, Decision::reject);
  ASSERT_EQ(large.regions.size(), 1u);
  EXPECT_EQ(large.regions[0].area_px, 4.0);

  // A score above the threshold that no pixel explains is not called small.
  package.decision.pixel_threshold = 2.0;
  const Verdict diffuse = judge(package, speck);
  EXPECT_EQ(diffuse.decision, Decision::reject);
  EXPECT_TRUE(diffuse.regions.empty());
  EXPECT_THAT(diffuse.reasons, ElementsAre(HasSubstr("above the threshold"), HasSubstr("no area stands out")));
}

TEST(Engine, ABadPartWithASpeckIsNotExcusedByTheSpeck) {
  // The whole part is unusual (level 0.25 on a map of 0.4) and one pixel stands out: without the speck it is still bad.
  Package package = small_package();
  package.graphs.at("anomaly") = samples::mean_graph(1, 16, 16, true);
  samples::add_level(package.graphs.at("anomaly"));
  package.decision.minimum_area_px = 4;
  package.decision.pooling = "top_fraction";
  package.decision.pooling_fraction = 1e-6;
  Image image = image_of(16, 16, 1, Depth::u8);
  fill_box(image, 0, 0, 16, 16, 102);
  image.u8()[5 * 16 + 3] = 255;
  const Verdict bad = judge(package, image);
  EXPECT_NEAR(bad.score, 1.25, 1e-6);
  EXPECT_EQ(bad.decision, Decision::reject);
  fill_box(image, 0, 0, 16, 16, 0);
  image.u8()[5 * 16 + 3] = 255;
  EXPECT_EQ(judge(package, image).decision, Decision::accept) << "a good part with a speck below the minimum area";
}

TEST(Engine, ValuesThatAreNoNumbersAreNeverAccepted) {
  const Package package = small_package();
  const Image image = image_of(16, 16, 1, Depth::u8);
  constexpr float nan = std::numeric_limits<float>::quiet_NaN();
  constexpr float infinity = std::numeric_limits<float>::infinity();
  const std::function<void(samples::Outputs&)> faults[] = {
      [](samples::Outputs& o) { o.score[0] = nan; }, [](samples::Outputs& o) { o.score[0] = infinity; },
      [](samples::Outputs& o) { o.score[0] = -infinity; }, [](samples::Outputs& o) { o.map[17] = nan; },
      [](samples::Outputs& o) { o.map[255] = -infinity; }};
  for (const auto& fault : faults) {
    const Verdict verdict = judge(package, image, MeanBackend(fault));
    EXPECT_EQ(verdict.decision, Decision::error);
    EXPECT_TRUE(std::isnan(verdict.score));
    EXPECT_TRUE(std::isnan(verdict.p_value));
    EXPECT_TRUE(verdict.regions.empty());
    EXPECT_THAT(verdict.reasons, ElementsAre(HasSubstr("not a number")));
  }
}

TEST(Engine, OutputsOfAnotherShapeAreRefused) {
  const Package package = small_package();
  const auto worker_of = [&](const MeanBackend& backend) { return Engine(package, backend).make_worker(); };
  const Image image = image_of(16, 16, 1, Depth::u8);
  EXPECT_THROW(worker_of(MeanBackend([](samples::Outputs& o) {
                 o.map_shape = {1, 1, 8, 32};
               }))->judge(image.view()),
               ContentError);
  EXPECT_THROW(worker_of(MeanBackend([](samples::Outputs& o) {
                 o.map_shape = {16, 16};
               }))->judge(image.view()),
               ContentError);
  EXPECT_THROW(worker_of(MeanBackend([](samples::Outputs& o) {
                 o.score = {1, 2};
               }))->judge(image.view()),
               ContentError);
}

TEST(Engine, RefusesImagesOutsideTheContract) {
  const Engine engine(small_package(), MeanBackend{});
  const auto worker = engine.make_worker();
  EXPECT_THROW(worker->judge(ImageView{}), InvalidArgument);
  EXPECT_THROW(worker->judge(image_of(16, 16, 3, Depth::u8).view()), InvalidArgument);
  EXPECT_THROW(worker->judge(image_of(1, 1, 1, Depth::u8).view()), InvalidArgument);
  EXPECT_EQ(worker->judge(image_of(16, 16, 1, Depth::u16, {{2, 2, 65'535}}).view()).score, 1.0);
}

TEST(Engine, ImagesOfAnotherFormAreJudgedWithAWord) {
  Package package = small_package();
  const Image flat = image_of(10, 90, 1, Depth::u8);
  EXPECT_TRUE(judge(package, flat).reasons.empty()) << "the size of the training images is not known";
  package.input.image_height = 40, package.input.image_width = 40;
  const Verdict verdict = judge(package, flat);
  EXPECT_EQ(verdict.decision, Decision::accept);
  EXPECT_THAT(verdict.reasons, ElementsAre(HasSubstr("The image is 90x10 px and was stretched to the shape of the "
                                                     "training images, about 40x40 px (width x height)")));
  EXPECT_EQ(judge(package, image_of(90, 10, 1, Depth::u8)).reasons.size(), 1u);
  EXPECT_TRUE(judge(package, image_of(10, 20, 1, Depth::u8)).reasons.empty()) << "twice as wide is still near";
  package.input.fit = "pad";
  EXPECT_TRUE(judge(package, flat).reasons.empty()) << "padding keeps the shape";
  EXPECT_THAT(judge(package, image_of(16, 16, 1, Depth::u16)).reasons,
              ElementsAre("The image has 16 bit and the training images had 8: its values were taken as shares of "
                          "65535."));
}

TEST(Engine, SelfTestsDecideWhetherAPackageIsUsed) {
  Package package = small_package();
  package.self_tests.push_back({image_of(16, 16, 1, Depth::u8, {{2, 2, 51}}), 0.2, 1e-6});
  EXPECT_NO_THROW(Engine(package, MeanBackend{}));
  const MeanBackend drifting([](samples::Outputs& o) { o.score[0] += 1e-4f; });
  try {
    Engine(package, drifting);
    FAIL() << "was loaded";
  } catch (const ContentError& error) {
    EXPECT_THAT(error.what(), HasSubstr("self-test 0 gives another score on backend 'mean' (f32)"));
  }
  package.self_tests[0].tolerance = 1e-3;
  EXPECT_NO_THROW(Engine(package, drifting));
  const MeanBackend broken([](samples::Outputs& o) { o.score[0] = std::numeric_limits<float>::quiet_NaN(); });
  EXPECT_THROW(Engine(package, broken), ContentError);
  EngineOptions options;
  options.run_self_tests = false;
  EXPECT_NO_THROW(Engine(package, broken, options));
}

TEST(Engine, RefusesPackagesAndOptionsThatDoNotFit) {
  const auto refuse = [](const std::function<void(Package&)>& spoil, const char* words, EngineOptions options = {}) {
    Package package = small_package();
    spoil(package);
    try {
      Engine(std::move(package), MeanBackend{}, options);
      FAIL() << words;
    } catch (const InvalidArgument& error) {
      EXPECT_THAT(error.what(), HasSubstr(words));
    }
  };
  refuse([](Package& p) { p.graphs.clear(); }, "no component 'anomaly'");
  refuse([](Package& p) { p.graphs.at("anomaly") = samples::mean_graph(1, 16, 20); }, "do not fit");
  refuse([](Package& p) { p.graphs.at("anomaly") = samples::mean_graph(3, 16, 16); }, "do not fit");
  refuse([](Package& p) { p.graphs.at("anomaly").outputs.pop_back(); }, "has no output 'map'");
  refuse([](Package& p) { p.graphs.at("anomaly").inputs[0].type = TensorType::u8; }, "must have one input 'image'");
  refuse(
      [](Package& p) {
        p.input.fit = "native";
        p.input.height = p.input.width = 0;
      },
      "accepts any size and the graph does not");
  refuse([](Package& p) { p.region.polygons = {{{0, 0}, {1, 0}, {1, 1}}}; }, "region of interest needs");
  refuse([](Package& p) { p.decision.minimum_area_px = 4; }, "minimum area needs");
  const auto nothing = [](Package&) {};
  EngineOptions options;
  options.backend.threads = 0;
  refuse(nothing, "threads out of range; got 0", options);
  options.backend.threads = 1;
  options.backend.precision = "f16";
  refuse(nothing, "precision unknown; got 'f16'", options);
}

TEST(Engine, WorkersInThreadsGiveTheVerdictsOfOne) {
  Package package = small_package();
  package.input.convert_channels = true;
  package.region.polygons = {{{0.1, 0.1}, {0.9, 0.1}, {0.9, 0.9}, {0.1, 0.9}}};
  package.decision.pooling = "top_fraction";
  package.decision.pooling_fraction = 0.05;
  std::vector<Image> images;
  for (std::uint64_t i = 0; i < 64; ++i) {
    RandomStream random(5, "tests.engine.threads", i);
    Image image(static_cast<int>(random.integer(16, 60)), static_cast<int>(random.integer(16, 60)), i % 2 == 0 ? 1 : 3,
                i % 3 == 0 ? Depth::u16 : Depth::u8);
    for (auto& value : image.pixels) {
      value = static_cast<std::byte>(random.bits());
    }
    images.push_back(std::move(image));
  }
  const Engine engine(package, MeanBackend{});
  std::vector<Verdict> expected;
  const auto worker = engine.make_worker();
  for (const Image& image : images) {
    expected.push_back(worker->judge(image.view()));
  }
  constexpr int threads = 8;
  std::vector<std::vector<Verdict>> verdicts(threads);
  std::vector<std::thread> pool;
  for (int t = 0; t < threads; ++t) {
    pool.emplace_back([&, t] {
      const auto own = engine.make_worker();
      for (const Image& image : images) {
        verdicts[static_cast<std::size_t>(t)].push_back(own->judge(image.view()));
      }
    });
  }
  for (auto& thread : pool) {
    thread.join();
  }
  for (const auto& list : verdicts) {
    ASSERT_EQ(list.size(), images.size());
    for (std::size_t i = 0; i < list.size(); ++i) {
      EXPECT_EQ(list[i].score, expected[i].score);
      EXPECT_EQ(list[i].map.values, expected[i].map.values);
      EXPECT_EQ(list[i].regions.size(), expected[i].regions.size());
    }
  }
}

TEST(Engine, ReadFromAFileItJudgesTheSame) {
  Package package = small_package();
  const auto bytes = encode_package(package);
  const Image image = image_of(33, 47, 1, Depth::u8, {{20, 20, 255}, {21, 20, 255}, {21, 21, 250}, {20, 21, 255}});
  EXPECT_EQ(judge(decode_package(bytes, "p"), image).score, judge(package, image).score);
}

TEST(Verdict, DecisionsHaveNames) {
  EXPECT_STREQ(name_of(Decision::accept), "accept");
  EXPECT_STREQ(name_of(Decision::reject), "reject");
  EXPECT_STREQ(name_of(Decision::ask), "ask");
  EXPECT_STREQ(name_of(Decision::error), "error");
  EXPECT_THROW(name_of(static_cast<Decision>(9)), InvalidArgument);
}

}  // namespace
}  // namespace oddity
