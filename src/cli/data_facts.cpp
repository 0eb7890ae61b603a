#include "cli/data_facts.h"

#include <algorithm>
#include <cmath>
#include <set>

#include <fmt/core.h>

#include "cli/support.h"
#include "core/digest.h"
#include "core/error.h"
#include "data/options.h"
#include "data/splits.h"

namespace oddity::cli {
namespace {

std::string form_of(const Image& image) {
  return fmt::format("{} x {} px (width x height), {} channel{}, {} bit", image.width, image.height, image.channels,
                     image.channels == 1 ? "" : "s", 8 * bytes_of(image.depth));
}

void measure(const Image& image, DataFacts::Values& values) {
  const std::size_t count = image.pixels.size() / bytes_of(image.depth);
  const double scale = 1 / full_scale_of(image.depth);
  if (values.count == 0) {
    values.least = 1;
  }
  for (std::size_t i = 0; i < count; ++i) {
    const double value = scale * (image.depth == Depth::u8 ? image.u8()[i] : image.u16()[i]);
    values.sum += value;
    values.squares += value * value;
    values.least = std::min(values.least, value);
    values.most = std::max(values.most, value);
  }
  values.count += count;
}

/// The same pixels under two names: harmless within a split, a leak between training and test.
void find_duplicates(const std::map<std::string, std::vector<const Sample*>>& by_digest, DataFacts& facts) {
  std::size_t repeated = 0;
  for (const auto& [digest, samples] : by_digest) {
    repeated += samples.size() - 1;
    const auto in = [&](bool test) {
      return std::find_if(samples.begin(), samples.end(),
                          [test](const Sample* sample) { return (sample->split == Split::test) == test; });
    };
    if (in(true) != samples.end() && in(false) != samples.end()) {
      facts.problems.push_back(fmt::format("the same image is in test and in {}: {} and {}",
                                           name_of((*in(false))->split), (*in(true))->file, (*in(false))->file));
    }
    const bool good = samples.front()->good();
    const auto other =
        std::find_if(samples.begin(), samples.end(), [good](const Sample* sample) { return sample->good() != good; });
    if (other != samples.end()) {
      facts.problems.push_back(fmt::format("the same image has two labels: {} ({}) and {} ({})", samples.front()->file,
                                           samples.front()->label, (*other)->file, (*other)->label));
    }
  }
  if (repeated > 0) {
    facts.notes.push_back(fmt::format("{} images repeat another one pixel for pixel", repeated));
  }
}

void check_splits(const Dataset& dataset, DataFacts& facts) {
  try {
    const Splits splits = make_splits(dataset.samples(), DataOptions{}, 0);
    facts.notes.push_back(
        fmt::format("with default options: {} good images train, {} calibrate, {} validate; {} images test",
                    splits.train.size(), splits.calibration.size(), splits.validation.size(), splits.test.size()));
  } catch (const InvalidArgument& error) {
    facts.notes.push_back(fmt::format("cannot be trained on as it is: {}", error.what()));
  }
}

}  // namespace

DataFacts read_facts(const Dataset& dataset, const std::stop_token& stop, ProgressSink& progress) {
  DataFacts facts;
  std::map<std::string, std::vector<const Sample*>> by_digest;
  std::set<int> channels;
  const auto& samples = dataset.samples();
  progress.begin("reading", static_cast<std::int64_t>(samples.size()));
  for (std::size_t i = 0; i < samples.size(); ++i) {
    if (stop.stop_requested()) {
      fail<Interrupted>("[cli.data] stopped on request; got {} of {} images", i, samples.size());
    }
    const Sample& sample = samples[i];
    try {
      const Image image = dataset.image(i);
      ++facts.forms[form_of(image)];
      channels.insert(image.channels);
      measure(image, facts.values[sample.label]);
      by_digest[fmt::format("{} {}", form_of(image), sha256_hex(image.pixels))].push_back(&sample);
      if (sample.good() || !sample.labelled()) {
        progress.advance(static_cast<std::int64_t>(i + 1));
        continue;
      }
      if (!dataset.has_mask(i)) {
        ++facts.without_mask[sample.label];
      } else {
        const Image mask = dataset.mask(i);
        const auto marked =
            std::count_if(mask.u8(), mask.u8() + mask.pixels.size(), [](std::uint8_t value) { return value != 0; });
        facts.area_share[sample.label].push_back(static_cast<double>(marked) / static_cast<double>(mask.pixels.size()));
        if (marked == 0) {
          facts.problems.push_back(fmt::format("the mask of a defect marks nothing: {}", sample.mask));
        }
      }
    } catch (const Error& error) {
      facts.problems.emplace_back(error.what());
    }
    progress.advance(static_cast<std::int64_t>(i + 1));
  }
  progress.end();
  find_duplicates(by_digest, facts);
  if (channels.size() > 1) {
    facts.notes.push_back("images differ in channels; set data.channels to grey or color");
  }
  for (const auto& [label, n] : facts.without_mask) {
    facts.notes.push_back(
        fmt::format("{} images of '{}' have no mask: they count as parts, not in pixel metrics", n, label));
  }
  check_splits(dataset, facts);
  return facts;
}

std::string facts_text(const Dataset& dataset, const DataFacts& facts) {
  std::map<std::string, std::map<Split, std::size_t>> counts;
  std::set<Split> splits;
  for (const Sample& sample : dataset.samples()) {
    ++counts[sample.label][sample.split];
    splits.insert(sample.split);
  }
  std::vector<std::vector<std::string>> rows(1, {"label"});
  std::vector<bool> right = {false};
  for (const Split split : splits) {
    rows[0].emplace_back(name_of(split));
    right.push_back(true);
  }
  for (const auto& [label, by_split] : counts) {
    std::vector<std::string> row = {label};
    for (const Split split : splits) {
      const auto found = by_split.find(split);
      row.push_back(std::to_string(found == by_split.end() ? 0 : found->second));
    }
    rows.push_back(row);
  }
  std::string out =
      fmt::format("{}: {} images\n\n{}\n", dataset.name(), dataset.samples().size(), text_table(rows, right));
  std::vector<std::pair<std::size_t, std::string>> forms;
  for (const auto& [form, n] : facts.forms) {
    forms.emplace_back(n, form);
  }
  std::sort(forms.rbegin(), forms.rend());
  constexpr std::size_t most = 8;
  for (std::size_t i = 0; i < std::min(forms.size(), most); ++i) {
    out += fmt::format("{:>7} images of {}\n", forms[i].first, forms[i].second);
  }
  if (forms.size() > most) {
    out += fmt::format("        and {} other sizes\n", forms.size() - most);
  }
  return out;
}

std::string values_text(const DataFacts& facts) {
  std::vector<std::vector<std::string>> rows = {
      {"label", "mean", "sd", "least", "most", "masks", "smallest defect", "median defect", "largest defect"}};
  for (const auto& [label, values] : facts.values) {
    const auto n = static_cast<double>(std::max<std::uint64_t>(values.count, 1));
    const double mean = values.sum / n;
    std::vector<std::string> row = {label, fmt::format("{:.3f}", mean),
                                    fmt::format("{:.3f}", std::sqrt(std::max(0.0, values.squares / n - mean * mean))),
                                    fmt::format("{:.3f}", values.least), fmt::format("{:.3f}", values.most)};
    const auto found = facts.area_share.find(label);
    if (found == facts.area_share.end()) {
      row.insert(row.end(), {"-", "-", "-", "-"});
    } else {
      std::vector<double> sorted = found->second;
      std::sort(sorted.begin(), sorted.end());
      const auto share = [](double value) { return fmt::format("{:.3f} %", 100 * value); };
      row.insert(row.end(), {std::to_string(sorted.size()), share(sorted.front()), share(sorted[sorted.size() / 2]),
                             share(sorted.back())});
    }
    rows.push_back(row);
  }
  return "values as fractions of full scale; defect areas as shares of the image\n" +
         text_table(rows, {false, true, true, true, true, true, true, true, true});
}

}  // namespace oddity::cli
