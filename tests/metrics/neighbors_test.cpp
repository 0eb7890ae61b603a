#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <stdexcept>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "oddity/metrics/neighbors.h"

namespace oddity::metrics {
namespace {

template <class T>
std::vector<T> normal_rows(std::uint64_t seed, std::size_t rows, std::size_t columns, double shift = 0,
                           double grid = 0) {
  std::mt19937_64 random(seed);
  std::normal_distribution<double> normal;
  std::vector<T> values(rows * columns);
  for (T& value : values) {
    const double x = normal(random);
    value = T(shift + (grid > 0 ? std::round(x / grid) * grid : x));
  }
  return values;
}

/// By definition: all distances in long double, sorted by distance and row.
template <class T>
Neighbors by_definition(const std::vector<T>& reference, const std::vector<T>& queries, std::size_t columns,
                        const NeighborOptions& options) {
  const std::size_t n = reference.size() / columns, m = queries.size() / columns;
  Neighbors result{m, options.k, {}, {}};
  for (std::size_t q = 0; q < m; ++q) {
    std::vector<std::pair<double, std::int64_t>> all;
    for (std::size_t r = 0; r < n; ++r) {
      long double sum = 0, dot = 0, norm_r = 0, norm_q = 0;
      for (std::size_t d = 0; d < columns; ++d) {
        const long double a = queries[q * columns + d], b = reference[r * columns + d];
        sum += (a - b) * (a - b);
        dot += a * b;
        norm_r += b * b;
        norm_q += a * a;
      }
      if (!(options.exclude_self && r == q)) {
        all.emplace_back(
            double(options.distance == Distance::cosine ? 1 - dot / std::sqrt(norm_r * norm_q) : std::sqrt(sum)),
            std::int64_t(r));
      }
    }
    std::sort(all.begin(), all.end());
    for (std::size_t j = 0; j < options.k; ++j) {
      result.distances.push_back(all[j].first);
      result.indices.push_back(all[j].second);
    }
  }
  return result;
}

template <class T>
void expect_exact(const std::vector<T>& reference, const std::vector<T>& queries, std::size_t columns,
                  const NeighborOptions& options) {
  const auto ours = nearest_neighbors({reference, reference.size() / columns, columns},
                                      {queries, queries.size() / columns, columns}, options);
  const auto expected = by_definition(reference, queries, columns, options);
  ASSERT_EQ(ours.indices, expected.indices);
  for (std::size_t i = 0; i < expected.distances.size(); ++i) {
    // float64 sums of squares; a cosine distance near 0 keeps the absolute precision of 1 - cos in the reference.
    const double tolerance = options.distance == Distance::cosine ? 1e-15 : 1e-13 * expected.distances[i];
    ASSERT_NEAR(ours.distances[i], expected.distances[i], tolerance);
  }
}

TEST(Neighbors, EqualTheDefinitionForManySizes) {
  for (const std::size_t columns : {1U, 3U, 16U, 130U}) {
    for (const std::size_t rows : {1U, 31U, 33U, 200U}) {
      for (const std::size_t k : {std::size_t(1), std::size_t(7), rows}) {
        if (k <= rows) {
          SCOPED_TRACE(testing::Message() << columns << " columns, " << rows << " rows, k " << k);
          const auto reference = normal_rows<float>(1, rows, columns), queries = normal_rows<float>(2, 29, columns);
          expect_exact(reference, queries, columns, {k, Distance::euclidean, false});
        }
      }
    }
  }
}

TEST(Neighbors, TakeDoublesCosineAndThemselvesOut) {
  const auto rows = normal_rows<double>(3, 150, 12);
  expect_exact(rows, rows, 12, {5, Distance::euclidean, true});
  expect_exact(rows, normal_rows<double>(4, 40, 12), 12, {5, Distance::cosine, false});
}

TEST(Neighbors, StayExactWhereFloatProductsCannotTellRowsApart) {
  // Far from the origin and on tiny scales: |x|^2 + |y|^2 - 2 x.y in float32 would be noise without centring and
  // bounds.
  const auto far_rows = normal_rows<double>(5, 120, 8, 1e6), far_queries = normal_rows<double>(6, 20, 8, 1e6);
  expect_exact(far_rows, far_queries, 8, {6, Distance::euclidean, false});
  auto outlier = normal_rows<double>(7, 120, 8);
  outlier[0] = 1e12;  // everything else is one point for float32
  expect_exact(outlier, normal_rows<double>(8, 20, 8), 8, {6, Distance::euclidean, false});
  std::vector<double> tiny = normal_rows<double>(9, 90, 4);
  for (double& value : tiny) {
    value *= 1e-140;
  }
  expect_exact(tiny, tiny, 4, {3, Distance::euclidean, true});
}

TEST(Neighbors, OfEqualDistancesTheSmallerRowComesFirst) {
  const auto reference = normal_rows<float>(10, 400, 2, 0, 0.5), queries = normal_rows<float>(11, 30, 2, 0, 0.5);
  expect_exact(reference, queries, 2, {25, Distance::euclidean, false});
  const std::vector<float> equal(600 * 3, 2.5F);
  const auto found =
      nearest_neighbors({equal, 600, 3}, {std::vector<float>(3, 2.5F), 1, 3}, {4, Distance::euclidean, false});
  EXPECT_EQ(found.indices, (std::vector<std::int64_t>{0, 1, 2, 3}));
  EXPECT_EQ(found.distances, (std::vector<double>{0, 0, 0, 0}));
}

TEST(Neighbors, FloatAndDoubleOfTheSameValuesAgree) {
  const auto narrow = normal_rows<float>(12, 300, 20);
  const std::vector<double> wide(narrow.begin(), narrow.end());
  const NeighborOptions options{9, Distance::euclidean, true};
  const Matrix a{narrow, 300, 20}, b{wide, 300, 20};
  const auto of_floats = nearest_neighbors(a, a, options), of_doubles = nearest_neighbors(b, b, options);
  EXPECT_EQ(of_floats.distances, of_doubles.distances);
  EXPECT_EQ(of_floats.indices, of_doubles.indices);
  EXPECT_EQ(nearest_neighbors(a, b, options).distances, of_doubles.distances);
}

std::string message_of(const Matrix& reference, const Matrix& queries, const NeighborOptions& options) {
  try {
    nearest_neighbors(reference, queries, options);
  } catch (const std::invalid_argument& error) {
    return error.what();
  }
  return "";
}

TEST(Neighbors, RefuseBadInput) {
  const auto values = normal_rows<double>(13, 10, 2);
  const Matrix good{values, 10, 2};
  const NeighborOptions options{3, Distance::euclidean, false};
  auto with = [&](double value) {
    auto copy = values;
    copy[5] = value;
    return copy;
  };
  EXPECT_EQ(message_of(good, {values, 9, 2}, options),
            "[metrics.nearest_neighbors] queries does not fit its size; got 20 values for 9 x 2");
  EXPECT_EQ(message_of({values, 0, 2}, good, options), "[metrics.nearest_neighbors] reference is empty; got 0 x 2");
  EXPECT_EQ(message_of(good, {with(std::nan("")), 10, 2}, options),
            "[metrics.nearest_neighbors] queries must be finite; got NaN at index 5");
  EXPECT_EQ(message_of({with(INFINITY), 10, 2}, good, options),
            "[metrics.nearest_neighbors] reference must be finite; got infinity at index 5");
  EXPECT_EQ(message_of({with(-2e150), 10, 2}, good, options),
            "[metrics.nearest_neighbors] reference must be at most 1e150 in size; got -2e+150 in row 2");
  EXPECT_EQ(message_of(good, {values, 4, 5}, options),
            "[metrics.nearest_neighbors] reference and queries differ in columns; got 2 and 5");
  EXPECT_EQ(message_of(good, good, {0, Distance::euclidean, false}),
            "[metrics.nearest_neighbors] k is out of range; got 0; expected 1 to 10 (10 reference rows)");
  EXPECT_EQ(message_of(good, good, {10, Distance::euclidean, true}),
            "[metrics.nearest_neighbors] k is out of range; got 10; expected 1 to 9 (10 reference rows)");
  EXPECT_EQ(message_of(good, {std::vector<double>(4, 1.0), 2, 2}, {1, Distance::euclidean, true}),
            "[metrics.nearest_neighbors] exclude_self needs the reference as queries; got 2 and 10 rows");
  EXPECT_EQ(message_of(good, {std::vector<double>(2, 0.0), 1, 2}, {1, Distance::cosine, false}),
            "[metrics.nearest_neighbors] queries row 0 is zero; expected a direction for the cosine distance");
}

}  // namespace
}  // namespace oddity::metrics
