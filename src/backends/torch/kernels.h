#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <ATen/core/Tensor.h>

#include "inference/graph.h"

/// One kernel per ONNX operator (opset 17), made once at load: attributes are read, weights converted and packed then,
/// so that a run only calls ATen.
namespace oddity::torch_backend {

/// What a kernel does with bf16 inputs.
enum class Rounding : std::uint8_t {
  widen,    ///< computes in f32: bf16 inputs are converted
  keep,     ///< moves or compares values: computes in the type that comes in
  promote,  ///< bf16 only when every floating input is bf16
  own,      ///< converts its inputs itself (convolutions, Gemm)
};

/// A node as the plan hands it to a kernel maker.
struct KernelRequest {
  const GraphNode* node = nullptr;
  std::vector<const at::Tensor*> constants;  ///< per input; null when the value is computed or left out
  at::Device device = at::kCPU;
  at::ScalarType compute_type = at::kFloat;  ///< of convolutions and Gemm: kFloat or kBFloat16
  std::string activation;                    ///< fused after a Conv: "", "Relu" or "LeakyRelu"
  float slope = 0;                           ///< of LeakyRelu

  bool has_input(std::size_t index) const { return index < node->inputs.size() && !node->inputs[index].empty(); }
  /// Null when not constant.
  const at::Tensor* constant(std::size_t index) const { return index < constants.size() ? constants[index] : nullptr; }
  std::int64_t integer(const std::string& name, std::int64_t fallback) const;
  float number(const std::string& name, float fallback) const;
  std::string text(const std::string& name, const std::string& fallback) const;
  std::vector<std::int64_t> integers(const std::string& name, std::vector<std::int64_t> fallback) const;
  /// Throws ContentError: `[torch_backend.load] node 'n' (Op): <what>`.
  [[noreturn]] void reject(const std::string& what) const;
};

class Kernel {
public:
  virtual ~Kernel() = default;
  /// Pointers are null for inputs left out. Kernels do not change their inputs; outputs may alias them.
  virtual void run(const at::Tensor* const* in, at::Tensor* const* out) const = 0;
  /// Called once at load with representative inputs, before the first run: the moment to pack weights for their size.
  virtual void prepare(const at::Tensor* const*) {}
};

using KernelMaker = std::unique_ptr<Kernel> (*)(const KernelRequest&);

struct KernelEntry {
  std::string_view op;
  KernelMaker make;
  std::size_t fewest_inputs;
  std::size_t most_inputs;
  Rounding rounding;
  /// Bit i: input i holds sizes, axes or counts and is read on the host.
  std::uint32_t host_inputs;
  /// Bit i: input i is taken over by the kernel when it is made and not read at run time.
  std::uint32_t absorbed_inputs = 0;
};

/// Null when the operator is unknown.
const KernelEntry* find_kernel(std::string_view op);

/// The kernel of `request`, with the conversions that its entry and the compute type ask for.
std::unique_ptr<Kernel> make_kernel(const KernelEntry& entry, const KernelRequest& request);

/// Calls f(in) -> at::Tensor as the kernel's single output.
template <class F>
std::unique_ptr<Kernel> make_simple(F f) {
  struct Simple final : Kernel {
    explicit Simple(F function) : function_(std::move(function)) {}
    void run(const at::Tensor* const* in, at::Tensor* const* out) const override { *out[0] = function_(in); }
    F function_;
  };
  return std::make_unique<Simple>(std::move(f));
}

/// The elements of a host tensor of integers.
std::vector<std::int64_t> integers_of(const at::Tensor& tensor);

/// x itself when its storage is channels-last, else a channels-last copy. Sizes of one leave strides ambiguous; the
/// result has the strides by which ATen recognises the format.
at::Tensor channels_last(const at::Tensor& x);

std::unique_ptr<Kernel> make_conv(const KernelRequest& request);
std::unique_ptr<Kernel> make_conv_transpose(const KernelRequest& request);
std::unique_ptr<Kernel> make_batch_normalization(const KernelRequest& request);
std::unique_ptr<Kernel> make_max_pool(const KernelRequest& request);
std::unique_ptr<Kernel> make_average_pool(const KernelRequest& request);
std::unique_ptr<Kernel> make_global_average_pool(const KernelRequest& request);
std::unique_ptr<Kernel> make_global_max_pool(const KernelRequest& request);
std::unique_ptr<Kernel> make_resize(const KernelRequest& request);
std::unique_ptr<Kernel> make_gemm(const KernelRequest& request);
std::unique_ptr<Kernel> make_matmul(const KernelRequest& request);

std::unique_ptr<Kernel> make_concat(const KernelRequest& request);
std::unique_ptr<Kernel> make_depth_to_space(const KernelRequest& request);
std::unique_ptr<Kernel> make_expand(const KernelRequest& request);
std::unique_ptr<Kernel> make_flatten(const KernelRequest& request);
std::unique_ptr<Kernel> make_gather(const KernelRequest& request);
std::unique_ptr<Kernel> make_pad(const KernelRequest& request);
std::unique_ptr<Kernel> make_reshape(const KernelRequest& request);
std::unique_ptr<Kernel> make_shape(const KernelRequest& request);
std::unique_ptr<Kernel> make_slice(const KernelRequest& request);
std::unique_ptr<Kernel> make_space_to_depth(const KernelRequest& request);
std::unique_ptr<Kernel> make_squeeze(const KernelRequest& request);
std::unique_ptr<Kernel> make_transpose(const KernelRequest& request);
std::unique_ptr<Kernel> make_unsqueeze(const KernelRequest& request);

}  // namespace oddity::torch_backend
