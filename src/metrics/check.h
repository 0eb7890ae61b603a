#pragma once

#include <algorithm>
#include <bit>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>

#include "oddity/metrics/maps.h"
#include "oddity/metrics/values.h"

/// Argument checks of the metrics. Installed headers throw std::invalid_argument, so that a consumer needs nothing else
/// of oddity; the message has the house's form `[metrics.function] what is wrong; got X; expected Y`.
namespace oddity::metrics::detail {

/// Numbers with as few digits as tell them from every other of their type.
template <class Part>
void add(std::ostringstream& text, const Part& part) {
  if constexpr (std::is_floating_point_v<Part>) {
    char digits[40];
    text << std::string_view(digits, std::to_chars(digits, digits + sizeof digits, part).ptr);
  } else {
    text << part;
  }
}

template <class... Parts>
[[noreturn]] void refuse(const char* function, const Parts&... parts) {
  std::ostringstream text;
  text << "[metrics." << function << "] ";
  (add(text, parts), ...);
  throw std::invalid_argument(text.str());
}

inline const char* name_of_special(double value) {
  return std::isnan(value) ? "NaN" : value > 0 ? "infinity" : "-infinity";
}

/// The pattern of a float's bits as a whole number.
template <class T>
using Bits = std::conditional_t<sizeof(T) == 8, std::uint64_t, std::uint32_t>;

/// Whether all values are finite. In whole numbers, whose order the compiler may change, so that the loop vectorises:
/// the difference has its highest bit set where the bits without the sign are above those of the largest value.
template <class T>
bool all_finite(std::span<const T> values) {
  constexpr auto highest = Bits<T>(1) << (8 * sizeof(T) - 1);
  constexpr auto largest = std::bit_cast<Bits<T>>(std::numeric_limits<T>::max());
  Bits<T> outside = 0;
  for (const T value : values) {
    outside |= largest - (std::bit_cast<Bits<T>>(value) & ~highest);
  }
  return (outside & highest) == 0;
}

/// Whether all values are in [0, 1], in the same manner: the bits of a negative value have the highest bit set, the
/// difference has it where a positive one, infinity or NaN is above 1. Adding zero makes -0 a 0.
template <class T>
bool all_in_unit(std::span<const T> values) {
  constexpr auto highest = Bits<T>(1) << (8 * sizeof(T) - 1);
  constexpr auto one = std::bit_cast<Bits<T>>(T(1));
  Bits<T> outside = 0;
  for (const T value : values) {
    const auto bits = std::bit_cast<Bits<T>>(value + T(0));
    outside |= bits | (one - bits);
  }
  return (outside & highest) == 0;
}

template <class T>
void require_finite(const char* function, const char* name, std::span<const T> values) {
  if (all_finite(values)) {
    return;
  }
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (!std::isfinite(values[i])) {
      refuse(function, name, " must be finite; got ", name_of_special(values[i]), " at index ", i);
    }
  }
}

inline void require_finite(const char* function, const char* name, Values values) {
  values.visit([&](auto span) { require_finite(function, name, span); });
}

inline void require_finite(const char* function, const char* name, double value) {
  if (!std::isfinite(value)) {
    refuse(function, name, " must be finite; got ", name_of_special(value));
  }
}

inline void require_open_unit(const char* function, const char* name, double value) {
  if (!(value > 0 && value < 1)) {
    refuse(function, name, " is out of range; got ", value, "; expected a value in (0, 1)");
  }
}

inline void require_unit(const char* function, const char* name, double value) {
  if (!(value >= 0 && value <= 1)) {
    refuse(function, name, " is out of range; got ", value, "; expected a value in [0, 1]");
  }
}

inline void require_not_empty(const char* function, const char* name, std::size_t size) {
  if (size == 0) {
    refuse(function, name, " is empty; expected at least one value");
  }
}

inline void require_same_length(const char* function, const char* a, std::size_t size_a, const char* b,
                                std::size_t size_b) {
  if (size_a != size_b) {
    refuse(function, a, " and ", b, " differ in length; got ", size_a, " and ", size_b);
  }
}

/// Weights are none (empty) or one for each sample, finite, not negative, and not all zero.
inline void require_weights(const char* function, Values weights, std::size_t samples) {
  if (weights.empty()) {
    return;
  }
  if (weights.size() != samples) {
    refuse(function, "weights must be one for each sample; got ", weights.size(), " for ", samples, " samples");
  }
  require_finite(function, "weights", weights);
  double sum = 0;
  for (std::size_t i = 0; i < samples; ++i) {
    if (weights[i] < 0) {
      refuse(function, "weights must not be negative; got ", weights[i], " at index ", i);
    }
    sum += weights[i];
  }
  if (!(sum > 0)) {
    refuse(function, "weights must not all be zero; got ", samples, " zeros");
  }
}

