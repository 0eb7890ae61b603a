#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <utility>

#include "core/error.h"
#include "inference/onnx_format.h"

/// Walks the protobuf wire format. It trusts nothing: every varint and length is checked against the enclosing message.
namespace oddity::onnx {

template <class... Args>
[[noreturn]] void refuse(fmt::format_string<Args...> format, Args&&... args) {
  fail<ContentError>("[inference.read_onnx] {}", fmt::format(format, std::forward<Args>(args)...));
}

/// Walks the fields of one message.
class Fields {
public:
  explicit Fields(std::span<const std::byte> bytes) : rest_(bytes) {}

  /// Moves to the next field; false at the end of the message.
  bool next() {
    if (pending_) {
      skip();
    }
    if (rest_.empty()) {
      return false;
    }
    const std::uint64_t key = raw_varint();
    if (key >> 3 == 0 || key >> 3 > 0x1fffffff) {
      refuse("a field number is out of range; got {}; expected 1..2^29 - 1", key >> 3);
    }
    field_ = static_cast<std::uint32_t>(key >> 3);
    const auto wire = static_cast<std::uint32_t>(key & 7);
    if (wire != 0 && wire != 1 && wire != 2 && wire != 5) {
      refuse("a field has a wire type that ONNX does not use; got {}; expected 0, 1, 2 or 5", wire);
    }
    wire_ = static_cast<Wire>(wire);
    pending_ = true;
    return true;
  }
  std::uint32_t field() const { return field_; }

  std::int64_t varint() {
    expect(Wire::varint);
    return static_cast<std::int64_t>(raw_varint());
  }
  float fixed32() {
    expect(Wire::fixed32);
    return number<float>();
  }
  std::span<const std::byte> bytes() {
    expect(Wire::bytes);
    const std::uint64_t length = raw_varint();
    if (length > rest_.size()) {
      refuse("a length goes past the end of its message; got {}; expected at most {}", length, rest_.size());
    }
    return take(static_cast<std::size_t>(length));
  }
  std::string text() {
    const auto value = bytes();
    return {reinterpret_cast<const char*>(value.data()), value.size()};
  }
  /// A repeated integer, alone or packed.
  template <class Append>
  void varints(Append append) {
    if (wire_ == Wire::bytes) {
      Fields packed(bytes());
      while (!packed.rest_.empty()) {
        append(static_cast<std::int64_t>(packed.raw_varint()));
      }
    } else {
      append(varint());
    }
  }
  /// A repeated float or double, alone or packed.
  template <class T, class Append>
  void numbers(Append append) {
    constexpr Wire single = sizeof(T) == 4 ? Wire::fixed32 : Wire::fixed64;
    if (wire_ == Wire::bytes) {
      Fields packed(bytes());
      while (!packed.rest_.empty()) {
        append(packed.number<T>());
      }
    } else {
      expect(single);
      append(number<T>());
    }
  }

private:
  void expect(Wire wire) {
    if (wire_ != wire) {
      refuse("field {} has the wrong wire type; got {}; expected {}", field_, static_cast<int>(wire_),
             static_cast<int>(wire));
    }
    pending_ = false;
  }
  void skip() {
    switch (wire_) {
      case Wire::varint:
        varint();
        break;
      case Wire::fixed64:
        expect(Wire::fixed64);
        number<double>();
        break;
      case Wire::bytes:
        bytes();
        break;
      case Wire::fixed32:
        fixed32();
        break;
    }
  }
  std::span<const std::byte> take(std::size_t count) {
    const auto value = rest_.first(count);
    rest_ = rest_.subspan(count);
    return value;
  }
  template <class T>
  T number() {
    if (rest_.size() < sizeof(T)) {
      refuse("the data ends within a number; got {} bytes; expected {}", rest_.size(), sizeof(T));
    }
    T value;
    std::memcpy(&value, take(sizeof(T)).data(), sizeof(T));
    return value;
  }
  std::uint64_t raw_varint() {
    std::uint64_t value = 0;
    for (int shift = 0; shift < 70; shift += 7) {
      if (rest_.empty()) {
        refuse("the data ends within a number");
      }
      const auto byte = static_cast<std::uint64_t>(take(1)[0]);
      if (shift == 63 && byte > 1) {
        break;
      }
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) {
        return value;
      }
    }
    refuse("a number is longer than 64 bits");
  }

  std::span<const std::byte> rest_;
  std::uint32_t field_ = 0;
  Wire wire_ = Wire::varint;
  bool pending_ = false;
};

}  // namespace oddity::onnx
