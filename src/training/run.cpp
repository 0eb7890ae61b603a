#include "training/run.h"

#include <cerrno>
#include <cstring>
#include <fstream>
#include <span>
#include <thread>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/error.h"
#include "core/files.h"

namespace oddity {

Run::Run(std::filesystem::path directory, bool resume) : directory_(std::move(directory)) {
  const std::filesystem::path config = directory_ / "config.yaml";
  if (resume && !std::filesystem::exists(config)) {
    fail<PathError>("[training.run] nothing to resume; got {}; expected a run directory with config.yaml",
                    directory_.string());
  }
  for (const char* taken : {"config.yaml", "model.oddity", "checkpoints", "metrics.jsonl"}) {
    if (!resume && std::filesystem::exists(directory_ / taken)) {
      fail<InvalidArgument>(
          "[training.run] the directory holds another run; got {} in {}; expected a new directory, or --resume to go "
          "on with that run",
          taken, directory_.string());
    }
  }
  make_directories(directory_);
  const std::string lock = (directory_ / ".lock").string();
  lock_ = ::open(lock.c_str(), O_CREAT | O_RDWR | O_CLOEXEC, 0644);
  if (lock_ < 0) {
    fail<IoError>("[training.run] cannot write into the run directory; got '{}' for {}", std::strerror(errno), lock);
  }
  // A lock whose file the run before has just removed would guard nothing.
  struct stat held {
  }, named{};
  if (::flock(lock_, LOCK_EX | LOCK_NB) != 0 || ::fstat(lock_, &held) != 0 || ::stat(lock.c_str(), &named) != 0 ||
      held.st_ino != named.st_ino) {
    ::close(lock_);
    fail<IoError>("[training.run] another training runs in this directory; got {}", directory_.string());
  }
  remove_stale_temporaries(directory_);
}

Run::~Run() {
  std::error_code ignored;
  std::filesystem::remove(directory_ / ".lock", ignored);
  ::close(lock_);
}

void Run::write(const std::string& name, const std::string& text) const {
  write_file_atomic(directory_ / name, std::as_bytes(std::span(text.data(), text.size())));
}

std::string machine_description() {
  std::ifstream info("/proc/cpuinfo");
  std::string line, processor = "unknown processor";
  while (std::getline(info, line)) {
    if (line.starts_with("model name")) {
      processor = line.substr(line.find(':') + 2);
      break;
    }
  }
  return processor + ", " + std::to_string(std::thread::hardware_concurrency()) + " cores";
}

}  // namespace oddity
