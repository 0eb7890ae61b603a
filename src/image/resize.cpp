#include "image/resize.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <type_traits>

#include "core/error.h"

namespace oddity {
namespace {

constexpr int max_side = 65'536;

void check_sides(int height, int width, const char* what) {
  if (height < 1 || height > max_side || width < 1 || width > max_side) {
    fail<InvalidArgument>("[image.resize] {} size out of range; got {}x{} (height x width); expected 1 to {}", what,
                          height, width, max_side);
  }
}

void check_plane(const Plane& plane) {
  check_sides(plane.height, plane.width, "input");
  const std::size_t expected = static_cast<std::size_t>(plane.height) * static_cast<std::size_t>(plane.width);
  if (plane.values.size() != expected) {
    fail<InvalidArgument>("[image.resize] map of wrong length; got {} values; expected {} for {}x{}",
                          plane.values.size(), expected, plane.height, plane.width);
  }
}

template <class T>
T stored(float value) {
  if constexpr (std::is_floating_point_v<T>) {
    return value;
  } else {
    const int rounded = static_cast<int>(value + 0.5F);
    return static_cast<T>(std::min(rounded, static_cast<int>(std::numeric_limits<T>::max())));
  }
}

/// sum[i] (+)= w0 * r0[i] + ... over up to four rows in one pass: one load and one store of the sum for four rows.
template <class T>
void add_rows(const T* const* rows, const float* weights, int count, std::size_t n, bool first, float* __restrict sum) {
  const T* const __restrict r0 = rows[0];
  const T* const __restrict r1 = rows[count > 1 ? 1 : 0];
  const T* const __restrict r2 = rows[count > 2 ? 2 : 0];
  const T* const __restrict r3 = rows[count > 3 ? 3 : 0];
  const float w0 = weights[0];
  const float w1 = count > 1 ? weights[1] : 0.0F;
  const float w2 = count > 2 ? weights[2] : 0.0F;
  const float w3 = count > 3 ? weights[3] : 0.0F;
  if (first && count == 1) {
    for (std::size_t i = 0; i < n; ++i) {
      sum[i] = w0 * static_cast<float>(r0[i]);
    }
  } else if (first && count == 2) {
    for (std::size_t i = 0; i < n; ++i) {
      sum[i] = w0 * static_cast<float>(r0[i]) + w1 * static_cast<float>(r1[i]);
    }
  } else if (count == 1) {
    for (std::size_t i = 0; i < n; ++i) {
      sum[i] += w0 * static_cast<float>(r0[i]);
    }
  } else if (first) {
    for (std::size_t i = 0; i < n; ++i) {
      sum[i] = (w0 * static_cast<float>(r0[i]) + w1 * static_cast<float>(r1[i])) +
               (w2 * static_cast<float>(r2[i]) + w3 * static_cast<float>(r3[i]));
    }
  } else {
    for (std::size_t i = 0; i < n; ++i) {
      sum[i] += (w0 * static_cast<float>(r0[i]) + w1 * static_cast<float>(r1[i])) +
                (w2 * static_cast<float>(r2[i]) + w3 * static_cast<float>(r3[i]));
    }
  }
}

/// One row along x: out[x, c] = sum of weights * row[first + t, c].
template <int fixed_channels, class In, class Out>
void resize_row(const ResizeAxis& axis, const In* row, int any_channels, Out* out) {
  const int channels = fixed_channels > 0 ? fixed_channels : any_channels;
  for (int x = 0; x < axis.output; ++x) {
    const float* weights = axis.weights.data() + static_cast<std::size_t>(x) * static_cast<std::size_t>(axis.max_taps);
    const In* source = row + static_cast<std::size_t>(axis.first[x]) * static_cast<std::size_t>(channels);
    const int taps = axis.taps[x];
    if constexpr (fixed_channels > 0) {
      float sums[fixed_channels] = {};
      for (int t = 0; t < taps; ++t, source += fixed_channels) {
        for (int c = 0; c < fixed_channels; ++c) {
          sums[c] += weights[t] * static_cast<float>(source[c]);
        }
      }
      for (int c = 0; c < fixed_channels; ++c) {
        out[x * fixed_channels + c] = stored<Out>(sums[c]);
      }
    } else {
      for (int c = 0; c < channels; ++c) {
        float sum = 0.0F;
        for (int t = 0; t < taps; ++t) {
          sum += weights[t] * static_cast<float>(source[t * channels + c]);
        }
        out[x * channels + c] = stored<Out>(sum);
      }
    }
  }
}

template <class In, class Out>
void resize_row(const ResizeAxis& axis, const In* row, int channels, Out* out) {
  if (channels == 1) {
    resize_row<1>(axis, row, channels, out);
  } else if (channels == 3) {
    resize_row<3>(axis, row, channels, out);
  } else {
    resize_row<0>(axis, row, channels, out);
  }
}

std::vector<int> nearest_indices(int input, int output) {
  std::vector<int> indices(static_cast<std::size_t>(output));
  for (int o = 0; o < output; ++o) {
    indices[static_cast<std::size_t>(o)] =
        static_cast<int>((2 * static_cast<std::int64_t>(o) + 1) * input / (2 * static_cast<std::int64_t>(output)));
  }
  return indices;
}

}  // namespace

ResizeAxis::ResizeAxis(int input_in, int output_in) : input(input_in), output(output_in) {
  const double scale = static_cast<double>(input) / output;
  max_taps = scale > 1.0 ? static_cast<int>(std::ceil(scale)) + 1 : 2;
  first.resize(static_cast<std::size_t>(output));
  taps.resize(static_cast<std::size_t>(output));
  weights.assign(static_cast<std::size_t>(output) * static_cast<std::size_t>(max_taps), 0.0F);
  for (int o = 0; o < output; ++o) {
    float* w = weights.data() + static_cast<std::size_t>(o) * static_cast<std::size_t>(max_taps);
    int begin = o;  // as it stays when input == output
    int count = 1;
    w[0] = 1.0F;
    if (input > output) {
      // The interval [o, o + 1) * input / output in units of 1 / output, so that whole factors give equal weights.
      const std::int64_t low = static_cast<std::int64_t>(o) * input;
      const std::int64_t high = low + input;
      begin = static_cast<int>(low / output);
      const int end = static_cast<int>((high + output - 1) / output);
      count = end - begin;
      for (int t = 0; t < count; ++t) {
        const std::int64_t left = std::max<std::int64_t>(low, static_cast<std::int64_t>(begin + t) * output);
        const std::int64_t right = std::min<std::int64_t>(high, static_cast<std::int64_t>(begin + t + 1) * output);
        w[t] = static_cast<float>(static_cast<double>(right - left) / input);
      }
    } else if (input < output) {
      const double centre = (o + 0.5) * scale - 0.5;
      const double floor = std::floor(centre);
      begin = static_cast<int>(floor);
      if (begin < 0) {
        begin = 0;
      } else if (begin >= input - 1) {
        begin = input - 1;
      } else {
        count = 2;
        w[1] = static_cast<float>(centre - floor);
        w[0] = 1.0F - w[1];
      }
    }
    first[static_cast<std::size_t>(o)] = begin;
    taps[static_cast<std::size_t>(o)] = count;
  }
}

Resizer::Resizer(int in_height, int in_width, int out_height, int out_width) {
  check_sides(in_height, in_width, "input");
  check_sides(out_height, out_width, "output");
  rows_ = ResizeAxis(in_height, out_height);
  columns_ = ResizeAxis(in_width, out_width);
}

template <class T>
void Resizer::run_rows(const T* data, std::ptrdiff_t stride, int channels, T* out, std::ptrdiff_t out_stride) {
  const auto row_at = [&](int y) {
    return reinterpret_cast<const T*>(reinterpret_cast<const std::byte*>(data) + y * stride);
  };
  const auto out_at = [&](int y) { return reinterpret_cast<T*>(reinterpret_cast<std::byte*>(out) + y * out_stride); };
  const std::size_t in_row = static_cast<std::size_t>(columns_.input) * static_cast<std::size_t>(channels);
  const std::size_t out_row = static_cast<std::size_t>(columns_.output) * static_cast<std::size_t>(channels);
  if (rows_.input == rows_.output) {
    for (int y = 0; y < rows_.output; ++y) {
      if (columns_.input == columns_.output) {
        std::memcpy(out_at(y), row_at(y), in_row * sizeof(T));
      } else {
        resize_row(columns_, row_at(y), channels, out_at(y));
      }
    }
    return;
  }
  if (rows_.input > rows_.output) {
    // Shrinking: sum rows first (contiguous, vectorised), then one pass along x for each output row.
    if (scratch_.size() < in_row) {
      scratch_.resize(in_row);
    }
    for (int y = 0; y < rows_.output; ++y) {
      const float* weights =
          rows_.weights.data() + static_cast<std::size_t>(y) * static_cast<std::size_t>(rows_.max_taps);
      for (int t = 0; t < rows_.taps[y]; t += 4) {
        const int count = std::min(4, rows_.taps[y] - t);
        const T* rows[4] = {};
        for (int k = 0; k < count; ++k) {
          rows[k] = row_at(rows_.first[y] + t + k);
        }
        add_rows(rows, weights + t, count, in_row, t == 0, scratch_.data());
      }
      resize_row(columns_, scratch_.data(), channels, out_at(y));
    }
    return;
  }
  // Growing: each input row goes along x once; the two rows in use are kept.
  if (scratch_.size() < 2 * out_row) {
    scratch_.resize(2 * out_row);
  }
  int held[2] = {-1, -1};
  const auto resized_row = [&](int y) -> const float* {
    float* slot = scratch_.data() + static_cast<std::size_t>(y % 2) * out_row;
    if (held[y % 2] != y) {
      resize_row(columns_, row_at(y), channels, slot);
      held[y % 2] = y;
    }
    return slot;
  };
  for (int y = 0; y < rows_.output; ++y) {
    const float* weights =
        rows_.weights.data() + static_cast<std::size_t>(y) * static_cast<std::size_t>(rows_.max_taps);
    const float* upper = resized_row(rows_.first[y]);
    T* target = out_at(y);
    if (rows_.taps[y] == 1) {
      for (std::size_t i = 0; i < out_row; ++i) {
        target[i] = stored<T>(upper[i]);
      }
    } else {
      const float* lower = resized_row(rows_.first[y] + 1);
      for (std::size_t i = 0; i < out_row; ++i) {
        target[i] = stored<T>(weights[0] * upper[i] + weights[1] * lower[i]);
      }
    }
  }
}

void Resizer::run(const ImageView& image, const ImageSpan& out) {
  check_view(image, "image.resize");
  check_view(out.view(), "image.resize");
  if (image.height != rows_.input || image.width != columns_.input) {
    fail<InvalidArgument>("[image.resize] image of another size; got {}x{} (height x width); expected {}x{}",
                          image.height, image.width, rows_.input, columns_.input);
  }
  if (out.height != rows_.output || out.width != columns_.output || out.channels != image.channels ||
      out.depth != image.depth) {
    fail<InvalidArgument>(
        "[image.resize] output buffer does not fit; got {}x{}x{} of {} bytes; expected {}x{}x{} of {}", out.height,
        out.width, out.channels, bytes_of(out.depth), rows_.output, columns_.output, image.channels,
        bytes_of(image.depth));
  }
  if (image.depth == Depth::u8) {
    run_rows(reinterpret_cast<const std::uint8_t*>(image.data), image.stride, image.channels,
             reinterpret_cast<std::uint8_t*>(out.data), out.stride);
  } else {
    run_rows(reinterpret_cast<const std::uint16_t*>(image.data), image.stride, image.channels,
             reinterpret_cast<std::uint16_t*>(out.data), out.stride);
  }
}

void Resizer::run(std::span<const float> plane, std::span<float> out) {
  const std::size_t in_size = static_cast<std::size_t>(rows_.input) * static_cast<std::size_t>(columns_.input);
  const std::size_t out_size = static_cast<std::size_t>(rows_.output) * static_cast<std::size_t>(columns_.output);
  if (plane.size() != in_size || out.size() != out_size) {
    fail<InvalidArgument>("[image.resize] map of wrong length; got {} in and {} out; expected {} and {}", plane.size(),
                          out.size(), in_size, out_size);
  }
  const auto bytes = static_cast<std::ptrdiff_t>(sizeof(float));
  run_rows(plane.data(), columns_.input * bytes, 1, out.data(), columns_.output * bytes);
}

Image resize(const ImageView& image, int height, int width) {
  check_view(image, "image.resize");
  Resizer resizer(image.height, image.width, height, width);
  Image out(height, width, image.channels, image.depth);
  resizer.run(image, out.span());
  return out;
}

Plane resize(const Plane& plane, int height, int width) {
  check_plane(plane);
  Resizer resizer(plane.height, plane.width, height, width);
  Plane out{height, width, std::vector<float>(static_cast<std::size_t>(height) * static_cast<std::size_t>(width))};
  resizer.run(plane.values, out.values);
  return out;
}

Image resize_nearest(const ImageView& image, int height, int width) {
  check_view(image, "image.resize");
  check_sides(height, width, "output");
  Image out(height, width, image.channels, image.depth);
  const std::size_t pixel = static_cast<std::size_t>(image.channels) * bytes_of(image.depth);
  const std::vector<int> rows = nearest_indices(image.height, height);
  const std::vector<int> columns = nearest_indices(image.width, width);
  std::byte* target = out.pixels.data();
  for (const int y : rows) {
    const std::byte* row = image.data + y * image.stride;
    for (const int x : columns) {
      std::memcpy(target, row + static_cast<std::size_t>(x) * pixel, pixel);
      target += pixel;
    }
  }
  return out;
}

Plane resize_nearest(const Plane& plane, int height, int width) {
  check_plane(plane);
  check_sides(height, width, "output");
  Plane out{height, width, {}};
  out.values.reserve(static_cast<std::size_t>(height) * static_cast<std::size_t>(width));
  const std::vector<int> columns = nearest_indices(plane.width, width);
  for (const int y : nearest_indices(plane.height, height)) {
    const float* row = plane.values.data() + static_cast<std::size_t>(y) * static_cast<std::size_t>(plane.width);
    for (const int x : columns) {
      out.values.push_back(row[x]);
    }
  }
  return out;
}

}  // namespace oddity
