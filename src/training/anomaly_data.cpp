#include "training/anomaly_data.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <tuple>

#include <ATen/ATen.h>

#include "core/error.h"
#include "core/log.h"
#include "core/plural.h"
#include "core/threads.h"
#include "image/pad.h"
#include "inference/prepare.h"

namespace oddity {
namespace {

constexpr double resident_limit_bytes = 8e9;  // of stored pixels; larger sets need a smaller image_size
constexpr int side_multiple = 16;             // of judged sizes that are read from the images
constexpr double auto_crops = 4;  // fit auto: judged images have at most the area of this many training crops

struct Shape {
  int height = 0, width = 0, channels = 0;
  Depth depth = Depth::u8;
};

std::vector<Shape> read_shapes(const Dataset& dataset, const std::vector<std::size_t>& indices) {
  std::vector<Shape> shapes(indices.size());
  thread_pool().parallel_for(
      0, static_cast<std::int64_t>(indices.size()), 8, [&](std::int64_t first, std::int64_t last) {
        for (std::int64_t i = first; i < last; ++i) {
          const Image image = dataset.image(indices[static_cast<std::size_t>(i)]);
          shapes[static_cast<std::size_t>(i)] = {image.height, image.width, image.channels, image.depth};
        }
      });
  return shapes;
}

template <class Value>
double median_of(const std::vector<Shape>& shapes, Value value) {
  std::vector<double> values;
  std::transform(shapes.begin(), shapes.end(), std::back_inserter(values), value);
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

/// Height and width that fit auto judges at: the median of the images' own sizes, shrunk to the area of `auto_crops`
/// crops; never so small that both sides are below the crop. Resolution is worth more than anything else (README).
std::pair<int, int> judged_size(const std::vector<Shape>& shapes, int crop_height, int crop_width) {
  const double height = median_of(shapes, [](const Shape& s) { return s.height; });
  const double width = median_of(shapes, [](const Shape& s) { return s.width; });
  const double scale = std::min(1.0, std::sqrt(auto_crops * crop_height * crop_width / (height * width)));
  const auto side = [&](double native) {
    return side_multiple * std::max(1, static_cast<int>(std::lround(native * scale / side_multiple)));
  };
  const std::pair<int, int> size(side(height), side(width));
  return size.first <= crop_height && size.second <= crop_width ? std::pair(crop_height, crop_width) : size;
}

/// The image as training sees it: fitted, and where native images differ in size padded to the common canvas.
Image fitted(const ImageView& image, const InputContract& contract, const std::string& file) {
  try {
    if (contract.fit != "native") {
      return fit_image(image, contract);
    }
    InputContract any_size = contract;
    any_size.height = any_size.width = 0;
    const Image own_size = fit_image(image, any_size);
    return pad_reflect(own_size.view(), contract.height - own_size.height, contract.width - own_size.width);
  } catch (const InvalidArgument& error) {
    fail<InvalidArgument>("{} ({})", error.what(), file);
  }
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
  const auto load = [&](std::size_t index) {
    return fitted(dataset.image(index).view(), contract, dataset.samples()[index].file);
  };
  const Image first = load(indices[0]);
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
      const Image image = load(indices[static_cast<std::size_t>(i)]);
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

/// Defects with a mask; native ones only where they fit on the canvas of the good images.
LabelledImages load_defects(const Dataset& dataset, const std::vector<std::size_t>& indices,
                            const InputContract& contract, ProgressSink& progress) {
  const auto usable = [&](std::size_t i) {
    if (!dataset.has_mask(i) || contract.fit != "native") {
      return dataset.has_mask(i);
    }
    const Image image = dataset.image(i);
    return image.height <= contract.height && image.width <= contract.width;
  };
  std::vector<std::size_t> masked;
  std::copy_if(indices.begin(), indices.end(), std::back_inserter(masked), usable);
  if (masked.empty()) {
    return {};
  }
  const ResidentImages images(load_images(dataset, masked, contract, progress, "validation defects"),
                              contract.full_scale);
  InputContract mask_contract = contract;
  mask_contract.channels = 1, mask_contract.depth = Depth::u8;
  const at::Tensor masks = at::empty({images.count(), 1, images.height(), images.width()}, at::kByte);
  for (std::size_t k = 0; k < masked.size(); ++k) {
    const Image mask = fitted(dataset.mask(masked[k]).view(), mask_contract, dataset.samples()[masked[k]].file);
    store(mask, static_cast<std::byte*>(masks.data_ptr()) + k * mask.pixels.size());
  }
  return {images.whole(0, images.count()), masks.gt(127).to(at::kFloat)};
}

}  // namespace

ImageSurvey survey_images(const Dataset& dataset, const std::vector<std::size_t>& good, const DataOptions& options) {
  const std::vector<Shape> shapes = read_shapes(dataset, good);
  ImageSurvey survey;
  InputContract& contract = survey.contract;
  contract.fit = options.fit;
  contract.convert_channels = options.convert_channels;
  contract.depth = shapes.front().depth;
  contract.full_scale = options.full_scale > 0 ? options.full_scale : full_scale_of(contract.depth);
  contract.image_height = static_cast<int>(median_of(shapes, [](const Shape& s) { return s.height; }));
  contract.image_width = static_cast<int>(median_of(shapes, [](const Shape& s) { return s.width; }));
  int channels = 0, height = 0, width = 0;
  for (const Shape& s : shapes) {
    channels = std::max(channels, s.channels), height = std::max(height, s.height), width = std::max(width, s.width);
  }
  const auto other =
      std::find_if(shapes.begin(), shapes.end(), [&](const Shape& s) { return s.channels != shapes.front().channels; });
  if (other != shapes.end() && options.channels == "as_is") {
    fail<InvalidArgument>(
        "[training.load] images differ in their number of channels; got {} in {} and {} in {}; expected one number, or "
        "data.channels: grey or color",
        shapes.front().channels, dataset.samples()[good.front()].file, other->channels,
        dataset.samples()[good[static_cast<std::size_t>(other - shapes.begin())]].file);
  }
  contract.channels = options.channels == "grey"                    ? 1
                      : options.channels == "color"                 ? 3
                      : options.channels == "auto" && channels <= 4 ? (channels <= 2 ? 1 : 3)
                                                                    : channels;
  const bool differs =
      std::any_of(shapes.begin(), shapes.end(), [&](const Shape& s) { return s.channels != contract.channels; });
  if (differs && !contract.convert_channels) {
    log_info("images differ from the {} of the model: the package converts between grey and colour",
             counted(static_cast<std::size_t>(contract.channels), "channel"));
    contract.convert_channels = true;
  }
  if (options.fit == "native") {
    contract.multiple = side_multiple;
    contract.height = rounded_up(height, side_multiple), contract.width = rounded_up(width, side_multiple);
    survey.one_size = std::all_of(shapes.begin(), shapes.end(),
                                  [&](const Shape& s) { return fills_canvas(s.height, s.width, contract); });
    return survey;
  }
  contract.height = static_cast<int>(options.image_size[0]);
  contract.width = static_cast<int>(options.image_size[1]);
  if (options.fit == "auto") {
    contract.fit = "stretch";
    std::tie(contract.height, contract.width) = judged_size(shapes, contract.height, contract.width);
  }
  survey.enlargement = median_of(shapes, [&](const Shape& s) {
    return std::min(static_cast<double>(contract.height) / s.height, static_cast<double>(contract.width) / s.width);
  });
  return survey;
}

AnomalyData load_anomaly_data(const Dataset& dataset, const Splits& splits, const AnomalyConfig& config,
                              ProgressSink& progress) {
  std::vector<std::size_t> good = splits.train;
  good.insert(good.end(), splits.validation.begin(), splits.validation.end());
  good.insert(good.end(), splits.calibration.begin(), splits.calibration.end());
  const ImageSurvey survey = survey_images(dataset, good, config.data);
  if (!survey.one_size && config.augment.alignment == "aligned") {
    fail<InvalidArgument>(
        "[training.load] augment.alignment: aligned needs images of about one size; got sizes of which some are less "
        "than 75 % of {}x{} px (width x height); expected data.fit: stretch or pad, or augment.alignment: auto",
        survey.contract.width, survey.contract.height);
  }
  AnomalyData data;
  data.contract = survey.contract;
  const auto resident = [&](const std::vector<std::size_t>& indices, std::string_view what) {
    return ResidentImages(load_images(dataset, indices, data.contract, progress, what), data.contract.full_scale);
  };
  data.train = resident(splits.train, "training images");
  if (!splits.validation.empty()) {
    data.validation = resident(splits.validation, "validation images");
  }
  data.defects = load_defects(dataset, splits.validation_defects, data.contract, progress);
  data.facts = read_facts(data.train, survey.one_size ? config.augment.alignment : "free", survey.enlargement);
  data.one_size = survey.one_size;
  return data;
}

}  // namespace oddity
