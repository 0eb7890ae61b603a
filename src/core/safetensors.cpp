#include "core/safetensors.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <limits>
#include <optional>
#include <set>
#include <utility>

#include <nlohmann/json.hpp>

#include "core/error.h"
#include "core/files.h"

static_assert(std::endian::native == std::endian::little, "tensors are stored little-endian and used as they are");

namespace oddity {
namespace {

struct DtypeInfo {
  std::string_view name;
  std::size_t size;
};
constexpr std::array<DtypeInfo, 11> dtypes = {{{"F64", 8},
                                               {"F32", 4},
                                               {"F16", 2},
                                               {"BF16", 2},
                                               {"I64", 8},
                                               {"I32", 4},
                                               {"I16", 2},
                                               {"I8", 1},
                                               {"U8", 1},
                                               {"U16", 2},
                                               {"BOOL", 1}}};
constexpr std::string_view metadata_key = "__metadata__";

std::optional<Dtype> find_dtype(std::string_view name) {
  for (std::size_t i = 0; i < dtypes.size(); ++i) {
    if (dtypes[i].name == name) {
      return static_cast<Dtype>(i);
    }
  }
  return std::nullopt;
}

/// Bytes of a tensor, or nothing when the product does not fit 64 bits (signed, so that it fits everywhere).
std::optional<std::uint64_t> checked_bytes(Dtype dtype, const std::vector<std::int64_t>& shape) {
  std::uint64_t n = size_of(dtype);
  bool empty = false;
  for (const std::int64_t side : shape) {
    if (side < 0) {
      return std::nullopt;
    }
    empty = empty || side == 0;
    std::uint64_t product = 0;
    if (side != 0 && __builtin_mul_overflow(n, static_cast<std::uint64_t>(side), &product)) {
      return std::nullopt;
    }
    n = side != 0 ? product : n;
  }
  if (n > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) {
    return std::nullopt;
  }
  return empty ? 0 : n;
}

/// A name in a message: hostile names may be long.
std::string shown(std::string_view name) {
  return name.size() <= 80 ? std::string(name) : std::string(name.substr(0, 80)) + "...";
}

struct Entry {
  std::string name;
  std::optional<Dtype> dtype;
  std::optional<std::vector<std::int64_t>> shape;
  std::array<std::uint64_t, 2> offsets{};
  std::size_t offset_count = 0;
  bool has_offsets = false;
};

/// Reads the header from parser events, so that duplicate keys, wrong types and deep nesting are seen as they come and
/// nothing is built for them. The grammar is: { name: {dtype, shape, data_offsets}, "__metadata__": {text: text} }.
class HeaderReader final : public nlohmann::json_sax<nlohmann::json> {
public:
  explicit HeaderReader(const SafetensorsLimits& limits) : limits_(limits) {}

  std::vector<Entry> entries;
  std::map<std::string, std::string> metadata;
  std::string fault;

  bool null() override { return refuse("null"); }
  bool boolean(bool) override { return refuse("a boolean"); }
  bool number_float(number_float_t, const string_t&) override {
    return refuse("a number that is not a whole number of 64 bits");
  }
  bool binary(binary_t&) override { return refuse("binary"); }
  bool number_integer(number_integer_t) override { return refuse("a negative number"); }

  bool number_unsigned(number_unsigned_t value) override {
    if (where_ == Where::shape) {
      if (value > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) {
        return say("a dimension is too large; got {}", value);
      }
      if (entries.back().shape->size() >= limits_.max_rank) {
        return say("too many dimensions; expected at most {}", limits_.max_rank);
      }
      entries.back().shape->push_back(static_cast<std::int64_t>(value));
      return true;
    }
    if (where_ == Where::offsets && entries.back().offset_count < 2) {
      entries.back().offsets[entries.back().offset_count++] = value;
      return true;
    }
    return refuse("a number");
  }

  bool string(string_t& value) override {
    if (where_ == Where::metadata) {
      metadata[key_] = std::move(value);
      return true;
    }
    if (where_ == Where::tensor && key_ == "dtype") {
      entries.back().dtype = find_dtype(value);
      return entries.back().dtype ? true : say("dtype '{}' is not supported", shown(value));
    }
    return refuse("a text");
  }

  bool start_object(std::size_t) override {
    switch (where_) {
      case Where::start:
        where_ = Where::top;
        return true;
      case Where::top:
        if (key_ == metadata_key) {
          where_ = Where::metadata;
          return true;
        }
        if (entries.size() >= limits_.max_tensors) {
          return say("too many tensors; expected at most {}", limits_.max_tensors);
        }
        entries.emplace_back();
        entries.back().name = key_;
        where_ = Where::tensor;
        return true;
      default:
        return refuse("an object");
    }
  }

  bool end_object() override {
    if (where_ == Where::tensor) {
      const Entry& entry = entries.back();
      if (!entry.dtype || !entry.shape || entry.offset_count != 2) {
        return say("tensor '{}' is incomplete; expected dtype, shape and two data_offsets", shown(entry.name));
      }
    }
    where_ = where_ == Where::top ? Where::end : Where::top;
    return true;
  }

