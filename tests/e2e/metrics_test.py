"""`oddity metrics` on CSV files, what is known about scores: rankings, rates, thresholds, certificates, plans, comparison and calibration."""

import itertools
import math
import struct

from harness import MetricsTest, main, run

TABLE = """file,label,score,camera
a,good,0.1,left
b,good,0.4,left
c,good,0.35,right
d,scratch,0.8,right
e,scratch,0.4,left
f,unknown,0.9,left
g,good,,right
"""
Z = 1.959963984540054  # normal quantile of 0.975


def float_below(score):
    """The largest float32 below a positive float32: the threshold that rejects it."""
    return struct.unpack("<f", struct.pack("<I", struct.unpack("<I", struct.pack("<f", score))[0] - 1))[0]


def at_most(k, n, p):
    """P(Binomial(n, p) <= k)."""
    return sum(math.comb(n, i) * p**i * (1 - p) ** (n - i) for i in range(k + 1))


def bisect(falls, low=0.0, high=1.0):
    """Where a falling condition turns from true to false."""
    for _ in range(100):
        middle = (low + high) / 2
        low, high = (middle, high) if falls(middle) else (low, middle)
    return low


def clopper_pearson(k, n, confidence=0.95):
    tail = (1 - confidence) / 2
    low = 0.0 if k == 0 else bisect(lambda p: 1 - at_most(k - 1, n, p) < tail)
    high = 1.0 if k == n else bisect(lambda p: at_most(k, n, p) > tail)
    return low, high


def wilson(k, n):
    middle, reach = (k + Z * Z / 2) / (n + Z * Z), Z / (n + Z * Z) * math.sqrt(k * (n - k) / n + Z * Z / 4)
    return middle - reach, middle + reach


def delong(a, b, labels):
    """Difference of AUROCs and its standard error by definition, from all pairs."""
    good, defect = ([i for i, label in enumerate(labels) if label == wanted] for wanted in (0, 1))

    def components(s):
        above = {(d, g): (s[d] > s[g]) + (s[d] == s[g]) / 2 for d in defect for g in good}
        return [sum(above[d, g] for g in good) / len(good) for d in defect], [sum(above[d, g] for d in defect) / len(defect) for g in good]

    def variance(x):
        mean = sum(x) / len(x)
        return sum((v - mean) ** 2 for v in x) / (len(x) - 1)

    (a_defect, a_good), (b_defect, b_good) = components(a), components(b)
    d_defect, d_good = ([x - y for x, y in zip(p, q)] for p, q in ((a_defect, b_defect), (a_good, b_good)))
    return sum(d_defect) / len(defect), math.sqrt(variance(d_defect) / len(defect) + variance(d_good) / len(good))


