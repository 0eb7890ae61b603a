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
};

/// Judges a split of a dataset with the engine.
Judgement judge_dataset(const Engine& engine, const Dataset& dataset, const EvaluateOptions& options,
                        std::stop_token stop, ProgressSink& progress);

/// Everything of architecture section 6 as JSON text: image, pixel, per_type, confusion, threshold, timing. Metrics
/// that the labels do not allow are null with a `why`. Samples labelled `unknown` are judged but not counted.
std::string metrics_json(const Judgement& judgement, const Package& package);

/// file, label, score, p_value, decision, type, difficulty, ood_score; one row per image, RFC 4180.
std::string scores_csv(const Judgement& judgement);

}  // namespace oddity
