#pragma once

#include <cstdint>
#include <utility>

namespace oddity {

/// Owns an HDF5 identifier (hid_t is a 64-bit integer) and closes it with the function of its kind. Knows no HDF5
/// header, so that only .cpp files do.
class Hdf5Handle {
public:
  using Close = int (*)(std::int64_t);

  Hdf5Handle() = default;
  Hdf5Handle(std::int64_t id, Close close_with) : id_(id), close_(close_with) {}
  Hdf5Handle(Hdf5Handle&& other) noexcept : id_(std::exchange(other.id_, -1)), close_(other.close_) {}
  Hdf5Handle& operator=(Hdf5Handle&& other) noexcept {
    std::swap(id_, other.id_);
    std::swap(close_, other.close_);
    return *this;
  }
  ~Hdf5Handle() { close(); }

  bool valid() const { return id_ >= 0; }
  std::int64_t get() const { return id_; }
  /// Closes now; false when HDF5 could not (a full disk shows here).
  bool close() { return id_ < 0 || close_(std::exchange(id_, -1)) >= 0; }

private:
  std::int64_t id_ = -1;
  Close close_ = nullptr;
};

/// Before the first use of HDF5 on a thread. Its error stack is not printed: our errors say what happened. Its clean-up
/// at exit is left out: after a write that failed (a full disk) it reads freed memory and kills the process. All that
/// we open is closed by Hdf5Handle.
void prepare_hdf5();

}  // namespace oddity
