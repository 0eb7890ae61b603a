#include "data/hdf5_handle.h"

#include <hdf5.h>

namespace oddity {

void prepare_hdf5() {
  H5dont_atexit();
  H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr);
}

}  // namespace oddity
