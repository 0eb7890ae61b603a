#include "report/report.h"

#include <algorithm>
#include <regex>
#include <set>
#include <stack>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "../evaluation/fakes.h"
#include "core/error.h"
#include "core/random.h"
#include "report/charts.h"
#include "report/html.h"

namespace oddity {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr std::size_t kMostBytes = 5'000'000;

/// The first fault in nesting of elements and attributes; empty when tags close in order. Void elements as in HTML.
std::string fault_of_html(const std::string& html) {
  static const std::set<std::string> voids = {"meta", "link", "img", "br", "hr", "input"};
  std::stack<std::string> open;
  for (std::size_t at = html.find('<'); at != std::string::npos; at = html.find('<', at + 1)) {
    if (html.compare(at, 2, "<!") == 0) {
      continue;
    }
    const std::size_t end = html.find('>', at);
    if (end == std::string::npos) {
      return "tag not closed";
    }
    const std::string tag = html.substr(at + 1, end - at - 1);
    if (std::count(tag.begin(), tag.end(), '"') % 2 != 0) {
      return "quotes in <" + tag.substr(0, 60) + ">";
    }
    const bool closes = tag[0] == '/';
    const std::string name = tag.substr(closes ? 1 : 0, tag.find_first_of(" \n/", 1) - (closes ? 1 : 0));
    if (closes) {
      if (open.empty() || open.top() != name) {
        return "</" + name + "> closes <" + (open.empty() ? "nothing" : open.top()) + ">";
      }
      open.pop();
    } else if (!voids.contains(name) && tag.back() != '/') {
      open.push(name);
    }
    if (name == "style" && !closes) {
      at = html.find("</style", at) - 1;
    }
  }
  return open.empty() ? "" : "<" + open.top() + "> stays open";
}

std::size_t count_of(const std::string& text, const std::string& part) {
  std::size_t n = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + part.size())) {
    ++n;
  }
  return n;
}

/// Noise images of which some carry a bright square; names hold what HTML must escape.
fakes::MemoryDataset noisy_set(int side, int good, int defects) {
  fakes::MemoryDataset set;
  for (int i = 0; i < good + defects; ++i) {
    RandomStream random(5, "test.report", static_cast<std::uint64_t>(i));
    std::vector<std::uint8_t> pixels(static_cast<std::size_t>(side) * static_cast<std::size_t>(side));
    const auto brightest = random.integer(100, 150);
    for (auto& value : pixels) {
      value = static_cast<std::uint8_t>(random.integer(0, brightest));
    }
    std::vector<std::uint8_t> mask;
    const bool defect = i >= good;
    if (defect) {
      mask.assign(pixels.size(), 0);
      for (int y = side / 4; y < side / 2; ++y) {
        for (int x = side / 4; x < side / 2; ++x) {
          const auto at = static_cast<std::size_t>(y) * static_cast<std::size_t>(side) + static_cast<std::size_t>(x);
          mask[at] = 255;
          pixels[at] = static_cast<std::uint8_t>(i % 3 == 0 ? 90 : 150 + 10 * (i % 7));
        }
      }
    }
    set.add(fmt::format("part <{}> & \"co\".png", i), defect ? (i % 2 == 0 ? "scratch<b>" : "dent") : "good", side,
            side, pixels, mask, i % 3 == 0 ? "lot A" : "lot B");
  }
  return set;
}

struct Made {
  std::string html;
  Judgement judgement;
};

Made make(const fakes::MemoryDataset& set, int side, double threshold) {
  std::vector<double> calibration;
  for (int i = 1; i <= 99; ++i) {
    calibration.push_back(0.4 + 0.0015 * i);
  }
  const Engine engine(fakes::package(side, side, threshold, calibration), fakes::BrightestPixel{});
  Made made;
  made.judgement = judge_dataset(engine, set, {}, {}, silent_progress());
  made.html = evaluation_report(engine, set, made.judgement, metrics_json(made.judgement, engine.package()));
  return made;
}

TEST(Report, IsOneWellFormedPageWithoutNetwork) {
  const Made made = make(noisy_set(64, 30, 24), 64, 140.5 / 255);
  EXPECT_EQ(fault_of_html(made.html), "");
  EXPECT_LT(made.html.size(), kMostBytes);
  EXPECT_THAT(made.html, HasSubstr("<!DOCTYPE html>"));
  EXPECT_THAT(made.html, Not(HasSubstr("http")));
  EXPECT_THAT(made.html, Not(HasSubstr("<script")));
  EXPECT_THAT(made.html, Not(HasSubstr("nan")));
  EXPECT_THAT(made.html, HasSubstr("prefers-color-scheme:dark"));
  EXPECT_THAT(made.html, HasSubstr("@media print"));
  // Every picture says in words what it shows.
  EXPECT_GT(count_of(made.html, "<img "), 10U);
  EXPECT_EQ(count_of(made.html, "<img "), count_of(made.html, "<img alt=\""));
  // Names from the data are text, never markup.
  EXPECT_THAT(made.html, Not(HasSubstr("scratch<b>")));
  EXPECT_THAT(made.html, HasSubstr("scratch&lt;b&gt;"));
}

