#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include "cli/command.h"
#include "cli/support.h"
#include "core/files.h"
#include "core/log.h"
#include "core/plural.h"
#include "core/stop.h"
#include "data/dataset.h"
#include "data/decode.h"
#include "evaluation/evaluate.h"
#include "evaluation/judge_in_order.h"
#include "evaluation/verdict_text.h"
#include "report/overlay.h"

namespace oddity::cli {
namespace {

namespace fs = std::filesystem;

struct Request {
  std::string package, out, shard, overlays = "all";
  std::vector<std::string> images;
  bool json = false;
  EngineChoice engine;
};

/// Where the images come from, one entry each: a file, or a sample of a dataset that is no folder.
struct Source {
  std::string name;
  fs::path file;
  const Dataset* dataset = nullptr;
  std::size_t index = 0;
  Image load() const { return dataset != nullptr ? dataset->image(index) : decode_image(file); }
};

/// All image files below a folder, in byte order of their paths; hidden ones and masks (ground_truth) are no parts.
std::vector<fs::path> image_files(const fs::path& folder) {
  std::vector<fs::path> found;
  auto entry = fs::recursive_directory_iterator(folder);
  for (; entry != fs::recursive_directory_iterator(); ++entry) {
    const std::string name = entry->path().filename().string();
    if (entry->is_directory()) {
      if (name.starts_with(".") || name == "ground_truth") {
        entry.disable_recursion_pending();
      }
    } else if (entry->is_regular_file() && !name.starts_with(".") && has_image_extension(entry->path())) {
      found.push_back(entry->path());
    }
  }
  std::sort(found.begin(), found.end());
  if (found.empty()) {
    fail<InvalidArgument>(
        "[cli.predict] no image in the folder; got '{}'; expected .png, .jpg, .tif or .bmp files in it or below",
        folder.string());
  }
  return found;
}

struct Sources {
  std::vector<std::unique_ptr<Dataset>> datasets;
  std::vector<Source> list;
};

Sources sources_of(const std::vector<std::string>& arguments) {
  Sources sources;
  for (const std::string& argument : arguments) {
    const fs::path path = argument;
    if (fs::is_directory(path)) {
      for (const fs::path& file : image_files(path)) {
        sources.list.push_back({file.string(), file});
      }
    } else if (argument.starts_with("synthetic:") || path.extension() == ".h5") {
      const Dataset& dataset = *sources.datasets.emplace_back(open_dataset(argument));
      for (std::size_t i = 0; i < dataset.samples().size(); ++i) {
        sources.list.push_back({dataset.samples()[i].file, {}, &dataset, i});
      }
    } else if (fs::exists(path)) {
      sources.list.push_back({argument, path});
    } else {
      fail<PathError>("[cli.predict] no such image or folder; got '{}'; expected an existing path", argument);
    }
  }
  return sources;
}

struct Shard {
  std::size_t index = 1, of = 1;
};

Shard parse_shard(const std::string& text) {
  Shard shard;
  int used = 0;
  if (text.empty()) {
    return shard;
  }
  if (std::sscanf(text.c_str(), "%5zu/%5zu%n", &shard.index, &shard.of, &used) != 2 ||
      static_cast<std::size_t>(used) != text.size() || shard.index < 1 || shard.index > shard.of) {
    fail<InvalidArgument>("[cli.predict] --shard is wrong; got '{}'; expected i/n with 1 <= i <= n, such as 2/4", text);
  }
  return shard;
}

/// A file name that keeps the path of the image readable.
std::string overlay_name(const std::string& name, std::set<std::string>& taken) {
  std::string flat;
  for (const char c : fs::path(name).lexically_normal().string()) {
    flat += c == '/' || static_cast<unsigned char>(c) < 0x20 ? '_' : c;
  }
  flat.erase(0, flat.find_first_not_of("._"));
  constexpr std::size_t most = 180;  // file systems allow 255 bytes
  if (flat.size() > most) {
    flat.erase(0, flat.size() - most);
  }
  if (flat.ends_with(".png")) {
    flat.resize(flat.size() - 4);
  }
  std::string unique = flat;
  for (int i = 2; !taken.insert(unique).second; ++i) {
    unique = fmt::format("{}-{}", flat, i);
  }
  return unique + ".png";
}

/// Where `--out` goes: three results, each complete or absent.
class Results {
public:
  Results(const Request& request, const Shard& shard, const Package& package)
      : folder_(request.out), overlays_(request.overlays), package_(package) {
    if (folder_.empty()) {
      return;
    }
    make_directories(folder_);
    if (overlays_ != "none") {
      make_directories(folder_ / "overlays");
    }
    suffix_ = shard.of > 1 ? fmt::format(".{}-of-{}", shard.index, shard.of) : "";
    remove_results_of_before(shard);
    verdicts_.emplace(folder_ / fmt::format("verdicts{}.jsonl", suffix_));
  }

