#include "metrics/ordered_counts.h"

#include <algorithm>
#include <numeric>

namespace oddity::metrics::detail {

OrderedCounts::OrderedCounts() : nodes_(1) {}

OrderedCounts::OrderedCounts(std::span<const double> values, std::span<const std::uint64_t> counts)
    : nodes_(1), distinct_(values.size()) {
  if (values.empty()) {
    return;
  }
  // Leaves three quarters full, so that the next insertions do not split each of them; then level by level up.
  constexpr std::size_t filled = capacity * 3 / 4;
  nodes_.clear();
  for (std::size_t first = 0; first < values.size(); first += filled) {
    Node& node = nodes_.emplace_back();
    node.used = std::uint32_t(std::min(filled, values.size() - first));
    std::copy_n(values.begin() + std::ptrdiff_t(first), node.used, node.keys.begin());
    std::copy_n(counts.begin() + std::ptrdiff_t(first), node.used, node.counts.begin());
  }
  std::size_t level = 0, end = nodes_.size();
  while (end - level > 1) {
    for (std::size_t first = level; first < end; first += filled) {
      Node node;
      node.leaf = false;
      for (std::size_t child = first; child < std::min(first + filled, end); ++child) {
        const Node& below = nodes_[child];
        node.keys[node.used] = below.keys[0];
        node.counts[node.used] =
            std::accumulate(below.counts.begin(), below.counts.begin() + below.used, std::uint64_t(0));
        node.children[node.used++] = std::uint32_t(child);
      }
      nodes_.push_back(node);
    }
    level = end;
    end = nodes_.size();
  }
  root_ = std::uint32_t(nodes_.size() - 1);
  size_ = std::accumulate(counts.begin(), counts.end(), std::uint64_t(0));
}

/// The upper half of a full child becomes its right sibling; the parent has room.
void OrderedCounts::split(std::uint32_t parent, std::size_t slot) {
  constexpr std::size_t half = capacity / 2;
  const std::uint32_t left = nodes_[parent].children[slot];
  const auto right = std::uint32_t(nodes_.size());
  nodes_.emplace_back();
  Node& from = nodes_[left];
  Node& to = nodes_[right];
  to.leaf = from.leaf;
  to.used = capacity - half;
  from.used = half;
  std::copy_n(from.keys.begin() + half, to.used, to.keys.begin());
  std::copy_n(from.counts.begin() + half, to.used, to.counts.begin());
  if (!from.leaf) {
    std::copy_n(from.children.begin() + half, to.used, to.children.begin());
  }
  Node& above = nodes_[parent];
  const auto shift = [&](auto& entries) {
    std::move_backward(entries.begin() + std::ptrdiff_t(slot) + 1, entries.begin() + above.used,
                       entries.begin() + above.used + 1);
  };
  shift(above.keys);
  shift(above.counts);
  shift(above.children);
  ++above.used;
  above.keys[slot + 1] = to.keys[0];
  above.children[slot + 1] = right;
  above.counts[slot + 1] = std::accumulate(to.counts.begin(), to.counts.begin() + to.used, std::uint64_t(0));
  above.counts[slot] -= above.counts[slot + 1];
}

OrderedCounts::Place OrderedCounts::insert(double value, std::uint64_t count) {
  // Full nodes are split on the way down, so that a split always finds room above it.
  if (nodes_[root_].used == capacity) {
    Node top;
    top.leaf = false;
    top.used = 1;
    top.keys[0] = nodes_[root_].keys[0];
    top.counts[0] = size_;
    top.children[0] = root_;
    root_ = std::uint32_t(nodes_.size());
    nodes_.push_back(top);
    split(root_, 0);
  }
  size_ += count;
  Place place;
  std::uint32_t at = root_;
  const auto slot_of = [&](const Node& node) {  // the last child that begins at or below the value, or the first
    std::size_t slot = 0;
    for (std::size_t i = 1; i < node.used; ++i) {
      slot += node.keys[i] <= value;
    }
    return slot;
  };
  while (!nodes_[at].leaf) {
    std::size_t slot = slot_of(nodes_[at]);
    if (nodes_[nodes_[at].children[slot]].used == capacity) {
      split(at, slot);
      slot += nodes_[at].keys[slot + 1] <= value;
    }
    Node& node = nodes_[at];
    place.less = std::accumulate(node.counts.begin(), node.counts.begin() + std::ptrdiff_t(slot), place.less);
    node.counts[slot] += count;
    node.keys[slot] = std::min(node.keys[slot], value);
    at = node.children[slot];
  }
  Node& leaf = nodes_[at];
  const auto end = leaf.keys.begin() + leaf.used;
  const auto found = std::lower_bound(leaf.keys.begin(), end, value);
  const std::ptrdiff_t slot = found - leaf.keys.begin();
  place.less = std::accumulate(leaf.counts.begin(), leaf.counts.begin() + slot, place.less);
  if (found != end && *found == value) {
    place.equal = leaf.counts[std::size_t(slot)];
    leaf.counts[std::size_t(slot)] += count;
    return place;
  }
  std::move_backward(found, end, end + 1);
  std::move_backward(leaf.counts.begin() + slot, leaf.counts.begin() + leaf.used, leaf.counts.begin() + leaf.used + 1);
  *found = value;
  leaf.counts[std::size_t(slot)] = count;
  ++leaf.used;
  ++distinct_;
  return place;
}

void OrderedCounts::list(std::uint32_t node, std::vector<double>& values, std::vector<std::uint64_t>& counts) const {
  const Node& at = nodes_[node];
  for (std::size_t i = 0; i < at.used; ++i) {
    if (!at.leaf) {
      list(at.children[i], values, counts);
    } else {
      values.push_back(at.keys[i]);
      counts.push_back(at.counts[i]);
    }
  }
}

void OrderedCounts::list(std::vector<double>& values, std::vector<std::uint64_t>& counts) const {
  values.clear();
  counts.clear();
  values.reserve(distinct_);
  counts.reserve(distinct_);
  list(root_, values, counts);
}

}  // namespace oddity::metrics::detail
