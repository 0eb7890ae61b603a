#pragma once

#include <memory>

#include "inference/backend.h"

namespace oddity {

/// Interprets a package's ONNX graph on ATen. Convolutions run channels-last with weights packed at load for the
/// graph's own size (128x128 where it is free), with batch norms folded and ReLUs fused; values that depend on the
/// input's shape only are computed again only when the shape changes. Outputs are float32 on the host.
///
/// Precision "bf16": convolutions and Gemm in bf16 on bf16 weights, layout operators as they come, everything else
/// (MatMul with fitted statistics too) in f32. An input with NaN or infinity gives NaN in every output.
/// Device "cuda": LibTorch's CUDA half is loaded then, not before; DeviceError without one.
///
/// load throws ContentError for a graph that is not valid or asks for what no kernel does (two inputs, computed
/// convolution weights, auto_pad SAME_*), InvalidArgument for options; run throws InvalidArgument for a wrong shape or
/// one that the graph cannot take, naming the node, and DeviceError when memory runs out.
std::unique_ptr<Backend> make_torch_backend();

}  // namespace oddity