  bool start_array(std::size_t) override {
    if (where_ == Where::tensor && key_ == "shape") {
      entries.back().shape.emplace();
      where_ = Where::shape;
      return true;
    }
    if (where_ == Where::tensor && key_ == "data_offsets") {
      entries.back().has_offsets = true;
      where_ = Where::offsets;
      return true;
    }
    return refuse("a list");
  }

  bool end_array() override {
    where_ = Where::tensor;
    return true;
  }

  bool key(string_t& value) override {
    bool is_new = true;
    switch (where_) {
      case Where::top:
        is_new = names_.insert(value).second;
        break;
      case Where::metadata:
        is_new = !metadata.contains(value);
        break;
      default:
        if (value != "dtype" && value != "shape" && value != "data_offsets") {
          return say("unknown key '{}' in tensor '{}'", shown(value), shown(entries.back().name));
        }
        is_new = !(value == "dtype"   ? entries.back().dtype.has_value()
                   : value == "shape" ? entries.back().shape.has_value()
                                      : entries.back().has_offsets);
    }
    if (!is_new) {
      return say("key '{}' is there twice", shown(value));
    }
    key_ = std::move(value);
    return true;
  }

  bool parse_error(std::size_t at, const std::string&, const nlohmann::detail::exception&) override {
    return say("not valid JSON near byte {}", at);
  }

private:
  enum class Where { start, top, metadata, tensor, shape, offsets, end };

  template <class... Args>
  bool say(fmt::format_string<Args...> format, Args&&... args) {
    if (fault.empty()) {
      fault = fmt::format(format, std::forward<Args>(args)...);
    }
    return false;
  }
  bool refuse(std::string_view what) { return say("{} stands at '{}' where it does not belong", what, shown(key_)); }

