#include "inference/verdict.h"

#include "core/error.h"

namespace oddity {

const char* name_of(Decision decision) {
  switch (decision) {
    case Decision::accept:
      return "accept";
    case Decision::reject:
      return "reject";
    case Decision::ask:
      return "ask";
    case Decision::error:
      return "error";
  }
  fail<InvalidArgument>("[inference.name_of] unknown decision; got {}; expected one of Decision",
                        static_cast<int>(decision));
}

}  // namespace oddity
