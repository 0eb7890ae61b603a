#include "data/image_header.h"

#include <zlib.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <string_view>
#include <vector>

#include "core/error.h"

namespace oddity {
namespace {

[[noreturn]] void complain(const std::string& name, std::string_view what) {
  fail<ContentError>("[data.decode] {}: {}", name, what);
}

/// Bounds-checked reads; every read beyond the end says that the file is truncated.
class Bytes {
public:
  Bytes(std::span<const std::byte> bytes, const std::string& name, bool big_endian)
      : bytes_(bytes), name_(name), big_endian_(big_endian) {}

  std::size_t size() const { return bytes_.size(); }
  void need(std::uint64_t at, std::uint64_t count) const {
    if (at > bytes_.size() || count > bytes_.size() - at) {
      complain(name_, fmt::format("truncated; got {} bytes; expected at least {}", bytes_.size(), at + count));
    }
  }
  std::uint32_t u8(std::uint64_t at) const { return number(at, 1); }
  std::uint32_t u16(std::uint64_t at) const { return number(at, 2); }
  std::uint32_t u32(std::uint64_t at) const { return number(at, 4); }
  bool is(std::uint64_t at, std::string_view text) const {
    need(at, text.size());
    return std::memcmp(bytes_.data() + at, text.data(), text.size()) == 0;
  }

private:
  std::uint32_t number(std::uint64_t at, int count) const {
    need(at, static_cast<std::uint64_t>(count));
    std::uint32_t value = 0;
    for (int i = 0; i < count; ++i) {
      const auto byte =
          static_cast<std::uint32_t>(bytes_[at + static_cast<std::uint64_t>(big_endian_ ? i : count - 1 - i)]);
      value = value << 8U | byte;
    }
    return value;
  }

