"""tools/bench and tools/demo_table on small results: targets that are held, missed and absent; tables of metrics with null values."""

import importlib.machinery
import importlib.util
import json
import pathlib
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]


def bench():
    loader = importlib.machinery.SourceFileLoader("bench", str(ROOT / "tools/bench"))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("bench", loader))
    loader.exec_module(module)
    return module


class Bench(unittest.TestCase):
    def test_a_table_marks_what_is_short_and_counts_what_is_held(self):
        rows = [
            {"set": "a", "auroc": 0.91234, "target": "0.90", "held": True},
            {"set": "b", "auroc": 0.5, "target": "0.98", "held": False},
            {"set": "c", "auroc": None},
        ]
        self.assertEqual(
            bench().table({"columns": ["set", "auroc"], "rows": rows}),
            ["| set | auroc | target |", "|---|---|---|", "| a | 0.9123 | 0.90 |", "| b | 0.5 | short of 0.98 |", "| c |  |  |", "", "2 targets, 1 held"],
        )

    def test_an_unknown_area_is_refused(self):
        done = subprocess.run([sys.executable, ROOT / "tools/bench", "nothing"], capture_output=True, text=True)
        self.assertEqual(done.returncode, 1)
        self.assertIn("no benchmark 'nothing'", done.stderr)


class DemoTable(unittest.TestCase):
    def run_on(self, models):
        with tempfile.TemporaryDirectory() as folder:
            for name, metrics in models.items():
                file = pathlib.Path(folder, name, "evaluation", "metrics.json")
                file.parent.mkdir(parents=True)
                file.write_text(json.dumps(metrics))
            done = subprocess.run([sys.executable, ROOT / "tools/demo_table", folder], capture_output=True, text=True)
            return done.returncode, done.stdout.splitlines()

    def test_one_line_a_model_with_its_worst_type(self):
        metrics = {
            "image": {"auroc": {"value": 0.95}},
            "pixel": {"average_precision": {"value": 0.5}, "aupro_030": {"value": None, "why": "no masks"}},
            "per_type": {"scratch": {"auroc": {"value": 0.9}}, "stain": {"auroc": {"value": 0.8}}, "x": {"auroc": {"value": None}}},
        }
        code, lines = self.run_on({"oddnet": metrics})
        self.assertEqual(code, 0)
        self.assertEqual(lines[1].split(), ["oddnet", "0.9500", "0.5000", "nan", "stain", "(0.8000)"])

    def test_no_results_is_an_error(self):
        self.assertEqual(self.run_on({})[0], 1)


if __name__ == "__main__":
    unittest.main()
