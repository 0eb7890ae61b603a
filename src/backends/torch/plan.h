#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <ATen/core/Tensor.h>

#include "backends/torch/kernels.h"
#include "inference/graph.h"

namespace oddity::torch_backend {

struct Instruction {
  std::unique_ptr<Kernel> kernel;
  std::string label;            ///< "node 'conv_3' (Conv)" for messages
  std::vector<int> inputs;      ///< slots; -1 = left out or absorbed by the kernel
  std::vector<int> outputs;     ///< slots; -1 = not wanted
  std::vector<int> last_reads;  ///< slots that hold a tensor nobody reads after this instruction
  bool host = false;            ///< depends on the input's shape only: run again only when the shape changes
};

/// A graph as a flat list over numbered slots. Immutable after make_plan, shared by sessions.
struct Plan {
  std::vector<Instruction> instructions;
  std::vector<at::Tensor> constants;  ///< one per slot, undefined where the slot is computed
  int input = -1;
  std::vector<int> outputs;
  std::vector<std::int64_t> input_shape;  ///< -1 = free
  at::Device device = at::kCPU;
};

/// The tensors of one execution, bound to a plan that must outlive it.
class Frame {
public:
  explicit Frame(const Plan& plan);
  /// Runs on `input` (on the plan's device, of an accepted shape). Throws what ATen throws, with current() at the
  /// instruction that failed.
  void run(const at::Tensor& input);
  /// As run, and lets every kernel prepare itself for the sizes it meets.
  void prepare(Plan& plan, const at::Tensor& input);
  const at::Tensor& output(std::size_t index) const;
  /// What runs now or failed last.
  const std::string& current() const;

private:
  struct Binding {
    std::vector<const at::Tensor*> inputs;
    std::vector<at::Tensor*> outputs;
  };
  void bind(const at::Tensor& input);
  void step(std::size_t index);

  const Plan* plan_;
  std::vector<at::Tensor> slots_;
  std::vector<Binding> bindings_;
  std::vector<std::int64_t> shape_;  ///< input shape that the host slots belong to
  bool host_is_stale_ = true;
  std::size_t current_ = 0;
};

/// Throws ContentError when the graph is not valid, has not exactly one float32 input, or asks for what no kernel does.
Plan make_plan(const Graph& graph, at::Device device, at::ScalarType compute_type);

}  // namespace oddity::torch_backend
