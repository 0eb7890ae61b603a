#include "data/folder_layout.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <set>

#include "core/error.h"
#include "core/files.h"
#include "core/log.h"
#include "core/plural.h"
#include "data/csv.h"
#include "data/decode.h"

namespace oddity {
namespace fs = std::filesystem;
namespace {

constexpr std::uint64_t max_index_bytes = std::uint64_t{256} << 20;
constexpr std::array<Split, 4> all_splits = {Split::train, Split::calibration, Split::validation, Split::test};

bool hidden(const fs::path& path) { return path.filename().string().starts_with('.'); }

std::vector<std::string> names_in(const fs::path& folder, bool folders) {
  std::vector<std::string> names;
  std::error_code error;
  fs::directory_iterator entries(folder, error);
  if (error) {
    fail<IoError>("[data.folder] cannot list {}: {}", folder.string(), error.message());
  }
  for (const fs::directory_entry& entry : entries) {
    if (hidden(entry.path())) {
      continue;
    }
    if (folders ? entry.is_directory() : entry.is_regular_file() && has_image_extension(entry.path())) {
      names.push_back(entry.path().filename().string());
    }
  }
  std::sort(names.begin(), names.end());
  return names;
}

std::vector<std::string> folders_in(const fs::path& folder) { return names_in(folder, true); }
std::vector<std::string> images_in(const fs::path& folder) { return names_in(folder, false); }

std::optional<Split> split_named(const std::string& name) {
  const auto* found =
      std::find_if(all_splits.begin(), all_splits.end(), [&](Split split) { return name == name_of(split); });
  return found == all_splits.end() ? std::nullopt : std::optional<Split>(*found);
}

Sample sample_of(std::string file, Split split, std::string label) {
  Sample sample;
  sample.file = std::move(file);
  sample.split = split;
  sample.label = std::move(label);
  return sample;
}

void sort_by_file(std::vector<Sample>& samples) {
  std::sort(samples.begin(), samples.end(), [](const Sample& a, const Sample& b) { return a.file < b.file; });
}

bool means_good(std::string label) {
  std::transform(label.begin(), label.end(), label.begin(),
                 [](unsigned char c) { return c < 128 ? static_cast<char>(std::tolower(c)) : static_cast<char>(c); });
  return label == "good" || label == "ok";
}

/// Two images whose names differ in their folders only would share the mask of one of them.
void refuse_shared_masks(const std::vector<Sample>& samples) {
  std::map<std::string, std::string> owner;
  for (const Sample& sample : samples) {
    if (sample.mask.empty()) {
      continue;
    }
    const auto [entry, inserted] = owner.emplace(sample.mask, sample.file);
    if (!inserted) {
      fail<ContentError>(
          "[data.folder] the mask {} would belong to {} and to {}; expected one for each: name them in a column `mask` "
          "of index.csv, or put them under ground_truth/<split>/<label>",
          sample.mask, entry->second, sample.file);
    }
  }
}

std::vector<Sample> scan_splits(const fs::path& root) {
  std::vector<Sample> samples;
  for (const Split split : all_splits) {
    const fs::path folder = root / name_of(split);
    if (!fs::is_directory(folder)) {
      continue;
    }
    const std::vector<std::string> labels = folders_in(folder);
    if (const std::vector<std::string> loose = images_in(folder); !loose.empty()) {
      fail<ContentError>(
          "[data.folder] {} in {} itself ({}, for one); expected a folder for each label: move what is good to {}/good",
          counted(loose.size(), "image"), folder.string(), loose.front(), name_of(split));
    }
    if (split == Split::train && (!fs::is_directory(folder / "good") || images_in(folder / "good").empty())) {
      const auto other = std::find_if(labels.begin(), labels.end(), means_good);
      fail<ContentError>("[data.folder] {} has no images in train/good; got the folders [{}] in train; {}",
                         root.string(), fmt::join(labels, ", "),
                         other != labels.end() && *other != "good"
                             ? fmt::format("rename train/{} to train/good", *other)
                             : "put photographs of good parts into train/good");
    }
    for (const std::string& label : labels) {
      for (const std::string& name : images_in(folder / label)) {
        Sample sample = sample_of(std::string(name_of(split)) + "/" + label + "/" + name, split,
                                  means_good(label) ? "good" : label);
        if (!sample.good()) {
          sample.mask = find_mask(root, split, label, name);
        }
        samples.push_back(std::move(sample));
      }
    }
  }
  refuse_shared_masks(samples);
  if (samples.empty()) {
    fail<ContentError>("[data.folder] {} holds no images; expected train/good/*.png and test/<label>/*.png",
                       root.string());
  }
  return samples;
}

std::vector<Sample> scan_classes(const fs::path& root, const std::vector<std::string>& classes) {
  constexpr std::size_t every = 5;
  std::vector<Sample> samples;
  for (const std::string& label : classes) {
    const bool good = means_good(label);
    const std::vector<std::string> names = images_in(root / label);
    for (std::size_t i = 0; i < names.size(); ++i) {
      const bool trains = good && (i + 1) % every != 0;
      samples.push_back(
          sample_of(label + "/" + names[i], trains ? Split::train : Split::test, good ? std::string("good") : label));
    }
  }
  return samples;
}

/// One row of index.csv, checked.
class IndexReader {
public:
  explicit IndexReader(const fs::path& root)
      : root_(root),
        name_((root / "index.csv").string()),
        table_(parse_csv(read_text_file(root / "index.csv", max_index_bytes), name_)) {
    for (const char* needed : {"file", "split", "label"}) {
      if (table_.column(needed) < 0) {
        fail<ContentError>("[data.index] {}:1: column '{}' is missing; got [{}]", name_, needed,
                           fmt::join(table_.header, ", "));
      }
    }
  }

