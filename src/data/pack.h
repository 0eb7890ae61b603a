#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "core/progress.h"
#include "data/dataset.h"

/// A dataset as one HDF5 file: decoded once, read at random without a decoder and without HDF5's lock. Written once,
/// named after its SHA-256, read-only. Equal content gives an equal file.
///
///     attributes            oddity_format = "pack", format_version = 1
///     /pixels/<HxWxC_depth> [N, H, W, C] u8 or u16, one chunk an image, no filter; one dataset for each kind of image
///     /samples/<column>     one row a sample: file, split, label, mask, group (fixed-length strings), pixels (name of
///                           the dataset), row (u64), mask_row (i64, -1 = none)
///     /columns/<column>     context.* and further columns as fixed-length strings; `/` and `%` in names as %2F, %25;
///                           a sample that lacks a column of another one gets ""
///     /masks/bytes, offset  run lengths (alternating 0 and 255, starting with 0; LEB128), mask i in
///                           bytes[offset[i] .. offset[i + 1])
namespace oddity {

/// Reads one image after another, so also sets larger than memory. Returns `<directory>/<sha256>.h5`. Throws what the
/// dataset throws, PathError or IoError; nothing half-written stays.
std::filesystem::path write_pack(const Dataset& dataset, const std::filesystem::path& directory,
                                 ProgressSink& progress = silent_progress());

/// Opening reads the sample table and the place of each image; `image` is one bounds-checked pread, from any thread.
class PackDataset final : public Dataset {
public:
  /// Throws PathError (missing) or ContentError: not a pack, a newer format, damaged tables, images outside the file.
  /// Pixels are not read here; `verify_pack` does.
  explicit PackDataset(const std::filesystem::path& file);
  ~PackDataset() override;
  PackDataset(const PackDataset&) = delete;
  PackDataset& operator=(const PackDataset&) = delete;

  std::string name() const override { return file_.string(); }
  const std::vector<Sample>& samples() const override { return samples_; }
  Image image(std::size_t index) const override;
  Image mask(std::size_t index) const override;
  bool has_mask(std::size_t index) const override;

private:
  struct Place {
    std::uint64_t offset = 0;
    int height = 0, width = 0, channels = 0;
    Depth depth = Depth::u8;
    std::int64_t mask_row = -1;
  };
  struct Reader;

  std::filesystem::path file_;
  std::vector<Sample> samples_;
  std::vector<Place> places_;
  std::vector<std::uint8_t> mask_bytes_;
  std::vector<std::uint64_t> mask_offsets_;
  int descriptor_ = -1;
};

/// Whether the file's SHA-256 is the one in its name. Throws ContentError when it is not, or the name holds none.
void verify_pack(const std::filesystem::path& file);

/// Run lengths of a mask (row by row): alternating counts of 0 and 255, starting with 0, as LEB128.
std::vector<std::uint8_t> encode_runs(std::span<const std::uint8_t> mask);
/// Fills `mask`; false unless the runs sum up to exactly its size.
bool decode_runs(std::span<const std::uint8_t> runs, std::span<std::uint8_t> mask);

}  // namespace oddity
