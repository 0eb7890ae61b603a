#pragma once

#include "oddity/metrics/cost_model.h"

namespace oddity::metrics::detail {

/// Refuse what the headers say is refused; `function` is named in the message.
void require_cost_model(const char* function, const CostModel& model);
/// At least one right decision is not dearer than the error in its place.
void require_right_way_round(const char* function, const CostModel& model);
void require_line_rates(const char* function, const LineRates& rates);

}  // namespace oddity::metrics::detail
