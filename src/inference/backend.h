#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "inference/graph.h"

/// What runs a graph. The engine knows this interface only; LibTorch and OpenVINO implement it in src/backends.
namespace oddity {

/// A dense float32 tensor owned by the caller or the session.
struct TensorView {
  float* data = nullptr;
  std::vector<std::int64_t> shape;
};

struct BackendOptions {
  std::string device = "cpu";     ///< "cpu", "cuda", "cuda:1"
  int threads = 1;                ///< for one call
  std::string precision = "f32";  ///< "f32" or "bf16"
};

/// One worker's planned execution: not thread-safe, one per thread.
class Session {
public:
  virtual ~Session() = default;
  /// Runs on one float32 input [N, C, H, W]. Outputs stay valid until the next run; their order is that of the graph's
  /// outputs.
  virtual std::span<const TensorView> run(const TensorView& input) = 0;
};

/// A loaded graph with folded weights: immutable, shareable among threads.
class Program {
public:
  virtual ~Program() = default;
  virtual std::unique_ptr<Session> make_session() const = 0;
};

class Backend {
public:
  virtual ~Backend() = default;
  virtual std::string name() const = 0;
  virtual std::shared_ptr<const Program> load(const Graph& graph, const BackendOptions& options) const = 0;
};

}  // namespace oddity
