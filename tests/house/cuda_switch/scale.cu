#include <concepts>

#include <cuda_runtime_api.h>

#include "scale.h"

namespace {

// A constrained template: compiles as C++20 only.
template <std::floating_point Real>
__global__ void scale(Real* values, long count, Real factor) {
  const long i = blockIdx.x * static_cast<long>(blockDim.x) + threadIdx.x;
  if (i < count) {
    values[i] *= factor;
  }
}

}  // namespace

bool kernels_compiled() { return true; }

bool scale_on_gpu(float* values, long count, float factor) {
  int devices = 0;
  if (cudaGetDeviceCount(&devices) != cudaSuccess || devices == 0) {
    return false;
  }
  float* on_device = nullptr;
  const auto bytes = static_cast<std::size_t>(count) * sizeof(float);
  bool done = cudaMalloc(&on_device, bytes) == cudaSuccess &&
              cudaMemcpy(on_device, values, bytes, cudaMemcpyHostToDevice) == cudaSuccess;
  if (done) {
    scale<<<static_cast<unsigned>((count + 255) / 256), 256>>>(on_device, count, factor);
    done = cudaGetLastError() == cudaSuccess &&
           cudaMemcpy(values, on_device, bytes, cudaMemcpyDeviceToHost) == cudaSuccess;
  }
  cudaFree(on_device);
  return done;
}