  std::span<const std::byte> bytes_;
  const std::string& name_;
  bool big_endian_;
};

// --- PNG -----------------------------------------------------------------------------------------------------------

ImageHeader png_header(const Bytes& file, const std::string& name) {
  if (file.u32(8) != 13 || !file.is(12, "IHDR")) {
    complain(name, "damaged PNG; expected an IHDR chunk first");
  }
  ImageHeader header{ImageHeader::Format::png, file.u32(20), file.u32(16), 0, static_cast<int>(file.u8(24))};
  switch (file.u8(25)) {
    case 0:
    case 3:
      header.channels = 1;
      break;
    case 2:
      header.channels = 3;
      break;
    case 4:
      header.channels = 2;
      break;
    case 6:
      header.channels = 4;
      break;
    default:
      complain(name, fmt::format("damaged PNG; got colour type {}; expected 0, 2, 3, 4 or 6", file.u8(25)));
  }
  return header;
}

void check_png(std::span<const std::byte> bytes, const Bytes& file, const std::string& name) {
  bool pixels = false;
  for (std::uint64_t at = 8;;) {
    if (at == file.size()) {
      complain(name, "truncated PNG; the IEND chunk is missing");
    }
    const std::uint64_t length = file.u32(at);
    file.need(at, 12 + length);
    const auto sum = crc32_z(0, reinterpret_cast<const Bytef*>(bytes.data() + at + 4), length + 4);
    if (sum != file.u32(at + 8 + length)) {
      complain(name, fmt::format("damaged PNG; the checksum of the chunk at byte {} does not match", at));
    }
    pixels = pixels || file.is(at + 4, "IDAT");
    if (file.is(at + 4, "IEND")) {
      break;
    }
    at += 12 + length;
  }
  if (!pixels) {
    complain(name, "damaged PNG; it has no pixel data (IDAT)");
  }
}

// --- JPEG ----------------------------------------------------------------------------------------------------------

bool is_frame(std::uint32_t marker) {
  return marker >= 0xC0 && marker <= 0xCF && marker != 0xC4 && marker != 0xC8 && marker != 0xCC;
}

/// The marker at or after `at` (fill bytes 0xFF may precede it); `at` moves behind it.
std::uint32_t next_marker(const Bytes& file, std::uint64_t& at, const std::string& name) {
  if (file.u8(at) != 0xFF) {
    complain(name, fmt::format("damaged JPEG; expected a marker at byte {}", at));
  }
  while (file.u8(at) == 0xFF) {
    ++at;
  }
  return file.u8(at++);
}

std::uint64_t segment_length(const Bytes& file, std::uint64_t at, const std::string& name) {
  const std::uint64_t length = file.u16(at);
  if (length < 2) {
    complain(name, fmt::format("damaged JPEG; segment of length {} at byte {}", length, at));
  }
  return length;
}

ImageHeader jpeg_header(const Bytes& file, const std::string& name) {
  for (std::uint64_t at = 2;;) {
    const std::uint32_t marker = next_marker(file, at, name);
    if (marker == 0xD9 || marker == 0xDA) {
      complain(name, "damaged JPEG; no frame header before the pixel data");
    }
    if (is_frame(marker)) {
      ImageHeader header{ImageHeader::Format::jpeg, file.u16(at + 3), file.u16(at + 5),
                         static_cast<int>(file.u8(at + 7)), static_cast<int>(file.u8(at + 2))};
      if (header.bits != 8) {
        complain(name, fmt::format("unsupported JPEG; got {} bits a channel; expected 8", header.bits));
      }
      if (header.channels == 4) {
        complain(name, "CMYK JPEG is not supported, its colours depend on a printer profile; convert it to RGB");
      }
      if (header.channels != 1 && header.channels != 3) {
        complain(name, fmt::format("unsupported JPEG; got {} channels; expected 1 or 3", header.channels));
      }
      return header;
    }
    at += segment_length(file, at, name);
  }
}

void check_jpeg(std::span<const std::byte> bytes, const Bytes& file, const std::string& name) {
  for (std::uint64_t at = 2;;) {
    if (at >= file.size()) {
      complain(name, "truncated JPEG; the end marker (EOI) is missing");
    }
    const std::uint32_t marker = next_marker(file, at, name);
    if (marker == 0xD9) {
      return;
    }
    at += segment_length(file, at, name);
    if (marker != 0xDA) {
      continue;
    }
    // Entropy-coded data: up to a marker that is neither a stuffed 0xFF 0x00 nor a restart.
    while (true) {
      const auto* start = bytes.data() + std::min<std::uint64_t>(at, bytes.size());
      const auto* found = std::find(start, bytes.data() + bytes.size(), std::byte{0xFF});
      at = static_cast<std::uint64_t>(found - bytes.data());
      if (at + 1 >= bytes.size()) {
        complain(name, "truncated JPEG; the pixel data ends without an end marker (EOI)");
      }
      const std::uint32_t next = file.u8(at + 1);
      if (next == 0x00 || (next >= 0xD0 && next <= 0xD7)) {
        at += 2;
      } else if (next == 0xFF) {
        ++at;
      } else {
        break;
      }
    }
  }
}

// --- TIFF ----------------------------------------------------------------------------------------------------------

/// The entries of the first image directory that matter here.
class TiffDirectory {
public:
  TiffDirectory(const Bytes& file, const std::string& name) : file_(file), name_(name), at_(file.u32(4)) {
    entries_ = file.u16(at_);
    file.need(at_ + 2, std::uint64_t{entries_} * 12);
  }

  /// The values of a tag of type BYTE, SHORT or LONG; `fallback` when it is absent.
  std::vector<std::uint32_t> values(std::uint32_t tag, std::vector<std::uint32_t> fallback) const {
    for (std::uint32_t e = 0; e < entries_; ++e) {
      const std::uint64_t entry = at_ + 2 + std::uint64_t{e} * 12;
      if (file_.u16(entry) != tag) {
        continue;
      }
      const std::uint32_t type = file_.u16(entry + 2);
      const std::uint64_t count = file_.u32(entry + 4);
      const std::uint64_t size = type == 1 ? 1 : type == 3 ? 2 : type == 4 ? 4 : 0;
      if (size == 0 || count == 0) {
        complain(name_, fmt::format("damaged TIFF; tag {} has type {} and {} values", tag, type, count));
      }
      const std::uint64_t data = count * size <= 4 ? entry + 8 : file_.u32(entry + 8);
      file_.need(data, count * size);
      std::vector<std::uint32_t> found;
      found.reserve(count);
      for (std::uint64_t i = 0; i < count; ++i) {
        const std::uint64_t place = data + i * size;
        found.push_back(size == 1 ? file_.u8(place) : size == 2 ? file_.u16(place) : file_.u32(place));
      }
      return found;
    }
    return fallback;
  }
  std::uint32_t value(std::uint32_t tag, std::uint32_t fallback) const { return values(tag, {fallback}).front(); }