/// Labels are 0 or 1. Returns the number of defects.
inline std::size_t require_binary_labels(const char* function, std::span<const std::uint8_t> labels) {
  std::size_t defects = 0;
  std::uint8_t any = 0;
  for (const std::uint8_t label : labels) {
    defects += label;
    any |= label;
  }
  if (any > 1) {
    const auto at = std::find_if(labels.begin(), labels.end(), [](std::uint8_t label) { return label > 1; });
    refuse(function, "labels must be 0 (good) or 1 (defect); got ", int(*at), " at index ", at - labels.begin());
  }
  return defects;
}

/// The table is not empty and its size fits.
inline void require_matrix_size(const char* function, const char* name, const Matrix& matrix) {
  if (matrix.rows == 0 || matrix.columns == 0) {
    refuse(function, name, " is empty; got ", matrix.rows, " x ", matrix.columns);
  }
  if (matrix.values.size() != matrix.rows * matrix.columns) {
    refuse(function, name, " does not fit its size; got ", matrix.values.size(), " values for ", matrix.rows, " x ",
           matrix.columns);
  }
}

/// The same, and its values are finite.
inline void require_matrix(const char* function, const char* name, const Matrix& matrix) {
  require_matrix_size(function, name, matrix);
  require_finite(function, name, matrix.values);
}

/// Rows are probabilities of classes: in [0, 1], each row sums to 1 within 1e-3 (float32 softmax over many classes).
inline void require_probabilities(const char* function, const char* name, const Matrix& matrix) {
  require_matrix_size(function, name, matrix);
  const std::size_t together = std::max<std::size_t>(1, 2048 / matrix.columns);  // rows in the cache for both looks
  matrix.values.visit([&](auto values) {
    for (std::size_t first = 0; first < matrix.rows; first += together) {
      const std::size_t last = std::min(matrix.rows, first + together);
      const bool inside = all_in_unit(values.subspan(first * matrix.columns, (last - first) * matrix.columns));
      if (!inside) {
        require_finite(function, name, values);
      }
      for (std::size_t i = first; i < last; ++i) {
        const auto row = values.subspan(i * matrix.columns, matrix.columns);
        for (std::size_t c = 0; c < row.size() && !inside; ++c) {
          if (!(row[c] >= 0 && row[c] <= 1)) {
            refuse(function, name, " must be probabilities; got ", row[c], " in row ", i, " column ", c,
                   "; expected values in [0, 1]");
          }
        }
        double sums[4] = {};  // side by side: one sum would wait for itself
        std::size_t c = 0;
        for (; c + 4 <= row.size(); c += 4) {
          for (std::size_t l = 0; l < 4; ++l) {
            sums[l] += double(row[c + l]);
          }
        }
        for (; c < row.size(); ++c) {
          sums[0] += double(row[c]);
        }
        const double sum = (sums[0] + sums[1]) + (sums[2] + sums[3]);
        if (!(std::abs(sum - 1) <= 1e-3)) {
          require_finite(function, name, values);  // a value that is none, anywhere, is told first
          refuse(function, name, " must be probabilities; row ", i, " sums to ", sum, "; expected 1");
        }
      }
    }
  });
}

/// Sizes agree, nothing is empty, every map value is finite.
inline void require_maps(const char* function, std::span<const MapAndMask> items) {
  if (items.empty()) {
    refuse(function, "there are no maps; expected at least one");
  }
  for (std::size_t i = 0; i < items.size(); ++i) {
    const MapAndMask& item = items[i];
    if (item.height < 1 || item.width < 1) {
      refuse(function, "image ", i, " has no size; got ", item.height, " x ", item.width);
    }
    const std::size_t pixels = std::size_t(item.height) * std::size_t(item.width);
    if (item.map.size() != pixels || item.mask.size() != pixels) {
      refuse(function, "map and mask of image ", i, " do not fit its size; got ", item.map.size(), " and ",
             item.mask.size(), " values; expected ", item.height, " x ", item.width);
    }
    float sum = 0;
    for (const float value : item.map) {
      sum += value * 0.0F;
    }
    if (sum != 0.0F) {
      for (std::size_t p = 0; p < pixels; ++p) {
        if (!std::isfinite(item.map[p])) {
          refuse(function, "maps must be finite; got ", name_of_special(double(item.map[p])), " in image ", i,
                 " at pixel (x ", p % std::size_t(item.width), ", y ", p / std::size_t(item.width), ")");
        }
      }
    }
  }
}

}  // namespace oddity::metrics::detail
