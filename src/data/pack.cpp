#include "data/pack.h"

#include <fcntl.h>
#include <hdf5.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <map>
#include <set>

#include "core/digest.h"
#include "core/error.h"
#include "core/files.h"
#include "data/hdf5_handle.h"

namespace oddity {
namespace fs = std::filesystem;

/// Reads the tables of a pack through HDF5 and leaves plain vectors; afterwards HDF5 is not needed any more.
struct PackDataset::Reader {
  std::string name;
  std::uint64_t file_bytes = 0;
  Hdf5Handle file;

  [[noreturn]] void complain(const std::string& what) const { fail<ContentError>("[data.pack] {}: {}", name, what); }

  explicit Reader(const fs::path& path) : name(path.string()), file_bytes(fs::file_size(path)) {
    prepare_hdf5();
    file = Hdf5Handle(H5Fopen(path.c_str(), H5F_ACC_RDONLY, H5P_DEFAULT), H5Fclose);
    if (!file.valid()) {
      complain("not an HDF5 file, or damaged");
    }
    check_format();
  }

  void check_format() const {
    const Hdf5Handle kind(H5Aopen(file.get(), "oddity_format", H5P_DEFAULT), H5Aclose);
    const Hdf5Handle type(kind.valid() ? H5Aget_type(kind.get()) : -1, H5Tclose);
    char text[4] = {};
    if (!type.valid() || H5Tget_class(type.get()) != H5T_STRING || H5Tis_variable_str(type.get()) != 0 ||
        H5Tget_size(type.get()) != sizeof(text) || H5Aget_storage_size(kind.get()) != sizeof(text) ||
        H5Aread(kind.get(), type.get(), text) < 0 || std::memcmp(text, "pack", sizeof(text)) != 0) {
      complain("an HDF5 file, but no pack of oddity; expected the attribute oddity_format = \"pack\"");
    }
    const Hdf5Handle version(H5Aopen(file.get(), "format_version", H5P_DEFAULT), H5Aclose);
    std::int64_t number = 0;
    if (!version.valid() || H5Aget_storage_size(version.get()) != sizeof(number) ||
        H5Aread(version.get(), H5T_NATIVE_INT64, &number) < 0 || number != 1) {
      complain("pack of format version " + std::to_string(number) + "; expected 1");
    }
  }

  /// Only objects stored in this file: links to other files could read anything.
  Hdf5Handle open(const std::string& path, bool dataset) const {
    H5L_info_t link{};
    const bool hard = H5Lget_info(file.get(), path.c_str(), &link, H5P_DEFAULT) >= 0 && link.type == H5L_TYPE_HARD;
    Hdf5Handle object;
    if (hard) {
      object = dataset ? Hdf5Handle(H5Dopen2(file.get(), path.c_str(), H5P_DEFAULT), H5Dclose)
                       : Hdf5Handle(H5Gopen2(file.get(), path.c_str(), H5P_DEFAULT), H5Gclose);
    }
    if (!object.valid()) {
      complain("table '" + path + "' is missing or damaged");
    }
    return object;
  }

  /// Extents of a dataset of the wanted rank.
  template <std::size_t rank>
  std::array<hsize_t, rank> shape(const Hdf5Handle& dataset, const std::string& path) const {
    const Hdf5Handle space(H5Dget_space(dataset.get()), H5Sclose);
    std::array<hsize_t, rank> sizes{};
    if (!space.valid() || H5Sget_simple_extent_ndims(space.get()) != static_cast<int>(rank) ||
        H5Sget_simple_extent_dims(space.get(), sizes.data(), nullptr) < 0) {
      complain(fmt::format("table '{}' is damaged; expected {} dimensions", path, rank));
    }
    return sizes;
  }

  /// A one-dimensional table that is really stored in the file at its full length (never a bomb of fill values).
  Hdf5Handle open_stored(const std::string& path, std::size_t cell_bytes, hsize_t& count) const {
    Hdf5Handle dataset = open(path, true);
    count = shape<1>(dataset, path)[0];
    const Hdf5Handle creation(H5Dget_create_plist(dataset.get()), H5Pclose);
    const bool plain = creation.valid() && H5Pget_layout(creation.get()) == H5D_CONTIGUOUS &&
                       H5Pget_external_count(creation.get()) == 0;
    if (!plain || count > file_bytes / cell_bytes || H5Dget_storage_size(dataset.get()) != count * cell_bytes) {
      complain("table '" + path + "' is damaged; its size does not fit the file");
    }
    return dataset;
  }

