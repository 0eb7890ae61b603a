#include "core/threads.h"

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <exception>
#include <limits>
#include <string_view>
#include <thread>
#include <vector>

#include "core/error.h"

namespace oddity {
namespace {

thread_local bool inside_a_piece = false;

/// One call of parallel_for. Lives on the caller's stack until no worker uses it.
struct Job {
  const std::function<void(std::int64_t, std::int64_t)>* fn = nullptr;
  std::int64_t begin = 0, end = 0, grain = 1, pieces = 0;
  // Guarded by the pool's mutex:
  std::int64_t next = 0;
  int users = 0;
  std::int64_t failed_piece = std::numeric_limits<std::int64_t>::max();
  std::exception_ptr failure;

  bool open() const { return next < pieces && !failure; }
};

}  // namespace

struct ThreadPool::State {
  std::mutex mutex;
  std::condition_variable work, done;
  std::deque<Job*> jobs;  // jobs that may have pieces left
  bool stopping = false;
  std::vector<std::thread> threads;

  /// Takes pieces of `job` until none is left. Called and left with the lock held.
  void serve(Job& job, std::unique_lock<std::mutex>& lock) {
    ++job.users;
    while (job.open()) {
      const std::int64_t piece = job.next++;
      if (!job.open()) {
        std::erase(jobs, &job);
      }
      lock.unlock();
      const std::int64_t first = job.begin + piece * job.grain;
      const std::int64_t last = job.end - first > job.grain ? first + job.grain : job.end;
      std::exception_ptr failure;
      inside_a_piece = true;
      try {
        (*job.fn)(first, last);
      } catch (...) {
        failure = std::current_exception();
      }
      inside_a_piece = false;
      lock.lock();
      if (failure && piece < job.failed_piece) {
        job.failed_piece = piece;
        job.failure = failure;
        std::erase(jobs, &job);
      }
    }
    if (--job.users == 0) {
      done.notify_all();
    }
  }

  void run() {
    std::unique_lock lock(mutex);
    for (;;) {
      work.wait(lock, [&] { return stopping || !jobs.empty(); });
      if (stopping) {
        return;
      }
      serve(*jobs.front(), lock);
    }
  }
};

ThreadPool::ThreadPool(int threads) : state_(std::make_unique<State>()) {
  if (threads < 1 || threads > 1024) {
    fail<InvalidArgument>("[core.ThreadPool] number of threads is out of range; got {}; expected 1 to 1024", threads);
  }
  for (int i = 1; i < threads; ++i) {
    state_->threads.emplace_back([state = state_.get()] { state->run(); });
  }
}

ThreadPool::~ThreadPool() {
  {
    const std::lock_guard lock(state_->mutex);
    state_->stopping = true;
  }
  state_->work.notify_all();
  for (std::thread& thread : state_->threads) {
    thread.join();
  }
}

int ThreadPool::size() const noexcept { return static_cast<int>(state_->threads.size()) + 1; }

void ThreadPool::parallel_for(std::int64_t begin, std::int64_t end, std::int64_t grain,
                              const std::function<void(std::int64_t, std::int64_t)>& fn) {
  if (grain < 1) {
    fail<InvalidArgument>("[core.parallel_for] grain is out of range; got {}; expected at least 1", grain);
  }
  if (begin >= end) {
    return;
  }
  Job job;
  job.fn = &fn;
  job.begin = begin;
  job.end = end;
  job.grain = grain;
  job.pieces = (end - begin - 1) / grain + 1;
  if (inside_a_piece) {
    for (std::int64_t first = begin; first < end;) {
      const std::int64_t last = end - first > grain ? first + grain : end;
      fn(first, last);
      first = last;
    }
    return;
  }
  std::unique_lock lock(state_->mutex);
  if (job.pieces > 1 && !state_->threads.empty()) {
    state_->jobs.push_back(&job);
    state_->work.notify_all();
  }
  state_->serve(job, lock);
  state_->done.wait(lock, [&] { return job.users == 0; });
  if (job.failure) {
    lock.unlock();
    std::rethrow_exception(job.failure);
  }
}

ThreadPool& thread_pool() {
  static ThreadPool* const pool = [] {
    int threads = std::max(1, std::min(1024, static_cast<int>(std::thread::hardware_concurrency())));
    if (const char* text = std::getenv("ODDITY_THREADS")) {
      const std::string_view value(text);
      const auto [stop, error] = std::from_chars(value.data(), value.data() + value.size(), threads);
      if (error != std::errc() || stop != value.data() + value.size() || threads < 1 || threads > 1024) {
        fail<InvalidArgument>("[core.thread_pool] ODDITY_THREADS is wrong; got '{}'; expected 1 to 1024", value);
      }
    }
    return new ThreadPool(threads);  // never destroyed: threads may still use it while the process ends
  }();
  return *pool;
}

}  // namespace oddity
