"""Type checkers see the package: it is clean under mypy --strict, right use passes, wrong use is found."""

import os
import pathlib
import subprocess
import sys

import pytest

pytest.importorskip("mypy")
ROOT = pathlib.Path(__file__).resolve().parents[2]


def mypy(*arguments, **environment):
    return subprocess.run([sys.executable, "-m", "mypy", "--strict", "--no-error-summary", "--cache-dir", os.devnull, *map(str, arguments)],
                          capture_output=True, text=True, env={**os.environ, **environment})  # fmt: skip


def test_the_package_is_clean():
    done = mypy(ROOT / "python_bindings/oddity")
    assert done.returncode == 0, done.stdout


def test_users_get_types(tmp_path):
    script = tmp_path / "use.py"
    script.write_text(
        "import oddity\n"
        "from oddity.metrics import intervals\n"
        "high: float = intervals.clopper_pearson(0, 299).high\n"
        "wrong: str = intervals.clopper_pearson(0, 299).high\n"
        "def judged(engine: oddity.Engine) -> float:\n"
        "    return engine.judge([[0]]).score\n"
    )
    done = mypy(script, MYPYPATH=str(ROOT / "python_bindings"))
    assert [line.split(":")[1] for line in done.stdout.splitlines() if "error" in line] == ["4"], done.stdout