  template <class T>
  std::vector<T> numbers(const std::string& path, hid_t type) const {
    hsize_t count = 0;
    const Hdf5Handle dataset = open_stored(path, sizeof(T), count);
    std::vector<T> values(count);
    if (count > 0 && H5Dread(dataset.get(), type, H5S_ALL, H5S_ALL, H5P_DEFAULT, values.data()) < 0) {
      complain("table '" + path + "' cannot be read");
    }
    return values;
  }

  std::vector<std::string> strings(const std::string& path) const {
    std::size_t length = 0;
    Hdf5Handle type;
    {
      const Hdf5Handle dataset = open(path, true);
      type = Hdf5Handle(H5Dget_type(dataset.get()), H5Tclose);
      length = type.valid() ? H5Tget_size(type.get()) : 0;
    }
    if (length == 0 || H5Tget_class(type.get()) != H5T_STRING || H5Tis_variable_str(type.get()) != 0) {
      complain("table '" + path + "' is damaged; expected strings of fixed length");
    }
    hsize_t count = 0;
    const Hdf5Handle dataset = open_stored(path, length, count);
    std::vector<char> block(count * length);
    if (count > 0 && H5Dread(dataset.get(), type.get(), H5S_ALL, H5S_ALL, H5P_DEFAULT, block.data()) < 0) {
      complain("table '" + path + "' cannot be read");
    }
    std::vector<std::string> cells;
    cells.reserve(count);
    for (hsize_t i = 0; i < count; ++i) {
      const char* cell = block.data() + i * length;
      cells.emplace_back(cell, std::find(cell, cell + length, '\0'));
    }
    return cells;
  }

