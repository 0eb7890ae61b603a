#pragma once

#include <cstdint>
#include <filesystem>
#include <stop_token>
#include <string>
#include <vector>

#include "core/progress.h"
#include "data/dataset.h"
#include "inference/engine.h"
#include "oddity/metrics/ranking.h"

namespace oddity {

/// One judged image with what is known of it. Maps are kept at model size; the mask is brought there by nearest
/// neighbour.
struct JudgedImage {
  Sample sample;
  std::size_t index = 0;  ///< in the dataset
  Verdict verdict;        ///< without input and repaired image (memory); the report judges the few it shows again
  Image mask;             ///< at map size, u8 0/255; empty when unknown
};

struct Judgement {
  std::vector<JudgedImage> images;
  std::vector<double> milliseconds;  ///< per image, engine time
};

struct EvaluateOptions {
  std::vector<std::string> exclude_labels;
  std::string split = "test";  ///< samples of this split; "all" takes every one
  int workers = 2;             ///< engine workers, one thread each; the result does not depend on it
};

/// Indices of the samples that `options` selects, in dataset order. Throws InvalidArgument for a split that is not
/// train, calibration, validation, test or all, and for a label in `exclude_labels` that no sample has.
std::vector<std::size_t> select_samples(const Dataset& dataset, const EvaluateOptions& options);

/// Judges a split of a dataset with the engine. Masks come to map size by nearest neighbour (pixel centres); outside
/// the package's region of interest they are 0. Results stand in dataset order whatever the number of workers. Throws
/// InvalidArgument when the selection is empty or the package refuses an image (named), ContentError for a damaged
/// image or mask (named), Interrupted when `stop` is requested.
Judgement judge_dataset(const Engine& engine, const Dataset& dataset, const EvaluateOptions& options,
                        std::stop_token stop, ProgressSink& progress);

/// Everything of architecture section 6 as JSON text: image, pixel, per_type, confusion, threshold, timing. Metrics
/// that the labels do not allow are null with a `why`. Samples labelled `unknown` are judged but not counted; images
/// whose verdict is `error` are counted apart and enter no ranking. Pixel metrics use raw maps at model size; images
/// whose defect has no mask are left out of them and counted. n_good and n_defect are numbers of images, also for pixel
/// metrics, because images are what was sampled. Intervals are two-sided 95 %: DeLong for image AUROC, Clopper-Pearson
/// for rates, percentile bootstrap over images (stratified by class, 500 draws, fixed seed) for the rest. `groups` and
/// `contexts` hold overkill by group and by those context.* columns that name conditions: at most 20 values, no
/// fractions.
std::string metrics_json(const Judgement& judgement, const Package& package);

/// file, label, score, p_value, decision, type, difficulty, ood_score; one row per image, RFC 4180.
std::string scores_csv(const Judgement& judgement);

}  // namespace oddity
