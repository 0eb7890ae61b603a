#pragma once

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

namespace oddity {

/// CRC-32C (Castagnoli) of some bytes; check value of "123456789" is 0xE3069283.
std::uint32_t crc32c(std::string_view bytes);

/// TensorBoard event file: TFRecord frames with masked CRC-32C around Event messages written by hand
/// (tensorflow/core/util/event.proto: wall_time 1, step 2, file_version 3, summary 5).
class EventWriter {
public:
  /// Opens a new file `events.out.tfevents.<time>.oddity.<pid>` in the directory. Throws IoError.
  explicit EventWriter(const std::filesystem::path& directory);
  void scalar(std::string_view tag, double value, std::int64_t step);

private:
  void write(const std::string& event);
  std::ofstream file_;
};

}  // namespace oddity
