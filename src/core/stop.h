#pragma once

#include <memory>
#include <stop_token>

namespace oddity {

/// Turns Ctrl-C (SIGINT) and SIGTERM into a stop request for the life of the object. The first signal asks to stop; a
/// second one ends the process as if nothing were installed. The former handlers come back with the destructor. One at
/// a time in a process: a second object is an InvalidArgument.
class StopOnSignal {
public:
  StopOnSignal();
  ~StopOnSignal();
  StopOnSignal(const StopOnSignal&) = delete;
  StopOnSignal& operator=(const StopOnSignal&) = delete;

  std::stop_token token() const;

private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace oddity
