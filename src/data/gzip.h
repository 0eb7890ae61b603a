#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <vector>

namespace oddity {

/// The bytes of a file, inflated when it starts like gzip, whatever its name. Throws PathError (missing), ContentError
/// (damaged or truncated gzip, or more than `max_bytes` of content, which also stops a bomb early).
std::vector<std::byte> read_maybe_gzip(const std::filesystem::path& file, std::uint64_t max_bytes);

}  // namespace oddity
