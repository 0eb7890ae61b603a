#include "core/nearest.h"

#include <gtest/gtest.h>

namespace oddity {
namespace {

TEST(NearestWord, IsTheOneThatWasMeant) {
  const std::vector<std::string> known = {"steps", "batch", "learning_rate", "seed", "device"};
  EXPECT_EQ(nearest_word("stepz", known), "steps");
  EXPECT_EQ(nearest_word("setps", known), "steps");  // a swap counts once
  EXPECT_EQ(nearest_word("learning-rate", known), "learning_rate");
  EXPECT_EQ(nearest_word("learningrat", known), "learning_rate");
  EXPECT_EQ(nearest_word("sede", known), "seed");
  EXPECT_EQ(nearest_word("augmentation", known), "");
  EXPECT_EQ(nearest_word("x", known), "");
  EXPECT_EQ(nearest_word("", known), "");
  EXPECT_EQ(nearest_word("foo", {"few", "drift"}), "");  // two of three letters are no likeness
  EXPECT_EQ(nearest_word("fe", {"few"}), "few");
  EXPECT_EQ(nearest_word("a", {}), "");
  EXPECT_EQ(nearest_word("ab", {"xy"}), "");  // nothing in common
}

TEST(NearestWord, OnATieTheFirstWins) {
  EXPECT_EQ(nearest_word("bat", {"cat", "rat"}), "cat");
  EXPECT_EQ(nearest_word("bat", {"rat", "cat"}), "rat");
}

TEST(NearestWord, LongWordsAreNotCompared) {
  EXPECT_EQ(nearest_word(std::string(300, 'a'), {std::string(300, 'a')}), "");  // the table would be quadratic
}

}  // namespace
}  // namespace oddity
