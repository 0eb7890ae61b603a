# Compiled submodules hold bare functions; oddity.metrics.<area> in front of them carries types and documentation.
from typing import Any

def __getattr__(name: str) -> Any: ...
