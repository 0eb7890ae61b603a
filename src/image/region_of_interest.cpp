#include "image/region_of_interest.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "core/error.h"

namespace oddity {
namespace {

constexpr std::size_t max_polygons = 1'000;
constexpr std::size_t max_points = 10'000;
constexpr std::size_t max_text = 1 << 20;

}  // namespace

void check_polygons(const Polygons& polygons) {
  if (polygons.size() > max_polygons) {
    fail<InvalidArgument>("[image.region_of_interest] too many polygons; got {}; expected at most {}", polygons.size(),
                          max_polygons);
  }
  for (std::size_t p = 0; p < polygons.size(); ++p) {
    const std::size_t points = polygons[p].size();
    if (points < 3 || points > max_points) {
      fail<InvalidArgument>("[image.region_of_interest] polygon {} has {} points; expected 3 to {}", p + 1, points,
                            max_points);
    }
    for (std::size_t i = 0; i < points; ++i) {
      const auto& [x, y] = polygons[p][i];
      if (!(x >= 0.0 && x <= 1.0 && y >= 0.0 && y <= 1.0)) {
        fail<InvalidArgument>(
            "[image.region_of_interest] polygon {}, point {} outside the image; got [{}, {}]; expected fractions of "
            "width and height in [0, 1]",
            p + 1, i + 1, x, y);
      }
    }
  }
}

Polygons parse_polygons(const std::string& text) {
  if (text.find_first_not_of(" \t\r\n") == std::string::npos) {
    return {};
  }
  if (text.size() > max_text) {
    fail<InvalidArgument>("[image.region_of_interest] text too long; got {} bytes; expected at most {}", text.size(),
                          max_text);
  }
  Polygons polygons;
  try {
    // Only four levels can be right; the parser is stopped there so that hostile nesting costs nothing.
    bool too_deep = false;
    const auto guard = [&](int depth, nlohmann::json::parse_event_t, nlohmann::json&) {
      too_deep = too_deep || depth > 4;
      return depth <= 4;
    };
    const nlohmann::json document = nlohmann::json::parse(text, guard);
    if (too_deep) {
      fail<InvalidArgument>(
          "[image.region_of_interest] nested too deeply; got more than 3 levels of lists; expected "
          "[[[x, y], ...], ...]");
    }
    polygons = document.get<Polygons>();
  } catch (const nlohmann::json::exception& error) {
    fail<InvalidArgument>(
        "[image.region_of_interest] not a list of polygons; got {}; expected JSON [[[x, y], [x, y], [x, y], ...], ...]",
        error.what());
  }
  check_polygons(polygons);
  return polygons;
}

Image rasterise(const Polygons& polygons, int height, int width) {
  check_polygons(polygons);
  Image mask(height, width, 1, Depth::u8);
  if (polygons.empty()) {
    std::fill(mask.pixels.begin(), mask.pixels.end(), std::byte{255});
    return mask;
  }
  std::vector<double> crossings;
  for (const auto& polygon : polygons) {
    for (int row = 0; row < height; ++row) {
      const double y = row + 0.5;
      crossings.clear();
      for (std::size_t i = 0; i < polygon.size(); ++i) {
        const auto& a = polygon[i];
        const auto& b = polygon[(i + 1) % polygon.size()];
        const double ya = a.second * height;
        const double yb = b.second * height;
        // Half-open in y: a point that two edges share counts once.
        if ((ya <= y) != (yb <= y)) {
          crossings.push_back((a.first + (y - ya) / (yb - ya) * (b.first - a.first)) * width);
        }
      }
      std::sort(crossings.begin(), crossings.end());
      std::uint8_t* target = mask.u8() + static_cast<std::size_t>(row) * static_cast<std::size_t>(width);
      for (std::size_t i = 0; i + 1 < crossings.size(); i += 2) {
        // Pixel x is in when crossings[i] <= x + 0.5 < crossings[i + 1].
        const int begin = std::max(0, static_cast<int>(std::ceil(crossings[i] - 0.5)));
        const int end = std::min(width, static_cast<int>(std::ceil(crossings[i + 1] - 0.5)));
        if (begin < end) {
          std::fill(target + begin, target + end, std::uint8_t{255});
        }
      }
    }
  }
  return mask;
}

}  // namespace oddity
