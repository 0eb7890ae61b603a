#include "scale.h"

bool kernels_compiled() { return false; }

bool scale_on_gpu(float* /*values*/, long /*count*/, float /*factor*/) { return false; }
