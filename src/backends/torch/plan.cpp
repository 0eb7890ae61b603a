#include "backends/torch/plan.h"

#include <algorithm>
#include <cstring>
#include <map>
#include <unordered_map>

#include <ATen/core/Tensor.h>
#include <ATen/ops/empty.h>
#include <c10/util/Exception.h>

#include "backends/torch/graph_rewrite.h"
#include "core/error.h"

namespace oddity::torch_backend {

namespace {

at::ScalarType scalar_type_of(TensorType type) {
  switch (type) {
    case TensorType::f32:
      return at::kFloat;
    case TensorType::f64:
      return at::kDouble;
    case TensorType::i64:
      return at::kLong;
    case TensorType::i32:
      return at::kInt;
    case TensorType::u8:
      return at::kByte;
    case TensorType::u16:
      return at::kUInt16;
    case TensorType::boolean:
      return at::kBool;
    case TensorType::bf16:
      return at::kBFloat16;
  }
  fail<ContentError>("[torch_backend.load] unknown tensor type; got {}", static_cast<int>(type));
}

at::Tensor tensor_of(const GraphTensor& constant) {
  at::Tensor tensor = at::empty(constant.shape, at::TensorOptions().dtype(scalar_type_of(constant.type)));
  if (!constant.bytes.empty()) {
    std::memcpy(tensor.mutable_data_ptr(), constant.bytes.data(), constant.bytes.size());
  }
  return tensor;
}

class Planner {
public:
  Planner(const Graph& graph, at::Device device, at::ScalarType compute_type)
      : graph_(graph), compute_type_(compute_type) {
    plan_.device = device;
  }

  Plan run() {
    if (const std::string fault = fault_of(graph_); !fault.empty()) {
      fail<ContentError>("[torch_backend.load] graph '{}': {}", graph_.name, fault);
    }
    if (graph_.inputs.size() != 1 || graph_.inputs[0].type != TensorType::f32 || graph_.outputs.empty()) {
      fail<ContentError>("[torch_backend.load] graph '{}' has {} inputs and {} outputs; expected one float32 input",
                         graph_.name, graph_.inputs.size(), graph_.outputs.size());
    }
    RewrittenGraph rewritten = rewrite(graph_);
    for (auto& [name, tensor] : rewritten.initializers) {
      constants_.emplace(name, tensor_of(tensor));
      tensor.bytes = {};
    }
    plan_.input_shape = graph_.inputs[0].shape;
    plan_.input = new_slot();
    computed_[graph_.inputs[0].name] = {plan_.input, false};
    for (const RewrittenNode& node : rewritten.nodes) {
      add(node);
    }
    for (const GraphValue& output : graph_.outputs) {
      plan_.outputs.push_back(slot_of(output.name, /*on_host=*/false));
    }
    find_last_reads();
    return std::move(plan_);
  }

private:
  struct Computed {
    int slot;
    bool host;
  };

  int new_slot() {
    plan_.constants.emplace_back();
    return static_cast<int>(plan_.constants.size()) - 1;
  }

  void add(const RewrittenNode& rewritten) {
    const GraphNode& node = rewritten.node;
    const KernelEntry* entry = find_kernel(node.op);
    KernelRequest request;
    request.node = &node;
    request.device = plan_.device;
    request.compute_type = compute_type_;
    request.activation = rewritten.activation;
    request.slope = rewritten.slope;
    if (entry == nullptr) {
      request.reject("this backend has no kernel for the operator");
    }
    bool all_constant = true;
    bool host = true;
    for (std::size_t i = 0; i < node.inputs.size(); ++i) {
      const std::string& input = node.inputs[i];
      const auto constant = constants_.find(input);
      request.constants.push_back(constant == constants_.end() ? nullptr : &constant->second);
      if (input.empty()) {
        if (i < entry->fewest_inputs && node.op != "Resize") {
          request.reject(fmt::format("input {} is missing", i));
        }
      } else if (constant == constants_.end()) {
        all_constant = false;
        host = host && computed_.at(input).host;
      }
    }
    if (node.op == "Shape") {
      host = true;
    }
    if (host) {  // also every constant expression: evaluated where its integers are read
      request.device = at::kCPU;
      request.compute_type = at::kFloat;
    }
    Instruction instruction;
    instruction.label = fmt::format("node '{}' ({})", node.name, node.op);
    instruction.kernel = make_kernel(*entry, request);
    instruction.host = host;
    if (all_constant) {
      fold(node, request, instruction);
      return;
    }
    for (std::size_t i = 0; i < node.inputs.size(); ++i) {
      const bool absorbed = ((entry->absorbed_inputs >> i) & 1U) != 0;
      const bool read_on_host = host || ((entry->host_inputs >> i) & 1U) != 0;
      instruction.inputs.push_back(node.inputs[i].empty() || absorbed ? -1 : slot_of(node.inputs[i], read_on_host));
    }
    for (const std::string& output : node.outputs) {
      instruction.outputs.push_back(output.empty() ? -1 : new_slot());
      if (!output.empty()) {
        computed_[output] = {instruction.outputs.back(), host};
      }
    }
    plan_.instructions.push_back(std::move(instruction));
  }

  void fold(const GraphNode& node, const KernelRequest& request, const Instruction& instruction) {
    std::vector<at::Tensor> results(node.outputs.size());
    std::vector<at::Tensor*> outputs;
    for (at::Tensor& result : results) {
      outputs.push_back(&result);
    }
    try {
      instruction.kernel->run(request.constants.data(), outputs.data());
    } catch (const c10::Error& error) {
      request.reject(error.what_without_backtrace());
    }
    for (std::size_t i = 0; i < results.size(); ++i) {
      if (!node.outputs[i].empty()) {
        constants_.emplace(node.outputs[i], results[i].contiguous());
      }
    }
  }

