#include "data/dataset.h"

#include <filesystem>
#include <map>
#include <utility>

#include <fmt/core.h>

#include "core/error.h"
#include "data/decode.h"
#include "data/folder_dataset.h"
#include "data/idx_dataset.h"
#include "data/pack.h"
#include "data/synthetic_line.h"

namespace oddity {

std::unique_ptr<Dataset> open_dataset(const std::string& where) {
  namespace fs = std::filesystem;
  if (is_synthetic(where)) {
    return open_synthetic(where);
  }
  const fs::path path(where);
  std::error_code error;
  if (where.empty() || !fs::exists(path, error)) {
    fail<PathError>(
        "[data.open_dataset] '{}' does not exist; expected a folder, an idx file, a .h5 pack, an image, or "
        "synthetic:line",
        where);
  }
  if (fs::is_directory(path)) {
    return std::make_unique<FolderDataset>(path);
  }
  if (path.extension() == ".h5") {
    return std::make_unique<PackDataset>(path);
  }
  if (is_idx_name(path)) {
    return std::make_unique<IdxDataset>(path);
  }
  if (has_image_extension(path)) {
    return FolderDataset::of_file(path);
  }
  fail<ContentError>(
      "[data.open_dataset] '{}' is of no known kind; expected a folder, an idx file (its name holds "
      "-idx3), a .h5 pack or an image",
      where);
}

std::string description_of(const Dataset& dataset) {
  std::map<Split, std::map<std::string, std::size_t>> counts;
  for (const Sample& sample : dataset.samples()) {
    ++counts[sample.split][sample.label];
  }
  std::string text = dataset.layout();
  text += text.empty() ? "" : ": ";
  bool first = true;
  for (const auto& [split, labels] : counts) {
    text += fmt::format("{}{}: ", std::exchange(first, false) ? "" : "; ", name_of(split));
    std::string list;
    for (const auto& [label, count] : labels) {
      list += fmt::format("{}{} {}", list.empty() ? "" : ", ", count, label);
    }
    text += list;
  }
  return text;
}

}  // namespace oddity
