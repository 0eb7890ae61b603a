#include <cmath>
#include <numbers>
#include <random>
#include <stdexcept>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "oddity/metrics/density.h"

namespace oddity::metrics {
namespace {

/// Uniform on a cube of `dimension`, embedded in `columns` by a fixed rotation-like mix that keeps lengths.
std::vector<double> embedded_cube(std::uint64_t seed, std::size_t rows, std::size_t dimension, std::size_t columns) {
  std::mt19937_64 random(seed);
  std::uniform_real_distribution<double> uniform;
  std::vector<double> values(rows * columns);
  for (std::size_t i = 0; i < rows; ++i) {
    for (std::size_t d = 0; d < dimension; ++d) {
      // One coordinate goes to two columns as a unit vector: distances stay.
      const double x = uniform(random);
      values[i * columns + 2 * d] = x * 0.6;
      values[i * columns + 2 * d + 1] = x * 0.8;
    }
  }
  return values;
}

TEST(Density, DigammaIsThatOfTheTables) {
  EXPECT_NEAR(digamma(1), -std::numbers::egamma, 1e-13);
  EXPECT_NEAR(digamma(0.5), -std::numbers::egamma - 2 * std::numbers::ln2, 1e-13);
  EXPECT_NEAR(digamma(10), 2.2517525890667211, 1e-13);  // Abramowitz and Stegun, table 6.1
  EXPECT_THROW(digamma(0), std::invalid_argument);
}

TEST(Density, DimensionOfAManifoldNotOfItsSurroundings) {
  for (const std::size_t dimension : {1U, 2U, 4U}) {
    const auto rows = embedded_cube(dimension, 3000, dimension, 12);
    const auto estimate = intrinsic_dimension({rows, 3000, 12}, 12);
    EXPECT_NEAR(estimate.value, double(dimension), 0.1 * double(dimension)) << dimension;
    EXPECT_EQ(estimate.n, 3000U);
  }
}

TEST(Density, DimensionCountsDuplicatesAndKnowsWhenThereIsNone) {
  auto rows = embedded_cube(5, 500, 2, 4);
  for (std::size_t i = 0; i < 20 * 4; ++i) {
    rows[i] = 0.5;  // twenty times the same row
  }
  const auto estimate = intrinsic_dimension({rows, 500, 4}, 10);
  EXPECT_EQ(estimate.duplicates, 20U);
  EXPECT_NEAR(estimate.value, 2, 0.3);
  EXPECT_THROW(intrinsic_dimension({std::vector<double>(40, 1.0), 20, 2}, 5), std::invalid_argument);
}

TEST(Density, MeanLogDensityOfAUniformCubeIsZero) {
  // Entropy of the unit cube is 0 (Kozachenko and Leonenko); queries keep away from the edge, where balls leave the
  // cube.
  const auto rows = embedded_cube(6, 20000, 2, 4);
  std::vector<double> inner;
  for (std::size_t i = 0; i < 4000; ++i) {
    for (std::size_t c = 0; c < 4; ++c) {
      inner.push_back((c % 2 == 0 ? 0.6 : 0.8) * (0.2 + 0.6 * double((i * (c / 2 * 7 + 1)) % 4000) / 4000));
    }
  }
  DensityOptions options;
  options.dimension = 2;
  const auto density = log_density({rows, 20000, 4}, {inner, 4000, 4}, options);
  double mean = 0;
  for (const double value : density.values) {
    mean += value / 4000;
  }
  // Var log p = trigamma(k) = 0.105; 4,000 queries overlap in about 20,000 / (pi k) independent balls.
  EXPECT_NEAR(mean, 0, 5 * std::sqrt(0.105 / 600));
  EXPECT_EQ(density.n, 20000U);
  EXPECT_EQ(density.dimension.n, 0U);
}

TEST(Density, OneDimensionByHand) {
  const std::vector<double> reference{0, 1, 3, 7};
  DensityOptions options;
  options.k = 2;
  options.dimension = 1;
  const auto density = log_density({reference, 4, 1}, {std::vector<double>{0.5, 3}, 2, 1}, options);
  // psi(2) = 1 - gamma, V_1 = 2; radii 0.5 and 2.
  const double constant = 1 - std::numbers::egamma - std::log(4.0) - std::log(2.0);
  EXPECT_NEAR(density.values[0], constant - std::log(0.5), 1e-12);
  EXPECT_NEAR(density.values[1], constant - std::log(2.0), 1e-12);
}

TEST(Density, OrdersThinPlacesBelowThickOnesAndMarksDuplicates) {
  std::mt19937_64 random(7);
  std::normal_distribution<double> normal;
  std::vector<double> reference(2000 * 3);
  for (double& value : reference) {
    value = normal(random);
  }
  const auto density = log_density({reference, 2000, 3}, {std::vector<double>{0, 0, 0, 2, 2, 2, 6, 6, 6}, 3, 3});
  EXPECT_GT(density.values[0], density.values[1]);
  EXPECT_GT(density.values[1], density.values[2]);
  EXPECT_NEAR(density.dimension.value, 3, 0.5);
  // Of a normal density at its centre: log (2 pi)^(-3/2).
  DensityOptions given;
  given.dimension = 3;
  given.k = 40;
  EXPECT_NEAR(log_density({reference, 2000, 3}, {std::vector<double>{0, 0, 0}, 1, 3}, given).values[0],
              -1.5 * std::log(2 * std::numbers::pi), 0.6);  // three standard deviations 1 / sqrt(40), and curvature
  const std::vector<double> same(30, 1.0);
  given.k = 3;
  EXPECT_EQ(log_density({same, 10, 3}, {std::vector<double>(3, 1.0), 1, 3}, given).values[0], INFINITY);
}

TEST(Density, OfTheReferenceItselfEstimatesTheDimensionFromTheSameNeighbours) {
  const auto rows = embedded_cube(9, 400, 2, 4);
  const Matrix matrix{rows, 400, 4};
  for (const std::size_t k : {5U, 40U}) {  // fewer and more neighbours than the estimate takes
    DensityOptions options;
    options.k = k;
    options.exclude_self = true;
    const auto estimated = log_density(matrix, matrix, options);
    options.dimension = intrinsic_dimension(matrix, options.dimension_k).value;
    EXPECT_EQ(estimated.dimension.value, options.dimension);
    EXPECT_EQ(estimated.values, log_density(matrix, matrix, options).values);
  }
  DensityOptions none;
  none.k = 0;
  none.exclude_self = true;
  EXPECT_THROW(log_density(matrix, matrix, none), std::invalid_argument);
}

TEST(Density, CosineUsesChordsOfTheSphere) {
  // Directions on a circle: the sphere's dimension is 1, whatever the lengths.
  std::mt19937_64 random(8);
  std::uniform_real_distribution<double> angle(0, 2 * std::numbers::pi), length(0.5, 5);
  std::vector<double> rows;
  for (int i = 0; i < 3000; ++i) {
    const double a = angle(random), r = length(random);
    rows.insert(rows.end(), {r * std::cos(a), r * std::sin(a)});
  }
  DensityOptions options;
  options.distance = Distance::cosine;
  const auto density = log_density({rows, 3000, 2}, {std::vector<double>{3, 0, 0, 0.1}, 2, 2}, options);
  EXPECT_NEAR(density.dimension.value, 1, 0.1);
  for (const double value : density.values) {
    EXPECT_NEAR(value, -std::log(2 * std::numbers::pi), 1.1);  // uniform on the circle; 3 / sqrt(k) and the dimension
  }
}

TEST(Density, RefusesBadInput) {
  const std::vector<double> rows{1, 2, 3, 4, 5, 6};
  const Matrix good{rows, 6, 1};
  const auto message = [&](const DensityOptions& options, const Matrix& reference) -> std::string {
    try {
      log_density(reference, good, options);
    } catch (const std::invalid_argument& error) {
      return error.what();
    }
    return "";
  };
  DensityOptions options;
  options.k = 2;
  options.dimension = -1;
  EXPECT_EQ(
      message(options, good),
      "[metrics.log_density] dimension is out of range; got -1; expected a finite value above 0, or 0 to estimate it");
  options.dimension = 0;
  EXPECT_EQ(message(options, {std::vector<double>{1, 2, 3}, 3, 1}),
            "[metrics.log_density] dimension cannot be estimated; got 3 reference rows and dimension_k 20; expected at "
            "least 4 rows and 3 neighbours, or a given dimension");
  options.k = 9;
  EXPECT_EQ(message(options, good),
            "[metrics.nearest_neighbors] k is out of range; got 9; expected 1 to 6 (6 reference rows)");
  EXPECT_THROW(intrinsic_dimension(good, 2), std::invalid_argument);
  EXPECT_THROW(intrinsic_dimension(good, 6), std::invalid_argument);
}

}  // namespace
}  // namespace oddity::metrics