  /// Whether the values of all tags, known or not, and the link to the next directory lie inside the file.
  void check_complete() const {
    constexpr std::array<std::uint64_t, 13> sizes = {0, 1, 1, 2, 4, 8, 1, 1, 2, 4, 8, 4, 8};
    for (std::uint32_t e = 0; e < entries_; ++e) {
      const std::uint64_t entry = at_ + 2 + std::uint64_t{e} * 12;
      const std::uint32_t type = file_.u16(entry + 2);
      const std::uint64_t bytes = type < sizes.size() ? sizes[type] * file_.u32(entry + 4) : 0;
      if (bytes > 4) {
        file_.need(file_.u32(entry + 8), bytes);
      }
    }
    file_.need(at_ + 2 + std::uint64_t{entries_} * 12, 4);
  }

private:
  const Bytes& file_;
  const std::string& name_;
  std::uint64_t at_;
  std::uint32_t entries_ = 0;
};

ImageHeader tiff_header(const Bytes& file, const std::string& name) {
  if (file.u16(2) == 43) {
    complain(name, "BigTIFF is not supported; expected a classic TIFF");
  }
  const TiffDirectory directory(file, name);
  ImageHeader header{ImageHeader::Format::tiff, directory.value(257, 0), directory.value(256, 0),
                     static_cast<int>(std::min<std::uint32_t>(directory.value(277, 1), 1'000)), 0};
  const std::vector<std::uint32_t> bits = directory.values(258, {1});
  header.bits = static_cast<int>(std::min<std::uint32_t>(bits.front(), 1'000));
  const bool equal = std::all_of(bits.begin(), bits.end(), [&](std::uint32_t b) { return b == bits.front(); });
  if (!equal || (header.bits != 8 && header.bits != 16)) {
    complain(name, fmt::format("unsupported TIFF; got {} bits a channel; expected 8 or 16", header.bits));
  }
  if (directory.value(339, 1) != 1) {
    complain(name, "unsupported TIFF; expected unsigned whole numbers, not signed ones or floats");
  }
  const std::uint32_t colour = directory.value(262, 1);
  if (colour == 5) {
    complain(name, "CMYK TIFF is not supported, its colours depend on a printer profile; convert it to RGB");
  }
  if (colour == 0 && header.bits == 16) {
    complain(name, "unsupported TIFF; got 16 bits with 0 as white; expected 0 as black");
  }
  if (header.channels != 1 && header.channels != 3 && header.channels != 4) {
    complain(name, fmt::format("unsupported TIFF; got {} channels; expected 1, 3 or 4", header.channels));
  }
  return header;
}

void check_tiff(const Bytes& file, const std::string& name) {
  const TiffDirectory directory(file, name);
  directory.check_complete();
  const auto strips = directory.values(273, {});
  const bool tiled = strips.empty();
  const auto offsets = tiled ? directory.values(324, {}) : strips;
  const auto sizes = directory.values(tiled ? 325 : 279, {});
  if (offsets.empty() || offsets.size() != sizes.size()) {
    complain(name, fmt::format("damaged TIFF; got {} pieces of pixels with {} sizes; expected as many of each",
                               offsets.size(), sizes.size()));
  }
  for (std::size_t i = 0; i < offsets.size(); ++i) {
    file.need(offsets[i], sizes[i]);
  }
}

// --- BMP -----------------------------------------------------------------------------------------------------------

ImageHeader bmp_header(const Bytes& file, const std::string& name) {
  const std::uint32_t info = file.u32(14);
  ImageHeader header{ImageHeader::Format::bmp};
  std::uint32_t bits = 0;
  if (info == 12) {
    header.width = file.u16(18);
    header.height = file.u16(20);
    bits = file.u16(24);
  } else if (info >= 40 && info <= 1'024) {
    header.width = file.u32(18);
    const auto height = static_cast<std::int32_t>(file.u32(22));  // negative: rows from the top
    header.height = height < 0 ? 0U - static_cast<std::uint32_t>(height) : static_cast<std::uint32_t>(height);
    bits = file.u16(28);
  } else {
    complain(name, fmt::format("damaged BMP; got a header of {} bytes; expected 12 or 40 and more", info));
  }
  if (bits != 1 && bits != 4 && bits != 8 && bits != 24 && bits != 32) {
    complain(name, fmt::format("unsupported BMP; got {} bits a pixel; expected 1, 4, 8, 24 or 32", bits));
  }
  const std::uint32_t compression = info == 12 ? 0 : file.u32(30);
  if (compression > 3) {
    complain(name, fmt::format("unsupported BMP; got compression {}; expected none or run lengths", compression));
  }
  header.channels = bits <= 8 ? 1 : static_cast<int>(bits / 8);
  return header;
}

void check_bmp(const Bytes& file, const ImageHeader& header) {
  const bool core = file.u32(14) == 12;
  const std::uint32_t bits = file.u16(core ? 24 : 28);
  const std::uint32_t compression = core ? 0 : file.u32(30);
  if (compression == 0 || compression == 3) {
    const std::uint64_t row = (std::uint64_t{header.width} * bits + 31) / 32 * 4;
    file.need(file.u32(10), row * header.height);
  } else {
    file.need(file.u32(10), 2);
  }
}

}  // namespace

const char* name_of(ImageHeader::Format format) {
  constexpr std::array<const char*, 4> names = {"PNG", "JPEG", "TIFF", "BMP"};
  return names[static_cast<std::size_t>(format)];
}

ImageHeader read_image_header(std::span<const std::byte> bytes, const std::string& name) {
  if (bytes.empty()) {
    complain(name, "empty file; expected a PNG, JPEG, TIFF or BMP image");
  }
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), std::min<std::size_t>(bytes.size(), 8));
  ImageHeader header;
  if (text == std::string_view("\x89PNG\r\n\x1A\n", 8)) {
    header = png_header(Bytes(bytes, name, true), name);
  } else if (text.starts_with("\xFF\xD8\xFF")) {
    header = jpeg_header(Bytes(bytes, name, true), name);
  } else if (text.starts_with(std::string_view("II*\0", 4)) || text.starts_with(std::string_view("II+\0", 4))) {
    header = tiff_header(Bytes(bytes, name, false), name);
  } else if (text.starts_with(std::string_view("MM\0*", 4)) || text.starts_with(std::string_view("MM\0+", 4))) {
    header = tiff_header(Bytes(bytes, name, true), name);
  } else if (text.starts_with("BM")) {
    header = bmp_header(Bytes(bytes, name, false), name);
  } else {
    complain(name, "not an image; its first bytes are none of PNG, JPEG, TIFF or BMP");
  }
  if (header.height == 0 || header.width == 0) {
    complain(name, fmt::format("damaged {}; got {}x{} pixels (height x width); expected at least 1x1",
                               name_of(header.format), header.height, header.width));
  }
  return header;
}

void check_complete(std::span<const std::byte> bytes, const ImageHeader& header, const std::string& name) {
  switch (header.format) {
    case ImageHeader::Format::png:
      return check_png(bytes, Bytes(bytes, name, true), name);
    case ImageHeader::Format::jpeg:
      return check_jpeg(bytes, Bytes(bytes, name, true), name);
    case ImageHeader::Format::tiff:
      return check_tiff(Bytes(bytes, name, bytes[0] == std::byte{'M'}), name);
    case ImageHeader::Format::bmp:
      return check_bmp(Bytes(bytes, name, false), header);
  }
}

}  // namespace oddity
