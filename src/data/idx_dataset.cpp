#include "data/idx_dataset.h"

#include <algorithm>
#include <cctype>
#include <cstring>

#include "core/error.h"
#include "data/gzip.h"

namespace oddity {
namespace fs = std::filesystem;
namespace {

constexpr std::uint64_t max_bytes = std::uint64_t{4} << 30;
constexpr std::uint32_t max_side = 65'536;

/// The header of an idx file: type of values, sizes, and that the file is exactly as long as they say.
struct IdxHeader {
  std::vector<std::uint32_t> sizes;
  std::size_t data_at = 0;
};

std::uint32_t big_endian(const std::vector<std::byte>& bytes, std::size_t at) {
  std::uint32_t value = 0;
  for (std::size_t i = 0; i < 4; ++i) {
    value = value << 8U | static_cast<std::uint32_t>(bytes[at + i]);
  }
  return value;
}

IdxHeader read_header(const std::vector<std::byte>& bytes, const std::string& name) {
  if (bytes.size() < 4 || bytes[0] != std::byte{0} || bytes[1] != std::byte{0}) {
    fail<ContentError>("[data.idx] {}: not an idx file; expected two zero bytes first", name);
  }
  if (bytes[2] != std::byte{8}) {
    fail<ContentError>("[data.idx] {}: values of type 0x{:02x}; expected 0x08 (unsigned bytes)", name,
                       static_cast<unsigned>(bytes[2]));
  }
  const auto dimensions = static_cast<std::size_t>(bytes[3]);
  if (dimensions < 1 || dimensions > 4 || bytes.size() < 4 + 4 * dimensions) {
    fail<ContentError>("[data.idx] {}: got {} dimensions in {} bytes; expected 1, 3 or 4", name, dimensions,
                       bytes.size());
  }
  IdxHeader header;
  header.data_at = 4 + 4 * dimensions;
  std::uint64_t values = 1;
  for (std::size_t d = 0; d < dimensions; ++d) {
    header.sizes.push_back(big_endian(bytes, 4 + 4 * d));
    const std::uint64_t size = header.sizes.back();
    values = size != 0 && values > max_bytes / size ? max_bytes + 1 : values * size;
  }
  if (values != bytes.size() - header.data_at) {
    fail<ContentError>("[data.idx] {}: got {} bytes after the header; its sizes say {}", name,
                       bytes.size() - header.data_at, values > max_bytes ? "more than fits" : std::to_string(values));
  }
  return header;
}

void replace(std::string& text, const std::string& from, const std::string& to) {
  if (const std::size_t at = text.find(from); at != std::string::npos) {
    text.replace(at, from.size(), to);
  }
}

/// Path of the labels beside an image file, with or without .gz; empty when there is none.
fs::path labels_beside(const fs::path& images) {
  std::string name = images.filename().string();
  if (name.find("images") == std::string::npos) {
    return {};
  }
  replace(name, "images", "labels");
  replace(name, "idx3", "idx1");
  replace(name, "idx4", "idx1");
  const std::string plain = name.ends_with(".gz") ? name.substr(0, name.size() - 3) : name;
  for (const std::string& candidate : {name, plain, plain + ".gz"}) {
    if (fs::is_regular_file(images.parent_path() / candidate)) {
      return images.parent_path() / candidate;
    }
  }
  return {};
}

}  // namespace

bool is_idx_name(const fs::path& file) {
  const std::string name = file.filename().string();
  for (const char* mark : {"-idx", ".idx"}) {
    const std::size_t at = name.find(mark);
    if (at != std::string::npos && at + 4 < name.size() && std::isdigit(static_cast<unsigned char>(name[at + 4]))) {
      return true;
    }
  }
  return false;
}

IdxDataset::IdxDataset(const fs::path& images) : file_(images), bytes_(read_maybe_gzip(images, max_bytes)) {
  const IdxHeader header = read_header(bytes_, file_.string());
  if (header.sizes.size() < 3) {
    fail<ContentError>("[data.idx] {}: got {} dimensions; expected images: 3 (n, height, width) or 4 (with channels)",
                       file_.string(), header.sizes.size());
  }
  const std::uint32_t count = header.sizes[0];
  const std::uint32_t channels = header.sizes.size() == 4 ? header.sizes[3] : 1;
  if (count == 0 || header.sizes[1] < 1 || header.sizes[1] > max_side || header.sizes[2] < 1 ||
      header.sizes[2] > max_side || channels < 1 || channels > 4) {
    fail<ContentError>(
        "[data.idx] {}: got {} images of {}x{}x{}; expected at least one, sides 1 to {}, 1 to 4 channels",
        file_.string(), count, header.sizes[1], header.sizes[2], channels, max_side);
  }
  height_ = static_cast<int>(header.sizes[1]);
  width_ = static_cast<int>(header.sizes[2]);
  channels_ = static_cast<int>(channels);
  pixels_at_ = header.data_at;
  image_bytes_ = (bytes_.size() - pixels_at_) / count;

  std::vector<std::byte> labels;
  std::size_t labels_at = 0;
  if (const fs::path beside = labels_beside(file_); !beside.empty()) {
    labels = read_maybe_gzip(beside, max_bytes);
    const IdxHeader label_header = read_header(labels, beside.string());
    if (label_header.sizes.size() != 1 || label_header.sizes[0] != count) {
      fail<ContentError>("[data.idx] {}: got {} labels in {} dimensions; expected {} in 1, as {} has images",
                         beside.string(), label_header.sizes[0], label_header.sizes.size(), count, file_.string());
    }
    labels_at = label_header.data_at;
  }
  const std::string base = file_.filename().string();
  const Split split = base.starts_with("train") ? Split::train : Split::test;
  samples_.resize(count);
  for (std::size_t i = 0; i < count; ++i) {
    Sample& sample = samples_[i];
    sample.file = fmt::format("{}#{:07d}", base, i);
    sample.split = split;
    sample.label =
        labels.empty() ? std::string("unknown") : std::to_string(static_cast<unsigned>(labels[labels_at + i]));
  }
}

Image IdxDataset::image(std::size_t index) const {
  if (index >= samples_.size()) {
    fail<InvalidArgument>("[data.idx] sample out of range; got {}; expected less than {}", index, samples_.size());
  }
  Image image(height_, width_, channels_, Depth::u8);
  std::memcpy(image.pixels.data(), bytes_.data() + pixels_at_ + index * image_bytes_, image_bytes_);
  return image;
}

bool IdxDataset::has_mask(std::size_t /*index*/) const { return false; }

Image IdxDataset::mask(std::size_t index) const {
  fail<ContentError>("[data.idx] {}: sample {} has no mask; idx files hold none", file_.string(), index);
}

}  // namespace oddity