  std::vector<std::string> links(const std::string& path) const {
    const Hdf5Handle group = open(path, false);
    H5G_info_t info{};
    if (H5Gget_info(group.get(), &info) < 0) {
      complain("group '" + path + "' is damaged");
    }
    std::vector<std::string> names;
    for (hsize_t i = 0; i < info.nlinks; ++i) {
      char text[1'024] = {};
      const ssize_t length =
          H5Lget_name_by_idx(group.get(), ".", H5_INDEX_NAME, H5_ITER_INC, i, text, sizeof(text), H5P_DEFAULT);
      if (length <= 0 || static_cast<std::size_t>(length) >= sizeof(text)) {
        complain("group '" + path + "' is damaged");
      }
      names.emplace_back(text);
    }
    return names;
  }

  /// One dataset of images: where each lies, checked against the file.
  struct Pixels {
    Hdf5Handle dataset;
    hsize_t count = 0;
    Place place;
    std::uint64_t bytes = 0;
  };

  Pixels open_pixels(const std::string& kind) const {
    const std::string path = "pixels/" + kind;
    Pixels pixels;
    if (kind.empty() || kind.find_first_of("/.") != std::string::npos) {
      complain("'" + kind + "' names no table of pixels");
    }
    pixels.dataset = open(path, true);
    const auto sizes = shape<4>(pixels.dataset, path);
    const Hdf5Handle type(H5Dget_type(pixels.dataset.get()), H5Tclose);
    const Hdf5Handle creation(H5Dget_create_plist(pixels.dataset.get()), H5Pclose);
    const bool u8 = type.valid() && H5Tequal(type.get(), H5T_STD_U8LE) > 0;
    const bool u16 = type.valid() && H5Tequal(type.get(), H5T_STD_U16LE) > 0;
    hsize_t chunk[4] = {};
    const bool chunked = creation.valid() && H5Pget_layout(creation.get()) == H5D_CHUNKED &&
                         H5Pget_nfilters(creation.get()) == 0 && H5Pget_chunk(creation.get(), 4, chunk) == 4 &&
                         chunk[0] == 1 && std::equal(chunk + 1, chunk + 4, sizes.begin() + 1);
    constexpr hsize_t max_side = 65'536;
    const bool sane = sizes[1] >= 1 && sizes[1] <= max_side && sizes[2] >= 1 && sizes[2] <= max_side && sizes[3] >= 1 &&
                      sizes[3] <= 64;
    if (!(u8 || u16) || !chunked || !sane) {
      complain("table '" + path + "' is damaged; expected one uncompressed chunk an image");
    }
    pixels.count = sizes[0];
    pixels.place.height = static_cast<int>(sizes[1]);
    pixels.place.width = static_cast<int>(sizes[2]);
    pixels.place.channels = static_cast<int>(sizes[3]);
    pixels.place.depth = u8 ? Depth::u8 : Depth::u16;
    pixels.bytes = sizes[1] * sizes[2] * sizes[3] * (u8 ? 1 : 2);
    return pixels;
  }

  Place place_of(const Pixels& pixels, const std::string& kind, std::uint64_t row) const {
    const hsize_t offset[4] = {row, 0, 0, 0};
    unsigned filters = 0;
    haddr_t address = HADDR_UNDEF;
    hsize_t size = 0;
    if (row >= pixels.count ||
        H5Dget_chunk_info_by_coord(pixels.dataset.get(), offset, &filters, &address, &size) < 0 ||
        address == HADDR_UNDEF || filters != 0 || size != pixels.bytes || size > file_bytes ||
        address > file_bytes - size) {
      complain(fmt::format("image {} of '{}' does not lie inside the file; truncated or damaged", row, kind));
    }
    Place place = pixels.place;
    place.offset = address;
    return place;
  }
};

namespace {

std::string unescaped(const std::string& link) {
  std::string name;
  for (std::size_t i = 0; i < link.size(); ++i) {
    const std::string code = link.substr(i, 3);
    if (code == "%2F" || code == "%25" || code == "%2E") {
      name += code == "%2F" ? '/' : code == "%25" ? '%' : '.';
      i += 2;
    } else if (code == "%00") {
      i += 2;
    } else {
      name += link[i];
    }
  }
  return name;
}

Split split_of(const std::string& name, const std::string& file) {
  for (const Split split : {Split::train, Split::calibration, Split::validation, Split::test}) {
    if (name == name_of(split)) {
      return split;
    }
  }
  fail<ContentError>("[data.pack] {}: got the split '{}'; expected train, calibration, validation or test", file, name);
}

}  // namespace

PackDataset::PackDataset(const fs::path& file) : file_(file) {
  std::error_code error;
  if (!fs::is_regular_file(file, error)) {
    fail<PathError>("[data.pack] {} is not a file; expected a .h5 pack", file.string());
  }
  const Reader reader(file);
  const auto files = reader.strings("samples/file");
  const auto splits = reader.strings("samples/split");
  const auto labels = reader.strings("samples/label");
  const auto masks = reader.strings("samples/mask");
  const auto groups = reader.strings("samples/group");
  const auto kinds = reader.strings("samples/pixels");
  const auto rows = reader.numbers<std::uint64_t>("samples/row", H5T_NATIVE_UINT64);
  const auto mask_rows = reader.numbers<std::int64_t>("samples/mask_row", H5T_NATIVE_INT64);
  const std::size_t count = files.size();
  for (const std::size_t size :
       {splits.size(), labels.size(), masks.size(), groups.size(), kinds.size(), rows.size(), mask_rows.size()}) {
    if (size != count || count == 0) {
      reader.complain(fmt::format("the sample table is damaged; got columns of {} and {} rows", count, size));
    }
  }
  mask_offsets_ = reader.numbers<std::uint64_t>("masks/offset", H5T_NATIVE_UINT64);
  mask_bytes_ = reader.numbers<std::uint8_t>("masks/bytes", H5T_NATIVE_UINT8);
  if (mask_offsets_.empty() || mask_offsets_.front() != 0 || mask_offsets_.back() != mask_bytes_.size() ||
      !std::is_sorted(mask_offsets_.begin(), mask_offsets_.end())) {
    reader.complain("the table of masks is damaged");
  }
  std::map<std::string, Reader::Pixels> pixels;
  std::set<std::string> seen;
  samples_.resize(count);
  places_.resize(count);
  for (std::size_t i = 0; i < count; ++i) {
    Sample& sample = samples_[i];
    sample.file = files[i];
    sample.split = split_of(splits[i], reader.name);
    sample.label = labels[i];
    sample.mask = masks[i];
    sample.group = groups[i];
    if (!seen.insert(sample.file).second) {
      reader.complain("file '" + sample.file + "' appears twice");
    }
    auto found = pixels.find(kinds[i]);
    if (found == pixels.end()) {
      found = pixels.emplace(kinds[i], reader.open_pixels(kinds[i])).first;
    }
    places_[i] = reader.place_of(found->second, kinds[i], rows[i]);
    places_[i].mask_row = mask_rows[i];
    if (mask_rows[i] < -1 || mask_rows[i] + 1 >= static_cast<std::int64_t>(mask_offsets_.size())) {
      reader.complain(fmt::format("sample {} names mask {} of {}", i, mask_rows[i], mask_offsets_.size() - 1));
    }
  }
  for (const std::string& link : reader.links("columns")) {
    const auto cells = reader.strings("columns/" + link);
    if (cells.size() != count) {
      reader.complain("column '" + unescaped(link) + "' is damaged");
    }
    for (std::size_t i = 0; i < count; ++i) {
      samples_[i].columns.emplace(unescaped(link), cells[i]);
    }
  }
  descriptor_ = ::open(file.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor_ < 0) {
    fail<IoError>("[data.pack] cannot open {}: {}", file.string(), std::strerror(errno));
  }
}

PackDataset::~PackDataset() {
  if (descriptor_ >= 0) {
    ::close(descriptor_);
  }
}

Image PackDataset::image(std::size_t index) const {
  const Place& place = places_.at(index);
  Image image(place.height, place.width, place.channels, place.depth);
  std::size_t done = 0;
  while (done < image.pixels.size()) {
    const ssize_t got = ::pread(descriptor_, image.pixels.data() + done, image.pixels.size() - done,
                                static_cast<off_t>(place.offset + done));
    if (got < 0 && errno == EINTR) {
      continue;
    }
    if (got < 0) {
      fail<IoError>("[data.pack] cannot read {}: {}", file_.string(), std::strerror(errno));
    }
    if (got == 0) {
      fail<ContentError>("[data.pack] {}: truncated while it was open; sample {} is missing", file_.string(), index);
    }
    done += static_cast<std::size_t>(got);
  }
  return image;
}

bool PackDataset::has_mask(std::size_t index) const {
  return samples_.at(index).good() || places_[index].mask_row >= 0;
}

Image PackDataset::mask(std::size_t index) const {
  const Place& place = places_.at(index);
  Image mask(place.height, place.width, 1, Depth::u8);
  if (place.mask_row >= 0) {
    const auto row = static_cast<std::size_t>(place.mask_row);
    const std::span<const std::uint8_t> all(mask_bytes_);
    if (!decode_runs(all.subspan(mask_offsets_[row], mask_offsets_[row + 1] - mask_offsets_[row]),
                     {mask.u8(), mask.pixels.size()})) {
      fail<ContentError>("[data.pack] {}: the mask of sample {} is damaged; its runs do not sum to {}x{}",
                         file_.string(), index, place.height, place.width);
    }
  } else if (!samples_[index].good()) {
    fail<ContentError>("[data.pack] {}: sample {} has label {} and no mask; ask has_mask first", file_.string(), index,
                       samples_[index].label);
  }
  return mask;
}

bool decode_runs(std::span<const std::uint8_t> runs, std::span<std::uint8_t> mask) {
  std::size_t filled = 0;
  std::size_t at = 0;
  for (bool defect = false; at < runs.size(); defect = !defect) {
    std::uint64_t length = 0;
    for (unsigned shift = 0;; shift += 7) {
      if (at == runs.size() || shift > 56) {
        return false;
      }
      const std::uint8_t byte = runs[at++];
      length |= std::uint64_t{byte & 0x7FU} << shift;
      if ((byte & 0x80U) == 0) {
        break;
      }
    }
    if (length > mask.size() - filled) {
      return false;
    }
    std::fill_n(mask.begin() + static_cast<std::ptrdiff_t>(filled), length,
                defect ? std::uint8_t{255} : std::uint8_t{0});
    filled += length;
  }
  return filled == mask.size();
}

void verify_pack(const fs::path& file) {
  const std::string stem = file.stem().string();
  const bool digest = stem.size() == 64 && stem.find_first_not_of("0123456789abcdef") == std::string::npos;
  if (!digest) {
    fail<ContentError>("[data.pack] {}: the name holds no SHA-256 to check against; expected <sha256>.h5",
                       file.string());
  }
  const std::string found = sha256_file(file);
  if (found != stem) {
    fail<ContentError>("[data.pack] {}: damaged; its content has the SHA-256 {}, not the one in its name",
                       file.string(), found);
  }
}

}  // namespace oddity
