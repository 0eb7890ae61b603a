#include "evaluation/verdict_text.h"

#include <cmath>
#include <optional>

#include <fmt/core.h>
#include <nlohmann/json.hpp>

namespace oddity {
namespace {

using Json = nlohmann::ordered_json;

Json number(double value) { return std::isfinite(value) ? Json(value) : Json(nullptr); }
Json number(const std::optional<double>& value) { return value ? number(*value) : Json(nullptr); }

Json to_json(const Region& region) {
  Json contour = Json::array();
  for (const auto& [x, y] : region.contour) {
    contour.push_back(Json::array({x, y}));
  }
  return {{"box", Json::array({region.x0, region.y0, region.x1, region.y1})},
          {"area_px", region.area_px},
          {"score", number(region.score)},
          {"centroid", Json::array({region.centroid_x, region.centroid_y})},
          {"width_mm", number(region.width_mm)},
          {"height_mm", number(region.height_mm)},
          {"area_mm2", number(region.area_mm2)},
          {"contour", std::move(contour)}};
}

}  // namespace

std::string verdict_json(const std::string& file, const Verdict& verdict) {
  Json regions = Json::array();
  for (const Region& region : verdict.regions) {
    regions.push_back(to_json(region));
  }
  const Json out = {{"file", file},
                    {"decision", name_of(verdict.decision)},
                    {"score", number(verdict.score)},
                    {"threshold", number(verdict.threshold)},
                    {"p_value", number(verdict.p_value)},
                    {"reasons", verdict.reasons},
                    {"type", verdict.defect_type ? Json(*verdict.defect_type) : Json(nullptr)},
                    {"probability", number(verdict.probability)},
                    {"difficulty", number(verdict.difficulty)},
                    {"ood_score", number(verdict.ood_score)},
                    {"regions", std::move(regions)},
                    {"milliseconds", number(verdict.milliseconds)}};
  return out.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::string verdict_line(const std::string& file, const Verdict& verdict) {
  if (verdict.decision == Decision::error) {
    return fmt::format("{:<7} {}{}{}", name_of(verdict.decision), file, verdict.reasons.empty() ? "" : "  ",
                       verdict.reasons.empty() ? "" : verdict.reasons.front());
  }
  const char* side = verdict.score > verdict.threshold ? ">" : "<=";
  std::string line = fmt::format("{:<7} score {:<10.5g} {:<2} {:<10.5g} p {:<8.3g} {} region{}  {}",
                                 name_of(verdict.decision), verdict.score, side, verdict.threshold, verdict.p_value,
                                 verdict.regions.size(), verdict.regions.size() == 1 ? " " : "s", file);
  // The first reason of a reject is the comparison that the line shows.
  for (std::size_t i = verdict.decision == Decision::reject ? 1 : 0; i < verdict.reasons.size(); ++i) {
    line += "  " + verdict.reasons[i];
  }
  return line;
}

}  // namespace oddity
