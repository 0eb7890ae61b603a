#include "training/event_writer.h"

#include <filesystem>
#include <fstream>
#include <iterator>

#include <gtest/gtest.h>

namespace oddity {
namespace {

TEST(EventWriter, Crc32cHasTheKnownValues) {  // RFC 3720, B.4
  EXPECT_EQ(crc32c("123456789"), 0xE3069283u);
  EXPECT_EQ(crc32c(std::string(32, '\0')), 0x8A9136AAu);
  EXPECT_EQ(crc32c(std::string(32, '\xFF')), 0x62A8AB43u);
}

TEST(EventWriter, FramesAreWhole) {
  const std::filesystem::path folder = std::filesystem::path(testing::TempDir()) / "events";
  std::filesystem::remove_all(folder);
  std::filesystem::create_directories(folder);
  {
    EventWriter writer(folder);
    writer.scalar("main/loss", 0.5, 300);
  }
  std::ifstream file(std::filesystem::directory_iterator(folder)->path(), std::ios::binary);
  const std::string bytes((std::istreambuf_iterator<char>(file)), {});
  std::size_t at = 0, frames = 0;
  std::string last;
  const auto number = [&](std::size_t offset, int size) {
    std::uint64_t v = 0;
    for (int i = 0; i < size; ++i) {
      v |= static_cast<std::uint64_t>(static_cast<unsigned char>(bytes[offset + static_cast<std::size_t>(i)]))
           << (8 * i);
    }
    return v;
  };
  const auto masked = [](std::string_view text) {
    const std::uint32_t c = crc32c(text);
    return ((c >> 15) | (c << 17)) + 0xA282EAD8u;
  };
  while (at < bytes.size()) {
    const std::uint64_t length = number(at, 8);
    ASSERT_EQ(number(at + 8, 4), masked(std::string_view(bytes).substr(at, 8)));
    last = bytes.substr(at + 12, length);
    ASSERT_EQ(number(at + 12 + length, 4), masked(last));
    at += 16 + length;
    ++frames;
  }
  EXPECT_EQ(frames, 2u);
  EXPECT_NE(last.find("main/loss"), std::string::npos);
  EXPECT_NE(last.find(std::string("\x10\xAC\x02", 3)), std::string::npos) << "field 2, varint 300";
}

}  // namespace
}  // namespace oddity
