#pragma once

#include <functional>
#include <string>
#include <vector>

#include <ATen/core/Tensor.h>

#include "inference/graph.h"
#include "training/task.h"

namespace oddity {

/// Traces `forward` (in eval mode, parameters without grad) on `example` [1, C, H, W] with torch::jit's tracer, reduces
/// the trace to `supported_operators()` and returns it as a Graph with input "image" and the given output names.
/// Constants that share storage with an entry of `parameters` become initialisers of that name; others are called
/// `constant_<i>`. With `free_size` true height and width of input and outputs are -1 and the graph must not depend on
/// them (checked by running it at a second size through the caller's tests). Throws InvalidArgument naming the first
/// operator that cannot be reduced.
Graph trace_graph(const std::function<std::vector<at::Tensor>(const at::Tensor&)>& forward, const at::Tensor& example,
                  const std::vector<NamedTensor>& parameters, const std::vector<std::string>& output_names,
                  bool free_size, const std::string& name);

}  // namespace oddity
