#include "backends/torch/torch_backend.h"

#include <charconv>
#include <limits>
#include <new>

#include <ATen/Parallel.h>
#include <ATen/core/Tensor.h>
#include <ATen/ops/from_blob.h>
#include <ATen/ops/full.h>
#include <ATen/ops/item.h>
#include <ATen/ops/mul.h>
#include <ATen/ops/sum.h>
#include <c10/core/InferenceMode.h>
#include <c10/util/Exception.h>

#include "backends/torch/cuda_runtime.h"
#include "backends/torch/plan.h"
#include "core/error.h"

namespace oddity {

namespace torch_backend {

namespace {

/// The thread count of OpenMP belongs to the calling thread: set for the call, given back after it.
class ThreadCount {
public:
  explicit ThreadCount(int threads) : before_(at::get_num_threads()), changed_(before_ != threads) {
    if (changed_) {
      at::set_num_threads(threads);
    }
  }
  ~ThreadCount() {
    if (changed_) {
      at::set_num_threads(before_);
    }
  }
  ThreadCount(const ThreadCount&) = delete;
  ThreadCount& operator=(const ThreadCount&) = delete;

private:
  int before_;
  bool changed_;
};

at::Device device_of(const std::string& name) {
  if (name == "cpu") {
    return at::kCPU;
  }
  int index = 0;
  const bool indexed = name.starts_with("cuda:");
  if (indexed) {
    const char* end = name.data() + name.size();
    const auto [stop, error] = std::from_chars(name.data() + 5, end, index);
    index = error == std::errc() && stop == end ? index : -1;
  }
  if ((!indexed && name != "cuda") || index < 0 || index > 127) {
    fail<InvalidArgument>("[torch_backend.load] unknown device; got '{}'; expected cpu, cuda or cuda:<index>", name);
  }
  load_cuda(index);
  return {at::kCUDA, static_cast<at::DeviceIndex>(index)};
}

std::string text_of(at::IntArrayRef shape) {
  std::string text = "[";
  for (std::size_t i = 0; i < shape.size(); ++i) {
    text += (i == 0 ? "" : ", ") + (shape[i] < 0 ? std::string("any") : std::to_string(shape[i]));
  }
  return text + "]";
}

class TorchSession final : public Session {
public:
  TorchSession(std::shared_ptr<const Plan> plan, int threads)
      : plan_(std::move(plan)),
        threads_(threads),
        frame_(*plan_),
        held_(plan_->outputs.size()),
        views_(plan_->outputs.size()) {}

  std::span<const TensorView> run(const TensorView& input) override {
    check(input);
    const c10::InferenceMode inference;
    const ThreadCount count(threads_);
    const at::Tensor given = at::from_blob(input.data, input.shape, at::kFloat);
    try {
      frame_.run(plan_->device.is_cpu() ? given : given.to(plan_->device));
      for (std::size_t i = 0; i < held_.size(); ++i) {
        hold(i, given);
      }
      spread_broken_input(given);
    } catch (const c10::OutOfMemoryError& error) {
      fail<DeviceError>("[torch_backend.run] out of device memory in {}: {}", frame_.current(),
                        error.what_without_backtrace());
    } catch (const c10::Error& error) {
      fail<InvalidArgument>("[torch_backend.run] {} cannot run on input {}: {}", frame_.current(), text_of(input.shape),
                            error.what_without_backtrace());
    } catch (const std::bad_alloc&) {
      fail<DeviceError>("[torch_backend.run] out of memory in {} on input {}", frame_.current(), text_of(input.shape));
    }
    return views_;
  }

private:
  void check(const TensorView& input) const {
    const std::vector<std::int64_t>& expected = plan_->input_shape;
    bool fits = input.shape.size() == expected.size();
    for (std::size_t i = 0; fits && i < expected.size(); ++i) {
      fits = input.shape[i] >= 1 && (expected[i] < 0 || input.shape[i] == expected[i]);
    }
    if (!fits) {
      fail<InvalidArgument>("[torch_backend.run] the input has the wrong shape; got {}; expected {}",
                            text_of(input.shape), text_of(expected));
    }
    if (input.data == nullptr) {
      fail<InvalidArgument>("[torch_backend.run] the input has no data; got a null pointer; expected {} floats",
                            text_of(input.shape));
    }
  }

