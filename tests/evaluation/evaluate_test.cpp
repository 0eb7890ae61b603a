#include "evaluation/evaluate.h"

#include <cmath>
#include <limits>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "core/error.h"
#include "evaluation/judge_in_order.h"
#include "fakes.h"
#include "oddity/metrics/intervals.h"

namespace oddity {
namespace {

using Json = nlohmann::json;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr int kSide = 4;

/// 4 x 4 pixels of one value with one pixel of another.
std::vector<std::uint8_t> pixels(std::uint8_t ground, std::uint8_t spot) {
  std::vector<std::uint8_t> out(kSide * kSide, ground);
  out[5] = spot;
  return out;
}
std::vector<std::uint8_t> spot_mask() { return pixels(0, 255); }

/// Good parts peak at 10, 20, 30, 40; scratches at 35 and 60, dents at 70 (with mask) and 15 (without); one unlabelled.
fakes::MemoryDataset small_set() {
  fakes::MemoryDataset set;
  set.add("g0.png", "good", kSide, kSide, pixels(5, 10), {}, "lot1");
  set.add("g1.png", "good", kSide, kSide, pixels(5, 20), {}, "lot1");
  set.add("g2.png", "good", kSide, kSide, pixels(5, 30), {}, "lot2");
  set.add("g3.png", "good", kSide, kSide, pixels(5, 40), {}, "lot2");
  set.add("s0.png", "scratch", kSide, kSide, pixels(5, 35), spot_mask());
  set.add("s1.png", "scratch", kSide, kSide, pixels(5, 60), spot_mask());
  set.add("d0.png", "dent", kSide, kSide, pixels(5, 70), spot_mask());
  set.add("d1.png", "dent", kSide, kSide, pixels(5, 15));
  set.add("u0.png", "unknown", kSide, kSide, pixels(5, 90));
  set.add("t0.png", "good", kSide, kSide, pixels(5, 1), {}, "", Split::train);
  return set;
}

/// Threshold 33/255: calibration scores 1/255 .. 99/255.
Package small_package() {
  std::vector<double> calibration;
  for (int i = 1; i <= 99; ++i) {
    calibration.push_back(i / 255.0);
  }
  return fakes::package(kSide, kSide, 33 / 255.0, calibration);
}

Engine engine_of(Package package) { return Engine(std::move(package), fakes::BrightestPixel{}); }

Judgement judge(const Engine& engine, const Dataset& set, EvaluateOptions options = {}) {
  return judge_dataset(engine, set, options, {}, silent_progress());
}

TEST(Evaluate, JudgesTheSplitInOrder) {
  const auto set = small_set();
  const Engine engine = engine_of(small_package());
  const Judgement judgement = judge(engine, set);
  ASSERT_EQ(judgement.images.size(), 9U);
  EXPECT_EQ(judgement.milliseconds.size(), 9U);
  EXPECT_EQ(judgement.images[4].sample.file, "s0.png");
  EXPECT_EQ(judgement.images[4].index, 4U);
  EXPECT_NEAR(judgement.images[4].verdict.score, 35 / 255.0, 1e-6);
  EXPECT_EQ(judgement.images[4].verdict.decision, Decision::reject);
  EXPECT_EQ(judgement.images[0].verdict.decision, Decision::accept);
  EXPECT_TRUE(judgement.images[0].verdict.input.values.empty());
  EXPECT_TRUE(judgement.images[7].mask.empty());
  EXPECT_TRUE(judgement.images[8].mask.empty());
  EXPECT_EQ(judgement.images[4].mask.u8()[5], 255);
}

TEST(Evaluate, ResultsDoNotDependOnWorkers) {
  const auto set = small_set();
  const Engine engine = engine_of(small_package());
  EvaluateOptions one;
  one.workers = 1;
  EvaluateOptions many;
  many.workers = 7;
  many.split = one.split = "all";
  EXPECT_EQ(scores_csv(judge(engine, set, one)), scores_csv(judge(engine, set, many)));
}

TEST(Evaluate, SelectsBySplitAndLabel) {
  const auto set = small_set();
  EvaluateOptions options;
  options.exclude_labels = {"dent"};
  EXPECT_THAT(select_samples(set, options), ElementsAre(0, 1, 2, 3, 4, 5, 8));
  options.split = "train";
  EXPECT_THAT(select_samples(set, options), ElementsAre(9));
  options.split = "tset";
  EXPECT_THROW(select_samples(set, options), InvalidArgument);
  options = {};
  options.exclude_labels = {"dnet"};
  try {
    select_samples(set, options);
    FAIL() << "a label that no sample has must be refused";
  } catch (const InvalidArgument& error) {
    EXPECT_THAT(error.what(), HasSubstr("dnet"));
    EXPECT_THAT(error.what(), HasSubstr("dent, good, scratch, unknown"));
  }
}

TEST(Evaluate, RefusesAnEmptySelectionAndNamesARefusedImage) {
  const Engine engine = engine_of(small_package());
  EXPECT_THROW(judge(engine, fakes::MemoryDataset{}), InvalidArgument);
  fakes::MemoryDataset set;
  set.add("fine.png", "good", kSide, kSide, pixels(5, 10));
  // 1 x 1 pixel enlarged 4 times is allowed by the contract; a colour image is not.
  class Colour final : public Dataset {
  public:
    explicit Colour(const Dataset& base) : base_(base) {}
    std::string name() const override { return base_.name(); }
    const std::vector<Sample>& samples() const override { return base_.samples(); }
    Image image(std::size_t) const override { return Image(kSide, kSide, 3, Depth::u8); }
    Image mask(std::size_t index) const override { return base_.mask(index); }
    bool has_mask(std::size_t index) const override { return base_.has_mask(index); }

  private:
    const Dataset& base_;
  } const colour(set);
  try {
    judge(engine, colour);
    FAIL() << "the contract refuses colour";
  } catch (const InvalidArgument& error) {
    EXPECT_THAT(error.what(), HasSubstr("fine.png"));
  }
}

TEST(Evaluate, StopsOnRequest) {
  const auto set = small_set();
  const Engine engine = engine_of(small_package());
  std::stop_source stop;
  stop.request_stop();
  EXPECT_THROW(judge_dataset(engine, set, {}, stop.get_token(), silent_progress()), Interrupted);
}

TEST(Evaluate, MaskOutsideTheRegionOfInterestDoesNotCount) {
  Package package = small_package();
  package.region.polygons = {{{0.5, 0.0}, {1.0, 0.0}, {1.0, 1.0}, {0.5, 1.0}}};  // right half; the spot is at x = 1
  package.decision.pooling = "top_fraction";
  const Judgement judgement = judge(engine_of(std::move(package)), small_set());
  const Image& mask = judgement.images[4].mask;
  EXPECT_EQ(std::count(mask.u8(), mask.u8() + mask.pixels.size(), 0), kSide * kSide);
}

TEST(MetricsJson, HandComputedNumbers) {
  const auto set = small_set();
  const Engine engine = engine_of(small_package());
  const Json numbers = Json::parse(metrics_json(judge(engine, set), engine.package()));

  // Pairs (good, defect) with the defect larger: 35 beats 3 of 4, 60 and 70 beat 4, 15 beats 1 -> 12 of 16.
  EXPECT_DOUBLE_EQ(numbers["image"]["auroc"]["value"], 12.0 / 16);
  EXPECT_EQ(numbers["image"]["auroc"]["n_good"], 4);
  EXPECT_EQ(numbers["image"]["auroc"]["n_defect"], 4);
  EXPECT_LT(numbers["image"]["auroc"]["low"], 12.0 / 16);
  EXPECT_GT(numbers["image"]["auroc"]["high"], 12.0 / 16);
  // Descending: 70 d, 60 d, 40 g, 35 d, 30 g, 20 g, 15 d, 10 g: (1 + 1 + 3/4 + 4/7) / 4.
  EXPECT_DOUBLE_EQ(numbers["image"]["average_precision"]["value"], (1 + 1 + 3.0 / 4 + 4.0 / 7) / 4);
  // Best F1 at the fourth: 2 * 3 / (4 + 4).
  EXPECT_DOUBLE_EQ(numbers["image"]["f1_max"]["value"], 0.75);

  // Threshold 33: overkill 40; escapes 15.
  EXPECT_EQ(numbers["confusion"]["overkill"]["k"], 1);
  EXPECT_EQ(numbers["confusion"]["overkill"]["n"], 4);
  EXPECT_EQ(numbers["confusion"]["true_accept"]["k"], 3);
  EXPECT_EQ(numbers["confusion"]["escape"]["k"], 1);
  EXPECT_EQ(numbers["confusion"]["true_reject"]["k"], 3);
  const auto interval = metrics::clopper_pearson(1, 4);
  EXPECT_DOUBLE_EQ(numbers["confusion"]["escape"]["low"], interval.low);
  EXPECT_DOUBLE_EQ(numbers["confusion"]["escape"]["high"], interval.high);

  EXPECT_EQ(numbers["counts"]["unknown"], 1);
  EXPECT_EQ(numbers["counts"]["defects_without_mask"], 1);
  EXPECT_EQ(numbers["counts"]["pixel_defect_images"], 3);

  EXPECT_EQ(numbers["per_type"]["scratch"]["detected"]["k"], 2);
  EXPECT_DOUBLE_EQ(numbers["per_type"]["scratch"]["auroc"]["value"], 7.0 / 8);
  EXPECT_DOUBLE_EQ(numbers["per_type"]["dent"]["auroc"]["value"], 5.0 / 8);
  EXPECT_EQ(numbers["per_type"]["dent"]["without_mask"], 1);

  EXPECT_EQ(numbers["groups"]["lot1"]["overkill"]["k"], 0);
  EXPECT_EQ(numbers["groups"]["lot2"]["overkill"]["k"], 1);

  EXPECT_EQ(numbers["threshold"]["n_calibration"], 99);
  EXPECT_EQ(numbers["threshold"]["n_needed"], 99);
  // n = 99, budget 1 %: one of 100 ranks above the threshold, Beta(1, 99).
  EXPECT_DOUBLE_EQ(numbers["threshold"]["beta"]["a"], 1);
  EXPECT_DOUBLE_EQ(numbers["threshold"]["beta"]["b"], 99);
  EXPECT_THAT(numbers["threshold"]["guarantee"].get<std::string>(), HasSubstr("at most 1 %"));
  EXPECT_EQ(numbers["timing"]["n"], 9);
}

TEST(MetricsJson, HandComputedPixelNumbers) {
  const auto set = small_set();
  const Engine engine = engine_of(small_package());
  const Json pixel = Json::parse(metrics_json(judge(engine, set), engine.package()))["pixel"];
  // Images with a mask: 4 good, 3 defective. Defective pixels 35, 60, 70; good pixels above them: only 40 beats 35;
  // 4 * 16 + 3 * 15 = 109 good pixels.
  EXPECT_NEAR(pixel["auroc"]["value"].get<double>(), (3 * 109 - 1) / (3.0 * 109), 1e-12);
  EXPECT_NEAR(pixel["average_precision"]["value"].get<double>(), (1 + 1 + 3.0 / 4) / 3, 1e-12);
  EXPECT_NEAR(pixel["f1_max"]["value"].get<double>(), 2 * 3.0 / (3 + 4), 1e-12);
  EXPECT_EQ(pixel["auroc"]["n_good"], 4);
  EXPECT_EQ(pixel["auroc"]["n_defect"], 3);
  // PRO rises 1/3, 2/3 at FPR 0, stays to 1/109, then is 1: area to 0.3 with the trapezoid from (1/109, 2/3) to
  // (1/109, 1), which has no width.
  EXPECT_NEAR(pixel["aupro_030"]["value"].get<double>(), (2.0 / 3 / 109 + (0.3 - 1.0 / 109)) / 0.3, 1e-9);
  EXPECT_NEAR(pixel["aupro_005"]["value"].get<double>(), (2.0 / 3 / 109 + (0.05 - 1.0 / 109)) / 0.05, 1e-9);
  for (const char* key : {"auroc", "average_precision", "aupro_030", "aupro_005", "f1_max"}) {
    EXPECT_LE(pixel[key]["low"], pixel[key]["value"]) << key;
    EXPECT_GE(pixel[key]["high"], pixel[key]["value"]) << key;
  }
}

TEST(MetricsJson, SaysWhyWhenLabelsDoNotAllowANumber) {
  fakes::MemoryDataset set;
  set.add("a.png", "good", kSide, kSide, pixels(5, 10));
  set.add("b.png", "good", kSide, kSide, pixels(5, 20));
  const Engine engine = engine_of(small_package());
  const Json numbers = Json::parse(metrics_json(judge(engine, set), engine.package()));
  EXPECT_TRUE(numbers["image"]["auroc"]["value"].is_null());
  EXPECT_THAT(numbers["image"]["auroc"]["why"].get<std::string>(), HasSubstr("no defective image"));
  EXPECT_THAT(numbers["pixel"]["auroc"]["why"].get<std::string>(), HasSubstr("no mask"));
  EXPECT_TRUE(numbers["confusion"]["escape"]["rate"].is_null());
  EXPECT_EQ(numbers["confusion"]["overkill"]["n"], 2);
}

TEST(MetricsJson, ScoresThatAreNoNumbersAreErrors) {
  const auto set = small_set();
  const Engine engine = engine_of(small_package());
  Judgement judgement = judge(engine, set);
  judgement.images[6].verdict.score = std::numeric_limits<double>::quiet_NaN();  // claims reject; a dent
  judgement.images[1].verdict.decision = Decision::error;                        // a good part
  const Json numbers = Json::parse(metrics_json(judgement, engine.package()));
  EXPECT_EQ(numbers["counts"]["errors"], 2);
  EXPECT_EQ(numbers["confusion"]["true_reject"]["k"], 2);
  EXPECT_EQ(numbers["confusion"]["defect_error"], 1);
  EXPECT_EQ(numbers["confusion"]["true_accept"]["k"], 2);
  EXPECT_EQ(numbers["confusion"]["true_accept"]["n"], 4);
  EXPECT_EQ(numbers["image"]["auroc"]["n_good"], 3);
  EXPECT_EQ(numbers["image"]["auroc"]["n_defect"], 3);
  EXPECT_EQ(numbers["per_type"]["dent"]["detected"]["k"], 0);
}

TEST(MetricsJson, ContextsNameConditionsNotMeasurements) {
  auto set = small_set();
  for (std::size_t i = 0; i < set.samples().size(); ++i) {
    set.edit()[i].columns = {{"context.station", i % 2 == 0 ? "A" : "B"},
                             {"context.gain", i % 2 == 0 ? "0.95" : "1"},
                             {"context.line", "only"},
                             {"operator", i % 2 == 0 ? "x" : "y"}};
  }
  const Engine engine = engine_of(small_package());
  const Json contexts = Json::parse(metrics_json(judge(engine, set), engine.package()))["contexts"];
  ASSERT_EQ(contexts.size(), 1U);
  // Good parts 20 and 40 stand at B; 40 is rejected.
  EXPECT_EQ(contexts["context.station"]["B"]["overkill"]["k"], 1);
  EXPECT_EQ(contexts["context.station"]["B"]["overkill"]["n"], 2);
  EXPECT_EQ(contexts["context.station"]["A"]["overkill"]["k"], 0);
}

TEST(MetricsJson, TooFewCalibrationPartsAreNamed) {
  Package package = small_package();
  package.decision.calibration_scores.resize(19);
  package.decision.budget = 0.05;
  const Engine engine = engine_of(std::move(package));
  const Json numbers = Json::parse(metrics_json(judge(engine, small_set()), engine.package()));
  EXPECT_THAT(numbers["threshold"]["note"].get<std::string>(), HasSubstr("at least 99 calibration parts"));
  EXPECT_DOUBLE_EQ(numbers["threshold"]["beta"]["b"], 19);
}

TEST(ScoresCsv, QuotesAfterRfc4180) {
  Judgement judgement;
  JudgedImage image;
  image.sample.file = "a,\"b\"\n.png";
  image.sample.label = "good";
  image.verdict.decision = Decision::error;
  image.verdict.score = std::numeric_limits<double>::quiet_NaN();
  image.verdict.p_value = 0.25;
  judgement.images.push_back(image);
  EXPECT_EQ(scores_csv(judgement),
            "file,label,score,p_value,decision,type,difficulty,ood_score\r\n"
            "\"a,\"\"b\"\"\n.png\",good,,0.25,error,,,\r\n");
}

TEST(JudgeInOrder, ReadyComesInOrderAndErrorsBelongToTheirItem) {
  const Engine engine = engine_of(small_package());
  std::vector<std::size_t> order;
  std::vector<std::size_t> failed;
  const auto done = judge_in_order(
      engine, 200, 4,
      [](Engine::Worker&, std::size_t i) {
        if (i % 50 == 7) {
          throw std::runtime_error("item");
        }
      },
      [&](std::size_t i, std::exception_ptr error) {
        order.push_back(i);
        if (error) {
          failed.push_back(i);
        }
      },
      {});
  EXPECT_EQ(done, 200U);
  EXPECT_TRUE(std::is_sorted(order.begin(), order.end()));
  EXPECT_EQ(order.size(), 200U);
  EXPECT_THAT(failed, ElementsAre(7, 57, 107, 157));
}

TEST(JudgeInOrder, AnExceptionFromReadyEndsTheWork) {
  const Engine engine = engine_of(small_package());
  std::atomic<int> judged{0};
  EXPECT_THROW(judge_in_order(
                   engine, 100'000, 2, [&](Engine::Worker&, std::size_t) { ++judged; },
                   [](std::size_t i, std::exception_ptr) {
                     if (i == 3) {
                       throw std::runtime_error("enough");
                     }
                   },
                   {}),
               std::runtime_error);
  EXPECT_LE(judged.load(), 4 + 2 * 32 + 2);
}

}  // namespace
}  // namespace oddity
