"""Plants violations in a small git checkout and checks that tools/check_files.py names them, and passes a clean tree."""

import pathlib
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
CLEAN = {
    "Makefile": "demo: build\ntest:\nbuild-all:\n",
    "README.md": "Run `make demo`, then\n```\nmake test   # minutes\n```\nto make sure. See [how](CONTRIBUTING.md) and `src/core/error.h`.\n",
    "CONTRIBUTING.md": "`make build-all`\n",
    "src/core/error.h": "x\n" * 500,
}


def run(rule, tree):
    with tempfile.TemporaryDirectory() as folder:
        for name, content in tree.items():
            file = pathlib.Path(folder, name)
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content if isinstance(content, bytes) else content.encode())
        subprocess.run(["git", "init", "-q", folder], check=True)
        done = subprocess.run([sys.executable, ROOT / "tools/check_files.py", rule, folder], capture_output=True, text=True)
        return done.returncode, done.stdout


class CheckFiles(unittest.TestCase):
    def expect(self, rule, changes, where):
        code, out = run(rule, {**CLEAN, **changes})
        self.assertEqual(code, 1, out)
        self.assertEqual([line.split(": ")[0] for line in out.splitlines()], where, out)

    def test_a_clean_tree_passes(self):
        for rule in ("length", "binary", "readme"):
            self.assertEqual(run(rule, CLEAN)[0], 0, rule)

    def test_long_sources(self):
        self.expect("length", {"src/core/a.cpp": "x\n" * 501, "tools/b": "x\n" * 600}, ["src/core/a.cpp:501", "tools/b:501"])

    def test_binary_files(self):
        self.expect("binary", {"a.png": b"\x89PNG"}, ["a.png:1"])
        self.expect("binary", {"a.txt": b"ab\0c"}, ["a.txt:1"])
        self.expect("binary", {"a.csv": b"1,2\n" * 300_000}, ["a.csv:1"])

    def test_readme(self):
        self.expect("readme", {"README.md": "`make demo` `make test` `make tea`\n"}, ["README.md:1"])
        self.expect("readme", {"README.md": "`make demo`\n"}, ["README.md:1"])
        self.expect("readme", {"CONTRIBUTING.md": "a\n```\nmake nothing\n```\n"}, ["CONTRIBUTING.md:3"])
        self.expect("readme", {"CONTRIBUTING.md": "`src/core/gone.h`\n[x](gone.md)\n"}, ["CONTRIBUTING.md:1", "CONTRIBUTING.md:2"])

    def test_a_folder_without_git_is_skipped(self):
        with tempfile.TemporaryDirectory() as folder:
            self.assertEqual(subprocess.run([sys.executable, ROOT / "tools/check_files.py", "length", folder], capture_output=True).returncode, 77)


if __name__ == "__main__":
    unittest.main()
