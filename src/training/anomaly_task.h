#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "training/anomaly_config.h"
#include "training/anomaly_images.h"
#include "training/task.h"

namespace oddity {

/// Labelled defects of the validation split, for the log only.
struct LabelledImages {
  at::Tensor images;  ///< [n, C, H, W] float32, or undefined
  at::Tensor masks;   ///< [n, 1, H, W] float32, or undefined
};

/// The data of an anomaly task, in host memory: batches are made there, since synthetic defects are drawn there, and go
/// to the training device whole.
struct AnomalyData {
  ResidentImages train, validation;
  LabelledImages defects;
  ImageFacts facts;
  InputContract contract;
  bool one_size = true;  ///< fit native: false when images differ so much in size that no canvas suits all
};

/// Trains a model of the anomaly registry. Phase "main" (localisation on synthetic defects, or reconstruction), then
/// "repair" on frozen features when the model has a repair decoder; its steps are a sixth of the main ones.
class AnomalyTask final : public Task {
public:
  AnomalyTask(const AnomalyConfig& config, AnomalyData data);
  ~AnomalyTask() override;

  std::vector<Phase> phases() override;
  void begin(const Phase& phase) override;
  StepResult step(const Phase& phase, std::int64_t step) override;
  std::vector<std::pair<std::string, double>> validate(const Phase& phase, std::int64_t step) override;
  std::vector<NamedTensor> state() override;
  void fit() override;
  Package make_package() override;

  AnomalyModel& model();

private:
  struct Batch;
  std::pair<std::int64_t, std::int64_t> crop_size() const;  ///< height and width of a training crop
  Batch make_batch(const std::string& purpose, std::int64_t step) const;

  AnomalyConfig config_;
  AnomalyData data_;
  std::unique_ptr<AnomalyModel> model_;
  c10::Device device_;
  bool bf16_;
};

}  // namespace oddity
