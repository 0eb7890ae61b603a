"""oddity: anomaly, generative and out-of-distribution models for inspection by camera.

`oddity.metrics` holds numbers with guarantees about scores, labels, masks and features; it needs numpy only. What trains and judges needs the torch that
oddity was built against. Parts are imported when first used, so that `import oddity` is immediate.
"""

import importlib

__all__ = ["metrics"]


def __getattr__(name: str) -> object:
    if name in __all__:
        return importlib.import_module(f"oddity.{name}")
    raise AttributeError(f"module 'oddity' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
