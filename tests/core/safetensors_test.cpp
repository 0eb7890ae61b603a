#include "core/safetensors.h"

#include <cstring>
#include <limits>

#include <gtest/gtest.h>

#include "core/error.h"
#include "core/files.h"
#include "core/random.h"
#include "temporary_directory.h"

namespace oddity {
namespace {

std::vector<std::byte> file_of(const std::string& header, const std::string& data = "", std::int64_t length = -1) {
  const std::uint64_t n = length < 0 ? header.size() : static_cast<std::uint64_t>(length);
  std::vector<std::byte> bytes(8 + header.size() + data.size());
  std::memcpy(bytes.data(), &n, 8);
  std::memcpy(bytes.data() + 8, header.data(), header.size());
  if (!data.empty()) {
    std::memcpy(bytes.data() + 8 + header.size(), data.data(), data.size());
  }
  return bytes;
}

std::span<const std::byte> bytes_of(const std::string& text) { return std::as_bytes(std::span(text)); }

std::vector<std::byte> small_file() {
  static const std::string weights(24, 'w'), ids(3, 'i'), numbers(16, 'n');
  const std::vector<TensorBlob> tensors = {{"layer.weight", Dtype::f32, {2, 3}, bytes_of(weights)},
                                           {"graph", Dtype::u8, {3}, bytes_of(ids)},
                                           {"threshold", Dtype::f64, {2}, bytes_of(numbers)},
                                           {"none", Dtype::bf16, {0, 4}, {}}};
  return encode_safetensors(tensors, {{"oddity", "{\"v\":1}"}, {"made by", "a \"test\"\n"}});
}

TEST(Safetensors, ReadsWhatItWrote) {
  const std::vector<std::byte> bytes = small_file();
  const SafetensorsView view = decode_safetensors(bytes, "small");
  ASSERT_EQ(view.tensors.size(), 4u);
  EXPECT_EQ(view.metadata.at("oddity"), "{\"v\":1}");
  EXPECT_EQ(view.metadata.at("made by"), "a \"test\"\n");
  EXPECT_EQ(view.tensors[0].name, "threshold");  // by descending element size, then by name
  EXPECT_EQ(view.tensors[1].name, "layer.weight");
  EXPECT_EQ(view.tensors[2].name, "none");
  EXPECT_EQ(view.tensors[3].name, "graph");
  const TensorBlob& weight = view.at("layer.weight");
  EXPECT_EQ(weight.dtype, Dtype::f32);
  EXPECT_EQ(weight.shape, (std::vector<std::int64_t>{2, 3}));
  ASSERT_EQ(weight.bytes.size(), 24u);
  EXPECT_EQ(weight.bytes[5], std::byte{'w'});
  EXPECT_GE(weight.bytes.data(), bytes.data());  // a part of the input, not a copy
  EXPECT_LE(weight.bytes.data() + 24, bytes.data() + bytes.size());
  EXPECT_EQ((view.tensors[0].bytes.data() - bytes.data()) % 8, 0);
  EXPECT_EQ(view.find("absent"), nullptr);
  EXPECT_THROW(view.at("absent"), ContentError);
}

TEST(Safetensors, TheBytesAreThoseOfTheFormat) {
  const std::string data = "abcdefgh";
  const std::vector<TensorBlob> tensors = {{"x", Dtype::f32, {1, 2}, bytes_of(data)}};
  const std::string header = R"({"x":{"dtype":"F32","shape":[1,2],"data_offsets":[0,8]}})";
  ASSERT_EQ(header.size() % 8, 0u);
  EXPECT_EQ(encode_safetensors(tensors), file_of(header, data));
  // Without tensors: an object, padded with spaces.
  EXPECT_EQ(encode_safetensors({}), file_of("{}      "));
  EXPECT_EQ(decode_safetensors(file_of("{}      "), "none").tensors.size(), 0u);
}

TEST(Safetensors, AllDtypesAndTheirSizes) {
  const std::vector<std::pair<std::string, std::size_t>> sizes = {{"F64", 8}, {"F32", 4}, {"F16", 2}, {"BF16", 2},
                                                                  {"I64", 8}, {"I32", 4}, {"I16", 2}, {"I8", 1},
                                                                  {"U8", 1},  {"U16", 2}, {"BOOL", 1}};
  for (const auto& [name, size] : sizes) {
    const Dtype dtype = dtype_from_name(name);
    EXPECT_EQ(name_of(dtype), name);
    EXPECT_EQ(size_of(dtype), size);
    const std::string data(3 * size, 'x');
    const std::vector<TensorBlob> tensors = {{"t", dtype, {3}, bytes_of(data)}};
    const std::vector<std::byte> bytes = encode_safetensors(tensors);
    EXPECT_EQ(decode_safetensors(bytes, name).at("t").dtype, dtype);
  }
  EXPECT_THROW(dtype_from_name("F8_E4M3"), ContentError);
}

TEST(Safetensors, OrderOfTheInputDoesNotMatter) {
  const std::string data(8, 'x');
  std::vector<TensorBlob> tensors = {{"b", Dtype::u8, {8}, bytes_of(data)},
                                     {"a", Dtype::u8, {8}, bytes_of(data)},
                                     {"scalar", Dtype::f64, {}, bytes_of(data)}};
  const std::vector<std::byte> bytes = encode_safetensors(tensors);
  std::reverse(tensors.begin(), tensors.end());
  EXPECT_EQ(encode_safetensors(tensors), bytes);
  EXPECT_TRUE(decode_safetensors(bytes, "x").at("scalar").shape.empty());
}

TEST(Safetensors, AFileAsAWhole) {
  const testing::TemporaryDirectory directory;
  const std::string data(40, 'x');
  const std::vector<TensorBlob> tensors = {{"x", Dtype::f32, {10}, bytes_of(data)}};
  write_safetensors(directory / "model", tensors, {{"a", "b"}});
  SafetensorsFile file = SafetensorsFile::read(directory / "model");
  const SafetensorsFile moved = std::move(file);
  EXPECT_EQ(moved.view().at("x").bytes.size(), 40u);
  EXPECT_EQ(moved.view().at("x").bytes[39], std::byte{'x'});
  EXPECT_EQ(std::vector<std::byte>(moved.bytes().begin(), moved.bytes().end()),
            encode_safetensors(tensors, {{"a", "b"}}));
  EXPECT_THROW(SafetensorsFile::read(directory / "absent"), PathError);
  EXPECT_THROW(SafetensorsFile::read(directory / "model", {.max_bytes = 50}), ContentError);
  EXPECT_THROW(write_safetensors("/dev/full", tensors), IoError);
}

TEST(Safetensors, TheWriterRefusesWhatTheReaderWould) {
  const std::string data(8, 'x');
  const auto refused = [](std::vector<TensorBlob> tensors, std::map<std::string, std::string> metadata = {}) {
    EXPECT_THROW(encode_safetensors(tensors, metadata), InvalidArgument);
  };
  refused({{"x", Dtype::f32, {3}, bytes_of(data)}});
  refused({{"x", Dtype::f32, {-2}, bytes_of(data)}});
  refused({{"__metadata__", Dtype::f32, {2}, bytes_of(data)}});
  refused({{"x", Dtype::f32, {2}, bytes_of(data)}, {"x", Dtype::f32, {2}, bytes_of(data)}});
  refused({{"\xff", Dtype::f32, {2}, bytes_of(data)}});
  refused({{"x", Dtype::f32, {std::int64_t{1} << 40, std::int64_t{1} << 40}, bytes_of(data)}});
  refused({}, {{"key", "\xff"}});
}

struct BadFile {
  const char* name;
  std::vector<std::byte> bytes;
  const char* message;
};

TEST(Safetensors, EveryKindOfBadFileIsRefusedWithItsReason) {
  const std::string good = R"({"x":{"dtype":"U8","shape":[4],"data_offsets":[0,4]}})";
  const auto tensor = [](const std::string& body, const std::string& data = "abcd") {
    return file_of("{\"x\":{" + body + "}}", data);
  };
  ASSERT_EQ(decode_safetensors(file_of(good, "abcd"), "good").tensors.size(), 1u);
  const std::vector<BadFile> table = {
      {"nothing", {}, "shorter than its header length"},
      {"seven bytes", std::vector<std::byte>(7), "shorter than its header length"},
      {"empty header", file_of(""), "does not begin with '{'"},
      {"header length beyond the file", file_of(good, "abcd", 1000), "the header is cut off"},
      {"header length of 2^63", file_of(good, "abcd", std::numeric_limits<std::int64_t>::max()), "header is too large"},
      {"header beyond 100 MB", file_of(good, "abcd", 100'000'001), "header is too large"},
      {"header begins with a space", file_of(" " + good, "abcd"), "does not begin with '{'"},
      {"header is a list", file_of("[]"), "does not begin with '{'"},
      {"header ends with a newline", file_of(good + "\n", "abcd"), "does not end with '}'"},
      {"header is cut", file_of(good.substr(0, good.size() - 3), "abcd"), "does not end with '}'"},
      {"two objects", file_of(good + good, "abcd"), "not valid JSON"},
      {"not UTF-8", file_of("{\"\xff\":{}}"), "not valid JSON"},
      {"NUL in the header", file_of(std::string("{\0}", 3)), "not valid JSON"},
      {"comment", file_of("{/*x*/}"), "not valid JSON"},
      {"trailing comma", file_of("{\"x\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[0,4]},}", "abcd"),
       "not valid JSON"},
      {"deep nesting", file_of("{\"x\":" + std::string(50'000, '[') + std::string(50'000, ']') + "}"), "a list stands"},
      {"deep objects", file_of("{\"a\":{\"dtype\":{\"b\":{}}}}"), "an object stands"},
      {"tensor is a number", file_of("{\"x\":1}"), "a number stands"},
      {"tensor is null", file_of("{\"x\":null}"), "null stands"},
      {"metadata is a text", file_of("{\"__metadata__\":\"x\"}"), "a text stands"},
      {"metadata value is a number", file_of("{\"__metadata__\":{\"a\":1}}"), "a number stands"},
      {"metadata value is an object", file_of("{\"__metadata__\":{\"a\":{}}}"), "an object stands"},
      {"metadata key twice", file_of(R"({"__metadata__":{"a":"1","a":"2"}})"), "'a' is there twice"},
      {"metadata twice", file_of(R"({"__metadata__":{},"__metadata__":{}})"), "'__metadata__' is there twice"},
      {"name twice",
       file_of(R"({"x":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},)"
               R"("x":{"dtype":"U8","shape":[2],"data_offsets":[2,4]}})",
               "abcd"),
       "'x' is there twice"},
      {"name twice by an escape",
       file_of(R"({"x":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},)"
               R"("\u0078":{"dtype":"U8","shape":[2],"data_offsets":[2,4]}})",
               "abcd"),
       "'x' is there twice"},
      {"dtype twice", tensor(R"("dtype":"U8","dtype":"U8","shape":[4],"data_offsets":[0,4])"),
       "'dtype' is there twice"},
      {"unknown key", tensor(R"("dtype":"U8","shape":[4],"data_offsets":[0,4],"extra":1)"), "unknown key 'extra'"},
      {"unknown dtype", tensor(R"("dtype":"C64","shape":[4],"data_offsets":[0,4])"), "dtype 'C64' is not supported"},
      {"no dtype", tensor(R"("shape":[4],"data_offsets":[0,4])"), "incomplete"},
      {"no shape", tensor(R"("dtype":"U8","data_offsets":[0,4])"), "incomplete"},
      {"no offsets", tensor(R"("dtype":"U8","shape":[4])"), "incomplete"},
      {"one offset", tensor(R"("dtype":"U8","shape":[4],"data_offsets":[0])"), "incomplete"},
      {"three offsets", tensor(R"("dtype":"U8","shape":[4],"data_offsets":[0,4,4])"), "a number stands"},
      {"negative side", tensor(R"("dtype":"U8","shape":[-4],"data_offsets":[0,4])"), "a negative number stands"},
      {"side with a point", tensor(R"("dtype":"U8","shape":[4.0],"data_offsets":[0,4])"), "not a whole number"},
      {"side beyond 64 bits", tensor(R"("dtype":"U8","shape":[99999999999999999999],"data_offsets":[0,4])"),
       "not a whole number"},
      {"side beyond 63 bits", tensor(R"("dtype":"U8","shape":[9223372036854775808],"data_offsets":[0,4])"),
       "dimension is too large"},
      {"too many sides", tensor(R"("dtype":"U8","shape":[1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,4],"data_offsets":[0,4])"),
       "too many dimensions"},
      {"product overflows to the right size",
       tensor(R"("dtype":"U8","shape":[4294967296,4294967296,4],"data_offsets":[0,0])", ""),
       "its shape and dtype need"},
      {"bytes overflow", tensor(R"("dtype":"F64","shape":[2305843009213693952],"data_offsets":[0,0])", ""),
       "its shape and dtype need"},
      {"shape needs more", tensor(R"("dtype":"U8","shape":[5],"data_offsets":[0,4])"), "its shape and dtype need"},
      {"shape needs less", tensor(R"("dtype":"U8","shape":[3],"data_offsets":[0,4])"), "its shape and dtype need"},
      {"offsets reversed", tensor(R"("dtype":"U8","shape":[4],"data_offsets":[4,0])"), "does not follow"},
      {"offsets beyond the file", tensor(R"("dtype":"U8","shape":[5],"data_offsets":[0,5])"), "leaves the file"},
      {"offsets of 2^64", tensor(R"("dtype":"U8","shape":[4],"data_offsets":[0,18446744073709551615])"),
       "leaves the file"},
      {"hole at the start", tensor(R"("dtype":"U8","shape":[3],"data_offsets":[1,4])"), "does not follow"},
      {"hole at the end", tensor(R"("dtype":"U8","shape":[3],"data_offsets":[0,3])"), "belong to no tensor"},
      {"data without a tensor", file_of("{}", "abcd"), "belong to no tensor"},
      {"overlap",
       file_of(R"({"x":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},)"
               R"("y":{"dtype":"U8","shape":[4],"data_offsets":[0,4]}})",
               "abcd"),
       "does not follow"},
      {"hole between",
       file_of(R"({"x":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},)"
               R"("y":{"dtype":"U8","shape":[2],"data_offsets":[2,4]}})",
               "abcd"),
       "does not follow"},
  };
  for (const BadFile& bad : table) {
    try {
      decode_safetensors(bad.bytes, "model.oddity");
      ADD_FAILURE() << bad.name << " was accepted";
    } catch (const ContentError& error) {
      const std::string text = error.what();
      EXPECT_NE(text.find(bad.message), std::string::npos) << bad.name << ": " << text;
      EXPECT_NE(text.find("'model.oddity' is damaged"), std::string::npos) << text;
      EXPECT_EQ(error.exit_code(), ExitCode::bad_content);
      EXPECT_LT(text.size(), 500u);
    }
  }
}

TEST(Safetensors, LimitsHold) {
  const std::vector<std::byte> bytes = small_file();
  EXPECT_THROW(decode_safetensors(bytes, "x", {.max_tensors = 3}), ContentError);
  EXPECT_THROW(decode_safetensors(bytes, "x", {.max_rank = 1}), ContentError);
  EXPECT_THROW(decode_safetensors(bytes, "x", {.max_header_bytes = 10}), ContentError);
  EXPECT_THROW(decode_safetensors(bytes, "x", {.max_bytes = bytes.size() - 1}), ContentError);
  EXPECT_EQ(decode_safetensors(bytes, "x", {.max_bytes = bytes.size(), .max_tensors = 4, .max_rank = 2}).tensors.size(),
            4u);
}

TEST(Safetensors, EveryTruncationIsRefused) {
  const std::vector<std::byte> bytes = small_file();
  for (std::size_t n = 0; n < bytes.size(); ++n) {
    const std::vector<std::byte> part(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(n));
    EXPECT_THROW(decode_safetensors(part, "part"), ContentError) << n;
  }
  std::vector<std::byte> longer = bytes;
  longer.push_back(std::byte{0});
  EXPECT_THROW(decode_safetensors(longer, "longer"), ContentError);
}

/// Reads all that a view points to, so that a sanitiser sees a span that leaves the file.
std::size_t touch(const SafetensorsView& view) {
  std::size_t sum = 0;
  for (const TensorBlob& tensor : view.tensors) {
    std::uint64_t elements = 1;
    for (const std::int64_t side : tensor.shape) {
      elements *= static_cast<std::uint64_t>(side);
    }
    EXPECT_EQ(elements * size_of(tensor.dtype), tensor.bytes.size());
    for (const std::byte b : tensor.bytes) {
      sum += std::to_integer<std::size_t>(b);
    }
  }
  return sum;
}

// The format has no digest: a flipped bit of a name or of the data is another valid file. What must hold is that
// nothing crashes, and that what is accepted is consistent.
TEST(Safetensors, FlippedBitsAndBytesNeverCrash) {
  const std::vector<std::byte> bytes = small_file();
  RandomStream random(1, "safetensors fuzz");
  int refused = 0;
  const auto attempt = [&](const std::vector<std::byte>& changed) {
    try {
      touch(decode_safetensors(changed, "fuzz"));
    } catch (const ContentError&) {
      ++refused;
    }
  };
  for (std::size_t bit = 0; bit < 8 * bytes.size(); ++bit) {
    std::vector<std::byte> changed = bytes;
    changed[bit / 8] ^= std::byte{static_cast<unsigned char>(1u << (bit % 8))};
    attempt(changed);
  }
  for (int round = 0; round < 20'000; ++round) {
    std::vector<std::byte> changed = bytes;
    for (std::int64_t n = random.integer(1, 6); n > 0; --n) {
      const auto at = static_cast<std::size_t>(random.integer(0, static_cast<std::int64_t>(changed.size()) - 1));
      switch (random.integer(0, 3)) {
        case 0:
          changed[at] = static_cast<std::byte>(random.integer(0, 255));
          break;
        case 1:
          changed[at] = static_cast<std::byte>("{}[]\",:0123456789-.e"[random.integer(0, 19)]);
          break;
        case 2:
          changed.erase(changed.begin() + static_cast<std::ptrdiff_t>(at));
          break;
        default:
          changed.insert(changed.begin() + static_cast<std::ptrdiff_t>(at), changed[changed.size() / 2]);
      }
    }
    attempt(changed);
  }
  EXPECT_GT(refused, 10'000);  // most changes break a file
}

}  // namespace
}  // namespace oddity
