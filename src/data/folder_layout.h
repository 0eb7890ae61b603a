#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "data/sample.h"

namespace oddity {

/// What a folder without index.csv holds.
struct FolderScan {
  std::vector<Sample> samples;  ///< sorted by file
  std::string layout;           ///< for people: which of the layouts that folder_dataset.h describes
};
FolderScan scan_folder(const std::filesystem::path& root);
/// The samples that `<root>/index.csv` lists, in the order of their files.
std::vector<Sample> read_index(const std::filesystem::path& root);

/// `ground_truth/<split>/<label>/<name>_mask.png` or `ground_truth/<label>/<name>_mask.png`, the first that exists
/// (also with another image extension), else "".
std::string find_mask(const std::filesystem::path& root, Split split, const std::string& label,
                      const std::filesystem::path& file);

}  // namespace oddity
