#include "augment/synthetic_defects.h"

#include <array>

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include "augment/defect_families.h"
#include "core/error.h"

namespace oddity {
namespace {

constexpr std::array<DefectFamily, 7> families = {{
    {"patch", "content of another good image, turned, shifted and sometimes relit"},
    {"texture", "noise of one grain, added to the surface or in its place"},
    {"stroke", "a straight, curved or jagged line: scratches, cracks, fibres"},
    {"blob", "one or several spots, sharp or soft: stains, pits, drops"},
    {"warp", "the surface displaced: dents, shifts, distortions"},
    {"degrade", "blurred, sharpened, noisy or relit surface"},
    {"edge", "at an edge: nibbles, spurs, bridges, cuts and dots in the colour of the other side"},
}};
constexpr std::array<DrawDefect, 7> draw_functions = {draw_patch, draw_texture, draw_line, draw_blob,
                                                      draw_warp,  draw_degrade, draw_edge};

constexpr float visible = 0.045f;   // mean change over 3x3 above which a pixel counts as defective
constexpr float invisible = 0.02f;  // below which it counts as good
constexpr float least_alpha = 0.15f;

std::vector<DrawDefect> chosen(const std::vector<std::string>& names) {
  std::vector<DrawDefect> functions;
  for (const std::string& name : names) {
    std::size_t i = 0;
    while (i < families.size() && families[i].name != name) {
      ++i;
    }
    if (i == families.size()) {
      fail<InvalidArgument>(
          "[augment.corrupt] unknown defect family; got '{}'; expected patch, texture, stroke, blob, warp, degrade or "
          "edge",
          name);
    }
    functions.push_back(draw_functions[i]);
  }
  if (functions.empty()) {
    fail<InvalidArgument>("[augment.corrupt] defects.families must name at least one family; got none");
  }
  return functions;
}

void draw_defects(DefectScene& scene, const std::vector<DrawDefect>& functions, const SyntheticDefectOptions& options,
                  RandomStream& random) {
  if (random.chance(options.clean_fraction)) {
    return;
  }
  const std::int64_t count = random.integer(1, options.max_per_image);
  const int pixels = scene.canvas.height * scene.canvas.width;
  for (std::int64_t i = 0; i < count; ++i) {
    functions[static_cast<std::size_t>(random.integer(0, static_cast<std::int64_t>(functions.size()) - 1))](scene,
                                                                                                            random);
    int covered = 0;
    for (int k = 0; k < pixels; ++k) {
      covered += scene.canvas.cover[k] > least_alpha ? 1 : 0;
    }
    if (covered > options.max_area * pixels) {
      return;
    }
  }
}

/// Largest change over channels into `change` [H, W].
void largest_change(const float* before, const float* after, int channels, int pixels, float* change) {
  std::fill(change, change + pixels, 0.0f);
  for (int c = 0; c < channels; ++c) {
    const std::ptrdiff_t base = static_cast<std::ptrdiff_t>(c) * pixels;
    for (int i = 0; i < pixels; ++i) {
      change[i] = std::max(change[i], std::abs(after[base + i] - before[base + i]));
    }
  }
}

/// Mask and weight of one image from what changed.
void write_mask(const float* change, const float* cover, int height, int width, bool two_level, float* mask,
                float* weight, std::vector<float>& scratch) {
  const int pixels = height * width;
  scratch.assign(static_cast<std::size_t>(pixels), 0.0f);
  std::fill(weight, weight + pixels, 1.0f);
  if (two_level) {  // opening with a 3x3 square: single-pixel ripples of a threshold are no defects
    for (int y = 0; y < height; ++y) {
      for (int x = 0; x < width; ++x) {
        bool all = true;
        for (int v = std::max(0, y - 1); v <= std::min(height - 1, y + 1) && all; ++v) {
          for (int u = std::max(0, x - 1); u <= std::min(width - 1, x + 1) && all; ++u) {
            all = change[v * width + u] > 0.5f;
          }
        }
        scratch[static_cast<std::size_t>(y * width + x)] = all ? 1.0f : 0.0f;
      }
    }
    for (int y = 0; y < height; ++y) {
      for (int x = 0; x < width; ++x) {
        bool any = false;
        for (int v = std::max(0, y - 1); v <= std::min(height - 1, y + 1) && !any; ++v) {
          for (int u = std::max(0, x - 1); u <= std::min(width - 1, x + 1) && !any; ++u) {
            any = scratch[static_cast<std::size_t>(v * width + u)] > 0.5f;
          }
        }
        mask[y * width + x] = any ? 1.0f : 0.0f;
        weight[y * width + x] = !any && change[y * width + x] > 0.5f ? 0.0f : 1.0f;
      }
    }
    return;
  }
  for (int y = 0; y < height; ++y) {  // 3-tap sums of rows, then of columns; the border repeats
    const float* row = change + y * width;
    for (int x = 0; x < width; ++x) {
      scratch[static_cast<std::size_t>(y * width + x)] =
          row[std::max(0, x - 1)] + row[x] + row[std::min(width - 1, x + 1)];
    }
  }
  for (int y = 0; y < height; ++y) {
    const float* above = scratch.data() + std::max(0, y - 1) * width;
    const float* here = scratch.data() + y * width;
    const float* below = scratch.data() + std::min(height - 1, y + 1) * width;
    for (int x = 0; x < width; ++x) {
      const float mean = (above[x] + here[x] + below[x]) * (1.0f / 9.0f);
      const int i = y * width + x;
      const bool inside = cover[i] > least_alpha;
      mask[i] = mean > visible && inside ? 1.0f : 0.0f;
      weight[i] = mask[i] == 0.0f && mean > invisible ? 0.0f : 1.0f;
    }
  }
}

}  // namespace

std::span<const DefectFamily> defect_families() { return families; }

void describe(OptionsVisitor& visitor, SyntheticDefectOptions& options) {
  visitor.field(options.families, {.name = "families",
                                   .help = "Families drawn from with equal chance.",
                                   .choices = {"patch", "texture", "stroke", "blob", "warp", "degrade", "edge"}});
  visitor.field(options.max_per_image, {.name = "max_per_image",
                                        .help = "Largest number of synthetic defects in an image.",
                                        .minimum = 1,
                                        .maximum = 64});
  visitor.field(options.clean_fraction, {.name = "clean_fraction",
                                         .help = "Share of training images left without a defect.",
                                         .minimum = 0,
                                         .maximum = 0.95});
  visitor.field(options.max_area, {.name = "max_area",
                                   .help = "No further defect is drawn once this share of the image is covered.",
                                   .minimum = 0.01,
                                   .maximum = 1});
}

Corruption corrupt(const at::Tensor& clean, const at::Tensor& donors, const SyntheticDefectOptions& options,
                   const DefectSetting& setting, std::uint64_t seed, std::uint64_t first_index) {
  if (clean.dim() != 4 || clean.sizes() != donors.sizes() || clean.scalar_type() != at::kFloat ||
      donors.scalar_type() != at::kFloat || clean.size(0) < 1 || clean.size(2) < 16 || clean.size(3) < 16 ||
      clean.size(1) > 64) {
    fail<InvalidArgument>(
        "[augment.corrupt] clean and donors must both be [N, C, H, W] float32 with N >= 1, C <= 64, H and W >= 16; got "
        "{} and {} dimensions, N = {}",
        clean.dim(), donors.dim(), clean.dim() > 0 ? clean.size(0) : 0);
  }
  const std::vector<DrawDefect> functions = chosen(options.families);
  const at::Tensor before = clean.to(at::kCPU).contiguous(), donor = donors.to(at::kCPU).contiguous();
  const std::int64_t count = before.size(0);
  const int channels = static_cast<int>(before.size(1)), height = static_cast<int>(before.size(2)),
            width = static_cast<int>(before.size(3));
  const std::ptrdiff_t plane = static_cast<std::ptrdiff_t>(height) * width;
  at::Tensor after = before.clone();
  const at::Tensor mask = at::empty({count, 1, height, width}, before.options()), weight = at::empty_like(mask),
                   cover = at::zeros_like(mask);

  const auto each_image = [&](auto body) {
    at::parallel_for(0, count, 1, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t i = begin; i < end; ++i) {
        body(i);
      }
    });
  };
  each_image([&](std::int64_t i) {
    DefectScene scene;
    scene.canvas = {channels, height, width, after.data_ptr<float>() + i * channels * plane,
                    cover.data_ptr<float>() + i * plane};
    scene.donor = donor.data_ptr<float>() + i * channels * plane;
    RandomStream random(seed, "defects", first_index + static_cast<std::uint64_t>(i));
    draw_defects(scene, functions, options, random);
  });
  if (setting.enlargement > 1.3) {
    const auto small = [&](std::int64_t size) {
      return std::max<std::int64_t>(1, std::llround(static_cast<double>(size) / setting.enlargement));
    };
    const at::Tensor change = at::adaptive_avg_pool2d(after - before, {small(height), small(width)});
    after = (before + at::upsample_bilinear2d(change, {height, width}, false)).clamp_(0, 1).contiguous();
  }
  if (setting.two_level) {
    after = after.gt(0.5).to(at::kFloat);
  }
  each_image([&](std::int64_t i) {
    std::vector<float> change(static_cast<std::size_t>(plane)), scratch;
    largest_change(before.data_ptr<float>() + i * channels * plane, after.data_ptr<float>() + i * channels * plane,
                   channels, height * width, change.data());
    write_mask(change.data(), cover.data_ptr<float>() + i * plane, height, width, setting.two_level,
               mask.data_ptr<float>() + i * plane, weight.data_ptr<float>() + i * plane, scratch);
  });
  return {after.to(clean.device()), mask.to(clean.device()), weight.to(clean.device())};
}

}  // namespace oddity
