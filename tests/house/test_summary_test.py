"""tools/test_summary on reports as ctest writes them: counts, exit codes, and that an empty run is never green."""

import pathlib
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
PASSED = '<testcase name="a" status="run"><system-out>ok</system-out></testcase>'
FAILED = '<testcase name="b" status="fail"><failure message=""/><system-out>boom here</system-out></testcase>'
SKIPPED = (
    '<testcase name="c" status="notrun"><skipped message="SKIP_REGULAR_EXPRESSION_MATCHED"/>'
    "<system-out>/x/y_test.cpp:7: Skipped\nno GPU here\n</system-out></testcase>"
)
SKIPPED_BY_CODE = '<testcase name="d" status="notrun"><skipped message="SKIP_RETURN_CODE=77"/><system-out>no git</system-out></testcase>'
MISSING = '<testcase name="e" status="notrun"><skipped message="Unable to find executable"/><system-out/></testcase>'


def run(*bodies):
    with tempfile.TemporaryDirectory() as folder:
        files = []
        for number, body in enumerate(bodies):
            files.append(pathlib.Path(folder, f"{number}.xml"))
            files[-1].write_text(body)
        done = subprocess.run([sys.executable, ROOT / "tools/test_summary", *files], capture_output=True, text=True)
        return done.returncode, done.stdout.splitlines()


def suite(*cases):
    return f'<?xml version="1.0"?><testsuite name="x">{"".join(cases)}</testsuite>'


class TestSummary(unittest.TestCase):
    def test_counts_over_files(self):
        code, lines = run(suite(PASSED, SKIPPED), suite(PASSED, SKIPPED_BY_CODE))
        self.assertEqual((code, lines[-1]), (0, "2 passed, 0 failed, 2 skipped"))
        self.assertIn("skipped c: no GPU here", lines)
        self.assertIn("skipped d: no git", lines)

    def test_failures(self):
        code, lines = run(suite(PASSED, FAILED))
        self.assertEqual((code, lines[-1]), (1, "1 passed, 1 failed, 0 skipped"))
        self.assertTrue(any("boom here" in line for line in lines))

    def test_a_program_that_is_missing_is_a_failure(self):
        code, lines = run(suite(PASSED, MISSING))
        self.assertEqual((code, lines[-1]), (1, "1 passed, 1 failed, 0 skipped"))

    def test_an_empty_run_is_not_green(self):
        self.assertEqual(run(suite()), (1, ["0 passed, 0 failed, 0 skipped"]))
        self.assertEqual(run(suite(SKIPPED))[0], 1)

    def test_a_damaged_report_is_a_failure(self):
        code, lines = run(suite(PASSED), "<testsuite><testcase")
        self.assertEqual((code, lines[-1]), (1, "1 passed, 1 failed, 0 skipped"))


if __name__ == "__main__":
    unittest.main()