TEST(Report, ShowsWorstEscapesAndOverkillsFirst) {
  const Made made = make(noisy_set(32, 30, 24), 32, 140.5 / 255);
  const auto position = [&](const JudgedImage* image) { return made.html.find(escape(image->sample.file)); };
  const JudgedImage* worst_escape = nullptr;
  std::size_t escapes = 0;
  for (const JudgedImage& image : made.judgement.images) {
    if (!image.sample.good() && image.verdict.decision == Decision::accept) {
      ++escapes;
      if (worst_escape == nullptr || image.verdict.score < worst_escape->verdict.score) {
        worst_escape = &image;
      }
    }
  }
  ASSERT_NE(worst_escape, nullptr) << "the set must hold an escape for this test to mean something";
  for (const JudgedImage& image : made.judgement.images) {
    if (&image != worst_escape && position(&image) != std::string::npos) {
      EXPECT_LT(position(worst_escape), position(&image)) << image.sample.file;
    }
  }
  EXPECT_THAT(made.html, HasSubstr(fmt::format("{} <small>of 24</small>", escapes)));
}

TEST(Report, LargeNoisyImagesStayUnderTheLimit) {
  // Noise does not compress: 1024 x 1024 pixels are 1 MB each.
  const Made made = make(noisy_set(1024, 8, 14), 1024, 0.7);
  EXPECT_LT(made.html.size(), kMostBytes);
  EXPECT_EQ(fault_of_html(made.html), "");
}

TEST(Report, WorksWithoutDefectsWithoutGoodPartsAndWithErrors) {
  const Made good_only = make(noisy_set(16, 5, 0), 16, 0.5);
  EXPECT_EQ(fault_of_html(good_only.html), "");
  EXPECT_THAT(good_only.html, HasSubstr("A ROC curve needs good and defective parts."));
  const Made defects_only = make(noisy_set(16, 0, 5), 16, 0.5);
  EXPECT_EQ(fault_of_html(defects_only.html), "");

  const fakes::MemoryDataset set = noisy_set(16, 4, 4);
  const Engine engine(fakes::package(16, 16, 0.5, {0.1, 0.2}), fakes::BrightestPixel{});
  Judgement judgement = judge_dataset(engine, set, {}, {}, silent_progress());
  judgement.images[2].verdict.decision = Decision::error;
  judgement.images[2].verdict.reasons = {"The model gave a value that is not a number."};
  const std::string html = evaluation_report(engine, set, judgement, metrics_json(judgement, engine.package()));
  EXPECT_EQ(fault_of_html(html), "");
  EXPECT_THAT(html, HasSubstr("1 image could not be judged"));
  EXPECT_THAT(html, HasSubstr("The model gave a value that is not a number."));
  EXPECT_THROW(evaluation_report(engine, set, judgement, "{]"), InvalidArgument);
}

TEST(Html, EscapesMarkupControlCharactersAndBrokenUtf8) {
  EXPECT_EQ(escape("<a href=\"x\">&'"), "&lt;a href=&quot;x&quot;&gt;&amp;&#39;");
  EXPECT_EQ(escape("Größe"), "Größe");
  EXPECT_EQ(escape(std::string("a\0b", 3)),
            "a\xEF\xBF\xBD"
            "b");
  EXPECT_EQ(escape("\xC3("), "\xEF\xBF\xBD(");
  EXPECT_EQ(escape("\xED\xA0\x80"), "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD");  // a surrogate
  EXPECT_EQ(escape("\xF0\x9F\x94\xA7"), "\xF0\x9F\x94\xA7");
}

TEST(Html, WritesRatesForPeople) {
  const std::string percent = "\xC2\xA0%";  // a space that does not break
  EXPECT_EQ(percent_text(0), "0" + percent);
  EXPECT_EQ(percent_text(1), "100" + percent);
  EXPECT_EQ(percent_text(0.0123), "1.2" + percent);
  EXPECT_EQ(percent_text(0.98765), "98.8" + percent);
  EXPECT_EQ(percent_text(0.999999), "over 99.9" + percent);
  EXPECT_EQ(percent_text(0.00031), "0.031" + percent);
}

TEST(Charts, TicksAreRoundAndInside) {
  EXPECT_THAT(axis_ticks(0, 1, 5), ElementsAre(0, 0.2, 0.4, 0.6000000000000001, 0.8, 1));
  EXPECT_THAT(axis_ticks(-3, 17, 4), ElementsAre(0, 5, 10, 15));
  EXPECT_TRUE(axis_ticks(1, 1, 5).empty());
}

TEST(Charts, HistogramCountsEveryPart) {
  const std::string svg = score_histogram({1, 2, 2, 3}, {5, 6, 1000}, 4);
  EXPECT_EQ(fault_of_html(svg), "");
  const std::regex bar(">(\\d+) (good|defective) parts? with");
  std::size_t good = 0;
  std::size_t defective = 0;
  for (auto it = std::sregex_iterator(svg.begin(), svg.end(), bar); it != std::sregex_iterator(); ++it) {
    ((*it)[2] == "good" ? good : defective) += std::stoul((*it)[1]);
  }
  EXPECT_EQ(good, 4U);
  EXPECT_EQ(defective, 3U);
  EXPECT_EQ(fault_of_html(score_histogram({2, 2}, {}, 2)), "");
}

}  // namespace
}  // namespace oddity
