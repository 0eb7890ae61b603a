#include "data/sample.h"

namespace oddity {

const char* name_of(Split split) {
  switch (split) {
    case Split::train:
      return "train";
    case Split::calibration:
      return "calibration";
    case Split::validation:
      return "validation";
    case Split::test:
      return "test";
  }
  return "unknown split";
}

}  // namespace oddity
