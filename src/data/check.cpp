#include "data/check.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <set>
#include <span>

#include "core/digest.h"
#include "core/error.h"
#include "core/plural.h"

namespace oddity {
namespace {

constexpr std::size_t named_files = 10;
constexpr std::size_t min_good = 16;

const char* depth_name(Depth depth) { return depth == Depth::u8 ? "8 bit" : "16 bit"; }

/// "a, b and 3 more"
std::string listed(const std::vector<std::string>& files) {
  const std::size_t shown = std::min(files.size(), named_files);
  std::string text =
      fmt::format("{}", fmt::join(files.begin(), files.begin() + static_cast<std::ptrdiff_t>(shown), ", "));
  return files.size() > shown ? fmt::format("{} and {} more", text, files.size() - shown) : text;
}

std::string digest_of(const Image& image) {
  Sha256 digest;
  const std::string head =
      fmt::format("{}x{}x{}:{}:", image.height, image.width, image.channels, bytes_of(image.depth));
  digest.update(std::as_bytes(std::span(head)));
  digest.update(image.pixels);
  return digest.finish_hex();
}

class Checker {
public:
  explicit Checker(const Dataset& dataset) : dataset_(dataset), samples_(dataset.samples()) {}

  DatasetCheck run(ProgressSink& progress) {
    check_.name = dataset_.name();
    check_.layout = dataset_.layout();
    check_.images = samples_.size();
    progress.begin("checking", static_cast<std::int64_t>(samples_.size()));
    for (std::size_t i = 0; i < samples_.size(); ++i) {
      look_at(i);
      progress.advance(static_cast<std::int64_t>(i) + 1);
    }
    progress.end();
    report();
    std::stable_sort(check_.problems.begin(), check_.problems.end(),
                     [](const DatasetProblem& a, const DatasetProblem& b) { return a.error && !b.error; });
    return std::move(check_);
  }

private:
  void look_at(std::size_t i) {
    const Sample& sample = samples_[i];
    ++check_.labels[{sample.split, sample.label}];
    if (!sample.group.empty()) {
      ++check_.groups[sample.group][sample.split];
    }
    try {
      const Image image = dataset_.image(i);
      ++check_.kinds[{image.height, image.width, image.channels, image.depth}];
      by_digest_[digest_of(image)].push_back(i);
    } catch (const Error& error) {
      unreadable_.push_back(error.what());
      return;
    }
    if (sample.good() || !sample.labelled()) {
      return;
    }
    if (!dataset_.has_mask(i)) {
      unmasked_.push_back(sample.file);
      return;
    }
    try {
      const Image mask = dataset_.mask(i);
      const bool any =
          std::any_of(mask.pixels.begin(), mask.pixels.end(), [](std::byte value) { return value != std::byte{0}; });
      if (any) {
        ++check_.masked;
      } else {
        empty_masks_.push_back(sample.file);
      }
    } catch (const Error& error) {
      bad_masks_.push_back(error.what());
    }
  }

  void add(bool error, std::string text) { check_.problems.push_back({error, std::move(text)}); }
  void add_files(bool error, const char* what, const std::vector<std::string>& files) {
    if (!files.empty()) {
      add(error, fmt::format("{} ({}): {}", what, files.size(), listed(files)));
    }
  }

  void report() {
    add_files(true, "images that cannot be read", unreadable_);
    add_files(true, "masks that cannot be used", bad_masks_);
    add_files(true, "defective images whose mask has no pixel", empty_masks_);
    add_files(false, "defective images without a mask", unmasked_);
    report_duplicates();
    report_groups();
    report_counts();
  }

  void report_duplicates() {
    std::vector<std::string> across, labelled_twice, within;
    for (const auto& [digest, members] : by_digest_) {
      if (members.size() < 2) {
        continue;
      }
      std::set<Split> splits;
      std::set<std::string> labels;
      std::vector<std::string> files;
      for (const std::size_t i : members) {
        splits.insert(samples_[i].split);
        labels.insert(samples_[i].label);
        files.push_back(samples_[i].file);
      }
      auto& kind = splits.size() > 1 ? across : labels.size() > 1 ? labelled_twice : within;
      kind.push_back(fmt::format("{}", fmt::join(files, " = ")));
    }
    add_files(true, "equal images in several splits", across);
    add_files(true, "equal images under several labels", labelled_twice);
    add_files(false, "equal images within a split", within);
  }

  void report_groups() {
    std::vector<std::string> spanning;
    for (const auto& [group, splits] : check_.groups) {
      if (splits.count(Split::train) != 0 && splits.count(Split::test) != 0) {
        spanning.push_back(group);
      }
    }
    add_files(false, "groups both in train and test (data.calibration_unit: group will refuse them)", spanning);
  }

  void report_counts() {
    const auto good = check_.labels.find({Split::train, "good"});
    const std::size_t count = good == check_.labels.end() ? 0 : good->second;
    if (count < min_good) {
      add(true, fmt::format("too few good training images: got {}, expected at least {}: put photographs of good parts "
                            "into FOLDER/train/good",
                            count, min_good));
    }
    const bool defects = std::any_of(check_.labels.begin(), check_.labels.end(), [](const auto& entry) {
      return entry.first.first == Split::test && entry.first.second != "good" && entry.first.second != "unknown";
    });
    if (!defects) {
      add(false, "no defective image in test: detection cannot be measured");
    }
    std::set<int> channels;
    std::set<Depth> depths;
    for (const auto& [kind, number] : check_.kinds) {
      channels.insert(kind.channels);
      depths.insert(kind.depth);
    }
    if (channels.size() > 1) {
      add(false, fmt::format("images of several channel counts: {}", fmt::join(channels, ", ")));
    }
    if (depths.size() > 1) {
      add(false, "images of 8 and of 16 bit");
    }
  }

  const Dataset& dataset_;
  const std::vector<Sample>& samples_;
  DatasetCheck check_;
  std::map<std::string, std::vector<std::size_t>> by_digest_;
  std::vector<std::string> unreadable_, bad_masks_, empty_masks_, unmasked_;
};

}  // namespace

bool DatasetCheck::ok() const {
  return std::none_of(problems.begin(), problems.end(), [](const DatasetProblem& problem) { return problem.error; });
}

DatasetCheck check_dataset(const Dataset& dataset, ProgressSink& progress) { return Checker(dataset).run(progress); }

std::string to_text(const DatasetCheck& check) {
  std::string text = fmt::format("{}: {}{}\n", check.name, counted(check.images, "image"),
                                 check.layout.empty() ? "" : ", read as " + check.layout);
  for (const auto& [key, count] : check.labels) {
    text += fmt::format("  {:<12} {:<24} {:>7}\n", name_of(key.first), key.second, count);
  }
  for (const auto& [kind, count] : check.kinds) {
    text += fmt::format("  {}x{} px, {} channel{}, {}: {}\n", kind.height, kind.width, kind.channels,
                        kind.channels == 1 ? "" : "s", depth_name(kind.depth), count);
  }
  text += fmt::format("  {}, {} with mask\n", counted(check.groups.size(), "group"),
                      counted(check.masked, "defective image"));
  for (const DatasetProblem& problem : check.problems) {
    text += fmt::format("{}: {}\n", problem.error ? "error" : "warning", problem.text);
  }
  const auto errors = std::count_if(check.problems.begin(), check.problems.end(),
                                    [](const DatasetProblem& problem) { return problem.error; });
  text +=
      errors == 0 ? "usable\n" : fmt::format("not usable: {}\n", counted(static_cast<std::size_t>(errors), "error"));
  return text;
}

}  // namespace oddity
