#include "scale.h"

/// A caller knows no #ifdef.
float scaled(float value, float factor) {
  if (!scale_on_gpu(&value, 1, factor)) {
    value *= factor;
  }
  return value;
}
