#include <fcntl.h>
#include <hdf5.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <map>
#include <set>

#include "core/digest.h"
#include "core/error.h"
#include "core/files.h"
#include "data/hdf5_handle.h"
#include "data/pack.h"

namespace oddity {
namespace fs = std::filesystem;
namespace {

/// The file being written under a temporary name that `remove_stale_temporaries` knows.
class Writer {
public:
  explicit Writer(const fs::path& directory) : directory_(directory) {
    static std::atomic<int> counter{0};
    temporary_ = directory / fmt::format(".pack.tmp-{}-{}", ::getpid(), counter++);
    prepare_hdf5();
    // Without times in the headers equal content gives equal bytes.
    Hdf5Handle creation(H5Pcreate(H5P_FILE_CREATE), H5Pclose);
    Hdf5Handle access(H5Pcreate(H5P_FILE_ACCESS), H5Pclose);
    check(H5Pset_obj_track_times(creation.get(), false), "set up");
    check(H5Pset_libver_bounds(access.get(), H5F_LIBVER_V110, H5F_LIBVER_V110), "set up");
    file_ = Hdf5Handle(H5Fcreate(temporary_.c_str(), H5F_ACC_EXCL, creation.get(), access.get()), H5Fclose);
    check(file_.get(), "create");
    pixels_ = group("pixels");
    write_attribute("oddity_format", "pack");
    const std::int64_t version = 1;
    Hdf5Handle scalar(H5Screate(H5S_SCALAR), H5Sclose);
    Hdf5Handle attribute(
        H5Acreate2(file_.get(), "format_version", H5T_STD_I64LE, scalar.get(), H5P_DEFAULT, H5P_DEFAULT), H5Aclose);
    check(H5Awrite(attribute.get(), H5T_NATIVE_INT64, &version), "write");
  }

  ~Writer() {
    datasets_.clear();
    pixels_.close();
    file_.close();
    if (!temporary_.empty()) {
      std::error_code ignored;
      fs::remove(temporary_, ignored);
    }
  }
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;

  /// Appends to the dataset of its kind; returns that dataset's name and the row.
  std::pair<std::string, std::uint64_t> append(const Image& image) {
    const std::string name =
        fmt::format("{}x{}x{}_{}", image.height, image.width, image.channels, image.depth == Depth::u8 ? "u8" : "u16");
    Pixels& pixels = pixels_named(name, image);
    if (pixels.count == pixels.capacity) {
      pixels.capacity = std::max<hsize_t>(64, 2 * pixels.capacity);
      resize(pixels, image, pixels.capacity);
    }
    const hsize_t offset[4] = {pixels.count, 0, 0, 0};
    check(H5Dwrite_chunk(pixels.dataset.get(), H5P_DEFAULT, 0, offset, image.pixels.size(), image.pixels.data()),
          "write");
    return {name, pixels.count++};
  }

  void write_strings(const Hdf5Handle& parent, const std::string& name, const std::vector<std::string>& cells) {
    std::size_t length = 1;
    for (const std::string& cell : cells) {
      length = std::max(length, cell.size());
    }
    std::vector<char> block(length * cells.size(), '\0');
    for (std::size_t i = 0; i < cells.size(); ++i) {
      std::copy(cells[i].begin(), cells[i].end(), block.begin() + static_cast<std::ptrdiff_t>(i * length));
    }
    Hdf5Handle type(H5Tcopy(H5T_C_S1), H5Tclose);
    check(H5Tset_size(type.get(), length), "set up");
    check(H5Tset_strpad(type.get(), H5T_STR_NULLPAD), "set up");
    check(H5Tset_cset(type.get(), H5T_CSET_UTF8), "set up");
    write(parent, name, type.get(), cells.size(), block.data());
  }

  void write(const Hdf5Handle& parent, const std::string& name, hid_t type, hsize_t count, const void* data) {
    Hdf5Handle space(H5Screate_simple(1, &count, nullptr), H5Sclose);
    Hdf5Handle creation(H5Pcreate(H5P_DATASET_CREATE), H5Pclose);
    check(H5Pset_obj_track_times(creation.get(), false), "set up");
    Hdf5Handle dataset(
        H5Dcreate2(parent.get(), name.c_str(), type, space.get(), H5P_DEFAULT, creation.get(), H5P_DEFAULT), H5Dclose);
    check(dataset.get(), "create a table in");
    check(H5Dwrite(dataset.get(), type, H5S_ALL, H5S_ALL, H5P_DEFAULT, data), "write");
  }

  Hdf5Handle group(const char* name) {
    Hdf5Handle creation(H5Pcreate(H5P_GROUP_CREATE), H5Pclose);
    check(H5Pset_obj_track_times(creation.get(), false), "set up");
    Hdf5Handle made(H5Gcreate2(file_.get(), name, H5P_DEFAULT, creation.get(), H5P_DEFAULT), H5Gclose);
    check(made.get(), "create a group in");
    return made;
  }

