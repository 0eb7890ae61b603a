#include <algorithm>
#include <array>
#include <cstring>
#include <limits>

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <fmt/core.h>

#include "backends/torch/kernels.h"

/// Operators that move values without computing on them.
namespace oddity::torch_backend {

namespace {

std::int64_t wrapped(std::int64_t axis, std::int64_t rank) {
  TORCH_CHECK(axis >= -rank && axis < std::max<std::int64_t>(rank, 1), "axis ", axis, " is out of range for rank ",
              rank);
  return axis < 0 ? axis + rank : axis;
}

bool is_dense_channels_last(const at::Tensor& x) {
  return x.dim() == 4 && x.stride(1) == 1 && x.is_contiguous(at::MemoryFormat::ChannelsLast);
}

/// Concatenates channels of channels-last tensors: one copy per pixel and input, where at::cat on two threads copies
/// element-wise views (measured 0.10 ms against 0.045 ms on one thread for 2 x 24 x 64 x 64).
at::Tensor concat_channels_last(const std::vector<at::Tensor>& parts) {
  std::int64_t channels = 0;
  for (const at::Tensor& part : parts) {
    channels += part.size(1);
  }
  const at::Tensor& first = parts.front();
  at::Tensor result = at::empty({first.size(0), channels, first.size(2), first.size(3)},
                                first.options().memory_format(at::MemoryFormat::ChannelsLast));
  const std::size_t item = first.element_size();
  const std::size_t row = static_cast<std::size_t>(channels) * item;
  auto* target = static_cast<std::byte*>(result.mutable_data_ptr());
  const std::int64_t pixels = first.size(0) * first.size(2) * first.size(3);
  at::parallel_for(0, pixels, 1024, [&](std::int64_t begin, std::int64_t end) {
    std::size_t offset = 0;
    for (const at::Tensor& part : parts) {
      const std::size_t width = static_cast<std::size_t>(part.size(1)) * item;
      const auto* source = static_cast<const std::byte*>(part.const_data_ptr());
      for (std::int64_t i = begin; i < end; ++i) {
        std::memcpy(target + static_cast<std::size_t>(i) * row + offset, source + static_cast<std::size_t>(i) * width,
                    width);
      }
      offset += width;
    }
  });
  return result;
}

}  // namespace

std::unique_ptr<Kernel> make_concat(const KernelRequest& request) {
  if (!request.node->attributes.contains("axis")) {
    request.reject("attribute 'axis' is missing");
  }
  return make_simple(
      [axis = request.integer("axis", 0), count = request.node->inputs.size()](const at::Tensor* const* in) {
        std::vector<at::Tensor> parts;
        parts.reserve(count);
        bool fast = axis == 1 && in[0]->is_cpu();
        for (std::size_t i = 0; i < count; ++i) {
          parts.push_back(*in[i]);
          const at::Tensor& part = parts.back();
          fast = fast && is_dense_channels_last(part) && part.scalar_type() == in[0]->scalar_type() &&
                 part.size(0) == in[0]->size(0) && part.size(2) == in[0]->size(2) && part.size(3) == in[0]->size(3);
        }
        return fast ? concat_channels_last(parts) : at::cat(parts, axis);
      });
}

/// [N, C, H, W] -> [N, b*b*C, H/b, W/b], output channel (row, column, c). In channels-last order this is one permuted
/// copy.
std::unique_ptr<Kernel> make_space_to_depth(const KernelRequest& request) {
  return make_simple([b = request.integer("blocksize", 0)](const at::Tensor* const* in) {
    const at::Tensor& x = *in[0];
    TORCH_CHECK(x.dim() == 4 && b > 0 && x.size(2) % b == 0 && x.size(3) % b == 0, "height and width of ", x.sizes(),
                " must be multiples of the block size ", b);
    const std::int64_t n = x.size(0), c = x.size(1), h = x.size(2) / b, w = x.size(3) / b;
    return x.view({n, c, h, b, w, b}).permute({0, 2, 4, 3, 5, 1}).reshape({n, h, w, b * b * c}).permute({0, 3, 1, 2});
  });
}

std::unique_ptr<Kernel> make_depth_to_space(const KernelRequest& request) {
  const std::string mode = request.text("mode", "DCR");
  if (mode != "DCR" && mode != "CRD") {
    request.reject(fmt::format("mode '{}' is unknown; expected DCR or CRD", mode));
  }
  return make_simple([b = request.integer("blocksize", 0), dcr = mode == "DCR"](const at::Tensor* const* in) {
    const at::Tensor& x = *in[0];
    TORCH_CHECK(x.dim() == 4 && b > 0 && x.size(1) % (b * b) == 0, "channels of ", x.sizes(),
                " must be a multiple of the squared block size ", b);
    const std::int64_t n = x.size(0), c = x.size(1) / (b * b), h = x.size(2), w = x.size(3);
    const at::Tensor rows = x.permute({0, 2, 3, 1});  // a view without a copy when x is channels-last
    const at::Tensor blocks = dcr ? rows.reshape({n, h, w, b, b, c}).permute({0, 1, 3, 2, 4, 5})
                                  : rows.reshape({n, h, w, c, b, b}).permute({0, 1, 4, 2, 5, 3});
    return blocks.reshape({n, h * b, w * b, c}).permute({0, 3, 1, 2});
  });
}

std::unique_ptr<Kernel> make_expand(const KernelRequest&) {
  return make_simple([](const at::Tensor* const* in) {
    const std::vector<std::int64_t> wanted = integers_of(*in[1]);
    // ONNX lets either side be 1: the result has the broadcast shape of both.
    const auto rank = std::max<std::size_t>(wanted.size(), static_cast<std::size_t>(in[0]->dim()));
    std::vector<std::int64_t> shape(rank, 1);
    std::copy(wanted.begin(), wanted.end(), shape.end() - static_cast<std::ptrdiff_t>(wanted.size()));
    const at::IntArrayRef own = in[0]->sizes();
    for (std::size_t i = 0; i < own.size(); ++i) {
      std::int64_t& extent = shape[rank - own.size() + i];
      extent = extent == 1 ? own[i] : extent;
    }
    return in[0]->expand(shape);
  });
}

std::unique_ptr<Kernel> make_flatten(const KernelRequest& request) {
  return make_simple([axis = request.integer("axis", 1)](const at::Tensor* const* in) {
    const at::IntArrayRef shape = in[0]->sizes();
    const auto rank = static_cast<std::int64_t>(shape.size());
    TORCH_CHECK(axis >= -rank && axis <= rank, "axis ", axis, " is out of range for rank ", rank);
    std::int64_t left = 1;
    for (std::int64_t i = 0; i < (axis < 0 ? axis + rank : axis); ++i) {
      left *= shape[static_cast<std::size_t>(i)];
    }
    return in[0]->reshape({left, left == 0 ? 0 : in[0]->numel() / left});
  });
}

std::unique_ptr<Kernel> make_reshape(const KernelRequest& request) {
  return make_simple([allow_zero = request.integer("allowzero", 0) != 0](const at::Tensor* const* in) {
    std::vector<std::int64_t> shape = integers_of(*in[1]);
    for (std::size_t i = 0; i < shape.size() && !allow_zero; ++i) {
      if (shape[i] == 0) {
        shape[i] = in[0]->size(static_cast<std::int64_t>(i));
      }
    }
    return in[0]->reshape(shape);
  });
}

std::unique_ptr<Kernel> make_squeeze(const KernelRequest& request) {
  return make_simple([has_axes = request.has_input(1)](const at::Tensor* const* in) {
    return has_axes ? in[0]->squeeze(at::IntArrayRef(integers_of(*in[1]))) : in[0]->squeeze();
  });
}

std::unique_ptr<Kernel> make_unsqueeze(const KernelRequest&) {
  return make_simple([](const at::Tensor* const* in) {
    std::vector<std::int64_t> axes = integers_of(*in[1]);
    const std::int64_t rank = in[0]->dim() + static_cast<std::int64_t>(axes.size());
    for (std::int64_t& axis : axes) {
      axis = wrapped(axis, rank);
    }
    std::sort(axes.begin(), axes.end());
    at::Tensor result = *in[0];
    for (const std::int64_t axis : axes) {
      result = result.unsqueeze(axis);
    }
    return result;
  });
}

std::unique_ptr<Kernel> make_transpose(const KernelRequest& request) {
  return make_simple([order = request.integers("perm", {})](const at::Tensor* const* in) {
    if (!order.empty()) {
      return in[0]->permute(order);
    }
    std::vector<std::int64_t> reversed(static_cast<std::size_t>(in[0]->dim()));
    for (std::size_t i = 0; i < reversed.size(); ++i) {
      reversed[i] = static_cast<std::int64_t>(reversed.size() - 1 - i);
    }
    return in[0]->permute(reversed);
  });
}

std::unique_ptr<Kernel> make_gather(const KernelRequest& request) {
  return make_simple([given = request.integer("axis", 0)](const at::Tensor* const* in) {
    const std::int64_t axis = wrapped(given, in[0]->dim());
    const std::int64_t extent = in[0]->size(axis);
    at::Tensor index = in[1]->to(at::kLong).reshape({-1});
    index = at::where(index.lt(0), index.add(extent), index);
    const at::Tensor picked = at::index_select(*in[0], axis, index);
    if (in[1]->dim() == 1) {
      return picked;
    }
    std::vector<std::int64_t> shape = in[0]->sizes().vec();
    shape.erase(shape.begin() + axis);
    shape.insert(shape.begin() + axis, in[1]->sizes().begin(), in[1]->sizes().end());
    return picked.reshape(shape);
  });
}

std::unique_ptr<Kernel> make_slice(const KernelRequest& request) {
  return make_simple([has_axes = request.has_input(3), has_steps = request.has_input(4)](const at::Tensor* const* in) {
    const std::vector<std::int64_t> starts = integers_of(*in[1]);
    const std::vector<std::int64_t> ends = integers_of(*in[2]);
    const std::vector<std::int64_t> axes = has_axes ? integers_of(*in[3]) : std::vector<std::int64_t>();
    const std::vector<std::int64_t> steps = has_steps ? integers_of(*in[4]) : std::vector<std::int64_t>();
    TORCH_CHECK(starts.size() == ends.size() && (!has_axes || axes.size() == starts.size()) &&
                    (!has_steps || steps.size() == starts.size()),
                "starts, ends, axes and steps must have one length");
    at::Tensor result = *in[0];
    for (std::size_t i = 0; i < starts.size(); ++i) {
      const std::int64_t axis = wrapped(has_axes ? axes[i] : static_cast<std::int64_t>(i), result.dim());
      const std::int64_t step = has_steps ? steps[i] : 1;
      const std::int64_t extent = result.size(axis);
      TORCH_CHECK(step != 0, "a step must not be 0");
      if (step > 0) {
        result = at::slice(result, axis, starts[i], ends[i], step);
        continue;
      }
      // Backwards: ONNX clamps the start to [0, extent - 1] and the end to [-1, extent - 1].
      const auto from_end = [extent](std::int64_t at) { return at < 0 ? at + extent : at; };
      const std::int64_t start =
          std::clamp<std::int64_t>(from_end(starts[i]), 0, std::max<std::int64_t>(extent - 1, 0));
      const std::int64_t end = ends[i] < -extent ? -1 : std::clamp<std::int64_t>(from_end(ends[i]), -1, extent - 1);
      const at::Tensor index = start > end && extent > 0 ? at::arange(start, end, std::max(step, -extent), at::kLong)
                                                         : at::empty({0}, at::kLong);
      result = at::index_select(result, axis, index.to(result.device()));
    }
    return result;
  });
}

std::unique_ptr<Kernel> make_shape(const KernelRequest& request) {
  const std::int64_t start = request.integer("start", 0);
  const std::int64_t end = request.integer("end", std::numeric_limits<std::int64_t>::max());
  return make_simple([start, end](const at::Tensor* const* in) {
    const std::vector<std::int64_t> shape = in[0]->sizes().vec();
    return at::slice(at::tensor(shape, at::kLong), 0, start, end, 1);
  });
}

std::unique_ptr<Kernel> make_pad(const KernelRequest& request) {
  const std::string mode = request.text("mode", "constant");
  if (mode != "constant" && mode != "reflect" && mode != "edge") {
    request.reject(fmt::format("mode '{}' is unknown; expected constant, reflect or edge", mode));
  }
  return make_simple([mode, has_value = request.has_input(2)](const at::Tensor* const* in) {
    const at::Tensor& x = *in[0];
    const std::vector<std::int64_t> pads = integers_of(*in[1]);
    const std::int64_t rank = x.dim();
    TORCH_CHECK(static_cast<std::int64_t>(pads.size()) == 2 * rank, "pads must hold two numbers per dimension of ",
                x.sizes());
    if (mode == "constant") {
      std::vector<std::int64_t> reversed;  // ATen counts from the last dimension
      for (std::int64_t i = rank - 1; i >= 0; --i) {
        reversed.push_back(pads[static_cast<std::size_t>(i)]);
        reversed.push_back(pads[static_cast<std::size_t>(i + rank)]);
      }
      return at::constant_pad_nd(x, reversed, has_value ? in[2]->item() : at::Scalar(0));
    }
    at::Tensor result = x;
    for (std::int64_t axis = 0; axis < rank; ++axis) {
      const std::int64_t before = pads[static_cast<std::size_t>(axis)];
      const std::int64_t after = pads[static_cast<std::size_t>(axis + rank)];
      if (before == 0 && after == 0) {
        continue;
      }
      const std::int64_t last = result.size(axis) - 1;
      const bool reflect = mode == "reflect";
      TORCH_CHECK(before >= 0 && after >= 0 && last >= 0 && (!reflect || std::max(before, after) <= last), "padding ",
                  before, " and ", after, " does not fit dimension ", axis, " of ", x.sizes());
      at::Tensor index = at::arange(-before, last + 1 + after, x.options().dtype(at::kLong));
      index = reflect ? (index.abs() - last).abs().neg().add(last) : index.clamp(0, last);
      result = at::index_select(result, axis, index);
    }
    return result;
  });
}

}  // namespace oddity::torch_backend
