#include "data/idx_dataset.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "data/gzip.h"
#include "test_files.h"

namespace oddity {
namespace {

using test::append_u32;
using test::Bytes;
using test::message_of;
using test::TemporaryFolder;
using testing::HasSubstr;

Bytes idx(std::uint32_t magic, const std::vector<std::uint32_t>& sizes, std::size_t values) {
  Bytes bytes;
  append_u32(bytes, magic);
  for (const std::uint32_t size : sizes) {
    append_u32(bytes, size);
  }
  for (std::size_t i = 0; i < values; ++i) {
    bytes.push_back(static_cast<std::byte>(i * 7 % 256));
  }
  return bytes;
}

Bytes gzip(const Bytes& content) {
  z_stream z{};
  deflateInit2(&z, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY);
  Bytes packed(deflateBound(&z, static_cast<uLong>(content.size())) + 32);
  z.next_in = const_cast<Bytef*>(reinterpret_cast<const Bytef*>(content.data()));
  z.avail_in = static_cast<uInt>(content.size());
  z.next_out = reinterpret_cast<Bytef*>(packed.data());
  z.avail_out = static_cast<uInt>(packed.size());
  deflate(&z, Z_FINISH);
  packed.resize(z.total_out);
  deflateEnd(&z);
  return packed;
}

TEST(IdxDataset, ReadsImagesAndLabelsPlainAndPacked) {
  for (const bool packed : {false, true}) {
    const TemporaryFolder folder;
    const Bytes images = idx(0x803, {5, 3, 4}, 60);
    const Bytes labels = idx(0x801, {5}, 5);
    const std::string end = packed ? ".gz" : "";
    test::write_bytes(folder / ("t10k-images-idx3-ubyte" + end), packed ? gzip(images) : images);
    test::write_bytes(folder / ("t10k-labels-idx1-ubyte" + end), packed ? gzip(labels) : labels);
    const auto dataset = open_dataset((folder / ("t10k-images-idx3-ubyte" + end)).string());
    ASSERT_EQ(dataset->samples().size(), 5U);
    EXPECT_EQ(dataset->samples()[3].label, "21");  // 3 * 7
    EXPECT_EQ(dataset->samples()[3].split, Split::test);
    EXPECT_THAT(dataset->samples()[3].file, HasSubstr("#0000003"));
    const Image image = dataset->image(4);
    EXPECT_EQ(image.height, 3);
    EXPECT_EQ(image.width, 4);
    EXPECT_EQ(image.u8()[11], 59 * 7 % 256);
    EXPECT_FALSE(dataset->has_mask(0));
    EXPECT_THROW(dataset->mask(0), ContentError);
    EXPECT_THROW(dataset->image(5), InvalidArgument);
  }
}

TEST(IdxDataset, ReadsColourAndDoesWithoutLabels) {
  const TemporaryFolder folder;
  test::write_bytes(folder / "train-images-idx4-ubyte", idx(0x804, {2, 2, 2, 3}, 24));
  const IdxDataset dataset(folder / "train-images-idx4-ubyte");
  EXPECT_EQ(dataset.image(1).channels, 3);
  EXPECT_EQ(dataset.samples()[0].label, "unknown");
  EXPECT_EQ(dataset.samples()[0].split, Split::train);
}

TEST(IdxDataset, RefusesWhatDoesNotFit) {
  const TemporaryFolder folder;
  const auto refusal = [&](const Bytes& bytes) {
    test::write_bytes(folder / "a-images-idx3-ubyte", bytes);
    return message_of<ContentError>([&] { IdxDataset dataset(folder / "a-images-idx3-ubyte"); });
  };
  EXPECT_THAT(refusal({}), HasSubstr("not an idx file"));
  EXPECT_THAT(refusal(test::bytes_of_text("PNG image data")), HasSubstr("not an idx file"));
  EXPECT_THAT(refusal(idx(0xD03, {5, 3, 4}, 60)), HasSubstr("values of type 0x0d"));
  EXPECT_THAT(refusal(idx(0x801, {5}, 5)), HasSubstr("expected images: 3 (n, height, width)"));
  EXPECT_THAT(refusal(idx(0x807, {1, 1, 1, 1, 1, 1, 1}, 1)), HasSubstr("got 7 dimensions"));
  EXPECT_THAT(refusal(idx(0x803, {5, 3, 4}, 59)), HasSubstr("got 59 bytes after the header; its sizes say 60"));
  EXPECT_THAT(refusal(idx(0x803, {5, 3, 4}, 61)), HasSubstr("got 61 bytes"));
  EXPECT_THAT(refusal(idx(0x803, {0xFFFFFFFF, 0xFFFFFFFF, 0xFFFFFFFF}, 10)), HasSubstr("more than fits"));
  EXPECT_THAT(refusal(idx(0x803, {0, 3, 4}, 0)), HasSubstr("expected at least one"));
  EXPECT_THAT(refusal(idx(0x803, {1, 70'000, 1}, 70'000)), HasSubstr("sides 1 to 65536"));
  test::write_bytes(folder / "a-labels-idx1-ubyte", idx(0x801, {4}, 4));
  EXPECT_THAT(refusal(idx(0x803, {5, 3, 4}, 60)), HasSubstr("got 4 labels in 1 dimensions; expected 5 in 1"));
  EXPECT_THROW(IdxDataset(folder / "none-idx3-ubyte"), PathError);
}

TEST(Gzip, RefusesDamageAndBombs) {
  const TemporaryFolder folder;
  Bytes content(300'000);
  for (std::size_t i = 0; i < content.size(); ++i) {
    content[i] = static_cast<std::byte>((i * i >> 7U) & 0xFFU);
  }
  const Bytes packed = gzip(content);
  test::write_bytes(folder / "a.gz", packed);
  EXPECT_EQ(read_maybe_gzip(folder / "a.gz", 1 << 20), content);
  EXPECT_THAT(message_of<ContentError>([&] { read_maybe_gzip(folder / "a.gz", 299'999); }),
              HasSubstr("expected at most 299999 bytes"));
  for (const std::size_t length : {std::size_t{2}, std::size_t{9}, packed.size() / 2, packed.size() - 1}) {
    test::write_bytes(folder / "a.gz", Bytes(packed.begin(), packed.begin() + static_cast<std::ptrdiff_t>(length)));
    EXPECT_THAT(message_of<ContentError>([&] { read_maybe_gzip(folder / "a.gz", 1 << 20); }), HasSubstr("truncated"))
        << length;
  }
  // The trailer holds CRC-32 and length of the content: damage anywhere shows.
  for (std::size_t at = 10; at < packed.size(); at += packed.size() / 50) {
    Bytes damaged = packed;
    damaged[at] ^= std::byte{0x10};
    test::write_bytes(folder / "a.gz", damaged);
    EXPECT_THROW(read_maybe_gzip(folder / "a.gz", 1 << 20), ContentError) << at;
  }
  // 64 MiB of zeros in 64 KiB: stopped at the limit.
  test::write_bytes(folder / "bomb.gz", gzip(Bytes(std::size_t{64} << 20)));
  EXPECT_THAT(message_of<ContentError>([&] { read_maybe_gzip(folder / "bomb.gz", 1 << 20); }),
              HasSubstr("content too large"));
}

TEST(IdxDataset, KnowsItsNames) {
  EXPECT_TRUE(is_idx_name("a/t10k-images-idx3-ubyte.gz"));
  EXPECT_TRUE(is_idx_name("t10k-images.idx3-ubyte"));
  EXPECT_FALSE(is_idx_name("index.csv"));
  EXPECT_FALSE(is_idx_name("part-idx.png"));
}

}  // namespace
}  // namespace oddity
