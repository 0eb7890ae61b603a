#include "report/gallery.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <vector>

#include <fmt/core.h>

#include "core/error.h"
#include "data/decode.h"
#include "image/resize.h"
#include "report/charts.h"
#include "report/colormap.h"
#include "report/html.h"
#include "report/overlay.h"

namespace oddity {
namespace {

constexpr std::size_t kMostPerSection = 6;
/// Noise can make thousands of regions; the strongest ones are drawn, with contours thinned for the eye.
constexpr std::size_t kMostRegions = 24;
constexpr std::size_t kMostContourPoints = 240;

/// What is shown of one image; pictures in full size, shrunk when the page is written.
struct Shown {
  const JudgedImage* judged = nullptr;
  int height = 0, width = 0;  ///< of the original: regions are in its pixels
  Image input, repaired, map, mask;
  std::vector<Region> regions;
};

struct Section {
  const char* title;
  const char* css;
  const char* explanation;
  const char* none;
  std::size_t found = 0;
  std::vector<Shown> shown;
};

std::string base64(const std::vector<std::byte>& bytes) {
  static constexpr char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  out.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    unsigned block = 0;
    for (std::size_t j = 0; j < 3; ++j) {
      block = block << 8 | (i + j < bytes.size() ? std::to_integer<unsigned>(bytes[i + j]) : 0U);
    }
    for (std::size_t j = 0; j < 4; ++j) {
      out += i + j <= bytes.size() ? digits[block >> (18 - 6 * j) & 63] : '=';
    }
  }
  return out;
}

Image shrink(const Image& image, int side) {
  const int longest = std::max(image.height, image.width);
  if (longest <= side) {
    return image;
  }
  const auto sized = [&](int length) {
    return std::max(1, static_cast<int>(std::lround(static_cast<double>(length) * side / longest)));
  };
  return resize(image.view(), sized(image.height), sized(image.width));
}

/// Planes with channels stacked vertically, in [0, 1], as a picture: grey stays one channel (a third of the bytes).
Image picture_of(const Plane& stacked, int channels) {
  if (stacked.values.empty() || channels < 1 || stacked.height % channels != 0) {
    return {};
  }
  const int height = stacked.height / channels;
  const int shown = channels >= 3 ? 3 : 1;
  Image out(height, stacked.width, shown, Depth::u8);
  const std::size_t plane = static_cast<std::size_t>(height) * static_cast<std::size_t>(stacked.width);
  for (std::size_t i = 0; i < plane; ++i) {
    for (std::size_t c = 0; c < static_cast<std::size_t>(shown); ++c) {
      const float value = stacked.values[c * plane + i];
      out.u8()[static_cast<std::size_t>(shown) * i + c] =
          static_cast<std::uint8_t>(std::lround(255 * std::clamp(std::isnan(value) ? 0.F : value, 0.F, 1.F)));
    }
  }
  return out;
}

/// One channel of a picture whose three are equal.
Image grey_when_grey(Image image) {
  const std::size_t pixels = image.pixels.size() / 3;
  for (std::size_t i = 0; i < pixels; ++i) {
    const std::uint8_t* p = image.u8() + 3 * i;
    if (p[0] != p[1] || p[0] != p[2]) {
      return image;
    }
  }
  Image out(image.height, image.width, 1, Depth::u8);
  for (std::size_t i = 0; i < pixels; ++i) {
    out.u8()[i] = image.u8()[3 * i];
  }
  return out;
}

struct HeatScale {
  double low = 0, high = 1, threshold = 0;
};

/// One scale for all maps: from the usual value on good parts to beyond the pixel threshold.
HeatScale heat_scale(const Judgement& judgement, double pixel_threshold) {
  std::vector<float> usual;
  std::vector<float> largest;
  for (const JudgedImage& image : judgement.images) {
    const auto& values = image.verdict.map.values;
    if (values.empty() || image.verdict.decision == Decision::error) {
      continue;
    }
    if (image.sample.good()) {
      for (std::size_t i = 0; i < values.size(); i += 61) {
        usual.push_back(values[i]);
      }
    } else {
      largest.push_back(*std::max_element(values.begin(), values.end()));
    }
  }
  const auto quantile = [](std::vector<float>& values, double p) {
    const auto at = values.begin() + static_cast<std::ptrdiff_t>(p * static_cast<double>(values.size() - 1));
    std::nth_element(values.begin(), at, values.end());
    return static_cast<double>(*at);
  };
  HeatScale scale;
  scale.threshold = pixel_threshold;
  scale.low = usual.empty() ? 0 : quantile(usual, 0.5);
  scale.high = largest.empty() ? scale.low : quantile(largest, 0.75);
  if (std::isfinite(pixel_threshold) && pixel_threshold > scale.low) {
    scale.high = std::clamp(scale.high, scale.low + 1.25 * (pixel_threshold - scale.low),
                            scale.low + 3 * (pixel_threshold - scale.low));
  }
  if (!(scale.high > scale.low)) {
    scale.high = scale.low + 1;
  }
  return scale;
}

Shown show(const JudgedImage& judged, Engine::Worker& worker, const Dataset& dataset, const HeatScale& scale,
           double full_scale) {
  Shown shown;
  shown.judged = &judged;
  const Image image = dataset.image(judged.index);
  shown.height = image.height;
  shown.width = image.width;
  shown.input = grey_when_grey(display_picture(image.view(), full_scale));
  const Verdict verdict = worker.judge(image.view());
  shown.regions = verdict.regions;
  shown.repaired = picture_of(verdict.repaired, verdict.repaired_channels);
  if (!verdict.map.values.empty()) {
    shown.map = heat_picture(verdict.map, scale.low, scale.high);
  }
  if (!judged.sample.good() && dataset.has_mask(judged.index)) {
    shown.mask = dataset.mask(judged.index);
  }
  return shown;
}

std::string outlines(const Shown& shown) {
  if (shown.regions.empty()) {
    return "";
  }
  std::string path;
  for (std::size_t i = 0; i < std::min(shown.regions.size(), kMostRegions); ++i) {
    const Region& region = shown.regions[i];
    if (region.contour.size() >= 3) {
      const char* command = "M";
      const std::size_t stride = (region.contour.size() + kMostContourPoints - 1) / kMostContourPoints;
      for (std::size_t p = 0; p < region.contour.size(); p += stride) {
        const auto& [x, y] = region.contour[p];
        path += fmt::format("{}{:.1f} {:.1f}", command, x + 0.5F, y + 0.5F);
        command = "L";
      }
      path += "Z";
    } else {
      path +=
          fmt::format("M{:.1f} {:.1f}H{:.1f}V{:.1f}H{:.1f}Z", region.x0, region.y0, region.x1, region.y1, region.x0);
    }
  }
  return fmt::format(
      "<svg viewBox=\"0 0 {} {}\" preserveAspectRatio=\"none\" aria-hidden=\"true\"><path class=\"under\" "
      "d=\"{}\"/><path d=\"{}\"/></svg>",
      shown.width, shown.height, path, path);
}

std::string view(const Image& image, const std::string& alt, const char* caption, const std::string& extra, int side,
                 const Shown& shown, const char* none) {
  if (image.empty()) {
    return fmt::format("<figure class=\"none\"><div class=\"view\">{}</div><figcaption>{}</figcaption></figure>", none,
                       caption);
  }
  const Image small = shrink(image, side);
  return fmt::format(
      "<figure><div class=\"view\" style=\"aspect-ratio:{}/{}\"><img alt=\"{}\" "
      "style=\"height:100%;object-fit:fill\" src=\"data:image/png;base64,{}\">{}</div><figcaption>{}</figcaption>"
      "</figure>",
      shown.width, shown.height, escape(alt), base64(encode_png(small.view())), extra, caption);
}

std::string card(const Shown& shown, const char* css, int side) {
  const JudgedImage& judged = *shown.judged;
  const Verdict& verdict = judged.verdict;
  const std::string file = judged.sample.file;
  std::string facts = fmt::format("score {} against threshold {} · p-value {:.3g} · {} region{}",
                                  score_text(verdict.score), score_text(verdict.threshold), verdict.p_value,
                                  shown.regions.size(), shown.regions.size() == 1 ? "" : "s");
  if (!shown.regions.empty()) {
    const Region& first = shown.regions.front();
    facts += fmt::format(", the strongest {:.0f} px² at ({:.0f}, {:.0f})", first.area_px, first.centroid_x,
                         first.centroid_y);
    if (first.area_mm2) {
      facts += fmt::format(" = {:.3g} mm²", *first.area_mm2);
    }
  }
  std::string out = fmt::format(
      "<article class=\"card part\"><header><b><code>{}</code></b><span class=\"tag {}\">{}</span><span "
      "class=\"muted\">{}</span></header><div class=\"views\">",
      escape(file), css, escape(judged.sample.label), escape(facts));
  const std::string regions = shown.regions.empty() ? "no region found" : "found regions outlined in red";
  out += view(shown.input, "Photograph " + file + ", " + regions, "photograph, found regions in red", outlines(shown),
              side, shown, "");
  if (!shown.repaired.empty()) {
    out += view(shown.repaired, "Image as the model would repair it, " + file, "as the model repairs it", "", side,
                shown, "");
  }
  out += view(shown.map, "Anomaly map of " + file, "anomaly map", "", side, shown, "no map");
  out += view(shown.mask, "Mask of the marked defect of " + file, "defect as marked by people", "", side, shown,
              judged.sample.good() ? "a good part: nothing to mark" : "this defect has no mask");
  return out + "</div></article>";
}

std::string color_bar(const HeatScale& scale) {
  std::string out = "<div class=\"scale\"><span>" + score_text(scale.low) + " (usual on good parts)</span>" +
                    "<svg viewBox=\"0 0 260 18\" role=\"img\" aria-label=\"Colours of the maps from low to high\">";
  constexpr int steps = 65;
  for (int i = 0; i < steps; ++i) {
    const auto color = heat_color(static_cast<double>(i) / (steps - 1));
    out += fmt::format("<rect x=\"{}\" y=\"1\" width=\"4.5\" height=\"16\" style=\"fill:#{:02x}{:02x}{:02x}\"/>", 4 * i,
                       color[0], color[1], color[2]);
  }
  const double place = 260 * (scale.threshold - scale.low) / (scale.high - scale.low);
  const bool marked = std::isfinite(place) && place > 0 && place < 260;
  if (marked) {
    out += fmt::format("<path class=\"mark\" d=\"M{0:.1f} 0v18\"/><path class=\"mark2\" d=\"M{0:.1f} 0v18\"/>", place);
  }
  out += "</svg><span>" + score_text(scale.high) + " and more</span>";
  if (marked) {
    out += "<span>line: pixel threshold " + score_text(scale.threshold) + "</span>";
  }
  return out + "</div>";
}

std::string page(const std::vector<Section>& sections, const HeatScale& scale, int side) {
  std::string out = color_bar(scale);
  for (const Section& section : sections) {
    out += fmt::format("<h3>{}</h3>", section.title);
    if (section.shown.empty()) {
      out += fmt::format("<p class=\"muted\">{}</p>", section.none);
      continue;
    }
    out += fmt::format("<p class=\"muted\">{}{}</p>", section.explanation,
                       section.found > section.shown.size() ? fmt::format(" Shown: {} of {}; all are in scores.csv.",
                                                                          section.shown.size(), section.found)
                                                            : "");
    for (const Shown& shown : section.shown) {
      out += card(shown, section.css, side);
    }
  }
  return out;
}

}  // namespace

