#pragma once

#include <optional>
#include <string>
#include <vector>

#include "image/image.h"
#include "image/resize.h"
#include "inference/package.h"

/// From an image to the graph's input, after the package's contract. Training, evaluation and the line use this code.
///
/// Channels: an image must have the contract's channels. With `convert_channels` grey, colour and alpha are converted
/// (alpha is dropped); without it another count is refused, also RGBA where RGB is expected.
/// Values: divided by `full_scale` when the image has the contract's depth, else by the full scale of its own depth
/// (255 or 65,535), so that 1.0 means white in both (the engine says so in the verdict); what is brighter counts as
/// white, as in training. Geometry: `stretch` resizes to the model size. `pad` resizes keeping the aspect and pads
/// below and to the right by reflection. `native` keeps the pixels: with a canvas the image must fit into it and reach
/// 75 % of it on both sides, the rest is padded by reflection; without one (height and width 0) sides from 16 px on are
/// padded to a multiple. `stretch` and `pad` enlarge at most 8 times: a smaller image holds nothing to judge.
namespace oddity {

/// The first reason why a contract is not usable; empty when it is.
std::string fault_of(const InputContract& contract);

/// fit native with a canvas: whether an image of this size is large enough for it, 75 % on both sides before the canvas
/// was rounded up to its multiple. Below that most of what the model sees would be reflection.
bool fills_canvas(int height, int width, const InputContract& contract);

/// Where the pixels of an image go: resized to [valid_height, valid_width], then padded to [height, width].
struct FitPlan {
  int valid_height = 0, valid_width = 0, height = 0, width = 0;
  double scale_x = 1, scale_y = 1;  ///< original pixels per model pixel
};
/// Throws InvalidArgument with a sentence when the contract refuses the size. Masks follow the same plan (nearest).
FitPlan plan_fit(int height, int width, const InputContract& contract);

/// The graph's input [C, H, W] in [0, 1], 1.0 = full scale.
struct Prepared {
  int channels = 0, height = 0, width = 0;
  std::vector<float> values;
  double scale_x = 1, scale_y = 1;        ///< original pixels per model pixel
  int valid_height = 0, valid_width = 0;  ///< the part that is image, the rest is padding (bottom, right)
};

/// Prepares one image after another; after the first image of a size no memory is allocated. Not thread-safe.
class InputPreparer {
public:
  explicit InputPreparer(InputContract contract);  ///< throws InvalidArgument for a contract that is not usable

  /// Valid until the next call. Throws InvalidArgument with a sentence when the contract refuses the image.
  const Prepared& run(const ImageView& image);
  const Image& fit(const ImageView& image);      ///< the part before scaling to float
  const FitPlan& plan() const { return plan_; }  ///< of the last image

private:
  ImageView with_channels(const ImageView& image);

  InputContract contract_;
  FitPlan plan_;
  Image converted_, fitted_;
  std::optional<Resizer> resizer_;
  Prepared prepared_;
};

/// One image with a preparer of its own.
Prepared prepare_input(const ImageView& image, const InputContract& contract);
/// The channel and geometry half of it on stored depth: the resident image of training, before scaling to float.
Image fit_image(const ImageView& image, const InputContract& contract);
/// What `prepare_input` divides by for an image of this depth.
double divisor_of(Depth depth, const InputContract& contract);

}  // namespace oddity
