#pragma once

#include <span>
#include <vector>

#include "image/image.h"

/// Resizing with half-pixel centres: pixel i covers [i, i + 1). Each axis is treated apart: one that shrinks takes the
/// area average of the interval an output pixel covers (any factor, antialiased, exact for whole factors); one that
/// grows is interpolated linearly between pixel centres and held constant beyond the outermost ones; one that stays is
/// copied. Sums are float32 in a fixed order, so the result depends on the input alone. A constant image stays constant
/// (16 bit: for shrink factors up to about 100 an axis; beyond, to within one unit).
namespace oddity {

/// For one output index: the first input index, and how many of them are summed with which weights (they sum to 1).
struct ResizeAxis {
  int input = 0, output = 0, max_taps = 0;
  std::vector<int> first, taps;
  std::vector<float> weights;  ///< [output, max_taps]

  ResizeAxis() = default;
  ResizeAxis(int input, int output);
};

/// A resize of one size to another, planned once. Not thread-safe: it owns scratch rows. After the first `run` of a
/// channel count no memory is allocated.
class Resizer {
public:
  /// Throws InvalidArgument unless all sides are in 1..65,536.
  Resizer(int in_height, int in_width, int out_height, int out_width);

  int in_height() const { return rows_.input; }
  int in_width() const { return columns_.input; }
  int out_height() const { return rows_.output; }
  int out_width() const { return columns_.output; }

  /// `out` has the planned output size and the channels and depth of `image`; values are rounded to nearest, halves up.
  /// Throws InvalidArgument when sizes, channels or depths differ from that.
  void run(const ImageView& image, const ImageSpan& out);
  /// A float map: `plane` holds in_height * in_width values, `out` out_height * out_width, row by row, not overlapping.
  void run(std::span<const float> plane, std::span<float> out);

private:
  template <class T>
  void run_rows(const T* data, std::ptrdiff_t stride, int channels, T* out, std::ptrdiff_t out_stride);

  ResizeAxis rows_, columns_;
  std::vector<float> scratch_;
};

/// Throws InvalidArgument for an empty image or sides outside 1..65,536.
Image resize(const ImageView& image, int height, int width);
/// The same rule on a float map.
Plane resize(const Plane& plane, int height, int width);

/// The pixel whose interval holds the centre of the output pixel: no new values arise, for masks and labels.
Image resize_nearest(const ImageView& image, int height, int width);
Plane resize_nearest(const Plane& plane, int height, int width);

}  // namespace oddity
