#pragma once

#include <cstddef>
#include <ranges>
#include <span>
#include <type_traits>
#include <utility>
#include <variant>

namespace oddity::metrics {

/// n real numbers in float32 or float64, seen without a copy: what functions take as scores, losses or weights. Made
/// from a span, vector or array of float or double, which must outlive it. An empty one stands for "none given" where a
/// function says so.
class Values {
public:
  Values() = default;
  Values(std::span<const float> values) : values_(values) {}
  Values(std::span<const double> values) : values_(values) {}
  template <std::ranges::contiguous_range Range>
  requires(std::is_same_v<std::ranges::range_value_t<Range>, float> ||
           std::is_same_v<std::ranges::range_value_t<Range>, double>) Values(const Range& range)
      : values_(std::span<const std::ranges::range_value_t<Range>>(range)) {}

  std::size_t size() const noexcept {
    return std::visit([](auto values) { return values.size(); }, values_);
  }
  bool empty() const noexcept { return size() == 0; }
  double operator[](std::size_t i) const noexcept {
    const auto* wide = std::get_if<1>(&values_);
    return wide != nullptr ? (*wide)[i] : double((*std::get_if<0>(&values_))[i]);
  }
  Values subspan(std::size_t first, std::size_t count) const {
    return std::visit([&](auto values) { return Values(values.subspan(first, count)); }, values_);
  }
  /// Calls `function` with a std::span<const float> or std::span<const double>: for loops that must be fast.
  template <class Function>
  decltype(auto) visit(Function&& function) const {
    return std::visit(std::forward<Function>(function), values_);
  }

private:
  std::variant<std::span<const float>, std::span<const double>> values_ = std::span<const double>();
};

/// A row-major table [rows, columns], such as probabilities of classes or features, seen without a copy.
struct Matrix {
  Values values;  ///< rows * columns
  std::size_t rows = 0, columns = 0;

  double operator()(std::size_t row, std::size_t column) const noexcept { return values[row * columns + column]; }
  Values row(std::size_t i) const { return values.subspan(i * columns, columns); }
};

}  // namespace oddity::metrics
