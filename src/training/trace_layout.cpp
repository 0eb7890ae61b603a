#include <algorithm>
#include <array>

#include "training/trace_call.h"

/// Operators that move values: reshaping, slicing, joining, padding, and those that change nothing.
namespace oddity {

namespace {

/// What changes no value: layout, autograd, and dropout in eval mode. A change of type becomes a Cast.
void identity(Call& call) {
  if (call.takes("train") && call.flag("train")) {
    call.reject("the model is in training mode");
  }
  call.give(call.operand(call.takes("self") ? "self" : "input", call.output_type()));
}

/// reshape, view, flatten, squeeze, unsqueeze: the traced sizes say it all.
void reshape(Call& call) { call.give(call.reshape(call.tensor("self"), call.shape("self"), call.output_shape())); }

void permute(Call& call) {
  const std::int64_t rank = call.rank("self");
  Integers order(static_cast<std::size_t>(rank));
  for (std::size_t i = 0; i < order.size(); ++i) {
    order[i] = static_cast<std::int64_t>(i);
  }
  if (call.takes("dims")) {
    order = call.integers("dims");
    for (std::int64_t& axis : order) {
      axis = axis < 0 ? axis + rank : axis;
    }
  } else if (call.takes("dim0")) {
    std::swap(order[static_cast<std::size_t>(call.axis("dim0", rank))],
              order[static_cast<std::size_t>(call.axis("dim1", rank))]);
  } else {  // aten::t
    std::reverse(order.begin(), order.end());
  }
  call.give(call.graph().emit("Transpose", {call.tensor("self")}, {{"perm", order}}));
}

void expand(Call& call) {
  call.give(
      call.shape("self") == call.output_shape()
          ? call.tensor("self")
          : call.graph().emit("Expand", {call.tensor("self"), call.graph().extents(call.output_shape(), call.what())}));
}

/// A tensor of one number: the number itself where every reader broadcasts it.
void fill(Call& call) {
  double number = call.what() == "aten::ones_like" ? 1 : 0;
  number = call.takes("fill_value") ? call.number("fill_value") : number;
  const std::string scalar = call.scalar(number, call.output_type());
  call.give(call.is_only_broadcast()
                ? scalar
                : call.graph().emit("Expand", {scalar, call.graph().extents(call.output_shape(), call.what())}));
}

/// Memory whose only readers fill it, and the unpacking of lists whose parts are named already.
void nothing(Call&) {}

void concatenate(Call& call) {
  std::vector<std::string> parts;
  const auto rank = static_cast<std::int64_t>(call.output_shape().size());
  const std::int64_t axis = call.axis("dim", rank);
  for (const TracedValues& element : call.list("tensors")) {
    parts.push_back(call.name(element));
    if (call.what() == "aten::stack") {
      parts.back() = call.graph().emit("Unsqueeze", {parts.back(), call.graph().integers({axis})});
    }
  }
  call.give(call.graph().emit("Concat", parts, {{"axis", axis}}));
}

void slice(Call& call) {
  const std::vector<Extent> shape = call.shape("self");
  const std::int64_t axis = call.axis("dim", static_cast<std::int64_t>(shape.size()));
  const Extent whole = shape[static_cast<std::size_t>(axis)];
  const auto bound = [&](const std::string& name, Extent fallback) {
    return call.is_none(name) ? fallback : call.sizes(name).at(0);
  };
  const Extent start = bound("start", Extent(0));
  Extent end = call.takes("length") ? call.sizes("length").at(0) : bound("end", Extent(to_the_end));
  bool reaches_end = true;
  for (std::size_t trace = 0; trace < 3; ++trace) {
    if (call.takes("length")) {  // narrow
      end.seen[trace] += start.seen[trace] + (start.seen[trace] < 0 ? whole.seen[trace] : 0);
    }
    reaches_end = reaches_end && end.seen[trace] >= whole.seen[trace];
  }
  end = reaches_end ? Extent(to_the_end) : end;
  const std::int64_t step = call.takes("step") ? call.integer("step") : 1;
  const std::string x = call.tensor("self");
  call.give(start == Extent(0) && reaches_end && step == 1 ? x : call.slice(x, axis, start, end, step));
}

/// x[..., index, ...]
void select(Call& call) {
  const std::int64_t axis = call.axis("dim", call.rank("self"));
  const std::string part =
      call.graph().emit("Gather", {call.tensor("self"), call.graph().extents({call.sizes("index").at(0)}, call.what())},
                        {{"axis", axis}});
  call.give(call.graph().emit("Squeeze", {part, call.graph().integers({axis})}));
}

void index_select(Call& call) {
  call.give(call.graph().emit("Gather", {call.tensor("self"), call.operand("index", at::kLong)},
                              {{"axis", call.axis("dim", call.rank("self"))}}));
}

/// split, chunk, unbind: one slice for each part, whose traced sizes say where it lies.
void split(Call& call) {
  const std::vector<Extent> shape = call.shape("self");
  const std::int64_t axis = call.axis("dim", static_cast<std::int64_t>(shape.size()));
  const std::string x = call.tensor("self");
  Extent start(0);
  for (const TracedValues& part : call.unpacked()) {
    const std::vector<Extent> extents = extents_of(part);
    const bool drops_axis = extents.size() < shape.size();
    Extent end = start;
    for (std::size_t trace = 0; trace < 3; ++trace) {
      end.seen[trace] += drops_axis ? 1 : extents[static_cast<std::size_t>(axis)].seen[trace];
    }
    const std::string piece = call.slice(x, axis, start, end);
    call.give(drops_axis ? call.graph().emit("Squeeze", {piece, call.graph().integers({axis})}) : piece, part);
    start = end;
  }
}

void pad(Call& call) {
  const auto rank = static_cast<std::size_t>(call.rank("self"));
  const Integers given = call.integers(call.takes("pad") ? "pad" : "padding");
  std::string mode = "constant";
  if (call.takes("mode")) {
    mode = call.text("mode");
  } else if (call.what() == "aten::reflection_pad2d") {
    mode = "reflect";
  } else if (call.what() == "aten::replication_pad2d") {
    mode = "replicate";
  }
  if (mode != "constant" && mode != "reflect" && mode != "replicate") {
    call.reject("mode '" + mode + "' is not supported");
  }
  Integers pads(2 * rank, 0);  // ATen counts pairs from the last dimension
  for (std::size_t i = 0; i + 1 < given.size(); i += 2) {
    pads[rank - 1 - i / 2] = given[i];
    pads[2 * rank - 1 - i / 2] = given[i + 1];
  }
  std::vector<std::string> inputs = {call.tensor("self"), call.graph().integers(pads)};
  if (mode == "constant" && call.takes("value") && !call.is_none("value")) {
    inputs.push_back(call.scalar(call.number("value"), call.output_type()));
  }
  call.give(call.graph().emit("Pad", inputs, {{"mode", mode == "replicate" ? std::string("edge") : mode}}));
}

/// Torch orders the new channels (c, row, column), ONNX (row, column, c).
void pixel_unshuffle(Call& call) {
  const std::vector<Extent> shape = call.shape("self");
  if (shape.size() != 4) {
    call.reject("expected [N, C, H, W]");
  }
  const std::int64_t block = call.integer("downscale_factor");
  const std::int64_t channels = shape[1].seen[0];
  std::string result = call.graph().emit("SpaceToDepth", {call.tensor("self")}, {{"blocksize", block}});
  if (channels > 1) {
    Integers order;
    for (std::int64_t c = 0; c < channels; ++c) {
      for (std::int64_t place = 0; place < block * block; ++place) {
        order.push_back(place * channels + c);
      }
    }
    result = call.graph().emit("Gather", {result, call.graph().integers(order)}, {{"axis", std::int64_t{1}}});
  }
  call.give(result);
}

void pixel_shuffle(Call& call) {
  if (call.rank("self") != 4) {
    call.reject("expected [N, C, H, W]");
  }
  call.give(call.graph().emit("DepthToSpace", {call.tensor("self")},
                              {{"blocksize", call.integer("upscale_factor")}, {"mode", std::string("CRD")}}));
}

struct Entry {
  std::string_view name;
  Reducer reduce;
};

constexpr std::array table = {
    Entry{"aten::_to_copy", identity},
    Entry{"aten::_unsafe_view", reshape},
    Entry{"aten::alias", identity},
    Entry{"aten::broadcast_to", expand},
    Entry{"aten::cat", concatenate},
    Entry{"aten::chunk", split},
    Entry{"aten::clone", identity},
    Entry{"aten::concat", concatenate},
    Entry{"aten::constant_pad_nd", pad},
    Entry{"aten::contiguous", identity},
    Entry{"aten::detach", identity},
    Entry{"aten::dropout", identity},
    Entry{"aten::empty", nothing},
    Entry{"aten::empty_like", nothing},
    Entry{"aten::expand", expand},
    Entry{"aten::expand_as", expand},
    Entry{"aten::feature_dropout", identity},
    Entry{"aten::flatten", reshape},
    Entry{"aten::full_like", fill},
    Entry{"aten::index_select", index_select},
    Entry{"aten::lift_fresh", identity},
    Entry{"aten::narrow", slice},
    Entry{"aten::new_empty", nothing},
    Entry{"aten::ones_like", fill},
    Entry{"aten::pad", pad},
    Entry{"aten::permute", permute},
    Entry{"aten::pixel_shuffle", pixel_shuffle},
    Entry{"aten::pixel_unshuffle", pixel_unshuffle},
    Entry{"aten::reflection_pad2d", pad},
    Entry{"aten::replication_pad2d", pad},
    Entry{"aten::reshape", reshape},
    Entry{"aten::reshape_as", reshape},
    Entry{"aten::select", select},
    Entry{"aten::slice", slice},
    Entry{"aten::split", split},
    Entry{"aten::split_with_sizes", split},
    Entry{"aten::squeeze", reshape},
    Entry{"aten::stack", concatenate},
    Entry{"aten::t", permute},
    Entry{"aten::to", identity},
    Entry{"aten::transpose", permute},
    Entry{"aten::type_as", identity},
    Entry{"aten::unbind", split},
    Entry{"aten::unflatten", reshape},
    Entry{"aten::unsqueeze", reshape},
    Entry{"aten::view", reshape},
    Entry{"aten::view_as", reshape},
    Entry{"aten::zeros_like", fill},
    Entry{"prim::ListUnpack", nothing},
};
static_assert(std::is_sorted(table.begin(), table.end(),
                             [](const Entry& a, const Entry& b) { return a.name < b.name; }));

}  // namespace

Reducer find_layout_reducer(std::string_view name) {
  const auto found = std::lower_bound(table.begin(), table.end(), name,
                                      [](const Entry& entry, std::string_view wanted) { return entry.name < wanted; });
  return found != table.end() && found->name == name ? found->reduce : nullptr;
}

}  // namespace oddity
