#pragma once

#include <array>
#include <cstddef>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>

/// SHA-256 (FIPS 180-4), computed by OpenSSL.
namespace oddity {

/// Streaming digest: `update` any number of times, then `finish` once.
class Sha256 {
public:
  Sha256();
  ~Sha256();
  Sha256(Sha256&&) noexcept;
  Sha256& operator=(Sha256&&) noexcept;

  void update(std::span<const std::byte> bytes);
  std::array<std::byte, 32> finish();  ///< ends the stream; a second call or a later update is a bug (logic_error)
  std::string finish_hex();            ///< the same as 64 lower-case hexadecimal digits

private:
  struct State;
  std::unique_ptr<State> state_;
};

std::string sha256_hex(std::span<const std::byte> bytes);
std::string sha256_hex(std::string_view text);
/// Reads the file in pieces of 1 MiB. Throws PathError (missing or a directory) or IoError.
std::string sha256_file(const std::filesystem::path& file);

}  // namespace oddity
