#include "core/version.h"

#include <gtest/gtest.h>

namespace oddity {
namespace {

TEST(Version, IsTheVersionOfTheProject) { EXPECT_STREQ(version, ODDITY_PROJECT_VERSION); }

}  // namespace
}  // namespace oddity
