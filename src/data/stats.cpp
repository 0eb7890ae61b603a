#include "data/stats.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

namespace oddity {
namespace {

/// Running sums of one channel; Welford's update by image keeps the deviation exact for large sets.
struct Moments {
  ChannelStats stats;
  double squares = 0;  ///< sum of squared deviations from the mean
  std::uint64_t saturated = 0;

  template <class T>
  void add(const T* values, std::size_t pixels, int step) {
    double sum = 0, low = values[0], high = values[0];
    for (std::size_t i = 0; i < pixels; ++i) {
      const double value = values[i * static_cast<std::size_t>(step)];
      sum += value;
      low = std::min(low, value);
      high = std::max(high, value);
      saturated += value == std::numeric_limits<T>::max() ? 1 : 0;
    }
    const auto n = static_cast<double>(pixels);
    const double mean = sum / n;
    double spread = 0;
    for (std::size_t i = 0; i < pixels; ++i) {
      const double difference = values[i * static_cast<std::size_t>(step)] - mean;
      spread += difference * difference;
    }
    const auto before = static_cast<double>(stats.values);
    const double shift = mean - stats.mean;
    squares += spread + shift * shift * before * n / (before + n);
    stats.mean += shift * n / (before + n);
    stats.minimum = stats.values == 0 ? low : std::min(stats.minimum, low);
    stats.maximum = stats.values == 0 ? high : std::max(stats.maximum, high);
    stats.values += pixels;
  }

  ChannelStats finish() const {
    ChannelStats done = stats;
    done.deviation = std::sqrt(squares / static_cast<double>(stats.values));
    done.saturated = static_cast<double>(saturated) / static_cast<double>(stats.values);
    return done;
  }
};

void add_image(std::map<std::pair<Split, Depth>, std::vector<Moments>>& moments, Split split, const Image& image) {
  std::vector<Moments>& channels = moments[{split, image.depth}];
  channels.resize(std::max(channels.size(), static_cast<std::size_t>(image.channels)));
  const std::size_t pixels = static_cast<std::size_t>(image.height) * static_cast<std::size_t>(image.width);
  for (int c = 0; c < image.channels; ++c) {
    Moments& channel = channels[static_cast<std::size_t>(c)];
    if (image.depth == Depth::u8) {
      channel.add(image.u8() + c, pixels, image.channels);
    } else {
      channel.add(image.u16() + c, pixels, image.channels);
    }
  }
}

double median_of(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const std::size_t half = values.size() / 2;
  return values.size() % 2 != 0 ? values[half] : 0.5 * (values[half - 1] + values[half]);
}

}  // namespace

DatasetStats dataset_stats(const Dataset& dataset, ProgressSink& progress) {
  const std::vector<Sample>& samples = dataset.samples();
  DatasetStats stats;
  stats.name = dataset.name();
  std::map<std::pair<Split, Depth>, std::vector<Moments>> moments;
  std::map<std::string, std::pair<std::vector<double>, std::vector<double>>> areas;
  progress.begin("measuring", static_cast<std::int64_t>(samples.size()));
  for (std::size_t i = 0; i < samples.size(); ++i) {
    ++stats.labels[{samples[i].split, samples[i].label}];
    if (samples[i].good()) {
      add_image(moments, samples[i].split, dataset.image(i));
    } else if (samples[i].labelled() && dataset.has_mask(i)) {
      const Image mask = dataset.mask(i);
      const auto pixels = static_cast<double>(mask.pixels.size());
      const auto area = pixels - static_cast<double>(std::count(mask.pixels.begin(), mask.pixels.end(), std::byte{0}));
      areas[samples[i].label].first.push_back(area);
      areas[samples[i].label].second.push_back(area / pixels);
    }
    progress.advance(static_cast<std::int64_t>(i) + 1);
  }
  progress.end();
  for (const auto& [key, channels] : moments) {
    for (const Moments& channel : channels) {
      stats.channels[key].push_back(channel.finish());
    }
  }
  for (const auto& [label, values] : areas) {
    const auto [low, high] = std::minmax_element(values.first.begin(), values.first.end());
    const auto [low_share, high_share] = std::minmax_element(values.second.begin(), values.second.end());
    stats.areas[label] = {values.first.size(),      *low,       median_of(values.first), *high, *low_share,
                          median_of(values.second), *high_share};
  }
  return stats;
}

std::string to_text(const DatasetStats& stats) {
  std::string text = fmt::format("{}\nimages\n", stats.name);
  for (const auto& [key, count] : stats.labels) {
    text += fmt::format("  {:<12} {:<24} {:>7}\n", name_of(key.first), key.second, count);
  }
  text += "values of good images\n";
  for (const auto& [key, channels] : stats.channels) {
    for (std::size_t c = 0; c < channels.size(); ++c) {
      const ChannelStats& channel = channels[c];
      text += fmt::format("  {:<12} {}, channel {}: {} to {}, mean {:.2f}, deviation {:.2f}, {:.2f} % saturated\n",
                          name_of(key.first), key.second == Depth::u8 ? "8 bit" : "16 bit", c, channel.minimum,
                          channel.maximum, channel.mean, channel.deviation, 100.0 * channel.saturated);
    }
  }
  text += "area of defects in an image\n";
  for (const auto& [label, area] : stats.areas) {
    text += fmt::format(
        "  {:<24} {:>6} image{}: {:.0f} to {:.0f} px, median {:.0f} px ({:.2f} to {:.2f} %, median {:.2f} %)\n", label,
        area.images, area.images == 1 ? "" : "s", area.smallest, area.largest, area.median, 100.0 * area.smallest_share,
        100.0 * area.largest_share, 100.0 * area.median_share);
  }
  return text;
}

}  // namespace oddity
