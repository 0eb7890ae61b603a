#pragma once

#include <zlib.h>

#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>
#include <vector>

#include <unistd.h>

#include "core/error.h"
#include "data/dataset.h"
#include "image/image.h"

/// Files that tests make for themselves.
namespace oddity::test {

/// A folder that is gone at the end of the test.
class TemporaryFolder {
public:
  TemporaryFolder() {
    static int counter = 0;
    path_ = std::filesystem::temp_directory_path() /
            ("oddity_data_test_" + std::to_string(::getpid()) + "_" + std::to_string(counter++));
    std::filesystem::create_directories(path_);
  }
  ~TemporaryFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path operator/(const std::string& name) const { return path_ / name; }

private:
  std::filesystem::path path_;
};

using Bytes = std::vector<std::byte>;

inline Bytes bytes_of_text(const std::string& text) {
  Bytes bytes;
  for (const char character : text) {
    bytes.push_back(static_cast<std::byte>(character));
  }
  return bytes;
}

inline void write_bytes(const std::filesystem::path& file, const Bytes& bytes) {
  std::filesystem::create_directories(file.parent_path());
  std::ofstream stream(file, std::ios::binary);
  stream.write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
}
inline void write_text(const std::filesystem::path& file, const std::string& text) {
  write_bytes(file, bytes_of_text(text));
}

inline void append_u32(Bytes& bytes, std::uint32_t value) {
  for (int shift = 24; shift >= 0; shift -= 8) {
    bytes.push_back(static_cast<std::byte>(value >> static_cast<unsigned>(shift) & 0xFFU));
  }
}

inline void append_chunk(Bytes& png, const std::string& type, const Bytes& data) {
  append_u32(png, static_cast<std::uint32_t>(data.size()));
  Bytes body = bytes_of_text(type);
  body.insert(body.end(), data.begin(), data.end());
  png.insert(png.end(), body.begin(), body.end());
  append_u32(png, static_cast<std::uint32_t>(
                      crc32(0, reinterpret_cast<const Bytef*>(body.data()), static_cast<uInt>(body.size()))));
}

/// A PNG written after its specification: `scanlines` holds for each row a filter byte 0 and the row.
inline Bytes png_of(std::uint32_t width, std::uint32_t height, int bits, int colour_type, const Bytes& scanlines) {
  Bytes png = bytes_of_text(std::string("\x89PNG\r\n\x1A\n", 8));
  Bytes header;
  append_u32(header, width);
  append_u32(header, height);
  for (const int value : {bits, colour_type, 0, 0, 0}) {
    header.push_back(static_cast<std::byte>(value));
  }
  append_chunk(png, "IHDR", header);
  uLongf size = compressBound(static_cast<uLong>(scanlines.size()));
  Bytes packed(size);
  compress(reinterpret_cast<Bytef*>(packed.data()), &size, reinterpret_cast<const Bytef*>(scanlines.data()),
           static_cast<uLong>(scanlines.size()));
  packed.resize(size);
  append_chunk(png, "IDAT", packed);
  append_chunk(png, "IEND", {});
  return png;
}

/// An image whose pixels tell where they come from.
inline Image numbered_image(int height, int width, int channels, Depth depth, unsigned seed = 0) {
  Image image(height, width, channels, depth);
  const std::size_t values = image.pixels.size() / bytes_of(depth);
  for (std::size_t i = 0; i < values; ++i) {
    std::uint32_t value = (static_cast<std::uint32_t>(i) + 1U) * 2'654'435'761U + seed * 40'503U;
    value = (value ^ value >> 15U) * 2'246'822'519U;
    value ^= value >> 13U;
    if (depth == Depth::u8) {
      image.u8()[i] = static_cast<std::uint8_t>(value);
    } else {
      image.u16()[i] = static_cast<std::uint16_t>(value);
    }
  }
  return image;
}

/// The message of the error that `call` throws, or "no error" or the wrong type's message.
template <class E, class Call>
std::string message_of(Call&& call) {
  try {
    call();
  } catch (const E& error) {
    return error.what();
  } catch (const std::exception& error) {
    return std::string("another error: ") + error.what();
  }
  return "no error";
}

/// A dataset held in memory.
class MemoryDataset final : public Dataset {
public:
  std::vector<Sample> list;
  std::map<std::size_t, Image> images, masks;

  void add(const std::string& file, Split split, const std::string& label, Image image, Image mask = {}) {
    const std::size_t index = list.size();
    Sample sample;
    sample.file = file;
    sample.split = split;
    sample.label = label;
    list.push_back(sample);
    images[index] = std::move(image);
    if (!mask.empty()) {
      masks[index] = std::move(mask);
    }
  }
  std::string name() const override { return "memory"; }
  const std::vector<Sample>& samples() const override { return list; }
  Image image(std::size_t index) const override {
    const Image& found = images.at(index);
    if (found.empty()) {
      fail<ContentError>("[test] {}: damaged", list[index].file);
    }
    return found;
  }
  bool has_mask(std::size_t index) const override { return list.at(index).good() || masks.count(index) != 0; }
  Image mask(std::size_t index) const override {
    if (masks.count(index) != 0) {
      return masks.at(index);
    }
    const Image& found = images.at(index);
    return Image(found.height, found.width, 1, Depth::u8);
  }
};

}  // namespace oddity::test
