#include "training/checkpoint.h"

#include <algorithm>
#include <cstring>
#include <set>
#include <span>

#include <ATen/ATen.h>
#include <torch/utils.h>
#include <unistd.h>
#include <nlohmann/json.hpp>

#include "core/digest.h"
#include "core/error.h"
#include "core/files.h"
#include "core/log.h"
#include "core/safetensors.h"

namespace oddity {
namespace {

constexpr const char* files[] = {"model.safetensors", "optimizer.safetensors", "state.json"};

Dtype dtype_of(const at::Tensor& tensor) {
  switch (tensor.scalar_type()) {
    case at::kFloat:
      return Dtype::f32;
    case at::kDouble:
      return Dtype::f64;
    case at::kLong:
      return Dtype::i64;
    case at::kByte:
      return Dtype::u8;
    case at::kBool:
      return Dtype::boolean;
    default:
      fail<InvalidArgument>("[training.checkpoint] a tensor has a type that checkpoints do not hold; got {}",
                            at::toString(tensor.scalar_type()));
  }
}

void write_tensors(const std::filesystem::path& file, const std::vector<NamedTensor>& tensors) {
  std::vector<at::Tensor> host;
  std::vector<TensorBlob> blobs;
  for (const auto& [name, tensor] : tensors) {
    host.push_back(tensor.detach().to(at::kCPU).contiguous());
    const at::Tensor& t = host.back();
    blobs.push_back({name, dtype_of(t), t.sizes().vec(), {static_cast<const std::byte*>(t.data_ptr()), t.nbytes()}});
  }
  write_safetensors(file, blobs);
}

/// "<phase>-<step>" with zeros in front, so that names sort by age.
std::string name_of(const TrainingPosition& position) {
  return fmt::format("{:02}-{:010}", position.phase, position.step);
}

std::vector<std::filesystem::path> list_newest_first(const std::filesystem::path& folder) {
  std::vector<std::filesystem::path> found;
  std::error_code missing;
  for (const auto& entry : std::filesystem::directory_iterator(folder, missing)) {
    if (entry.is_directory() && !entry.path().filename().string().starts_with(".")) {
      found.push_back(entry.path());
    }
  }
  std::sort(found.rbegin(), found.rend());
  return found;
}

/// Renamed first: a crash in between leaves a temporary, never half a checkpoint.
void remove_checkpoint(const std::filesystem::path& directory) {
  std::error_code ignored;
  const std::filesystem::path doomed =
      directory.parent_path() / fmt::format(".{}.tmp-{}-0", directory.filename().string(), ::getpid());
  std::filesystem::rename(directory, doomed, ignored);
  std::filesystem::remove_all(doomed, ignored);
}

std::string text_of(const std::filesystem::path& file) {
  const std::vector<std::byte> bytes = read_file(file, std::uint64_t{16} << 20);
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

TrainingPosition verify(const std::filesystem::path& directory) {
  try {
    const auto manifest = nlohmann::json::parse(text_of(directory / "MANIFEST.json"));
    for (const char* file : files) {
      const auto& entry = manifest.at(file);
      if (std::filesystem::file_size(directory / file) != entry.at("bytes").get<std::uint64_t>() ||
          sha256_file(directory / file) != entry.at("sha256").get<std::string>()) {
        fail<ContentError>("[training.checkpoint] {} differs from its manifest", (directory / file).string());
      }
    }
    const auto state = nlohmann::json::parse(text_of(directory / "state.json"));
    return {state.at("phase").get<std::int64_t>(),         state.at("step").get<std::int64_t>(),
            state.at("metrics_bytes").get<std::int64_t>(), state.at("seconds").get<double>(),
            state.at("cpu_seconds").get<double>(),         state.at("steps_done").get<std::int64_t>()};
  } catch (const nlohmann::json::exception& e) {
    fail<ContentError>("[training.checkpoint] {} is damaged: {}", directory.string(), e.what());
  } catch (const std::filesystem::filesystem_error& e) {
    fail<ContentError>("[training.checkpoint] {} is incomplete: {}", directory.string(), e.code().message());
  }
}

}  // namespace

void write_checkpoint(const std::filesystem::path& run_directory, const TrainingPosition& position,
                      const std::vector<NamedTensor>& model, const std::vector<NamedTensor>& optimizer) {
  const std::filesystem::path folder = run_directory / "checkpoints";
  make_directories(folder);
  const std::filesystem::path target = folder / name_of(position);
  if (std::filesystem::exists(target)) {
    try {
      verify(target);
      return;  // the same position was written before a resume; its bytes are the same
    } catch (const Error&) {
      remove_checkpoint(target);  // damaged since
    }
  }
  AtomicDirectory directory(target);
  write_tensors(directory.path() / files[0], model);
  write_tensors(directory.path() / files[1], optimizer);
  const nlohmann::json state = {{"phase", position.phase},
                                {"step", position.step},
                                {"metrics_bytes", position.metrics_bytes},
                                {"seconds", position.seconds},
                                {"cpu_seconds", position.cpu_seconds},
                                {"steps_done", position.steps_done}};
  write_file_atomic(directory.path() / files[2], std::string_view(state.dump(2)));
  nlohmann::json manifest;
  for (const char* file : files) {
    manifest[file] = {{"bytes", std::filesystem::file_size(directory.path() / file)},
                      {"sha256", sha256_file(directory.path() / file)}};
  }
  write_file_atomic(directory.path() / "MANIFEST.json", std::string_view(manifest.dump(2)));
  directory.commit();
  const std::vector<std::filesystem::path> all = list_newest_first(folder);
  for (std::size_t i = 2; i < all.size(); ++i) {
    remove_checkpoint(all[i]);
  }
}

std::optional<Checkpoint> newest_checkpoint(const std::filesystem::path& run_directory) {
  const std::filesystem::path folder = run_directory / "checkpoints";
  if (!std::filesystem::exists(folder)) {
    return {};
  }
  remove_stale_temporaries(folder);
  for (const std::filesystem::path& directory : list_newest_first(folder)) {
    try {
      return Checkpoint{directory, verify(directory)};
    } catch (const Error& error) {
      log_warning("damaged checkpoint skipped: {}", error.what());
    }
  }
  return {};
}

void restore_tensors(const std::filesystem::path& file, const std::vector<NamedTensor>& tensors) {
  const SafetensorsFile source = SafetensorsFile::read(file);
  std::string differences;
  std::set<std::string> known;
  const torch::NoGradGuard no_grad;
  for (const auto& [name, tensor] : tensors) {
    known.insert(name);
    const TensorBlob* blob = source.view().find(name);
    if (blob == nullptr) {
      differences += " missing " + name + ";";
    } else if (blob->dtype != dtype_of(tensor) || blob->shape != tensor.sizes().vec()) {
      differences += " " + name + " has another type or shape;";
    }
  }
  for (const TensorBlob& blob : source.view().tensors) {
    if (!known.contains(blob.name)) {
      differences += " unknown " + blob.name + ";";
    }
  }
  if (!differences.empty()) {
    fail<ContentError>("[training.checkpoint] {} does not fit this model:{}", file.string(), differences);
  }
  for (const auto& [name, tensor] : tensors) {
    const TensorBlob& blob = source.view().at(name);
    const at::Tensor host =
        at::empty(tensor.sizes(), tensor.options().device(at::kCPU).memory_format(at::MemoryFormat::Contiguous));
    std::memcpy(host.data_ptr(), blob.bytes.data(), blob.bytes.size());
    at::Tensor(tensor).copy_(host);
  }
}

}  // namespace oddity
