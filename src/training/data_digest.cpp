#include "training/data_digest.h"

#include <set>
#include <span>
#include <vector>

#include "core/digest.h"
#include "core/error.h"
#include "core/log.h"
#include "core/threads.h"

namespace oddity {

std::string pixel_digest(const Image& image) {
  Sha256 sha;
  const int shape[] = {image.height, image.width, image.channels, static_cast<int>(image.depth)};
  sha.update(std::as_bytes(std::span(shape)));
  sha.update(image.pixels);
  return sha.finish_hex();
}

SplitDigests digest_splits(const Dataset& dataset, const Splits& splits) {
  SplitDigests digests;
  Sha256 all;
  const auto update = [&](const std::string& text) {
    all.update(std::as_bytes(std::span(text.data(), text.size() + 1)));
  };
  for (const auto& [split, list] :
       {std::pair("train", &splits.train), std::pair("validation", &splits.validation),
        std::pair("calibration", &splits.calibration), std::pair("defects", &splits.validation_defects)}) {
    std::vector<std::string> found(list->size());
    thread_pool().parallel_for(0, static_cast<std::int64_t>(list->size()), 8,
                               [&](std::int64_t first, std::int64_t last) {
                                 for (std::int64_t i = first; i < last; ++i) {
                                   const auto k = static_cast<std::size_t>(i);
                                   found[k] = pixel_digest(dataset.image((*list)[k]));
                                 }
                               });
    update(split);
    for (std::size_t i = 0; i < list->size(); ++i) {
      update(dataset.samples()[(*list)[i]].file);
      update(found[i]);
      digests.pixels[(*list)[i]] = std::move(found[i]);
    }
  }
  digests.all = all.finish_hex();
  return digests;
}

void drop_copies(const Dataset& dataset, Splits& splits, const SplitDigests& digests) {
  std::set<std::string> trained;
  for (const std::size_t i : splits.train) {
    trained.insert(digests.pixels.at(i));
  }
  const auto copy = [&](std::size_t i) { return trained.contains(digests.pixels.at(i)); };
  for (auto* list : {&splits.calibration, &splits.validation}) {
    const std::size_t before = list->size();
    const std::string example = before > 0 ? dataset.samples()[list->front()].file : "";
    std::erase_if(*list, copy);
    if (list->size() < before) {
      log_info("{} of {} {} parts are copies of training parts and are left out", before - list->size(), before,
               list == &splits.calibration ? "calibration" : "validation");
    }
    if (list == &splits.calibration && list->empty() && before > 0) {
      fail<InvalidArgument>(
          "[training.train] every calibration part is a copy of a training part ({}, for one); expected different "
          "photographs",
          example);
    }
  }
}

}  // namespace oddity
