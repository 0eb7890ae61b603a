#include <algorithm>
#include <array>
#include <limits>

#include "metrics/check.h"
#include "oddity/metrics/regions.h"

namespace oddity::metrics {
namespace {

using detail::refuse;

struct Run {
  int y, x0, x1;  // x1 exclusive
};

std::int32_t find_root(std::vector<std::int32_t>& parent, std::int32_t i) {
  while (parent[std::size_t(i)] != i) {
    parent[std::size_t(i)] = parent[std::size_t(parent[std::size_t(i)])];
    i = parent[std::size_t(i)];
  }
  return i;
}

void require_size(const char* function, std::size_t values, int height, int width) {
  if (height < 1 || width < 1) {
    refuse(function, "map has no size; got ", height, " x ", width);
  }
  const std::size_t pixels = std::size_t(height) * std::size_t(width);
  if (values != pixels) {
    refuse(function, "map does not fit its size; got ", values, " values; expected ", height, " x ", width);
  }
  if (pixels > std::size_t(std::numeric_limits<std::int32_t>::max())) {
    refuse(function, "map is too large; got ", height, " x ", width, "; expected at most 2^31 - 1 pixels");
  }
}

}  // namespace

Components connected_components(std::span<const std::uint8_t> mask, int height, int width) {
  require_size("connected_components", mask.size(), height, width);
  Components result;
  result.labels.assign(mask.size(), 0);

  // Runs of a row join the runs of the row above that they touch, diagonals included. The root of a set is its first
  // run, so labels follow raster order.
  std::vector<Run> runs;
  std::vector<std::int32_t> parent;
  std::size_t above_begin = 0, above_end = 0;
  for (int y = 0; y < height; ++y) {
    const auto row_begin = mask.begin() + std::ptrdiff_t(y) * width;
    const auto row_end = row_begin + width;
    const std::size_t first = runs.size();
    std::size_t above = above_begin;
    for (auto at = row_begin;;) {
      at = std::find_if(at, row_end, [](std::uint8_t v) { return v != 0; });
      if (at == row_end) {
        break;
      }
      const auto end = std::find(at, row_end, std::uint8_t(0));
      const Run run{y, int(at - row_begin), int(end - row_begin)};
      at = end;
      auto root = std::int32_t(runs.size());
      runs.push_back(run);
      parent.push_back(root);
      while (above < above_end && runs[above].x1 < run.x0) {
        ++above;
      }
      for (std::size_t i = above; i < above_end && runs[i].x0 <= run.x1; ++i) {
        const std::int32_t other = find_root(parent, std::int32_t(i));
        parent[std::size_t(std::max(root, other))] = std::min(root, other);
        root = std::min(root, other);
      }
    }
    above_begin = first;
    above_end = runs.size();
  }

  std::vector<std::int32_t> label_of(runs.size(), 0);
  for (std::size_t i = 0; i < runs.size(); ++i) {
    const Run& run = runs[i];
    const auto root = std::size_t(find_root(parent, std::int32_t(i)));
    if (root == i) {
      Component component;
      component.label = int(result.components.size()) + 1;
      component.x0 = run.x0, component.x1 = run.x1, component.y0 = run.y, component.y1 = run.y + 1;
      label_of[i] = component.label;
      result.components.push_back(component);
    }
    const std::int32_t label = label_of[root];
    Component& component = result.components[std::size_t(label) - 1];
    component.x0 = std::min(component.x0, run.x0);
    component.x1 = std::max(component.x1, run.x1);
    component.y1 = run.y + 1;
    const double length = run.x1 - run.x0;
    component.area += std::size_t(run.x1 - run.x0);
    component.centroid_x += length * 0.5 * (run.x0 + run.x1 - 1);  // sums until the division below
    component.centroid_y += length * run.y;
    const auto begin = result.labels.begin() + std::ptrdiff_t(run.y) * width;
    std::fill(begin + run.x0, begin + run.x1, label);
  }
  for (Component& component : result.components) {
    component.centroid_x /= double(component.area);
    component.centroid_y /= double(component.area);
  }
  return result;
}

std::vector<std::pair<int, int>> outer_contour(const Components& components, int height, int width, int label) {
  constexpr const char* function = "outer_contour";
  require_size(function, components.labels.size(), height, width);
  if (label < 1 || std::size_t(label) > components.components.size()) {
    refuse(function, "label does not exist; got ", label, "; expected 1 to ", components.components.size());
  }
  const auto inside = [&](int x, int y) {
    return x >= 0 && y >= 0 && x < width && y < height &&
           components.labels[std::size_t(y) * std::size_t(width) + std::size_t(x)] == label;
  };
  const Component& component = components.components[std::size_t(label) - 1];
  int start_x = component.x0;
  while (!inside(start_x, component.y0)) {
    ++start_x;
  }
  const int start_y = component.y0;

  // Clockwise with y downwards, from east.
  constexpr std::array<int, 8> dx{1, 1, 0, -1, -1, -1, 0, 1}, dy{0, 1, 1, 1, 0, -1, -1, -1};
  const auto next_direction = [&](int x, int y, int from) {
    for (int turn = 0; turn < 8; ++turn) {
      const int direction = (from + turn) & 7;
      if (inside(x + dx[std::size_t(direction)], y + dy[std::size_t(direction)])) {
        return direction;
      }
    }
    return -1;
  };
  std::vector<std::pair<int, int>> contour{{start_x, start_y}};
  // Nothing lies west of the start or above it, so the search begins at north-east.
  const int first = next_direction(start_x, start_y, 7);
  if (first < 0) {
    return contour;
  }
  int x = start_x, y = start_y, direction = first;
  for (;;) {
    x += dx[std::size_t(direction)];
    y += dy[std::size_t(direction)];
    // The neighbour examined just before this pixel was outside: go on from there (Jacob's criterion to stop: back at
    // the start and about to leave it as at first).
    const int next = next_direction(x, y, (direction + 6 - (direction & 1)) & 7);
    if (x == start_x && y == start_y && next == first) {
      return contour;
    }
    contour.emplace_back(x, y);
    direction = next;
  }
}

}  // namespace oddity::metrics
