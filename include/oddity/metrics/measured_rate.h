#pragma once

#include <cstdint>

namespace oddity::metrics {

/// A rate that was measured: `events` among `trials` independent parts.
struct MeasuredRate {
  std::uint64_t events = 0, trials = 0;
};

}  // namespace oddity::metrics
