#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "inference/package.h"

/// Names inside a package file that its writer and its reader share.
///
/// Tensors: `graph/<component>` U8 [n], an ONNX model. `decision/<number>` F64 [], `decision/calibration_scores` F64
/// [n], `decision/millimetres_per_pixel` F64 [2] (x, y), `input/full_scale` F64 []. `region/points` F64 [n, 2] and
/// `region/counts` I64 [polygons]. `self_test/<i>/input` U8 or U16 [h, w, c], `self_test/<i>/score` and
/// `self_test/<i>/tolerance` F64 []. Everything else is in the JSON of the metadata key `oddity`.
namespace oddity::package_format {

constexpr int major_version = 1;
constexpr int minor_version = 0;
constexpr std::string_view metadata_key = "oddity";
constexpr std::string_view digest_key = "sha256_of_this_file_with_zeros_here";
constexpr std::size_t digest_digits = 64;
constexpr std::size_t max_json_depth = 64;
constexpr std::size_t max_self_tests = 4;
constexpr std::size_t max_components = 64;

/// Where the 64 digits of the digest lie in the header of a file: after the only occurrence of its key. Nothing when
/// the key is missing or not alone.
std::optional<std::size_t> find_digest(std::span<const std::byte> header);

/// SHA-256 of `file` with the digits at `position` replaced by zeros, as lower-case hexadecimal digits.
std::string digest_of(std::span<const std::byte> file, std::size_t position);

/// How deep arrays and objects nest in a JSON text; brackets inside strings do not count.
std::size_t json_depth(std::string_view json);

}  // namespace oddity::package_format
