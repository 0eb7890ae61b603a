#include "augment/perturbations.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <numbers>

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/clamp.h>
#include <ATen/ops/conv2d.h>
#include <ATen/ops/cos.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/erf.h>
#include <ATen/ops/exp.h>
#include <ATen/ops/from_blob.h>
#include <ATen/ops/grid_sampler.h>
#include <ATen/ops/log.h>
#include <ATen/ops/pow.h>
#include <ATen/ops/replication_pad2d.h>
#include <ATen/ops/round.h>
#include <ATen/ops/sin.h>
#include <ATen/ops/sqrt.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/where.h>
#include <ATen/ops/zeros_like.h>

#include <fmt/ranges.h>

#include "core/error.h"
#include "core/nearest.h"
#include "core/random.h"

namespace oddity {
namespace {

using at::Tensor;

/// A batch under perturbation: images, intensities as [N, 1, 1, 1], and one random stream per image.
class Batch {
public:
  Batch(const Tensor& images, const Tensor& intensity, std::string_view family, std::uint64_t seed, std::uint64_t first)
      : x(images),
        s(intensity.view({-1, 1, 1, 1})),
        n(images.size(0)),
        c(images.size(1)),
        h(images.size(2)),
        w(images.size(3)) {
    streams_.reserve(static_cast<std::size_t>(n));
    for (std::int64_t i = 0; i < n; ++i) {
      streams_.emplace_back(seed, family, first + static_cast<std::uint64_t>(i));
    }
  }

  const Tensor x, s;
  const std::int64_t n, c, h, w;

  /// One number per image, [N, 1, 1, 1].
  Tensor draw(const std::function<double(RandomStream&)>& one) {
    Tensor values = at::empty({n, 1, 1, 1}, at::kFloat);
    float* out = values.data_ptr<float>();
    for (RandomStream& stream : streams_) {
      *out++ = static_cast<float>(one(stream));
    }
    return values.to(x.device());
  }
  Tensor sign() {
    return draw([](RandomStream& r) { return r.chance(0.5) ? 1.0 : -1.0; });
  }
  Tensor angle() {
    return draw([](RandomStream& r) { return r.uniform(-std::numbers::pi, std::numbers::pi); });
  }

  /// Uniform numbers in (0, 1], [N, channels, height, width]: a hash of the pixel under a key of the image, so that
  /// they are made on the device and do not depend on the neighbours in the batch.
  Tensor uniform_field(std::int64_t channels, std::int64_t height, std::int64_t width) {
    Tensor keys = at::empty({n, 1, 1, 1}, at::kLong);
    std::int64_t* key = keys.data_ptr<std::int64_t>();
    for (RandomStream& stream : streams_) {
      *key++ = stream.bits();
    }
    const Tensor count = at::arange(channels * height * width, x.options().dtype(at::kLong));
    const Tensor mixed = hash(hash(count.view({1, channels, height, width})).bitwise_xor(keys.to(x.device())));
    return mixed.bitwise_right_shift(8).to(at::kFloat).add(0.5).mul(1.0 / 16777216.0);
  }
  Tensor normal_field(std::int64_t channels, std::int64_t height, std::int64_t width) {
    const Tensor radius = at::sqrt(at::log(uniform_field(channels, height, width)).mul(-2));
    return radius.mul(at::cos(uniform_field(channels, height, width).mul(2 * std::numbers::pi)));
  }

  /// Pixel centres from -1 to 1 over each side, [1, 1, 1, W] and [1, 1, H, 1].
  Tensor u() const { return centres(w).view({1, 1, 1, w}); }
  Tensor v() const { return centres(h).view({1, 1, h, 1}); }
  /// Pixel indices.
  Tensor column() const { return at::arange(w, x.options()).view({1, 1, 1, w}); }
  Tensor row() const { return at::arange(h, x.options()).view({1, 1, h, 1}); }
  double side() const { return static_cast<double>(std::min(h, w)); }

private:
  Tensor centres(std::int64_t length) const {
    return at::arange(length, x.options()).add(0.5).mul(2.0 / static_cast<double>(length)).sub(1);
  }
  /// Finaliser on 32 bits held in int64; multipliers below 2^31 so that products do not overflow.
  static Tensor hash(Tensor value) {
    constexpr std::int64_t mask = 0xFFFFFFFF;
    value = value.bitwise_xor(value.bitwise_right_shift(16)).mul(0x21F0AAAD).bitwise_and(mask);
    value = value.bitwise_xor(value.bitwise_right_shift(15)).mul(0x735A2D97).bitwise_and(mask);
    return value.bitwise_xor(value.bitwise_right_shift(15));
  }

