#include "data/synthetic_line.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/error.h"
#include "data/synthetic_render.h"

namespace oddity {
namespace {

using namespace synthetic;

std::string text_of(const Image& image) { return {reinterpret_cast<const char*>(image.u8()), image.pixels.size()}; }
std::string pixels(const Dataset& line, std::size_t i) { return text_of(line.image(i)); }

std::size_t index_of(const Dataset& line, const std::string& file) {
  const auto& samples = line.samples();
  const auto found = std::find_if(samples.begin(), samples.end(), [&](const Sample& s) { return s.file == file; });
  EXPECT_NE(found, samples.end()) << file;
  return static_cast<std::size_t>(found - samples.begin());
}

double number(const Sample& sample, const std::string& column) { return std::stod(sample.columns.at(column)); }

std::map<std::string, int> labels_of(const Dataset& line, Split split) {
  std::map<std::string, int> counts;
  for (const Sample& sample : line.samples()) {
    counts[sample.label] += sample.split == split ? 1 : 0;
  }
  std::erase_if(counts, [](const auto& entry) { return entry.second == 0; });
  return counts;
}

std::string refusal(const std::string& uri) {
  try {
    open_synthetic(uri);
  } catch (const InvalidArgument& error) {
    return error.what();
  }
  return "no error";
}

TEST(SyntheticLine, HasTheCountsAndSplitsOfItsUri) {
  const auto line =
      open_synthetic("synthetic:line?n=5&calibration=4&test_good=3&test_defects=2&validation_defects=1&seed=3");
  EXPECT_EQ(labels_of(*line, Split::train), (std::map<std::string, int>{{"good", 5}}));
  EXPECT_EQ(labels_of(*line, Split::calibration), (std::map<std::string, int>{{"good", 4}}));
  const auto test = labels_of(*line, Split::test), validation = labels_of(*line, Split::validation);
  EXPECT_EQ(test.size(), 15u);
  EXPECT_EQ(test.at("good"), 3);
  EXPECT_EQ(test.at("hole_offset"), 2);
  EXPECT_EQ(validation.size(), 14u);
  EXPECT_EQ(validation.at("fibre"), 1);
  std::set<std::string> files;
  for (const Sample& sample : line->samples()) {
    EXPECT_TRUE(files.insert(sample.file).second) << sample.file;
    EXPECT_EQ(sample.mask.empty(), sample.good());
  }
  const auto defaults = open_synthetic("synthetic:line");
  EXPECT_EQ(defaults->samples().size(), 200u + 100 + 14 * 15);
}

TEST(SyntheticLine, ASampleIsAPureFunctionOfUriAndIndex) {
  const auto a = open_synthetic("synthetic:line?n=6&test_good=4&test_defects=1&seed=5");
  const auto b = open_synthetic("synthetic:line?n=6&test_good=4&test_defects=1&seed=5");
  const std::size_t count = a->samples().size();
  std::vector<std::string> threaded(count);
  std::vector<std::thread> threads;
  for (std::size_t t = 0; t < 3; ++t) {
    threads.emplace_back([&, t] {
      for (std::size_t i = count; i-- > 0;) {
        if (i % 3 == t) {
          threaded[i] = pixels(*b, i);
        }
      }
    });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
  for (std::size_t i = 0; i < count; ++i) {
    EXPECT_EQ(pixels(*a, i), threaded[i]) << i;
    EXPECT_EQ(a->samples()[i].columns, b->samples()[i].columns);
    EXPECT_EQ(text_of(a->mask(i)), text_of(b->mask(i)));
  }
}

TEST(SyntheticLine, EnlargingACountKeepsTheOtherSamples) {
  const auto a = open_synthetic("synthetic:line?n=3&test_good=2&test_defects=1&seed=5");
  const auto b = open_synthetic("synthetic:line?n=7&calibration=2&test_good=5&test_defects=2&seed=5");
  for (std::size_t i = 0; i < a->samples().size(); ++i) {
    const std::size_t j = index_of(*b, a->samples()[i].file);
    EXPECT_EQ(pixels(*a, i), pixels(*b, j)) << a->samples()[i].file;
    EXPECT_EQ(a->samples()[i].columns, b->samples()[j].columns);
  }
}

TEST(SyntheticLine, SeedsAndPartsDiffer) {
  const auto a = open_synthetic("synthetic:line?n=4&test_good=4&test_defects=0&seed=5");
  const auto b = open_synthetic("synthetic:line?n=4&test_good=4&test_defects=0&seed=6");
  std::set<std::string> seen;
  std::set<std::string> marks;
  for (const Dataset* line : {a.get(), b.get()}) {
    for (std::size_t i = 0; i < line->samples().size(); ++i) {
      EXPECT_TRUE(seen.insert(pixels(*line, i)).second);
      marks.insert(line->samples()[i].columns.at("context.mark"));
    }
  }
  EXPECT_GT(marks.size(), 12u);  // 16 of 1,000: the mark is no constant
}

TEST(SyntheticLine, FactorsAreInTheColumns) {
  const auto line = open_synthetic("synthetic:line?n=60&test_good=5&test_defects=2&seed=1&lots=4&stations=2");
  std::set<std::string> groups;
  std::map<std::string, std::set<std::string>> light_of_station;
  for (const Sample& sample : line->samples()) {
    groups.insert(sample.group);
    EXPECT_EQ(sample.group, sample.columns.at("context.lot") + "/" + sample.columns.at("context.station"));
    for (const char* column :
         {"context.gain", "context.background", "context.vignette", "context.light_gradient", "context.tone",
          "context.roughness", "context.grain_angle_deg", "context.shift_x_mm", "context.rotation_deg"}) {
      EXPECT_TRUE(std::isfinite(number(sample, column))) << column;
    }
    light_of_station[sample.columns.at("context.station")].insert(sample.columns.at("context.light_angle_deg"));
    // 32 mm over 128 pixels, up to the distance of the part.
    EXPECT_NEAR(number(sample, "context.mm_per_px") * number(sample, "context.scale"), 0.25, 1e-5);
    EXPECT_EQ(sample.columns.contains("defect.size_mm"), !sample.good());
    if (!sample.good()) {
      EXPECT_GE(number(sample, "defect.intensity"), 0);
      EXPECT_LE(number(sample, "defect.intensity"), 1);
      EXPECT_GE(number(sample, "defect.area_px"), 20);
      EXPECT_GE(number(sample, "defect.contrast"), 0.03);
    }
  }
  EXPECT_EQ(groups.size(), 8u);
  for (const auto& [station, angles] : light_of_station) {
    EXPECT_EQ(angles.size(), 1u) << station;
  }
}

TEST(SyntheticLine, NewLotsShareNoGroupWithTraining) {
  const auto line = open_synthetic("synthetic:line?n=40&calibration=10&test_good=20&test_defects=1&new_lots=1&seed=2");
  std::set<std::string> train, test;
  for (const Sample& sample : line->samples()) {
    (sample.split == Split::test ? test : train).insert(sample.group);
  }
  for (const std::string& group : test) {
    EXPECT_FALSE(train.contains(group)) << group;
  }
}

class EveryVariant : public testing::TestWithParam<const char*> {};

TEST_P(EveryVariant, ShowsDefectsWhereTheMaskSaysAndNowhereElse) {
  const auto dataset =
      open_synthetic(fmt::format("synthetic:line?n=1&test_good=1&test_defects=3&seed=4&variant={}", GetParam()));
  for (std::size_t i = 0; i < dataset->samples().size(); ++i) {
    const Sample& sample = dataset->samples()[i];
    const Image image = dataset->image(i), mask = dataset->mask(i);
    ASSERT_EQ(mask.channels, 1);
    ASSERT_EQ(std::pair(mask.height, mask.width), std::pair(image.height, image.width));
    EXPECT_TRUE(dataset->has_mask(i));
    int area = 0;
    for (int p = 0; p < mask.height * mask.width; ++p) {
      EXPECT_TRUE(mask.u8()[p] == 0 || mask.u8()[p] == 255);
      area += mask.u8()[p] == 255 ? 1 : 0;
    }
    if (sample.good()) {
      EXPECT_EQ(area, 0);
    } else {
      EXPECT_EQ(area, number(sample, "defect.area_px")) << sample.file;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(SyntheticLine, EveryVariant,
                         testing::Values("standard", "aligned", "jittered", "rotated", "texture", "two_level",
                                         "colored", "tiny", "large", "few", "drift"),
                         [](const auto& p) { return std::string(p.param); });

/// The renderer itself: the same part with and without its defect.
TEST(SyntheticLine, MasksAreTheDifferenceToTheSamePartWithoutDefect) {
  Line line;
  line.seed = 8;
  for (int type = 1; type <= defect_type_count; ++type) {
    for (int number_of = 0; number_of < 4; ++number_of) {
      const Identity identity{Role::test_defect, type, number_of, 4};
      const Scene scene = draw_scene(line, identity);
      const Defect defect = draw_defect(line, identity, scene, 0);
      const auto with = render(scene, defect, whole(scene)), without = render(scene, Defect{}, whole(scene));
      const Image mask = mask_of(scene, defect), photo = photograph(scene, defect), twin = photograph(scene, Defect{});
      const Window window = window_of(scene, defect);
      int missed = 0, far_off = 0, added = 0, area = 0;
      for (int y = 0; y < scene.height; ++y) {
        for (int x = 0; x < scene.width; ++x) {
          const auto p = static_cast<std::size_t>(y * scene.width + x);
          const double change = std::abs(with[p] - without[p]);
          const bool masked = mask.u8()[p] == 255;
          area += masked;
          missed += change > visible_change && !masked;
          added += masked && change <= visible_change;
          const bool inside = x >= window.left && x < window.right && y >= window.top && y < window.bottom;
          far_off += !inside && change > 0;
          if (!masked) {  // same noise but for its dependence on the light: 8 bits plus rounding
            EXPECT_LE(std::abs(photo.u8()[p] - twin.u8()[p]), 10) << synthetic::name_of(defect.type);
          }
        }
      }
      EXPECT_EQ(missed, 0) << synthetic::name_of(defect.type);
      EXPECT_EQ(far_off, 0) << synthetic::name_of(defect.type);  // the window holds every change
      EXPECT_LE(added, 0.35 * area + 4) << synthetic::name_of(defect.type);
    }
  }
}

TEST(SyntheticLine, DefectsStayFullyInsideTheirWindow) {
  for (const Family family : {Family::plate, Family::disc, Family::bracket, Family::gear}) {
    Line line;
    line.family = name_of(family);
    line.variant = Variant::large;
    for (int type = 1; type <= defect_type_count; ++type) {
      const Identity identity{Role::test_defect, type, 1, 4};
      const Scene scene = draw_scene(line, identity);
      const Defect defect = draw_defect(line, identity, scene, 0);
      const auto with = render(scene, defect, whole(scene)), without = render(scene, Defect{}, whole(scene));
      const Window w = window_of(scene, defect);
      double at_edge = 0;  // a change cut off by the reach would show as a jump at the edge of the window
      for (int y = w.top; y < w.bottom; ++y) {
        for (int x = w.left; x < w.right; ++x) {
          const double dx = x - 0.5 * (w.left + w.right), dy = y - 0.5 * (w.top + w.bottom);
          const bool rim = w.left > 0 && w.top > 0 && w.right < scene.width && w.bottom < scene.height &&
                           std::hypot(dx, dy) > 0.5 * w.width() - 5;
          const auto p = static_cast<std::size_t>(y * scene.width + x);
          at_edge = rim ? std::max(at_edge, std::abs(with[p] - without[p])) : at_edge;
        }
      }
      EXPECT_LT(at_edge, visible_change) << synthetic::name_of(defect.type) << " on " << synthetic::name_of(family);
    }
  }
}

TEST(SyntheticLine, VariantsAreWhatTheySay) {
  const auto open = [](const char* rest) { return open_synthetic(std::string("synthetic:line?seed=2&") + rest); };
  const auto spread = [](const Dataset& line, const char* column) {
    double low = 1e9, high = -1e9;
    for (const Sample& sample : line.samples()) {
      low = std::min(low, number(sample, column));
      high = std::max(high, number(sample, column));
    }
    return high - low;
  };
  const auto aligned = open("n=30&test_good=1&test_defects=0&variant=aligned");
  EXPECT_EQ(spread(*aligned, "context.rotation_deg"), 0);
  EXPECT_EQ(spread(*aligned, "context.shift_x_mm"), 0);
  const auto standard = open("n=30&test_good=1&test_defects=0");
  EXPECT_GT(spread(*standard, "context.rotation_deg"), 4);
  EXPECT_LT(spread(*standard, "context.rotation_deg"), 8.01);
  EXPECT_GT(spread(*open("n=30&test_good=1&test_defects=0&variant=jittered"), "context.rotation_deg"), 10);
  EXPECT_GT(spread(*open("n=30&test_good=1&test_defects=0&variant=rotated"), "context.rotation_deg"), 270);

  const auto two_level = open("n=3&test_good=1&test_defects=1&variant=two_level");
  for (std::size_t i = 0; i < two_level->samples().size(); ++i) {
    for (const char value : pixels(*two_level, i)) {
      ASSERT_TRUE(value == '\0' || value == '\xFF');
    }
  }
  const Image colored = open("n=1&test_good=0&test_defects=0&variant=colored")->image(0);
  ASSERT_EQ(colored.channels, 3);
  int difference = 0;
  for (int p = 0; p < colored.height * colored.width; ++p) {
    difference = std::max(difference, std::abs(colored.u8()[3 * p] - colored.u8()[3 * p + 2]));
  }
  EXPECT_GT(difference, 10);

  const auto mean_area = [&](const char* variant) {
    const auto line = open((std::string("n=0&test_good=0&test_defects=6&variant=") + variant).c_str());
    double sum = 0;
    for (const Sample& sample : line->samples()) {
      sum += number(sample, "defect.area_px");
    }
    return sum / static_cast<double>(line->samples().size());
  };
  const double tiny = mean_area("tiny"), middle = mean_area("standard"), large = mean_area("large");
  EXPECT_LT(tiny, 0.8 * middle);
  EXPECT_GT(large, 1.25 * middle);

  EXPECT_EQ(labels_of(*open("variant=few&test_good=0&test_defects=0"), Split::train).at("good"), 24);
  EXPECT_EQ(labels_of(*open("variant=few&n=30&test_good=0&test_defects=0"), Split::train).at("good"), 30);
  EXPECT_EQ(labels_of(*open("variant=texture&n=0&test_good=0&test_defects=1"), Split::test).count("missing_hole"), 0u);

  const auto drift = open("n=20&test_good=20&test_defects=1&variant=drift");
  for (const Sample& sample : drift->samples()) {
    EXPECT_EQ(number(sample, "context.drift") > 0, sample.split == Split::test) << sample.file;
  }
}

TEST(SyntheticLine, RendersOtherSizes) {
  for (const char* size : {"64x96", "96x64", "200", "64"}) {
    const auto line = open_synthetic(fmt::format("synthetic:line?n=1&test_good=0&test_defects=1&size={}", size));
    EXPECT_EQ(line->samples().size(), 15u) << size;
    EXPECT_EQ(line->mask(3).pixels.size(), line->image(3).pixels.size());
  }
  const Image image = open_synthetic("synthetic:line?n=1&test_good=0&test_defects=0&size=64x96")->image(0);
  EXPECT_EQ(std::pair(image.height, image.width), std::pair(64, 96));
}

TEST(SyntheticLine, EveryFamilyHasAllTypes) {
  for (const char* family : {"disc", "bracket", "gear", "mixed"}) {
    const auto line = open_synthetic(fmt::format("synthetic:line?n=8&test_good=0&test_defects=1&family={}", family));
    EXPECT_EQ(labels_of(*line, Split::test).size(), 14u);
    std::set<std::string> families;
    for (const Sample& sample : line->samples()) {
      families.insert(sample.columns.at("context.family"));
    }
    EXPECT_EQ(families.size() > 1, std::string(family) == "mixed") << family;
  }
}

/// The line is worth learning: the mean and spread of good parts at each pixel do not solve it (AUROC by Mann-Whitney).
TEST(SyntheticLine, APixelTemplateStaysBelowEightyPercent) {
  const auto line = open_synthetic("synthetic:line?n=150&test_good=60&test_defects=6&seed=1");
  constexpr int side = 128, area = side * side;
  std::vector<double> sum(area), squares(area);
  std::vector<double> good, bad;
  int parts = 0;
  for (std::size_t i = 0; i < line->samples().size(); ++i) {
    const Image image = line->image(i);
    if (line->samples()[i].split == Split::train) {
      ++parts;
      for (std::size_t p = 0; p < area; ++p) {
        sum[p] += image.u8()[p];
        squares[p] += image.u8()[p] * image.u8()[p];
      }
      continue;
    }
    std::vector<double> z(area);
    for (std::size_t p = 0; p < area; ++p) {
      const double mean = sum[p] / parts;
      z[p] = std::abs(image.u8()[p] - mean) / std::max(std::sqrt(std::max(squares[p] / parts - mean * mean, 0.0)), 2.5);
    }
    double score = 0;  // largest 5 x 5 mean
    for (int y = 2; y < side - 2; ++y) {
      for (int x = 2; x < side - 2; ++x) {
        double mean = 0;
        for (int v = -2; v <= 2; ++v) {
          for (int u = -2; u <= 2; ++u) {
            mean += z[static_cast<std::size_t>((y + v) * side + x + u)] / 25;
          }
        }
        score = std::max(score, mean);
      }
    }
    (line->samples()[i].good() ? good : bad).push_back(score);
  }
  double wins = 0;
  for (const double b : bad) {
    for (const double g : good) {
      wins += b > g ? 1 : (b == g ? 0.5 : 0);
    }
  }
  const double auroc = wins / static_cast<double>(good.size() * bad.size());
  EXPECT_LT(auroc, 0.80);
  EXPECT_GT(auroc, 0.50);
}

TEST(SyntheticLine, HelpNamesEveryKeyAndVariant) {
  const std::string help = synthetic_line_help();
  EXPECT_THAT(help, testing::HasSubstr("  test_defects         defective parts of each type, split test; 15\n"));
  EXPECT_THAT(help, testing::ContainsRegex("variant +standard, aligned, .*drift; standard\n"));
}

TEST(SyntheticLine, RefusesWrongUris) {
  using testing::HasSubstr;
  EXPECT_THAT(refusal("synthetic:line?sead=1"), HasSubstr("'seed' perhaps"));
  EXPECT_THAT(refusal("synthetic:line?variant=rotate"), HasSubstr("'rotated' perhaps"));
  EXPECT_THAT(refusal("synthetic:line?variant=foo"), HasSubstr("expected one of standard, aligned"));
  EXPECT_THAT(refusal("synthetic:line?family=cube"), HasSubstr("plate, disc, bracket, gear, mixed"));
  EXPECT_THAT(refusal("synthetic:line?n=-1"), HasSubstr("got '-1'; expected an integer in 0..1000000"));
  EXPECT_THAT(refusal("synthetic:line?n="), HasSubstr("value of 'n' is wrong"));
  EXPECT_THAT(refusal("synthetic:line?n=1e3"), HasSubstr("got '1e3'"));
  EXPECT_THAT(refusal("synthetic:line?seed=99999999999999999999"), HasSubstr("value of 'seed' is wrong"));
  EXPECT_THAT(refusal("synthetic:line?size=16"), HasSubstr("64..1024"));
  EXPECT_THAT(refusal("synthetic:line?size=128x"), HasSubstr("value of 'size' is wrong"));
  EXPECT_THAT(refusal("synthetic:line?lots=0"), HasSubstr("1..10000"));
  EXPECT_THAT(refusal("synthetic:line?seed=1&seed=2"), HasSubstr("key given twice"));
  EXPECT_THAT(refusal("synthetic:line?seed"), HasSubstr("has no value"));
  EXPECT_THAT(refusal("synthetic:line?n=1&&seed=1"), HasSubstr("has no value"));
  EXPECT_THAT(refusal("synthetic:plane?n=1"), HasSubstr("unknown source"));
  EXPECT_THAT(refusal("line?n=1"), HasSubstr("unknown source"));
  EXPECT_THAT(refusal("synthetic:"), HasSubstr("unknown source"));
  EXPECT_TRUE(is_synthetic("synthetic:line"));
  EXPECT_FALSE(is_synthetic("/data/synthetic"));
}

}  // namespace
}  // namespace oddity
