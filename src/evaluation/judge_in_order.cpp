#include "evaluation/judge_in_order.h"

#include <algorithm>
#include <condition_variable>
#include <map>
#include <mutex>
#include <thread>
#include <vector>

#include "core/error.h"

namespace oddity {
namespace {

constexpr std::size_t kAhead = 32;

/// What the threads share.
struct Queue {
  std::mutex mutex;
  std::condition_variable room, finished;
  std::size_t next = 0, used = 0, running = 0;
  bool ended = false;
  std::map<std::size_t, std::exception_ptr> done;
};

}  // namespace

std::size_t judge_in_order(const Engine& engine, std::size_t count, int workers,
                           const std::function<void(Engine::Worker&, std::size_t)>& judge,
                           const std::function<void(std::size_t, std::exception_ptr)>& ready, std::stop_token stop) {
  if (workers < 1 || workers > 1024) {
    fail<InvalidArgument>("[evaluation.judge_in_order] workers out of range; got {}; expected 1 to 1024", workers);
  }
  const std::size_t threads = std::min(static_cast<std::size_t>(workers), count);
  Queue queue;
  const auto work = [&] {
    std::unique_ptr<Engine::Worker> worker;
    for (;;) {
      std::size_t item = 0;
      {
        std::unique_lock lock(queue.mutex);
        queue.room.wait(
            lock, [&] { return queue.ended || queue.next >= count || queue.next < queue.used + kAhead * threads; });
        if (queue.ended || queue.next >= count || stop.stop_requested()) {
          --queue.running;
          queue.finished.notify_one();
          return;
        }
        item = queue.next++;
      }
      std::exception_ptr error;
      try {
        if (!worker) {
          worker = engine.make_worker();
        }
        judge(*worker, item);
      } catch (...) {
        error = std::current_exception();
      }
      const std::lock_guard lock(queue.mutex);
      queue.done.emplace(item, error);
      queue.finished.notify_one();
    }
  };
  const auto end = [&] {
    const std::lock_guard lock(queue.mutex);
    queue.ended = true;
    queue.room.notify_all();
  };

  std::vector<std::jthread> pool;
  queue.running = threads;
  for (std::size_t i = 0; i < threads; ++i) {
    pool.emplace_back(work);
  }
  try {
    std::unique_lock lock(queue.mutex);
    while (queue.used < count) {
      queue.finished.wait(lock, [&] { return queue.done.contains(queue.used) || queue.running == 0; });
      const auto found = queue.done.find(queue.used);
      if (found == queue.done.end()) {
        break;  // every thread has left after a stop request
      }
      const std::exception_ptr error = found->second;
      queue.done.erase(found);
      lock.unlock();
      ready(queue.used, error);
      lock.lock();
      ++queue.used;
      queue.room.notify_all();
    }
  } catch (...) {
    end();
    throw;
  }
  end();
  return queue.used;
}

}  // namespace oddity
