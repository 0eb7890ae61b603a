#pragma once

#include <cstdint>

namespace oddity {

/// Reads of single numbers from a device to the host (aten::_local_scalar_dense) by this process, counted while a
/// HostReadCounter lives; 0 otherwise.
std::int64_t host_reads();

/// Switches the counting on: a callback on every operator call, for tests and profiles.
class HostReadCounter {
public:
  HostReadCounter();
  ~HostReadCounter();
  HostReadCounter(const HostReadCounter&) = delete;
  HostReadCounter& operator=(const HostReadCounter&) = delete;

private:
  std::uint64_t handle_;
};

/// While it lives, reads of this thread are not counted: for kernels that read numbers which lie on the host anyway.
class UncountedHostReads {
public:
  UncountedHostReads();
  ~UncountedHostReads();
  UncountedHostReads(const UncountedHostReads&) = delete;
  UncountedHostReads& operator=(const UncountedHostReads&) = delete;
};

}  // namespace oddity