std::string gallery(const Engine& engine, const Dataset& dataset, const Judgement& judgement, std::size_t budget) {
  const DecisionRule& rule = engine.package().decision;
  const HeatScale scale = heat_scale(judgement, rule.pixel_threshold);
  std::vector<Section> sections = {
      {"Worst escapes", "escape", "Defective parts that were accepted, the least suspicious first.",
       "None: every defective part was rejected."},
      {"Worst overkills", "overkill", "Good parts that were rejected, the most suspicious first.",
       "None: no good part was rejected."},
      {"Rejected by the narrowest margin", "reject", "Defective parts that were rejected with the lowest scores.",
       "None: no defective part was rejected."}};
  const auto collect = [&](Section& section, bool good, Decision decision, bool lowest_first) {
    std::vector<const JudgedImage*> found;
    for (const JudgedImage& image : judgement.images) {
      if (image.sample.labelled() && image.sample.good() == good && image.verdict.decision == decision) {
        found.push_back(&image);
      }
    }
    std::stable_sort(found.begin(), found.end(), [lowest_first](const JudgedImage* a, const JudgedImage* b) {
      return lowest_first ? a->verdict.score < b->verdict.score : a->verdict.score > b->verdict.score;
    });
    section.found = found.size();
    found.resize(std::min(found.size(), kMostPerSection));
    const auto worker = engine.make_worker();
    for (const JudgedImage* image : found) {
      section.shown.push_back(show(*image, *worker, dataset, scale, engine.package().input.full_scale));
    }
  };
  collect(sections[0], false, Decision::accept, true);
  collect(sections[1], true, Decision::reject, false);
  collect(sections[2], false, Decision::reject, true);

  std::string out;
  for (const int side : {360, 256, 192, 128, 96, 64}) {
    out = page(sections, scale, side);
    if (out.size() <= budget) {
      break;
    }
  }
  return out;
}

}  // namespace oddity
