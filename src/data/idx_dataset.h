#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "data/dataset.h"

namespace oddity {

/// An idx pair as MNIST has it, plain or gzip: an image file (unsigned bytes, big-endian sizes: magic 0x0803 with
/// [n, height, width], or 0x0804 with [n, height, width, channels]) and beside it its labels (magic 0x0801, [n]), found
/// by replacing `images` by `labels` and `idx3` or `idx4` by `idx1` in the file name.
///
/// Labels are the class numbers as text ("0", "7"); without a label file they are `unknown`. No class is good by
/// itself. Split: train when the file name starts with `train`, else test. Sample files are `<file name>#<index>`.
/// The pixels stay in memory.
class IdxDataset final : public Dataset {
public:
  /// Throws PathError (missing) or ContentError: another magic number, sizes that disagree with the length of the file
  /// or with the labels, more than 4 GiB.
  explicit IdxDataset(const std::filesystem::path& images);

  std::string name() const override { return file_.string(); }
  const std::vector<Sample>& samples() const override { return samples_; }
  Image image(std::size_t index) const override;
  Image mask(std::size_t index) const override;  ///< no sample has one: throws ContentError
  bool has_mask(std::size_t index) const override;

private:
  std::filesystem::path file_;
  std::vector<Sample> samples_;
  std::vector<std::byte> bytes_;
  std::size_t pixels_at_ = 0, image_bytes_ = 0;
  int height_ = 0, width_ = 0, channels_ = 1;
};

/// Whether the name looks like an idx file: `-idx` or `.idx` and a digit in it.
bool is_idx_name(const std::filesystem::path& file);

}  // namespace oddity
