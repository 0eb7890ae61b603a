#pragma once

#include <cstddef>
#include <exception>
#include <functional>
#include <stop_token>

#include "inference/engine.h"

namespace oddity {

/// Calls `judge(worker, i)` for i = 0 .. count - 1 on `workers` threads, each with its own engine worker, and
/// `ready(i, error)` on the calling thread, one after another in order of i; `error` is what `judge` threw, or null. No
/// item is begun more than 32 per worker ahead of `ready`, so results in flight are bounded. An exception from `ready`
/// ends the work and is rethrown. Returns how many items were ready: fewer than `count` after a stop request.
std::size_t judge_in_order(const Engine& engine, std::size_t count, int workers,
                           const std::function<void(Engine::Worker&, std::size_t)>& judge,
                           const std::function<void(std::size_t, std::exception_ptr)>& ready, std::stop_token stop);

}  // namespace oddity
