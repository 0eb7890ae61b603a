#pragma once

#include <string>
#include <unordered_map>
#include <vector>

#include "inference/graph.h"

namespace oddity::torch_backend {

struct RewrittenNode {
  GraphNode node;
  std::string activation;  ///< run right after a Conv: "", "Relu" or "LeakyRelu"
  float slope = 0;         ///< of LeakyRelu
};

struct RewrittenGraph {
  std::vector<RewrittenNode> nodes;
  std::unordered_map<std::string, GraphTensor> initializers;
};

/// The same function in fewer operators: nodes that reach no output are dropped, batch norms are folded into the
/// convolution in front (in f64) when nothing else reads its result, and ReLUs are attached to convolutions. `graph`
/// must be valid (fault_of is empty).
RewrittenGraph rewrite(const Graph& graph);

}  // namespace oddity::torch_backend
