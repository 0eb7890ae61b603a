#include <cstdio>

#include "scale.h"

float scaled(float value, float factor);

int main() {
  std::printf("kernels %s, 3 x 4 = %g\n", kernels_compiled() ? "compiled" : "absent", scaled(3.0f, 4.0f));
  return 0;
}
