#pragma once

#include <functional>
#include <string>
#include <vector>

#include <ATen/core/Tensor.h>

#include "inference/graph.h"
#include "training/task.h"

namespace oddity {

/// Traces `forward` (in eval mode) on `example` [1, C, H, W] float32 with torch::jit's tracer, reduces the trace to
/// `supported_operators()` and returns it as a Graph with input "image" and the given output names. Runs without grad;
/// `parameters` that require it get it back.
/// Constants that are an entry of `parameters` (same memory and strides; other sizes become a Reshape) are initialisers
/// of that name; others, such as slices of parameters, are called `constant_<i>`. Constants must be made before
/// `forward` runs: at::tensor() inside it is refused, as are in-place changes through a view.
/// With `free_size`, height and width of input and outputs are -1: `forward` also runs at twice the height and at twice
/// the width, and a number that differs is computed from the input's shape. It must be proportional to height, width or
/// both, or affine in one. Constants whose values or sizes depend on the image size are refused.
/// Throws InvalidArgument naming the first operator that cannot be reduced or would bake the image size in.
Graph trace_graph(const std::function<std::vector<at::Tensor>(const at::Tensor&)>& forward, const at::Tensor& example,
                  const std::vector<NamedTensor>& parameters, const std::vector<std::string>& output_names,
                  bool free_size, const std::string& name);

}  // namespace oddity