  std::vector<RandomStream> streams_;
};

/// Each image filtered with its own kernel [N, 1, k, k], borders replicated. The kernels sum to 1 after this.
Tensor filter(const Batch& b, const Tensor& kernels) {
  const std::int64_t kh = kernels.size(2), kw = kernels.size(3);
  const Tensor weights = kernels.div(kernels.sum({2, 3}, true)).expand({b.n, b.c, kh, kw});
  const Tensor padded = at::replication_pad2d(b.x, {kw / 2, kw / 2, kh / 2, kh / 2});
  return at::conv2d(padded.reshape({1, b.n * b.c, b.h + kh - 1, b.w + kw - 1}), weights.reshape({b.n * b.c, 1, kh, kw}),
                    {}, 1, at::IntArrayRef{0, 0}, 1, b.n * b.c)
      .view({b.n, b.c, b.h, b.w});
}

/// Offsets -radius..radius along one axis of a kernel.
Tensor offsets(const Batch& b, int radius, bool vertical) {
  const Tensor t = at::arange(-radius, radius + 1, b.x.options());
  return vertical ? t.view({1, 1, -1, 1}) : t.view({1, 1, 1, -1});
}

Tensor gaussian_noise(Batch& b) { return b.x + 0.2 * b.s * b.normal_field(b.c, b.h, b.w); }

Tensor shot_noise(Batch& b) { return b.x + 0.25 * b.s * b.x.clamp_min(0).sqrt() * b.normal_field(b.c, b.h, b.w); }

Tensor gaussian_blur(Batch& b) {
  const Tensor sd = (4.0 * b.s).clamp_min(1e-3) * std::numbers::sqrt2;
  const auto weights = [&](bool vertical) {  // the Gaussian integrated over each pixel: small sd fade out smoothly
    const Tensor t = offsets(b, 12, vertical);
    return at::erf((t + 0.5) / sd) - at::erf((t - 0.5) / sd);
  };
  Batch half(filter(b, weights(false)), b.s.view({-1}), "", 0, 0);
  return filter(half, weights(true));
}

Tensor motion_blur(Batch& b) {
  const Tensor angle = b.angle(), length = 20.0 * b.s;
  const Tensor x = offsets(b, 11, false), y = offsets(b, 11, true);
  const Tensor along = x * at::cos(angle) + y * at::sin(angle), across = y * at::cos(angle) - x * at::sin(angle);
  return filter(b, (0.5 * length + 0.5 - along.abs()).clamp(0, 1) * (1 - across.abs()).clamp(0, 1));
}

Tensor defocus(Batch& b) {
  const Tensor distance = at::sqrt(offsets(b, 6, false).square() + offsets(b, 6, true).square());
  // A disc of radius 0.5 to 5 px with an edge 1 px wide; half a pixel is the pixel itself.
  return filter(b, (4.5 * b.s + 1 - distance).clamp(0, 1));
}

/// Quantisation of 8 x 8 cosine transforms with the luminance table of JPEG (ITU-T T.81, table K.1), which JPEG's
/// quality 50 uses as it is. The sums are written out so that an image rounds the same in every batch.
Tensor block_compression(Batch& b) {
  constexpr std::array<float, 64> table = {16, 11, 10, 16, 24,  40,  51,  61,  12, 12, 14, 19, 26,  58,  60,  55,
                                           14, 13, 16, 24, 40,  57,  69,  56,  14, 17, 22, 29, 51,  87,  80,  62,
                                           18, 22, 37, 56, 68,  109, 103, 77,  24, 35, 55, 64, 81,  104, 113, 92,
                                           49, 64, 78, 87, 103, 121, 120, 101, 72, 92, 95, 98, 112, 100, 103, 99};
  std::array<float, 64> basis{};
  for (std::size_t frequency = 0; frequency < 8; ++frequency) {
    for (std::size_t at = 0; at < 8; ++at) {
      basis[frequency * 8 + at] = static_cast<float>(
          (frequency == 0 ? std::sqrt(0.125) : 0.5) *
          std::cos(std::numbers::pi * static_cast<double>(frequency) * (2.0 * static_cast<double>(at) + 1) / 16));
    }
  }
  const auto constant = [&](const std::array<float, 64>& values) {
    return at::tensor(at::ArrayRef<float>(values), at::kFloat).to(b.x.device()).view({8, 8});
  };
  const Tensor d = constant(basis),
               step = constant(table) * (b.s.view({-1, 1, 1, 1, 1, 1}) * (4.0 / 255)).clamp_min(1e-7);
  // out[..., k at dim] = sum over t of matrix[k, t] * in[..., t at dim]
  const auto transform = [](const Tensor& in, const Tensor& matrix, std::int64_t dim) {
    Tensor sum;
    for (std::int64_t t = 0; t < 8; ++t) {
      const Tensor column = dim == 5 ? matrix.select(1, t) : matrix.select(1, t).view({8, 1});
      const Tensor term = in.narrow(dim, t, 1) * column;
      sum = t == 0 ? term : sum + term;
    }
    return sum;
  };
  const std::int64_t bottom = (8 - b.h % 8) % 8, right = (8 - b.w % 8) % 8;
  const Tensor padded = at::replication_pad2d(b.x, {0, right, 0, bottom});
  const std::int64_t rows = padded.size(2) / 8, columns = padded.size(3) / 8;
  const Tensor blocks = padded.view({b.n, b.c, rows, 8, columns, 8}).permute({0, 1, 2, 4, 3, 5}) - 0.5;
  const Tensor coefficients = transform(transform(blocks, d, 5), d, 4);
  const Tensor quantised = at::round(coefficients / step) * step;
  const Tensor inverse = d.transpose(0, 1);
  const Tensor out = transform(transform(quantised, inverse, 4), inverse, 5) + 0.5;
  return out.permute({0, 1, 2, 4, 3, 5}).reshape(padded.sizes()).narrow(2, 0, b.h).narrow(3, 0, b.w);
}

Tensor brightness(Batch& b) { return b.x + 0.4 * b.s * b.sign(); }

Tensor contrast(Batch& b) {
  const Tensor mean = b.x.mean({1, 2, 3}, true);
  return mean + (b.x - mean) * (1 - 0.8 * b.s);
}

Tensor gamma(Batch& b) { return at::pow(b.x.clamp(0, 1), at::exp(std::log(2.5) * b.s * b.sign())); }

Tensor light_gradient(Batch& b) {
  const Tensor angle = b.angle();
  return b.x * (1 + 0.6 * b.s * (b.u() * at::cos(angle) + b.v() * at::sin(angle)) / std::numbers::sqrt2);
}

Tensor vignette(Batch& b) { return b.x * (1 - 0.8 * b.s * (b.u().square() + b.v().square()) / 2); }

/// Bilinear sampling at an affine image of the pixel centres about the image centre: scale, rotate, shift (px).
Tensor resample(const Batch& b, const Tensor& angle, const Tensor& scale, const Tensor& dx, const Tensor& dy) {
  const double half_w = 0.5 * static_cast<double>(b.w), half_h = 0.5 * static_cast<double>(b.h);
  const Tensor x = b.u() * half_w - dx, y = b.v() * half_h - dy;
  const Tensor from_x = (x * at::cos(angle) + y * at::sin(angle)) / scale;
  const Tensor from_y = (y * at::cos(angle) - x * at::sin(angle)) / scale;
  const Tensor grid = at::stack({(from_x / half_w).view({b.n, b.h, b.w}), (from_y / half_h).view({b.n, b.h, b.w})}, 3);
  return at::grid_sampler(b.x, grid, /*bilinear*/ 0, /*border*/ 1, /*align_corners*/ false);
}

Tensor rotation(Batch& b) {
  const Tensor zero = at::zeros_like(b.s);
  return resample(b, (20 * std::numbers::pi / 180) * b.s * b.sign(), zero + 1, zero, zero);
}

Tensor shift(Batch& b) {
  const Tensor zero = at::zeros_like(b.s), angle = b.angle(), distance = 0.12 * b.side() * b.s;
  return resample(b, zero, zero + 1, distance * at::cos(angle), distance * at::sin(angle));
}

Tensor scale(Batch& b) {
  const Tensor zero = at::zeros_like(b.s);
  return resample(b, zero, at::exp(std::log(1.3) * b.s * b.sign()), zero, zero);
}

Tensor dust(Batch& b) {
  constexpr int specks = 24;
  Tensor out = b.x;
  for (int i = 0; i < specks; ++i) {
    const Tensor x = b.draw([&](RandomStream& r) { return r.uniform(0, static_cast<double>(b.w)); });
    const Tensor y = b.draw([&](RandomStream& r) { return r.uniform(0, static_cast<double>(b.h)); });
    const Tensor radius = b.s * b.draw([&](RandomStream& r) { return b.side() * r.log_uniform(0.008, 0.04); });
    const Tensor tone =
        b.draw([](RandomStream& r) { return r.chance(0.75) ? r.uniform(0.0, 0.2) : r.uniform(0.8, 1.0); });
    const Tensor distance = at::sqrt((b.column() + 0.5 - x).square() + (b.row() + 0.5 - y).square());
    const Tensor cover = 0.9 * (radius - distance + 0.5).clamp(0, 1) * (2 * radius).clamp(0, 1);
    out = out + (tone - out) * cover;
  }
  return out;
}

Tensor stuck_pixels(Batch& b) {  // all channels of a pixel, black or white
  const Tensor stuck = b.uniform_field(1, b.h, b.w) < 0.03 * b.s;
  return at::where(stuck, (b.uniform_field(1, b.h, b.w) < 0.5).to(at::kFloat), b.x);
}

Tensor banding(Batch& b) {
  const Tensor across = b.draw([](RandomStream& r) { return r.chance(0.5) ? 1.0 : 0.0; });
  const Tensor lines = across * b.normal_field(1, b.h, 1) + (1 - across) * b.normal_field(1, 1, b.w);
  return b.x + 0.15 * b.s * lines;
}

Tensor haze(Batch& b) {
  Tensor cloud = at::zeros_like(b.s);
  for (int i = 0; i < 3; ++i) {
    const Tensor angle = b.angle(), phase = b.angle();
    const Tensor waves = b.draw([](RandomStream& r) { return r.uniform(1.0, 4.0); });
    cloud = cloud + at::sin(waves * (b.u() * at::cos(angle) + b.v() * at::sin(angle)) + phase) / 3;
  }
  const Tensor level = b.draw([](RandomStream& r) { return r.uniform(0.6, 0.95); });
  const Tensor veil = b.s * (0.5 + 0.2 * cloud);
  return b.x * (1 - veil) + level * veil;
}

Tensor color_cast(Batch& b) {
  if (b.c == 1) {
    return b.x;
  }
  const Tensor angle = b.angle();  // channel gains on a circle: their logarithms sum to about 0
  const Tensor channel =
      at::arange(b.c, b.x.options()).view({1, b.c, 1, 1}) * (2 * std::numbers::pi / static_cast<double>(b.c));
  return b.x * at::exp(std::log(1.6) * b.s * at::cos(channel + angle));
}

struct Entry {
  PerturbationFamily family;
  Tensor (*apply)(Batch&);
};

constexpr std::array entries = {
    Entry{{"gaussian_noise", "White noise of the electronics.", "sd, fraction of full scale", 0, 0.2}, gaussian_noise},
    Entry{{"shot_noise", "Noise that grows with the root of the light, as photons give.", "sd at full scale, fraction",
           0, 0.25},
          shot_noise},
    Entry{{"gaussian_blur", "Blur by a soft optic.", "sd, px", 0, 4}, gaussian_blur},
    Entry{{"motion_blur", "Blur along a random direction while the shutter is open.", "length, px", 0, 20},
          motion_blur},
    Entry{{"defocus", "Blur by a disc, a lens out of focus; half a pixel is no blur.", "radius, px", 0.5, 5}, defocus},
    Entry{{"block_compression", "Quantised 8 x 8 cosine blocks, as JPEG leaves them.",
           "quantisation steps, multiples of JPEG's quality 50", 0, 4},
          block_compression},
    Entry{{"brightness", "Everything brighter or darker by the same value.", "offset, fraction of full scale", 0, 0.4},
          brightness},
    Entry{{"contrast", "Values drawn towards the mean of the image.", "factor of contrast", 1, 0.2}, contrast},
    Entry{{"gamma", "Another response curve, brighter or darker; geometric in intensity.", "exponent or its inverse", 1,
           2.5},
          gamma},
    Entry{{"light_gradient", "Light from one side.", "change of light from centre to corner, fraction", 0, 0.6},
          light_gradient},
    Entry{{"vignette", "Light falls off towards the corners.", "loss in the corners, fraction", 0, 0.8}, vignette},
    Entry{{"rotation", "Part turned about the image centre, either way.", "degrees", 0, 20}, rotation},
    Entry{{"shift", "Part moved in a random direction.", "fraction of the shorter side", 0, 0.12}, shift},
    Entry{{"scale", "Part nearer or farther; geometric in intensity.", "factor or its inverse", 1, 1.3}, scale},
    Entry{{"dust", "24 specks on the window of the camera, growing.",
           "radius of the largest, fraction of the shorter side", 0, 0.04},
          dust},
    Entry{{"stuck_pixels", "Pixels that are always black or white.", "fraction of pixels", 0, 0.03}, stuck_pixels},
    Entry{{"banding", "Rows or columns with an offset of their own.", "sd of the offsets, fraction of full scale", 0,
           0.15},
          banding},
    Entry{{"haze", "A bright veil of oil mist, uneven.", "mean share of veil", 0, 0.5}, haze},
    Entry{
        {"color_cast", "Gains of the colour channels drift apart; one channel stays as it is; geometric in intensity.",
         "largest gain of a channel", 1, 1.6},
        color_cast},
};

constexpr auto families = [] {
  std::array<PerturbationFamily, entries.size()> list{};
  for (std::size_t i = 0; i < entries.size(); ++i) {
    list[i] = entries[i].family;
  }
  return list;
}();

const Entry& find(std::string_view name) {
  const auto found =
      std::find_if(entries.begin(), entries.end(), [&](const Entry& e) { return e.family.name == name; });
  if (found == entries.end()) {
    std::vector<std::string> names;
    for (const Entry& entry : entries) {
      names.emplace_back(entry.family.name);
    }
    const std::string near = nearest_word(name, names);
    fail<InvalidArgument>("[augment.perturb] unknown family; got '{}'; expected {}", name,
                          near.empty() ? fmt::format("one of {}", fmt::join(names, ", ")) : "'" + near + "' perhaps");
  }
  return *found;
}

}  // namespace

std::span<const PerturbationFamily> perturbation_families() { return families; }

Tensor perturb(const Tensor& images, std::string_view family, const Tensor& intensity, std::uint64_t seed,
               std::uint64_t first_index) {
  const Entry& entry = find(family);
  if (images.dim() != 4 || images.scalar_type() != at::kFloat || images.size(1) < 1 || images.size(2) < 1 ||
      images.size(3) < 1) {
    fail<InvalidArgument>("[augment.perturb] images are wrong; got {} dimensions of {}; expected [N, C, H, W] float32",
                          images.dim(), c10::toString(images.scalar_type()));
  }
  if (intensity.dim() != 1 || intensity.size(0) != images.size(0) || intensity.scalar_type() != at::kFloat ||
      intensity.device() != images.device()) {
    fail<InvalidArgument>(
        "[augment.perturb] intensity is wrong; got {} values of {} on {}; expected [{}] float32 on the device of the "
        "images",
        intensity.numel(), c10::toString(intensity.scalar_type()), intensity.device().str(), images.size(0));
  }
  const at::NoGradGuard no_grad;
  if (images.size(0) == 0) {
    return images.clone();
  }
  const Tensor x = images.contiguous();
  Batch batch(x, intensity.contiguous().clamp(0, 1), family, seed, first_index);
  return at::where(batch.s > 0, entry.apply(batch).clamp(0, 1), x);
}

}  // namespace oddity
