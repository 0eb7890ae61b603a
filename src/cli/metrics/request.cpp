#include "cli/metrics/request.h"

#include <algorithm>
#include <cmath>

#include <fmt/core.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include "cli/support.h"

namespace oddity::cli {
namespace {

bool is_threshold(const std::string& key) { return key.ends_with("threshold") || key.ends_with("_from"); }

std::string text_of(const Json& value, bool all_digits) {
  if (!value.is_number_float()) {
    return value.is_null() ? "-" : value.dump();
  }
  return all_digits ? fmt::format("{}", value.get<double>()) : fmt::format("{:.6g}", value.get<double>());
}

std::vector<std::string> row_of(const std::string& key, const Json& entry) {
  const bool all_digits = is_threshold(key);
  if (!entry.is_object()) {
    return {key, text_of(entry, all_digits), "", ""};
  }
  const auto text = [&](const char* name) { return entry.contains(name) ? text_of(entry[name], all_digits) : "-"; };
  std::string interval;
  if (entry.contains("why")) {
    interval = entry["why"].get<std::string>();
  } else if (entry.contains("low")) {
    interval = fmt::format("[{}, {}]", text("low"), text("high"));
  }
  std::string n;
  if (entry.contains("k")) {
    n = fmt::format("{} of {}", text("k"), text("n"));
  } else if (entry.contains("n")) {
    n = text("n");
  }
  return {key, text("value"), interval, n};
}

}  // namespace

void require_between_0_and_1(const char* name, double value) {
  if (!(value > 0 && value < 1)) {
    fail<InvalidArgument>("[cli.metrics] {} is out of range; got {}; expected a number between 0 and 1, not 0 or 1",
                          name, value);
  }
}

void require_between_0_and_1(const char* name, const std::optional<double>& value) {
  if (value) {
    require_between_0_and_1(name, *value);
  }
}

void require_range(const char* name, double value, double low, double high) {
  if (!(value >= low && value <= high)) {
    fail<InvalidArgument>("[cli.metrics] {} is out of range; got {}; expected {} to {}", name, value, low, high);
  }
}

void require_range(const char* name, std::int64_t value, std::int64_t low, std::int64_t high) {
  if (value < low || value > high) {
    fail<InvalidArgument>("[cli.metrics] {} is out of range; got {}; expected {} to {}", name, value, low, high);
  }
}

double require_given(const char* name, const std::optional<double>& value, const char* expected) {
  if (!value) {
    fail<InvalidArgument>("[cli.metrics] {} is missing; expected {}", name, expected);
  }
  if (std::isnan(*value)) {
    fail<InvalidArgument>("[cli.metrics] {} is no number; got {}; expected {}", name, *value, expected);
  }
  return *value;
}

std::size_t require_word(const char* name, const std::string& value, std::initializer_list<const char*> words) {
  const auto at = std::find(words.begin(), words.end(), value);
  if (at == words.end()) {
    fail<InvalidArgument>("[cli.metrics] {} is unknown; got '{}'; expected one of {}", name, value,
                          fmt::join(words.begin(), words.end(), ", "));
  }
  return static_cast<std::size_t>(at - words.begin());
}

Json plain(double value, const char* why) {
  Json out = {{"value", value}};
  if (why != nullptr && !std::isfinite(value)) {
    out["why"] = why;
  }
  return out;
}

Json estimate(double value, double low, double high, const char* why) {
  Json out = plain(value, why);
  out["low"] = low;
  out["high"] = high;
  if (why != nullptr && !(std::isfinite(low) && std::isfinite(high))) {
    out["why"] = why;
  }
  return out;
}

Json share(double value, double low, double high, std::uint64_t k, std::uint64_t n) {
  Json out = estimate(value, low, high);
  out["k"] = k;
  out["n"] = n;
  return out;
}

Json counted(std::uint64_t k, std::uint64_t n) {
  Json out = plain(double(k) / double(n));
  out["k"] = k;
  out["n"] = n;
  return out;
}

void show(const Request& request, const Json& numbers, const std::string& note) {
  if (request.json) {
    print(numbers.dump(2, ' ', false, Json::error_handler_t::replace) + "\n");  // file names may be no UTF-8
    return;
  }
  std::vector<std::vector<std::string>> rows = {{"metric", "value", "", "n"}};
  for (const auto& [key, entry] : numbers.items()) {
    if (entry.is_array()) {
      continue;
    }
    rows.push_back(row_of(key, entry));
    if (entry.is_object() && entry.contains("low")) {
      rows.front()[2] = fmt::format("{:g} % interval", 100 * request.confidence);
    }
  }
  print(text_table(rows, {false, true, false, false}) + note);
}

void add_confidence_option(CLI::App& command, Request& request) {
  command.add_option("--confidence", request.confidence, "Of the intervals (default 0.95)");
}

void add_json_flag(CLI::App& command, Request& request) { command.add_flag("--json", request.json, "Print JSON"); }

void add_file_options(CLI::App& command, FileRequest& request) {
  command.add_option("FILE", request.file, "CSV file with a header, such as scores.csv of an evaluation")->required();
  command.add_option("--score", request.columns.score, "Column of scores (default: score); larger is more anomalous");
  command.add_option("--label", request.columns.label, "Column of labels (default: label)");
  command.add_option("--good", request.columns.good, "Label of a good part (default: good; 0 is good too)");
}

void fail_as_wrong_use(const std::invalid_argument& error) { fail<InvalidArgument>("{}", error.what()); }

}  // namespace oddity::cli
