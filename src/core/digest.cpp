#include "core/digest.h"

#include <cerrno>
#include <cstdio>
#include <system_error>
#include <vector>

#include <openssl/evp.h>

#include "core/error.h"

namespace oddity {

struct Sha256::State {
  struct Free {
    void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
  };
  std::unique_ptr<EVP_MD_CTX, Free> context{EVP_MD_CTX_new()};
  bool finished = false;
};

Sha256::Sha256() : state_(std::make_unique<State>()) {
  ODDITY_ASSERT(state_->context && EVP_DigestInit_ex(state_->context.get(), EVP_sha256(), nullptr) == 1);
}
Sha256::~Sha256() = default;
Sha256::Sha256(Sha256&&) noexcept = default;
Sha256& Sha256::operator=(Sha256&&) noexcept = default;

void Sha256::update(std::span<const std::byte> bytes) {
  ODDITY_ASSERT(!state_->finished);
  ODDITY_ASSERT(EVP_DigestUpdate(state_->context.get(), bytes.data(), bytes.size()) == 1);
}

std::array<std::byte, 32> Sha256::finish() {
  ODDITY_ASSERT(!state_->finished);
  state_->finished = true;
  std::array<std::byte, 32> digest{};
  ODDITY_ASSERT(EVP_DigestFinal_ex(state_->context.get(), reinterpret_cast<unsigned char*>(digest.data()), nullptr) ==
                1);
  return digest;
}

std::string Sha256::finish_hex() {
  static constexpr char digits[] = "0123456789abcdef";
  std::string text;
  for (const std::byte b : finish()) {
    text += digits[std::to_integer<unsigned>(b) >> 4];
    text += digits[std::to_integer<unsigned>(b) & 15u];
  }
  return text;
}

std::string sha256_hex(std::span<const std::byte> bytes) {
  Sha256 digest;
  digest.update(bytes);
  return digest.finish_hex();
}

std::string sha256_hex(std::string_view text) { return sha256_hex(std::as_bytes(std::span(text))); }

std::string sha256_file(const std::filesystem::path& file) {
  if (std::error_code error; std::filesystem::is_directory(file, error)) {
    fail<PathError>("[core.sha256_file] '{}' is a directory; expected a file", file.string());
  }
  struct Close {
    void operator()(std::FILE* stream) const { std::fclose(stream); }
  };
  const std::unique_ptr<std::FILE, Close> stream(std::fopen(file.c_str(), "rb"));
  if (!stream) {
    const int code = errno;
    const std::string why = std::generic_category().message(code);
    if (code == ENOENT || code == ENOTDIR) {
      fail<PathError>("[core.sha256_file] cannot open '{}': {}", file.string(), why);
    }
    fail<IoError>("[core.sha256_file] cannot open '{}': {}", file.string(), why);
  }
  Sha256 digest;
  std::vector<std::byte> piece(std::size_t{1} << 20);
  for (;;) {
    errno = 0;
    const std::size_t n = std::fread(piece.data(), 1, piece.size(), stream.get());
    digest.update({piece.data(), n});
    if (n < piece.size()) {
      if (std::ferror(stream.get()) != 0) {
        fail<IoError>("[core.sha256_file] cannot read '{}': {}", file.string(), std::generic_category().message(errno));
      }
      return digest.finish_hex();
    }
  }
}

}  // namespace oddity
