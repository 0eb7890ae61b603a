"""tools/setup and tools/find_torch against fake machines: missing packages with and without root, damaged and interrupted installations of LibTorch.

Fakes of dpkg-query, apt-get, id and python3 stand first on PATH and write down how they were called; nothing is installed.
"""

import os
import pathlib
import shutil
import subprocess
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
VERSION_H = "#define TORCH_VERSION_MAJOR {}\n#define TORCH_VERSION_MINOR {}\n#define TORCH_VERSION_PATCH {}\n"


def write(path, text, executable=False):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    if executable:
        path.chmod(0o755)


class Machine:
    """A folder with a copy of the scripts, fakes on PATH and an own cache."""

    def __init__(self, folder):
        self.root = pathlib.Path(folder)
        for script in ("setup", "find_torch"):
            self.root.joinpath("repo/tools").mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / "tools" / script, self.root / "repo/tools" / script)
        self.cache = self.root / "cache"
        self.fake("python3", "exit 1")  # no torch in the Python on PATH
        self.installed("all")
        self.user(1000)
        self.fake("apt-get", f'echo "$*" >>{self.root}/apt.log; touch {self.root}/all_installed')

    def fake(self, name, body):
        write(self.root / "bin" / name, f"#!/bin/bash\n{body}\n", executable=True)

    def installed(self, which):
        """dpkg-query answers that everything is there, or everything but ninja-build until apt-get was called."""
        condition = "true" if which == "all" else f"[[ -e {self.root}/all_installed || $p != ninja-build ]]"
        self.fake("dpkg-query", f'for p in "${{@:3}}"; do {condition} && echo "installed $p"; done; exit 0')

    def user(self, number):
        self.fake("id", f"echo {number}")

    def torch(self, where, version=(2, 11, 0)):
        for name in ("lib/libtorch_cpu.so", "lib/libc10.so", "include/ATen/core/Tensor.h"):
            write(where / name, "content\n")
        write(where / "include/torch/headeronly/version.h", VERSION_H.format(*version))

    def venv(self, stamp=True):
        """A complete installation in the cache, as pip leaves it, with the Python that runs this test."""
        venv = self.cache / "torch-2.11.0"
        site = venv / "lib/python3.11/site-packages"
        self.torch(site / "torch")
        write(site / "numpy/__init__.py", "")
        write(site / "torch-2.11.0.dist-info/RECORD", "torch/lib/libtorch_cpu.so,sha256=x,8\ntorch/lib/libc10.so,sha256=x,8\ntorch/x.pyc,,\n")
        write(site / "numpy-2.0.0.dist-info/RECORD", "numpy/__init__.py,sha256=x,0\n")
        (venv / "bin").mkdir()
        (venv / "bin/python3").symlink_to("/usr/bin/python3")
        if stamp:
            write(venv / ".oddity-complete", "torch==2.11.0 numpy\n")
        return venv

    def run(self, script, *arguments, **environment):
        env = {k: v for k, v in os.environ.items() if k not in ("Torch_DIR", "XDG_CACHE_HOME")}
        env |= {"PATH": f"{self.root}/bin:/usr/bin:/bin", "ODDITY_CACHE": str(self.cache), **environment}
        return subprocess.run([self.root / "repo/tools" / script, *arguments], env=env, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=60)


class Setup(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.machine = Machine(folder.name)

    def test_when_all_is_there_it_only_says_so(self):
        self.machine.venv()
        done = self.machine.run("setup")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("packages complete; LibTorch 2.11.0 in", done.stderr)
        self.assertFalse((self.machine.root / "apt.log").exists())

    def test_without_root_it_prints_one_line_and_exits_2(self):
        self.machine.venv()
        self.machine.installed("but one")
        done = self.machine.run("setup")
        self.assertEqual(done.returncode, 2)
        self.assertEqual(done.stdout, "sudo sh -c 'apt-get update && apt-get install -y --no-install-recommends ninja-build'\n")
        self.assertFalse((self.machine.root / "apt.log").exists())

    def test_as_root_it_installs_only_what_is_missing(self):
        self.machine.venv()
        self.machine.installed("but one")
        self.machine.user(0)
        done = self.machine.run("setup")
        self.assertEqual(done.returncode, 0, done.stderr)
        update, install = (self.machine.root / "apt.log").read_text().splitlines()
        self.assertTrue(update.startswith("update"))
        self.assertIn("install -y --no-install-recommends ninja-build ", install + " ")

    def test_apt_that_installs_nothing_is_an_error(self):
        self.machine.venv()
        self.machine.installed("but one")
        self.machine.user(0)
        self.machine.fake("apt-get", "exit 0")
        done = self.machine.run("setup")
        self.assertEqual(done.returncode, 1)
        self.assertIn("still missing: ninja-build", done.stderr)

    def test_a_stamp_is_not_believed(self):
        for damage in ("missing", "short", "other stamp", "no python"):
            with self.subTest(damage):
                venv = self.machine.venv()
                if damage == "missing":
                    (venv / "lib/python3.11/site-packages/numpy/__init__.py").unlink()
                elif damage == "short":
                    write(venv / "lib/python3.11/site-packages/torch/lib/libtorch_cpu.so", "conten\n")
                elif damage == "other stamp":
                    write(venv / ".oddity-complete", "torch==2.10.0 numpy\n")
                else:
                    (venv / "bin/python3").unlink()
                done = self.machine.run("setup", "--check")
                self.assertEqual(done.returncode, 2, done.stderr)
                self.assertIn("missing or incomplete", done.stderr)
                shutil.rmtree(self.machine.cache)

    def test_without_a_stamp_the_cache_is_not_used(self):
        self.machine.venv(stamp=False)
        self.assertEqual(self.machine.run("find_torch", "2.11.0").returncode, 1)
        self.assertEqual(self.machine.run("setup", "--check").returncode, 2)

    def test_unknown_arguments_are_refused(self):
        self.assertEqual(self.machine.run("setup", "--force").returncode, 2)


class FindTorch(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.machine = Machine(folder.name)

    def test_order_is_torch_dir_then_python_then_cache(self):
        cache = self.machine.venv() / "lib/python3.11/site-packages/torch"
        self.assertEqual(self.machine.run("find_torch", "2.11.0").stdout.strip(), str(cache.resolve()))
        other = self.machine.root / "other"
        self.machine.torch(other)
        self.machine.fake("python3", f"echo {other}")
        self.assertEqual(self.machine.run("find_torch", "2.11.0").stdout.strip(), str(other.resolve()))
        third = self.machine.root / "third"
        self.machine.torch(third)
        (third / "share/cmake/Torch").mkdir(parents=True)
        done = self.machine.run("find_torch", "2.11.0", Torch_DIR=str(third / "share/cmake/Torch"))
        self.assertEqual(done.stdout.strip(), str(third.resolve()))

    def test_another_version_in_python_is_passed_over(self):
        cache = self.machine.venv() / "lib/python3.11/site-packages/torch"
        old = self.machine.root / "old"
        self.machine.torch(old, version=(2, 10, 0))
        self.machine.fake("python3", f"echo {old}")
        self.assertEqual(self.machine.run("find_torch", "2.11.0").stdout.strip(), str(cache.resolve()))

    def test_a_wrong_torch_dir_is_an_error_and_not_passed_over(self):
        self.machine.venv()
        done = self.machine.run("find_torch", "2.11.0", Torch_DIR="/nowhere")
        self.assertEqual(done.returncode, 1)
        self.assertIn("/nowhere", done.stderr)


if __name__ == "__main__":
    unittest.main()
