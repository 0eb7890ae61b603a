#pragma once

#include <string>
#include <vector>

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "backends/torch/torch_backend.h"

/// Runs graphs on tensors and compares, for the tests of backend and tracer.
namespace oddity::testing {

inline std::vector<at::Tensor> run_session(Session& session, const at::Tensor& x) {
  at::Tensor input = x.contiguous().clone();
  std::vector<at::Tensor> outputs;
  for (const TensorView& view : session.run({input.data_ptr<float>(), input.sizes().vec()})) {
    outputs.push_back(at::from_blob(view.data, view.shape, at::kFloat).clone());
  }
  return outputs;
}

inline std::vector<at::Tensor> run_graph(const Graph& graph, const at::Tensor& x,
                                         const BackendOptions& options = BackendOptions()) {
  return run_session(*make_torch_backend()->load(graph, options)->make_session(), x);
}

/// Largest difference relative to the largest expected magnitude.
inline void expect_close(const at::Tensor& actual, const at::Tensor& expected, double tolerance) {
  const at::Tensor wanted = expected.to(at::kFloat);
  ASSERT_EQ(actual.sizes(), wanted.sizes());
  if (wanted.numel() == 0) {
    return;
  }
  ASSERT_TRUE(at::isfinite(wanted).all().item().toBool());
  const double scale = std::max(1e-12, wanted.abs().max().item().toDouble());
  EXPECT_LE((actual - wanted).abs().max().item().toDouble(), tolerance * scale);
}

inline GraphTensor constant(const std::string& name, const at::Tensor& tensor) {
  const at::Tensor dense = tensor.contiguous();
  TensorType type = TensorType::f32;
  if (dense.scalar_type() == at::kLong) {
    type = TensorType::i64;
  } else if (dense.scalar_type() == at::kBool) {
    type = TensorType::boolean;
  }
  GraphTensor result{name, type, dense.sizes().vec(), {}};
  const auto* data = static_cast<const std::byte*>(dense.const_data_ptr());
  result.bytes.assign(data, data + dense.nbytes());
  return result;
}

}  // namespace oddity::testing
