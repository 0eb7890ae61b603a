#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace oddity {

/// Self times of ATen operators (their own time without that of the operators they call) while it lives, over all
/// threads.
class OperatorTimes {
public:
  OperatorTimes();
  ~OperatorTimes();
  OperatorTimes(const OperatorTimes&) = delete;
  OperatorTimes& operator=(const OperatorTimes&) = delete;

  struct Row {
    std::string name;
    std::int64_t calls = 0;
    double seconds = 0;
  };
  /// Most expensive first.
  static std::vector<Row> take();

private:
  std::uint64_t handle_;
};

}  // namespace oddity
