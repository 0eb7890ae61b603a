#pragma once

#include <memory>

#include "inference/backend.h"

namespace oddity {

/// Interprets a package's ONNX graph on ATen: CPU and CUDA, channels-last, batch norm folded into convolutions at load,
/// f32 or bf16 (autocast-like: convolutions and matrix products in bf16, the rest in f32). Session outputs are float32
/// on the host.
std::unique_ptr<Backend> make_torch_backend();

}  // namespace oddity