class Metrics(MetricsTest):
    def setUp(self):
        super().setUp()
        self.file.write_text(TABLE)

    def test_ranking(self):
        numbers, error = self.numbers("ranking", self.file)
        self.assertEqual((numbers["good"], numbers["defects"]), (3, 2))
        self.assertAlmostEqual(numbers["auroc"]["value"], 5.5 / 6)  # one tie counts half
        self.assertAlmostEqual(numbers["average_precision"]["value"], 0.5 * 1 + 0.5 * 2 / 3)
        self.assertLess(numbers["auroc"]["low"], 5.5 / 6)
        self.assertIn("1 rows without a score and 1 without a label are left out", error)
        self.assertNotIn("auroc_bootstrap", numbers)

    def test_the_bootstrap_draws_groups(self):
        rows = [("good" if i < 30 else "scratch", (i * 37 % 61) + (20 if i >= 30 else 0), i) for i in range(60)]
        self.write("label,score,part", [row for row in rows for _ in range(9)])  # nine equal views of each part
        alone, _ = self.numbers("ranking", self.file, "--bootstrap", 400)
        grouped, _ = self.numbers("ranking", self.file, "--bootstrap", 400, "--group", "part")
        for name in ("auroc", "average_precision"):
            one, other = alone[name + "_bootstrap"], grouped[name + "_bootstrap"]
            self.assertAlmostEqual(one["value"], grouped[name]["value"], 12)
            self.assertEqual((one["n"], other["n"]), (540, 60))
            # Nine equal views are one part: the interval is sqrt(9) times as wide, within the chance of 400 draws.
            ratio = (other["high"] - other["low"]) / (one["high"] - one["low"])
            self.assertTrue(2.4 < ratio < 3.6, ratio)
        self.write("label,score", [("good", 1), ("good", 2), ("scratch", 3), ("scratch", 4)])
        numbers, _ = self.numbers("ranking", self.file, "--bootstrap", 50)
        self.assertIsNone(numbers["auroc_bootstrap"]["low"])
        self.assertIn("no interval", numbers["auroc_bootstrap"]["why"])

    def test_rates_at_a_threshold_and_by_group(self):
        numbers, _ = self.numbers("rates", self.file, "--threshold", "0.4", "--group", "camera")
        self.assertEqual((numbers["escape_rate"]["k"], numbers["escape_rate"]["n"]), (1, 2))  # 0.4 itself is accepted
        self.assertEqual((numbers["overkill_rate"]["k"], numbers["overkill_rate"]["n"]), (0, 3))
        self.assertAlmostEqual(numbers["overkill_rate"]["high"], 1 - 0.025 ** (1 / 3))
        self.assertEqual(numbers["right: escape_rate"]["k"], 0)
        self.assertEqual(numbers["left: escape_rate"]["n"], 1)

    def test_threshold(self):
        self.file.write_text("label,score\n" + "".join(f"good,{i}\n" for i in range(1, 100)))
        numbers, _ = self.numbers("threshold", self.file, "--budget", "0.05")
        self.assertEqual(numbers["threshold"]["value"], 95)  # rank 100 - floor(100 x 0.05)
        self.assertEqual(numbers["certain_threshold"]["value"], 98)  # P(Beta(98, 2) < 0.95) = 0.037, of (97, 3) 0.118
        self.assertIn("needs at least 999 good parts", self.table("threshold", self.file, "--budget", "0.001"))

    def test_thresholds_have_all_digits(self):
        self.write("label,score", [("good", 0.123456789), ("good", 0), ("dent", 1)])
        self.assertIn("0.123456789", self.table("threshold", self.file, "--budget", "0.4"))  # rounded down it would reject that part too

    def test_the_table_for_people(self):
        out = self.table("rates", self.file, "--threshold", "0.4")
        self.assertIn("1 of 2", out)
        self.assertIn("Rejected when score > threshold", out)

    def test_certify(self):
        goods = [("good", 0.25 + i) for i in range(20)]
        for defects, certified, below in [(298, False, None), (299, True, 1.0), (472, True, 1.0), (473, True, 2.0)]:
            with self.subTest(defects=defects):  # (1 - 0.01)^299 <= 0.05; P(Binomial(473, 0.01) <= 1) <= 0.05
                self.write("label,score", goods + [("dent", i) for i in range(1, defects + 1)])
                numbers, _ = self.numbers("certify", self.file, "--escape", "0.01")
                self.assertEqual((numbers["certified"], numbers["defects"], numbers["defects_needed"]), (certified, defects, 299))
                if not certified:
                    self.assertNotIn("threshold", numbers)
                    continue
                self.assertEqual(numbers["threshold"]["value"], float_below(below))
                self.assertEqual(numbers["escape_rate"]["k"], int(below) - 1)
                self.assertAlmostEqual(numbers["escape_bound"]["value"], bisect(lambda p: at_most(int(below) - 1, defects, p) > 0.05))
                rejected = 20 - int(below)  # 0.25, 1.25, ... above 1 or 2
                self.assertEqual(numbers["overkill_rate"]["k"], rejected)
                self.assertAlmostEqual(numbers["overkill_rate"]["low"], clopper_pearson(rejected, 20)[0])
        out = self.table("certify", self.file, "--escape", "0.01")
        self.assertIn(str(float_below(2)), out)  # rounded to 2 it would let one more defect pass
        self.assertIn("at most 1 % of the defective parts to come escape.", out)

    def test_certify_says_what_is_needed(self):
        self.write("label,score", [("good", 0)] * 5 + [("dent", 1)] * 10)
        out = self.table("certify", self.file, "--escape", "0.01")
        self.assertIn("Not certified", out)
        self.assertIn("takes at least 299 defective parts; the file has 10.", out)
        # Both at 90 %, each at 95 %: 0.7^9 <= 0.05 for the escapes, 0.5^5 for the overkill; 0.5^4 is above.
        for good, certified in [(5, True), (4, False)]:
            self.write("label,score", [("good", 0)] * good + [("dent", 1)] * 9)
            numbers, _ = self.numbers("certify", self.file, "--escape", "0.3", "--overkill", "0.5", "--confidence", "0.9")
            self.assertEqual((numbers["certified"], numbers["good_needed"], numbers["defects_needed"]), (certified, 5, 9))
            self.assertEqual(numbers["threshold"]["value"], float_below(1))
        out = self.table("certify", self.file, "--escape", "0.3", "--overkill", "0.5", "--confidence", "0.9")
        self.assertIn("0 of 4 good parts are rejected; with none, 5 would be needed", out)
        # Two views of each part: 5 units only.
        self.write("label,score,part", [("good", 0, "g")] + [("dent", 1 + i, i // 2) for i in range(10)])
        numbers, _ = self.numbers("certify", self.file, "--escape", "0.3", "--group", "part")
        self.assertEqual((numbers["defects"], numbers["defects_needed"], numbers["certified"]), (5, 9, False))

    def test_plan(self):
        for arguments, expected in [(("--escape", "0.01"), 299), (("--escape", "0.001"), 2995), (("--escape", "0.01", "--errors", "1"), 473)]:
            numbers, _ = self.numbers("plan", *arguments)
            self.assertEqual(numbers, {"defective_parts": expected})
        self.assertIn("299 defective parts with no escape show an escape rate of at most 1 %", self.table("plan", "--escape", "0.01"))
        numbers, _ = self.numbers("plan", "--overkill", "0.1", "--rate", "0.02", "--power", "0.8", "--confidence", "0.9")
        self.assertEqual(numbers["good_parts"], 22)  # 0.9^22 <= 0.1
        parts, allowed = numbers["good_parts_with_power"], numbers["good_errors_allowed_with_power"]
        self.assertLessEqual(at_most(allowed, parts, 0.1), 0.1)
        self.assertGreaterEqual(at_most(allowed, parts, 0.02), 0.8)
        self.assertAlmostEqual(numbers["good_power"]["value"], at_most(allowed, parts, 0.02))
        for fewer in range(1, parts):  # no shorter test does both
            best = max((k for k in range(fewer) if at_most(k, fewer, 0.1) <= 0.1), default=-1)
            self.assertFalse(best >= 0 and at_most(best, fewer, 0.02) >= 0.8, fewer)
        numbers, _ = self.numbers("plan", "--width", "0.2")
        width = lambda n: clopper_pearson(n // 2, n)[1] - clopper_pearson(n // 2, n)[0]  # noqa: E731
        n = numbers["parts_for_width"]
        self.assertLessEqual(width(n + n % 2), 0.2)
        self.assertGreater(width(n - 2 - n % 2), 0.2)

    def test_compare(self):
        a = [0.1, 0.4, 0.35, 0.2, 0.5, 0.8, 0.45, 0.9, 0.3]
        b = [0.3, 0.2, 0.6, 0.1, 0.5, 0.4, 0.7, 0.55, 0.9]
        labels = [0, 0, 0, 0, 0, 1, 1, 1, 1]
        self.write("label,a,b", zip(labels, a, b))
        numbers, _ = self.numbers("compare", self.file, "--score", "a", "--other", "b", "--threshold", "0.42", "--other-threshold", "0.45")
        difference, error = delong(a, b, labels)
        self.assertAlmostEqual(numbers["auroc_difference"]["value"], difference)
        self.assertAlmostEqual(numbers["auroc"]["value"] - numbers["auroc_other"]["value"], difference)
        self.assertAlmostEqual(numbers["auroc_difference_p_value"]["value"], math.erfc(abs(difference / error) / math.sqrt(2)))
        self.assertAlmostEqual(numbers["auroc_difference"]["high"], difference + Z * error)
        # Escapes: a misses 0.3, b misses 0.4, of other parts. Overkills: both reject 0.5, b rejects 0.6 too.
        self.assertEqual((numbers["escape_rate"]["k"], numbers["escape_rate_other"]["k"], numbers["escape_rate"]["n"]), (1, 1, 4))
        self.assertEqual((numbers["escape_rate_only_in_score"], numbers["escape_rate_only_in_other"]), (1, 1))
        self.assertEqual((numbers["overkill_rate"]["k"], numbers["overkill_rate_other"]["k"], numbers["overkill_rate"]["n"]), (1, 2, 5))
        self.assertEqual(numbers["overkill_rate_mcnemar_exact_p"]["value"], 1)
        self.assertEqual(numbers["overkill_rate_mcnemar_mid_p"]["value"], 0.5)  # 2 P(X <= 0) - P(X = 0), X ~ Binomial(1, 1/2)

    def test_compare_errors(self):
        # 5 defects that only a finds, 1 that only b finds, 3 that both and 2 that none find.
        scores = [(9, 1)] * 5 + [(1, 9)] + [(9, 9)] * 3 + [(1, 1)] * 2
        self.write("label,a,b", [("dent", *pair) for pair in scores] + [("good", 2, 2)] * 4)
        numbers, _ = self.numbers("compare", self.file, "--score", "a", "--other", "b", "--threshold", 5, "--other-threshold", 5)
        escapes = numbers["escape_rate_difference"]
        both, only_a, only_b, neither, n = 2, 1, 5, 3, 11  # as escapes
        p, q = (both + only_a) / n, (both + only_b) / n
        (low_a, high_a), (low_b, high_b) = wilson(both + only_a, n), wilson(both + only_b, n)
        covariance = both * neither - only_a * only_b
        if covariance > 0:  # Newcombe's correction
            covariance = max(covariance - n / 2, 0)
        phi = covariance / math.sqrt((both + only_a) * (only_b + neither) * (both + only_b) * (only_a + neither))
        low = math.sqrt((p - low_a) ** 2 - 2 * phi * (p - low_a) * (high_b - q) + (high_b - q) ** 2)
        high = math.sqrt((q - low_b) ** 2 - 2 * phi * (q - low_b) * (high_a - p) + (high_a - p) ** 2)
        self.assertAlmostEqual(escapes["value"], p - q)
        self.assertAlmostEqual(escapes["low"], p - q - low)
        self.assertAlmostEqual(escapes["high"], p - q + high)
        self.assertAlmostEqual(numbers["escape_rate_mcnemar_exact_p"]["value"], 2 * (1 + 6) / 64)
        self.assertAlmostEqual(numbers["escape_rate_mcnemar_mid_p"]["value"], 2 * (1 + 6) / 64 - 6 / 64)

    def test_compare_by_permutations(self):
        labels, a, b = [1, 1, 1, 1, 0, 0, 0], [9, 8, 6, 7, 1, 5, 3], [1, 2, 5, 3, 4, 6, 0]
        self.write("label,a,b", zip(labels, a, b))
        ranks = [[sum(other < score for other in scores) + scores.count(score) / 2 for score in scores] for scores in (a, b)]
        differences = []
        for swapped in itertools.product((0, 1), repeat=7):  # by definition, over all exchanges
            first, second = ([ranks[which ^ swap][i] for i, swap in enumerate(swapped)] for which in (0, 1))
            pairs = [(i, j) for i in range(4) for j in range(4, 7)]
            wins = [sum((s[i] > s[j]) + (s[i] == s[j]) / 2 for i, j in pairs) for s in (first, second)]
            differences.append(wins[0] - wins[1])
        expected = sum(abs(d) >= abs(differences[0]) for d in differences) / 128
        self.assertEqual(expected, 1 / 8)
        arguments = ["compare", self.file, "--score", "a", "--other", "b"]
        exact, _ = self.numbers(*arguments, "--permutations", 128)
        self.assertEqual((exact["permutations"], exact["auroc_difference_permutation_p_value"]["value"]), (128, expected))
        drawn, _ = self.numbers(*arguments, "--permutations", 100)
        self.assertEqual(drawn["permutations"], 101)
        self.assertAlmostEqual(drawn["auroc_difference_permutation_p_value"]["value"], expected, delta=0.14)  # 4 deviations
        self.assertIn("--permutations 9999", self.table(*arguments))  # few parts
        # Each part twice, exchanged together: the same test. Exchanged one by one there would be 2^14.
        self.write("label,a,b,part", [(*row, part) for part, row in enumerate(zip(labels, a, b)) for _ in range(2)])
        grouped, _ = self.numbers(*arguments, "--permutations", 128, "--group", "part", "--bootstrap", 50)
        self.assertEqual((grouped["permutations"], grouped["auroc_difference_permutation_p_value"]["value"]), (128, expected))
        self.assertEqual(grouped["auroc_difference_bootstrap"]["n"], 7)
        self.assertAlmostEqual(grouped["auroc_difference_bootstrap"]["value"], grouped["auroc_difference"]["value"])

    def test_calibration(self):
        self.write("label,probability", [("dent" if i == 0 else "good", 0.1) for i in range(5)] + [("good" if i == 0 else "dent", 0.9) for i in range(5)])
        numbers, _ = self.numbers("calibration", self.file, "--score", "probability")
        for name in ("ece_equal_width", "ece_equal_mass", "mce_equal_width", "mce_equal_mass"):
            self.assertAlmostEqual(numbers[name]["value"], 0.1)
        self.assertAlmostEqual(numbers["squared_error_debiased_equal_width"]["value"], 0.01 - 0.16 / 4)
        parts = [numbers["brier_" + name]["value"] for name in ("reliability", "resolution", "uncertainty", "within_bins")]
        for got, expected in zip(parts, (0.01, 0.09, 0.25, 0)):
            self.assertAlmostEqual(got, expected)
        self.assertAlmostEqual(numbers["brier"]["value"], 0.17)
        error = math.sqrt((8 * (0.01 - 0.17) ** 2 + 2 * (0.81 - 0.17) ** 2) / 9 / 10)
        self.assertAlmostEqual(numbers["brier"]["high"], 0.17 + Z * error)
        self.assertEqual(numbers["brier"]["low"], 0)
        self.assertAlmostEqual(numbers["negative_log_likelihood"]["value"], -(8 * math.log(0.9) + 2 * math.log(0.1)) / 10)
        rows = [row for row in numbers["reliability"] if row["n"] > 0]
        self.assertEqual([(row["events"], row["n"]) for row in rows], [(1, 5), (4, 5)])
        self.assertAlmostEqual(rows[0]["rate_low"], clopper_pearson(1, 5)[0])
        out = self.table("calibration", self.file, "--score", "probability", "--bins", "2")
        self.assertIn("[0.005051, 0.7164]", out)
        self.write("label,probability", [("dent", 0), ("good", 0.5)])
        numbers, _ = self.numbers("calibration", self.file, "--score", "probability")
        self.assertEqual((numbers["negative_log_likelihood"]["value"], numbers["impossible"]), (None, 1))
        self.assertIn("given probability 0", numbers["negative_log_likelihood"]["why"])

    def test_every_subcommand_has_an_example_and_the_help_lists_it(self):
        code, out, _ = run("metrics", "--help")
        self.assertEqual(code, 0)
        names = ["ranking", "compare", "rates", "threshold", "certify", "plan", "calibration", "cost", "risk-coverage", "project", "detectability",
                 "drift", "outliers", "sets"]
        for name in names:
            self.assertRegex(out, rf"\n  {name} ")
            code, text, _ = run("metrics", name, "--help")
            self.assertEqual(code, 0)
            self.assertIn(f"Examples:\n  oddity metrics {name} ", text)
            self.assertIn("--json", text)

    def test_file_names_that_are_no_utf_8(self):
        self.file.write_bytes(b"label,score,camera\ngood,1,\xff\ndent,2,\xff\n")
        numbers, _ = self.numbers("rates", self.file, "--threshold", "1", "--group", "camera")
        self.assertIn("\N{REPLACEMENT CHARACTER}: escape_rate", numbers)

    def test_what_is_refused(self):
        for text, arguments, code, part in [
            (TABLE, ["ranking", "--score", "scor"], 3, "column 'scor' is missing"),
            (TABLE.replace("0.35", "high"), ["ranking"], 3, "scores.csv:4: column score must be a finite number; got 'high'"),
            (TABLE.replace("0.35", "inf"), ["ranking"], 3, "got 'inf'"),
            ("label,score\ngood,1\ngood,2\n", ["ranking"], 2, "both classes are needed"),
            ("label,score\nscratch,1\n", ["threshold"], 2, "no calibration scores"),
            ("label,score\n", ["ranking"], 3, "has no row with a score and a label"),
            (TABLE, ["rates"], 2, "--threshold is missing"),
            (TABLE, ["rates", "--threshold", "nan"], 2, "--threshold is no number; got nan"),
            (TABLE, ["threshold", "--budget", "1.5"], 2, "--budget is out of range; got 1.5"),
            (TABLE, ["ranking", "--confidence", "1"], 2, "--confidence is out of range; got 1"),
            (TABLE, ["ranking", "--bootstrap", "-1"], 2, "--bootstrap is out of range; got -1"),
            (TABLE, ["ranking", "--bootstrap", "9", "--method", "bc"], 2, "--method is unknown; got 'bc'; expected one of percentile, bca"),
            (TABLE, ["ranking", "--group", "camera"], 2, "--group needs the bootstrap"),
            (TABLE, ["ranking", "--bootstrap", "9", "--prevalence", "0.1"], 2, "got --prevalence and --bootstrap"),
            (TABLE.replace("right", ""), ["ranking", "--bootstrap", "9", "--group", "camera"], 3, "scores.csv:4: column camera must name a group; got ''"),
            (TABLE, ["compare"], 2, "--other is missing"),
            (TABLE, ["compare", "--other", "b"], 3, "column 'b' is missing"),
            (TABLE, ["compare", "--other", "score", "--threshold", "1"], 2, "--other-threshold is missing"),
            (TABLE, ["compare", "--other", "score", "--permutations", "-2"], 2, "--permutations is out of range; got -2"),
            (TABLE, ["compare", "--other", "score", "--group", "camera"], 2, "expected one of them"),
            ("label,score\ngood,1\n", ["compare", "--other", "score"], 2, "both classes are needed"),
            (TABLE, ["certify"], 2, "--escape is missing"),
            (TABLE, ["certify", "--escape", "0"], 2, "--escape is out of range; got 0"),
            (TABLE, ["certify", "--escape", "0.1", "--overkill", "1"], 2, "--overkill is out of range; got 1"),
            ("label,score\ngood,1\n", ["certify", "--escape", "0.1"], 2, "[metrics.certified_threshold]"),
            (TABLE, ["calibration", "--bins", "0"], 2, "--bins is out of range; got 0; expected 1 to 65536"),
            (TABLE, ["calibration", "--binning", "equal"], 2, "--binning is unknown; got 'equal'"),
            (TABLE.replace("0.8", "1.5"), ["calibration"], 3, "scores.csv:5: column score must be a probability; got 1.5"),
        ]:
            with self.subTest(part=part):
                self.file.write_text(text)
                self.refused([(code, part, arguments[0], self.file, *arguments[1:])])
        self.refused([
            (2, "nothing to plan", "plan"),
            (2, "--escape is out of range; got 2", "plan", "--escape", "2"),
            (2, "--errors is out of range; got -1", "plan", "--escape", "0.1", "--errors", "-1"),
            (2, "--rate is out of range; got 0.2; expected less than --escape 0.1", "plan", "--escape", "0.1", "--rate", "0.2"),
            (2, "--rate belongs to a bound", "plan", "--width", "0.1", "--rate", "0.2"),
            (2, "--power is out of range; got 1", "plan", "--escape", "0.1", "--rate", "0.01", "--power", "1"),
            (2, "--width is out of range; got 0", "plan", "--width", "0"),
            (2, "--share is out of range; got 0.7", "plan", "--width", "0.1", "--share", "0.7"),
            (2, "--share belongs to --width", "plan", "--escape", "0.1", "--share", "0.2"),
        ])


if __name__ == "__main__":
    main()
