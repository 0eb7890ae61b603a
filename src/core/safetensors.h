#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

/// The safetensors format (github.com/safetensors/safetensors, README "Format"): 8 bytes little-endian header length,
/// JSON header, tensor bytes without holes. The reader trusts nothing: every length, offset and product is checked
/// before it is used, duplicate and unknown keys are refused, and nothing is executed.
namespace oddity {

enum class Dtype : std::uint8_t { f64, f32, f16, bf16, i64, i32, i16, i8, u8, u16, boolean };
std::size_t size_of(Dtype dtype) noexcept;       ///< bytes of one element
std::string_view name_of(Dtype dtype) noexcept;  ///< "F64", "BF16", "BOOL", ... as in the file
Dtype dtype_from_name(std::string_view name);    ///< throws ContentError for a name that is none of them

/// One tensor; the bytes belong to somebody else. Row-major, little-endian; not aligned in files of other writers.
struct TensorBlob {
  std::string name;
  Dtype dtype = Dtype::f32;
  std::vector<std::int64_t> shape;  ///< empty = scalar; a 0 makes an empty tensor
  std::span<const std::byte> bytes;
};

struct SafetensorsLimits {
  std::uint64_t max_bytes = std::uint64_t{64} << 30;
  std::uint64_t max_header_bytes = 100'000'000;  ///< of the reference implementation
  std::uint32_t max_tensors = 65'536;
  std::uint32_t max_rank = 16;
};

/// What a file holds, in the order of the bytes. Valid as long as the bytes it was read from.
struct SafetensorsView {
  std::vector<TensorBlob> tensors;
  std::map<std::string, std::string> metadata;
  const TensorBlob* find(std::string_view name) const;  ///< nullptr when there is none; linear in the tensors
  const TensorBlob& at(std::string_view name) const;    ///< throws ContentError naming it
};

/// Reads without copying: the blobs are parts of `bytes`. `name` stands for the file in messages. Throws ContentError.
SafetensorsView decode_safetensors(std::span<const std::byte> bytes, const std::string& name,
                                   const SafetensorsLimits& limits = {});

/// A file read as a whole, with its view. Throws PathError, ContentError, IoError.
class SafetensorsFile {
public:
  SafetensorsFile(SafetensorsFile&&) noexcept = default;
  SafetensorsFile& operator=(SafetensorsFile&&) noexcept = default;
  static SafetensorsFile read(const std::filesystem::path& file, const SafetensorsLimits& limits = {});
  const SafetensorsView& view() const { return view_; }
  std::span<const std::byte> bytes() const { return bytes_; }

private:
  SafetensorsFile() = default;
  std::vector<std::byte> bytes_;  ///< moving a vector keeps its memory, so the view stays valid
  SafetensorsView view_;
};

/// The bytes of a file. Deterministic: tensors by descending element size, then name; header padded with spaces to a
/// multiple of 8. Throws InvalidArgument when a blob's bytes do not fit its shape, a name repeats or is `__metadata__`.
std::vector<std::byte> encode_safetensors(std::span<const TensorBlob> tensors,
                                          const std::map<std::string, std::string>& metadata = {});
/// The same, written atomically without a second copy of the tensors.
void write_safetensors(const std::filesystem::path& file, std::span<const TensorBlob> tensors,
                       const std::map<std::string, std::string>& metadata = {});

}  // namespace oddity
