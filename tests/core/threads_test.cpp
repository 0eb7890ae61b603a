#include "core/threads.h"

#include <atomic>
#include <cmath>
#include <cstdlib>
#include <numeric>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "core/error.h"

namespace oddity {
namespace {

TEST(ThreadPool, EveryIndexOnce) {
  for (const int threads : {1, 2, 5}) {
    ThreadPool pool(threads);
    EXPECT_EQ(pool.size(), threads);
    for (const std::int64_t grain : {1, 3, 100, 5000}) {
      std::vector<std::atomic<int>> seen(1000);
      pool.parallel_for(0, 1000, grain, [&](std::int64_t first, std::int64_t last) {
        ASSERT_LE(last - first, grain);
        ASSERT_EQ(first % grain, 0);
        for (std::int64_t i = first; i < last; ++i) {
          ++seen[static_cast<std::size_t>(i)];
        }
      });
      for (const auto& count : seen) {
        ASSERT_EQ(count, 1);
      }
    }
  }
}

TEST(ThreadPool, SumsPerPieceDoNotDependOnTheNumberOfThreads) {
  const auto sum_with = [](int threads) {
    ThreadPool pool(threads);
    std::vector<float> pieces((10'000 + 63) / 64);
    pool.parallel_for(0, 10'000, 64, [&](std::int64_t first, std::int64_t last) {
      float sum = 0;
      for (std::int64_t i = first; i < last; ++i) {
        sum += std::sin(static_cast<float>(i));
      }
      pieces[static_cast<std::size_t>(first / 64)] = sum;
    });
    return std::accumulate(pieces.begin(), pieces.end(), 0.0f);
  };
  const float one = sum_with(1);
  for (const int threads : {2, 3, 8}) {
    EXPECT_EQ(sum_with(threads), one);
  }
}

TEST(ThreadPool, EmptyRangeCallsNothingAndBadArgumentsAreRefused) {
  ThreadPool pool(2);
  pool.parallel_for(5, 5, 1, [](auto, auto) { FAIL(); });
  pool.parallel_for(5, 4, 1, [](auto, auto) { FAIL(); });
  EXPECT_THROW(pool.parallel_for(0, 1, 0, [](auto, auto) {}), InvalidArgument);
  EXPECT_THROW(ThreadPool(0), InvalidArgument);
  EXPECT_THROW(ThreadPool(1025), InvalidArgument);
}

TEST(ThreadPool, TheExceptionOfTheLowestPieceThatFailedComesBack) {
  for (const int threads : {1, 2, 4}) {
    ThreadPool pool(threads);
    for (int round = 0; round < 200; ++round) {
      std::string what;
      try {
        pool.parallel_for(0, 100, 1, [](std::int64_t i, std::int64_t) {
          if (i >= 20) {
            throw std::runtime_error(std::to_string(i));
          }
        });
      } catch (const std::runtime_error& error) {
        what = error.what();
      }
      ASSERT_EQ(what, "20") << threads;
    }
    std::atomic<int> calls{0};  // and the pool still works
    pool.parallel_for(0, 10, 1, [&](auto, auto) { ++calls; });
    EXPECT_EQ(calls, 10);
  }
}

TEST(ThreadPool, AfterAnExceptionNoNewPieceStarts) {
  ThreadPool pool(1);
  int calls = 0;
  EXPECT_THROW(pool.parallel_for(0, 100, 1,
                                 [&](auto, auto) {
                                   ++calls;
                                   throw std::runtime_error("x");
                                 }),
               std::runtime_error);
  EXPECT_EQ(calls, 1);
}

TEST(ThreadPool, ACallInsideAPieceRunsInTheSameThread) {
  ThreadPool pool(4);
  std::atomic<int> inner{0};
  pool.parallel_for(0, 8, 1, [&](auto, auto) {
    const std::thread::id here = std::this_thread::get_id();
    pool.parallel_for(0, 10, 3, [&](std::int64_t first, std::int64_t last) {
      EXPECT_EQ(std::this_thread::get_id(), here);
      inner += static_cast<int>(last - first);
    });
  });
  EXPECT_EQ(inner, 80);
}

TEST(ThreadPool, AnExceptionOfANestedCallReachesTheOuterCaller) {
  ThreadPool pool(2);
  EXPECT_THROW(pool.parallel_for(0, 4, 1,
                                 [&](auto, auto) {
                                   pool.parallel_for(0, 4, 1, [](auto, auto) { throw std::runtime_error("inner"); });
                                 }),
               std::runtime_error);
}

TEST(ThreadPool, SeveralCallersShareIt) {
  ThreadPool pool(3);
  std::atomic<std::int64_t> total{0};
  std::vector<std::thread> callers;
  for (int c = 0; c < 4; ++c) {
    callers.emplace_back([&] {
      for (int round = 0; round < 50; ++round) {
        pool.parallel_for(0, 100, 7, [&](std::int64_t first, std::int64_t last) { total += last - first; });
      }
    });
  }
  for (std::thread& caller : callers) {
    caller.join();
  }
  EXPECT_EQ(total, 4 * 50 * 100);
}

TEST(ThreadPool, ThePoolOfTheProcessIsOneAndHasThreads) {
  EXPECT_EQ(&thread_pool(), &thread_pool());
  EXPECT_GE(thread_pool().size(), 1);
}

// In a process of its own each time: the pool is made once. "threadsafe" starts the program anew.
TEST(ThreadPoolDeathTest, TheEnvironmentSetsTheSizeOrIsRefused) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(
      {
        ::setenv("ODDITY_THREADS", "3", 1);
        std::_Exit(thread_pool().size());
      },
      ::testing::ExitedWithCode(3), "");
  for (const char* const wrong : {"", "0", "-1", "1025", "two", "2x", " 2", "99999999999"}) {
    EXPECT_EXIT(
        {
          ::setenv("ODDITY_THREADS", wrong, 1);
          try {
            thread_pool();
          } catch (const InvalidArgument&) {
            std::_Exit(42);
          }
          std::_Exit(1);
        },
        ::testing::ExitedWithCode(42), "")
        << wrong;
  }
}

TEST(BoundedQueue, KeepsOrderAndCapacity) {
  BoundedQueue<int> queue(2);
  int one = 1, two = 2, three = 3;
  EXPECT_TRUE(queue.try_push(one));
  EXPECT_TRUE(queue.try_push(two));
  EXPECT_FALSE(queue.try_push(three));
  EXPECT_EQ(queue.size(), 2u);
  EXPECT_EQ(queue.pop(), 1);
  EXPECT_EQ(queue.try_pop(), 2);
  EXPECT_EQ(queue.try_pop(), std::nullopt);
  EXPECT_EQ(BoundedQueue<int>(0).capacity(), 1u);
}

TEST(BoundedQueue, CloseDrainsAndRefuses) {
  BoundedQueue<int> queue(4);
  EXPECT_TRUE(queue.push(1));
  queue.close();
  EXPECT_TRUE(queue.closed());
  EXPECT_FALSE(queue.push(2));
  EXPECT_EQ(queue.pop(), 1);
  EXPECT_EQ(queue.pop(), std::nullopt);
}

TEST(BoundedQueue, CloseWakesThoseWhoWait) {
  BoundedQueue<int> full(1), empty(1);
  full.push(1);
  std::thread producer([&] { EXPECT_FALSE(full.push(2)); });
  std::thread consumer([&] { EXPECT_EQ(empty.pop(), std::nullopt); });
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  full.close();
  empty.close();
  producer.join();
  consumer.join();
}

TEST(BoundedQueue, EveryItemArrivesOnce) {
  BoundedQueue<std::unique_ptr<int>> queue(3);  // items that can only be moved
  std::vector<std::thread> threads;
  std::mutex mutex;
  std::set<int> received;
  for (int c = 0; c < 2; ++c) {
    threads.emplace_back([&] {
      while (auto item = queue.pop()) {
        const std::lock_guard lock(mutex);
        EXPECT_TRUE(received.insert(**item).second);
      }
    });
  }
  std::vector<std::thread> producers;
  for (int p = 0; p < 2; ++p) {
    producers.emplace_back([&queue, p] {
      for (int i = 0; i < 500; ++i) {
        EXPECT_TRUE(queue.push(std::make_unique<int>(p * 500 + i)));
      }
    });
  }
  for (std::thread& producer : producers) {
    producer.join();
  }
  queue.close();
  for (std::thread& thread : threads) {
    thread.join();
  }
  EXPECT_EQ(received.size(), 1000u);
}

}  // namespace
}  // namespace oddity