  std::vector<Sample> read() const {
    std::vector<Sample> samples;
    std::set<std::string> seen;
    for (const CsvRow& row : table_.rows) {
      samples.push_back(read(row));
      if (!seen.insert(samples.back().file).second) {
        complain(row, "file '" + samples.back().file + "' appears twice");
      }
    }
    if (table_.column("mask") < 0) {
      refuse_shared_masks(samples);
    }
    if (samples.empty()) {
      fail<ContentError>("[data.index] {}:1: no rows after the header; expected one for each image", name_);
    }
    return samples;
  }

private:
  [[noreturn]] void complain(const CsvRow& row, const std::string& what) const {
    fail<ContentError>("[data.index] {}:{}: {}", name_, row.line, what);
  }

  /// A path inside the dataset that exists, as written.
  std::string checked_path(const CsvRow& row, const std::string& path, const char* column) const {
    const fs::path relative(path);
    const bool climbs = std::find(relative.begin(), relative.end(), "..") != relative.end();
    if (path.empty() || relative.is_absolute() || climbs) {
      complain(row, fmt::format("column {}: got '{}'; expected a path inside the dataset", column, path));
    }
    if (!fs::is_regular_file(root_ / relative)) {
      complain(row, fmt::format("column {}: '{}' does not exist; put it back, or mend or delete this line (without "
                                "index.csv the folders alone count)",
                                column, path));
    }
    return path;
  }

  Sample read(const CsvRow& row) const {
    Sample sample;
    bool mask_listed = false;
    for (std::size_t c = 0; c < table_.header.size(); ++c) {
      const std::string& column = table_.header[c];
      const std::string& cell = row.cells[c];
      if (column == "file") {
        sample.file = checked_path(row, cell, "file");
      } else if (column == "split") {
        const auto split = split_named(cell);
        if (!split) {
          complain(row, fmt::format("column split: got '{}'; expected train, calibration, validation or test", cell));
        }
        sample.split = *split;
      } else if (column == "label") {
        if (cell.empty()) {
          complain(row, "column label is empty; expected good, a defect type, or unknown");
        }
        sample.label = cell;
      } else if (column == "mask") {
        mask_listed = true;
        sample.mask = cell.empty() ? cell : checked_path(row, cell, "mask");
      } else if (column == "group") {
        sample.group = cell;
      } else {
        sample.columns.emplace(column, cell);
      }
    }
    if (!mask_listed && !sample.good()) {
      sample.mask = find_mask(root_, sample.split, sample.label, sample.file);
    }
    return sample;
  }

