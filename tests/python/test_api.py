"""The public Python names: documented, annotated, with examples that run, imported fast and without torch."""

import doctest
import importlib
import inspect
import pathlib
import pkgutil
import subprocess
import sys
import time

import pytest

import oddity
import oddity.metrics

MODULES = [f"oddity.metrics.{m.name}" for m in pkgutil.iter_modules(oddity.metrics.__path__) if not m.name.startswith("_")]
TESTS = "\n".join(p.read_text(encoding="utf-8") for p in pathlib.Path(__file__).parent.glob("test_*.py") if p.name != "test_api.py")


def public(module_name):
    module = importlib.import_module(module_name)
    return [(f"{module_name}.{name}", getattr(module, name)) for name in module.__all__]


ITEMS = [item for module in MODULES for item in public(module)]
FUNCTIONS = [(name, item) for name, item in ITEMS if inspect.isfunction(item)]
METHODS = [
    (f"{name}.{key}", member)
    for name, item in ITEMS
    if inspect.isclass(item)
    for key, member in vars(item).items()
    if inspect.isfunction(member) and not key.startswith("_")
]


def test_every_module_is_named_by_the_package():
    assert sorted(oddity.metrics.__all__) == sorted(m.rsplit(".", 1)[1] for m in MODULES)
    assert len(FUNCTIONS) > 0


@pytest.mark.parametrize("name, function", FUNCTIONS + METHODS, ids=[n for n, _ in FUNCTIONS + METHODS])
def test_functions_are_annotated_and_documented(name, function):
    signature = inspect.signature(function)
    arguments = [p for p in signature.parameters.values() if p.name not in ("self", "cls")]
    assert signature.return_annotation is not inspect.Signature.empty
    assert all(p.annotation is not inspect.Parameter.empty for p in arguments)
    text = inspect.getdoc(function) or ""
    assert text.splitlines()[0].endswith("."), "the first line is one sentence"
    if arguments:
        assert "Args:" in text and "Raises:" in text
        for parameter in arguments:
            assert f"{parameter.name}:" in text or f"{parameter.name}," in text, f"{parameter.name} is not explained"
    if signature.return_annotation is not None:
        assert "Returns:" in text


@pytest.mark.parametrize("name, item", [(n, i) for n, i in ITEMS if inspect.isclass(i)])
def test_results_explain_their_fields(name, item):
    text = inspect.getdoc(item) or ""
    fields = getattr(item, "__dataclass_fields__", {})
    if fields:
        assert "Attributes:" in text
        for field in fields:
            assert f"{field}:" in text, f"{field} is not explained"


@pytest.mark.parametrize("name, function", FUNCTIONS, ids=[n for n, _ in FUNCTIONS])
def test_every_function_is_called_by_a_test(name, function):
    assert f"{function.__name__}(" in TESTS


@pytest.mark.parametrize("module", MODULES)
def test_examples_run(module):
    result = doctest.testmod(importlib.import_module(module))
    assert result.attempted > 0 and result.failed == 0


def test_import_is_fast_and_needs_no_torch():
    code = "import sys; sys.modules['torch'] = None; import oddity.metrics; assert 'oddity._core' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
    times = []
    for _ in range(5):
        start = time.perf_counter()
        subprocess.run([sys.executable, "-c", "import numpy"], check=True)
        bare = time.perf_counter() - start
        start = time.perf_counter()
        subprocess.run([sys.executable, "-c", "import oddity.metrics"], check=True)
        times.append(time.perf_counter() - start - bare)
    assert min(times) < 0.3
