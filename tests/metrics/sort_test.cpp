#include "metrics/sort.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>

#include <gtest/gtest.h>

namespace oddity::metrics::detail {
namespace {

TEST(Sort, keys_keep_the_order_of_scores) {
  const float least = std::numeric_limits<float>::denorm_min(), most = std::numeric_limits<float>::max();
  const std::vector<float> descending{most, 2, 1, least, 0, -least, -1, -2, -most};
  for (std::size_t i = 1; i < descending.size(); ++i) {
    EXPECT_LT(descending_key(descending[i - 1]), descending_key(descending[i]));
    EXPECT_LT(descending_key(double(descending[i - 1])), descending_key(double(descending[i])));
    EXPECT_EQ(score_of_key<float>(descending_key(descending[i])), descending[i]);
  }
  EXPECT_EQ(descending_key(0.0F), descending_key(-0.0F));
}

template <class Key>
void expect_sorted(std::size_t n, Key mask, unsigned seed) {
  std::mt19937_64 random(seed);
  std::vector<Key> keys(n);
  for (Key& key : keys) {
    key = Key(random()) & mask;
  }
  std::vector<Key> expected = keys;
  std::sort(expected.begin(), expected.end());
  radix_sort(keys);
  EXPECT_EQ(keys, expected) << n << " " << mask;
}

TEST(Sort, agrees_with_std_sort_below_and_above_the_sizes_at_which_it_changes_its_way) {
  for (const std::size_t n : {0U, 1U, 4095U, 4096U, 262143U, 262144U, 700001U}) {
    expect_sorted<std::uint32_t>(n, ~0U, 1);
    expect_sorted<std::uint64_t>(n, ~0ULL, 2);
    expect_sorted<std::uint32_t>(n, 0x00ff00ffU, 3);            // passes in which all keys agree
    expect_sorted<std::uint64_t>(n, 0xff00000000000000ULL, 4);  // one pass in eight
    expect_sorted<std::uint32_t>(n, 0, 5);
  }
}

TEST(Sort, is_stable_below_the_first_bit_and_among_records) {
  struct Record {
    std::uint32_t key, place;
  };
  std::mt19937_64 random(7);
  for (const std::size_t n : {1000U, 300000U}) {
    std::vector<Record> records(n);
    std::vector<std::uint64_t> packed(n);
    for (std::size_t i = 0; i < n; ++i) {
      records[i] = {std::uint32_t(random()) % 1000, std::uint32_t(i)};
      packed[i] = std::uint64_t(records[i].key) << 32 | records[i].place;
    }
    radix_sort(records, 0, [](const Record& record) { return record.key; });
    radix_sort(packed, 32);
    for (std::size_t i = 1; i < n; ++i) {
      ASSERT_TRUE(records[i - 1].key < records[i].key ||
                  (records[i - 1].key == records[i].key && records[i - 1].place < records[i].place));
      ASSERT_LT(packed[i - 1], packed[i]);
    }
  }
}

}  // namespace
}  // namespace oddity::metrics::detail
