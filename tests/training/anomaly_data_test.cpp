#include "training/anomaly_data.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/error.h"
#include "training/anomaly_task.h"
#include "training/data_digest.h"
#include "training/host_reads.h"

namespace oddity {
namespace {

using ::testing::HasSubstr;

/// Good images of given sizes, filled with their index; defects of the validation split carry a mask of one square.
class Sized final : public Dataset {
public:
  explicit Sized(std::vector<std::pair<int, int>> sizes, int channels = 1) : sizes_(std::move(sizes)) {
    for (std::size_t i = 0; i < sizes_.size(); ++i) {
      samples_.push_back({"train/good/" + std::to_string(i) + ".png", Split::train});
      channels_.push_back(channels);
    }
  }
  void add_defect(int height, int width) {
    samples_.push_back(
        {"validation/dent/" + std::to_string(sizes_.size()) + ".png", Split::validation, "dent", "mask"});
    sizes_.emplace_back(height, width);
    channels_.push_back(channels_.front());
  }
  std::string name() const override { return "sized"; }
  const std::vector<Sample>& samples() const override { return samples_; }
  Image image(std::size_t i) const override {
    Image image(sizes_[i].first, sizes_[i].second, channels_[i], Depth::u8);
    std::fill(image.pixels.begin(), image.pixels.end(), static_cast<std::byte>(40 + 10 * (i % 4)));
    return image;
  }
  Image mask(std::size_t i) const override {
    Image mask(sizes_[i].first, sizes_[i].second, 1, Depth::u8);
    for (int y = 0; y < 8; ++y) {
      std::fill_n(mask.u8() + y * mask.width, 8, samples_[i].good() ? 0 : 255);
    }
    return mask;
  }
  bool has_mask(std::size_t) const override { return true; }
  std::vector<std::size_t> good() const {
    std::vector<std::size_t> list;
    for (std::size_t i = 0; i < samples_.size(); ++i) {
      if (samples_[i].good()) {
        list.push_back(i);
      }
    }
    return list;
  }
  std::vector<int> channels_;

private:
  std::vector<std::pair<int, int>> sizes_;
  std::vector<Sample> samples_;
};

DataOptions native() {
  DataOptions options;
  options.fit = "native", options.image_size = {32, 32};
  return options;
}

TEST(ImageSurvey, CanvasHoldsTheLargestImageAndKnowsWhetherAllFillIt) {
  const Sized alike({{60, 100}, {64, 90}, {50, 97}});
  const ImageSurvey survey = survey_images(alike, alike.good(), native());
  EXPECT_EQ(survey.contract.height, 64);
  EXPECT_EQ(survey.contract.width, 112);
  EXPECT_TRUE(survey.one_size);
  const Sized unlike({{60, 100}, {64, 70}});
  EXPECT_FALSE(survey_images(unlike, unlike.good(), native()).one_size);
  // 20 px on a canvas of 32: all there is, although less than 75 % of what rounding made of it.
  const Sized small({{20, 20}, {20, 20}});
  EXPECT_TRUE(survey_images(small, small.good(), native()).one_size);
}

TEST(ImageSurvey, AutoJudgesNearTheImagesOwnSize) {
  const auto size_of = [](std::vector<std::pair<int, int>> sizes) {
    DataOptions options;
    options.fit = "auto", options.image_size = {64, 64};
    const Sized dataset(std::move(sizes));
    const InputContract contract = survey_images(dataset, dataset.good(), options).contract;
    EXPECT_EQ(contract.fit, "stretch");
    return std::pair(contract.height, contract.width);
  };
  EXPECT_EQ(size_of({{64, 160}, {64, 160}, {64, 250}}), std::pair(64, 160)) << "median of the images";
  EXPECT_EQ(size_of({{1000, 1000}}), std::pair(128, 128)) << "at most four crops";
  EXPECT_EQ(size_of({{400, 1600}}), std::pair(64, 256)) << "in the images' aspect";
  EXPECT_EQ(size_of({{28, 28}}), std::pair(64, 64)) << "small images are enlarged to the crop";
  EXPECT_EQ(size_of({{10, 500}}), std::pair(16, 496)) << "no side vanishes";
}

TEST(ImageSurvey, EnlargementIsTheMedian) {
  DataOptions options;
  options.fit = "stretch";  // to 128x128
  const Sized dataset({{32, 64}, {64, 64}, {64, 128}});
  const ImageSurvey survey = survey_images(dataset, dataset.good(), options);
  EXPECT_DOUBLE_EQ(survey.enlargement, 2.0);
  EXPECT_EQ(survey.contract.image_height, 64);
  EXPECT_EQ(survey.contract.image_width, 64);
}

TEST(ImageSurvey, NamesTheFilesWhoseChannelsDiffer) {
  DataOptions options;
  options.channels = "as_is";
  Sized dataset({{32, 32}, {32, 32}, {32, 32}});
  dataset.channels_[2] = 3;
  try {
    survey_images(dataset, dataset.good(), options);
    FAIL() << "mixed channels were accepted";
  } catch (const InvalidArgument& error) {
    EXPECT_THAT(error.what(), HasSubstr("got 1 in train/good/0.png and 3 in train/good/2.png"));
  }
  options.channels = "auto";
  EXPECT_EQ(survey_images(dataset, dataset.good(), options).contract.channels, 3);
}

struct Loaded {
  AnomalyConfig config;
  AnomalyData data;
};

Loaded load(const Sized& dataset, const std::string& model, const std::string& alignment = "auto") {
  Loaded loaded;
  loaded.config.data = native();
  loaded.config.model.name = model, loaded.config.model.size = "small";
  loaded.config.augment.alignment = alignment;
  loaded.config.training.device = "cpu", loaded.config.training.batch = 2, loaded.config.training.precision = "f32";
  Splits splits;
  splits.train = dataset.good();
  for (int k = 0; k < 2; ++k) {  // the last two good ones are held out
    splits.validation.push_back(splits.train.back());
    splits.train.pop_back();
  }
  for (std::size_t i = 0; i < dataset.samples().size(); ++i) {
    if (!dataset.samples()[i].good()) {
      splits.validation_defects.push_back(i);
    }
  }
  loaded.data = load_anomaly_data(dataset, splits, loaded.config, silent_progress());
  return loaded;
}

TEST(AnomalyData, NativeImagesOfManySizesTrainAndAreJudgedAtTheirOwnSize) {
  const Sized dataset({{48, 48}, {48, 96}, {80, 40}, {33, 64}, {48, 48}, {64, 64}});
  const Loaded loaded = load(dataset, "oddnet");
  EXPECT_EQ(loaded.data.train.height(), 80);
  EXPECT_EQ(loaded.data.train.width(), 96);
  EXPECT_FALSE(loaded.data.facts.aligned);
  AnomalyTask task(loaded.config, loaded.data);
  EXPECT_TRUE(std::isfinite(task.step(task.phases()[0], 0).loss.item<double>()));
  task.fit();
  const Package package = task.make_package();
  EXPECT_EQ(package.input.height, 0);
  EXPECT_EQ(package.input.width, 0);
}

TEST(AnomalyData, NativeImagesOfManySizesAreRefusedWhereOneSizeIsNeeded) {
  const Sized dataset({{48, 48}, {48, 96}, {80, 40}, {33, 64}, {48, 48}, {64, 64}});
  EXPECT_THROW(load(dataset, "oddnet", "aligned"), InvalidArgument);
  const Loaded loaded = load(dataset, "pixel_template");
  EXPECT_THROW(AnomalyTask(loaded.config, loaded.data), InvalidArgument);
}

TEST(AnomalyData, LabelledDefectsOfTheValidationSplitAreMeasured) {
  Sized dataset({{48, 48}, {48, 48}, {48, 48}, {48, 48}, {48, 48}});
  dataset.add_defect(48, 48);
  dataset.add_defect(96, 48);  // larger than the canvas of the good ones: left out
  const Loaded loaded = load(dataset, "oddnet");
  ASSERT_TRUE(loaded.data.defects.images.defined());
  EXPECT_EQ(loaded.data.defects.images.size(0), 1);
  EXPECT_EQ(loaded.data.defects.masks.sum().item<double>(), 64.0);
  AnomalyTask task(loaded.config, loaded.data);
  const auto values = task.validate(task.phases()[0], 1);
  ASSERT_EQ(values.size(), 3u);
  EXPECT_EQ(values[2].first, "validation/labelled_pixel_average_precision");
  EXPECT_GT(values[2].second, 0.0);
  EXPECT_LE(values[2].second, 1.0);
}

TEST(AnomalyTask, StepsReadNothingBack) {
  const Sized dataset({{48, 48}, {48, 48}, {48, 48}, {48, 48}, {48, 48}});
  const Loaded loaded = load(dataset, "oddnet");
  AnomalyTask task(loaded.config, loaded.data);
  const HostReadCounter counter;
  const std::int64_t before = host_reads();
  for (const Phase& phase : task.phases()) {
    task.begin(phase);
    task.step(phase, 0).loss.backward();
  }
  EXPECT_EQ(host_reads(), before);
}

TEST(DataDigest, FollowsNamesPixelsAndSplits) {
  const Sized dataset({{20, 20}, {20, 20}, {20, 20}, {20, 20}, {20, 24}});
  Splits splits;
  splits.train = {0, 1}, splits.calibration = {2, 3};
  const std::string first = digest_splits(dataset, splits).all;
  EXPECT_EQ(digest_splits(dataset, splits).all, first);
  splits.calibration = {2, 4};
  EXPECT_NE(digest_splits(dataset, splits).all, first);
  splits.train = {0}, splits.calibration = {1, 2, 3};
  EXPECT_NE(digest_splits(dataset, splits).all, first);
}

TEST(DataDigest, CopiesOfTrainingPartsDoNotCalibrate) {
  const Sized dataset({{20, 20}, {20, 20}, {20, 20}, {20, 20}, {20, 20}});  // pixels repeat after four
  Splits splits;
  splits.train = {0, 1}, splits.calibration = {2, 4}, splits.validation = {3};
  drop_copies(dataset, splits, digest_splits(dataset, splits));
  EXPECT_EQ(splits.calibration, (std::vector<std::size_t>{2}));
  EXPECT_EQ(splits.validation, (std::vector<std::size_t>{3}));
  splits.calibration = {4};
  const SplitDigests digests = digest_splits(dataset, splits);
  EXPECT_THROW(drop_copies(dataset, splits, digests), InvalidArgument);
}

}  // namespace
}  // namespace oddity
