"""The wheel: built without isolation against the LibTorch of this build, unpacked into an empty folder, and used from there."""

import os
import pathlib
import subprocess
import sys
import tempfile
import unittest
import zipfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
TORCH = os.environ["ODDITY_TORCH_ROOT"]
BUILD = pathlib.Path(os.environ["ODDITY_WHEEL_BUILD"])

try:
    import numpy  # noqa: F401
    import scikit_build_core  # noqa: F401
except ImportError as error:
    print(f"skipped: {error}; `make peers` installs it")
    sys.exit(77)


class Wheel(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory(prefix="oddity-wheel-")
        work = pathlib.Path(cls.folder.name)
        done = subprocess.run(
            [sys.executable, "-m", "pip", "wheel", "--no-build-isolation", "--no-deps", "--quiet", "--disable-pip-version-check",
             "--wheel-dir", work / "dist", "--config-settings", f"build-dir={BUILD}", "--config-settings", f"cmake.define.ODDITY_TORCH_ROOT={TORCH}", ROOT],
            capture_output=True, text=True, env={**os.environ, "PIP_NO_INDEX": "1"},
        )  # fmt: skip
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
        wheels = list((work / "dist").glob("*.whl"))
        assert len(wheels) == 1, wheels
        with zipfile.ZipFile(wheels[0]) as wheel:
            cls.names = wheel.namelist()
            wheel.extractall(work / "site")
        cls.site = work / "site"

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    def python(self, code, *paths):
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, [self.site, *paths]))}
        return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, cwd=self.folder.name)

    def test_it_holds_both_modules_types_and_licence_and_nothing_of_the_line(self):
        names = [name for name in self.names if not name.endswith("/")]
        self.assertEqual(sum(name.startswith("oddity/_metrics.") and name.endswith(".so") for name in names), 1)
        self.assertEqual(sum(name.startswith("oddity/_core.") and name.endswith(".so") for name in names), 1)
        self.assertIn("oddity/py.typed", names)
        self.assertTrue(any(name.endswith("licenses/LICENSE") for name in names), names)
        self.assertTrue(all(name.startswith("oddity/") or ".dist-info/" in name for name in names), names)

    def test_metrics_need_no_torch(self):
        done = self.python("import sys; sys.modules['torch'] = None\nfrom oddity.metrics import intervals\nprint(intervals.clopper_pearson(0, 299).high)")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertTrue(done.stdout.startswith("0.01226"), done.stdout)

    def test_the_engine_runs_on_the_torch_it_was_built_against(self):
        done = self.python("import oddity\ntry:\n    oddity.Engine('nothing.oddity')\nexcept FileNotFoundError as error:\n    print(error)",
                           pathlib.Path(TORCH).parent)  # fmt: skip
        self.assertIn("nothing.oddity", done.stdout, done.stderr)


if __name__ == "__main__":
    unittest.main(verbosity=2)