  /// Cuts spare rows, closes, makes durable and read-only, and gives the file its name.
  fs::path finish() {
    for (auto& [name, pixels] : datasets_) {
      const hsize_t size[4] = {pixels.count, pixels.shape[1], pixels.shape[2], pixels.shape[3]};
      check(H5Dset_extent(pixels.dataset.get(), size), "trim");
      check(pixels.dataset.close() ? 0 : -1, "write");
    }
    datasets_.clear();
    check(pixels_.close() && file_.close() ? 0 : -1, "close");
    const int descriptor = ::open(temporary_.c_str(), O_RDONLY | O_CLOEXEC);
    const bool synced = descriptor >= 0 && ::fsync(descriptor) == 0 && ::fchmod(descriptor, 0444) == 0;
    const int error = errno;
    if (descriptor >= 0) {
      ::close(descriptor);
    }
    if (!synced) {
      fail<IoError>("[data.pack] cannot make {} durable: {}", temporary_.string(), std::strerror(error));
    }
    const fs::path target = directory_ / (sha256_file(temporary_) + ".h5");
    std::error_code renamed;
    fs::rename(temporary_, target, renamed);
    if (renamed) {
      fail<IoError>("[data.pack] cannot rename to {}: {}", target.string(), renamed.message());
    }
    temporary_.clear();
    fsync_directory(directory_);
    return target;
  }

private:
  struct Pixels {
    Hdf5Handle dataset;
    hsize_t count = 0, capacity = 0;
    hsize_t shape[4] = {};
  };

  void check(std::int64_t result, const char* what) const {
    if (result < 0) {
      fail<IoError>("[data.pack] cannot {} {}; is the disk full or the folder read-only?", what, temporary_.string());
    }
  }

  void write_attribute(const char* name, const std::string& value) {
    Hdf5Handle type(H5Tcopy(H5T_C_S1), H5Tclose);
    check(H5Tset_size(type.get(), value.size()), "set up");
    check(H5Tset_strpad(type.get(), H5T_STR_NULLPAD), "set up");
    Hdf5Handle scalar(H5Screate(H5S_SCALAR), H5Sclose);
    Hdf5Handle attribute(H5Acreate2(file_.get(), name, type.get(), scalar.get(), H5P_DEFAULT, H5P_DEFAULT), H5Aclose);
    check(H5Awrite(attribute.get(), type.get(), value.data()), "write");
  }

  Pixels& pixels_named(const std::string& name, const Image& image) {
    Pixels& pixels = datasets_[name];
    if (!pixels.dataset.valid()) {
      const hsize_t shape[4] = {0, static_cast<hsize_t>(image.height), static_cast<hsize_t>(image.width),
                                static_cast<hsize_t>(image.channels)};
      std::copy(shape, shape + 4, pixels.shape);
      const hsize_t limit[4] = {H5S_UNLIMITED, shape[1], shape[2], shape[3]};
      const hsize_t chunk[4] = {1, shape[1], shape[2], shape[3]};
      Hdf5Handle space(H5Screate_simple(4, shape, limit), H5Sclose);
      Hdf5Handle creation(H5Pcreate(H5P_DATASET_CREATE), H5Pclose);
      check(H5Pset_chunk(creation.get(), 4, chunk), "set up");
      check(H5Pset_obj_track_times(creation.get(), false), "set up");
      check(H5Pset_fill_time(creation.get(), H5D_FILL_TIME_NEVER), "set up");
      const hid_t type = image.depth == Depth::u8 ? H5T_STD_U8LE : H5T_STD_U16LE;
      pixels.dataset = Hdf5Handle(
          H5Dcreate2(pixels_.get(), name.c_str(), type, space.get(), H5P_DEFAULT, creation.get(), H5P_DEFAULT),
          H5Dclose);
      check(pixels.dataset.get(), "create a table in");
    }
    return pixels;
  }

  void resize(const Pixels& pixels, const Image& image, hsize_t rows) {
    const hsize_t size[4] = {rows, static_cast<hsize_t>(image.height), static_cast<hsize_t>(image.width),
                             static_cast<hsize_t>(image.channels)};
    check(H5Dset_extent(pixels.dataset.get(), size), "grow");
  }