  bool wants_picture(const Verdict& verdict) const {
    return !folder_.empty() &&
           (overlays_ == "all" || (overlays_ == "rejected" && verdict.decision != Decision::accept));
  }

  void add(const std::string& name, const Verdict& verdict, const Image& picture) {
    if (folder_.empty()) {
      return;
    }
    verdicts_->write(verdict_json(name, verdict) + "\n");
    if (!picture.empty()) {
      write_png(folder_ / "overlays" / overlay_name(name, taken_), picture.view());
    }
    JudgedImage row;
    row.sample.file = name;
    row.sample.label = "unknown";
    row.verdict = verdict;
    row.verdict.map = {};
    row.verdict.regions.clear();
    table_.images.push_back(std::move(row));
  }

  void commit() {
    if (!folder_.empty()) {
      verdicts_->commit();
      write_file_atomic(folder_ / fmt::format("scores{}.csv", suffix_), scores_csv(table_));
    }
  }

private:
  /// Results of an earlier call into this folder, so that nothing of before stands beside what is written now: the
  /// overlays that its verdicts name and, when all images are judged at once, what shards have left. A shard touches
  /// only what the same shard wrote. Other files stay.
  void remove_results_of_before(const Shard& shard) const {
    std::error_code error;
    std::vector<fs::path> before = {folder_ / fmt::format("verdicts{}.jsonl", suffix_)};
    if (shard.of == 1) {
      for (const auto& entry : fs::directory_iterator(folder_, error)) {
        std::size_t index = 0, of = 0;
        int used = 0;
        const std::string name = entry.path().filename().string();
        if (std::sscanf(name.c_str(), "verdicts.%5zu-of-%5zu.jsonl%n", &index, &of, &used) == 2 && used > 0 &&
            static_cast<std::size_t>(used) == name.size()) {
          before.push_back(entry.path());
        }
      }
    }
    for (const fs::path& verdicts : before) {
      remove_overlays_of(verdicts);
      if (verdicts != before.front()) {
        const std::string name = verdicts.stem().string();
        fs::remove(verdicts, error);
        fs::remove(folder_ / ("scores" + name.substr(name.find('.')) + ".csv"), error);
      }
    }
  }

  void remove_overlays_of(const fs::path& verdicts) const {
    std::ifstream lines(verdicts);
    std::set<std::string> taken;
    std::error_code error;
    for (std::string line; std::getline(lines, line);) {
      const auto verdict = nlohmann::json::parse(line, nullptr, false);
      // Every name that one of them may have taken; those that were not taken are not on the disk.
      if (verdict.is_object() && verdict.contains("file") && verdict["file"].is_string()) {
        fs::remove(folder_ / "overlays" / overlay_name(verdict["file"].get<std::string>(), taken), error);
      }
    }
  }