  /// The slot that holds the value where the reader wants it. Computed device values that are read as sizes stay where
  /// they are: integers_of fetches them.
  int slot_of(const std::string& name, bool on_host) {
    on_host = on_host && !plan_.device.is_cpu();
    if (const auto constant = constants_.find(name); constant != constants_.end()) {
      const auto [found, is_new] = constant_slots_.try_emplace({name, on_host}, -1);
      if (is_new) {
        at::Tensor value = on_host ? constant->second : constant->second.to(plan_.device);
        // Beside channels-last activations an NCHW constant would make element-wise kernels walk with two strides.
        value = !on_host && value.dim() == 4 && value.is_floating_point() ? channels_last(value) : value;
        found->second = new_slot();
        plan_.constants.back() = value;
      }
      return found->second;
    }
    const Computed value = computed_.at(name);
    if (!value.host || on_host || plan_.device.is_cpu()) {
      return value.slot;
    }
    const auto [found, is_new] = moved_.try_emplace(value.slot, -1);
    if (is_new) {
      Instruction move;
      move.kernel = make_simple([device = plan_.device](const at::Tensor* const* in) { return in[0]->to(device); });
      move.label = fmt::format("the move of '{}' to the device", name);
      move.inputs = {value.slot};
      move.outputs = {new_slot()};
      move.host = true;
      found->second = move.outputs[0];
      plan_.instructions.push_back(std::move(move));
    }
    return found->second;
  }

  /// Constants, outputs and host values outlive a run.
  void find_last_reads() {
    std::vector<bool> kept(plan_.constants.size(), false);
    for (std::size_t slot = 0; slot < kept.size(); ++slot) {
      kept[slot] = plan_.constants[slot].defined();
    }
    for (const int output : plan_.outputs) {
      kept[static_cast<std::size_t>(output)] = true;
    }
    for (const Instruction& instruction : plan_.instructions) {
      for (const int output : instruction.outputs) {
        if (output >= 0 && instruction.host) {
          kept[static_cast<std::size_t>(output)] = true;
        }
      }
    }
    for (auto instruction = plan_.instructions.rbegin(); instruction != plan_.instructions.rend(); ++instruction) {
      for (const std::vector<int>* slots : {&instruction->inputs, &instruction->outputs}) {
        for (const int slot : *slots) {
          if (slot >= 0 && !kept[static_cast<std::size_t>(slot)]) {
            kept[static_cast<std::size_t>(slot)] = true;
            instruction->last_reads.push_back(slot);
          }
        }
      }
    }
  }

  const Graph& graph_;
  at::ScalarType compute_type_;
  Plan plan_;
  std::unordered_map<std::string, at::Tensor> constants_;
  std::unordered_map<std::string, Computed> computed_;
  std::map<std::pair<std::string, bool>, int> constant_slots_;
  std::unordered_map<int, int> moved_;
};

}  // namespace

Frame::Frame(const Plan& plan) : plan_(&plan), slots_(plan.constants) {
  for (const Instruction& instruction : plan.instructions) {
    Binding& binding = bindings_.emplace_back();
    for (const int slot : instruction.inputs) {
      binding.inputs.push_back(slot < 0 ? nullptr : &slots_[static_cast<std::size_t>(slot)]);
    }
    for (const int slot : instruction.outputs) {
      binding.outputs.push_back(slot < 0 ? nullptr : &slots_[static_cast<std::size_t>(slot)]);
    }
  }
}

void Frame::bind(const at::Tensor& input) {
  if (!std::equal(shape_.begin(), shape_.end(), input.sizes().begin(), input.sizes().end())) {
    shape_ = input.sizes().vec();
    host_is_stale_ = true;
  }
  slots_[static_cast<std::size_t>(plan_->input)] = input;
}

void Frame::step(std::size_t index) {
  const Instruction& instruction = plan_->instructions[index];
  const Binding& binding = bindings_[index];
  instruction.kernel->run(binding.inputs.data(), binding.outputs.data());
  for (const int slot : instruction.last_reads) {
    slots_[static_cast<std::size_t>(slot)] = at::Tensor();
  }
}

void Frame::run(const at::Tensor& input) {
  bind(input);
  // A failed run may have left host values half done: they count as fresh only after the last instruction.
  const bool refresh = host_is_stale_;
  host_is_stale_ = true;
  for (current_ = 0; current_ < plan_->instructions.size(); ++current_) {
    if (refresh || !plan_->instructions[current_].host) {
      step(current_);
    }
  }
  host_is_stale_ = false;
}

void Frame::prepare(Plan& plan, const at::Tensor& input) {
  ODDITY_ASSERT(&plan == plan_);
  bind(input);
  for (current_ = 0; current_ < plan.instructions.size(); ++current_) {
    plan.instructions[current_].kernel->prepare(bindings_[current_].inputs.data());
    step(current_);
  }
}

const at::Tensor& Frame::output(std::size_t index) const {
  return slots_[static_cast<std::size_t>(plan_->outputs[index])];
}

const std::string& Frame::current() const {
  static const std::string none = "the graph";
  return current_ < plan_->instructions.size() ? plan_->instructions[current_].label : none;
}

Plan make_plan(const Graph& graph, at::Device device, at::ScalarType compute_type) {
  return Planner(graph, device, compute_type).run();
}

}  // namespace oddity::torch_backend
