#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "core/progress.h"
#include "data/dataset.h"

namespace oddity {

/// Size, channels and depth of an image.
struct ImageKind {
  int height = 0, width = 0, channels = 0;
  Depth depth = Depth::u8;
  auto operator<=>(const ImageKind&) const = default;
};

/// What is wrong with a dataset. An error makes training or its numbers wrong; a warning is to be known.
struct DatasetProblem {
  bool error = false;
  std::string text;  ///< one sentence that names the files
};

/// `oddity data check`: every image and mask is read once.
struct DatasetCheck {
  std::string name, layout;  ///< as the dataset says them
  std::size_t images = 0;
  std::map<std::pair<Split, std::string>, std::size_t> labels;  ///< images by split and label
  std::map<std::string, std::map<Split, std::size_t>> groups;   ///< images by group (named ones) and split
  std::map<ImageKind, std::size_t> kinds;                       ///< of the readable images
  std::size_t masked = 0;                                       ///< defective images that have a mask with pixels
  std::vector<DatasetProblem> problems;                         ///< errors first
  bool ok() const;                                              ///< no errors
};

/// Looks for: files that cannot be read; masks that cannot be read or have another size; masks without a pixel; defects
/// without a mask; equal pixels (by SHA-256) in two splits or under two labels (errors) or twice in one split
/// (warning); groups in train and test (warning); fewer than 16 good training images; no defects in test; images of
/// several depths or channel counts. Of each kind the first 10 files are named, the rest counted.
DatasetCheck check_dataset(const Dataset& dataset, ProgressSink& progress = silent_progress());

/// For people: counts, then problems, then one line that says whether it can be used.
std::string to_text(const DatasetCheck& check);

}  // namespace oddity
