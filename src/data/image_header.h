#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

namespace oddity {

/// What the first bytes of an image file say, read by our own bounds-checked parsers before any decoder sees the file.
struct ImageHeader {
  enum class Format : std::uint8_t { png, jpeg, tiff, bmp };
  Format format = Format::png;
  std::uint32_t height = 0, width = 0;
  int channels = 0;  ///< as stored: 1 also for a palette
  int bits = 8;      ///< bits a channel
};
const char* name_of(ImageHeader::Format format);

/// Throws ContentError `[data.decode] name: ...` when the bytes are none of the four formats (by their magic number,
/// the file name does not matter), the header is damaged, or the kind is not supported: CMYK or 12-bit JPEG, TIFF with
/// other than 8 or 16 bits, floats, CMYK or BigTIFF.
ImageHeader read_image_header(std::span<const std::byte> bytes, const std::string& name);

/// Whether the file is there to its end, which decoders do not tell: PNG chunks with their CRC up to IEND, JPEG
/// segments up to EOI, TIFF strips or tiles inside the file, BMP rows inside the file. Throws ContentError.
void check_complete(std::span<const std::byte> bytes, const ImageHeader& header, const std::string& name);

}  // namespace oddity
