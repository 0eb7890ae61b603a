"""`oddity metrics` on CSV files, what production will see: costs, selective risk, projection, detectability, drift, outliers and prediction sets."""

import math
import random

from harness import MetricsTest, main
from metrics_test import Z, bisect, clopper_pearson, float_below

LN10 = math.log(10)


class Production(MetricsTest):
    def test_cost(self):
        self.write("label,score", [("good", 1), ("good", 2), ("good", 4), ("dent", 3), ("dent", 5), ("dent", 6)])
        costs = ["--cost-undetected-escape", 10, "--cost-overkill", 1]
        numbers, _ = self.numbers("cost", self.file, *costs, "--cost-operator", 0.1)
        self.assertEqual((numbers["good"], numbers["defects"], numbers["prevalence"]["value"]), (3, 3, 0.5))
        self.assertEqual([numbers[name + ": cost_per_part"]["value"] for name in ("accept_all", "reject_all", "operator_only")], [5, 0.5, 0.1])
        # Rejecting from 3 on costs one overkill of three: 1/6; from 5 on one escape: 5/3. Asking between saves both.
        self.assertEqual(numbers["two_way: threshold"]["value"], float_below(3))
        self.assertAlmostEqual(numbers["two_way: cost_per_part"]["in_sample"], 1 / 6)
        self.assertAlmostEqual(numbers["two_way: overkill_rate"]["value"], 1 / 3)
        self.assertAlmostEqual(numbers["two_way: benefit_over_operator"]["in_sample"], 0.1 - 1 / 6)
        self.assertEqual(numbers["three_way: ask_threshold"]["value"], float_below(3))
        self.assertEqual(numbers["three_way: threshold"]["value"], float_below(5))
        self.assertAlmostEqual(numbers["three_way: cost_per_part"]["in_sample"], 0.1 / 3)
        self.assertAlmostEqual(numbers["three_way: asked"]["value"], 1 / 3)
        for name in ("two_way: cost_per_part", "three_way: benefit_over_operator"):
            self.assertLess(numbers[name]["low"], numbers[name]["value"])
            self.assertLess(numbers[name]["value"], numbers[name]["high"])
        self.assertGreater(numbers["two_way: cost_per_part"]["value"], 1 / 6)  # corrected for the choice
        # The threshold means the same to `rates`.
        rates, _ = self.numbers("rates", self.file, "--threshold", repr(numbers["two_way: threshold"]["value"]))
        self.assertEqual((rates["escape_rate"]["k"], rates["overkill_rate"]["k"]), (0, 1))

    def test_cost_takes_every_number_of_the_model(self):
        self.write("label,score", [("good", 1), ("good", 4), ("dent", 3), ("dent", 5)])
        # Everything is accepted (an overkill is too dear): p = 0.2, s d = 0.5 x 0.8; fixed + s c_i + p (0.4 c_r + 0.6 c_u).
        arguments = ["--cost-undetected-escape", 10, "--cost-overkill", 1e6, "--cost-recalled-escape", 3, "--cost-rework", 10, "--cost-inspection", 0.25,
                     "--cost-fixed", 0.125, "--check-ratio", 0.5, "--check-detection", 0.8, "--prevalence", 0.2]  # fmt: skip
        numbers, _ = self.numbers("cost", self.file, *arguments, "--resamples", 0)
        accept = 0.5 * 0.25 + 0.2 * (0.4 * 3 + 0.6 * 10)
        self.assertAlmostEqual(numbers["accept_all: cost_per_part"]["value"], accept)
        self.assertAlmostEqual(numbers["two_way: cost_per_part"]["value"], accept + 0.125)
        self.assertEqual((numbers["two_way: threshold"]["value"], numbers["two_way: threshold"]["why"]), (None, "rejecting never pays"))
        self.assertNotIn("low", numbers["two_way: cost_per_part"])
        operator = ["--cost-undetected-escape", 10, "--cost-overkill", 4, "--cost-operator", 0.5, "--operator-escape", 0.1, "--operator-overkill", 0.05]
        numbers, _ = self.numbers("cost", self.file, *operator, "--prevalence", 0.2)
        self.assertAlmostEqual(numbers["operator_only: cost_per_part"]["value"], 0.5 + 0.2 * 0.1 * 10 + 0.8 * 0.05 * 4)
        out = self.table("cost", self.file, "--cost-undetected-escape", 10, "--cost-overkill", 1)
        self.assertIn("give --prevalence", out)
        self.assertIn("Without --cost-operator nobody can be asked", out)
        self.assertNotIn("three_way", out)

    def test_cost_keeps_an_escape_rate(self):
        self.write("label,score", [("dent", i) for i in range(1, 60)] + [("good", i - 0.5) for i in range(1, 60)])
        free, _ = self.numbers("cost", self.file, "--cost-undetected-escape", 1, "--cost-overkill", 1)
        kept, _ = self.numbers("cost", self.file, "--cost-undetected-escape", 1, "--cost-overkill", 1, "--escape", 0.05)
        self.assertGreater(free["two_way: escape_rate"]["value"], 0.05)
        self.assertEqual(kept["two_way: escape_rate"]["value"], 0)  # 0.95^59 <= 0.05, one escape needs 93 defects
        self.assertLess(kept["two_way: threshold"]["value"], 1)

    def test_cost_of_groups_is_less_certain(self):
        rows = [("dent" if i % 2 else "good", (i * 37 % 61) + 25 * (i % 2), i) for i in range(60)]
        self.write("label,score,part", [row for row in rows for _ in range(9)])
        costs = ["--cost-undetected-escape", 3, "--cost-overkill", 1]
        alone, _ = self.numbers("cost", self.file, *costs)
        grouped, _ = self.numbers("cost", self.file, *costs, "--group", "part")
        widths = [entry["high"] - entry["low"] for entry in (alone["two_way: cost_per_part"], grouped["two_way: cost_per_part"])]
        self.assertGreater(widths[1], 2 * widths[0])
        self.assertEqual(grouped["groups"], 60)
        self.assertNotIn("low", grouped["two_way: threshold"])

    def test_risk_coverage(self):
        self.write("certainty,loss", [(4, 0), (3, 0), (2, 1), (1, 0)])
        numbers, _ = self.numbers("risk-coverage", self.file, "--score", "certainty", "--loss", "loss")
        self.assertAlmostEqual(numbers["aurc"]["value"], (0 + 0 + 1 / 3 + 1 / 4) / 4)
        self.assertAlmostEqual(numbers["excess_aurc"]["value"], (1 / 3 + 1 / 4) / 4 - (1 / 4) / 4)  # the best order loses last
        self.assertAlmostEqual(numbers["augrc"]["value"], (1 - 2 / 3) * 0.75 * 0.25 + 0.25**2 / 2)
        self.assertEqual((numbers["risk"]["value"], numbers["parts"], numbers["aurc"]["n"]), (0.25, 4, 4))
        self.assertEqual([point["coverage"] for point in numbers["curve"]], [0.25, 0.5, 0.75, 1])
        self.assertLess(numbers["aurc"]["low"], numbers["aurc"]["value"])
        # The same by a threshold of 0: certainty |score|, wrong is the defect at -2.
        self.write("label,score", [("dent", 4), ("good", -3), ("dent", -2), ("good", -1)])
        by_threshold, _ = self.numbers("risk-coverage", self.file, "--threshold", 0)
        self.assertEqual(by_threshold, numbers)
        self.write("certainty,loss", [(4, 0), (3, 0), (2, 8), (1, 0)])
        scaled, _ = self.numbers("risk-coverage", self.file, "--score", "certainty", "--loss", "loss", "--largest-loss", 8)
        self.assertAlmostEqual(scaled["aurc"]["value"], 8 * numbers["aurc"]["value"])
        # Nine equal views of each part, as parts of their own, look sqrt(9) times as certain.
        draw = random.Random(4)
        rows = [("dent" if i % 2 else "good", draw.gauss(i % 2, 1), i) for i in range(60)]
        views = self.write("label,score,part", [row for row in rows for _ in range(9)], "views.csv")
        alone, _ = self.numbers("risk-coverage", views, "--threshold", 0.5)
        grouped, _ = self.numbers("risk-coverage", views, "--threshold", 0.5, "--group", "part")
        logs = [math.log(entry["high"] / entry["value"]) for entry in (alone["augrc"], grouped["augrc"])]
        self.assertAlmostEqual(logs[1] / logs[0], 3, delta=0.1)  # value exp(z se / value), but for a few in the denominators
        self.assertEqual((alone["augrc"]["n"], grouped["augrc"]["n"]), (540, 60))
        self.assertIn("Small is good", self.table("risk-coverage", self.file, "--score", "certainty", "--loss", "loss", "--largest-loss", 8))

    def test_project(self):
        self.write("label,score", [("dent", 1)] + [("dent", 3)] * 3 + [("good", 3)] + [("good", 1)] * 9)
        numbers, _ = self.numbers("project", self.file, "--threshold", 2, "--prevalence", 0.1)
        (escape_low, escape_high), (overkill_low, overkill_high) = clopper_pearson(1, 4), clopper_pearson(1, 10)
        for name, value, low, high in [
            ("escapes_per_million", 25000, 1e5 * escape_low, 1e5 * escape_high),
            ("overkill_per_million", 90000, 9e5 * overkill_low, 9e5 * overkill_high),
        ]:
            self.assertAlmostEqual(numbers[name]["value"], value, 6)
            self.assertAlmostEqual(numbers[name]["low"], low, 3)
            self.assertAlmostEqual(numbers[name]["high"], high, 3)
        self.assertAlmostEqual(numbers["escape_ppm"]["value"], 1e6 * 0.025 / (0.025 + 0.9 * 0.9), 6)
        (wide_low, wide_high), (_, most_overkill) = clopper_pearson(1, 4, 0.975), clopper_pearson(1, 10, 0.975)
        self.assertAlmostEqual(numbers["escape_ppm"]["high"], 1e6 * 0.1 * wide_high / (0.1 * wide_high + 0.9 * (1 - most_overkill)), 3)
        between, _ = self.numbers("project", self.file, "--threshold", 2, "--prevalence", 0.1, "--prevalence-low", 0.05, "--prevalence-high", 0.2)
        self.assertAlmostEqual(between["escapes_per_million"]["low"], 5e4 * escape_low, 3)
        self.assertAlmostEqual(between["escapes_per_million"]["high"], 2e5 * escape_high, 3)
        self.assertAlmostEqual(between["overkill_per_million"]["low"], 8e5 * overkill_low, 3)
        self.assertAlmostEqual(between["overkill_per_million"]["high"], 9.5e5 * overkill_high, 3)
        flagged, _ = self.numbers("project", self.file, "--threshold", 2, "--flagged", 200, "--produced", 1000)
        self.assertAlmostEqual(flagged["prevalence"]["value"], (0.2 - 0.1) / (0.75 - 0.1))  # Rogan and Gladen
        self.assertAlmostEqual(flagged["escapes_per_million"]["value"], 1e6 * 0.25 * 0.1 / 0.65, 6)
        self.assertEqual(flagged["prevalence"]["low"], 0)
        self.assertIn("Rogan and Gladen", self.table("project", self.file, "--threshold", 2, "--flagged", 200, "--produced", 1000))

    def test_detectability(self):
        found = {1: 2, 2: 9}  # of ten each
        self.write("label,size,score", [("dent", size, 5 if i < hits else 1) for size, hits in found.items() for i in range(10)] + [("good", "", 9)])
        for fit, extra in [("firth", 0.5), ("maximum_likelihood", 0)]:  # two sizes: Firth's penalty adds a half to each cell
            numbers, error = self.numbers("detectability", self.file, "--threshold", 2, "--fit", fit)
            low, high = (math.log((found[size] + extra) / (10 - found[size] + extra)) for size in (1, 2))
            slope = (high - low) / math.log(2)
            self.assertAlmostEqual(numbers["slope"]["value"], slope, 6)
            self.assertAlmostEqual(numbers["intercept"]["value"], low, 6)
            self.assertAlmostEqual(numbers["a50"]["value"], math.exp(-low / slope), 6)
            self.assertAlmostEqual(numbers["a90"]["value"], math.exp((math.log(9) - low) / slope), 6)
            self.assertGreater(numbers["a90_95"]["value"], numbers["a90"]["value"])
            self.assertEqual((numbers["found"]["k"], numbers["found"]["n"]), (11, 20))
        self.assertIn("1 good rows", error)
        even, _ = self.numbers("detectability", self.file, "--threshold", 2, "--bound-confidence", 0.5)
        self.assertAlmostEqual(even["a90_50"]["value"], even["a90"]["value"], 4)  # exceeded as often as not
        bounds = [self.numbers("detectability", self.file, "--threshold", 2, "--bound", name)[0]["a90_95"]["value"] for name in ("profile_likelihood", "wald")]
        self.assertNotAlmostEqual(*bounds, 3)
        self.assertIn("There are 20 only.", self.table("detectability", self.file, "--threshold", 2))
        self.write("length,found", [(size, int(i < hits)) for size, hits in found.items() for i in range(10)])
        by_column, _ = self.numbers("detectability", self.file, "--size", "length", "--hit", "found", "--fit", "maximum_likelihood", "--level", 0.8)
        self.assertAlmostEqual(by_column["a80"]["value"], math.exp((math.log(4) - low) / slope), 6)
        self.write("length,found", [(size, int(i >= hits)) for size, hits in found.items() for i in range(10)])
        falling, _ = self.numbers("detectability", self.file, "--size", "length", "--hit", "found")
        self.assertEqual((falling["a90"]["value"], falling["a90"]["why"]), (None, "larger defects are not found more often"))

    def test_drift(self):
        draw = random.Random(5)
        scores = [round(draw.gauss(0 if i < 300 else 1.5, 1), 1) for i in range(400)]  # rounded: with ties
        self.write("time,score", enumerate(scores))
        numbers, _ = self.numbers("drift", self.file, "--reference", 100, "--martingale", "power", "--epsilon", 0.6, "--average-run-length", 200)
        self.assertEqual((numbers["reference"], numbers["rows"], numbers["lines"][0]), (100, 300, 102))
        log_capital = most = statistic = 0.0
        first = cusum_first = None
        alarms, steps = 0, zip(numbers["p_values"], numbers["log10_capitals"], numbers["cusum"])
        for t, (p, capital, cusum) in enumerate(steps, 101):
            earlier, score = scores[: t - 1], scores[t - 1]
            above, equal = sum(s > score for s in earlier), sum(s == score for s in earlier)
            self.assertTrue(above <= p * t * (1 + 1e-12) and p * t <= (above + equal + 1) * (1 + 1e-12))
            gain = math.log(0.6 * p**-0.4)
            log_capital += gain
            most = max(most, log_capital)
            statistic = (max(statistic, 0) if t > 101 else 0) + gain
            self.assertAlmostEqual(capital, log_capital / LN10)
            self.assertAlmostEqual(cusum, statistic / LN10)
            if first is None and log_capital >= math.log(100):
                first = t - 100
            if statistic >= math.log(200):
                cusum_first, alarms, statistic = cusum_first or t - 100, alarms + 1, 0
        self.assertIsNotNone(cusum_first)
        self.assertEqual((numbers["first_alarm_row"], numbers["cusum_first_alarm_row"], numbers["cusum_alarms"]), (first, cusum_first, alarms))
        self.assertEqual(numbers["cusum_first_alarm_line"], cusum_first + 101)
        self.assertAlmostEqual(numbers["log10_capital_maximum"]["value"], most / LN10)
        self.assertAlmostEqual(numbers["drift_p_value"]["value"], min(1, math.exp(-most)))
        # A reference file is the same as first rows.
        before, after = self.write("score", [(s,) for s in scores[:100]], "before.csv"), self.write("score", [(s,) for s in scores[100:]], "after.csv")
        for name in ("jumper", "mixture"):
            together, _ = self.numbers("drift", self.file, "--reference", 100, "--martingale", name)
            apart, _ = self.numbers("drift", after, "--reference-file", before, "--martingale", name)
            self.assertEqual(together["log10_capitals"], apart["log10_capitals"])
            self.assertGreater(together["first_alarm_row"], 200)
        # No change, no alarm.
        self.write("time,score", enumerate(scores[:300]))
        calm, _ = self.numbers("drift", self.file)
        self.assertEqual((calm["first_alarm_row"], calm["first_alarm_line"], calm["rows"]), (None, None, 300))
        self.assertRegex(self.table("drift", self.file), r"first_alarm_row +-")

    def test_outliers(self):
        good = self.write("label,score", [("good", i) for i in range(1, 20)] + [("dent", 99)], "good.csv")
        self.write("file,score", [("a", 20.5), ("b", 0.5), ("c", 30), ("d", "")])
        numbers, _ = self.numbers("outliers", self.file, "--calibration", good)
        self.assertEqual(numbers["calibration"], 19)
        self.assertEqual(numbers["p_values"], [0.05, 1, 0.05])
        self.assertEqual((numbers["flagged"]["k"], numbers["flagged"]["n"]), (2, 3))  # 0.05 <= 0.1 x 2 / 3
        self.assertEqual([(row["file"], row["line"]) for row in numbers["rows"]], [("c", 4), ("a", 2)])
        self.assertAlmostEqual(numbers["rows"][0]["adjusted"], 0.05 * 3 / 2)
        self.assertEqual(numbers["calibration_needed_for_one"], 29)  # 1 / 30 <= 0.1 / 3
        self.assertEqual(numbers["good_among_flagged_at_most"], 2)  # Simes: 3 x 0.05 / 2 > 0.05 says nothing
        self.assertRegex(self.table("outliers", self.file, "--calibration", good), r"\n +4 +30 +0.05 +0.075 +c\n")
        dependent, _ = self.numbers("outliers", self.file, "--calibration", good, "--method", "benjamini_yekutieli")
        self.assertEqual(dependent["flagged"]["k"], 0)  # at 0.1 / (1 + 1/2 + 1/3)
        simes, _ = self.numbers("outliers", self.file, "--calibration", good, "--kind", "simes", "--delta", 0.2)
        half = 9  # b_1 = 1 - delta^(1/9) (19! / 10!)^(1/9) / (19! / 10!)^(1/9)
        self.assertAlmostEqual(simes["p_values"][0], 1 - 0.2 ** (1 / half))
        self.assertNotIn("good_among_flagged_at_most", simes)
        few = self.write("score", [(1,), (2,), (3,)], "few.csv")
        out = self.table("outliers", self.file, "--calibration", few, "--label", "")
        self.assertIn("No single row could be flagged, however bad: that takes 29 good calibration parts; there are 3.", out)

    def test_sets(self):
        held_out = self.write("label,a,b", [("a", f"{i / 20 + 0.01:.2f}", f"{1 - i / 20 - 0.01:.2f}") for i in range(1, 20)], "held_out.csv")
        self.write("label,a,b", [("b", 0.05, 0.95), ("a", 0.5, 0.5), ("b", 0.95, 0.05), ("", 0.2, 0.8)])
        numbers, _ = self.numbers("sets", self.file, "--classes", "a,b", "--calibration", held_out)
        # Rank 20 - floor(20 x 0.1) = 18 of 1 - p = 0.04, 0.09, ..., 0.94: 0.89, so classes from 0.11 on are in.
        self.assertAlmostEqual(numbers["threshold"]["value"], 0.89)
        self.assertEqual([row["set"] for row in numbers["sets"]], [["b"], ["a", "b"], ["a"], ["a", "b"]])
        self.assertEqual((numbers["coverage"]["k"], numbers["coverage"]["n"]), (2, 3))
        self.assertAlmostEqual(numbers["coverage"]["low"], clopper_pearson(2, 3)[0])
        self.assertEqual((numbers["coverage of b"]["k"], numbers["coverage of b"]["n"]), (1, 2))
        self.assertEqual(numbers["mean_size"]["value"], 1.5)
        self.assertAlmostEqual(numbers["mean_size"]["low"], 1.5 - Z * math.sqrt(4 * 0.25 / 3 / 4))
        self.assertEqual((numbers["full"]["k"], numbers["empty"]["k"]), (2, 0))
        self.assertAlmostEqual(numbers["promised_coverage"]["value"], 18 / 20)
        # Beta(18, 2): its cumulative is x^18 (19 - 18 x).
        self.assertAlmostEqual(numbers["promised_coverage"]["low"], bisect(lambda x: x**18 * (19 - 18 * x) < 0.025))
        certain, _ = self.numbers("sets", self.file, "--classes", "a,b", "--calibration", held_out, "--alpha", 0.2, "--delta", 0.1)
        self.assertAlmostEqual(certain["threshold"]["value"], 0.89)  # P(Beta(17, 3) < 0.8) = 0.24, of Beta(18, 2) 0.08
        few, _ = self.numbers("sets", self.file, "--classes", "a,b", "--calibration", held_out, "--alpha", 0.01)
        self.assertEqual((few["threshold"]["value"], few["full"]["k"], few["mean_size"]["low"]), (None, 4, None))
        self.assertIn("99 are needed", self.table("sets", self.file, "--classes", "a,b", "--calibration", held_out, "--alpha", 0.01))
        classes, _ = self.numbers("sets", self.file, "--classes", "a,b", "--calibration", held_out, "--class-conditional")
        self.assertAlmostEqual(classes["a: threshold"]["value"], 0.89)
        self.assertIsNone(classes["b: threshold"]["value"])  # no calibration row of b: always in
        self.assertTrue(all("b" in row["set"] for row in classes["sets"]))

    def test_sets_by_other_scores(self):
        held_out = self.write("label,a,b", [("a", f"{i / 20 + 0.01:.2f}", f"{1 - i / 20 - 0.01:.2f}") for i in range(1, 20)], "held_out.csv")
        self.write("a,b", [(0.05, 0.95), (0.5, 0.5), (0.95, 0.05)])
        common = ["--classes", "a,b", "--calibration", held_out, "--alpha", 0.4]  # rank 20 - 8 = 12
        margin, _ = self.numbers("sets", self.file, *common, "--score", "margin")
        self.assertAlmostEqual(margin["threshold"]["value"], 0.59 - 0.41)  # 1 - p = 0.04, 0.09, ..., 0.59; margin (1 - p) - p
        self.assertEqual([row["set"] for row in margin["sets"]], [["b"], ["a", "b"], ["a"]])
        self.assertNotIn("coverage", margin)  # no column of labels
        self.assertIn("its coverage is not known", self.table("sets", self.file, *common))
        # Ten rows rank a first, with masses 0.51 to 0.96; nine rank it second, with mass 1 and one rank beyond the free one.
        aps, _ = self.numbers("sets", self.file, *common, "--score", "aps", "--not-randomized")
        self.assertAlmostEqual(aps["threshold"]["value"], 1)
        raps, _ = self.numbers("sets", self.file, *common, "--score", "raps", "--penalty", 0.5, "--free-ranks", 1, "--not-randomized")
        self.assertAlmostEqual(raps["threshold"]["value"], 1.5)
        one, two = (self.numbers("sets", self.file, *common, "--score", "aps", "--seed", seed)[0] for seed in (1, 2))
        self.assertNotEqual(one["threshold"], two["threshold"])

    def test_confidence_reaches_every_interval(self):
        draw = random.Random(3)
        rows = []
        for i in range(80):
            defect, p = i % 2, round(draw.betavariate(3, 2) if i % 2 else draw.betavariate(2, 3), 3)
            rows.append(("dent" if defect else "good", p, round(draw.random(), 3), round(p + draw.random(), 3), "ab"[i // 2 % 2], p, round(1 - p, 3)))
        self.write("label,score,other,size,class,a,b", rows)
        costs = ["--cost-undetected-escape", 3, "--cost-overkill", 1, "--cost-operator", 0.1]
        for name, *arguments in [
            ("ranking", "--bootstrap", 500),
            ("rates", "--threshold", 0.5),
            ("threshold", "--budget", 0.1),
            ("certify", "--escape", 0.5),
            ("compare", "--other", "other", "--threshold", 0.5, "--other-threshold", 0.5, "--bootstrap", 500),
            ("calibration", "--bins", 4),
            ("cost", *costs),
            ("risk-coverage", "--threshold", 0.5),
            ("project", "--threshold", 0.5, "--flagged", 300, "--produced", 600),
            ("detectability", "--threshold", 0.5),
            ("sets", "--classes", "a,b", "--label", "class", "--calibration", self.file),
        ]:
            with self.subTest(name=name):
                wide, _ = self.numbers(name, self.file, *arguments, "--confidence", 0.99)
                narrow, _ = self.numbers(name, self.file, *arguments, "--confidence", 0.6)
                seen = 0
                for key, entry in wide.items():
                    ends = [(e["low"], e["high"]) for e in (entry, narrow.get(key)) if isinstance(e, dict) and "low" in e]
                    if len(ends) == 2 and None not in (*ends[0], *ends[1]) and entry["value"] == narrow[key]["value"]:
                        seen += 1
                        self.assertLess(ends[1][1] - ends[1][0], ends[0][1] - ends[0][0], key)
                for one, other in zip(wide.get("reliability", []), narrow.get("reliability", [])):
                    self.assertLess(other["rate_high"] - other["rate_low"], one["rate_high"] - one["rate_low"])
                self.assertTrue(seen > 0 or name == "certify", narrow)
                if name == "certify":  # less confidence, fewer overkills
                    self.assertGreater(narrow["threshold"]["value"], wide["threshold"]["value"])

    def test_what_is_refused(self):
        scores = self.write("label,score,part,size", [("good", 1, "", 1), ("dent", 2, "p", 0.5), ("dent", 3, "q", -1)])
        shares = self.write("label,a,b", [("a", 0.5, 0.5), ("c", 0.5, 0.5)], "shares.csv")
        sums = self.write("label,a,b", [("a", 0.5, 0.6)], "sums.csv")
        costs = ["--cost-undetected-escape", 1, "--cost-overkill", 1]
        self.refused([
            (2, "--cost-undetected-escape is missing", "cost", scores),
            (2, "--cost-overkill is missing", "cost", scores, "--cost-undetected-escape", 1),
            (2, "--cost-overkill is out of range; got -1", "cost", scores, "--cost-undetected-escape", 1, "--cost-overkill", -1),
            (2, "--check-ratio is out of range; got 2; expected 0 to 1", "cost", scores, *costs, "--check-ratio", 2),
            (2, "--cost-operator is out of range; got nan", "cost", scores, *costs, "--cost-operator", "nan"),
            (2, "got no --cost-operator", "cost", scores, *costs, "--operator-escape", 0.1),
            (2, "--prevalence is out of range; got 0", "cost", scores, *costs, "--prevalence", 0),
            (2, "--confidence is out of range; got 0.2", "cost", scores, *costs, "--confidence", 0.2),
            (2, "--resamples is out of range; got -1", "cost", scores, *costs, "--resamples", -1),
            (2, "--escape takes rows as independent", "cost", scores, *costs, "--escape", 0.1, "--group", "part"),
            (3, "scores.csv:2: column part must name a group", "cost", scores, *costs, "--group", "part"),
            (2, "got neither --threshold nor --loss", "risk-coverage", scores),
            (2, "got both --threshold and --loss", "risk-coverage", scores, "--threshold", 1, "--loss", "size"),
            (2, "--largest-loss is out of range; got 0", "risk-coverage", scores, "--loss", "score", "--largest-loss", 0),
            (2, "--largest-loss belongs to --loss", "risk-coverage", scores, "--threshold", 1, "--largest-loss", 2),
            (2, "[metrics.selective_risk]", "risk-coverage", scores, "--loss", "score"),
            (2, "--threshold is missing", "project", scores, "--prevalence", 0.1),
            (2, "got nothing; expected --prevalence, or --flagged", "project", scores, "--threshold", 1),
            (2, "got --prevalence and --flagged", "project", scores, "--threshold", 1, "--prevalence", 0.1, "--flagged", 1, "--produced", 2),
            (2, "got one of --flagged and --produced", "project", scores, "--threshold", 1, "--flagged", 1),
            (2, "--flagged is out of range; got 3; expected 0 to 2", "project", scores, "--threshold", 1, "--flagged", 3, "--produced", 2),
            (2, "--prevalence is out of range; got 1", "project", scores, "--threshold", 1, "--prevalence", 1),
            (2, "--prevalence-low is out of range; got 0.3", "project", scores, "--threshold", 1, "--prevalence", 0.1, "--prevalence-low", 0.3,
             "--prevalence-high", 0.4),
            (2, "got one of --prevalence-low", "project", scores, "--threshold", 1, "--prevalence", 0.1, "--prevalence-low", 0.05),
            (2, "got neither; expected --threshold or --hit", "detectability", scores),
            (2, "--level is out of range; got 1", "detectability", scores, "--threshold", 1, "--level", 1),
            (2, "--bound-confidence is out of range; got 0.4", "detectability", scores, "--threshold", 1, "--bound-confidence", 0.4),
            (2, "--fit is unknown; got 'ml'", "detectability", scores, "--threshold", 1, "--fit", "ml"),
            (2, "--bound is unknown; got 'x'", "detectability", scores, "--threshold", 1, "--bound", "x"),
            (3, "scores.csv:4: column size must be a size above 0; got -1", "detectability", scores, "--threshold", 1),
            (3, "column score must be 1 (found) or 0 (missed); got 2", "detectability", scores, "--hit", "score"),
            (2, "got --reference and --reference-file", "drift", scores, "--reference", 1, "--reference-file", scores),
            (2, "--reference is out of range; got -1", "drift", scores, "--reference", -1),
            (2, "--reference leaves no row to judge; got 3", "drift", scores, "--reference", 3),
            (2, "--alpha is out of range; got 1", "drift", scores, "--alpha", 1),
            (2, "--average-run-length is out of range; got 0.5", "drift", scores, "--average-run-length", 0.5),
            (2, "--martingale is unknown; got 'x'; expected one of jumper, power, mixture", "drift", scores, "--martingale", "x"),
            (2, "--epsilon is out of range; got 1", "drift", scores, "--epsilon", 1),
            (2, "--jump is out of range; got 0", "drift", scores, "--jump", 0),
            (3, "column 'score' is missing", "drift", shares),
            (2, "--calibration is missing", "outliers", scores),
            (2, "--fdr is out of range; got 0", "outliers", scores, "--calibration", scores, "--fdr", 0),
            (2, "--delta is out of range; got 1", "outliers", scores, "--calibration", scores, "--delta", 1),
            (2, "--kind is unknown; got 'x'", "outliers", scores, "--calibration", scores, "--kind", "x"),
            (2, "--method is unknown; got 'x'", "outliers", scores, "--calibration", scores, "--method", "x"),
            (3, "has no good part to calibrate with; got 3 defects", "outliers", scores, "--calibration", scores, "--good", "fine"),
            (2, "--calibration is missing", "sets", shares, "--classes", "a,b"),
            (2, "--classes must name the columns of probabilities; got ''", "sets", shares, "--calibration", shares),
            (2, "got 'a,a'; expected two or more different names", "sets", shares, "--calibration", shares, "--classes", "a,a"),
            (3, "column 'd' is missing", "sets", shares, "--calibration", shares, "--classes", "a,d"),
            (3, "shares.csv:3: column label must name a class; got 'c'; expected one of a, b", "sets", sums, "--calibration", shares, "--classes", "a,b"),
            (3, "sums.csv:2: probabilities of the classes must sum to 1; got 1.1", "sets", sums, "--calibration", sums, "--classes", "a,b"),
            (3, "sums.csv:2: column label must name", "sets", sums, "--calibration", sums, "--classes", "b,label"),
            (2, "--alpha is out of range; got 0", "sets", sums, "--calibration", sums, "--classes", "a,b", "--alpha", 0),
            (2, "--delta is out of range; got 1", "sets", sums, "--calibration", sums, "--classes", "a,b", "--delta", 1),
            (2, "--score is unknown; got 'x'; expected one of lac, aps, raps, margin", "sets", sums, "--calibration", sums, "--classes", "a,b", "--score", "x"),
            (2, "belong to raps, which needs both; got --score raps without --penalty", "sets", sums, "--calibration", sums, "--classes", "a,b", "--score", "raps"),
            (2, "got --score lac with --penalty", "sets", sums, "--calibration", sums, "--classes", "a,b", "--penalty", 1),
            (2, "--penalty is out of range; got 0", "sets", sums, "--calibration", sums, "--classes", "a,b", "--score", "raps", "--penalty", 0, "--free-ranks", 1),
        ])  # fmt: skip


if __name__ == "__main__":
    main()
