#include "inference/prepare.h"

#include <algorithm>
#include <cmath>
#include <string_view>
#include <utility>

#include "core/error.h"
#include "image/color.h"
#include "image/depth.h"
#include "image/pad.h"

namespace oddity {

namespace {

constexpr int max_side = 65'536;
constexpr int min_native_side = 16;
constexpr double max_enlargement = 8.0;

std::string_view kind_of(int channels) {
  constexpr std::string_view kinds[] = {"grey", "grey with alpha", "colour", "colour with alpha"};
  return channels >= 1 && channels <= 4 ? kinds[channels - 1] : std::string_view("multi-channel");
}

[[noreturn]] void refuse_channels(int got, const InputContract& contract) {
  if (contract.convert_channels) {
    fail<InvalidArgument>(
        "[inference.prepare_input] this package judges {} images and cannot convert this one; got {} channels; "
        "expected {}",
        kind_of(contract.channels), got, contract.channels);
  }
  fail<InvalidArgument>(
      "[inference.prepare_input] this package judges {} images and this one is {}; got {} channels; expected {} (or a "
      "package trained with data.convert_channels: true)",
      kind_of(contract.channels), kind_of(got), got, contract.channels);
}

/// Reuses the memory of `image` when it has this form already.
void reshape(Image& image, int height, int width, int channels, Depth depth) {
  if (image.height != height || image.width != width || image.channels != channels || image.depth != depth) {
    image = Image(height, width, channels, depth);
  }
}

FitPlan plan_pad(int height, int width, const InputContract& contract) {
  const double enlargement =
      std::min(static_cast<double>(contract.height) / height, static_cast<double>(contract.width) / width);
  FitPlan plan;
  plan.valid_height = std::clamp(static_cast<int>(std::lround(height * enlargement)), 1, contract.height);
  plan.valid_width = std::clamp(static_cast<int>(std::lround(width * enlargement)), 1, contract.width);
  return plan;
}

void check_native_size(int height, int width, const InputContract& contract) {
  if (contract.height == 0) {
    if (height < min_native_side || width < min_native_side) {
      fail<InvalidArgument>(
          "[inference.prepare_input] the image is too small to judge; got {}x{} px; expected sides of "
          "at least {} px",
          width, height, min_native_side);
    }
    return;
  }
  if (height > contract.height || width > contract.width) {
    fail<InvalidArgument>(
        "[inference.prepare_input] the image is larger than the package's canvas; got {}x{} px; "
        "expected at most {}x{} px (width x height)",
        width, height, contract.width, contract.height);
  }
  if (!fills_canvas(height, width, contract)) {
    fail<InvalidArgument>(
        "[inference.prepare_input] the image is much smaller than the package's canvas; got {}x{} px; "
        "expected at least 75 % of {}x{} px (width x height)",
        width, height, contract.width, contract.height);
  }
}

}  // namespace

std::string fault_of(const InputContract& contract) {
  if (contract.channels < 1 || contract.channels > 64) {
    return fmt::format("input channels out of range; got {}; expected 1..64", contract.channels);
  }
  if (!std::isfinite(contract.full_scale) || contract.full_scale <= 0) {
    return fmt::format("input full scale out of range; got {}; expected a positive number", contract.full_scale);
  }
  if (contract.depth != Depth::u8 && contract.depth != Depth::u16) {
    return "input depth unknown; expected u8 or u16";
  }
  const bool native = contract.fit == "native";
  if (!native && contract.fit != "stretch" && contract.fit != "pad") {
    return fmt::format("input fit unknown; got '{}'; expected stretch, pad or native", contract.fit);
  }
  if (contract.multiple < 1 || contract.multiple > 1024) {
    return fmt::format("input multiple out of range; got {}; expected 1..1024", contract.multiple);
  }
  if (contract.image_height < 0 || contract.image_height > max_side || contract.image_width < 0 ||
      contract.image_width > max_side) {
    return fmt::format("size of the training images out of range; got {}x{}; expected sides of 0..{}",
                       contract.image_width, contract.image_height, max_side);
  }
  const bool any_size = contract.height == 0 && contract.width == 0;
  if (!(native && any_size) &&
      (contract.height < 1 || contract.height > max_side || contract.width < 1 || contract.width > max_side)) {
    return fmt::format("input size out of range; got {}x{}; expected sides of 1..{}{}", contract.width, contract.height,
                       max_side, native ? ", or 0x0 for any size" : "");
  }
  return {};
}

bool fills_canvas(int height, int width, const InputContract& contract) {
  const auto fills = [&](std::int64_t side, std::int64_t canvas) {
    return 4 * side >= 3 * (canvas - contract.multiple + 1);
  };
  return fills(height, contract.height) && fills(width, contract.width);
}

FitPlan plan_fit(int height, int width, const InputContract& contract) {
  if (height < 1 || height > max_side || width < 1 || width > max_side) {
    fail<InvalidArgument>(
        "[inference.prepare_input] the image has no usable size; got {}x{} px; expected sides of 1..{}", width, height,
        max_side);
  }
  FitPlan plan;
  if (contract.fit == "native") {
    check_native_size(height, width, contract);
    plan.valid_height = height;
    plan.valid_width = width;
    plan.height = contract.height > 0 ? contract.height : rounded_up(height, contract.multiple);
    plan.width = contract.width > 0 ? contract.width : rounded_up(width, contract.multiple);
  } else {
    if (contract.fit == "pad") {
      plan = plan_pad(height, width, contract);
    } else {
      plan.valid_height = contract.height;
      plan.valid_width = contract.width;
    }
    plan.height = contract.height;
    plan.width = contract.width;
    if (plan.valid_height > max_enlargement * height || plan.valid_width > max_enlargement * width) {
      fail<InvalidArgument>(
          "[inference.prepare_input] the image is too small to judge; got {}x{} px; expected at least "
          "an eighth of the model's {}x{} px (width x height)",
          width, height, contract.width, contract.height);
    }
  }
  plan.scale_x = static_cast<double>(width) / plan.valid_width;
  plan.scale_y = static_cast<double>(height) / plan.valid_height;
  return plan;
}

double divisor_of(Depth depth, const InputContract& contract) {
  return depth == contract.depth ? contract.full_scale : full_scale_of(depth);
}

InputPreparer::InputPreparer(InputContract contract) : contract_(std::move(contract)) {
  if (const std::string fault = fault_of(contract_); !fault.empty()) {
    fail<InvalidArgument>("[inference.prepare_input] {}", fault);
  }
}

ImageView InputPreparer::with_channels(const ImageView& image) {
  if (image.channels == contract_.channels) {
    return image;
  }
  if (!contract_.convert_channels || !can_convert_channels(image.channels, contract_.channels)) {
    refuse_channels(image.channels, contract_);
  }
  reshape(converted_, image.height, image.width, contract_.channels, image.depth);
  convert_channels(image, converted_.span());
  return converted_.view();
}

const Image& InputPreparer::fit(const ImageView& image) {
  check_view(image, "inference.prepare_input");
  const ImageView source = with_channels(image);
  plan_ = plan_fit(source.height, source.width, contract_);
  reshape(fitted_, plan_.height, plan_.width, source.channels, source.depth);
  ImageSpan valid = fitted_.span();
  valid.height = plan_.valid_height;
  valid.width = plan_.valid_width;
  if (!resizer_ || resizer_->in_height() != source.height || resizer_->in_width() != source.width ||
      resizer_->out_height() != valid.height || resizer_->out_width() != valid.width) {
    resizer_.emplace(source.height, source.width, valid.height, valid.width);
  }
  resizer_->run(source, valid);
  if (valid.height != fitted_.height || valid.width != fitted_.width) {
    pad_reflect(valid.view(), fitted_.span());
  }
  return fitted_;
}

const Prepared& InputPreparer::run(const ImageView& image) {
  fit(image);
  prepared_.channels = fitted_.channels;
  prepared_.height = fitted_.height;
  prepared_.width = fitted_.width;
  prepared_.scale_x = plan_.scale_x;
  prepared_.scale_y = plan_.scale_y;
  prepared_.valid_height = plan_.valid_height;
  prepared_.valid_width = plan_.valid_width;
  prepared_.values.resize(static_cast<std::size_t>(fitted_.channels) * static_cast<std::size_t>(fitted_.height) *
                          static_cast<std::size_t>(fitted_.width));
  const double divisor = divisor_of(fitted_.depth, contract_);
  to_planar(fitted_.view(), divisor, prepared_.values);
  if (divisor < full_scale_of(fitted_.depth)) {
    for (float& value : prepared_.values) {
      value = std::min(value, 1.0f);
    }
  }
  return prepared_;
}

Prepared prepare_input(const ImageView& image, const InputContract& contract) {
  return InputPreparer(contract).run(image);
}

Image fit_image(const ImageView& image, const InputContract& contract) { return InputPreparer(contract).fit(image); }

}  // namespace oddity
