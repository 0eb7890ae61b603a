"""The notebooks run from the first cell to the last, and print what they were stored with: what a reader sees is true."""

import pathlib
import re
import sys

import pytest

import oddity

nbformat = pytest.importorskip("nbformat", reason="nbformat is missing; `make peers` installs it")
nbclient = pytest.importorskip("nbclient", reason="nbclient is missing; `make peers` installs it")
pytest.importorskip("ipykernel", reason="ipykernel is missing; `make peers` installs it")
pytest.importorskip("matplotlib", reason="matplotlib is missing; `make peers` installs it")

NOTEBOOKS = pathlib.Path(__file__).resolve().parents[2] / "examples" / "notebooks"


def printed(cell):
    return "".join(output.text for output in cell.get("outputs", []) if output.output_type == "stream" and output.name == "stdout")


def pictures(cell):
    return sum("image/png" in output.get("data", {}) for output in cell.get("outputs", []))


def numbers(text):
    """The text with its numbers taken out, and these."""
    pattern = r"[-+]?\d+(?:\.\d+)?(?:e[-+]?\d+)?"
    return re.sub(pattern, "#", text), [float(number) for number in re.findall(pattern, text)]


@pytest.fixture
def kernel(tmp_path, monkeypatch):
    """The kernel is this Python, wherever else one is registered."""
    spec = tmp_path / "kernels" / "python3"
    spec.mkdir(parents=True)
    (spec / "kernel.json").write_text(f'{{"argv": ["{sys.executable}", "-m", "ipykernel_launcher", "-f", "{{connection_file}}"], "display_name": "Python 3", "language": "python"}}')
    monkeypatch.setenv("PYTHONPATH", str(pathlib.Path(oddity.__file__).absolute().parents[1]))
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path))
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    monkeypatch.setenv("MPLBACKEND", "module://matplotlib_inline.backend_inline")


@pytest.mark.parametrize("name", sorted(path.name for path in NOTEBOOKS.glob("*.ipynb")))
def test_runs_and_prints_what_is_stored(name, kernel, tmp_path):
    stored = nbformat.read(NOTEBOOKS / name, 4)
    nbformat.validate(stored)
    ran = nbformat.read(NOTEBOOKS / name, 4)
    for cell in ran.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    nbclient.NotebookClient(ran, timeout=300, kernel_name="python3", resources={"metadata": {"path": str(tmp_path)}}).execute()
    assert any(printed(cell) for cell in stored.cells), "stored without its output"
    for before, after in zip(stored.cells, ran.cells, strict=True):
        assert pictures(before) == pictures(after)
        (text, values), (new_text, new_values) = numbers(printed(before)), numbers(printed(after))
        assert text == new_text
        # Other processors may round the last printed digit the other way.
        assert new_values == pytest.approx(values, rel=0.01, abs=0.0011)


def test_the_walk_through_the_metrics_is_there():
    assert (NOTEBOOKS / "metrics.ipynb").is_file()
