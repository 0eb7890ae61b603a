#pragma once

#include <string>
#include <string_view>

#include <nlohmann/json_fwd.hpp>

/// Small pieces of text for the report: everything that comes from data goes through `escape`.
namespace oddity {

/// `&`, `<`, `>` and quotes as entities; control characters and broken UTF-8 as U+FFFD, so that the page stays valid.
std::string escape(std::string_view text);

std::string percent_text(double share);      ///< "1.7 %"; three significant digits, "0 %" and "100 %" plain
std::string keep_percent(std::string text);  ///< a number and its "%" stay on one line
std::string score_text(double score);        ///< four significant digits
std::string share_interval_text(const nlohmann::ordered_json& rate);  ///< "0.2 % to 5.9 %", or "-" when there is none
std::string metric_text(const nlohmann::ordered_json& estimate);      ///< "0.953", or "-" with the reason as a tooltip
std::string metric_interval_text(const nlohmann::ordered_json& estimate);  ///< "0.921 to 0.978", or ""

}  // namespace oddity
