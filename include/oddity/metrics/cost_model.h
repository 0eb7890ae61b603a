#pragma once

/// What a decision on a part costs. A model sees the part and accepts it, asks an operator, or rejects it; a share of
/// what is accepted goes through a post-production check. An error is an escape (defective part accepted) or an
/// overkill (good part rejected). Small costs are good. All functions throw std::invalid_argument for NaN, for a cost
/// outside [0, 1e100], and for a rate outside [0, 1].
namespace oddity::metrics {

/// Costs are per event in one currency, in [0, 1e100]; ratios are in [0, 1]. The cost of rework is what a
/// defective part costs when it is found in time; material and making are not part of it.
struct CostModel {
  double check_ratio = 0;             ///< s: share of the accepted parts that the post-production check looks at
  double check_detection = 1;         ///< d: probability that the check finds a defect that it looks at
  double cost_recalled_escape = 0;    ///< an escape that the check finds
  double cost_undetected_escape = 0;  ///< an escape that nobody finds before the customer
  double cost_rework = 0;             ///< a defective part that was rejected
  double cost_overkill = 0;           ///< a good part that was rejected
  double cost_operator = 0;           ///< one part judged by an operator
  double cost_inspection = 0;         ///< one part looked at by the post-production check
  double operator_escape = 0;         ///< P(operator accepts | defective part that the operator is asked about)
  double operator_overkill = 0;       ///< P(operator rejects | good part that the operator is asked about)
  double cost_fixed = 0;              ///< of having the model at all, per part: what it costs to own, amortised
};

/// Expected costs of the three actions on one part, without cost_fixed.
struct ActionCosts {
  double accept = 0, ask = 0, reject = 0;
};

/// Expected cost of an escape, c_E = s d c_recalled + (1 - s d) c_undetected.
double escape_cost(const CostModel& model);

/// Expected costs for a part that is defective with `probability` p in [0, 1]:
///   accept  p c_E + s c_inspection
///   ask     c_operator + p [e (c_E + s c_inspection) + (1 - e) c_rework]
///                      + (1 - p) [o c_overkill + (1 - o) s c_inspection]
///   reject  p c_rework + (1 - p) c_overkill
/// with the operator's escape e and overkill o. The check costs on every accepted part, whoever accepted it.
ActionCosts action_costs(const CostModel& model, double probability);

/// Where the cheapest action changes with the probability that a part is defective. With D = c_E + s c_inspection -
/// c_rework (what an escape costs above a find) and G = c_overkill - s c_inspection (what an overkill costs above an
/// acceptance):
///   reject against accept  t* = G / (G + D)
///   ask against accept     t1 = (c_operator + o G) / ((1 - e) D + o G)
///   reject against ask     t2 = ((1 - o) G - c_operator) / ((1 - o) G + e D)
/// Asking pays somewhere if and only if t1 < t2, that is c_operator < (1 - e - o) D G / (D + G).
struct ProbabilityThresholds {
  double two_way = 0;  ///< t*: reject from here on; +infinity when accepting is never dearer (D < 0, or D = G = 0)
  double ask = 0;      ///< t1: ask from here on; equal to two_way when asking never pays
  double reject = 0;   ///< t2: reject from here on; equal to two_way when asking never pays
  bool ask_pays = false;
  double largest_operator_cost = 0;  ///< asking pays somewhere as long as cost_operator is below this
};
/// Also throws where both D < 0 and G < 0: then the model should reject what looks good and accept what looks bad.
ProbabilityThresholds probability_thresholds(const CostModel& model);

/// What a line does with its parts. The remaining shares are defective parts that the model rejects and good parts that
/// it accepts.
struct LineRates {
  double prevalence = 0;        ///< share of defective parts in production
  double accepted_defects = 0;  ///< P(model accepts | defective)
  double asked_defects = 0;     ///< P(model asks | defective)
  double rejected_good = 0;     ///< P(model rejects | good)
  double asked_good = 0;        ///< P(model asks | good)
};

/// Expected cost per part by its causes, and the rates of the whole line (model and operator).
struct LineCost {
  double total = 0;                  ///< sum of the following seven
  double fixed = 0;                  ///< cost_fixed
  double operation = 0;              ///< cost_operator P(asked)
  double inspection = 0;             ///< s cost_inspection P(accepted)
  double recalled_escapes = 0;       ///< prevalence escape s d cost_recalled_escape
  double undetected_escapes = 0;     ///< prevalence escape (1 - s d) cost_undetected_escape
  double rework = 0;                 ///< prevalence (1 - escape) cost_rework
  double overkill_parts = 0;         ///< (1 - prevalence) overkill cost_overkill
  double escape = 0;                 ///< accepted_defects + asked_defects e
  double overkill = 0;               ///< rejected_good + asked_good o
  double asked = 0, accepted = 0;    ///< shares of all parts; accepted by model or operator
  double escape_ppm = 0;             ///< defective parts per million accepted; NaN when nothing is accepted
  double undetected_escape_ppm = 0;  ///< of these, what the check does not find; NaN when nothing is accepted
};
/// Also throws where the shares of a class sum to more than 1 (by over 1e-9).
LineCost line_cost(const CostModel& model, const LineRates& rates);

/// Expected cost per part of doing without the model, hence without cost_fixed.
struct BaselineCosts {
  double operator_only = 0;  ///< an operator judges every part, with the operator's rates of the model
  double accept_all = 0;
  double reject_all = 0;
};
BaselineCosts baseline_costs(const CostModel& model, double prevalence);

/// The cost is linear in check_ratio while decisions stay as they are, and its minimum over decisions is concave in it:
/// the best ratio is always an end of [floor, 1].
struct CheckRatio {
  double ratio = 0;  ///< 1 where checking pays, otherwise `floor`
  double slope = 0;  ///< d cost / d check_ratio = P(accepted) c_inspection - prevalence escape d (c_und - c_rec)
  double largest_inspection_cost = 0;  ///< checking pays below this: P(defective | accepted) d (c_und - c_rec); NaN
                                       ///< when nothing is accepted
  LineCost cost;                       ///< at `ratio`
};
/// `floor` in [0, 1] is what must be checked to know the escape rate at all (verification_plan in verification.h says
/// how much); with floor 0 the escape rate of later production cannot be estimated.
CheckRatio optimal_check_ratio(const CostModel& model, const LineRates& rates, double floor);

}  // namespace oddity::metrics
