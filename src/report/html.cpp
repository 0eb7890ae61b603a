#include "report/html.h"

#include <cmath>

#include <fmt/core.h>
#include <nlohmann/json.hpp>

namespace oddity {
namespace {

constexpr const char* kReplacement = "\xEF\xBF\xBD";

/// Length of the valid UTF-8 sequence at `text[0]`, 0 when it is broken.
std::size_t utf8_length(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  std::size_t length = 0;
  char32_t code = 0;
  if (byte(0) < 0x80) {
    return 1;
  }
  if ((byte(0) & 0xE0) == 0xC0) {
    length = 2;
    code = byte(0) & 0x1F;
  } else if ((byte(0) & 0xF0) == 0xE0) {
    length = 3;
    code = byte(0) & 0x0F;
  } else if ((byte(0) & 0xF8) == 0xF0) {
    length = 4;
    code = byte(0) & 0x07;
  }
  if (length == 0 || text.size() < length) {
    return 0;
  }
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xC0) != 0x80) {
      return 0;
    }
    code = (code << 6) | (byte(i) & 0x3F);
  }
  const char32_t least = length == 2 ? 0x80 : length == 3 ? 0x800 : 0x10000;
  const bool surrogate = code >= 0xD800 && code <= 0xDFFF;
  return code < least || code > 0x10FFFF || surrogate ? 0 : length;
}

bool has(const nlohmann::ordered_json& object, const char* key) {
  return object.is_object() && object.contains(key) && object.at(key).is_number();
}

}  // namespace

std::string escape(std::string_view text) {
  std::string out;
  out.reserve(text.size() + 16);
  for (std::size_t i = 0; i < text.size();) {
    const std::size_t length = utf8_length(text.substr(i));
    const char c = text[i];
    if (length == 0 || (static_cast<unsigned char>(c) < 0x20 && c != '\n' && c != '\t') || c == 0x7F) {
      out += kReplacement;
      ++i;
      continue;
    }
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      case '\'':
        out += "&#39;";
        break;
      default:
        out += text.substr(i, length);
    }
    i += length;
  }
  return out;
}

std::string percent_text(double share) {
  if (!std::isfinite(share)) {
    return "-";
  }
  const double value = 100 * share;
  std::string digits;
  if (value == 0 || value == 100) {
    digits = fmt::format("{:.0f}", value);
  } else if (value > 99.95 || value < 0.001) {  // rounding must not turn almost all into all
    digits = value > 50 ? "over 99.9" : "below 0.001";
  } else {
    digits = value >= 10 ? fmt::format("{:.1f}", value) : fmt::format("{:.2g}", value);
  }
  return keep_percent(digits + " %");
}

std::string keep_percent(std::string text) {
  for (std::size_t at = text.find(" %"); at != std::string::npos; at = text.find(" %", at)) {
    text.replace(at, 1, "\xC2\xA0");
  }
  return text;
}

std::string score_text(double score) { return std::isfinite(score) ? fmt::format("{:.4g}", score) : "no number"; }

std::string share_interval_text(const nlohmann::ordered_json& rate) {
  if (!has(rate, "low") || !has(rate, "high")) {
    return "-";
  }
  return percent_text(rate.at("low").get<double>()) + " to " + percent_text(rate.at("high").get<double>());
}

std::string metric_text(const nlohmann::ordered_json& estimate) {
  if (!has(estimate, "value")) {
    const std::string why = estimate.is_object() ? estimate.value("why", "") : "";
    return fmt::format("<abbr title=\"{}\">-</abbr>", escape(why));
  }
  return fmt::format("{:.3f}", estimate.at("value").get<double>());
}

std::string metric_interval_text(const nlohmann::ordered_json& estimate) {
  if (!has(estimate, "low") || !has(estimate, "high")) {
    return "";
  }
  return fmt::format("{:.3f} to {:.3f}", estimate.at("low").get<double>(), estimate.at("high").get<double>());
}

}  // namespace oddity
