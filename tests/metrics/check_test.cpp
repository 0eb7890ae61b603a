#include "metrics/check.h"

#include <cmath>
#include <cstdint>
#include <limits>
#include <random>
#include <vector>

#include <gtest/gtest.h>

#include "tests/metrics/message_of.h"

namespace oddity::metrics::detail {
namespace {

using testing::message_of;

template <class T>
class Checks : public ::testing::Test {};
using Floats = ::testing::Types<float, double>;
TYPED_TEST_SUITE(Checks, Floats);

template <class T>
std::vector<T> special_values() {
  using Limits = std::numeric_limits<T>;
  const T above_one = std::nextafter(T(1), T(2)), below_one = std::nextafter(T(1), T(0));
  std::vector<T> values{0, Limits::denorm_min(), T(1e-40), Limits::min(), T(0.5), below_one, 1, above_one, 2, T(1e30)};
  values.insert(values.end(), {Limits::max(), Limits::infinity(), Limits::quiet_NaN(), Limits::signaling_NaN()});
  const std::size_t positive = values.size();
  for (std::size_t i = 0; i < positive; ++i) {
    values.push_back(std::copysign(values[i], T(-1)));
  }
  return values;
}

TYPED_TEST(Checks, agree_with_their_definition_at_each_place_of_each_length) {
  for (std::size_t n = 1; n <= 35; ++n) {  // any rest after full vectors
    for (std::size_t at = 0; at < n; ++at) {
      for (const TypeParam value : special_values<TypeParam>()) {
        std::vector<TypeParam> values(n, TypeParam(0.25));
        values[at] = value;
        const std::span<const TypeParam> span(values);
        EXPECT_EQ(all_finite(span), bool(std::isfinite(value))) << value << " at " << at << " of " << n;
        EXPECT_EQ(all_in_unit(span), value >= 0 && value <= 1) << value << " at " << at << " of " << n;
      }
    }
  }
  EXPECT_TRUE(all_finite(std::span<const TypeParam>()));
  EXPECT_TRUE(all_in_unit(std::span<const TypeParam>()));
}

TYPED_TEST(Checks, agree_with_their_definition_for_any_bits) {
  std::mt19937_64 random(1);
  std::size_t finite = 0, inside = 0;
  constexpr std::size_t draws = 1 << 20;
  for (std::size_t i = 0; i < draws; ++i) {
    const auto value = std::bit_cast<TypeParam>(Bits<TypeParam>(random()));
    const std::span<const TypeParam> one(&value, 1);
    ASSERT_EQ(all_finite(one), bool(std::isfinite(value))) << value;
    ASSERT_EQ(all_in_unit(one), value >= 0 && value <= 1) << value;
    finite += all_finite(one);
    inside += all_in_unit(one);
  }
  EXPECT_LT(finite, draws);
  EXPECT_GT(inside, draws / 8);  // a quarter of all patterns
}

TYPED_TEST(Checks, two_bad_values_do_not_cancel) {
  using Limits = std::numeric_limits<TypeParam>;
  for (const TypeParam first : special_values<TypeParam>()) {
    for (const TypeParam second : special_values<TypeParam>()) {
      const std::vector<TypeParam> values{first, second};
      const std::span<const TypeParam> span(values);
      EXPECT_EQ(all_finite(span), std::isfinite(first) && std::isfinite(second));
      EXPECT_EQ(all_in_unit(span), first >= 0 && first <= 1 && second >= 0 && second <= 1);
    }
  }
  const std::vector<TypeParam> cancel{Limits::infinity(), -Limits::infinity()};
  EXPECT_EQ(message_of([&] { require_finite("f", "scores", Values(cancel)); }),
            "[metrics.f] scores must be finite; got infinity at index 0");
}

TYPED_TEST(Checks, probabilities_of_classes_tell_the_first_bad_place) {
  const std::size_t rows = 3000;  // several blocks of rows
  const auto told = [&](const std::vector<std::pair<std::size_t, TypeParam>>& changes) {
    std::vector<TypeParam> table(2 * rows, TypeParam(0.5));
    for (const auto& [place, value] : changes) {
      table[place] = value;
    }
    return message_of([&] { require_probabilities("f", "probabilities", {Values(table), rows, 2}); });
  };
  const TypeParam nan = std::numeric_limits<TypeParam>::quiet_NaN();
  EXPECT_EQ(told({}), "accepted");
  EXPECT_EQ(told({{4001, nan}}), "[metrics.f] probabilities must be finite; got NaN at index 4001");
  // What is no number is told before what is no probability, wherever it stands.
  EXPECT_EQ(told({{1, 0.25}, {4001, nan}}), "[metrics.f] probabilities must be finite; got NaN at index 4001");
  EXPECT_EQ(told({{1, 2}, {4001, nan}}), "[metrics.f] probabilities must be finite; got NaN at index 4001");
  EXPECT_EQ(told({{4001, 2}, {4003, 3}}),
            "[metrics.f] probabilities must be probabilities; got 2 in row 2000 column 1; expected values in [0, 1]");
  EXPECT_EQ(
      told({{4000, -0.5}, {4001, 1.5}}),  // sums to one
      "[metrics.f] probabilities must be probabilities; got -0.5 in row 2000 column 0; expected values in [0, 1]");
  EXPECT_EQ(told({{4000, 0.25}, {4003, 2}}),
            "[metrics.f] probabilities must be probabilities; row 2000 sums to 0.75; expected 1");
}

}  // namespace
}  // namespace oddity::metrics::detail
