#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "data/dataset.h"

namespace oddity {

/// Images in a folder. Three layouts, told apart by what is there; the order is that of the file paths, byte by byte.
///
/// - `index.csv` at the root leads when it exists: columns file, split (train, calibration, validation, test), label,
///   and if present mask, group; every further column is kept under its name. A defect without a `mask` column in the
///   index is looked up as below.
/// - MVTec layout: `<split>/<label>/<name>.png` with the splits train and test (calibration and validation too when
///   present), masks in `ground_truth/<label>/<name>_mask.png`.
/// - class folders `<label>/<name>.png`: a folder named good or ok (any case) holds the good ones, of which every fifth
///   is test and the others train; all other labels, and everything when no folder is good, are test.
/// - images directly inside: unlabelled (label `unknown`), split test; the masks unknown.
///
/// A folder named like a split whose parent holds another one (parts/train beside parts/test) is read as it is, with a
/// warning that the parent may be meant; so are images that index.csv does not list, with a warning that counts them.
///
/// A file is an image when its extension is one of decode.h; hidden files are skipped. A mask counts a pixel as
/// defective when any of its colour channels is not 0.
class FolderDataset final : public Dataset {
public:
  /// Throws PathError when `root` is no folder; ContentError when it holds no images, mixes layouts, has `train`
  /// without `train/good`, or when index.csv is wrong (message with its line) or names files that are missing.
  explicit FolderDataset(const std::filesystem::path& root);
  /// One image file as an unlabelled dataset.
  static std::unique_ptr<FolderDataset> of_file(const std::filesystem::path& file);

  std::string name() const override { return root_.string(); }
  std::string layout() const override { return layout_; }
  const std::vector<Sample>& samples() const override { return samples_; }
  Image image(std::size_t index) const override;
  Image mask(std::size_t index) const override;
  bool has_mask(std::size_t index) const override;

private:
  FolderDataset() = default;
  std::filesystem::path root_;
  std::string layout_;
  std::vector<Sample> samples_;
};

}  // namespace oddity
