#pragma once

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>

namespace oddity {

/// A fixed set of threads. The caller of `parallel_for` works too, so a pool of 1 has no thread of its own.
class ThreadPool {
public:
  explicit ThreadPool(int threads);  ///< 1..1024, else InvalidArgument
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  int size() const noexcept;

  /// Calls `fn(first, last)` for the pieces [begin, begin + grain), [begin + grain, begin + 2 grain), ... of
  /// [begin, end). The pieces depend on `grain` alone, never on the number of threads, so sums per piece are
  /// reproducible. After an exception no new piece starts, and the exception of the lowest piece that failed is
  /// rethrown here. A call from inside a piece runs in the calling thread. `grain` < 1 is an InvalidArgument; an empty
  /// range calls nothing.
  void parallel_for(std::int64_t begin, std::int64_t end, std::int64_t grain,
                    const std::function<void(std::int64_t, std::int64_t)>& fn);

private:
  struct State;
  std::unique_ptr<State> state_;
};

/// The pool of the process: ODDITY_THREADS threads when that is set (1..1024, else InvalidArgument), otherwise as many
/// as the processor offers this process. Made at the first call and never destroyed.
ThreadPool& thread_pool();

/// A queue of at most `capacity` items between producers and consumers. `close` wakes everybody: later pushes are
/// refused, pops drain what is there and then give nothing.
template <class T>
class BoundedQueue {
public:
  explicit BoundedQueue(std::size_t capacity) : capacity_(capacity > 0 ? capacity : 1) {}

  /// Waits for room. False when closed; the item is then dropped.
  bool push(T item) {
    std::unique_lock lock(mutex_);
    room_.wait(lock, [&] { return closed_ || items_.size() < capacity_; });
    return insert(std::move(item));
  }
  /// False when full or closed; the item is then untouched.
  bool try_push(T& item) {
    const std::lock_guard lock(mutex_);
    return items_.size() < capacity_ && insert(std::move(item));
  }
  /// Waits for an item. Nothing when closed and empty.
  std::optional<T> pop() {
    std::unique_lock lock(mutex_);
    filled_.wait(lock, [&] { return closed_ || !items_.empty(); });
    return take();
  }
  /// Nothing when there is none now.
  std::optional<T> try_pop() {
    const std::lock_guard lock(mutex_);
    return take();
  }
  void close() {
    const std::lock_guard lock(mutex_);
    closed_ = true;
    room_.notify_all();
    filled_.notify_all();
  }
  bool closed() const {
    const std::lock_guard lock(mutex_);
    return closed_;
  }
  std::size_t size() const {
    const std::lock_guard lock(mutex_);
    return items_.size();
  }
  std::size_t capacity() const noexcept { return capacity_; }

private:
  bool insert(T&& item) {
    if (closed_) {
      return false;
    }
    items_.push_back(std::move(item));
    filled_.notify_one();
    return true;
  }
  std::optional<T> take() {
    if (items_.empty()) {
      return std::nullopt;
    }
    std::optional<T> item(std::move(items_.front()));
    items_.pop_front();
    room_.notify_one();
    return item;
  }

  const std::size_t capacity_;
  mutable std::mutex mutex_;
  std::condition_variable room_, filled_;
  std::deque<T> items_;
  bool closed_ = false;
};

}  // namespace oddity
