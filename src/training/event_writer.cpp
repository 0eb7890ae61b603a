#include "training/event_writer.h"

#include <array>
#include <bit>
#include <chrono>

#include <fmt/core.h>
#include <unistd.h>

#include "core/error.h"

namespace oddity {
namespace {

constexpr std::array<std::uint32_t, 256> make_table() {
  std::array<std::uint32_t, 256> table{};
  for (std::uint32_t i = 0; i < 256; ++i) {
    std::uint32_t c = i;
    for (int k = 0; k < 8; ++k) {
      c = (c & 1) != 0 ? 0x82F63B78u ^ (c >> 1) : c >> 1;
    }
    table[i] = c;
  }
  return table;
}

template <class T>
void put_little_endian(std::string& out, T value) {
  for (std::size_t i = 0; i < sizeof(T); ++i) {
    out.push_back(static_cast<char>((value >> (8 * i)) & 0xFF));
  }
}

void put_varint(std::string& out, std::uint64_t value) {
  for (; value >= 0x80; value >>= 7) {
    out.push_back(static_cast<char>((value & 0x7F) | 0x80));
  }
  out.push_back(static_cast<char>(value));
}

void put_bytes(std::string& out, int field, std::string_view bytes) {
  put_varint(out, static_cast<std::uint64_t>(field) << 3 | 2);
  put_varint(out, bytes.size());
  out.append(bytes);
}

std::string event_at(double wall_time) {
  std::string event;
  put_varint(event, 1 << 3 | 1);
  put_little_endian(event, std::bit_cast<std::uint64_t>(wall_time));
  return event;
}

double now() { return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count(); }

std::uint32_t masked(std::string_view bytes) {
  const std::uint32_t c = crc32c(bytes);
  return ((c >> 15) | (c << 17)) + 0xA282EAD8u;
}

}  // namespace

std::uint32_t crc32c(std::string_view bytes) {
  static constexpr std::array<std::uint32_t, 256> table = make_table();
  std::uint32_t c = 0xFFFFFFFFu;
  for (const char byte : bytes) {
    c = table[(c ^ static_cast<unsigned char>(byte)) & 0xFF] ^ (c >> 8);
  }
  return c ^ 0xFFFFFFFFu;
}

EventWriter::EventWriter(const std::filesystem::path& directory) {
  const std::filesystem::path path =
      directory / fmt::format("events.out.tfevents.{:010}.oddity.{}", static_cast<std::int64_t>(now()), ::getpid());
  file_.open(path, std::ios::binary | std::ios::app);
  if (!file_) {
    fail<IoError>("[training.event_writer] cannot write {}", path.string());
  }
  std::string event = event_at(now());
  put_bytes(event, 3, "brain.Event:2");
  write(event);
}

void EventWriter::scalar(std::string_view tag, double value, std::int64_t step) {
  std::string number;
  put_varint(number, 2 << 3 | 5);
  put_little_endian(number, std::bit_cast<std::uint32_t>(static_cast<float>(value)));
  std::string entry, summary, event = event_at(now());
  put_bytes(entry, 1, tag);
  entry += number;
  put_bytes(summary, 1, entry);
  put_varint(event, 2 << 3 | 0);
  put_varint(event, static_cast<std::uint64_t>(step));
  put_bytes(event, 5, summary);
  write(event);
}

void EventWriter::write(const std::string& event) {
  std::string frame;
  put_little_endian(frame, static_cast<std::uint64_t>(event.size()));
  put_little_endian(frame, masked(frame));
  frame += event;
  put_little_endian(frame, masked(event));
  file_.write(frame.data(), static_cast<std::streamsize>(frame.size())).flush();
}

}  // namespace oddity