  fs::path root_;
  std::string name_;
  CsvTable table_;
};

/// Images below `root` that index.csv leaves out are said: they may have been put there after it was written.
void warn_of_unlisted(const fs::path& root, const std::vector<Sample>& samples) {
  std::set<std::string> listed;
  for (const Sample& sample : samples) {
    listed.insert({sample.file, sample.mask});
  }
  std::size_t unlisted = 0;
  std::string example;
  std::error_code error;
  for (fs::recursive_directory_iterator entry(root, error), end; !error && entry != end; entry.increment(error)) {
    const std::string file = entry->path().lexically_relative(root).generic_string();
    if (hidden(entry->path()) || file == "ground_truth") {
      entry.disable_recursion_pending();
    } else if (has_image_extension(file) && !listed.contains(file) && entry->is_regular_file(error)) {
      example = unlisted++ == 0 || file < example ? file : example;
    }
  }
  if (unlisted > 0) {
    log_warning(
        "{} in {} {} not in its index.csv and {} not used: {}{}; add a line for each, or delete index.csv so "
        "that the folders count",
        counted(unlisted, "image file"), root.string(), unlisted == 1 ? "is" : "are", unlisted == 1 ? "is" : "are",
        example, unlisted == 1 ? "" : " is the first");
  }
}

/// `parts/train` given where `parts` was meant would be read as class folders, without the other splits.
void warn_of_split_folder(const fs::path& root) {
  std::error_code error;
  fs::path whole = fs::weakly_canonical(root, error);
  if (error || !split_named(whole.filename().string())) {
    return;
  }
  for (const Split other : all_splits) {
    if (name_of(other) != whole.filename() && fs::is_directory(whole.parent_path() / name_of(other), error)) {
      log_warning("{} is read alone, although {} lies beside it: give {} to read all splits", root.string(),
                  name_of(other), whole.parent_path().string());
      return;
    }
  }
}

}  // namespace

std::string find_mask(const fs::path& root, Split split, const std::string& label, const fs::path& file) {
  for (const fs::path& folder : {fs::path("ground_truth") / name_of(split) / label, fs::path("ground_truth") / label}) {
    for (const char* extension : {".png", ".bmp", ".tif", ".tiff"}) {
      const fs::path mask = folder / (file.stem().string() + "_mask" + extension);
      if (fs::is_regular_file(root / mask)) {
        return mask.generic_string();
      }
    }
  }
  return {};
}

std::vector<Sample> read_index(const fs::path& root) {
  std::vector<Sample> samples = IndexReader(root).read();
  sort_by_file(samples);
  warn_of_unlisted(root, samples);
  return samples;
}

FolderScan scan_folder(const fs::path& root) {
  const std::vector<std::string> folders = folders_in(root);
  const std::vector<std::string> images = images_in(root);
  const auto has = [&](const char* name) { return std::binary_search(folders.begin(), folders.end(), name); };
  FolderScan scan;
  std::vector<Sample>& samples = scan.samples;
  if (has("train") || has("test")) {
    samples = scan_splits(root);
    scan.layout = "folders of splits and labels";
  } else {
    std::vector<std::string> classes;
    for (const std::string& folder : folders) {
      if (folder != "ground_truth" && !images_in(root / folder).empty()) {
        classes.push_back(folder);
      }
    }
    if (!classes.empty() && !images.empty()) {
      fail<ContentError>("[data.folder] {} has {} of its own and images in the folders [{}]; expected one or the other",
                         root.string(), counted(images.size(), "image"), fmt::join(classes, ", "));
    }
    if (!classes.empty()) {
      samples = scan_classes(root, classes);
      scan.layout =
          fmt::format("class folders without splits, {}", std::any_of(classes.begin(), classes.end(), means_good)
                                                              ? "of which every fifth good image is for test"
                                                              : "none of them named good or ok");
    } else {
      for (const std::string& name : images) {
        samples.push_back(sample_of(name, Split::test, "unknown"));
      }
      scan.layout = "images without labels";
    }
    warn_of_split_folder(root);
  }
  if (samples.empty()) {
    fail<ContentError>(
        "[data.folder] {} holds no images (.png .jpg .jpeg .tif .tiff .bmp); got the folders [{}]; expected train/good "
        "and test/<label>, one folder for each class, or images",
        root.string(), fmt::join(folders, ", "));
  }
  sort_by_file(samples);
  return scan;
}

}  // namespace oddity
