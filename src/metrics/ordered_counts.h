#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

/// A growing multiset of numbers that knows ranks.
namespace oddity::metrics::detail {

/// A B+ tree whose nodes hold how many numbers lie below each entry. Equal numbers share one entry with a count, so a
/// stream of few distinct values stays small. Not for NaN; -0 and +0 are equal.
class OrderedCounts {
public:
  struct Place {
    std::uint64_t less = 0, equal = 0;  ///< of the numbers that were there before
  };

  OrderedCounts();
  /// `values` strictly ascending with their counts, each above 0. O(n).
  OrderedCounts(std::span<const double> values, std::span<const std::uint64_t> counts);

  /// Adds `value` `count` times. O(log n), also at worst.
  Place insert(double value, std::uint64_t count = 1);
  std::uint64_t size() const noexcept { return size_; }
  std::size_t distinct() const noexcept { return distinct_; }
  /// The distinct values ascending, and how often each is there.
  void list(std::vector<double>& values, std::vector<std::uint64_t>& counts) const;

private:
  static constexpr std::size_t capacity = 32;
  struct Node {
    std::uint32_t used = 0;
    bool leaf = true;
    std::array<double, capacity> keys{};             ///< leaf: the values; inner: the smallest value below each child
    std::array<std::uint64_t, capacity> counts{};    ///< leaf: of the value; inner: of everything below the child
    std::array<std::uint32_t, capacity> children{};  ///< inner nodes only
  };

  void split(std::uint32_t parent, std::size_t slot);
  void list(std::uint32_t node, std::vector<double>& values, std::vector<std::uint64_t>& counts) const;

  std::vector<Node> nodes_;
  std::uint32_t root_ = 0;
  std::uint64_t size_ = 0;
  std::size_t distinct_ = 0;
};

}  // namespace oddity::metrics::detail
