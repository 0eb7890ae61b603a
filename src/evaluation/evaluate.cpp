#include "evaluation/evaluate.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <exception>
#include <mutex>
#include <set>
#include <thread>

#include <fmt/core.h>

#include "core/error.h"

namespace oddity {
namespace {

/// The error with the smallest index wins: indices are handed out in order, so it does not depend on thread timing.
class FirstError {
public:
  void note(std::size_t index, std::exception_ptr error) {
    const std::lock_guard lock(mutex_);
    if (!error_ || index < index_) {
      error_ = std::move(error);
      index_ = index;
    }
    raised_.store(true, std::memory_order_relaxed);
  }
  bool raised() const { return raised_.load(std::memory_order_relaxed); }
  void rethrow() const {
    if (error_) {
      std::rethrow_exception(error_);
    }
  }

private:
  std::mutex mutex_;
  std::exception_ptr error_;
  std::size_t index_ = 0;
  std::atomic<bool> raised_{false};
};

JudgedImage judge_one(Engine::Worker& worker, const Dataset& dataset, std::size_t index) {
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
      judged.mask = mask_at_map_size(mask.view(), map.height, map.width);
    }
  }
  return judged;
}

std::string csv_field(const std::string& text) {
  if (text.find_first_of(",\"\r\n") == std::string::npos) {
    return text;
  }
  std::string quoted = "\"";
  for (const char c : text) {
    quoted += c;
    if (c == '"') {
      quoted += '"';
    }
  }
  return quoted + '"';
}

std::string csv_number(double value) { return std::isfinite(value) ? fmt::format("{}", value) : std::string(); }
std::string csv_number(const std::optional<double>& value) { return value ? csv_number(*value) : std::string(); }

}  // namespace

Image mask_at_map_size(const ImageView& mask, int height, int width) {
  if (mask.data == nullptr || mask.channels != 1 || mask.depth != Depth::u8) {
    fail<InvalidArgument>(
        "[evaluation.mask_at_map_size] a mask has 1 channel of 8 bit; got {} channels of {} bit; expected "
        "what Dataset::mask gives",
        mask.channels, 8 * bytes_of(mask.depth));
  }
  Image out(height, width, 1, Depth::u8);
  for (int y = 0; y < height; ++y) {
    // Integer arithmetic for floor((y + 0.5) * mask.height / height).
    const auto from_y = (2 * std::int64_t{y} + 1) * mask.height / (2 * std::int64_t{height});
    const auto* row = reinterpret_cast<const std::uint8_t*>(mask.data + from_y * mask.stride);
    for (int x = 0; x < width; ++x) {
      const auto from_x = (2 * std::int64_t{x} + 1) * mask.width / (2 * std::int64_t{width});
      out.u8()[static_cast<std::size_t>(y) * static_cast<std::size_t>(width) + static_cast<std::size_t>(x)] =
          row[from_x] != 0 ? 255 : 0;
    }
  }
  return out;
}

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
      list += (list.empty() ? "" : ", ") + label;
    }
    fail<InvalidArgument>("[evaluation.select_samples] no sample has the excluded label; got '{}'; expected one of {}",
                          *unseen.begin(), list);
  }
  return selected;
}

Judgement judge_dataset(const Engine& engine, const Dataset& dataset, const EvaluateOptions& options,
                        std::stop_token stop, ProgressSink& progress) {
  if (options.workers < 1 || options.workers > 1024) {
    fail<InvalidArgument>("[evaluation.judge_dataset] workers out of range; got {}; expected 1 to 1024",
                          options.workers);
  }
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

  std::atomic<std::size_t> next{0};
  std::atomic<std::size_t> done{0};
  FirstError error;
  progress.begin("judging", static_cast<std::int64_t>(selected.size()));
  const auto work = [&](bool reports) {
    try {
      const auto worker = engine.make_worker();
      while (!error.raised() && !stop.stop_requested()) {
        const std::size_t i = next.fetch_add(1);
        if (i >= selected.size()) {
          break;
        }
        try {
          judgement.images[i] = judge_one(*worker, dataset, selected[i]);
          judgement.milliseconds[i] = judgement.images[i].verdict.milliseconds;
        } catch (...) {
          error.note(i, std::current_exception());
        }
        const std::size_t so_far = done.fetch_add(1) + 1;
        if (reports) {  // sinks are called from the caller's thread only
          progress.advance(static_cast<std::int64_t>(so_far));
        }
      }
    } catch (...) {
      error.note(0, std::current_exception());
    }
  };
  {
    std::vector<std::jthread> helpers;
    const auto workers = std::min<std::size_t>(static_cast<std::size_t>(options.workers), selected.size());
    for (std::size_t w = 1; w < workers; ++w) {
      helpers.emplace_back(work, false);
    }
    work(true);
  }
  progress.advance(static_cast<std::int64_t>(done.load()));
  progress.end();
  error.rethrow();
  if (done.load() < selected.size()) {
    fail<Interrupted>("[evaluation.judge_dataset] stopped on request; got {} of {} images judged", done.load(),
                      selected.size());
  }
  return judgement;
}

std::string scores_csv(const Judgement& judgement) {
  std::string out = "file,label,score,p_value,decision,type,difficulty,ood_score\r\n";
  for (const JudgedImage& image : judgement.images) {
    const Verdict& verdict = image.verdict;
    out += fmt::format("{},{},{},{},{},{},{},{}\r\n", csv_field(image.sample.file), csv_field(image.sample.label),
                       csv_number(verdict.score), csv_number(verdict.p_value), name_of(verdict.decision),
                       csv_field(verdict.defect_type.value_or("")), csv_number(verdict.difficulty),
                       csv_number(verdict.ood_score));
  }
  return out;
}

}  // namespace oddity