  const SafetensorsLimits limits_;
  Where where_ = Where::start;
  std::string key_;
  std::set<std::string> names_;
};

std::uint64_t load_u64(std::span<const std::byte> bytes) {
  std::uint64_t value = 0;
  std::memcpy(&value, bytes.data(), sizeof value);
  return value;
}

/// The header text with its padding, and the tensors in the order of their bytes.
struct Layout {
  std::vector<const TensorBlob*> order;
  std::string header;
  std::uint64_t total = 0;
};

Layout lay_out(std::span<const TensorBlob> tensors, const std::map<std::string, std::string>& metadata) {
  Layout layout;
  std::set<std::string_view> names;
  for (const TensorBlob& tensor : tensors) {
    if (tensor.name == metadata_key || !names.insert(tensor.name).second) {
      fail<InvalidArgument>("[core.encode_safetensors] tensor name '{}' is reserved or there twice",
                            shown(tensor.name));
    }
    const std::optional<std::uint64_t> bytes = checked_bytes(tensor.dtype, tensor.shape);
    if (!bytes || *bytes != tensor.bytes.size()) {
      fail<InvalidArgument>(
          "[core.encode_safetensors] tensor '{}' has bytes that do not fit its shape; got {}; expected {}",
          shown(tensor.name), tensor.bytes.size(), bytes ? std::to_string(*bytes) : "a shape of less than 2^63 bytes");
    }
    layout.order.push_back(&tensor);
  }
  std::sort(layout.order.begin(), layout.order.end(), [](const TensorBlob* a, const TensorBlob* b) {
    return std::pair(size_of(b->dtype), std::string_view(a->name)) <
           std::pair(size_of(a->dtype), std::string_view(b->name));
  });

  nlohmann::ordered_json header = nlohmann::ordered_json::object();
  if (!metadata.empty()) {
    header[std::string(metadata_key)] = metadata;
  }
  std::string text;
  try {
    // ordered_json looks keys up one by one; appending text keeps many tensors linear.
    text = header.dump();
    text.pop_back();
    std::uint64_t at = 0;
    for (const TensorBlob* tensor : layout.order) {
      const std::uint64_t end = at + tensor->bytes.size();
      const nlohmann::ordered_json entry = {
          {"dtype", name_of(tensor->dtype)}, {"shape", tensor->shape}, {"data_offsets", {at, end}}};
      text += text.size() > 1 ? "," : "";
      text += nlohmann::json(tensor->name).dump();
      text += ":";
      text += entry.dump();
      at = end;
    }
    text += "}";
    layout.total = at;
  } catch (const nlohmann::json::exception&) {
    fail<InvalidArgument>("[core.encode_safetensors] a tensor name or metadata is not UTF-8 text");
  }
  text.resize((text.size() + 7) / 8 * 8, ' ');
  const std::uint64_t length = text.size();
  layout.header.resize(sizeof length);
  std::memcpy(layout.header.data(), &length, sizeof length);
  layout.header += text;
  layout.total += layout.header.size();
  return layout;
}

}  // namespace

std::size_t size_of(Dtype dtype) noexcept { return dtypes[static_cast<std::size_t>(dtype)].size; }
std::string_view name_of(Dtype dtype) noexcept { return dtypes[static_cast<std::size_t>(dtype)].name; }

Dtype dtype_from_name(std::string_view name) {
  const std::optional<Dtype> dtype = find_dtype(name);
  if (!dtype) {
    fail<ContentError>("[core.dtype_from_name] unknown dtype; got '{}'; expected F64, F32, ..., BOOL", shown(name));
  }
  return *dtype;
}

const TensorBlob* SafetensorsView::find(std::string_view name) const {
  for (const TensorBlob& tensor : tensors) {
    if (tensor.name == name) {
      return &tensor;
    }
  }
  return nullptr;
}

const TensorBlob& SafetensorsView::at(std::string_view name) const {
  const TensorBlob* const tensor = find(name);
  if (tensor == nullptr) {
    fail<ContentError>("[core.safetensors] tensor '{}' is missing", shown(name));
  }
  return *tensor;
}

SafetensorsView decode_safetensors(std::span<const std::byte> bytes, const std::string& name,
                                   const SafetensorsLimits& limits) {
  const auto refuse = [&]<class... Args>(fmt::format_string<Args...> format, Args&&... args) {
    throw ContentError(fmt::format("[core.safetensors] '{}' is damaged: ", name) +
                       fmt::format(format, std::forward<Args>(args)...));
  };
  constexpr std::uint64_t prefix = 8;
  if (bytes.size() < prefix) {
    refuse("it is shorter than its header length; got {} bytes; expected at least 8", bytes.size());
  }
  if (bytes.size() > limits.max_bytes) {
    refuse("it is too large; got {} bytes; expected at most {}", bytes.size(), limits.max_bytes);
  }
  const std::uint64_t header_size = load_u64(bytes);
  if (header_size > limits.max_header_bytes) {
    refuse("the header is too large; got {} bytes; expected at most {}", header_size, limits.max_header_bytes);
  }
  if (header_size > bytes.size() - prefix) {
    refuse("the header is cut off; got {} of {} bytes", bytes.size() - prefix, header_size);
  }
  const std::span<const std::byte> data = bytes.subspan(prefix + header_size);
  std::string_view header(reinterpret_cast<const char*>(bytes.data()) + prefix, header_size);
  if (header.empty() || header.front() != '{') {
    refuse("the header does not begin with '{{'");
  }
  while (header.back() == ' ') {
    header.remove_suffix(1);
  }
  if (header.back() != '}') {
    refuse("the header does not end with '}}' and spaces");
  }

  HeaderReader reader(limits);
  if (!nlohmann::json::sax_parse(header.begin(), header.end(), &reader) || !reader.fault.empty()) {
    refuse("the header is wrong: {}", reader.fault);
  }

  std::stable_sort(reader.entries.begin(), reader.entries.end(),
                   [](const Entry& a, const Entry& b) { return a.offsets < b.offsets; });
  SafetensorsView view;
  view.metadata = std::move(reader.metadata);
  view.tensors.reserve(reader.entries.size());
  std::uint64_t at = 0;
  for (Entry& entry : reader.entries) {
    const std::uint64_t begin = entry.offsets[0], end = entry.offsets[1];
    const std::optional<std::uint64_t> size = checked_bytes(*entry.dtype, *entry.shape);
    if (begin != at || end < begin || end > data.size()) {
      refuse(
          "tensor '{}' does not follow the one before or leaves the file; got bytes {} to {}; expected from {} "
          "within {}",
          shown(entry.name), begin, end, at, data.size());
    }
    if (!size || *size != end - begin) {
      refuse("tensor '{}' has {} bytes, which is not what its shape and dtype need", shown(entry.name), end - begin);
    }
    view.tensors.push_back({std::move(entry.name), *entry.dtype, std::move(*entry.shape),
                            data.subspan(static_cast<std::size_t>(begin), static_cast<std::size_t>(end - begin))});
    at = end;
  }
  if (at != data.size()) {
    refuse("there are bytes that belong to no tensor; got {}; expected {}", data.size(), at);
  }
  return view;
}

SafetensorsFile SafetensorsFile::read(const std::filesystem::path& file, const SafetensorsLimits& limits) {
  SafetensorsFile whole;
  whole.bytes_ = read_file(file, limits.max_bytes);
  whole.view_ = decode_safetensors(whole.bytes_, file.string(), limits);
  return whole;
}

std::vector<std::byte> encode_safetensors(std::span<const TensorBlob> tensors,
                                          const std::map<std::string, std::string>& metadata) {
  const Layout layout = lay_out(tensors, metadata);
  std::vector<std::byte> bytes;
  bytes.reserve(layout.total);
  const std::span<const std::byte> header = std::as_bytes(std::span(layout.header));
  bytes.insert(bytes.end(), header.begin(), header.end());
  for (const TensorBlob* tensor : layout.order) {
    bytes.insert(bytes.end(), tensor->bytes.begin(), tensor->bytes.end());
  }
  return bytes;
}

void write_safetensors(const std::filesystem::path& file, std::span<const TensorBlob> tensors,
                       const std::map<std::string, std::string>& metadata) {
  const Layout layout = lay_out(tensors, metadata);
  AtomicFile out(file);
  out.write(layout.header);
  for (const TensorBlob* tensor : layout.order) {
    out.write(tensor->bytes);
  }
  out.commit();
}

}  // namespace oddity
