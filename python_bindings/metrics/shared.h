#pragma once

#include <memory>
#include <mutex>
#include <utility>

#include "metrics/arguments.h"

namespace oddity::python {

/// An object with state that several Python threads may call: they wait for each other, without the GIL.
template <class T>
class Shared {
public:
  explicit Shared(T object) : object_(std::move(object)) {}

  template <class Work>
  auto use(Work&& work) {
    return without_gil([&] {
      const std::lock_guard lock(mutex_);
      return work(object_);
    });
  }

private:
  T object_;
  std::mutex mutex_;
};

template <class T, class... Parts>
std::unique_ptr<Shared<T>> shared(Parts&&... parts) {
  return std::make_unique<Shared<T>>(T(std::forward<Parts>(parts)...));
}

}  // namespace oddity::python
