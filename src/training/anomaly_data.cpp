#include "training/anomaly_data.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include <ATen/ATen.h>

#include "core/error.h"
#include "core/threads.h"
#include "image/region_of_interest.h"
#include "inference/engine.h"

namespace oddity {
namespace {

constexpr double resident_limit_bytes = 8e9;  // of stored pixels; larger sets need a pack and a smaller image_size
constexpr int native_multiple = 16;
constexpr double native_smallest = 0.75;  // of the canvas side; what inference accepts too

struct Shape {
  int height = 0, width = 0, channels = 0;
  Depth depth = Depth::u8;
};

Shape shape_of(const Image& image) { return {image.height, image.width, image.channels, image.depth}; }

std::vector<Shape> read_shapes(const Dataset& dataset, const std::vector<std::size_t>& indices) {
  std::vector<Shape> shapes(indices.size());
  thread_pool().parallel_for(
      0, static_cast<std::int64_t>(indices.size()), 8, [&](std::int64_t first, std::int64_t last) {
        for (std::int64_t i = first; i < last; ++i) {
          shapes[static_cast<std::size_t>(i)] = shape_of(dataset.image(indices[static_cast<std::size_t>(i)]));
        }
      });
  return shapes;
}

/// Interleaved pixels of one fitted image into a planar slot of the resident tensor.
void store(const Image& image, std::byte* slot) {
  const std::size_t plane = static_cast<std::size_t>(image.height) * static_cast<std::size_t>(image.width);
  const auto spread = [&](auto* out, const auto* in) {
    for (std::size_t i = 0; i < plane; ++i) {
      for (int c = 0; c < image.channels; ++c) {
        out[static_cast<std::size_t>(c) * plane + i] =
            in[i * static_cast<std::size_t>(image.channels) + static_cast<std::size_t>(c)];
      }
    }
  };
  if (image.depth == Depth::u8) {
    spread(reinterpret_cast<std::uint8_t*>(slot), image.u8());
  } else {
    spread(reinterpret_cast<std::uint16_t*>(slot), image.u16());
  }
}

at::Tensor load_images(const Dataset& dataset, const std::vector<std::size_t>& indices, const InputContract& contract,
                       ProgressSink& progress, std::string_view what) {
  const std::int64_t count = static_cast<std::int64_t>(indices.size());
  if (count == 0) {
    return {};
  }
  const Image first = fit_image(dataset.image(indices[0]).view(), contract);
  const std::size_t bytes = first.pixels.size();
  if (static_cast<double>(bytes) * static_cast<double>(count) > resident_limit_bytes) {
    fail<InvalidArgument>(
        "[training.load] the training images would take {:.1f} GB of memory; expected at most {:.1f} GB: choose a "
        "smaller data.image_size",
        static_cast<double>(bytes) * static_cast<double>(count) / 1e9, resident_limit_bytes / 1e9);
  }
  const at::Tensor stored =
      at::empty({count, first.channels, first.height, first.width}, first.depth == Depth::u8 ? at::kByte : at::kShort);
  std::byte* data = static_cast<std::byte*>(stored.data_ptr());
  progress.begin(what, count);
  thread_pool().parallel_for(0, count, 8, [&](std::int64_t from, std::int64_t to) {
    for (std::int64_t i = from; i < to; ++i) {
      const Image image = fit_image(dataset.image(indices[static_cast<std::size_t>(i)]).view(), contract);
      if (image.depth != contract.depth) {
        fail<ContentError>("[training.load] training images must have one depth; got {} bit in {}; expected {} bit",
                           8 * bytes_of(image.depth), dataset.samples()[indices[static_cast<std::size_t>(i)]].file,
                           8 * bytes_of(contract.depth));
      }
      store(image, data + static_cast<std::size_t>(i) * bytes);
    }
  });
  progress.advance(count);
  progress.end();
  return stored;
}

LabelledImages load_defects(const Dataset& dataset, const std::vector<std::size_t>& indices,
                            const InputContract& contract, c10::Device device, ProgressSink& progress) {
  std::vector<std::size_t> masked;
  std::copy_if(indices.begin(), indices.end(), std::back_inserter(masked),
               [&](std::size_t i) { return dataset.has_mask(i); });
  if (masked.empty()) {
    return {};
  }
  InputContract mask_contract = contract;
  mask_contract.channels = 1, mask_contract.full_scale = 255;
  const ResidentImages images(load_images(dataset, masked, contract, progress, "validation defects"),
                              contract.full_scale);
  std::vector<at::Tensor> masks;
  for (const std::size_t i : masked) {
    const Prepared mask = prepare_input(dataset.mask(i).view(), mask_contract);
    masks.push_back(at::tensor(mask.values).reshape({1, 1, mask.height, mask.width}).gt(0.5).to(at::kFloat));
  }
  return {images.whole(0, images.count()).to(device), at::cat(masks).to(device)};
}

}  // namespace

InputContract read_contract(const Dataset& dataset, const std::vector<std::size_t>& good, const DataOptions& options) {
  const std::vector<Shape> shapes = read_shapes(dataset, good);
  InputContract contract;
  contract.fit = options.fit;
  contract.convert_channels = options.convert_channels;
  contract.depth = shapes.front().depth;
  contract.full_scale = options.full_scale > 0 ? options.full_scale : full_scale_of(contract.depth);
  int channels = 0, height = 0, width = 0;
  for (const Shape& s : shapes) {
    channels = std::max(channels, s.channels), height = std::max(height, s.height), width = std::max(width, s.width);
  }
  const bool mixed =
      std::any_of(shapes.begin(), shapes.end(), [&](const Shape& s) { return s.channels != shapes.front().channels; });
  if (mixed && options.channels == "as_is") {
    fail<InvalidArgument>(
        "[training.load] images differ in their number of channels; got {} and {}; expected one number, or "
        "data.channels: grey or color",
        shapes.front().channels, channels);
  }
  contract.channels = options.channels == "grey"                    ? 1
                      : options.channels == "color"                 ? 3
                      : options.channels == "auto" && channels <= 4 ? (channels <= 2 ? 1 : 3)
                                                                    : channels;
  const bool differs =
      std::any_of(shapes.begin(), shapes.end(), [&](const Shape& s) { return s.channels != contract.channels; });
  contract.convert_channels = contract.convert_channels || differs;
  if (options.fit != "native") {
    contract.height = static_cast<int>(options.image_size[0]);
    contract.width = static_cast<int>(options.image_size[1]);
    return contract;
  }
  const auto up = [](int n) { return (n + native_multiple - 1) / native_multiple * native_multiple; };
  contract.height = up(height), contract.width = up(width);
  for (std::size_t i = 0; i < shapes.size(); ++i) {
    if (shapes[i].height < native_smallest * contract.height || shapes[i].width < native_smallest * contract.width) {
      fail<InvalidArgument>(
          "[training.load] data.fit: native needs images of about one size; got {} of {}x{} px beside {}x{}; expected "
          "sides of at least 75 % of the largest: use data.fit: stretch or pad",
          dataset.samples()[good[i]].file, shapes[i].height, shapes[i].width, height, width);
    }
  }
  return contract;
}

AnomalyData load_anomaly_data(const Dataset& dataset, const Splits& splits, const AnomalyConfig& config,
                              c10::Device device, ProgressSink& progress) {
  AnomalyData data;
  data.contract = read_contract(dataset, splits.train, config.data);
  const Image probe = dataset.image(splits.train.front());
  data.train = ResidentImages(load_images(dataset, splits.train, data.contract, progress, "training images").to(device),
                              data.contract.full_scale);
  if (!splits.validation.empty()) {
    data.validation =
        ResidentImages(load_images(dataset, splits.validation, data.contract, progress, "validation images").to(device),
                       data.contract.full_scale);
  }
  data.defects = load_defects(dataset, splits.validation_defects, data.contract, device, progress);
  const double enlargement = config.data.fit == "native"
                                 ? 1.0
                                 : std::min(static_cast<double>(data.contract.height) / probe.height,
                                            static_cast<double>(data.contract.width) / probe.width);
  data.facts = read_facts(data.train, config.augment.alignment, enlargement);
  return data;
}

}  // namespace oddity
