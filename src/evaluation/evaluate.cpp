#include "evaluation/evaluate.h"

#include <cmath>
#include <exception>
#include <set>

#include <fmt/core.h>

#include "core/error.h"
#include "data/csv.h"
#include "evaluation/judge_in_order.h"
#include "image/region_of_interest.h"
#include "image/resize.h"

namespace oddity {
namespace {

/// What lies outside the region of interest is nobody's defect: the engine does not look there.
void clear_outside(Image& mask, const RegionOfInterest& region) {
  if (region.polygons.empty()) {
    return;
  }
  const Image inside = rasterise(region.polygons, mask.height, mask.width);
  for (std::size_t i = 0; i < mask.pixels.size(); ++i) {
    mask.pixels[i] &= inside.pixels[i];
  }
}

JudgedImage judge_one(Engine::Worker& worker, const Dataset& dataset, std::size_t index,
                      const RegionOfInterest& region) {
  JudgedImage judged;
  judged.sample = dataset.samples()[index];
  judged.index = index;
  const Image image = dataset.image(index);
  try {
    judged.verdict = worker.judge(image.view());
  } catch (const InvalidArgument& error) {
    fail<InvalidArgument>("{}: {}", judged.sample.file, error.what());
  }
  // Only a few images are shown; their evidence is computed again then.
  judged.verdict.input = {};
  judged.verdict.repaired = {};
  judged.verdict.repaired_channels = 0;
  const Plane& map = judged.verdict.map;
  if (map.height > 0 && judged.sample.labelled() && dataset.has_mask(index)) {
    if (judged.sample.good()) {
      judged.mask = Image(map.height, map.width, 1, Depth::u8);
    } else {
      const Image mask = dataset.mask(index);
      judged.mask = resize_nearest(mask.view(), map.height, map.width);
      clear_outside(judged.mask, region);
    }
  }
  return judged;
}

std::string csv_number(double value) { return std::isfinite(value) ? fmt::format("{}", value) : std::string(); }
std::string csv_number(const std::optional<double>& value) { return value ? csv_number(*value) : std::string(); }

}  // namespace

std::vector<std::size_t> select_samples(const Dataset& dataset, const EvaluateOptions& options) {
  const bool all = options.split == "all";
  bool known = all;
  for (const Split split : {Split::train, Split::calibration, Split::validation, Split::test}) {
    known = known || options.split == name_of(split);
  }
  if (!known) {
    fail<InvalidArgument>(
        "[evaluation.select_samples] unknown split; got '{}'; expected train, calibration, validation, test or all",
        options.split);
  }
  const std::set<std::string> excluded(options.exclude_labels.begin(), options.exclude_labels.end());
  std::set<std::string> unseen = excluded;
  std::vector<std::size_t> selected;
  const auto& samples = dataset.samples();
  for (std::size_t i = 0; i < samples.size(); ++i) {
    unseen.erase(samples[i].label);
    if ((all || options.split == name_of(samples[i].split)) && !excluded.contains(samples[i].label)) {
      selected.push_back(i);
    }
  }
  if (!unseen.empty()) {
    std::set<std::string> labels;
    for (const Sample& sample : samples) {
      labels.insert(sample.label);
    }
    std::string list;
    for (const std::string& label : labels) {
      list += list.empty() ? "" : ", ";
      list += label;
    }
    fail<InvalidArgument>("[evaluation.select_samples] no sample has the excluded label; got '{}'; expected one of {}",
                          *unseen.begin(), list);
  }
  return selected;
}

Judgement judge_dataset(const Engine& engine, const Dataset& dataset, const EvaluateOptions& options,
                        std::stop_token stop, ProgressSink& progress) {
  const std::vector<std::size_t> selected = select_samples(dataset, options);
  if (selected.empty()) {
    fail<InvalidArgument>(
        "[evaluation.judge_dataset] nothing to judge; got 0 images of split '{}' in {} ({} images in all); expected at "
        "least 1",
        options.split, dataset.name(), dataset.samples().size());
  }
  Judgement judgement;
  judgement.images.resize(selected.size());
  judgement.milliseconds.resize(selected.size());

  progress.begin("judging", static_cast<std::int64_t>(selected.size()));
  const auto judge = [&](Engine::Worker& worker, std::size_t i) {
    judgement.images[i] = judge_one(worker, dataset, selected[i], engine.package().region);
    judgement.milliseconds[i] = judgement.images[i].verdict.milliseconds;
  };
  const auto ready = [&](std::size_t i, std::exception_ptr error) {
    if (error) {
      std::rethrow_exception(error);
    }
    progress.advance(static_cast<std::int64_t>(i + 1));
  };
  const std::size_t done = judge_in_order(engine, selected.size(), options.workers, judge, ready, stop);
  progress.end();
  if (done < selected.size()) {
    fail<Interrupted>("[evaluation.judge_dataset] stopped on request; got {} of {} images judged", done,
                      selected.size());
  }
  return judgement;
}

std::string scores_csv(const Judgement& judgement) {
  std::string out = "file,label,score,p_value,decision,type,difficulty,ood_score\r\n";
  for (const JudgedImage& image : judgement.images) {
    const Verdict& verdict = image.verdict;
    out += fmt::format("{},{},{},{},{},{},{},{}\r\n", csv_cell(image.sample.file), csv_cell(image.sample.label),
                       csv_number(verdict.score), csv_number(verdict.p_value), name_of(verdict.decision),
                       csv_cell(verdict.defect_type.value_or("")), csv_number(verdict.difficulty),
                       csv_number(verdict.ood_score));
  }
  return out;
}

}  // namespace oddity
