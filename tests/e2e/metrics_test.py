"""`oddity metrics` on CSV files: values by hand, groups, JSON, and what it refuses."""

import unittest

from harness import MetricsTest, run

TABLE = """file,label,score,camera
a,good,0.1,left
b,good,0.4,left
c,good,0.35,right
d,scratch,0.8,right
e,scratch,0.4,left
f,unknown,0.9,left
g,good,,right
"""


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
        code, out, _ = run("metrics", "threshold", self.file, "--budget", "0.001")
        self.assertEqual(code, 0)
        self.assertIn("needs at least 999 good parts", out)

    def test_the_table_for_people(self):
        code, out, _ = run("metrics", "rates", self.file, "--threshold", "0.4")
        self.assertEqual(code, 0)
        self.assertIn("1 of 2", out)
        self.assertIn("Rejected when score > threshold", out)

    def test_thresholds_have_all_digits(self):
        self.write("label,score", [("good", 0.123456789), ("good", 0), ("dent", 1)])
        code, out, _ = run("metrics", "threshold", self.file, "--budget", "0.4")
        self.assertEqual(code, 0)
        self.assertIn("0.123456789", out)  # rounded down it would reject that part too

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
        ]:
            with self.subTest(part=part):
                self.file.write_text(text)
                got, out, error = run("metrics", arguments[0], self.file, *arguments[1:])
                self.assertEqual(got, code, error)
                self.assertIn(part, error)
                self.assertEqual(out, "")


if __name__ == "__main__":
    unittest.main(verbosity=2)
