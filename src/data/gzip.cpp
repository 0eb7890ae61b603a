#include "data/gzip.h"

#include <zlib.h>

#include <algorithm>

#include "core/error.h"
#include "core/files.h"

namespace oddity {
namespace {

/// Ends the stream on every way out.
struct InflateStream {
  z_stream z{};
  explicit InflateStream(const std::string& name) {
    constexpr int gzip_window = 15 + 16;
    if (inflateInit2(&z, gzip_window) != Z_OK) {
      fail<IoError>("[data.gzip] {}: out of memory", name);
    }
  }
  ~InflateStream() { inflateEnd(&z); }
  InflateStream(const InflateStream&) = delete;
  InflateStream& operator=(const InflateStream&) = delete;
};

}  // namespace

std::vector<std::byte> read_maybe_gzip(const std::filesystem::path& file, std::uint64_t max_bytes) {
  const std::vector<std::byte> stored = read_file(file, max_bytes);
  if (stored.size() < 2 || stored[0] != std::byte{0x1F} || stored[1] != std::byte{0x8B}) {
    return stored;
  }
  const std::string name = file.string();
  constexpr std::size_t piece = std::size_t{1} << 20;
  InflateStream stream(name);
  std::vector<std::byte> content;
  std::size_t at = 0;
  int status = Z_OK;
  while (status != Z_STREAM_END) {
    if (stream.z.avail_in == 0) {
      const std::size_t count = std::min(piece, stored.size() - at);
      stream.z.next_in = const_cast<Bytef*>(reinterpret_cast<const Bytef*>(stored.data() + at));
      stream.z.avail_in = static_cast<uInt>(count);
      at += count;
    }
    const std::size_t before = content.size();
    content.resize(before + piece);
    stream.z.next_out = reinterpret_cast<Bytef*>(content.data() + before);
    stream.z.avail_out = static_cast<uInt>(piece);
    status = inflate(&stream.z, Z_NO_FLUSH);
    content.resize(before + piece - stream.z.avail_out);
    if (status == Z_BUF_ERROR ||
        (status == Z_OK && stream.z.avail_in == 0 && at == stored.size() && stream.z.avail_out != 0)) {
      fail<ContentError>("[data.gzip] {}: truncated; the gzip data ends early", name);
    }
    if (status != Z_OK && status != Z_STREAM_END) {
      fail<ContentError>("[data.gzip] {}: damaged gzip data; {}", name,
                         stream.z.msg != nullptr ? stream.z.msg : "it does not inflate");
    }
    if (content.size() > max_bytes) {
      fail<ContentError>("[data.gzip] {}: content too large; expected at most {} bytes", name, max_bytes);
    }
  }
  return content;
}

}  // namespace oddity
