#pragma once

namespace oddity {

/// The version of the library, the command and the Python module; equal to the version of the CMake project (tested).
inline constexpr const char* version = "0.1.0";

}  // namespace oddity
