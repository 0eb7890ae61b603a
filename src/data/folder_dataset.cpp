#include "data/folder_dataset.h"

#include <algorithm>

#include "core/error.h"
#include "data/decode.h"
#include "data/folder_layout.h"
#include "data/mask.h"

namespace oddity {
namespace fs = std::filesystem;

FolderDataset::FolderDataset(const fs::path& root) : root_(root) {
  std::error_code error;
  if (!fs::is_directory(root, error)) {
    fail<PathError>("[data.folder] {} is not a folder; expected a dataset folder", root.string());
  }
  if (fs::exists(root / "index.csv")) {
    layout_ = "index.csv";
    samples_ = read_index(root);
    return;
  }
  FolderScan scan = scan_folder(root);
  layout_ = std::move(scan.layout);
  samples_ = std::move(scan.samples);
}

std::unique_ptr<FolderDataset> FolderDataset::of_file(const fs::path& file) {
  std::error_code error;
  if (!fs::is_regular_file(file, error)) {
    fail<PathError>("[data.folder] {} is not a file; expected an image file", file.string());
  }
  std::unique_ptr<FolderDataset> dataset(new FolderDataset);
  dataset->root_ = file.has_parent_path() ? file.parent_path() : fs::path(".");
  Sample sample;
  sample.file = file.filename().string();
  sample.split = Split::test;
  sample.label = "unknown";
  dataset->layout_ = "one image without a label";
  dataset->samples_ = {sample};
  return dataset;
}

Image FolderDataset::image(std::size_t index) const { return decode_image(root_ / samples_.at(index).file); }

bool FolderDataset::has_mask(std::size_t index) const {
  const Sample& sample = samples_.at(index);
  return sample.good() || !sample.mask.empty();
}

Image FolderDataset::mask(std::size_t index) const {
  const Sample& sample = samples_.at(index);
  const ImageSize size = image_size(root_ / sample.file);
  if (sample.good()) {
    return Image(size.height, size.width, 1, Depth::u8);
  }
  if (sample.mask.empty()) {
    fail<ContentError>("[data.folder] {} has label {} and no mask; ask has_mask first", (root_ / sample.file).string(),
                       sample.label);
  }
  const Image stored = decode_image(root_ / sample.mask);
  if (stored.height != size.height || stored.width != size.width) {
    fail<ContentError>(
        "[data.folder] mask {} is {}x{} (height x width) and its image {} is {}x{}; expected the same size",
        (root_ / sample.mask).string(), stored.height, stored.width, (root_ / sample.file).string(), size.height,
        size.width);
  }
  return binary_mask(stored.view());
}

}  // namespace oddity
