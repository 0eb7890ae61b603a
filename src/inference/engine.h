#pragma once

#include <memory>
#include <string>

#include "inference/backend.h"
#include "inference/package.h"
#include "inference/prepare.h"
#include "inference/verdict.h"

namespace oddity {

struct EngineOptions {
  BackendOptions backend;
  bool keep_evidence = true;   ///< false: verdicts carry no map, input or repaired image
  bool run_self_tests = true;  ///< refuse a package whose self-test scores differ by more than their tolerance
};

/// A verified package planned on a backend: immutable, shareable. `evaluate`, Python and the C ABI use this same
/// object: what was measured is what ships. Preprocess -> graph -> post-process; everything tensor-like is in the
/// graph, everything after is plain C++.
class Engine {
public:
  /// Throws ContentError when a self-test fails, InvalidArgument for options out of range.
  Engine(Package package, const Backend& backend, const EngineOptions& options = {});
  ~Engine();

  const Package& package() const;
  const EngineOptions& options() const;

  /// One worker's state: buffers and the backend session. Not thread-safe; one per thread.
  class Worker;
  std::unique_ptr<Worker> make_worker() const;

private:
  struct State;
  std::shared_ptr<const State> state_;
};

class Engine::Worker {
public:
  explicit Worker(std::shared_ptr<const State> state);
  ~Worker();
  /// Judges one image of any size the contract accepts. Throws InvalidArgument with a sentence when the contract
  /// refuses the image (channels, empty). A non-finite score gives decision `error`, never `accept`.
  Verdict judge(const ImageView& image);

private:
  std::shared_ptr<const State> state_;
  struct Buffers;
  std::unique_ptr<Buffers> buffers_;
};

}  // namespace oddity