  fs::path directory_, temporary_;
  Hdf5Handle file_, pixels_;
  std::map<std::string, Pixels> datasets_;
};

std::string escaped(const std::string& name) {
  std::string link;
  for (const char character : name) {
    if (character == '/') {
      link += "%2F";
    } else if (character == '%') {
      link += "%25";
    } else {
      link += character;
    }
  }
  return link == "." ? "%2E" : link.empty() ? "%00" : link;
}

template <class Get>
std::vector<std::string> column(const std::vector<Sample>& samples, Get get) {
  std::vector<std::string> cells;
  cells.reserve(samples.size());
  for (const Sample& sample : samples) {
    cells.push_back(get(sample));
  }
  return cells;
}

/// The handles of these groups are closed on return: a file with open objects does not close.
void write_tables(Writer& writer, const std::vector<Sample>& samples, const std::vector<std::string>& kinds,
                  const std::vector<std::uint64_t>& rows, const std::vector<std::int64_t>& mask_rows) {
  const Hdf5Handle table = writer.group("samples");
  writer.write_strings(table, "file", column(samples, [](const Sample& s) { return s.file; }));
  writer.write_strings(table, "split", column(samples, [](const Sample& s) { return std::string(name_of(s.split)); }));
  writer.write_strings(table, "label", column(samples, [](const Sample& s) { return s.label; }));
  writer.write_strings(table, "mask", column(samples, [](const Sample& s) { return s.mask; }));
  writer.write_strings(table, "group", column(samples, [](const Sample& s) { return s.group; }));
  writer.write_strings(table, "pixels", kinds);
  writer.write(table, "row", H5T_NATIVE_UINT64, rows.size(), rows.data());
  writer.write(table, "mask_row", H5T_NATIVE_INT64, mask_rows.size(), mask_rows.data());
  const Hdf5Handle columns = writer.group("columns");
  std::set<std::string> names;
  for (const Sample& sample : samples) {
    for (const auto& [name, value] : sample.columns) {
      names.insert(name);
    }
  }
  for (const std::string& name : names) {
    writer.write_strings(columns, escaped(name), column(samples, [&](const Sample& s) {
                           const auto found = s.columns.find(name);
                           return found == s.columns.end() ? std::string() : found->second;
                         }));
  }
}

void write_masks(Writer& writer, const std::vector<std::uint64_t>& mask_offsets,
                 const std::vector<std::uint8_t>& mask_bytes) {
  const Hdf5Handle masks = writer.group("masks");
  writer.write(masks, "offset", H5T_NATIVE_UINT64, mask_offsets.size(), mask_offsets.data());
  writer.write(masks, "bytes", H5T_NATIVE_UINT8, mask_bytes.size(), mask_bytes.data());
}

}  // namespace

std::vector<std::uint8_t> encode_runs(std::span<const std::uint8_t> mask) {
  std::vector<std::uint8_t> runs;
  std::size_t at = 0;
  for (bool defect = false; at < mask.size(); defect = !defect) {
    const std::size_t start = at;
    while (at < mask.size() && (mask[at] != 0) == defect) {
      ++at;
    }
    for (std::size_t length = at - start;;) {
      const auto low = static_cast<std::uint8_t>(length & 0x7FU);
      length >>= 7U;
      runs.push_back(length != 0 ? low | 0x80U : low);
      if (length == 0) {
        break;
      }
    }
  }
  return runs;
}

std::filesystem::path write_pack(const Dataset& dataset, const std::filesystem::path& directory,
                                 ProgressSink& progress) {
  make_directories(directory);
  const std::vector<Sample>& samples = dataset.samples();
  if (samples.empty()) {
    fail<InvalidArgument>("[data.pack] {} has no samples; expected at least one", dataset.name());
  }
  Writer writer(directory);
  std::vector<std::string> kinds;
  std::vector<std::uint64_t> rows, mask_offsets = {0};
  std::vector<std::int64_t> mask_rows;
  std::vector<std::uint8_t> mask_bytes;
  progress.begin("packing", static_cast<std::int64_t>(samples.size()));
  for (std::size_t i = 0; i < samples.size(); ++i) {
    const Image image = dataset.image(i);
    auto [kind, row] = writer.append(image);
    kinds.push_back(std::move(kind));
    rows.push_back(row);
    mask_rows.push_back(-1);
    if (!samples[i].good() && dataset.has_mask(i)) {
      const Image mask = dataset.mask(i);
      const std::vector<std::uint8_t> runs = encode_runs({mask.u8(), mask.pixels.size()});
      mask_rows.back() = static_cast<std::int64_t>(mask_offsets.size()) - 1;
      mask_bytes.insert(mask_bytes.end(), runs.begin(), runs.end());
      mask_offsets.push_back(mask_bytes.size());
    }
    progress.advance(static_cast<std::int64_t>(i) + 1);
  }
  progress.end();

  write_tables(writer, samples, kinds, rows, mask_rows);
  write_masks(writer, mask_offsets, mask_bytes);
  return writer.finish();
}

}  // namespace oddity
