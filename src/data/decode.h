#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "image/image.h"

/// Image files to pixels and back. PNG, JPEG, TIFF (first page) and BMP, told apart by their first bytes.
///
/// What comes out: 8 or 16 bit as stored; grey 1 channel, colour RGB, colour with alpha RGBA; palettes as the colours
/// they name; PNG grey with alpha as RGBA; 1-, 2- and 4-bit pixels spread to 8 bits. An EXIF orientation is ignored:
/// pixels stay as the sensor stored them, as masks do. CMYK is refused.
namespace oddity {

struct DecodeLimits {
  std::uint64_t max_pixels = 100'000'000;            ///< height * width
  std::uint64_t max_bytes = std::uint64_t{1} << 30;  ///< of the file
};

struct ImageSize {
  int height = 0, width = 0;
};

/// Throws PathError (missing) or ContentError that names the file: not an image, damaged, truncated, sides above
/// 65,536 or too many pixels (both refused before decoding).
Image decode_image(const std::filesystem::path& file, const DecodeLimits& limits = {});
/// `name` stands in messages.
Image decode_image(std::span<const std::byte> bytes, const std::string& name, const DecodeLimits& limits = {});
/// Height and width from the header alone.
ImageSize image_size(const std::filesystem::path& file, const DecodeLimits& limits = {});

/// Whether the name ends like one of the four formats (.png .jpg .jpeg .tif .tiff .bmp in any case).
bool has_image_extension(const std::filesystem::path& file);

/// PNG without loss, for 1, 3 or 4 channels of either depth. `level` is zlib's 0..9. Throws InvalidArgument.
std::vector<std::byte> encode_png(const ImageView& image, int level = 3);
void write_png(const std::filesystem::path& file, const ImageView& image);  ///< atomic; throws PathError, IoError

}  // namespace oddity