  fs::path folder_;
  std::string overlays_, suffix_;
  const Package& package_;
  std::optional<AtomicFile> verdicts_;
  std::set<std::string> taken_;
  Judgement table_;
};

/// One image on its way from a worker to the output.
struct Slot {
  Verdict verdict;
  Image picture;
};

Image draw(const Image& image, const Verdict& verdict, const Package& package) {
  const double threshold = package.decision.pixel_threshold;
  const bool usable = std::isfinite(threshold) && threshold > 0;
  const OverlayScale scale{usable ? 0.5 * threshold : 0, usable ? 2 * threshold : 1, package.input.full_scale};
  return overlay(image.view(), usable ? verdict.map : Plane{}, verdict.regions, scale);
}

ExitCode run(const Request& request) {
  if (request.overlays != "all" && request.overlays != "rejected" && request.overlays != "none") {
    fail<InvalidArgument>("[cli.predict] unknown --overlays; got '{}'; expected all, rejected or none",
                          request.overlays);
  }
  const Shard shard = parse_shard(request.shard);
  const int workers = workers_of(request.engine);
  Sources sources = sources_of(request.images);
  std::vector<Source> mine;
  for (std::size_t i = shard.index - 1; i < sources.list.size(); i += shard.of) {
    mine.push_back(sources.list[i]);
  }
  const Engine engine = load_engine(request.package, request.engine);
  Results results(request, shard, engine.package());
  const StopOnSignal stop;

  std::vector<Slot> slots(mine.size());
  std::size_t refused = 0;
  std::size_t damaged = 0;
  std::size_t unreadable = 0;
  bool deaf = false;                   // nobody reads standard output any more
  std::array<std::size_t, 4> count{};  // by decision
  const auto judge = [&](Engine::Worker& worker, std::size_t i) {
    const Image image = mine[i].load();
    Slot& slot = slots[i];
    slot.verdict = worker.judge(image.view());
    if (results.wants_picture(slot.verdict)) {
      slot.picture = draw(image, slot.verdict, engine.package());
    }
  };
  const auto ready = [&](std::size_t i, std::exception_ptr error) {
    Slot slot = std::move(slots[i]);
    slots[i] = {};
    if (error) {
      // One bad file is a verdict of its own; the others are still judged.
      try {
        std::rethrow_exception(error);
      } catch (const ContentError& content) {
        ++damaged;
        slot.verdict.reasons = {content.what()};
      } catch (const InvalidArgument& contract) {
        ++refused;
        slot.verdict.reasons = {contract.what()};
      } catch (const Error& other) {  // unreadable, or gone since it was listed
        ++unreadable;
        slot.verdict.reasons = {other.what()};
      }
      slot.verdict.decision = Decision::error;
      slot.verdict.score = slot.verdict.p_value = std::numeric_limits<double>::quiet_NaN();
      slot.verdict.threshold = engine.package().decision.threshold;
      slot.picture = {};
    }
    try {
      if (!deaf) {
        print((request.json ? verdict_json(mine[i].name, slot.verdict) : verdict_line(mine[i].name, slot.verdict)) +
              "\n");
      }
    } catch (const OutputClosed&) {
      if (request.out.empty()) {
        throw;
      }
      deaf = true;  // the files were asked for as well
    }
    results.add(mine[i].name, slot.verdict, slot.picture);
    ++count[std::size_t(slot.verdict.decision)];
  };
  const std::size_t done = judge_in_order(engine, mine.size(), workers, judge, ready, stop.token());
  results.commit();
  log_info("{}: {} accepted, {} rejected, {} not judged", counted(done, "image"), count[std::size_t(Decision::accept)],
           count[std::size_t(Decision::reject)], count[std::size_t(Decision::error)]);
  if (done < mine.size()) {
    fail<Interrupted>("[cli.predict] stopped on request; got {} of {} images judged (their results are kept)", done,
                      mine.size());
  }
  if (unreadable > 0) {
    fail<IoError>("[cli.predict] some images cannot be read; got {} of {}; expected none (see their reasons)",
                  unreadable, mine.size());
  }
  if (damaged > 0) {
    fail<ContentError>("[cli.predict] some images are damaged; got {} of {}; expected none (see their reasons)",
                       damaged, mine.size());
  }
  if (refused > 0) {
    fail<InvalidArgument>(
        "[cli.predict] the package refuses some images; got {} of {}; expected none (see their "
        "reasons)",
        refused, mine.size());
  }
  return ExitCode::done;
}

}  // namespace

void add_predict(CLI::App& app, Chosen& chosen) {
  auto request = std::make_shared<Request>();
  CLI::App* command = add_command(
      app, "predict", "Judge images: accept or reject, where, how sure. One line an image, in the order given.",
      "  oddity predict model.oddity photo.png\n"
      "  oddity predict model.oddity today/ --out judged          scores.csv, verdicts.jsonl, overlays/\n"
      "  oddity predict model.oddity today/ --json | jq .decision\n"
      "  oddity predict model.oddity huge/ --out judged --shard 2/4\n"
      "A damaged image gets the decision `error`, the others are judged, and the exit code is 3 (2 when the package\n"
      "refuses the form of an image, such as colour). A second call into the same --out replaces scores.csv and\n"
      "verdicts.jsonl and removes the overlays of the call before; other files there stay.\n");
  command->add_option("PACKAGE", request->package, "Package file (.oddity) or run directory")->required();
  command->add_option("IMAGE", request->images, "Image files, folders of them, .h5 packs or synthetic:line?...")
      ->required();
  command->add_option("--out", request->out, "Folder for scores.csv, verdicts.jsonl and overlays/");
  command->add_option("--overlays", request->overlays, "With --out: all (default), rejected or none");
  command->add_flag("--json", request->json, "Print one JSON object a line instead of text");
  command->add_option("--shard", request->shard, "i/n: judge every n-th image from the i-th on (i from 1)");
  add_engine_options(*command, request->engine);
  command->callback([request, &chosen] { chosen = [request] { return run(*request); }; });
}

}  // namespace oddity::cli
