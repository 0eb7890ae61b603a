#include "core/digest.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "core/error.h"
#include "core/files.h"
#include "temporary_directory.h"

namespace oddity {
namespace {

// FIPS 180-4 examples and the long message of NIST's "Example Values" page.
TEST(Sha256, AgreesWithNistVectors) {
  EXPECT_EQ(sha256_hex(std::string_view("")), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(sha256_hex(std::string_view("abc")), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(sha256_hex(std::string_view("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq")),
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  EXPECT_EQ(sha256_hex(std::string(1'000'000, 'a')),
            "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST(Sha256, PiecesGiveTheDigestOfTheWhole) {
  const std::string text(1'000, 'x');
  for (const std::size_t piece : {1u, 7u, 63u, 64u, 65u, 999u}) {
    Sha256 digest;
    for (std::size_t i = 0; i < text.size(); i += piece) {
      digest.update(std::as_bytes(std::span(text).subspan(i, std::min(piece, text.size() - i))));
    }
    EXPECT_EQ(digest.finish_hex(), sha256_hex(text)) << piece;
  }
}

TEST(Sha256, AStreamEndsOnce) {
  Sha256 digest;
  digest.finish();
  EXPECT_THROW(digest.finish(), std::logic_error);
  EXPECT_THROW(digest.update({}), std::logic_error);
}

TEST(Sha256, OfAFileLargerThanOnePiece) {
  const testing::TemporaryDirectory directory;
  const std::string text((std::size_t{2} << 20) + 17, 'q');
  write_file_atomic(directory / "data", text);
  EXPECT_EQ(sha256_file(directory / "data"), sha256_hex(text));
  write_file_atomic(directory / "none", std::string_view());
  EXPECT_EQ(sha256_file(directory / "none"), sha256_hex(std::string_view()));
}

TEST(Sha256, MissingFileAndDirectoryAreTold) {
  const testing::TemporaryDirectory directory;
  EXPECT_THROW(sha256_file(directory / "absent"), PathError);
  EXPECT_THROW(sha256_file(directory.path()), PathError);
}

}  // namespace
}  // namespace oddity
