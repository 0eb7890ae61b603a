#pragma once

/// Multiplies `count` floats in place on the GPU; false when there is none.
bool scale_on_gpu(float* values, long count, float factor);
/// True when this build holds kernels.
bool kernels_compiled();
