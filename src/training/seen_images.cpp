#include "training/seen_images.h"

#include <algorithm>
#include <optional>
#include <set>

#include <nlohmann/json.hpp>

#include "core/config.h"
#include "core/error.h"
#include "core/threads.h"
#include "training/anomaly_config.h"

namespace oddity {
namespace {

using Json = nlohmann::json;

/// The manifest's `data`, or an empty object.
Json data_of(const Package& package) {
  const Json manifest = Json::parse(package.manifest_json, nullptr, false);
  return manifest.is_object() && manifest.contains("data") && manifest["data"].is_object() ? manifest["data"]
                                                                                           : Json::object();
}

/// The splits that the package's training drew from this dataset; none when its images were others.
std::optional<Splits> splits_of_training(const Package& package, const Dataset& dataset, const std::string& sha256) {
  try {
    const AnomalyConfig config =
        read_options<AnomalyConfig>(ConfigDocument::parse(package.options_json, "options of the package"));
    Splits splits = make_splits(dataset.samples(), config.data, static_cast<std::uint64_t>(config.training.seed));
    if (digest_splits(dataset, splits).all == sha256) {
      return splits;
    }
  } catch (const InvalidArgument&) {  // not a set that could have been trained on
  } catch (const ConfigError&) {      // options of another version
  }
  return std::nullopt;
}

}  // namespace

std::vector<std::string> seen_digests(const Splits& splits, const SplitDigests& digests) {
  std::set<std::string> found;
  for (const auto* list : {&splits.train, &splits.validation}) {
    for (const std::size_t i : *list) {
      found.insert(kept_digest(digests.pixels.at(i)));
    }
  }
  return {found.begin(), found.end()};
}

SeenImages find_seen(const Package& package, const Dataset& dataset, const std::vector<std::size_t>& candidates) {
  const Json data = data_of(package);
  std::vector<char> seen(candidates.size(), 0);
  if (data.contains("training_images") && data["training_images"].is_array()) {
    std::set<std::string> digests;
    for (const Json& digest : data["training_images"]) {
      if (digest.is_string()) {
        digests.insert(digest.get<std::string>());
      }
    }
    thread_pool().parallel_for(0, static_cast<std::int64_t>(candidates.size()), 8,
                               [&](std::int64_t first, std::int64_t last) {
                                 for (std::int64_t i = first; i < last; ++i) {
                                   const auto k = static_cast<std::size_t>(i);
                                   const std::string digest = kept_digest(pixel_digest(dataset.image(candidates[k])));
                                   seen[k] = digests.contains(digest) ? 1 : 0;
                                 }
                               });
  } else {
    const std::optional<Splits> splits = splits_of_training(package, dataset, data.value("sha256", std::string()));
    if (!splits) {
      return {{}, false};
    }
    std::set<std::size_t> used(splits->train.begin(), splits->train.end());
    used.insert(splits->validation.begin(), splits->validation.end());
    std::transform(candidates.begin(), candidates.end(), seen.begin(),
                   [&](std::size_t i) { return used.contains(i) ? 1 : 0; });
  }
  SeenImages result;
  for (std::size_t k = 0; k < candidates.size(); ++k) {
    if (seen[k] != 0) {
      result.indices.push_back(candidates[k]);
    }
  }
  return result;
}

}  // namespace oddity
