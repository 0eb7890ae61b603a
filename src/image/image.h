#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

/// Images as bytes: what a decoder gives, what training keeps resident, and what a line hands in. The same code for all
/// three.
namespace oddity {

/// Type of one stored value. Masks are u8 with 0 = good, 255 = defect.
enum class Depth : std::uint8_t { u8 = 1, u16 = 2 };
inline std::size_t bytes_of(Depth depth) { return static_cast<std::size_t>(depth); }
inline double full_scale_of(Depth depth) { return depth == Depth::u8 ? 255.0 : 65535.0; }

/// A read-only view of interleaved pixels (row by row, channels together, little-endian u16). `stride` is bytes from
/// row to row. Channel order is RGB(A) for 3 (4) channels; decoders convert.
struct ImageView {
  const std::byte* data = nullptr;
  int height = 0, width = 0, channels = 0;
  Depth depth = Depth::u8;
  std::ptrdiff_t stride = 0;
};

/// A caller's buffer for pixels, laid out as in ImageView: what the functions without allocation write into.
struct ImageSpan {
  std::byte* data = nullptr;
  int height = 0, width = 0, channels = 0;
  Depth depth = Depth::u8;
  std::ptrdiff_t stride = 0;
  ImageView view() const { return {data, height, width, channels, depth, stride}; }
};

/// Refuses what no function can read: throws InvalidArgument `[function] ...` unless the sides are in 1..65,536, the
/// channels in 1..64, the data present, |stride| at least a row, and u16 data and stride even.
void check_view(const ImageView& image, const char* function);

/// An owning, compact image: stride = width * channels * bytes_of(depth).
struct Image {
  int height = 0, width = 0, channels = 0;
  Depth depth = Depth::u8;
  std::vector<std::byte> pixels;

  Image() = default;
  /// Zero-filled. Throws InvalidArgument unless 1 <= height, width <= 65,536, 1 <= channels <= 64.
  Image(int height, int width, int channels, Depth depth);
  bool empty() const { return pixels.empty(); }
  ImageView view() const;
  ImageSpan span();
  std::uint8_t* u8() { return reinterpret_cast<std::uint8_t*>(pixels.data()); }
  const std::uint8_t* u8() const { return reinterpret_cast<const std::uint8_t*>(pixels.data()); }
  std::uint16_t* u16() { return reinterpret_cast<std::uint16_t*>(pixels.data()); }
  const std::uint16_t* u16() const { return reinterpret_cast<const std::uint16_t*>(pixels.data()); }
};

/// A compact copy of what a view shows.
Image copy_of(const ImageView& image);

/// A float map [height, width], row by row: anomaly maps and masks as floats.
struct Plane {
  int height = 0, width = 0;
  std::vector<float> values;
};

}  // namespace oddity
