#pragma once

#include <filesystem>
#include <string>

namespace oddity {

/// A run directory (architecture section 6), locked against a second training while this object lives.
class Run {
public:
  /// Creates the directory, or opens it for `resume`. Throws InvalidArgument when it holds another run, PathError when
  /// resuming what is not there, IoError when it cannot be made or is locked by another process.
  Run(std::filesystem::path directory, bool resume);
  ~Run();
  Run(const Run&) = delete;
  Run& operator=(const Run&) = delete;

  const std::filesystem::path& directory() const { return directory_; }
  std::filesystem::path package_file() const { return directory_ / "model.oddity"; }
  void write(const std::string& name, const std::string& text) const;  ///< atomic

private:
  std::filesystem::path directory_;
  int lock_ = -1;
};

/// Processor, cores and system of this machine as one sentence.
std::string machine_description();

}  // namespace oddity
