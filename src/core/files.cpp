#include "core/files.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <mutex>
#include <optional>
#include <set>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/error.h"

namespace oddity {
namespace fs = std::filesystem;
namespace {

std::string reason(int code) { return std::generic_category().message(code); }

/// Missing or of the wrong kind is the caller's mistake, everything else the system's refusal.
[[noreturn]] void fail_with(int code, const char* where, const char* what, const fs::path& path) {
  if (code == ENOENT || code == ENOTDIR || code == EISDIR) {
    fail<PathError>("[core.{}] cannot {} '{}': {}", where, what, path.string(), reason(code));
  }
  fail<IoError>("[core.{}] cannot {} '{}': {}", where, what, path.string(), reason(code));
}

/// A descriptor that closes itself.
class Descriptor {
public:
  explicit Descriptor(int value) : value_(value) {}
  ~Descriptor() {
    if (value_ >= 0) {
      ::close(value_);
    }
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return value_; }

private:
  int value_;
};

int open_again(const fs::path& path, int flags, mode_t mode = 0) {
  int descriptor = -1;
  do {
    descriptor = ::open(path.c_str(), flags | O_CLOEXEC, mode);
  } while (descriptor < 0 && errno == EINTR);
  return descriptor;
}

void fsync_path(const fs::path& path, const char* where) {
  const Descriptor descriptor(open_again(path, O_RDONLY));
  // EINVAL: a file system that has no fsync for this kind of object; there is nothing more to ask for.
  if (descriptor.get() < 0 || (::fsync(descriptor.get()) != 0 && errno != EINVAL)) {
    fail<IoError>("[core.{}] cannot sync '{}': {}", where, path.string(), reason(errno));
  }
}

fs::path parent_of(const fs::path& path) { return path.has_parent_path() ? path.parent_path() : fs::path("."); }

/// "a/b/" -> "a/b": the name must be the last element.
fs::path without_slash(const fs::path& path) { return path.has_filename() ? path : path.parent_path(); }

/// Temporaries of this process that are in use: a name with our process id that is not among them was left by a former
/// process with the same id (usual in containers).
struct LiveTemporaries {
  std::mutex mutex;
  std::set<std::string> names;
};
LiveTemporaries& live_temporaries() {
  static auto* const live = new LiveTemporaries;  // never destroyed: used by destructors of other statics
  return *live;
}

fs::path temporary_beside(const fs::path& target) {
  static std::atomic<std::uint64_t> counter{0};
  constexpr std::size_t longest_name = 200;  // of 255, so that the ending fits
  const std::string name = target.filename().string().substr(0, longest_name);
  const std::string temporary = fmt::format(".{}.tmp-{}-{}", name, ::getpid(), counter++);
  const std::lock_guard lock(live_temporaries().mutex);
  live_temporaries().names.insert(temporary);
  return parent_of(target) / temporary;
}

void forget_temporary(const fs::path& temporary) {
  const std::lock_guard lock(live_temporaries().mutex);
  live_temporaries().names.erase(temporary.filename().string());
}

/// The process id in `.<name>.tmp-<pid>-<n>`, or nothing when the name is not of that form.
std::optional<pid_t> process_of(const std::string& name) {
  const std::size_t at = name.rfind(".tmp-");
  if (name.size() < 2 || name[0] != '.' || at == std::string::npos || at == 0) {
    return std::nullopt;
  }
  const char *first = name.data() + at + 5, *last = name.data() + name.size();
  pid_t pid = 0;
  std::uint64_t number = 0;
  const auto [dash, error] = std::from_chars(first, last, pid);
  if (error != std::errc() || pid <= 0 || dash == last || *dash != '-') {
    return std::nullopt;
  }
  const auto [end, number_error] = std::from_chars(dash + 1, last, number);
  return number_error == std::errc() && end == last ? std::optional(pid) : std::nullopt;
}

bool is_stale(const std::string& name, pid_t pid) {
  if (pid == ::getpid()) {
    const std::lock_guard lock(live_temporaries().mutex);
    return !live_temporaries().names.contains(name);
  }
  return ::kill(pid, 0) != 0 && errno == ESRCH;
}

/// Reads until the end or `max_bytes` + 1; pipes and devices have no size to trust.
template <class Container>
Container read_whole(const fs::path& file, std::uint64_t max_bytes, const char* where) {
  const Descriptor descriptor(open_again(file, O_RDONLY));
  struct stat status {};
  if (descriptor.get() < 0 || ::fstat(descriptor.get(), &status) != 0) {
    fail_with(errno, where, "open", file);
  }
  if (S_ISDIR(status.st_mode)) {
    fail<PathError>("[core.{}] '{}' is a directory; expected a file", where, file.string());
  }
  const auto too_large = [&] {
    fail<ContentError>("[core.{}] '{}' is too large; expected at most {} bytes", where, file.string(), max_bytes);
  };
  const std::uint64_t stated = status.st_size > 0 ? static_cast<std::uint64_t>(status.st_size) : 0;
  if (stated > max_bytes) {
    too_large();
  }
  Container bytes;
  std::size_t done = 0;
  std::size_t room = stated + 1;  // one more, to see the end without growing
  for (;;) {
    bytes.resize(done + room);
    const ssize_t n = ::read(descriptor.get(), bytes.data() + done, room);
    if (n < 0 && errno == EINTR) {
      continue;
    }
    if (n < 0) {
      fail_with(errno, where, "read", file);
    }
    done += static_cast<std::size_t>(n);
    if (done > max_bytes) {
      too_large();
    }
    if (n == 0) {
      bytes.resize(done);
      return bytes;
    }
    room = bytes.size() - done;
    if (room == 0) {
      room = std::clamp<std::size_t>(done, 4096, std::size_t{1} << 20);
    }
  }
}

void write_all(int descriptor, std::span<const std::byte> bytes, const fs::path& target) {
  while (!bytes.empty()) {
    const ssize_t n = ::write(descriptor, bytes.data(), std::min(bytes.size(), std::size_t{1} << 30));
    if (n < 0 && errno == EINTR) {
      continue;
    }
    if (n <= 0) {
      fail<IoError>("[core.write_file] cannot write '{}': {}", target.string(), reason(n < 0 ? errno : EIO));
    }
    bytes = bytes.subspan(static_cast<std::size_t>(n));
  }
}

}  // namespace

std::vector<std::byte> read_file(const fs::path& file, std::uint64_t max_bytes) {
  return read_whole<std::vector<std::byte>>(file, max_bytes, "read_file");
}

std::string read_text_file(const fs::path& file, std::uint64_t max_bytes) {
  return read_whole<std::string>(file, max_bytes, "read_text_file");
}

AtomicFile::AtomicFile(fs::path file) : target_(std::move(file)) {
  if (!target_.has_filename()) {
    fail<PathError>("[core.write_file] '{}' names no file", target_.string());
  }
  std::error_code ignored;
  if (fs::is_symlink(target_, ignored)) {
    const fs::path end_of_link = fs::canonical(target_, ignored);
    target_ = ignored ? target_ : end_of_link;
  }
  struct stat status {};
  const bool exists = ::stat(target_.c_str(), &status) == 0;
  if (exists && S_ISDIR(status.st_mode)) {
    fail<PathError>("[core.write_file] '{}' is a directory; expected a file name", target_.string());
  }
  if (exists && !S_ISREG(status.st_mode)) {  // a device or pipe: renaming over it would replace the device itself
    descriptor_ = open_again(target_, O_WRONLY);
    if (descriptor_ < 0) {
      fail_with(errno, "write_file", "open", target_);
    }
    return;
  }
  temporary_ = temporary_beside(target_);
  descriptor_ = open_again(temporary_, O_WRONLY | O_CREAT | O_EXCL, 0666);
  if (descriptor_ < 0) {
    const int code = errno;
    forget_temporary(temporary_);
    fail_with(code, "write_file", "create", target_);
  }
  if (exists) {
    static_cast<void>(::fchmod(descriptor_, status.st_mode & 07777));  // keeping the mode is a courtesy, not a duty
  }
}

AtomicFile::~AtomicFile() { close_and_remove(); }

void AtomicFile::close_and_remove() noexcept {
  if (descriptor_ < 0) {
    return;
  }
  ::close(descriptor_);
  descriptor_ = -1;
  if (!temporary_.empty()) {
    ::unlink(temporary_.c_str());
    forget_temporary(temporary_);
  }
}

void AtomicFile::write(std::span<const std::byte> bytes) {
  ODDITY_ASSERT(descriptor_ >= 0);
  write_all(descriptor_, bytes, target_);
}

void AtomicFile::write(std::string_view text) { write(std::as_bytes(std::span(text))); }

void AtomicFile::commit() {
  ODDITY_ASSERT(descriptor_ >= 0);
  const bool device = temporary_.empty();
  if (::fsync(descriptor_) != 0 && !(device && (errno == EINVAL || errno == ENOTSUP))) {
    fail<IoError>("[core.write_file] cannot sync '{}': {}", target_.string(), reason(errno));
  }
  const int closed = ::close(std::exchange(descriptor_, -1));
  const int code = errno;
  if (device) {
    if (closed != 0) {
      fail<IoError>("[core.write_file] cannot close '{}': {}", target_.string(), reason(code));
    }
    return;
  }
  if (closed != 0 || ::rename(temporary_.c_str(), target_.c_str()) != 0) {
    const int why = closed != 0 ? code : errno;
    ::unlink(temporary_.c_str());
    forget_temporary(temporary_);
    fail<IoError>("[core.write_file] cannot finish '{}': {}", target_.string(), reason(why));
  }
  forget_temporary(temporary_);
  fsync_path(parent_of(target_), "write_file");
}

void write_file_atomic(const fs::path& file, std::span<const std::byte> bytes) {
  AtomicFile out(file);
  out.write(bytes);
  out.commit();
}

void write_file_atomic(const fs::path& file, std::string_view text) {
  write_file_atomic(file, std::as_bytes(std::span(text)));
}

AtomicDirectory::AtomicDirectory(fs::path directory) : target_(without_slash(directory)) {
  if (!target_.has_filename()) {
    fail<PathError>("[core.create_directory] '{}' names no directory", directory.string());
  }
  std::error_code error;
  if (const fs::file_status status = fs::status(target_, error); fs::exists(status)) {
    const bool is_directory = fs::is_directory(status);
    if (!is_directory || !fs::is_empty(target_, error)) {
      fail<PathError>(
          "[core.create_directory] '{}' exists; got a {}; expected a new name or an empty directory: choose "
          "another, or remove it first",
          target_.string(), is_directory ? "directory that is not empty" : "file");
    }
  }
  if (target_.has_parent_path()) {
    make_directories(target_.parent_path());
  }
  temporary_ = temporary_beside(target_);
  if (::mkdir(temporary_.c_str(), 0777) != 0) {
    const int code = errno;
    forget_temporary(std::exchange(temporary_, {}));
    fail_with(code, "create_directory", "create", target_);
  }
}

AtomicDirectory::~AtomicDirectory() {
  if (!temporary_.empty()) {
    std::error_code ignored;
    fs::remove_all(temporary_, ignored);
    forget_temporary(temporary_);
  }
}

void AtomicDirectory::commit() {
  ODDITY_ASSERT(!temporary_.empty());
  std::error_code error;
  for (fs::recursive_directory_iterator entry(temporary_, error), end; !error && entry != end; entry.increment(error)) {
    if (!entry->is_symlink() && (entry->is_regular_file() || entry->is_directory())) {
      fsync_path(entry->path(), "create_directory");
    }
  }
  if (error) {
    fail<IoError>("[core.create_directory] cannot list '{}': {}", temporary_.string(), error.message());
  }
  fsync_path(temporary_, "create_directory");
  if (::rename(temporary_.c_str(), target_.c_str()) != 0) {
    fail<IoError>("[core.create_directory] cannot create '{}': {}", target_.string(), reason(errno));
  }
  forget_temporary(std::exchange(temporary_, {}));
  fsync_path(parent_of(target_), "create_directory");
}

void make_directories(const fs::path& directory) {
  const fs::path wanted = without_slash(directory);
  std::error_code error;
  if (wanted.empty() || fs::is_directory(wanted, error)) {
    return;
  }
  fs::path so_far;
  for (const fs::path& part : wanted) {
    so_far /= part;
    const fs::file_status status = fs::status(so_far, error);
    if (fs::exists(status) && !fs::is_directory(status)) {
      fail<PathError>("[core.make_directories] cannot create '{}': '{}' is a file; expected a directory",
                      wanted.string(), so_far.string());
    }
    if (!fs::exists(status) && ::mkdir(so_far.c_str(), 0777) != 0 && errno != EEXIST) {
      fail<IoError>("[core.make_directories] cannot create '{}': {}", so_far.string(), reason(errno));
    }
  }
}

int remove_stale_temporaries(const fs::path& directory) {
  std::error_code error;
  int removed = 0;
  std::vector<fs::path> stale;
  for (fs::directory_iterator entry(directory, error), end; !error && entry != end; entry.increment(error)) {
    const std::string name = entry->path().filename().string();
    const std::optional<pid_t> pid = process_of(name);
    if (pid && is_stale(name, *pid)) {
      stale.push_back(entry->path());
    }
  }
  for (const fs::path& path : stale) {
    fs::remove_all(path, error);
    removed += error ? 0 : 1;
  }
  return removed;
}

void fsync_directory(const fs::path& directory) { fsync_path(directory, "fsync_directory"); }

void ignore_file_size_signal() noexcept { static_cast<void>(std::signal(SIGXFSZ, SIG_IGN)); }

}  // namespace oddity
