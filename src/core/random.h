#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>

/// Counter-based random numbers (Philox 4x32-10; Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC
/// 2011). A value depends only on (seed, purpose, index, position), never on the number of threads or the order of
/// calls.
namespace oddity {

/// One Philox block: 4 words of 32 bit from a 128-bit counter and a 64-bit key.
std::array<std::uint32_t, 4> philox(std::array<std::uint32_t, 4> counter, std::array<std::uint32_t, 2> key) noexcept;

/// A stream named by its purpose. `RandomStream(seed, "defects", step * batch + i)` gives sample i of a step its own
/// numbers. Copying a stream copies its position. 2^34 values a stream, 2^64 streams a purpose.
class RandomStream {
public:
  RandomStream(std::uint64_t seed, std::string_view purpose, std::uint64_t index = 0) noexcept;

  std::uint32_t bits() noexcept;                         ///< next 32 bits
  void fill(std::span<std::uint32_t> words) noexcept;    ///< the same values as calls of bits(), several times faster
  double uniform() noexcept;                             ///< [0, 1), 53 bits
  double uniform(double low, double high) noexcept;      ///< [low, high)
  double log_uniform(double low, double high) noexcept;  ///< exp of uniform in [log low, log high); 0 < low <= high
  double normal() noexcept;                              ///< standard normal (Box-Muller)
  std::int64_t integer(std::int64_t low, std::int64_t high) noexcept;  ///< low..high inclusive, unbiased
  bool chance(double probability) noexcept;                            ///< true with that probability

private:
  std::array<std::uint32_t, 2> key_{};
  std::array<std::uint32_t, 4> counter_{};
  std::array<std::uint32_t, 4> block_{};
  int used_ = 4;
};

}  // namespace oddity
