#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <vector>

/// Reading with bounds and writing that survives crashes. A write goes to a temporary `.name.tmp-<pid>-<n>` in the same
/// directory, is fsynced, renamed over the target, and the directory is fsynced; readers see the old or the new file,
/// never a part. Every call of the operating system is checked; its refusal is an IoError with the system's sentence.
namespace oddity {

inline constexpr std::uint64_t no_limit = std::numeric_limits<std::uint64_t>::max();

/// The bytes of a file. Throws PathError (missing or a directory), ContentError (more than `max_bytes`), IoError.
std::vector<std::byte> read_file(const std::filesystem::path& file, std::uint64_t max_bytes = no_limit);
std::string read_text_file(const std::filesystem::path& file, std::uint64_t max_bytes = no_limit);

/// Replaces the file as a whole. A device or pipe as target (/dev/stdout) is written directly; a symbolic link stays
/// and its target is replaced. Throws PathError (the directory is missing, its parent is a file, the target is a
/// directory) or IoError; nothing half-written stays.
void write_file_atomic(const std::filesystem::path& file, std::span<const std::byte> bytes);
void write_file_atomic(const std::filesystem::path& file, std::string_view text);

/// The same in pieces. Without `commit` the destructor removes what was written.
class AtomicFile {
public:
  explicit AtomicFile(std::filesystem::path file);
  ~AtomicFile();
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  void write(std::span<const std::byte> bytes);
  void write(std::string_view text);
  void commit();  ///< fsync, rename, fsync of the directory; at most once

private:
  void close_and_remove() noexcept;
  std::filesystem::path target_, temporary_;  ///< `temporary_` is empty for a device
  int descriptor_ = -1;
};

/// A directory that appears as a whole: fill `path()`, then `commit`. Without `commit` it is removed. Parents are made.
/// An existing file or non-empty directory of that name is a PathError at once, and an IoError at `commit` when it came
/// in between.
class AtomicDirectory {
public:
  explicit AtomicDirectory(std::filesystem::path directory);
  ~AtomicDirectory();
  AtomicDirectory(const AtomicDirectory&) = delete;
  AtomicDirectory& operator=(const AtomicDirectory&) = delete;

  const std::filesystem::path& path() const { return temporary_; }  ///< where to write until `commit`
  void commit();  ///< fsyncs every file and directory inside, renames, fsyncs the parent

private:
  std::filesystem::path target_, temporary_;
};

/// Makes the directory and its parents. Throws PathError when a part of the path is a file, IoError otherwise.
void make_directories(const std::filesystem::path& directory);

/// Removes files and directories `.<name>.tmp-<pid>-<n>` whose process is gone (directly inside `directory`). Returns
/// how many. A missing directory has none.
int remove_stale_temporaries(const std::filesystem::path& directory);

void fsync_directory(const std::filesystem::path& directory);  ///< throws IoError

/// Makes a write beyond RLIMIT_FSIZE fail with EFBIG (an IoError) instead of killing the process. For `main`.
void ignore_file_size_signal() noexcept;

}  // namespace oddity