  /// Outputs are the session's own memory: a graph may pass its input or a constant through.
  void hold(std::size_t i, const at::Tensor& input) {
    const int slot = plan_->outputs[i];
    at::Tensor host = frame_.output(i).to(at::kCPU, at::kFloat).contiguous();
    if (plan_->constants[static_cast<std::size_t>(slot)].defined() || host.is_alias_of(input)) {
      host = host.clone();
    }
    held_[i] = host;
    views_[i].data = host.mutable_data_ptr<float>();
    views_[i].shape.assign(host.sizes().begin(), host.sizes().end());
  }

  /// oneDNN's fused ReLU turns NaN into 0, so a broken image would get a plausible score: say so in every output.
  void spread_broken_input(const at::Tensor& input) {
    if (input.mul(0).sum().item<float>() == 0) {
      return;
    }
    for (const at::Tensor& output : held_) {
      output.fill_(std::numeric_limits<float>::quiet_NaN());
    }
  }

  std::shared_ptr<const Plan> plan_;
  int threads_;
  Frame frame_;
  std::vector<at::Tensor> held_;
  std::vector<TensorView> views_;
};

class TorchProgram final : public Program {
public:
  TorchProgram(std::shared_ptr<const Plan> plan, int threads) : plan_(std::move(plan)), threads_(threads) {}
  std::unique_ptr<Session> make_session() const override { return std::make_unique<TorchSession>(plan_, threads_); }

private:
  std::shared_ptr<const Plan> plan_;
  int threads_;
};

/// Runs the plan once so that kernels pack their weights for the sizes they will meet. Free dimensions are taken as 1
/// (batch) and 128; a graph that cannot run at that size still runs at its own, with weights packed per call.
void prepare(Plan& plan) {
  std::vector<std::int64_t> shape = plan.input_shape;
  bool free = false;
  for (std::size_t i = 0; i < shape.size(); ++i) {
    free = free || shape[i] < 0;
    shape[i] = shape[i] >= 0 ? shape[i] : i == 0 ? 1 : 128;
  }
  Frame frame(plan);
  try {
    frame.prepare(plan, at::full(shape, 0.5F, at::TensorOptions().dtype(at::kFloat).device(plan.device)));
  } catch (const c10::OutOfMemoryError& error) {
    fail<DeviceError>("[torch_backend.load] out of device memory in {}: {}", frame.current(),
                      error.what_without_backtrace());
  } catch (const c10::Error& error) {
    if (!free) {
      fail<ContentError>("[torch_backend.load] {} does not run on the graph's own input {}: {}", frame.current(),
                         text_of(shape), error.what_without_backtrace());
    }
  } catch (const std::bad_alloc&) {
    fail<DeviceError>("[torch_backend.load] out of memory in {} on input {}", frame.current(), text_of(shape));
  }
}

class TorchBackend final : public Backend {
public:
  std::string name() const override { return "torch"; }

  std::shared_ptr<const Program> load(const Graph& graph, const BackendOptions& options) const override {
    if (options.precision != "f32" && options.precision != "bf16") {
      fail<InvalidArgument>("[torch_backend.load] unknown precision; got '{}'; expected f32 or bf16",
                            options.precision);
    }
    if (options.threads < 1 || options.threads > 1024) {
      fail<InvalidArgument>("[torch_backend.load] threads out of range; got {}; expected 1 to 1024", options.threads);
    }
    const at::Device device = device_of(options.device);
    const c10::InferenceMode inference;
    const ThreadCount count(options.threads);
    auto plan =
        std::make_shared<Plan>(make_plan(graph, device, options.precision == "f32" ? at::kFloat : at::kBFloat16));
    prepare(*plan);
    return std::make_shared<TorchProgram>(std::move(plan), options.threads);
  }
};

}  // namespace

}  // namespace torch_backend

std::unique_ptr<Backend> make_torch_backend() { return std::make_unique<torch_backend::TorchBackend>(); }

}  // namespace oddity
