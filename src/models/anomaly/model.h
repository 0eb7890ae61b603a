#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <ATen/core/Tensor.h>

#include "core/options.h"

namespace oddity {

/// The `model` section of an anomaly config.
struct AnomalyModelOptions {
  std::string name = "oddnet";  ///< a name of the registry
  std::string size = "base";    ///< small | base | large
};
void describe(OptionsVisitor& visitor, AnomalyModelOptions& options);

/// What the images are like, read from the good training parts by rule (training/anomaly_images.h).
struct AnomalyInput {
  std::int64_t channels = 1;
  std::int64_t height = 128, width = 128;  ///< of the whole training image
  bool aligned = false;                    ///< parts lie at the same place in every image
};

/// What training sees. Undefined where a model has no such head.
struct AnomalyOutputs {
  at::Tensor logits;       ///< [N, 1, H, W], > 0 = defect
  at::Tensor image_logit;  ///< [N]
  at::Tensor repaired;     ///< [N, C, H, W] in [0, 1]: the image without its defects
};

/// Images from which statistics are fitted. float32 [N, C, H, W] in [0, 1], whole images, on the training device,
/// fetched in chunks.
class FitImages {
public:
  virtual ~FitImages() = default;
  virtual std::int64_t train_count() const = 0;
  virtual at::Tensor train(std::int64_t first, std::int64_t count) const = 0;  ///< good, seen in training
  virtual std::int64_t validation_count() const = 0;
  virtual at::Tensor validation(std::int64_t first, std::int64_t count) const = 0;  ///< good, never seen
};

using NamedParameter = std::pair<std::string, at::Tensor>;

/// An anomaly model: layers, what it says during training, statistics fitted afterwards, and how it scores. It knows no
/// file, no loss, no optimiser. Registered names are the file format of checkpoints and packages: they do not change.
class AnomalyModel {
public:
  virtual ~AnomalyModel() = default;

  virtual std::vector<NamedParameter>
  parameters() = 0;  ///< moved by the main phase; empty for models that are only fitted
  virtual std::vector<NamedParameter> buffers() = 0;  ///< running statistics and constants, fitted ones included
  virtual bool learns_from_defects() const = 0;       ///< training gives it corrupted images and masks
  virtual void set_training(bool training) = 0;
  virtual void to(const at::Device& device) = 0;

  /// Position-dependent planes [K, H, W] of the whole image for aligned parts (template, coordinates); undefined =
  /// none. Training crops them as it crops images.
  virtual at::Tensor context() const = 0;
  /// `context` [N, K, h, w] belongs to the crops, or is undefined.
  virtual AnomalyOutputs forward(const at::Tensor& images, const at::Tensor& context) = 0;
  /// Before training: what the model needs to know of the good images (templates). Called once.
  virtual void prepare(const FitImages& images) = 0;
  /// After training: statistics of features, score combination. Deterministic.
  virtual void fit(const FitImages& images) = 0;
  /// Trains the repair of corrupted images on frozen features; undefined `repaired` when the model has no such head.
  virtual AnomalyOutputs repair(const at::Tensor& images, const at::Tensor& context) = 0;
  /// Names of the parameters that the repair phase moves; empty = no such phase.
  virtual std::vector<NamedParameter> repair_parameters() = 0;
  /// The maps [1, 1, H, W] that the score is made of, by name: for study and benchmarks.
  virtual std::vector<std::pair<std::string, at::Tensor>> components(const at::Tensor& image) = 0;
  /// The scoring graph on whole images [1, C, H, W]: score [1], map [1, 1, H, W] and, if any, repaired [1, C, H, W] and
  /// level [1], what was taken off every pixel of the map and counts for the score. Traceable, in eval mode.
  virtual std::vector<at::Tensor> judge(const at::Tensor& image) = 0;
  virtual std::vector<std::string> judge_names() const = 0;
  /// True when judge works for any height and width (multiples of `multiple`).
  virtual bool any_size() const = 0;
  virtual std::int64_t multiple() const = 0;
};

}  // namespace oddity
