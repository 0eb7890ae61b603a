#include "training/anomaly_images.h"

#include <algorithm>
#include <cmath>

#include <ATen/ATen.h>

#include "core/error.h"

namespace oddity {
namespace {

constexpr double aligned_above = 0.35;  // share of explained variance; see the recipe's three sets: 0.98, 0.66 and 0.00
constexpr int shift_when_aligned = 4;   // px
constexpr int shift_when_free = 12;     // px

/// Mirror without repeating the border pixel: -1 -> 1, n -> n - 2.
std::int64_t reflect(std::int64_t i, std::int64_t n) {
  if (n == 1) {
    return 0;
  }
  const std::int64_t period = 2 * (n - 1);
  i = ((i % period) + period) % period;
  return i < n ? i : period - i;
}

at::Tensor to_unit(const at::Tensor& stored, double full_scale) {
  const at::Tensor wide = stored.scalar_type() == at::kShort ? stored.to(at::kInt).bitwise_and(0xFFFF) : stored;
  return wide.to(at::kFloat).mul_(1.0 / full_scale).clamp_max_(1.0);
}

}  // namespace

ResidentImages::ResidentImages(at::Tensor stored, double full_scale)
    : stored_(std::move(stored)), full_scale_(full_scale) {
  ODDITY_ASSERT(stored_.dim() == 4);
  ODDITY_ASSERT(stored_.scalar_type() == at::kByte || stored_.scalar_type() == at::kShort);
}

at::Tensor ResidentImages::whole(std::int64_t first, std::int64_t count) const {
  return to_unit(stored_.narrow(0, first, count), full_scale_);
}

at::Tensor ResidentImages::gather(const at::Tensor& picks, const at::Tensor& rows, const at::Tensor& columns) const {
  using at::indexing::Slice;
  const at::Tensor pixels =
      stored_.index({picks.unsqueeze(1).unsqueeze(2), Slice(), rows.unsqueeze(2), columns.unsqueeze(1)});
  return to_unit(pixels.permute({0, 3, 1, 2}), full_scale_);
}

ImageFacts read_facts(const ResidentImages& images, const std::string& alignment, double enlargement) {
  ImageFacts facts;
  facts.enlargement = enlargement;
  const std::int64_t n = images.count();
  at::Tensor sum, squares;
  double extreme = 0;
  const auto centred = [&](std::int64_t i, std::int64_t count) {
    const at::Tensor x = images.whole(i, count);
    return x - x.mean({1, 2, 3}, true);
  };
  for (std::int64_t i = 0; i < n; i += 32) {
    const std::int64_t count = std::min<std::int64_t>(32, n - i);
    const at::Tensor x = images.whole(i, count), d = centred(i, count).to(at::kDouble);
    extreme += x.lt(0.03).logical_or(x.gt(0.97)).to(at::kDouble).mean().item<double>() * static_cast<double>(count);
    sum = sum.defined() ? sum + d.sum(0) : d.sum(0);
    squares = squares.defined() ? squares + d.pow(2).sum(0) : d.pow(2).sum(0);
  }
  facts.two_level = extreme / static_cast<double>(n) > 0.99;
  // Residual of image i against the mean of the others is (x_i - mean) * n / (n - 1).
  const double total = squares.sum().item<double>();
  const at::Tensor mean = sum / static_cast<double>(n);
  const double within = total - static_cast<double>(n) * mean.pow(2).sum().item<double>();
  const double factor = n > 1 ? static_cast<double>(n) / static_cast<double>(n - 1) : 1.0;
  facts.explained = total > 0 && n > 1 ? std::clamp(1.0 - factor * factor * within / total, 0.0, 1.0) : 0.0;
  facts.aligned = alignment == "auto" ? facts.explained > aligned_above : alignment == "aligned";
  return facts;
}

CropPlan plan_crops(std::int64_t images, std::int64_t height, std::int64_t width, std::int64_t crop_height,
                    std::int64_t crop_width, std::int64_t batch, const ImageFacts& facts, std::uint64_t seed,
                    std::uint64_t step) {
  CropPlan plan;
  const auto table = [&](std::int64_t length) { return at::empty({batch, length}, at::kLong); };
  plan.picks = at::empty({batch}, at::kLong);
  plan.donor_picks = at::empty({batch}, at::kLong);
  plan.rows = table(crop_height), plan.columns = table(crop_width);
  plan.donor_rows = table(crop_height), plan.donor_columns = table(crop_width);
  plan.context_rows = table(crop_height), plan.context_columns = table(crop_width);
  plan.transpose = at::zeros({batch, 1, 1, 1}, at::kBool);
  const int shift = facts.aligned ? shift_when_aligned : shift_when_free;
  for (std::int64_t b = 0; b < batch; ++b) {
    RandomStream random(seed, "crops", step * static_cast<std::uint64_t>(batch) + static_cast<std::uint64_t>(b));
    plan.picks.data_ptr<std::int64_t>()[b] = random.integer(0, images - 1);
    plan.donor_picks.data_ptr<std::int64_t>()[b] = random.integer(0, images - 1);
    const auto fill = [&](at::Tensor& rows, std::int64_t size, std::int64_t crop, std::int64_t origin,
                          std::int64_t moved, bool flip) {
      std::int64_t* out = rows.data_ptr<std::int64_t>() + b * crop;
      for (std::int64_t i = 0; i < crop; ++i) {
        out[i] = reflect(origin + moved + (flip ? crop - 1 - i : i), size);
      }
    };
    const bool flip_y = !facts.aligned && random.chance(0.5), flip_x = !facts.aligned && random.chance(0.5);
    const bool turn = !facts.aligned && crop_height == crop_width && facts.two_level && random.chance(0.5);
    const std::int64_t y = random.integer(0, std::max<std::int64_t>(0, height - crop_height));
    const std::int64_t x = random.integer(0, std::max<std::int64_t>(0, width - crop_width));
    fill(plan.rows, height, crop_height, y, random.integer(-shift, shift), flip_y);
    fill(plan.columns, width, crop_width, x, random.integer(-shift, shift), flip_x);
    fill(plan.context_rows, height, crop_height, y, 0, false);
    fill(plan.context_columns, width, crop_width, x, 0, false);
    fill(plan.donor_rows, height, crop_height, random.integer(0, std::max<std::int64_t>(0, height - crop_height)), 0,
         false);
    fill(plan.donor_columns, width, crop_width, random.integer(0, std::max<std::int64_t>(0, width - crop_width)), 0,
         false);
    plan.transpose.data_ptr<bool>()[b] = turn;
    plan.any_transpose = plan.any_transpose || turn;
  }
  return plan;
}

}  // namespace oddity
